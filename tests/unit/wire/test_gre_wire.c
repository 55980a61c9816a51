// SPDX-License-Identifier: BSD-3-Clause
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "gre_wire.h"
#include "vectors.h"

#include <stdlib.h>
#include <string.h>

enum {
	C = GRE_FLAG_CHECKSUM,
	K = GRE_FLAG_KEY,
	S = GRE_FLAG_SEQUENCE,
};

static const struct {
	unsigned n;
	const char *what, *bytes;
	enum gre_parse want;
	struct gre_header header;
} parses[] = {
	{1, "plain IPv4", "0000 0800", GRE_OK, {0, 0x0800, 0, 0, 4}},
	{2, "plain NHRP with payload", "0000 2001 abcd", GRE_OK, {0, 0x2001, 0, 0, 4}},
	{3, "key", "2000 86dd 0000002a", GRE_OK, {K, 0x86dd, 42, 0, 8}},
	{4, "key 0 is not no key", "2000 0800 00000000", GRE_OK, {K, 0x0800, 0, 0, 8}},
	{5, "sequence", "1000 0800 00000007", GRE_OK, {S, 0x0800, 0, 7, 8}},
	{6, "key before sequence", "3000 0800 0000002a 00000007", GRE_OK, {K | S, 0x0800, 42, 7, 12}},
	{7, "checksum is 4 bytes with reserved1", "8000 0800 12340000", GRE_OK, {C, 0x0800, 0, 0, 8}},
	{8, "all three", "b000 0800 12340000 ffffffff 80000000", GRE_OK,
		{C | K | S, 0x0800, 0xffffffff, 0x80000000, 16}},
	{9, "reserved bits 6 to 12 are ignored", "03f8 0800", GRE_OK, {0, 0x0800, 0, 0, 4}},
	{10, "nothing", "", GRE_TRUNCATED, {0}},
	{11, "three bytes", "0000 08", GRE_TRUNCATED, {0}},
	{12, "key cut", "2000 0800 000000", GRE_TRUNCATED, {0}},
	{13, "sequence cut", "3000 0800 0000002a 000000", GRE_TRUNCATED, {0}},
	{14, "checksum cut", "8000 0800 1234 00", GRE_TRUNCATED, {0}},
	{15, "version 1 (PPTP)", "3001 880b 00000000 00000000", GRE_BAD_VERSION, {0}},
	{16, "version 7", "0007 0800", GRE_BAD_VERSION, {0}},
	{17, "routing present", "4000 0800 00000000", GRE_BAD_FLAGS, {0}},
	{18, "strict source route", "0800 0800", GRE_BAD_FLAGS, {0}},
	{19, "bit 5", "0400 0800", GRE_BAD_FLAGS, {0}},
};

static void test_parse_numbered_cases(void **state) {
	(void)state;
	for (unsigned i = 0; i < sizeof(parses) / sizeof(parses[0]); i++) {
		const struct gre_header *want = &parses[i].header;
		uint8_t bytes[64];
		size_t len = hex_read(parses[i].bytes, bytes, sizeof(bytes));
		uint8_t *exact = malloc(len + !len); // so that ASan sees a read behind the end
		enum gre_parse got;
		struct gre_header h;

		memcpy(exact, bytes, len);
		got = gre_parse(exact, len, &h);
		free(exact);
		if (got != parses[i].want)
			fail_msg("%u %s: %d", parses[i].n, parses[i].what, got);
		if (got == GRE_OK && (h.flags != want->flags || h.protocol != want->protocol || h.key != want->key ||
					     h.sequence != want->sequence || h.len_bytes != want->len_bytes))
			fail_msg("%u %s: flags %04x protocol %04x key %x sequence %x length %u", parses[i].n,
				parses[i].what, h.flags, h.protocol, h.key, h.sequence, h.len_bytes);
	}
}

static void test_write_gives_what_was_parsed(void **state) {
	unsigned written = 0;

	(void)state;
	for (unsigned i = 0; i < sizeof(parses) / sizeof(parses[0]); i++) {
		uint8_t bytes[64], out[GRE_HEADER_MAX];
		struct gre_header h;

		hex_read(parses[i].bytes, bytes, sizeof(bytes));
		if (parses[i].want != GRE_OK || parses[i].n == 9)
			continue;
		h = parses[i].header;
		if (h.flags & C)
			memset(bytes + 4, 0, 2); // gre_write() leaves the checksum to the caller
		assert_int_equal(gre_write(&h, out), h.len_bytes);
		assert_memory_equal(out, bytes, h.len_bytes);
		written++;
	}
	assert_int_equal(written, 8);
}

static void test_write_drops_unknown_flags(void **state) {
	const struct gre_header h = {.flags = 0xffff & ~(C | K | S), .protocol = 0x0800};
	uint8_t out[GRE_HEADER_MAX];

	(void)state;
	assert_int_equal(gre_write(&h, out), 4);
	assert_memory_equal(out, "\x00\x00\x08\x00", 4);
}

static void test_checksum(void **state) {
	const struct gre_header h = {.flags = C | K, .protocol = GRE_PROTO_NHRP, .key = 42};
	uint8_t bytes[GRE_HEADER_MAX + 21];
	size_t len;

	(void)state;
	memset(bytes, 0x5a, sizeof(bytes));
	len = gre_write(&h, bytes) + 21u; // odd
	assert_false(gre_checksum_ok(bytes, len));
	gre_checksum_write(bytes, len);
	assert_true(gre_checksum_ok(bytes, len));
	bytes[len - 1] ^= 1;
	assert_false(gre_checksum_ok(bytes, len));
	bytes[len - 1] ^= 1;
	assert_false(gre_checksum_ok(bytes, len - 1));
	bytes[0] &= (uint8_t) ~(C >> 8);
	assert_true(gre_checksum_ok(bytes, len));
	assert_false(gre_checksum_ok(bytes, 3));
	assert_false(gre_checksum_ok((const uint8_t *)"\x80\x00\x08\x00\x00\x00\x00", 7));
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse_numbered_cases),
		cmocka_unit_test(test_write_gives_what_was_parsed),
		cmocka_unit_test(test_write_drops_unknown_flags),
		cmocka_unit_test(test_checksum),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
