// SPDX-License-Identifier: BSD-3-Clause
// What an SA may be protected with: one list makes enum, name, and the lengths that framing needs. Lengths in bytes.
#pragma once

#include <stdbool.h>
#include <stdint.h>

// X(NAME, name, encryption key, salt, authentication key, IV on the wire, ICV, block, is AEAD)
// Names are IKE proposal words, as strongSwan spells them. block: the payload with its trailer is padded to it (RFC
// 4303 section 2.4: at least 4). NULL without integrity is of the backend null alone: it measures everything else.
#define ESP_SUITES(X) \
	X(NULL, "null", 0, 0, 0, 0, 0, 4, false) \
	X(AES_GCM_128_16, "aes128gcm16", 16, 4, 0, 8, 16, 4, true) \
	X(AES_GCM_128_12, "aes128gcm12", 16, 4, 0, 8, 12, 4, true) \
	X(AES_GCM_128_8, "aes128gcm8", 16, 4, 0, 8, 8, 4, true) \
	X(AES_GCM_256_16, "aes256gcm16", 32, 4, 0, 8, 16, 4, true) \
	X(AES_GCM_256_12, "aes256gcm12", 32, 4, 0, 8, 12, 4, true) \
	X(AES_GCM_256_8, "aes256gcm8", 32, 4, 0, 8, 8, 4, true) \
	X(CHACHA20_POLY1305, "chacha20poly1305", 32, 4, 0, 8, 16, 4, true) \
	X(AES_GMAC_128, "aes128gmac", 16, 4, 0, 8, 16, 4, true) \
	X(AES_GMAC_256, "aes256gmac", 32, 4, 0, 8, 16, 4, true) \
	X(AES_CBC_128_SHA1_96, "aes128-sha1", 16, 0, 20, 16, 12, 16, false) \
	X(AES_CBC_256_SHA1_96, "aes256-sha1", 32, 0, 20, 16, 12, 16, false) \
	X(AES_CBC_128_SHA256_128, "aes128-sha256", 16, 0, 32, 16, 16, 16, false) \
	X(AES_CBC_256_SHA256_128, "aes256-sha256", 32, 0, 32, 16, 16, 16, false) \
	X(AES_CBC_128_SHA384_192, "aes128-sha384", 16, 0, 48, 16, 24, 16, false) \
	X(AES_CBC_256_SHA384_192, "aes256-sha384", 32, 0, 48, 16, 24, 16, false) \
	X(AES_CBC_128_SHA512_256, "aes128-sha512", 16, 0, 64, 16, 32, 16, false) \
	X(AES_CBC_256_SHA512_256, "aes256-sha512", 32, 0, 64, 16, 32, 16, false) \
	X(NULL_SHA1_96, "null-sha1", 0, 0, 20, 0, 12, 4, false) \
	X(NULL_SHA256_128, "null-sha256", 0, 0, 32, 0, 16, 4, false) \
	X(NULL_SHA384_192, "null-sha384", 0, 0, 48, 0, 24, 4, false) \
	X(NULL_SHA512_256, "null-sha512", 0, 0, 64, 0, 32, 4, false)

enum esp_suite {
#define X(name, word, enc, salt, auth, iv, icv, block, aead) ESP_##name,
	ESP_SUITES(X)
#undef X
		ESP_SUITE_COUNT
};

struct esp_suite_info {
	const char *name;
	uint8_t enc_key_bytes, salt_bytes, auth_key_bytes, iv_bytes, icv_bytes, block_bytes;
	bool is_aead;
};

extern const struct esp_suite_info esp_suites[ESP_SUITE_COUNT];
int esp_suite_parse(const char *name); // the suite, or -EINVAL
