// SPDX-License-Identifier: BSD-3-Clause
// Syntax strings as the grammar: what matches, what is said of a line that does not, and what may come next.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "grammar.h"

static const struct console_cmd table[] = {
	{"show version", "the version", NULL, false},
	{"show spokes", "all spokes", NULL, false},
	{"show spoke ADDRESS", "one spoke", NULL, false},
	{"show nhrp cache", "the cache", NULL, false},
	{"show nhrp statistics", "counters", NULL, false},
	{"set log error|warning|info|debug", "log level", NULL, true},
	{"route add PREFIX via ADDRESS", "a route", NULL, true},
	{"trace add NUMBER", "trace packets", NULL, true},
	{"help", "all commands", NULL, false},
	{"help WORD", "some commands", NULL, false},
};
#define N_CMDS (sizeof(table) / sizeof(table[0]))
static const struct console_cmd *cmds[N_CMDS];

static int setup(void **state) {
	(void)state;
	for (unsigned i = 0; i < N_CMDS; i++)
		cmds[i] = &table[i];
	return 0;
}

static void matches(const char *line, const char *syntax) {
	struct grammar_words w;
	char error[1024] = "";
	const struct console_cmd *cmd;

	assert_int_equal(grammar_split(line, &w), 0);
	cmd = grammar_match(cmds, N_CMDS, &w, error, sizeof(error));
	if (!cmd)
		fail_msg("%s: %s", line, error);
	assert_string_equal(cmd->syntax, syntax);
}

static void refused(const char *line, const char *expected) {
	struct grammar_words w;
	char error[1024] = "";

	assert_int_equal(grammar_split(line, &w), 0);
	assert_null(grammar_match(cmds, N_CMDS, &w, error, sizeof(error)));
	assert_string_equal(error, expected);
}

static void test_matches(void **state) {
	(void)state;
	matches("show version", "show version");
	matches("  show \t spokes \r\n", "show spokes");
	matches("show spoke 10.255.0.1", "show spoke ADDRESS");
	matches("show spoke 2001:db8::1 # whose is it", "show spoke ADDRESS");
	matches("set log warning", "set log error|warning|info|debug");
	matches("route add 10.0.0.0/8 via 10.255.0.1", "route add PREFIX via ADDRESS");
	matches("route add 10.0.0.1 via 10.255.0.1", "route add PREFIX via ADDRESS");
	matches("trace add 18446744073709551", "trace add NUMBER");
	matches("help", "help");
	matches("help show", "help WORD");
}

static void test_says_what_is_wrong(void **state) {
	(void)state;
	refused("show spoek", "show spoek: no such command; did you mean \"show spoke\"?");
	refused("show spokse", "show spokse: no such command; did you mean \"show spokes\"?");
	refused("shwo version", "shwo version: no such command; did you mean \"show\"?");
	refused("show nhrp cahce", "show nhrp cahce: no such command; did you mean \"show nhrp cache\"?");
	refused("set log waring", "set log waring: no such command; did you mean \"set log warning\"?");
	refused("set log loud", "set log loud: \"loud\" is none of error|warning|info|debug");
	refused("frobnicate", "frobnicate: no such command; try \"help\"");
	refused("show", "show: not complete; next: version, spokes, spoke, nhrp");
	refused("show spoke", "show spoke: not complete; next: ADDRESS");
	refused("set log", "set log: not complete; next: error, warning, info, debug");
	refused("show spoke 10.0.0.999", "show spoke 10.0.0.999: \"10.0.0.999\" is not an ADDRESS");
	refused("route add 10.0.0.0/33 via 10.0.0.1",
		"route add 10.0.0.0/33 via 10.0.0.1: \"10.0.0.0/33\" is not a PREFIX");
	refused("trace add -1", "trace add -1: \"-1\" is not a NUMBER");
	refused("trace add 99999999999999999999",
		"trace add 99999999999999999999: \"99999999999999999999\" is not a NUMBER");
	refused("show version now", "show version now: \"now\" is too much; the command is \"show version\"");
}

static void test_split(void **state) {
	char too_long[GRAMMAR_LINE_MAX + 1];
	struct grammar_words w;

	(void)state;
	assert_int_equal(grammar_split("", &w), 0);
	assert_int_equal(w.n, 0);
	assert_int_equal(grammar_split("  # a comment", &w), 0);
	assert_int_equal(w.n, 0);
	assert_int_equal(grammar_split("a b#c d", &w), 0); // '#' begins a comment only where a word may begin
	assert_int_equal(w.n, 3);
	assert_string_equal(w.word[1], "b#c");
	assert_int_equal(grammar_split("1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17", &w), -E2BIG);
	memset(too_long, 'a', GRAMMAR_LINE_MAX);
	too_long[GRAMMAR_LINE_MAX] = '\0';
	assert_int_equal(grammar_split(too_long, &w), -E2BIG);
	too_long[GRAMMAR_LINE_MAX - 1] = '\0';
	assert_int_equal(grammar_split(too_long, &w), 0);
}

// The words that may follow, joined by blanks; '<' '>' around what stands for a value, '$' for the end of the line.
static void next_are(const char *before, const char *begin, const char *expected) {
	char all[512] = "", word[64];
	struct grammar_words w;
	const char *help;
	bool is_argument;

	assert_int_equal(grammar_split(before, &w), 0);
	for (unsigned i = 0; grammar_next(cmds, N_CMDS, &w, w.n, begin, i, word, sizeof(word), &is_argument, &help);
		i++)
		snprintf(all + strlen(all), sizeof(all) - strlen(all), is_argument ? "%s<%s>" : "%s%s", i ? " " : "",
			word[0] ? word : "$");
	assert_string_equal(all, expected);
}

static void test_next(void **state) {
	(void)state;
	next_are("", "", "show set route trace help");
	next_are("", "s", "show set");
	next_are("show", "", "version spokes spoke nhrp");
	next_are("show", "sp", "spokes spoke");
	next_are("show", "x", "");
	next_are("show spoke", "", "<ADDRESS>");
	next_are("show spoke 10.0.0.1", "", "$");
	next_are("show version", "", "$");
	next_are("set log", "", "error warning info debug");
	next_are("help", "", "$ <WORD>");
	next_are("nothing", "", "");
}

static void test_help_of_a_word(void **state) {
	struct grammar_words w;
	char word[64];
	const char *help;
	bool is_argument;

	(void)state;
	assert_int_equal(grammar_split("show", &w), 0);
	assert_true(grammar_next(cmds, N_CMDS, &w, 1, "", 0, word, sizeof(word), &is_argument, &help));
	assert_string_equal(help, "the version");
	assert_true(grammar_next(cmds, N_CMDS, &w, 1, "", 3, word, sizeof(word), &is_argument, &help));
	assert_string_equal(word, "nhrp");
	assert_null(help); // two commands go on with it
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_matches),
		cmocka_unit_test(test_says_what_is_wrong),
		cmocka_unit_test(test_split),
		cmocka_unit_test(test_next),
		cmocka_unit_test(test_help_of_a_word),
	};

	return cmocka_run_group_tests_name("grammar", tests, setup, NULL);
}
