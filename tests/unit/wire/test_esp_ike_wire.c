// SPDX-License-Identifier: BSD-3-Clause
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "esp_wire.h"
#include "ike_wire.h"
#include "vectors.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define IKE_SA_INIT "1122334455667788 0000000000000000 21 20 22 08 00000000 0000001c"

static const struct {
	unsigned n;
	const char *what, *bytes;
	enum natt_class want;
	uint32_t spi;
} natts[] = {
	{1, "keepalive", "ff", NATT_KEEPALIVE, 0},
	{2, "one other byte", "fe", NATT_MALFORMED, 0},
	{3, "nothing", "", NATT_MALFORMED, 0},
	{4, "two bytes of ff", "ffff", NATT_MALFORMED, 0},
	{5, "ESP", "c0ffee01 00000001 00", NATT_ESP, 0xc0ffee01},
	{6, "ESP, SPI and sequence number only", "00000100 00000001", NATT_ESP, 0x100},
	{7, "ESP with a reserved SPI is still ESP: no SA will have it", "000000ff 00000001", NATT_ESP, 0xff},
	{8, "ESP without a sequence number", "c0ffee01 000000", NATT_MALFORMED, 0},
	{9, "IKE behind the marker", "00000000" IKE_SA_INIT, NATT_IKE, 0},
	{10, "marker alone", "00000000", NATT_MALFORMED, 0},
	{11, "marker and less than an IKE header", "00000000 1122334455667788 00000000", NATT_MALFORMED, 0},
	{12, "the first byte of an SPI may be ff", "ff000001 00000001", NATT_ESP, 0xff000001},
};

static void test_natt_numbered_cases(void **state) {
	(void)state;
	for (unsigned i = 0; i < sizeof(natts) / sizeof(natts[0]); i++) {
		uint8_t bytes[64];
		size_t len = hex_read(natts[i].bytes, bytes, sizeof(bytes));
		uint8_t *exact = malloc(len + !len);
		enum natt_class got;
		uint32_t spi;

		memcpy(exact, bytes, len);
		got = natt_classify(exact, len);
		spi = esp_spi(exact, len);
		free(exact);
		if (got != natts[i].want || spi != natts[i].spi)
			fail_msg("%u %s: class %d SPI %08x", natts[i].n, natts[i].what, got, spi);
	}
}

static const struct {
	unsigned n;
	const char *what, *bytes;
	int want;
} ikes[] = {
	{1, "IKE_SA_INIT", IKE_SA_INIT, 0},
	{2, "minor version is ignored", "1122334455667788 0000000000000000 21 2f 22 08 00000000 0000001c", 0},
	{3, "IKEv1", "1122334455667788 0000000000000000 01 10 02 00 00000000 0000001c", -EINVAL},
	{4, "initiator SPI 0", "0000000000000000 0000000000000000 21 20 22 08 00000000 0000001c", -EINVAL},
	{5, "longer than the datagram", "1122334455667788 0000000000000000 21 20 22 08 00000000 0000001d", -EINVAL},
	{6, "shorter than the datagram", IKE_SA_INIT "00", -EINVAL},
	{7, "cut", "1122334455667788 0000000000000000 21 20 22 08 00000000 00001c", -EINVAL},
	{8, "nothing", "", -EINVAL},
};

static void test_ike_numbered_cases(void **state) {
	(void)state;
	for (unsigned i = 0; i < sizeof(ikes) / sizeof(ikes[0]); i++) {
		struct ike_header h;
		uint8_t bytes[64];
		size_t len = hex_read(ikes[i].bytes, bytes, sizeof(bytes));
		int got = ike_parse(bytes, len, &h);

		if (got != ikes[i].want)
			fail_msg("%u %s: %d", ikes[i].n, ikes[i].what, got);
	}
}

static void test_ike_fields(void **state) {
	struct ike_header h;
	uint8_t bytes[64];
	size_t len = hex_read(
		"1122334455667788 99aabbccddeeff00 2e 20 25 28 00000102 00000020 00000004", bytes, sizeof(bytes));

	(void)state;
	assert_int_equal(ike_parse(bytes, len, &h), 0);
	assert_true(h.initiator_spi == 0x1122334455667788 && h.responder_spi == 0x99aabbccddeeff00);
	assert_int_equal(h.exchange_type, 37); // INFORMATIONAL
	assert_true(h.is_response);
	assert_int_equal(h.message_id, 0x102);
	assert_int_equal(h.len_bytes, 32);
	hex_read(IKE_SA_INIT, bytes, sizeof(bytes));
	assert_int_equal(ike_parse(bytes, IKE_HEADER_LEN, &h), 0);
	assert_false(h.is_response);
	assert_true(h.responder_spi == 0);
}

static void test_ike_ranks(void **state) {
	static const struct {
		const char *bytes;
		enum ike_rank rank;
	} cases[] = {
		{"1122334455667788 0000000000000000 21 20 22 08 00000000 0000001c", IKE_NEW},
		{"1122334455667788 0000000000000000 29 20 22 08 00000000 0000001c", IKE_NEW_WITH_COOKIE},
		{"1122334455667788 0000000000000001 2e 20 23 08 00000001 0000001c", IKE_KNOWN},
		{"1122334455667788 0000000000000001 2e 10 23 08 00000001 0000001c", IKE_NEW}, // IKEv1
		{"1122334455667788 0000000000000001 2e 20 23 08 00000001 0000001d", IKE_NEW}, // another length
		{"1122334455667788", IKE_NEW},
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint8_t bytes[64];
		size_t len = hex_read(cases[i].bytes, bytes, sizeof(bytes));

		if (ike_rank_of(bytes, len) != cases[i].rank)
			fail_msg("case %u", i + 1);
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ike_ranks),
		cmocka_unit_test(test_natt_numbered_cases),
		cmocka_unit_test(test_ike_numbered_cases),
		cmocka_unit_test(test_ike_fields),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
