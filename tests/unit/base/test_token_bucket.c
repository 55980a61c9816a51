// SPDX-License-Identifier: BSD-3-Clause
// Token bucket: burst, rate, no limit.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "token_bucket.h"

#define S 1000000000ull

static unsigned take_all(struct token_bucket *b, uint64_t now, unsigned tries) {
	unsigned taken = 0;

	while (tries--)
		taken += token_bucket_take(b, now);
	return taken;
}

static void burst_at_once_then_the_rate(void **state) {
	struct token_bucket b;

	(void)state;
	token_bucket_init(&b, 10, 5, S);
	assert_int_equal(take_all(&b, 100 * S, 50), 5);
	assert_int_equal(take_all(&b, 100 * S + S / 10 - 1, 50), 0);
	assert_int_equal(take_all(&b, 100 * S + S / 10, 50), 1);
	assert_int_equal(take_all(&b, 100 * S + 3 * S / 10, 50), 2);
	assert_int_equal(take_all(&b, 200 * S, 50), 5); // never more than the burst
}

static void long_run_keeps_to_the_rate(void **state) {
	struct token_bucket b;
	unsigned taken = 0;

	(void)state;
	token_bucket_init(&b, 100, 10, S);
	for (uint64_t now = 0; now < 10 * S; now += S / 1000)
		taken += take_all(&b, now, 3);
	assert_in_range(taken, 1000, 1010);
}

static void zero_is_no_limit(void **state) {
	struct token_bucket b;

	(void)state;
	token_bucket_init(&b, 0, 5, S);
	assert_int_equal(take_all(&b, 0, 1000), 1000);
	assert_int_equal(take_all(&b, S, 1000), 1000);
}

static void no_burst_gives_nothing(void **state) {
	struct token_bucket b;

	(void)state;
	token_bucket_init(&b, 10, 0, S);
	assert_int_equal(take_all(&b, 100 * S, 50), 0);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(burst_at_once_then_the_rate),
		cmocka_unit_test(long_run_keeps_to_the_rate),
		cmocka_unit_test(zero_is_no_limit),
		cmocka_unit_test(no_burst_gives_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
