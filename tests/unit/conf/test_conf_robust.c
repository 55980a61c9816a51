// SPDX-License-Identifier: BSD-3-Clause
// Files cut off, damaged, or made to hurt: refused or read, in bounded time and memory, never worse. Under ASan this
// also shows that nothing is read beyond the text and nothing is left behind.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "conf.h"

static char *block_read(void) {
	char path[512], *text = calloc(1, 1 << 16);
	FILE *in;

	snprintf(path, sizeof(path), "%s/tests/unit/conf/design-block.yaml", getenv("SOURCE_ROOT"));
	in = fopen(path, "re");
	assert_non_null(in);
	assert_true(fread(text, 1, (1 << 16) - 1, in) > 1000);
	fclose(in);
	return text;
}

// Returns whether the text was accepted; *said, to be freed, is what went to errors.
static bool load(const char *text, char **said) {
	size_t len;
	FILE *out = open_memstream(said, &len);
	struct conf *c = conf_load_text("x.yaml", text, out);

	fclose(out);
	assert_true((c == NULL) == (len > 0)); // refused means said why, accepted means silent
	conf_free(c);
	return c;
}

static void truncated_at_every_byte(void **state) {
	char *text = block_read(), *said;
	size_t len = strlen(text);
	unsigned n_accepted = 0;

	(void)state;
	for (size_t cut = len; cut-- > 0;) {
		char *copy = strndup(text, cut); // its end is the end of an allocation

		n_accepted += load(copy, &said);
		free(said);
		free(copy);
	}
	assert_in_range(n_accepted, 1, len / 4); // between whole sections it is a good file
	free(text);
}

static void bytes_damaged(void **state) {
	static const char bytes[] = "\t\n :,[]{}&*!|>'\"%@`#-?~0a\xff\xc3\x80\x01";
	char *text = block_read(), *said;
	size_t len = strlen(text);
	uint32_t seed = 1;
	unsigned n_refused = 0;

	(void)state;
	for (unsigned i = 0; i < 2000; i++) {
		char *copy = strdup(text);

		for (unsigned k = 0; k <= i % 3; k++) {
			seed = seed * 1664525 + 1013904223;
			copy[(seed >> 8) % len] = bytes[(seed >> 4) % (sizeof(bytes) - 1)];
		}
		n_refused += !load(copy, &said);
		free(said);
		free(copy);
	}
	assert_in_range(n_refused, 500, 2000);
	free(text);
}

static char text_large[1 << 20];

static FILE *text_open(void) {
	FILE *f = fmemopen(text_large, sizeof(text_large), "w");

	assert_non_null(f);
	return f;
}

static void errors_are_bounded(void **state) {
	FILE *f = text_open();
	size_t n_lines = 0;
	char *said;

	(void)state;
	fprintf(f, "version: 1\nhub:\n");
	for (unsigned i = 0; i < 1000; i++)
		fprintf(f, "  unheard-of-%u: 1\n", i);
	fclose(f);
	assert_false(load(text_large, &said));
	for (const char *p = said; *p; p++)
		n_lines += *p == '\n';
	assert_int_equal(n_lines, 101);
	assert_non_null(strstr(said, "x.yaml:3:3: unknown key 'unheard-of-0'"));
	assert_non_null(strstr(said, "x.yaml: more than 100 errors: mend these first\n"));
	free(said);
}

// 100,000 aliases of one route with 16 next hops: 500 kB, which written out were five million values.
static void aliases_do_not_explode(void **state) {
	FILE *f = text_open();
	char *said;

	(void)state;
	fprintf(f, "version: 1\nports: {p: {device: d, address: 192.0.2.1/24}}\nroutes:\n- &r {prefix: 10.0.0.0/8, "
		   "via: [");
	for (unsigned i = 0; i < 16; i++)
		fprintf(f, "{next-hop: 192.0.2.%u, port: p},", i + 10);
	fprintf(f, "]}\n");
	for (unsigned i = 0; i < 100000; i++)
		fprintf(f, "- *r\n");
	fclose(f);
	assert_false(load(text_large, &said));
	assert_non_null(strstr(said, ": the aliases make the file too large: at most 4 million values\n"));
	assert_int_equal(strchr(said, '\n')[1], '\0'); // said once
	free(said);
}

static void many_anchors(void **state) {
	FILE *f = text_open();
	char *said;

	(void)state;
	fprintf(f, "version: 1\nhub: {worker-cpus: [");
	for (unsigned i = 0; i < 65; i++)
		fprintf(f, "&a%u %u,", i, i);
	fprintf(f, "]}\n");
	fclose(f);
	assert_false(load(text_large, &said));
	assert_string_equal(said, "x.yaml:2:513: too many anchors: at most 64; write the values out\n");
	free(said);
}

static void long_words(void **state) {
	FILE *f = text_open();
	char *said;

	(void)state;
	fprintf(f, "version: 1\nhub: {name: %0100000d}\n", 0);
	fclose(f);
	assert_false(load(text_large, &said));
	assert_string_equal(said, "x.yaml:2:13: name: wants 1 to 15 characters, here are 100000\n");
	free(said);
	f = text_open();
	fprintf(f, "version: 1\nhub: {%0900d: 1}\n", 0); // libyaml: a key has at most 1024
	fclose(f);
	assert_false(load(text_large, &said));
	assert_non_null( // so many digits may be those of a cipher's key
		strstr(said, "x.yaml:2:7: unknown key '****************************************': the keys here are"));
	free(said);
}

static char *file_refused(const char *path) {
	char *said = NULL;
	size_t len;
	FILE *out = open_memstream(&said, &len);

	assert_null(conf_load(path, out));
	fclose(out);
	return said;
}

static void files_that_cannot_be_read(void **state) {
	char path[] = "/tmp/conf-large-XXXXXX", expected[128];
	char *said = file_refused("/nonexistent/hub.yaml");
	int fd = mkstemp(path);

	(void)state;
	assert_string_equal(said, "/nonexistent/hub.yaml: cannot be read: No such file or directory\n");
	free(said);
	said = file_refused("/tmp");
	assert_string_equal(said, "/tmp: cannot be read: Is a directory\n");
	free(said);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, 33 << 20), 0);
	said = file_refused(path);
	unlink(path);
	close(fd);
	snprintf(expected, sizeof(expected), "%s: cannot be read: it is larger than 32 MiB\n", path);
	assert_string_equal(said, expected);
	free(said);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(truncated_at_every_byte),
		cmocka_unit_test(bytes_damaged),
		cmocka_unit_test(errors_are_bounded),
		cmocka_unit_test(aliases_do_not_explode),
		cmocka_unit_test(many_anchors),
		cmocka_unit_test(long_words),
		cmocka_unit_test(files_that_cannot_be_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
