// SPDX-License-Identifier: BSD-3-Clause
#include "esp_packet.h"

#include <arpa/inet.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>

static uint64_t random_state = 1;

void random_seed(uint64_t seed) {
	random_state = seed * 2 + 1;
}

// splitmix64
uint64_t random_u64(void) {
	uint64_t z = random_state += 0x9e3779b97f4a7c15ull;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	return z ^ (z >> 31);
}

void random_bytes(uint8_t *to, size_t bytes) {
	for (size_t i = 0; i < bytes; i += 8) {
		uint64_t r = random_u64();

		memcpy(to + i, &r, bytes - i < 8 ? bytes - i : 8);
	}
}

void packet_init(struct esp_packet *p, enum esp_suite suite, bool esn, uint32_t text_bytes) {
	const struct esp_suite_info *info = &esp_suites[suite];

	assert_true(text_bytes <= PACKET_TEXT_MAX);
	random_bytes(p->enc, sizeof(p->enc));
	random_bytes(p->auth, sizeof(p->auth));
	random_bytes(p->salt, sizeof(p->salt));
	random_bytes(p->buf, sizeof(p->buf));
	p->suite = suite;
	p->esn = esn;
	p->seq_high = (uint32_t)random_u64();
	p->text_bytes = text_bytes;
	p->spi = p->buf + PACKET_GUARD;
	p->iv = p->spi + 8;
	p->text = p->iv + info->iv_bytes;
	p->icv = p->text + text_bytes;
	p->end = p->icv + info->icv_bytes;
}

struct esp_job packet_job(const struct esp_packet *p, const void *key) {
	struct esp_job j = {
		.key = key, .text = p->text, .icv = p->icv, .iv = p->iv, .text_bytes = p->text_bytes, .aad_bytes = 8};
	uint32_t high_be = htonl(p->seq_high);

	memcpy(j.nonce, p->salt, 4);
	memcpy(j.nonce + 4, p->iv, 8);
	memcpy(j.aad, p->spi, 8);
	if (p->esn) {
		memcpy(j.aad + 4, &high_be, 4);
		memcpy(j.aad + 8, p->spi + 4, 4);
		j.aad_bytes = 12;
	}
	return j;
}

static void aead_seal(const EVP_CIPHER *cipher, struct esp_packet *p, const uint8_t *aad, int aad_bytes, uint32_t n) {
	const struct esp_suite_info *info = &esp_suites[p->suite];
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	uint8_t nonce[12];
	int len;

	assert_non_null(ctx);
	memcpy(nonce, p->salt, 4);
	memcpy(nonce + 4, p->iv, 8);
	assert_int_equal(EVP_EncryptInit_ex(ctx, cipher, NULL, p->enc, nonce), 1);
	if (aad_bytes)
		assert_int_equal(EVP_EncryptUpdate(ctx, NULL, &len, aad, aad_bytes), 1);
	if (n)
		assert_int_equal(EVP_EncryptUpdate(ctx, p->text, &len, p->text, (int)n), 1);
	assert_int_equal(EVP_EncryptFinal_ex(ctx, nonce, &len), 1);
	assert_int_equal(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, info->icv_bytes, p->icv), 1);
	EVP_CIPHER_CTX_free(ctx);
}

static void gmac_seal(const EVP_CIPHER *cipher, struct esp_packet *p, const struct esp_job *j) {
	uint8_t aad[ESP_AAD_MAX + 8 + PACKET_TEXT_MAX];
	size_t n = j->aad_bytes;

	memcpy(aad, j->aad, n);
	memcpy(aad + n, p->iv, 8 + p->text_bytes);
	aead_seal(cipher, p, aad, (int)(n + 8 + p->text_bytes), 0);
}

static void cbc_encrypt(struct esp_packet *p) {
	const EVP_CIPHER *cipher = esp_suites[p->suite].enc_key_bytes == 32 ? EVP_aes_256_cbc() : EVP_aes_128_cbc();
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int len = 0;

	assert_non_null(ctx);
	assert_int_equal(EVP_EncryptInit_ex(ctx, cipher, NULL, p->enc, p->iv), 1);
	EVP_CIPHER_CTX_set_padding(ctx, 0);
	assert_int_equal(EVP_EncryptUpdate(ctx, p->text, &len, p->text, (int)p->text_bytes), 1);
	assert_int_equal(len, p->text_bytes);
	EVP_CIPHER_CTX_free(ctx);
}

static void hmac_tag(struct esp_packet *p) {
	const struct esp_suite_info *info = &esp_suites[p->suite];
	const EVP_MD *md = info->auth_key_bytes == 20   ? EVP_sha1()
			   : info->auth_key_bytes == 32 ? EVP_sha256()
			   : info->auth_key_bytes == 48 ? EVP_sha384()
							: EVP_sha512();
	uint8_t bytes[8 + ESP_IV_MAX + PACKET_TEXT_MAX + 4], tag[EVP_MAX_MD_SIZE];
	size_t n = (size_t)(p->icv - p->spi);
	uint32_t high_be = htonl(p->seq_high);

	memcpy(bytes, p->spi, n);
	if (p->esn) {
		memcpy(bytes + n, &high_be, 4);
		n += 4;
	}
	assert_non_null(HMAC(md, p->auth, info->auth_key_bytes, bytes, n, tag, NULL));
	memcpy(p->icv, tag, info->icv_bytes);
}

void packet_seal_reference(struct esp_packet *p) {
	const struct esp_suite_info *info = &esp_suites[p->suite];
	const EVP_CIPHER *gcm = info->enc_key_bytes == 32 ? EVP_aes_256_gcm() : EVP_aes_128_gcm();
	struct esp_job j = packet_job(p, NULL);

	if (p->suite == ESP_AES_GMAC_128 || p->suite == ESP_AES_GMAC_256) {
		gmac_seal(gcm, p, &j);
	} else if (info->is_aead) {
		aead_seal(p->suite == ESP_CHACHA20_POLY1305 ? EVP_chacha20_poly1305() : gcm, p, j.aad, j.aad_bytes,
			p->text_bytes);
	} else {
		if (info->enc_key_bytes)
			cbc_encrypt(p);
		hmac_tag(p);
	}
}

void packet_assert_guards(const struct esp_packet *now, const struct esp_packet *before) {
	size_t tail = sizeof(now->buf) - (size_t)(now->end - now->buf);

	assert_memory_equal(now->buf, before->buf, (size_t)(now->text - now->buf));
	assert_memory_equal(now->end, before->buf + (now->end - now->buf), tail);
}

void *key_new(const struct esp_crypto_ops *ops, enum esp_suite suite, const uint8_t *enc, const uint8_t *auth) {
	const struct esp_suite_info *info = &esp_suites[suite];
	size_t bytes = ops->key_bytes(suite);
	void *key;

	assert_true(bytes > 0);
	assert_int_equal(bytes % ESP_KEY_ALIGN, 0);
	key = aligned_alloc(ESP_KEY_ALIGN, bytes);
	assert_non_null(key);
	assert_int_equal(ops->key_init(key, suite, enc, info->enc_key_bytes, auth, info->auth_key_bytes), 0);
	return key;
}

void key_free(const struct esp_crypto_ops *ops, enum esp_suite suite, void *key) {
	esp_wipe(key, ops->key_bytes(suite));
	free(key);
}
