// SPDX-License-Identifier: BSD-3-Clause
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "checksum.h"
#include "vectors.h"

// checksum: as it stands in the packet, so in network order.
static const struct {
	unsigned n;
	const char *what, *bytes;
	uint16_t checksum;
} cases[] = {
	{1, "nothing", "", 0xffff},
	{2, "zeros", "0000 0000", 0xffff},
	{3, "RFC 1071 section 3: the words sum to ddf2", "0001 f203 f4f5 f6f7", 0x220d},
	{4, "a well-known IPv4 header", "4500 0073 0000 4000 4011 0000 c0a8 0001 c0a8 00c7", 0xb861},
	{5, "the same with its checksum in place", "4500 0073 0000 4000 4011 b861 c0a8 0001 c0a8 00c7", 0x0000},
	{6, "one byte is padded on the right: 0100", "01", 0xfeff},
	{7, "odd tail behind a word: 0102 + 0300", "0102 03", 0xfbfd},
	{8, "odd tail behind two words: 0001 + 0002 + ff00", "0001 0002 ff", 0x00fc},
	{9, "end-around carry: ffff + 0001", "ffff 0001", 0xfffe},
	{10, "two carries: ffff * 3", "ffff ffff ffff", 0x0000},
	{11, "carry out of the odd tail: ffff + 0100", "ffff 01", 0xfeff},
};

static void test_numbered_cases(void **state) {
	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint8_t bytes[64], stored[2];
		size_t len = hex_read(cases[i].bytes, bytes, sizeof(bytes));
		uint16_t sum = checksum(bytes, len);

		memcpy(stored, &sum, 2);
		if ((stored[0] << 8 | stored[1]) != cases[i].checksum)
			fail_msg("%u %s: %02x%02x", cases[i].n, cases[i].what, stored[0], stored[1]);
	}
}

static uint16_t reference(const uint8_t *bytes, size_t len) { // RFC 1071 section 4.1, byte by byte
	uint32_t sum = 0;

	for (size_t i = 0; i < len; i++)
		sum += i % 2 ? bytes[i] : (uint32_t)bytes[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static void test_every_length_and_alignment_agrees_with_the_plain_sum(void **state) {
	uint8_t bytes[300];

	(void)state;
	for (unsigned i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 167 + 13);
	for (unsigned start = 0; start < 8; start++) {
		for (size_t len = 0; len + start <= sizeof(bytes); len++) {
			uint16_t sum = checksum(bytes + start, len);
			uint8_t stored[2];

			memcpy(stored, &sum, 2);
			assert_int_equal(stored[0] << 8 | stored[1], reference(bytes + start, len));
		}
	}
}

static void test_pieces_of_even_length_chain(void **state) {
	uint8_t bytes[65];
	uint64_t sum;

	(void)state;
	for (unsigned i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(255 - i);
	sum = checksum_add(bytes, 10, 0);
	sum = checksum_add(bytes + 10, 22, sum);
	sum = checksum_add(bytes + 32, 33, sum);
	assert_int_equal((uint16_t)~checksum_fold(sum), checksum(bytes, sizeof(bytes)));
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbered_cases),
		cmocka_unit_test(test_every_length_and_alignment_agrees_with_the_plain_sum),
		cmocka_unit_test(test_pieces_of_even_length_chain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
