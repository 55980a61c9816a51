// SPDX-License-Identifier: BSD-3-Clause
// Extensions, CIE lists in them, and prefix lengths.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "nhrp_msg.h"
#include "vectors.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct nhrp_msg decoded(const char *name) {
	static uint8_t bytes[512]; // messages borrow
	struct nhrp_msg m;

	assert_int_equal(nhrp_msg_decode(bytes, vector_load(name, bytes, sizeof(bytes)), &m), NHRP_ERR_NONE);
	return m;
}

static void check_addr(const struct addr *a, const char *want) {
	char text[ADDR_STRLEN];

	assert_string_equal(addr_format(a, text), want);
}

static void test_extensions_of_a_request_are_empty_but_nat(void **state) {
	const struct nhrp_msg m = decoded("frr-registration-request");
	static const uint16_t order[] = {4, 5, 3, 9};
	struct nhrp_cie cies[2];

	(void)state;
	assert_int_equal(m.n_exts, COUNT(order));
	for (unsigned i = 0; i < COUNT(order); i++) {
		assert_int_equal(m.exts[i].type, order[i]);
		assert_int_equal(m.exts[i].compulsory, order[i] != 9);
		assert_false(m.exts[i].u_bit);
	}
	assert_int_equal(nhrp_ext_cies(&m, nhrp_ext_find(&m, NHRP_EXT_RESPONDER_ADDRESS), cies, 2), 0);
	assert_int_equal(nhrp_ext_cies(&m, nhrp_ext_find(&m, NHRP_EXT_NAT_ADDRESS), cies, 2), 1);
	check_addr(&cies[0].nbma, "10.0.0.1");
	check_addr(&cies[0].protocol, "0.0.0.0"); // the NHS's is not known yet
}

static void test_responder_and_nat_of_a_reply_to_a_spoke_behind_nat(void **state) {
	const struct nhrp_msg m = decoded("frr-registration-reply-behind-nat");
	const struct nhrp_ext *nat = nhrp_ext_find(&m, NHRP_EXT_NAT_ADDRESS);
	struct nhrp_cie cies[2];

	(void)state;
	assert_int_equal(nhrp_ext_cies(&m, nhrp_ext_find(&m, NHRP_EXT_RESPONDER_ADDRESS), cies, 2), 1);
	check_addr(&cies[0].nbma, "10.0.0.1");
	check_addr(&cies[0].protocol, "172.16.0.1");
	assert_int_equal(cies[0].holding_time_s, 60);
	assert_true(nhrp_ext_is_nat(nat));
	assert_int_equal(nhrp_ext_cies(&m, nat, cies, 1), -E2BIG);
	assert_int_equal(nhrp_ext_cies(&m, nat, cies, 2), 2);
	check_addr(&cies[1].nbma, "10.0.0.99");
	check_addr(&cies[1].protocol, "172.16.0.13");
	assert_int_equal(cies[1].prefix_len, 32);
}

static void test_transit_record(void **state) {
	const struct nhrp_msg m = decoded("frr-resolution-request-forwarded");
	struct nhrp_cie cie;

	(void)state;
	assert_int_equal(nhrp_ext_cies(&m, nhrp_ext_find(&m, NHRP_EXT_FORWARD_TRANSIT), &cie, 1), 1);
	check_addr(&cie.nbma, "10.0.0.1");
	check_addr(&cie.protocol, "172.16.0.1");
	assert_int_equal(nhrp_ext_cies(&m, nhrp_ext_find(&m, NHRP_EXT_REVERSE_TRANSIT), &cie, 1), 0);
}

static void test_authentication_is_spi_1_and_the_string(void **state) {
	const struct nhrp_msg m = decoded("frr-registration-request-auth");
	const struct nhrp_ext *x = nhrp_ext_find(&m, NHRP_EXT_AUTHENTICATION);

	(void)state;
	assert_non_null(x);
	assert_true(x->compulsory);
	assert_int_equal(x->len_bytes, 11);
	assert_memory_equal(x->value, "\0\0\0\1dmvpn01", 11);
}

static void test_an_extension_behind_the_payload_of_a_traffic_indication(void **state) {
	const struct nhrp_msg m = decoded("frr-traffic-indication-auth");

	(void)state;
	assert_int_equal(m.payload_len_bytes, 84);
	assert_int_equal(m.payload[0], 0x45);
	assert_non_null(nhrp_ext_find(&m, NHRP_EXT_AUTHENTICATION));
}

static void test_add_find_remove_keep_order(void **state) {
	static const uint8_t value[] = {0, 0, 12, 1};
	struct nhrp_msg m = decoded("frr-registration-request-auth");
	struct nhrp_msg back;
	uint8_t bytes[256];
	int n;

	(void)state;
	assert_null(nhrp_ext_find(&m, NHRP_EXT_VENDOR_PRIVATE));
	assert_int_equal(nhrp_ext_add(&m, NHRP_EXT_VENDOR_PRIVATE, false, value, 4), 0);
	assert_int_equal(nhrp_ext_add(&m, NHRP_EXT_VENDOR_PRIVATE, true, value, 3), 0); // several are allowed
	assert_int_equal(nhrp_ext_find(&m, NHRP_EXT_VENDOR_PRIVATE)->len_bytes, 4);
	nhrp_ext_remove(&m, NHRP_EXT_AUTHENTICATION);
	nhrp_ext_remove(&m, NHRP_EXT_MOBILE_AUTH); // is not there
	m.exts[5].u_bit = true;
	n = nhrp_msg_encode(&m, bytes, sizeof(bytes));
	assert_int_equal(n, 107 - 15 + 8 + 7);
	assert_int_equal(nhrp_msg_decode(bytes, (size_t)n, &back), NHRP_ERR_NONE);
	assert_int_equal(back.n_exts, 6);
	assert_int_equal(back.exts[3].type, NHRP_EXT_NAT_ADDRESS);
	assert_int_equal(back.exts[4].type, NHRP_EXT_VENDOR_PRIVATE);
	assert_false(back.exts[4].compulsory || back.exts[4].u_bit);
	assert_true(back.exts[5].compulsory && back.exts[5].u_bit);
	nhrp_ext_remove(&back, NHRP_EXT_VENDOR_PRIVATE);
	assert_int_equal(back.n_exts, 4);
}

static void test_add_past_the_cap(void **state) {
	struct nhrp_msg m;

	(void)state;
	nhrp_msg_init(&m, NHRP_PURGE_REQUEST, ADDR_IPV4, ADDR_IPV4);
	assert_false(m.has_extensions);
	for (unsigned i = 0; i < NHRP_EXT_MAX; i++)
		assert_int_equal(nhrp_ext_add(&m, NHRP_EXT_VENDOR_PRIVATE, false, NULL, 0), 0);
	assert_true(m.has_extensions);
	assert_int_equal(nhrp_ext_add(&m, NHRP_EXT_VENDOR_PRIVATE, false, NULL, 0), -ENOSPC);
	assert_int_equal(m.n_exts, NHRP_EXT_MAX);
	assert_int_equal(nhrp_ext_cies(&m, &m.exts[0], m.cies, NHRP_CIE_MAX), 0); // its value is NULL
}

static void test_type_9_of_8_bytes_is_device_capabilities(void **state) {
	static const struct {
		uint16_t type, len_bytes;
		bool is_nat;
	} cases[] = {{9, 0, true}, {9, 8, false}, {9, 20, true}, {9, 40, true}, {8, 20, false}};

	(void)state;
	for (unsigned i = 0; i < COUNT(cases); i++) {
		const struct nhrp_ext x = {.type = cases[i].type, .len_bytes = cases[i].len_bytes};

		assert_int_equal(nhrp_ext_is_nat(&x), cases[i].is_nat);
	}
}

#define CIE4 "00 20 0000 0000 0000 04 00 04 00 0a000001 ac100001"

// The value of an extension, read as CIEs of a message with IPv4 below and above.
static const struct {
	unsigned n;
	const char *what, *value;
	int want;
} lists[] = {
	{1, "empty", "", 0},
	{2, "one", CIE4, 1},
	{3, "two", CIE4 CIE4, 2},
	{4, "three of at most three", CIE4 CIE4 CIE4, 3},
	{5, "four", CIE4 CIE4 CIE4 CIE4, -E2BIG},
	{6, "without addresses", "00 20 0000 0000 0000 00 00 00 00", 1},
	{7, "residue of a byte", CIE4 "00", -EINVAL},
	{8, "residue of eleven", CIE4 "00 20 0000 0000 0000 00 00 00", -EINVAL},
	{9, "address cut", "00 20 0000 0000 0000 04 00 04 00 0a000001 ac1000", -EINVAL},
	{10, "IPv6 protocol address in an IPv4 overlay",
		"00 20 0000 0000 0000 04 00 10 00 0a000001 20010db8000000000000000000000001", -EINVAL},
	{11, "NBMA length 3", "00 20 0000 0000 0000 03 00 04 00 0a0000 ac100001", -EINVAL},
	{12, "T/L bit 7", "00 20 0000 0000 0000 84 00 04 00 0a000001 ac100001", -EINVAL},
	{13, "subaddress T/L bit 7", "00 20 0000 0000 0000 04 80 04 00 0a000001 ac100001", -EINVAL},
	{14, "subaddress of 2", "00 20 0000 0000 0000 04 02 04 00 0a000001 beef ac100001", 1},
	{15, "device capabilities are no CIE", "00000001 00000000", -EINVAL},
};

static void test_cie_lists_numbered_cases(void **state) {
	struct nhrp_msg m;

	(void)state;
	nhrp_msg_init(&m, NHRP_RESOLUTION_REQUEST, ADDR_IPV4, ADDR_IPV4);
	for (unsigned i = 0; i < COUNT(lists); i++) {
		uint8_t bytes[128], again[128];
		uint16_t len = (uint16_t)hex_read(lists[i].value, bytes, sizeof(bytes));
		uint8_t *exact = malloc(len + !len);
		const struct nhrp_ext x = {.type = NHRP_EXT_FORWARD_TRANSIT, .len_bytes = len, .value = exact};
		struct nhrp_cie cies[3];
		int got;

		memcpy(exact, bytes, len);
		got = nhrp_ext_cies(&m, &x, cies, 3);
		free(exact);
		if (got != lists[i].want)
			fail_msg("%u %s: %d", lists[i].n, lists[i].what, got);
		if (got >= 0 && (nhrp_cies_encode(&m, cies, (unsigned)got, again, sizeof(again)) != len ||
					memcmp(bytes, again, len)))
			fail_msg("%u %s: does not come back", lists[i].n, lists[i].what);
	}
}

static void test_cies_encode_errors(void **state) {
	struct nhrp_cie cie = {.nbma = addr_ipv4(0x0a000001)};
	struct nhrp_msg m;
	uint8_t out[40];

	(void)state;
	nhrp_msg_init(&m, NHRP_RESOLUTION_REQUEST, ADDR_IPV4, ADDR_IPV6);
	assert_int_equal(nhrp_cies_encode(&m, &cie, 1, out, 16), 16);
	assert_int_equal(nhrp_cies_encode(&m, &cie, 1, out, 15), -ENOSPC);
	assert_int_equal(nhrp_cies_encode(&m, &cie, 0, out, 0), 0);
	cie.protocol = addr_ipv4(1);
	assert_int_equal(nhrp_cies_encode(&m, &cie, 1, out, sizeof(out)), -EINVAL);
	addr_parse("2001:db8::1", &cie.protocol);
	assert_int_equal(nhrp_cies_encode(&m, &cie, 1, out, sizeof(out)), 32);
}

static void test_prefix_forms(void **state) {
	static const struct {
		unsigned n;
		uint8_t family, prefix_len;
		int want;
	} cases[] = {
		{1, ADDR_IPV4, 0, 32},
		{2, ADDR_IPV4, 0xff, 32}, // section 5.2.0.1
		{3, ADDR_IPV4, 32, 32}, // Cisco
		{4, ADDR_IPV4, 24, 24},
		{5, ADDR_IPV4, 1, 1},
		{6, ADDR_IPV4, 33, -EINVAL},
		{7, ADDR_IPV4, 128, -EINVAL},
		{8, ADDR_IPV4, 254, -EINVAL},
		{9, ADDR_IPV6, 0, 128},
		{10, ADDR_IPV6, 0xff, 128},
		{11, ADDR_IPV6, 128, 128},
		{12, ADDR_IPV6, 64, 64},
		{13, ADDR_IPV6, 32, 32},
		{14, ADDR_IPV6, 129, -EINVAL},
	};

	(void)state;
	for (unsigned i = 0; i < COUNT(cases); i++) {
		const struct nhrp_cie cie = {.prefix_len = cases[i].prefix_len};
		int got = nhrp_cie_prefix_bits(&cie, cases[i].family);

		if (got != cases[i].want)
			fail_msg("%u: %d", cases[i].n, got);
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_extensions_of_a_request_are_empty_but_nat),
		cmocka_unit_test(test_responder_and_nat_of_a_reply_to_a_spoke_behind_nat),
		cmocka_unit_test(test_transit_record),
		cmocka_unit_test(test_authentication_is_spi_1_and_the_string),
		cmocka_unit_test(test_an_extension_behind_the_payload_of_a_traffic_indication),
		cmocka_unit_test(test_add_find_remove_keep_order),
		cmocka_unit_test(test_add_past_the_cap),
		cmocka_unit_test(test_type_9_of_8_bytes_is_device_capabilities),
		cmocka_unit_test(test_cie_lists_numbered_cases),
		cmocka_unit_test(test_cies_encode_errors),
		cmocka_unit_test(test_prefix_forms),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
