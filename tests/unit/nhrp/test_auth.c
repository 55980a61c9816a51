// SPDX-License-Identifier: BSD-3-Clause
// Cisco's plaintext authentication string.
#include "nhs_fixture.h"

#include "auth.h"

static void with(struct nhrp_msg *m, const char *value, size_t len) {
	nhrp_msg_init(m, NHRP_REGISTRATION_REQUEST, ADDR_IPV4, ADDR_IPV4);
	if (value)
		nhrp_ext_add(m, NHRP_EXT_AUTHENTICATION, true, (const uint8_t *)value, (uint16_t)len);
}

static void only_the_exact_string_is_accepted(void **state) {
	static const struct {
		const char *value;
		size_t len;
		bool ok;
	} cases[] = {
		{"\0\0\0\1secret", 10, true},
		{"\0\0\0\1secret\0", 11, false}, // padded
		{"\0\0\0\1secre", 9, false},
		{"\0\0\0\1secreT", 10, false},
		{"\0\0\0\1Secret", 10, false},
		{"\0\0\0\2secret", 10, false}, // another SPI
		{"\0\0\0\1", 4, false},
		{"secret", 6, false},
		{"", 0, false},
		{NULL, 0, false},
	};
	struct nhrp_msg m;

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		with(&m, cases[i].value, cases[i].len);
		assert_int_equal(nhrp_auth_ok(&m, "secret"), cases[i].ok);
		assert_true(nhrp_auth_ok(&m, ""));
	}
}

static void two_extensions_are_refused_even_if_both_are_right(void **state) {
	struct nhrp_msg m;

	(void)state;
	with(&m, "\0\0\0\1secret", 10);
	nhrp_ext_add(&m, NHRP_EXT_AUTHENTICATION, true, m.exts[0].value, 10);
	assert_false(nhrp_auth_ok(&m, "secret"));
}

static void set_replaces_all_of_them_and_keeps_the_others(void **state) {
	uint8_t value[NHRP_AUTH_MAX];
	struct nhrp_msg m;

	(void)state;
	with(&m, "\0\0\0\1old", 7);
	nhrp_ext_add(&m, NHRP_EXT_RESPONDER_ADDRESS, true, NULL, 0);
	nhrp_ext_add(&m, NHRP_EXT_AUTHENTICATION, true, m.exts[0].value, 7);
	assert_int_equal(nhrp_auth_set(&m, "12345678", value), 0);
	assert_int_equal(m.n_exts, 2);
	assert_int_equal(m.exts[0].type, NHRP_EXT_RESPONDER_ADDRESS);
	assert_int_equal(m.exts[1].type, NHRP_EXT_AUTHENTICATION);
	assert_true(m.exts[1].compulsory);
	assert_int_equal(m.exts[1].len_bytes, 12);
	assert_memory_equal(m.exts[1].value, "\0\0\0\00112345678", 12);
	assert_true(nhrp_auth_ok(&m, "12345678"));
	assert_int_equal(nhrp_auth_set(&m, "", value), 0);
	assert_int_equal(m.n_exts, 1);
}

static void set_fails_without_room(void **state) {
	uint8_t value[NHRP_AUTH_MAX];
	struct nhrp_msg m;

	(void)state;
	with(&m, NULL, 0);
	for (unsigned i = 0; i < NHRP_EXT_MAX; i++)
		assert_int_equal(nhrp_ext_add(&m, NHRP_EXT_VENDOR_PRIVATE, false, NULL, 0), 0);
	assert_true(nhrp_auth_set(&m, "secret", value) < 0);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_the_exact_string_is_accepted),
		cmocka_unit_test(two_extensions_are_refused_even_if_both_are_right),
		cmocka_unit_test(set_replaces_all_of_them_and_keeps_the_others),
		cmocka_unit_test(set_fails_without_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
