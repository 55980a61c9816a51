// SPDX-License-Identifier: BSD-3-Clause
// AES-CBC (RFC 3602) and NULL with HMAC (RFC 2404, RFC 4868): a burst through the library's cipher call, a burst
// through its hash call. Against its chained jobs in bursts that is between 10 % less and 5 % more, most often less,
// and what is forged is never deciphered.
//
// ESN: the authenticated bytes end with the high half (RFC 4303 section 2.8), which is not in the packet. It is laid
// where the ICV stands, right behind text, while the library hashes: a seal writes the ICV there afterwards anyway, an
// open puts the four bytes that it covered back.
#include "imb.h"

struct hmac {
	IMB_HASH_ALG alg;
	uint32_t block_bytes;
	uint32_t state_bytes; // of the inner and the outer hash in the key, rounded up
};

// The key object: inner and outer state, then AES's round keys to encrypt, then to decrypt. Packed, since of 10,000
// keys the lines count.
struct layout {
	uint32_t outer, enc, dec, end;
};

static struct hmac hmac_of(enum esp_suite suite) {
	switch (esp_suites[suite].auth_key_bytes) {
	case 20:
		return (struct hmac){IMB_AUTH_HMAC_SHA_1, IMB_SHA1_BLOCK_SIZE, 32};
	case 32:
		return (struct hmac){IMB_AUTH_HMAC_SHA_256, IMB_SHA_256_BLOCK_SIZE, 32};
	case 48:
		return (struct hmac){IMB_AUTH_HMAC_SHA_384, IMB_SHA_384_BLOCK_SIZE, 64};
	default:
		return (struct hmac){IMB_AUTH_HMAC_SHA_512, IMB_SHA_512_BLOCK_SIZE, 64};
	}
}

static struct layout layout_of(enum esp_suite suite) {
	uint32_t state = hmac_of(suite).state_bytes;
	uint32_t enc_key_bytes = esp_suites[suite].enc_key_bytes;
	uint32_t rounds = enc_key_bytes == 0 ? 0 : enc_key_bytes == 16 ? 11 * 16 : 15 * 16;
	struct layout l = {.outer = state, .enc = 2 * state};

	l.dec = l.enc + rounds;
	l.end = l.dec + rounds;
	return l;
}

static size_t hmac_key_bytes(enum esp_suite suite) {
	return (layout_of(suite).end + ESP_KEY_ALIGN - 1) / ESP_KEY_ALIGN * ESP_KEY_ALIGN;
}

static void state_init(IMB_MGR *mgr, IMB_HASH_ALG alg, const uint8_t *block, uint8_t *state) {
	switch (alg) {
	case IMB_AUTH_HMAC_SHA_1:
		IMB_SHA1_ONE_BLOCK(mgr, block, state);
		break;
	case IMB_AUTH_HMAC_SHA_256:
		IMB_SHA256_ONE_BLOCK(mgr, block, state);
		break;
	case IMB_AUTH_HMAC_SHA_384:
		IMB_SHA384_ONE_BLOCK(mgr, block, state);
		break;
	default:
		IMB_SHA512_ONE_BLOCK(mgr, block, state);
	}
}

// RFC 2104: what is hashed before the message, and before the inner digest. The key is shorter than a block.
static void pad_init(
	IMB_MGR *mgr, const struct hmac *h, const uint8_t *auth, size_t auth_bytes, uint8_t pad, uint8_t *state) {
	uint8_t block[IMB_SHA_512_BLOCK_SIZE];

	memset(block, pad, sizeof(block));
	for (size_t i = 0; i < auth_bytes; i++)
		block[i] ^= auth[i];
	state_init(mgr, h->alg, block, state);
	esp_wipe(block, sizeof(block));
}

static void hmac_key_init(IMB_MGR *mgr, void *key, enum esp_suite suite, const uint8_t *enc, const uint8_t *auth) {
	const struct esp_suite_info *info = &esp_suites[suite];
	struct hmac h = hmac_of(suite);
	struct layout l = layout_of(suite);
	uint8_t *k = key;

	memset(k, 0, hmac_key_bytes(suite));
	pad_init(mgr, &h, auth, info->auth_key_bytes, 0x36, k);
	pad_init(mgr, &h, auth, info->auth_key_bytes, 0x5c, k + l.outer);
	if (info->enc_key_bytes == 32)
		IMB_AES_KEYEXP_256(mgr, enc, k + l.enc, k + l.dec);
	else if (info->enc_key_bytes == 16)
		IMB_AES_KEYEXP_128(mgr, enc, k + l.enc, k + l.dec);
}

static inline void cipher_fill(IMB_JOB *b, const struct esp_job *j, const struct layout *l, uint32_t key_bytes) {
	const uint8_t *key = j->key;

	b->src = b->dst = j->text;
	b->cipher_start_src_offset_in_bytes = 0;
	b->msg_len_to_cipher_in_bytes = j->text_bytes;
	b->iv = j->iv;
	b->iv_len_in_bytes = 16;
	b->enc_keys = key + l->enc;
	b->dec_keys = key + l->dec;
	b->key_len_in_bytes = key_bytes;
}

static void cipher_run(struct imb_lcore *lc, enum esp_suite suite, IMB_CIPHER_DIRECTION direction, unsigned n) {
	uint32_t key_bytes = esp_suites[suite].enc_key_bytes;

	if (n)
		IMB_SUBMIT_CIPHER_BURST_NOCHECK(lc->mgr, lc->burst, n, IMB_CIPHER_CBC, direction, key_bytes);
}

// One block each, with an IV of zeros: E(number).
void imb_hmac_iv_make(struct imb_lcore *lc, enum esp_suite suite, struct esp_job *jobs, unsigned n) {
	static const uint8_t zeros[16];
	struct layout l = layout_of(suite);

	for (unsigned i = 0; i < n; i++) {
		IMB_JOB *b = &lc->burst[i];

		cipher_fill(b, &jobs[i], &l, esp_suites[suite].enc_key_bytes);
		b->src = b->dst = jobs[i].iv;
		b->msg_len_to_cipher_in_bytes = sizeof(zeros);
		b->iv = zeros;
	}
	cipher_run(lc, suite, IMB_DIR_ENCRYPT, n);
}

static void cbc_encrypt(struct imb_lcore *lc, enum esp_suite suite, const struct esp_job *jobs, unsigned n) {
	struct layout l = layout_of(suite);

	for (unsigned i = 0; i < n; i++)
		cipher_fill(&lc->burst[i], &jobs[i], &l, esp_suites[suite].enc_key_bytes);
	cipher_run(lc, suite, IMB_DIR_ENCRYPT, n);
}

static void cbc_decrypt(struct imb_lcore *lc, enum esp_suite suite, const struct esp_job *jobs, unsigned n) {
	struct layout l = layout_of(suite);
	unsigned good = 0;

	for (unsigned i = 0; i < n; i++)
		if (jobs[i].ok)
			cipher_fill(&lc->burst[good++], &jobs[i], &l, esp_suites[suite].enc_key_bytes);
	cipher_run(lc, suite, IMB_DIR_DECRYPT, good);
}

static inline bool is_esn(const struct esp_job *j) {
	return j->aad_bytes == ESP_AAD_MAX;
}

static inline void hash_fill(
	IMB_JOB *b, const struct esp_job *j, const struct esp_suite_info *info, uint32_t outer, uint8_t *tag) {
	const uint8_t *key = j->key;
	uint32_t before = 8u + info->iv_bytes;

	b->src = j->text - before;
	b->hash_start_src_offset_in_bytes = 0;
	b->msg_len_to_hash_in_bytes = before + j->text_bytes + (is_esn(j) ? 4 : 0);
	b->u.HMAC._hashed_auth_key_xor_ipad = key;
	b->u.HMAC._hashed_auth_key_xor_opad = key + outer;
	b->auth_tag_output = tag;
	b->auth_tag_output_len_in_bytes = info->icv_bytes;
}

// Tags of all jobs; tags: where they go, NULL: over the ICVs. False: the library did not do all of them.
static bool hash_run(struct imb_lcore *lc, enum esp_suite suite, const struct esp_job *jobs, unsigned n,
	uint8_t (*tags)[ESP_ICV_MAX]) {
	struct hmac h = hmac_of(suite);

	for (unsigned i = 0; i < n; i++) {
		const struct esp_job *j = &jobs[i];

		if (is_esn(j))
			memcpy(j->icv, j->aad + 4, 4);
		lc->burst[i].hash_alg = h.alg;
		hash_fill(&lc->burst[i], j, &esp_suites[suite], h.state_bytes, tags ? tags[i] : j->icv);
	}
	return IMB_SUBMIT_HASH_BURST_NOCHECK(lc->mgr, lc->burst, n, h.alg) == n;
}

static void hmac_seal(struct imb_lcore *lc, enum esp_suite suite, struct esp_job *jobs, unsigned n) {
	unsigned lines = (unsigned)hmac_key_bytes(suite) / 64;

	for (unsigned i = 0; i < n; i++)
		imb_prefetch(jobs[i].key, lines);
	if (esp_suites[suite].enc_key_bytes)
		cbc_encrypt(lc, suite, jobs, n);
	hash_run(lc, suite, jobs, n, NULL);
}

static void hmac_open(struct imb_lcore *lc, enum esp_suite suite, struct esp_job *jobs, unsigned n) {
	uint8_t tags[ESP_BURST_MAX][ESP_ICV_MAX], covered[ESP_BURST_MAX][4];
	unsigned icv_bytes = esp_suites[suite].icv_bytes, lines = (unsigned)hmac_key_bytes(suite) / 64;
	bool ran;

	for (unsigned i = 0; i < n; i++) {
		imb_prefetch(jobs[i].key, lines);
		memcpy(covered[i], jobs[i].icv, 4);
	}
	ran = hash_run(lc, suite, jobs, n, tags);
	for (unsigned i = 0; i < n; i++) {
		memcpy(jobs[i].icv, covered[i], 4);
		jobs[i].ok = ran && esp_icv_equal(tags[i], jobs[i].icv, icv_bytes);
	}
	if (esp_suites[suite].enc_key_bytes)
		cbc_decrypt(lc, suite, jobs, n);
}

const struct imb_family imb_hmac = {hmac_key_bytes, hmac_key_init, hmac_seal, hmac_open};
