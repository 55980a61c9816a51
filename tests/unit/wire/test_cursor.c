// SPDX-License-Identifier: BSD-3-Clause
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "cursor.h"

static const uint8_t bytes[] = {
	0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f};

static void test_pulls_are_network_order(void **state) {
	struct cursor c = cursor_of(bytes, sizeof(bytes));

	(void)state;
	assert_int_equal(cursor_pull_u8(&c), 0x01);
	assert_int_equal(cursor_pull_u16(&c), 0x0203);
	assert_int_equal(cursor_pull_u32(&c), 0x04050607);
	assert_true(cursor_pull_u64(&c) == 0x08090a0b0c0d0e0full);
	assert_int_equal(cursor_left(&c), 0);
	assert_false(c.failed);
}

static void test_a_failed_pull_sticks(void **state) {
	struct cursor c = cursor_of(bytes, 3);

	(void)state;
	assert_int_equal(cursor_pull_u32(&c), 0);
	assert_true(c.failed);
	assert_int_equal(cursor_left(&c), 0);
	assert_int_equal(cursor_pull_u8(&c), 0); // there was a byte, but a later pull must not succeed
	assert_null(cursor_pull(&c, 0));
	assert_true(c.failed);
}

static void test_pull_of_nothing_at_the_end_is_fine(void **state) {
	struct cursor c = cursor_of(bytes, 1);

	(void)state;
	cursor_pull_u8(&c);
	assert_non_null(cursor_pull(&c, 0));
	assert_false(c.failed);
	assert_null(cursor_pull(&c, SIZE_MAX));
	assert_true(c.failed);
}

static void test_pushes_give_back_what_was_pulled(void **state) {
	uint8_t out[7];
	struct cursor_out c = cursor_out_of(out, sizeof(out));

	(void)state;
	cursor_push_u8(&c, 0x01);
	cursor_push_u16(&c, 0x0203);
	cursor_push_u32(&c, 0x04050607);
	assert_false(c.failed);
	assert_int_equal(cursor_out_len(&c), 7);
	assert_memory_equal(out, bytes, 7);
}

static void test_a_failed_push_sticks_and_writes_nothing(void **state) {
	uint8_t out[4] = {0, 0, 0, 0xee};
	struct cursor_out c = cursor_out_of(out, 3);

	(void)state;
	cursor_push_u16(&c, 0x0102);
	cursor_push_u16(&c, 0x0304);
	assert_true(c.failed);
	cursor_push_u8(&c, 0x05); // would fit
	cursor_push(&c, bytes, 1);
	assert_int_equal(cursor_out_len(&c), 2);
	assert_int_equal(out[2], 0);
	assert_int_equal(out[3], 0xee);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pulls_are_network_order),
		cmocka_unit_test(test_a_failed_pull_sticks),
		cmocka_unit_test(test_pull_of_nothing_at_the_end_is_fine),
		cmocka_unit_test(test_pushes_give_back_what_was_pulled),
		cmocka_unit_test(test_a_failed_push_sticks_and_writes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
