// SPDX-License-Identifier: BSD-3-Clause
// One line per call, levels, and a line that is too long.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <cmocka.h>

#include "clock.h"
#include "log.h"

static char written[8192];

// What fn writes to stderr.
static void capture(void (*fn)(void)) {
	int saved = dup(STDERR_FILENO), ends[2];
	ssize_t n;

	assert_int_equal(pipe(ends), 0);
	fflush(stderr);
	dup2(ends[1], STDERR_FILENO);
	fn();
	fflush(stderr);
	dup2(saved, STDERR_FILENO);
	close(saved);
	close(ends[1]);
	n = read(ends[0], written, sizeof(written) - 1);
	close(ends[0]);
	written[n > 0 ? n : 0] = '\0';
}

static void write_all_levels(void) {
	log_error("one %d", 1);
	log_warning("two");
	log_info("three");
	log_debug("four");
}

static void levels_below_are_silent(void **state) {
	(void)state;
	log_level = LOG_LEVEL_WARNING;
	capture(write_all_levels);
	assert_string_equal(written, "nave: error: one 1\nnave: warning: two\n");
	log_level = LOG_LEVEL_DEBUG;
	capture(write_all_levels);
	assert_non_null(strstr(written, "nave: debug: four\n"));
	log_level = LOG_LEVEL_INFO;
}

static void write_long_line(void) {
	char text[3000];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	log_error("%s", text);
	log_error("next");
}

static void long_line_is_cut_and_still_one_line(void **state) {
	(void)state;
	capture(write_long_line);
	assert_ptr_equal(strchr(written, '\n'), strstr(written, "\nnave: error: next\n"));
	assert_in_range(strchr(written, '\n') - written, 900, 1024);
}

static void level_names(void **state) {
	(void)state;
	for (int l = LOG_LEVEL_ERROR; l <= LOG_LEVEL_DEBUG; l++)
		assert_int_equal(log_level_parse(log_level_name((enum log_level)l)), l);
	assert_int_equal(log_level_parse("loud"), -EINVAL);
	assert_int_equal(log_level_parse(""), -EINVAL);
}

static void clock_goes_forward(void **state) {
	uint64_t a = clock_now_ns(), b = clock_now_ns();

	(void)state;
	assert_true(a > 0);
	assert_true(b >= a && b - a < 60 * NS_PER_S);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(levels_below_are_silent),
		cmocka_unit_test(long_line_is_cut_and_still_one_line),
		cmocka_unit_test(level_names),
		cmocka_unit_test(clock_goes_forward),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
