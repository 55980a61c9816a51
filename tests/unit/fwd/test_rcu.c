// SPDX-License-Identifier: BSD-3-Clause
#include "eal.h"

#include <errno.h>

#include "rcu.h"

static uint64_t ran[256];
static unsigned n_ran;

static void note(void *arg, uint64_t n) {
	assert_ptr_equal(arg, ran);
	ran[n_ran++] = n;
}

static int setup(void **state) {
	n_ran = 0;
	*state = rcu_create(3, 8);
	return *state ? 0 : -1;
}

static int teardown(void **state) {
	rcu_free(*state);
	return 0;
}

static void waits_for_every_online_reader(void **state) {
	struct rcu *r = *state;

	rcu_reader_online(r, 0);
	rcu_reader_online(r, 2);
	assert_int_equal(rcu_defer(r, note, ran, 1), 0);
	assert_int_equal(rcu_reclaim(r, 10), 0);
	rcu_quiescent(r, 0);
	rcu_quiescent(r, 0);
	assert_int_equal(rcu_reclaim(r, 10), 0);
	rcu_quiescent(r, 2);
	assert_int_equal(rcu_reclaim(r, 10), 1);
	assert_int_equal(ran[0], 1);
}

static void a_report_before_the_withdrawal_does_not_count(void **state) {
	struct rcu *r = *state;

	rcu_reader_online(r, 1);
	rcu_quiescent(r, 1);
	assert_int_equal(rcu_defer(r, note, ran, 1), 0);
	assert_int_equal(rcu_reclaim(r, 10), 0);
	rcu_quiescent(r, 1);
	assert_int_equal(rcu_defer(r, note, ran, 2), 0);
	assert_int_equal(rcu_reclaim(r, 10), 1);
	assert_int_equal(rcu_deferred(r), 1);
}

static void offline_readers_delay_nobody(void **state) {
	struct rcu *r = *state;

	assert_int_equal(rcu_defer(r, note, ran, 1), 0);
	assert_int_equal(rcu_reclaim(r, 10), 1);
	rcu_reader_online(r, 0);
	assert_int_equal(rcu_defer(r, note, ran, 2), 0);
	assert_int_equal(rcu_reclaim(r, 10), 0);
	rcu_reader_offline(r, 0);
	assert_int_equal(rcu_reclaim(r, 10), 1);
}

static void runs_in_order_within_its_budget(void **state) {
	struct rcu *r = *state;

	for (unsigned i = 0; i < 8; i++)
		assert_int_equal(rcu_defer(r, note, ran, i), 0);
	assert_int_equal(rcu_reclaim(r, 3), 3);
	assert_int_equal(rcu_reclaim(r, 100), 5);
	for (unsigned i = 0; i < 8; i++)
		assert_int_equal(ran[i], i);
}

static void is_bounded(void **state) {
	struct rcu *r = *state;

	rcu_reader_online(r, 0);
	for (unsigned i = 0; i < 8; i++)
		assert_int_equal(rcu_defer(r, note, ran, i), 0);
	assert_int_equal(rcu_defer(r, note, ran, 8), -ENOSPC);
	assert_false(rcu_room(r, 1));
	assert_int_equal(n_ran, 0);
	rcu_quiescent(r, 0);
	assert_true(rcu_room(r, 2)); // makes room by itself once the readers allow it
	assert_int_equal(n_ran, 2);
	assert_int_equal(rcu_defer(r, note, ran, 8), 0);
	assert_false(rcu_room(r, 9)); // more than it holds
}

static void frees_what_waits_at_the_end(void **state) {
	struct rcu *r = rcu_create(1, 8);

	(void)state;
	rcu_reader_online(r, 0);
	assert_int_equal(rcu_defer(r, note, ran, 7), 0);
	rcu_reader_offline(r, 0);
	rcu_free(r);
	assert_int_equal(n_ran, 1);
	assert_int_equal(ran[0], 7);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(waits_for_every_online_reader, setup, teardown),
		cmocka_unit_test_setup_teardown(a_report_before_the_withdrawal_does_not_count, setup, teardown),
		cmocka_unit_test_setup_teardown(offline_readers_delay_nobody, setup, teardown),
		cmocka_unit_test_setup_teardown(runs_in_order_within_its_budget, setup, teardown),
		cmocka_unit_test_setup_teardown(is_bounded, setup, teardown),
		cmocka_unit_test_setup_teardown(frees_what_waits_at_the_end, setup, teardown),
	};

	if (eal_start("nave-test-rcu") < 0)
		return 1;
	return cmocka_run_group_tests_name("rcu", tests, NULL, NULL);
}
