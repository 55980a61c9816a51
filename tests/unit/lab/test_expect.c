// SPDX-License-Identifier: BSD-3-Clause
// Expectations on a report: what holds, what does not, and what an interval leaves open.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "expect.h"

static const char report_text[] = "{\"spokes\": {\"registered\": 10}, \"traffic\": ["
				  "{\"name\": \"a\", \"lost\": 0, \"ratio_low\": 1.4, \"ratio_high\": 1.9},"
				  "{\"name\": \"b\", \"lost\": 7, \"ratio_low\": 1.4, \"ratio_high\": 2.5},"
				  "{\"name\": \"c\", \"lost\": 9, \"ratio_low\": 1.7, \"ratio_high\": 1.8}]}";

static struct expect judged(const char *text, bool wanted) {
	json_t *report = json_loads(report_text, 0, NULL);
	struct expect e;
	char why[200];

	assert_non_null(report);
	assert_int_equal(expect_judge(report, text, &e, why, sizeof(why)), wanted);
	json_decref(report);
	return e;
}

static void numbers_are_compared(void **state) {
	(void)state;
	assert_true(judged("spokes.registered == 10", true).held);
	assert_true(judged("spokes.registered >= 10", true).held);
	assert_false(judged("spokes.registered < 10", true).held);
	assert_true(judged("traffic.a.lost == 0", true).held);
}

static void the_first_that_fails_is_told(void **state) {
	struct expect e = judged("traffic.*.lost == 0", true);

	(void)state;
	assert_false(e.held);
	assert_false(e.unresolved);
	assert_true(e.value == 7);
}

static void what_is_not_there_does_not_hold(void **state) {
	(void)state;
	assert_false(judged("traffic.a.no == 0", false).held);
	assert_false(judged("no.such == 0", false).held);
	assert_false(judged("traffic.a == 0", false).held);
	assert_false(judged("traffic.a.lost = 0", false).held);
	assert_false(judged("traffic.a.lost == 0 and more", false).held);
}

// At most 1.6 claims 0.6 beyond the limit: an interval of 0.5 tells, one of 1.1 does not.
static void an_interval_wider_than_the_claim_is_unresolved(void **state) {
	struct expect e = judged("traffic.a.ratio_low <= 1.6", true);

	(void)state;
	assert_true(e.held && !e.unresolved);
	e = judged("traffic.b.ratio_low <= 1.6", true);
	assert_true(!e.held && e.unresolved);
	e = judged("traffic.c.ratio_low <= 1.6", true);
	assert_true(!e.held && !e.unresolved); // out of bounds, and clearly
	e = judged("traffic.b.ratio_low <= 1.3", true);
	assert_true(!e.held && !e.unresolved);
	e = judged("traffic.*.ratio_low <= 1.6", true);
	assert_true(!e.held && e.unresolved && e.value == 1.4);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_compared),
		cmocka_unit_test(the_first_that_fails_is_told),
		cmocka_unit_test(what_is_not_there_does_not_hold),
		cmocka_unit_test(an_interval_wider_than_the_claim_is_unresolved),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
