// SPDX-License-Identifier: BSD-3-Clause
// What must be refused: a flipped bit anywhere that is authenticated, one forged packet in a burst of good ones, keys
// that are not the suite's.
#include "crypto_ipsec_mb.h"
#include "crypto_null.h"
#include "esp_packet.h"

#include <errno.h>
#include <stdlib.h>

static const struct esp_crypto_ops *ops = &crypto_ipsec_mb_ops;
static void *lcore;
static uint8_t before[ESP_BURST_MAX][PACKET_TEXT_MAX];
static struct esp_packet packets[ESP_BURST_MAX];
static void *keys[ESP_BURST_MAX];
static struct esp_job jobs[ESP_BURST_MAX];

#define TEXT 96u

static void burst_make(enum esp_suite suite, bool esn, unsigned n) {
	for (unsigned i = 0; i < n; i++) {
		packet_init(&packets[i], suite, esn, TEXT);
		keys[i] = key_new(ops, suite, packets[i].enc, packets[i].auth);
		jobs[i] = packet_job(&packets[i], keys[i]);
		memcpy(before[i], packets[i].text, TEXT);
	}
	ops->seal(lcore, suite, jobs, n);
}

static void burst_free(enum esp_suite suite, unsigned n) {
	for (unsigned i = 0; i < n; i++)
		key_free(ops, suite, keys[i]);
}

static void each_suite(void (*f)(enum esp_suite suite, bool esn)) {
	for (unsigned s = ESP_NULL + 1; s < ESP_SUITE_COUNT; s++)
		for (unsigned esn = 0; esn < 2; esn++)
			f(s, esn);
}

// Opens a copy of packet 0 with one bit of byte changed; nothing beyond text may change.
static bool opens_with(enum esp_suite suite, uint8_t *byte, unsigned bit) {
	static uint8_t sealed[sizeof(packets[0].buf)];
	struct esp_job j = packet_job(&packets[0], keys[0]);
	size_t text = (size_t)(packets[0].text - packets[0].buf), icv = text + TEXT;
	bool ok;

	*byte ^= (uint8_t)(1u << bit);
	j = packet_job(&packets[0], keys[0]);
	memcpy(sealed, packets[0].buf, sizeof(sealed));
	ops->open(lcore, suite, &j, 1);
	ok = j.ok;
	assert_memory_equal(packets[0].buf, sealed, text);
	assert_memory_equal(packets[0].icv, sealed + icv, sizeof(sealed) - icv);
	memcpy(packets[0].text, sealed + text, TEXT);
	*byte ^= (uint8_t)(1u << bit);
	return ok;
}

// Every bit of the ICV, one of every byte of header, IV and text, every bit of the high half and of the salt.
static void every_bit(enum esp_suite suite, bool esn) {
	const struct esp_suite_info *info = &esp_suites[suite];
	struct esp_packet *p = &packets[0];
	uint8_t *high = (uint8_t *)&p->seq_high;

	burst_make(suite, esn, 1);
	for (unsigned bit = 0; bit < 8u * info->icv_bytes; bit++)
		assert_false(opens_with(suite, p->icv + bit / 8, bit % 8));
	for (uint8_t *at = p->spi; at < p->icv; at++)
		assert_false(opens_with(suite, at, (unsigned)(at - p->spi) % 8));
	for (unsigned bit = 0; bit < 32; bit++)
		assert_int_equal(opens_with(suite, high + bit / 8, bit % 8), !esn);
	for (unsigned bit = 0; bit < 32; bit++)
		assert_int_equal(opens_with(suite, p->salt + bit / 8, bit % 8), info->salt_bytes == 0);
	ops->open(lcore, suite, jobs, 1);
	assert_true(jobs[0].ok);
	assert_memory_equal(p->text, before[0], TEXT);
	burst_free(suite, 1);
}

static void a_changed_bit_is_seen_wherever_it_is(void **state) {
	(void)state;
	random_seed(11);
	each_suite(every_bit);
}

static void one_in(enum esp_suite suite, bool esn) {
	static const unsigned sizes[] = {2, 7, 32, 64};

	for (unsigned s = 0; s < 4; s++) {
		unsigned n = sizes[s], bad = (unsigned)(random_u64() % n);

		burst_make(suite, esn, n);
		packets[bad].text[random_u64() % TEXT] ^= 0x10;
		ops->open(lcore, suite, jobs, n);
		for (unsigned i = 0; i < n; i++) {
			assert_int_equal(jobs[i].ok, i != bad);
			if (i != bad)
				assert_memory_equal(packets[i].text, before[i], TEXT);
		}
		burst_free(suite, n);
	}
}

static void one_forged_packet_leaves_the_others_right(void **state) {
	(void)state;
	random_seed(12);
	each_suite(one_in);
}

static void another_key(enum esp_suite suite, bool esn) {
	burst_make(suite, esn, 2);
	jobs[0].key = keys[1];
	ops->open(lcore, suite, jobs, 2);
	assert_false(jobs[0].ok);
	assert_true(jobs[1].ok);
	burst_free(suite, 2);
}

static void another_key_does_not_open(void **state) {
	(void)state;
	random_seed(13);
	each_suite(another_key);
}

static void refuses(const struct esp_crypto_ops *o, enum esp_suite suite, void *key) {
	const struct esp_suite_info *info = &esp_suites[suite];
	static const uint8_t bytes[128];
	size_t enc = info->enc_key_bytes, auth = info->auth_key_bytes;

	for (size_t n = 0; n <= 80; n++) {
		if (n != enc)
			assert_int_equal(o->key_init(key, suite, bytes, n, bytes, auth), -EINVAL);
		if (n != auth)
			assert_int_equal(o->key_init(key, suite, bytes, enc, bytes, n), -EINVAL);
	}
	if (enc)
		assert_int_equal(o->key_init(key, suite, NULL, enc, bytes, auth), -EINVAL);
	if (auth)
		assert_int_equal(o->key_init(key, suite, bytes, enc, NULL, auth), -EINVAL);
	assert_int_equal(o->key_init(key, suite, enc ? bytes : NULL, enc, auth ? bytes : NULL, auth), 0);
}

static void keys_of_a_wrong_length_are_refused(void **state) {
	const struct esp_crypto_ops *backends[] = {&crypto_ipsec_mb_ops, &crypto_null_ops};

	(void)state;
	for (unsigned b = 0; b < 2; b++)
		for (unsigned s = 0; s < ESP_SUITE_COUNT; s++) {
			void *key = aligned_alloc(ESP_KEY_ALIGN, 2048);

			if (backends[b]->key_bytes(s))
				refuses(backends[b], s, key);
			free(key);
		}
}

static void a_suite_of_nobody_is_refused(void **state) {
	uint8_t key[ESP_KEY_ALIGN];

	(void)state;
	assert_int_equal(ops->key_bytes(ESP_NULL), 0);
	assert_int_equal(ops->key_init(key, ESP_NULL, NULL, 0, NULL, 0), -ENOTSUP);
	assert_int_equal(ops->key_bytes(ESP_SUITE_COUNT), 0);
	assert_int_equal(ops->key_init(key, ESP_SUITE_COUNT, NULL, 0, NULL, 0), -EINVAL);
	assert_int_equal(crypto_null_ops.key_bytes(ESP_SUITE_COUNT), 0);
}

static int setup(void **state) {
	(void)state;
	lcore = ops->lcore_create();
	return lcore ? 0 : -1;
}

static int teardown(void **state) {
	(void)state;
	ops->lcore_free(lcore);
	return 0;
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_changed_bit_is_seen_wherever_it_is),
		cmocka_unit_test(one_forged_packet_leaves_the_others_right),
		cmocka_unit_test(another_key_does_not_open),
		cmocka_unit_test(keys_of_a_wrong_length_are_refused),
		cmocka_unit_test(a_suite_of_nobody_is_refused),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
