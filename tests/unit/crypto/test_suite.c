// SPDX-License-Identifier: BSD-3-Clause
// The list of suites, the wiping, the comparison, and the backend that does nothing.
#include "crypto_null.h"
#include "esp_packet.h"

#include <errno.h>

static void names_are_parsed_back(void **state) {
	(void)state;
	for (int s = 0; s < ESP_SUITE_COUNT; s++)
		assert_int_equal(esp_suite_parse(esp_suites[s].name), s);
	assert_int_equal(esp_suite_parse("aes128gcm16"), ESP_AES_GCM_128_16);
	assert_int_equal(esp_suite_parse("aes128gcm"), -EINVAL);
	assert_int_equal(esp_suite_parse(""), -EINVAL);
	assert_int_equal(esp_suite_parse("AES128GCM16"), -EINVAL);
}

// RFC 4303 section 2.4: at least 4-byte alignment; the other bounds are what the code's buffers hold.
static void lengths_keep_the_framing_bounds(void **state) {
	(void)state;
	for (int s = 0; s < ESP_SUITE_COUNT; s++) {
		const struct esp_suite_info *i = &esp_suites[s];

		assert_true(i->block_bytes >= 4 && i->block_bytes % 4 == 0);
		assert_true(i->iv_bytes <= ESP_IV_MAX && i->icv_bytes <= ESP_ICV_MAX && i->icv_bytes % 4 == 0);
		assert_int_equal(i->is_aead, i->salt_bytes == 4);
		assert_int_equal(i->is_aead, i->iv_bytes == 8);
		assert_true(!i->is_aead || i->auth_key_bytes == 0);
		assert_true(s == ESP_NULL || i->icv_bytes);
	}
}

static void wiping_leaves_zeros_and_the_neighbours(void **state) {
	uint8_t b[32];

	(void)state;
	memset(b, 0xa5, sizeof(b));
	esp_wipe(b + 8, 16);
	for (unsigned i = 0; i < 32; i++)
		assert_int_equal(b[i], i >= 8 && i < 24 ? 0 : 0xa5);
}

static void any_different_bit_makes_icvs_differ(void **state) {
	static const unsigned lengths[] = {8, 12, 16, 24, 32};

	(void)state;
	for (unsigned l = 0; l < 5; l++) {
		uint8_t a[40], b[40];

		random_bytes(a, sizeof(a));
		memcpy(b, a, sizeof(b));
		assert_true(esp_icv_equal(a + 1, b + 1, lengths[l]));
		for (unsigned bit = 0; bit < 8 * 40; bit++) {
			bool inside = bit / 8 >= 1 && bit / 8 < 1 + lengths[l];

			b[bit / 8] ^= (uint8_t)(1u << bit % 8);
			assert_int_equal(esp_icv_equal(a + 1, b + 1, lengths[l]), !inside);
			b[bit / 8] ^= (uint8_t)(1u << bit % 8);
		}
	}
}

static void null_frames_every_suite_and_leaves_text(void **state) {
	const struct esp_crypto_ops *ops = &crypto_null_ops;
	void *lcore = ops->lcore_create();
	static const uint8_t zeros[ESP_ICV_MAX];
	static struct esp_packet p, before;

	(void)state;
	assert_non_null(lcore);
	for (unsigned s = 0; s < ESP_SUITE_COUNT; s++) {
		struct esp_job j;
		void *key;

		packet_init(&p, s, s % 2, 128);
		before = p;
		key = key_new(ops, s, p.enc, p.auth);
		j = packet_job(&p, key);
		ops->seal(lcore, s, &j, 1);
		assert_memory_equal(p.icv, zeros, esp_suites[s].icv_bytes);
		if (esp_suites[s].icv_bytes)
			p.icv[0] ^= 1;
		ops->open(lcore, s, &j, 1);
		assert_true(j.ok);
		assert_memory_equal(p.text, before.buf + (p.text - p.buf), 128);
		packet_assert_guards(&p, &before);
		key_free(ops, s, key);
	}
	ops->lcore_free(lcore);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_parsed_back),
		cmocka_unit_test(lengths_keep_the_framing_bounds),
		cmocka_unit_test(wiping_leaves_zeros_and_the_neighbours),
		cmocka_unit_test(any_different_bit_makes_icvs_differ),
		cmocka_unit_test(null_frames_every_suite_and_leaves_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
