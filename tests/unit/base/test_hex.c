// SPDX-License-Identifier: BSD-3-Clause
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "hex.h"

static void digits_of_either_case_are_bytes(void **state) {
	uint8_t out[6] = {0};

	(void)state;
	assert_true(hex_parse("0019aAfF9c", out, 5));
	assert_memory_equal(out, "\x00\x19\xaa\xff\x9c", 6); // and no sixth
	assert_true(hex_parse("", out, 0));
}

static void anything_else_is_refused(void **state) {
	static const char *const wrong[] = {
		"", "0", "00", "00000", "0x00", "00 0", "0g00", "-100", "00/0", "00:0", "00@0", "00`0", "000000"};
	uint8_t out[2];

	(void)state;
	for (unsigned i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_false(hex_parse(wrong[i], out, sizeof(out)));
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(digits_of_either_case_are_bytes),
		cmocka_unit_test(anything_else_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
