// SPDX-License-Identifier: BSD-3-Clause
// An ESP packet in a buffer with guards on both sides, and what OpenSSL makes of the same.
#pragma once

#include "esp_crypto.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define PACKET_GUARD 64
#define PACKET_TEXT_MAX 4096

struct esp_packet {
	enum esp_suite suite;
	bool esn;
	uint8_t enc[32], auth[64], salt[4];
	uint32_t seq_high;
	uint8_t *spi; // header, IV, text, ICV stand in one piece, ESP's order
	uint8_t *iv, *text, *icv, *end;
	uint32_t text_bytes;
	uint8_t buf[PACKET_GUARD + 8 + ESP_IV_MAX + PACKET_TEXT_MAX + ESP_ICV_MAX + PACKET_GUARD];
};

// A generator with a fixed seed, so that a failure can be repeated.
void random_seed(uint64_t seed);
uint64_t random_u64(void);
void random_bytes(uint8_t *to, size_t bytes);

// Lays the packet out; all of it, guards too, is random.
void packet_init(struct esp_packet *p, enum esp_suite suite, bool esn, uint32_t text_bytes);
struct esp_job packet_job(const struct esp_packet *p, const void *key);
// What libcrypto makes of the packet: text encrypted in place, ICV written.
void packet_seal_reference(struct esp_packet *p);
// Nothing but text and ICV differs.
void packet_assert_guards(const struct esp_packet *now, const struct esp_packet *before);

// A key object of the backend, for the caller to free.
void *key_new(const struct esp_crypto_ops *ops, enum esp_suite suite, const uint8_t *enc, const uint8_t *auth);
void key_free(const struct esp_crypto_ops *ops, enum esp_suite suite, void *key);
