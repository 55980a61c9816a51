// SPDX-License-Identifier: BSD-3-Clause
// Lines that hold keys: they are run, and that is the last of them.
#include "session_fixture.h"

#include <errno.h>
#include <stdio.h>
#include <sys/mman.h>

#include "console_priv.h"
#include "out.h"

#define SECRET "c0ffee00c0ffee11c0ffee22c0ffee33"

static unsigned additions;

static int run_add(struct nave *n, const struct console_args *args, struct out *out) {
	(void)n;
	additions += args->n == 5 && strcmp(args->word[4], SECRET) == 0;
	out_text(out, "done");
	return 0;
}

static const struct console_cmd cmds[] = {
	{"show version", "what runs here", run_add, false},
	{"evict spoke ADDRESS", "forget it", run_add, true},
	{"key add in|out WORD KEY", "one with a key", run_add, true, .secret = true},
	{0},
};

static int setup(void **state) {
	(void)state;
	memset(&nave, 0, sizeof(nave));
	additions = 0;
	nave.control = control_create(&nave);
	nave.console = nave.control ? console_create(&nave) : NULL;
	return nave.console && console_add(nave.console, cmds) == 0 ? 0 : -1;
}

static int teardown(void **state) {
	(void)state;
	console_free(nave.console);
	control_free(nave.control);
	return 0;
}

// By hand: sanitizers do not like others to look at what is freed.
__attribute__((no_sanitize("address"))) static bool is_between(const char *begin, const char *end) {
	unsigned n = 0;

	for (; begin < end && n < strlen(SECRET); begin++)
		n = *begin == SECRET[n] ? n + 1 : *begin == SECRET[0];
	return n == strlen(SECRET);
}

// Whether SECRET stands anywhere in memory that was written to: heap and mappings.
static bool is_in_memory(void) {
	FILE *maps = fopen("/proc/self/maps", "re");
	char line[512], *begin, *end;
	bool found = false;

	while (fgets(line, sizeof(line), maps)) {
		if (sscanf(line, "%p-%p", (void **)&begin, (void **)&end) == 2 && strstr(line, " rw") &&
			!strstr(line, "[stack]") && end - begin < 64 << 20)
			found |= is_between(begin, end);
	}
	fclose(maps);
	return found;
}

// Typed, and misspelt.
static void test_keys_are_not_kept(void **state) {
	static const char *const lines[] = {
		"key add in x " SECRET "\r", "key add in " SECRET "\r", "kye add out x " SECRET "\r", "\x1b[A\r"};
	static const char *const answers[] = {NULL,
		"not complete: word 5, KEY, is missing; the command is \"key add in|out WORD KEY\"\r\nnave> ",
		"Try \"help\"\r\nnave> "};
	struct client *p = attach();

	(void)state;
	say(p, "nave-console 1 interactive\n");
	expect(p, "nave> ");
	say(p, "show version\r");
	expect(p, "done\r\nnave> ");
	say(p, lines[0]);
	expect(p, "done\r\nnave> ");
	assert_int_equal(additions, 1);
	for (unsigned i = 1; i < 3; i++) {
		const char *at;

		forget(p);
		say(p, lines[i]);
		expect(p, answers[i]);
		at = strstr(p->got, SECRET); // the echo to who types it
		assert_non_null(at);
		assert_null(strstr(at + 1, SECRET));
	}
	assert_true(is_in_memory()); // in our own, as it was echoed
	memset(p->got, 0, sizeof(p->got));
	forget(p);
	assert_false(is_in_memory());
	say(p, lines[3]); // the newest line that is recalled
	expect(p, "done\r\nnave> ");
	detach(p);
}

static void test_admin_lines_are_logged_without_keys(void **state) {
	struct client *p = attach();
	char said[256] = "";
	int log = memfd_create("log", 0), stderr_was = dup(STDERR_FILENO);

	(void)state;
	dup2(log, STDERR_FILENO);
	say(p, "nave-console 1 text\nkey add in x " SECRET "\nevict spoke 10.0.0.1\n");
	expect(p, "done\nend 0\ndata 5\ndone\nend 0\n");
	dup2(stderr_was, STDERR_FILENO);
	assert_true(pread(log, said, sizeof(said) - 1, 0) > 0);
	assert_null(strstr(said, SECRET));
	assert_non_null(strstr(said, "key add in|out WORD KEY"));
	assert_non_null(strstr(said, "evict spoke 10.0.0.1"));
	close(log);
	close(stderr_was);
	detach(p);
}

static void what_may_be_a_key(void **state) {
	static const struct {
		const char *line;
		bool is_secret;
	} cases[] = {
		{"key add", true},
		{"kye add in x c0ffee00c0ffee11", true},
		{"kye add in x 0xc0ffee00c0ffee11", true},
		{"kye add in x c0:ff:ee:00:c0:ff:ee:11:c0", true},
		{"kye add in x 0xC0-FF-EE-00-C0-FF-EE-11 x", true},
		{"kye add in x c0ffee00.c0ffee11", true},
		{"kye add in x 0xc0,0xff,0xee,0x00,0xc0,0xff,0xee,0x11", true},
		{"kye add in x key=c0:ff:ee:00:c0:ff:ee:11", true},
		{"kye add in x 2001:db8:1:2:3:4:5:6:7:8:9:a:b", true},
		{"kye add in x 0001:0203:0405:0607:0809:0a0b:0c0d:0e0f", true}, // an address, too
		{"kye add in x 2001:db8:1:2:3:4:5:6", false},
		{"kye add in x c0ffee00c0ffee1", false},
		{"kye add in x c0:ff:ee:00:c0:ff:ee", false},
		{"evict spoke 2001:0db8:0001:0002:0003:0004:0005:0006", false},
		{"route add 2001:0db8:0001:0002:0003:0004:0005:0006/128 via x", false},
		{"evict spoke 192.168.100.200", false},
		{"show neighbour 02:00:00:00:00:01", false},
		{"show version", false},
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (console_line_is_secret(nave.console, cases[i].line) != cases[i].is_secret)
			fail_msg("%s", cases[i].line);
}

static void a_key_with_separators_is_not_repeated(void **state) {
	struct out *out = out_create(false);
	const char *text;
	size_t len;

	(void)state;
	assert_int_equal(
		console_run_line(nave.console, "kye add in x c0:ff:ee:00:c0:ff:ee:11:c0:ff", false, out), -EINVAL);
	text = out_render(out, &len);
	assert_non_null(text);
	assert_null(strstr(text, "c0:ff"));
	out_free(out);
}

static void a_wrong_line_is_explained_by_position(void **state) {
	static const struct {
		const char *line, *error;
	} cases[] = {
		{"key add " SECRET, "word 3 does not fit: in|out is wanted; the command is"},
		{"key ad in x " SECRET, "word 2 does not fit: add is wanted; the command is"},
		{"key add in x " SECRET " " SECRET, "word 6 is too much; the command is"},
		{"key add in", "not complete: word 4, WORD, is missing; the command is"},
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct out *out = out_create(false);
		const char *text;
		size_t len;

		assert_int_equal(console_run_line(nave.console, cases[i].line, false, out), -EINVAL);
		text = out_render(out, &len);
		assert_non_null(strstr(text, cases[i].error));
		assert_null(strstr(text, SECRET));
		out_free(out);
	}
}

#define secret_test(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void) {
	const struct CMUnitTest tests[] = {
		secret_test(test_keys_are_not_kept),
		secret_test(what_may_be_a_key),
		secret_test(a_key_with_separators_is_not_repeated),
		secret_test(a_wrong_line_is_explained_by_position),
		secret_test(test_admin_lines_are_logged_without_keys),
	};

	return cmocka_run_group_tests_name("secret", tests, NULL, NULL);
}
