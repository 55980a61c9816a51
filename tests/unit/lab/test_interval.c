// SPDX-License-Identifier: BSD-3-Clause
// Medians and their intervals, against tables of the sign test that a reader can look up.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "interval.h"

// n values 1 to n, in an order that is not theirs.
static struct interval of(unsigned n) {
	double v[128];

	for (unsigned i = 0; i < n; i++)
		v[i] = (double)(i * 7 % n) + 1; // n is no multiple of 7
	return interval_f64(v, n);
}

static void median_of_odd_and_even(void **state) {
	double odd[] = {9, 1, 5}, even[] = {4, 1, 3, 2};

	(void)state;
	assert_true(median_f64(odd, 3) == 5);
	assert_true(median_f64(even, 4) == 2.5);
	assert_true(median_f64(odd, 0) == 0);
}

static void interval_by_order_statistics(void **state) {
	static const struct {
		unsigned n, low, high; // ranks from 1
	} cases[] = {{1, 1, 1}, {3, 1, 3}, {5, 1, 5}, {6, 1, 6}, {8, 1, 8}, {9, 2, 8}, {12, 3, 10}, {15, 4, 12},
		{20, 6, 15}, {25, 8, 18}, {31, 10, 22}, {100, 40, 61}};

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct interval got = of(cases[i].n);

		assert_true(got.low == cases[i].low);
		assert_true(got.high == cases[i].high);
		assert_true(got.mid == (cases[i].n + 1) / 2.0);
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(median_of_odd_and_even),
		cmocka_unit_test(interval_by_order_statistics),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
