// SPDX-License-Identifier: BSD-3-Clause
#include "ike_suite.h"

#include <errno.h>
#include <string.h>

enum { // IANA, IKEv2 Transform Type 1
	ENCR_NULL = 11,
	ENCR_AES_CBC = 12,
	ENCR_AES_GCM_8 = 18,
	ENCR_AES_GCM_12 = 19,
	ENCR_AES_GCM_16 = 20,
	ENCR_NULL_AUTH_AES_GMAC = 21,
	ENCR_CHACHA20_POLY1305 = 28,
};

enum { // Transform Type 3
	AUTH_NONE = 0,
	AUTH_HMAC_SHA1_96 = 2,
	AUTH_HMAC_SHA2_256_128 = 12,
	AUTH_HMAC_SHA2_384_192 = 13,
	AUTH_HMAC_SHA2_512_256 = 14,
	AUTH_UNDEFINED = 1024, // strongSwan's own, of AEADs
};

// ESP_NULL is left out: it protects nothing.
static const struct {
	uint16_t enc, auth;
} transforms[ESP_SUITE_COUNT] = {
	[ESP_AES_GCM_128_16] = {ENCR_AES_GCM_16, AUTH_NONE},
	[ESP_AES_GCM_128_12] = {ENCR_AES_GCM_12, AUTH_NONE},
	[ESP_AES_GCM_128_8] = {ENCR_AES_GCM_8, AUTH_NONE},
	[ESP_AES_GCM_256_16] = {ENCR_AES_GCM_16, AUTH_NONE},
	[ESP_AES_GCM_256_12] = {ENCR_AES_GCM_12, AUTH_NONE},
	[ESP_AES_GCM_256_8] = {ENCR_AES_GCM_8, AUTH_NONE},
	[ESP_CHACHA20_POLY1305] = {ENCR_CHACHA20_POLY1305, AUTH_NONE},
	[ESP_AES_GMAC_128] = {ENCR_NULL_AUTH_AES_GMAC, AUTH_NONE},
	[ESP_AES_GMAC_256] = {ENCR_NULL_AUTH_AES_GMAC, AUTH_NONE},
	[ESP_AES_CBC_128_SHA1_96] = {ENCR_AES_CBC, AUTH_HMAC_SHA1_96},
	[ESP_AES_CBC_256_SHA1_96] = {ENCR_AES_CBC, AUTH_HMAC_SHA1_96},
	[ESP_AES_CBC_128_SHA256_128] = {ENCR_AES_CBC, AUTH_HMAC_SHA2_256_128},
	[ESP_AES_CBC_256_SHA256_128] = {ENCR_AES_CBC, AUTH_HMAC_SHA2_256_128},
	[ESP_AES_CBC_128_SHA384_192] = {ENCR_AES_CBC, AUTH_HMAC_SHA2_384_192},
	[ESP_AES_CBC_256_SHA384_192] = {ENCR_AES_CBC, AUTH_HMAC_SHA2_384_192},
	[ESP_AES_CBC_128_SHA512_256] = {ENCR_AES_CBC, AUTH_HMAC_SHA2_512_256},
	[ESP_AES_CBC_256_SHA512_256] = {ENCR_AES_CBC, AUTH_HMAC_SHA2_512_256},
	[ESP_NULL_SHA1_96] = {ENCR_NULL, AUTH_HMAC_SHA1_96},
	[ESP_NULL_SHA256_128] = {ENCR_NULL, AUTH_HMAC_SHA2_256_128},
	[ESP_NULL_SHA384_192] = {ENCR_NULL, AUTH_HMAC_SHA2_384_192},
	[ESP_NULL_SHA512_256] = {ENCR_NULL, AUTH_HMAC_SHA2_512_256},
};

static bool is_of(const struct nave_ike_add_sa *m, enum esp_suite s) {
	uint16_t auth = m->auth_alg == AUTH_UNDEFINED ? AUTH_NONE : m->auth_alg;

	return transforms[s].enc && transforms[s].enc == m->enc_alg && transforms[s].auth == auth;
}

static bool has_key_of(const struct nave_ike_add_sa *m, enum esp_suite s) {
	return m->enc_key_bytes == esp_suites[s].enc_key_bytes + esp_suites[s].salt_bytes;
}

// The salt is the end of the key material (RFC 4106 section 8.1, RFC 4543 section 5.4, RFC 7634 section 2).
static void keys_take(const struct nave_ike_add_sa *m, const struct esp_suite_info *s, struct sa_keys *keys) {
	*keys = (struct sa_keys){.enc_bytes = s->enc_key_bytes, .auth_bytes = s->auth_key_bytes};
	memcpy(keys->enc, m->enc_key, s->enc_key_bytes);
	memcpy(&keys->salt, m->enc_key + s->enc_key_bytes, s->salt_bytes);
	memcpy(keys->auth, m->auth_key, s->auth_key_bytes);
}

int ike_suite(const struct nave_ike_add_sa *m, enum esp_suite *suite, struct sa_keys *keys) {
	int rc = -ENOTSUP;

	for (enum esp_suite s = 0; s < ESP_SUITE_COUNT; s++) {
		if (!is_of(m, s) || !has_key_of(m, s))
			continue;
		if (m->auth_key_bytes != esp_suites[s].auth_key_bytes) {
			rc = -EINVAL;
			continue;
		}
		*suite = s;
		keys_take(m, &esp_suites[s], keys);
		return 0;
	}
	return rc;
}
