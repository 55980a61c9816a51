// SPDX-License-Identifier: BSD-3-Clause
// AES-GCM (RFC 4106) and AES-GMAC (RFC 4543) by the library's direct calls: packet by packet, 16 to 58 cycles less than
// its job and burst calls (version 1.3, 64 to 1424 bytes). The key is the library's schedule, 1024 bytes.
#include "imb.h"

static bool is_256(enum esp_suite suite) {
	return esp_suites[suite].enc_key_bytes == 32;
}

static size_t gcm_key_bytes(enum esp_suite suite) {
	(void)suite;
	return sizeof(struct gcm_key_data);
}

static void gcm_key_init(IMB_MGR *mgr, void *key, enum esp_suite suite, const uint8_t *enc, const uint8_t *auth) {
	(void)auth;
	memset(key, 0, sizeof(struct gcm_key_data));
	if (is_256(suite))
		IMB_AES256_GCM_PRE(mgr, enc, key);
	else
		IMB_AES128_GCM_PRE(mgr, enc, key);
}

#define SHORT_TEXT 96u // longer ones need more of the hash key's powers than the last lines have
#define SHORT_LINES 2
#define KEY_LINES (sizeof(struct gcm_key_data) / 64)

// What a burst's texts read of their keys (found by corrupting a schedule 16 bytes at a time): the round keys, and from
// the end one power of the hash key a block and one for the lengths; elsewhere than on VAES at most 16 powers, right
// behind the round keys.
enum gcm_keys {
	GCM_KEYS_SHORT, // all of them
	GCM_KEYS_HALF, // the first 8 lines
	GCM_KEYS_MIXED,
};

static inline enum gcm_keys gcm_keys_of(const struct esp_job *jobs, unsigned n) {
	uint32_t longest = 0;

	if (!imb_gcm_is_vaes)
		return GCM_KEYS_HALF;
	for (unsigned i = 0; i < n; i++)
		longest = jobs[i].text_bytes > longest ? jobs[i].text_bytes : longest;
	return longest <= SHORT_TEXT ? GCM_KEYS_SHORT : GCM_KEYS_MIXED;
}

static uint8_t nowhere[sizeof(struct gcm_key_data)] __attribute__((aligned(64)));

// Of random lengths a branch for each would be guessed wrong half of the time: the lines in the middle are fetched of
// every key, but for a short text from a place that is in the cache anyway.
static inline __attribute__((always_inline)) void gcm_key_prefetch(const struct esp_job *j, enum gcm_keys k) {
	const uint8_t *at = j->key, *middle = j->text_bytes > SHORT_TEXT ? at : nowhere;

	if (k == GCM_KEYS_HALF) {
		imb_prefetch(at, 8);
		return;
	}
	imb_prefetch(at, 3); // AES-256 has a fourth
	if (k == GCM_KEYS_MIXED)
		imb_prefetch(middle + 64 * 3, KEY_LINES - SHORT_LINES - 3);
	imb_prefetch(at + 64 * (KEY_LINES - SHORT_LINES), SHORT_LINES);
}

static inline __attribute__((always_inline)) void gcm_begin(const struct esp_job *jobs, unsigned n, enum gcm_keys k) {
	for (unsigned i = 0; i < n && i < IMB_AHEAD; i++)
		gcm_key_prefetch(&jobs[i], k);
}

static inline __attribute__((always_inline)) void gcm_ahead(
	const struct esp_job *jobs, unsigned i, unsigned n, enum gcm_keys k) {
	if (i + IMB_AHEAD < n)
		gcm_key_prefetch(&jobs[i + IMB_AHEAD], k);
}

struct gcm_call {
	struct gcm_context_data *ctx;
	aes_gcm_enc_dec_t crypt;
	unsigned icv_bytes;
};

static inline __attribute__((always_inline)) void seal_run(
	const struct gcm_call *c, struct esp_job *jobs, unsigned n, enum gcm_keys k) {
	gcm_begin(jobs, n, k);
	for (unsigned i = 0; i < n; i++) {
		struct esp_job *j = &jobs[i];

		gcm_ahead(jobs, i, n, k);
		c->crypt(j->key, c->ctx, j->text, j->text, j->text_bytes, j->nonce, j->aad, j->aad_bytes, j->icv,
			c->icv_bytes);
	}
}

static inline bool icv16_equal(const uint8_t *a, const uint8_t *b) {
	uint64_t x[2], y[2];

	memcpy(x, a, sizeof(x));
	memcpy(y, b, sizeof(y));
	return ((x[0] ^ y[0]) | (x[1] ^ y[1])) == 0;
}

static inline __attribute__((always_inline)) void open_run(
	const struct gcm_call *c, struct esp_job *jobs, unsigned n, enum gcm_keys k) {
	uint8_t tag[16];

	gcm_begin(jobs, n, k);
	for (unsigned i = 0; i < n; i++) {
		struct esp_job *j = &jobs[i];

		gcm_ahead(jobs, i, n, k);
		c->crypt(j->key, c->ctx, j->text, j->text, j->text_bytes, j->nonce, j->aad, j->aad_bytes, tag,
			c->icv_bytes);
		j->ok = c->icv_bytes == 16 ? icv16_equal(tag, j->icv) : esp_icv_equal(tag, j->icv, c->icv_bytes);
	}
}

static void gcm_seal(struct imb_lcore *lc, enum esp_suite suite, struct esp_job *jobs, unsigned n) {
	const struct gcm_call c = {
		&lc->gcm, is_256(suite) ? lc->mgr->gcm256_enc : lc->mgr->gcm128_enc, esp_suites[suite].icv_bytes};

	switch (gcm_keys_of(jobs, n)) { // each a loop of its own, without a choice in it
	case GCM_KEYS_SHORT:
		seal_run(&c, jobs, n, GCM_KEYS_SHORT);
		break;
	case GCM_KEYS_HALF:
		seal_run(&c, jobs, n, GCM_KEYS_HALF);
		break;
	case GCM_KEYS_MIXED:
		seal_run(&c, jobs, n, GCM_KEYS_MIXED);
	}
}

static void gcm_open(struct imb_lcore *lc, enum esp_suite suite, struct esp_job *jobs, unsigned n) {
	const struct gcm_call c = {
		&lc->gcm, is_256(suite) ? lc->mgr->gcm256_dec : lc->mgr->gcm128_dec, esp_suites[suite].icv_bytes};

	switch (gcm_keys_of(jobs, n)) {
	case GCM_KEYS_SHORT:
		open_run(&c, jobs, n, GCM_KEYS_SHORT);
		break;
	case GCM_KEYS_HALF:
		open_run(&c, jobs, n, GCM_KEYS_HALF);
		break;
	case GCM_KEYS_MIXED:
		open_run(&c, jobs, n, GCM_KEYS_MIXED);
	}
}

// What stands before text among the authenticated bytes (RFC 4543 section 3.3: SPI, sequence number, IV), filled up to
// whole blocks with the beginning of text, so that the library hashes the rest where it lies. How much of text was
// taken.
static inline uint32_t gmac_head(const struct esp_job *j, uint8_t head[32], uint32_t *head_bytes) {
	uint32_t have = j->aad_bytes + 8u;
	uint32_t taken = have % 16 ? 16 - have % 16 : 0;

	if (taken > j->text_bytes)
		taken = j->text_bytes;
	memcpy(head, j->aad, j->aad_bytes);
	memcpy(head + j->aad_bytes, j->nonce + 4, 8);
	memcpy(head + have, j->text, taken);
	*head_bytes = have + taken;
	return taken;
}

static inline void gmac_tag(struct imb_lcore *lc, bool is_256_bits, const struct esp_job *j, uint8_t *tag) {
	aes_gmac_init_t init = is_256_bits ? lc->mgr->gmac256_init : lc->mgr->gmac128_init;
	aes_gmac_update_t update = is_256_bits ? lc->mgr->gmac256_update : lc->mgr->gmac128_update;
	aes_gmac_finalize_t finalize = is_256_bits ? lc->mgr->gmac256_finalize : lc->mgr->gmac128_finalize;
	uint8_t head[32];
	uint32_t head_bytes;
	uint32_t taken = gmac_head(j, head, &head_bytes);

	init(j->key, &lc->gcm, j->nonce, 12);
	update(j->key, &lc->gcm, head, head_bytes);
	if (j->text_bytes > taken)
		update(j->key, &lc->gcm, j->text + taken, j->text_bytes - taken);
	finalize(j->key, &lc->gcm, tag, 16);
}

static void gmac_seal(struct imb_lcore *lc, enum esp_suite suite, struct esp_job *jobs, unsigned n) {
	const enum gcm_keys k = gcm_keys_of(jobs, n);

	gcm_begin(jobs, n, k);
	for (unsigned i = 0; i < n; i++) {
		gcm_ahead(jobs, i, n, k);
		gmac_tag(lc, is_256(suite), &jobs[i], jobs[i].icv);
	}
}

static void gmac_open(struct imb_lcore *lc, enum esp_suite suite, struct esp_job *jobs, unsigned n) {
	const enum gcm_keys k = gcm_keys_of(jobs, n);
	uint8_t tag[16];

	gcm_begin(jobs, n, k);
	for (unsigned i = 0; i < n; i++) {
		gcm_ahead(jobs, i, n, k);
		gmac_tag(lc, is_256(suite), &jobs[i], tag);
		jobs[i].ok = esp_icv_equal(tag, jobs[i].icv, 16);
	}
}

const struct imb_family imb_gcm = {gcm_key_bytes, gcm_key_init, gcm_seal, gcm_open};
const struct imb_family imb_gmac = {gcm_key_bytes, gcm_key_init, gmac_seal, gmac_open};
