// SPDX-License-Identifier: BSD-3-Clause
// Addresses and prefixes of both families.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <errno.h>

#include <cmocka.h>

#include "addr.h"

static struct addr parsed(const char *text) {
	struct addr a;

	assert_int_equal(addr_parse(text, &a), 0);
	return a;
}

static void text_goes_in_and_comes_out(void **state) {
	static const char *const same[] = {
		"0.0.0.0", "10.0.0.1", "255.255.255.255", "::", "::1", "2001:db8::1", "fe80::1:2"};
	char buf[ADDR_STRLEN];

	(void)state;
	for (unsigned i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
		struct addr a = parsed(same[i]);

		assert_string_equal(addr_format(&a, buf), same[i]);
		assert_int_equal(a.family, strchr(same[i], ':') ? ADDR_IPV6 : ADDR_IPV4);
	}
	assert_string_equal(addr_format(&(struct addr){0}, buf), "-");
}

static void text_that_is_no_address(void **state) {
	static const char *const bad[] = {"", "10.0.0", "10.0.0.256", "10.0.0.1 ", "1:2", "2001:db8::g", "localhost",
		"10.0.0.1/24", "1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb:cccc"};
	struct addr a;

	(void)state;
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(addr_parse(bad[i], &a), -EINVAL);
		assert_int_equal(a.family, ADDR_NONE);
	}
}

static void prefix_text(void **state) {
	static const struct {
		const char *in, *out; // NULL: refused
	} cases[] = {
		{"10.1.2.3/8", "10.0.0.0/8"},
		{"10.1.2.3", "10.1.2.3/32"},
		{"10.1.2.3/0", "0.0.0.0/0"},
		{"10.1.2.255/25", "10.1.2.128/25"},
		{"2001:db8::1/64", "2001:db8::/64"},
		{"2001:db8::1", "2001:db8::1/128"},
		{"2001:db8:ffff::/33", "2001:db8:8000::/33"},
		{"10.0.0.0/33", NULL},
		{"2001:db8::/129", NULL},
		{"10.0.0.0/", NULL},
		{"10.0.0.0/-1", NULL},
		{"10.0.0.0/ 8", NULL},
		{"10.0.0.0/8x", NULL},
		{"10.0.0.0/99999999999999999999", NULL},
		{"/8", NULL},
	};
	char buf[PREFIX_STRLEN];
	struct prefix p;

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(prefix_parse(cases[i].in, &p), cases[i].out ? 0 : -EINVAL);
		if (cases[i].out)
			assert_string_equal(prefix_format(&p, buf), cases[i].out);
	}
}

static void address_with_length_keeps_its_host_bits(void **state) {
	char buf[ADDR_STRLEN];
	struct addr a;
	uint8_t len;

	(void)state;
	assert_int_equal(addr_parse_with_len("192.0.2.1/24", &a, &len), 0);
	assert_string_equal(addr_format(&a, buf), "192.0.2.1");
	assert_int_equal(len, 24);
	assert_int_equal(addr_parse_with_len("2001:db8::1", &a, &len), 0);
	assert_int_equal(len, 128);
}

static void kinds_of_addresses(void **state) {
	static const struct {
		const char *text;
		bool zero, multicast, link_local, loopback;
	} cases[] = {
		{"0.0.0.0", 1, 0, 0, 0},
		{"::", 1, 0, 0, 0},
		{"223.255.255.255", 0, 0, 0, 0},
		{"224.0.0.1", 0, 1, 0, 0},
		{"239.255.255.255", 0, 1, 0, 0},
		{"240.0.0.1", 0, 0, 0, 0},
		{"ff02::1", 0, 1, 0, 0},
		{"169.254.0.1", 0, 0, 1, 0},
		{"169.253.0.1", 0, 0, 0, 0},
		{"fe80::1", 0, 0, 1, 0},
		{"febf::1", 0, 0, 1, 0},
		{"fec0::1", 0, 0, 0, 0},
		{"127.0.0.1", 0, 0, 0, 1},
		{"127.255.0.1", 0, 0, 0, 1},
		{"::1", 0, 0, 0, 1},
		{"::2", 0, 0, 0, 0},
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct addr a = parsed(cases[i].text);

		assert_int_equal(addr_is_zero(&a), cases[i].zero);
		assert_int_equal(addr_is_multicast(&a), cases[i].multicast);
		assert_int_equal(addr_is_link_local(&a), cases[i].link_local);
		assert_int_equal(addr_is_loopback(&a), cases[i].loopback);
	}
}

static void contains_needs_the_family_too(void **state) {
	struct addr in = parsed("10.1.255.255"), out = parsed("10.2.0.0"), six = parsed("a01::");
	struct prefix p = prefix_of(&in, 16), all = prefix_of(&in, 0), host = prefix_host(&in);

	(void)state;
	assert_true(prefix_contains(&p, &in));
	assert_false(prefix_contains(&p, &out));
	assert_false(prefix_contains(&p, &six)); // the same first bytes
	assert_true(prefix_contains(&all, &out));
	assert_false(prefix_contains(&all, &six));
	assert_true(prefix_contains(&host, &in));
	assert_int_equal(host.len_bits, 32);
	assert_false(prefix_eq(&p, &all));
	assert_true(prefix_eq(&p, &(struct prefix){p.addr, 16}));
}

static void numbers_and_bytes(void **state) {
	struct addr a = addr_ipv4(0x0a010203), b = parsed("10.1.2.3");
	struct addr c = addr_from_bytes(ADDR_IPV4, (const uint8_t *)"\x0a\x01\x02\x03\xff");

	(void)state;
	assert_true(addr_eq(&a, &b));
	assert_true(addr_eq(&a, &c));
	assert_int_equal(addr_to_u32(&a), 0x0a010203);
	assert_int_equal(addr_len_bytes(ADDR_NONE), 0);
	assert_int_equal(addr_hash(&a, 1), addr_hash(&b, 1));
	assert_int_not_equal(addr_hash(&a, 1), addr_hash(&a, 2));
}

// 65,536 neighbouring addresses over 65,536 buckets: a random function leaves 37 % empty and its longest chain is 8
// to 9.
static void hash_spreads_neighbours(void **state) {
	static uint8_t chain[65536];
	unsigned longest = 0, used = 0;

	(void)state;
	for (uint32_t i = 0; i < 65536; i++) {
		struct addr a = addr_ipv4(0x0aff0000 + i);
		uint8_t n = ++chain[addr_hash(&a, 0) & 0xffff];

		used += n == 1;
		longest = n > longest ? n : longest;
	}
	assert_true(used > 65536 / 2);
	assert_true(longest <= 16);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_goes_in_and_comes_out),
		cmocka_unit_test(text_that_is_no_address),
		cmocka_unit_test(prefix_text),
		cmocka_unit_test(address_with_length_keeps_its_host_bits),
		cmocka_unit_test(kinds_of_addresses),
		cmocka_unit_test(contains_needs_the_family_too),
		cmocka_unit_test(numbers_and_bytes),
		cmocka_unit_test(hash_spreads_neighbours),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
