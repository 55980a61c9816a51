// SPDX-License-Identifier: BSD-3-Clause
// The backend against OpenSSL, byte for byte and both ways: what we seal is what it seals, and what it sealed we open.
#include "crypto_ipsec_mb.h"
#include "esp_packet.h"

#include <stdlib.h>

static const struct esp_crypto_ops *ops = &crypto_ipsec_mb_ops;
static void *lcore;

// Packets of a burst: clear, as the reference sealed it, and ours.
static struct esp_packet clear[ESP_BURST_MAX], reference[ESP_BURST_MAX], ours[ESP_BURST_MAX];
static void *keys[ESP_BURST_MAX];
static struct esp_job jobs[ESP_BURST_MAX];

static void packet_copy(struct esp_packet *to, const struct esp_packet *from) {
	*to = *from;
	to->spi = to->buf + (from->spi - from->buf);
	to->iv = to->buf + (from->iv - from->buf);
	to->text = to->buf + (from->text - from->buf);
	to->icv = to->buf + (from->icv - from->buf);
	to->end = to->buf + (from->end - from->buf);
}

static void slot_make(unsigned i, enum esp_suite suite, bool esn, uint32_t text_bytes) {
	packet_init(&clear[i], suite, esn, text_bytes);
	packet_copy(&ours[i], &clear[i]);
	packet_copy(&reference[i], &clear[i]);
	packet_seal_reference(&reference[i]);
	keys[i] = key_new(ops, suite, clear[i].enc, clear[i].auth);
	jobs[i] = packet_job(&ours[i], keys[i]);
}

static void slots_free(enum esp_suite suite, unsigned n) {
	for (unsigned i = 0; i < n; i++)
		key_free(ops, suite, keys[i]);
}

// Seals ours, compares with the reference; opens it, compares with what it was. Guards held both times.
static void slots_check(enum esp_suite suite, unsigned n) {
	ops->seal(lcore, suite, jobs, n);
	for (unsigned i = 0; i < n; i++)
		assert_memory_equal(ours[i].buf, reference[i].buf, sizeof(ours[i].buf));
	ops->open(lcore, suite, jobs, n);
	for (unsigned i = 0; i < n; i++) {
		assert_true(jobs[i].ok);
		assert_memory_equal(ours[i].text, clear[i].text, clear[i].text_bytes);
		assert_memory_equal(ours[i].icv, reference[i].icv, esp_suites[suite].icv_bytes);
		packet_assert_guards(&ours[i], &clear[i]);
	}
}

// The least text: nothing for AEADs and NULL, a block for CBC.
static uint32_t least(enum esp_suite suite) {
	return esp_suites[suite].iv_bytes == 16 ? 16 : 0;
}

static void each_suite(void (*f)(enum esp_suite suite, bool esn)) {
	for (unsigned s = ESP_NULL + 1; s < ESP_SUITE_COUNT; s++)
		for (unsigned esn = 0; esn < 2; esn++)
			f(s, esn);
}

static void every_length(enum esp_suite suite, bool esn) {
	uint32_t block = esp_suites[suite].block_bytes;
	unsigned n = 0;

	for (uint32_t bytes = least(suite); bytes <= PACKET_TEXT_MAX; bytes += block) {
		slot_make(n++, suite, esn, bytes);
		if (n < 32 && bytes + block <= PACKET_TEXT_MAX)
			continue;
		slots_check(suite, n);
		slots_free(suite, n);
		n = 0;
	}
}

static void every_length_agrees(void **state) {
	(void)state;
	random_seed(1);
	each_suite(every_length);
}

static uint32_t some_length(enum esp_suite suite) {
	uint32_t block = esp_suites[suite].block_bytes;
	uint32_t max = random_u64() % 4 ? 256 : PACKET_TEXT_MAX;

	return least(suite) + (uint32_t)(random_u64() % ((max - least(suite)) / block + 1)) * block;
}

static void every_burst(enum esp_suite suite, bool esn) {
	for (unsigned n = 1; n <= ESP_BURST_MAX; n += n < 9 ? 1 : 5) {
		for (unsigned i = 0; i < n; i++)
			slot_make(i, suite, i % 3 ? esn : !esn, some_length(suite));
		slots_check(suite, n);
		slots_free(suite, n);
	}
	for (unsigned i = 0; i < ESP_BURST_MAX; i++)
		slot_make(i, suite, esn, some_length(suite));
	slots_check(suite, ESP_BURST_MAX);
	slots_free(suite, ESP_BURST_MAX);
}

static void bursts_of_different_keys_and_lengths_agree(void **state) {
	(void)state;
	random_seed(2);
	each_suite(every_burst);
}

// One key for all jobs of a burst: nothing of one packet is left over for the next.
static void one_key(enum esp_suite suite, bool esn) {
	for (unsigned i = 0; i < 32; i++) {
		slot_make(i, suite, esn, some_length(suite));
		if (i == 0)
			continue;
		memcpy(reference[i].buf, clear[i].buf, sizeof(clear[i].buf));
		memcpy(reference[i].enc, clear[0].enc, sizeof(clear[0].enc));
		memcpy(reference[i].auth, clear[0].auth, sizeof(clear[0].auth));
		packet_seal_reference(&reference[i]);
		jobs[i].key = keys[0];
	}
	slots_check(suite, 32);
	slots_free(suite, 32);
}

static void a_burst_of_one_key_agrees(void **state) {
	(void)state;
	random_seed(3);
	each_suite(one_key);
}

// A key is bytes: moved, it works where it is.
static void moved_key(enum esp_suite suite, bool esn) {
	size_t bytes = ops->key_bytes(suite);
	void *elsewhere = aligned_alloc(ESP_KEY_ALIGN, bytes);

	assert_non_null(elsewhere);
	slot_make(0, suite, esn, 64);
	memcpy(elsewhere, keys[0], bytes);
	memset(keys[0], 0xa5, bytes);
	jobs[0].key = elsewhere;
	slots_check(suite, 1);
	slots_free(suite, 1);
	free(elsewhere);
}

static void a_key_may_be_moved(void **state) {
	(void)state;
	random_seed(4);
	each_suite(moved_key);
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
		cmocka_unit_test(every_length_agrees),
		cmocka_unit_test(bursts_of_different_keys_and_lengths_agree),
		cmocka_unit_test(a_burst_of_one_key_agrees),
		cmocka_unit_test(a_key_may_be_moved),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
