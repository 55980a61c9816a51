// SPDX-License-Identifier: BSD-3-Clause
// What a command answers: the same rows as table, as record and as JSON. The JSON is read back by jq, which we did not
// write.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "out.h"
#include "out_cells.h"

static void add_spokes(struct out *o) {
	out_list(o, "spokes");
	out_row(o);
	out_str(o, "protocol", "10.255.0.1");
	out_u64(o, "holding_time_s", 600);
	out_bool(o, "unique", true);
	out_detail(o);
	out_str(o, "nbma", "192.0.2.1");
	out_row(o);
	out_str(o, "protocol", "2001:db8:ff::1");
	out_null_u64(o, "holding_time_s");
	out_bool(o, "unique", false);
	out_detail(o);
	out_str(o, "nbma", NULL);
}

static void renders(struct out *o, const char *expected) {
	size_t len;
	const char *text = out_render(o, &len);

	assert_non_null(text);
	assert_string_equal(text, expected);
	assert_int_equal(len, strlen(expected));
	out_free(o);
}

static void test_table(void **state) {
	struct out *o = out_create(false);

	(void)state;
	add_spokes(o);
	renders(o, "protocol        holding time (s)  unique\n"
		   "10.255.0.1                   600  yes\n"
		   "2001:db8:ff::1                 -  no\n");
}

static void test_json_list(void **state) {
	struct out *o = out_create(true);

	(void)state;
	add_spokes(o);
	renders(o, "[\n  {\"protocol\": \"10.255.0.1\", \"holding_time_s\": 600, \"unique\": true, \"nbma\": "
		   "\"192.0.2.1\"},"
		   "\n  {\"protocol\": \"2001:db8:ff::1\", \"holding_time_s\": null, \"unique\": false, \"nbma\": "
		   "null}\n]\n");
}

static void test_empty_list(void **state) {
	struct out *people = out_create(false);
	struct out *json = out_create(true);

	(void)state;
	out_list(people, "spokes");
	renders(people, "no spokes\n");
	out_list(json, "spokes");
	renders(json, "[]\n");
}

static void test_record(void **state) {
	struct out *people = out_create(false);
	struct out *json = out_create(true);

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct out *o = i ? json : people;

		out_record(o, "version");
		out_str(o, "version", "0.1");
		out_f64(o, "uptime_s", 1.25, 1);
		out_f64(o, "nothing", NAN, 1);
	}
	renders(people, "version     0.1\n"
			"uptime (s)  1.2\n"
			"nothing     -\n");
	renders(json, "{\"version\": \"0.1\",\n \"uptime_s\": 1.2,\n \"nothing\": null}\n");
}

static void test_text_and_error(void **state) {
	struct out *text = out_create(false), *json = out_create(true), *bad = out_create(true),
		   *bad_text = out_create(false);

	(void)state;
	out_text(text, "one");
	out_text(text, "two");
	renders(text, "one\ntwo\n");
	out_text(json, "say \"%s\"", "it");
	renders(json, "{\"message\": \"say \\\"it\\\"\"}\n");
	assert_int_equal(out_error(bad, -2, "no spoke %s", "x"), -2);
	assert_int_equal(out_rc(bad), -2);
	renders(bad, "{\"error\": \"no spoke x\"}\n");
	add_spokes(bad_text); // rows that were made before it failed are shown, the error last
	out_error(bad_text, -5, "cut short");
	assert_non_null(strstr(out_render(bad_text, &(size_t){0}), "no\ncut short\n"));
	out_free(bad_text);
}

// A name from the network cannot move the cursor of whoever looks at it, nor break JSON.
static void test_hostile_strings(void **state) {
	static const char hostile[] = "a\x1b[2J\"\\\n\t\xc2\x9b\xff\xed\xa0\x80\xc3\xa9\x7f";
	struct out *people = out_create(false);
	struct out *json = out_create(true);

	(void)state;
	out_record(people, "x");
	out_str(people, "name", hostile);
	renders(people, "name  a?[2J\"\\???????\xc3\xa9?\n");
	out_record(json, "x");
	out_str(json, "name", hostile);
	renders(json,
		"{\"name\": \"a\\u001b[2J\\\"\\\\\\n\\u0009\xc2\x9b\\ufffd\\ufffd\\ufffd\\ufffd\xc3\xa9\\u007f\"}\n");
}

// --- slices ---
struct counter {
	unsigned next, freed;
};

static void counter_free(void *cursor, void *arg) {
	assert_null(arg);
	((struct counter *)cursor)->freed++;
}

static void count_slice(struct out *o, struct counter *counter, unsigned upto) {
	if (!out_cursor(o)) {
		out_list(o, "numbers");
		out_set_cursor(o, counter, NULL, counter_free);
	}
	out_slice_begin(o);
	while (!out_full(o) && counter->next < upto) {
		out_row(o);
		out_u64(o, "n", counter->next++);
	}
	if (counter->next == upto)
		out_end(o);
}

static void test_slices_join(void **state) {
	struct counter a = {0}, b = {0};
	struct out *whole = out_create(true), *sliced = out_create(true);
	char joined[8192] = "";
	unsigned slices = 0;
	size_t len;

	(void)state;
	do
		count_slice(whole, &a, 200);
	while (out_more(whole));
	do {
		count_slice(sliced, &b, 200);
		snprintf(joined + strlen(joined), sizeof(joined) - strlen(joined), "%s", out_render(sliced, &len));
		slices++;
	} while (out_more(sliced));
	assert_int_equal(slices, (200 + OUT_SLICE_ROWS - 1) / OUT_SLICE_ROWS);
	assert_string_equal(out_render(whole, &len), joined);
	assert_int_equal(a.freed, 1);
	assert_int_equal(b.freed, 1);
	out_free(whole);
	out_free(sliced);
}

static void test_cursor_freed_when_cut_short(void **state) {
	struct counter a = {0};
	struct out *o = out_create(false);

	(void)state;
	count_slice(o, &a, 1000);
	assert_true(out_more(o));
	out_free(o);
	assert_int_equal(a.freed, 1);
}

// jq reads what we wrote, every control character, quote and broken UTF-8 sequence in it, and gives the same names
// back.
static void test_jq_reads_it(void **state) {
	char path[] = "/tmp/test_out_XXXXXX", command[128], first[64] = "";
	int fd = mkstemp(path);
	struct out *o = out_create(true);
	const char *text;
	size_t len;
	FILE *f;

	(void)state;
	assert_true(fd >= 0);
	out_list(o, "strings");
	for (unsigned i = 1; i < 256; i++) {
		char s[] = {'a', (char)i, 'b', '\0'};

		out_row(o);
		out_str(o, "s", s);
		out_u64(o, "i", i);
		out_f64(o, "f", i / 3.0, 3);
	}
	text = out_render(o, &len);
	assert_int_equal(write(fd, text, len), len);
	close(fd);
	out_free(o);
	snprintf(command, sizeof(command),
		"jq -r '[length, ([.[]|select(.s == \"a\" + ([.i]|implode) + \"b\")]|length), .[8].f] | @csv' %s",
		path);
	f = popen(command, "r");
	assert_non_null(f);
	assert_non_null(fgets(first, sizeof(first), f));
	assert_int_equal(pclose(f), 0);
	assert_string_equal(first, "255,127,3\n");
	unlink(path);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_json_list),
		cmocka_unit_test(test_empty_list),
		cmocka_unit_test(test_record),
		cmocka_unit_test(test_text_and_error),
		cmocka_unit_test(test_hostile_strings),
		cmocka_unit_test(test_slices_join),
		cmocka_unit_test(test_cursor_freed_when_cut_short),
		cmocka_unit_test(test_jq_reads_it),
	};

	return cmocka_run_group_tests_name("out", tests, NULL, NULL);
}
