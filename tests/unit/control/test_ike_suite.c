// SPDX-License-Identifier: BSD-3-Clause
// IKEv2 transform IDs to suites: every one that a proposal of strongSwan can name, by IANA's numbers.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>

#include "ike_suite.h"

static const struct {
	const char *proposal; // as strongSwan spells it
	uint16_t enc, enc_key_bytes, auth, auth_key_bytes; // salt counted
} suites[] = {
	{"aes128gcm16", 20, 20, 0, 0},
	{"aes128gcm12", 19, 20, 0, 0},
	{"aes128gcm8", 18, 20, 0, 0},
	{"aes256gcm16", 20, 36, 0, 0},
	{"aes256gcm12", 19, 36, 0, 0},
	{"aes256gcm8", 18, 36, 0, 0},
	{"chacha20poly1305", 28, 36, 0, 0},
	{"aes128gmac", 21, 20, 0, 0},
	{"aes256gmac", 21, 36, 0, 0},
	{"aes128-sha1", 12, 16, 2, 20},
	{"aes256-sha1", 12, 32, 2, 20},
	{"aes128-sha256", 12, 16, 12, 32},
	{"aes256-sha256", 12, 32, 12, 32},
	{"aes128-sha384", 12, 16, 13, 48},
	{"aes256-sha384", 12, 32, 13, 48},
	{"aes128-sha512", 12, 16, 14, 64},
	{"aes256-sha512", 12, 32, 14, 64},
	{"null-sha1", 11, 0, 2, 20},
	{"null-sha256", 11, 0, 12, 32},
	{"null-sha384", 11, 0, 13, 48},
	{"null-sha512", 11, 0, 14, 64},
};
enum { N_SUITES = sizeof(suites) / sizeof(suites[0]) };
_Static_assert(N_SUITES == ESP_SUITE_COUNT - 1, "every suite but null");

static struct nave_ike_add_sa message(unsigned i) {
	struct nave_ike_add_sa m = {
		.enc_alg = suites[i].enc,
		.enc_key_bytes = suites[i].enc_key_bytes,
		.auth_alg = suites[i].auth,
		.auth_key_bytes = suites[i].auth_key_bytes,
	};

	for (unsigned b = 0; b < sizeof(m.enc_key); b++) {
		m.enc_key[b] = (uint8_t)(b + 1);
		m.auth_key[b] = (uint8_t)(b + 101);
	}
	return m;
}

static void every_suite(void **state) {
	(void)state;
	for (unsigned i = 0; i < N_SUITES; i++) {
		struct nave_ike_add_sa m = message(i);
		enum esp_suite suite = ESP_NULL;
		struct sa_keys keys;
		uint8_t salt[4];

		assert_int_equal(ike_suite(&m, &suite, &keys), 0);
		assert_string_equal(esp_suites[suite].name, suites[i].proposal);
		assert_int_equal(keys.enc_bytes + esp_suites[suite].salt_bytes, suites[i].enc_key_bytes);
		assert_int_equal(keys.auth_bytes, suites[i].auth_key_bytes);
		assert_memory_equal(keys.enc, m.enc_key, keys.enc_bytes);
		assert_memory_equal(keys.auth, m.auth_key, keys.auth_bytes);
		for (unsigned b = keys.enc_bytes; b < sizeof(keys.enc); b++)
			assert_int_equal(keys.enc[b], 0); // neither salt nor what stood behind it
		memcpy(salt, &keys.salt, sizeof(salt));
		for (unsigned b = 0; b < sizeof(salt); b++)
			assert_int_equal(salt[b], esp_suites[suite].salt_bytes ? keys.enc_bytes + b + 1 : 0);
	}
}

static int rc_of(struct nave_ike_add_sa m) {
	enum esp_suite suite;
	struct sa_keys keys;

	return ike_suite(&m, &suite, &keys);
}

static void integrity_that_is_none(void **state) {
	struct nave_ike_add_sa m = message(0);

	(void)state;
	m.auth_alg = 1024;
	assert_int_equal(rc_of(m), 0);
	m.auth_alg = 12; // an AEAD with a second integrity
	assert_int_equal(rc_of(m), -ENOTSUP);
	m = message(11);
	m.auth_alg = 0; // encryption alone
	assert_int_equal(rc_of(m), -ENOTSUP);
	m = message(17);
	m.auth_alg = 0; // nothing at all
	m.auth_key_bytes = 0;
	assert_int_equal(rc_of(m), -ENOTSUP);
	m.enc_alg = 0;
	assert_int_equal(rc_of(m), -ENOTSUP);
}

static void what_no_suite_has(void **state) {
	struct nave_ike_add_sa m = message(11);

	(void)state;
	for (unsigned enc = 0; enc < 2000; enc++) {
		bool known = enc == 12;

		m.enc_alg = (uint16_t)enc;
		assert_int_equal(rc_of(m), known ? 0 : -ENOTSUP);
	}
	m = message(11);
	m.enc_key_bytes = 24; // AES-192
	assert_int_equal(rc_of(m), -ENOTSUP);
	m = message(11);
	m.auth_alg = 5; // AES-XCBC
	assert_int_equal(rc_of(m), -ENOTSUP);
	m = message(11);
	m.auth_key_bytes = 20;
	assert_int_equal(rc_of(m), -EINVAL);
	for (unsigned i = 0; i < N_SUITES; i++) {
		m = message(i);
		m.enc_key_bytes++;
		assert_int_equal(rc_of(m), -ENOTSUP);
		m = message(i);
		m.auth_key_bytes++;
		assert_int_equal(rc_of(m), -EINVAL);
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_suite),
		cmocka_unit_test(integrity_that_is_none),
		cmocka_unit_test(what_no_suite_has),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
