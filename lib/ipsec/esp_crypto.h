// SPDX-License-Identifier: BSD-3-Clause
// What ESP wants of a crypto backend. intel-ipsec-mb on the worker itself today; the shape (bursts of jobs, a context
// per lcore) lets a cryptodev be put behind it without a change in lib/ipsec.
//
// A key is a schedule in memory that the caller owns: key_bytes() says how much, 64-byte aligned, one contiguous
// object, so that an SA can keep it beside its own state and prefetch it. It holds no pointer: it may be moved or
// copied as bytes.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "esp_suite.h"

#define ESP_KEY_ALIGN 64
#define ESP_IV_MAX 16
#define ESP_ICV_MAX 32
#define ESP_AAD_MAX 12 // SPI and sequence number, 64-bit with ESN (RFC 4106 section 5)
#define ESP_BURST_MAX 64

// One packet. Encryption and decryption are in place; nothing outside text and icv is written.
struct esp_job {
	const void *key;
	uint8_t *text; // what is encrypted: payload, padding, pad length, next header; a multiple of the suite's block;
		       // CBC: not none
	uint8_t *icv; // seal: written, icv_bytes of the suite; open: compared in constant time, and left as it was
	uint8_t *iv; // CBC: iv_bytes, as on the wire; written by iv_make alone
	uint32_t text_bytes;
	uint8_t nonce[12]; // AEADs: salt and the IV (RFC 4106 section 4)
	uint8_t aad[ESP_AAD_MAX]; // SPI | sequence number (| low half, when ESN: SPI | high | low), network order
	uint8_t aad_bytes; // 8, or 12 with ESN
	bool ok; // open: the ICV was right. When false, text is garbage and must not be looked at
};
_Static_assert(sizeof(struct esp_job) <= 64, "one line a job");
// What stands where. AEADs take what they authenticate beside text from aad (and GMAC the IV, from nonce). Integrity
// without AEAD (CBC, NULL) covers SPI, sequence number, IV and text as they lie in the packet, then the high half of an
// ESN (RFC 4303 section 2.8): there the ESP header and the IV stand right before text, the ICV right behind it, and aad
// gives the high half.

struct esp_crypto_ops {
	const char *name; // "ipsec-mb"
	// Bytes of a key object for the suite; 0: not supported.
	size_t (*key_bytes)(enum esp_suite suite);
	// Control core. -EINVAL for lengths that are not the suite's, -ENOTSUP for a suite without key_bytes. enc and
	// auth may be NULL where their length is 0. The salt is no part of the key: it goes with each job.
	int (*key_init)(void *key, enum esp_suite suite, const uint8_t *enc, size_t enc_bytes, const uint8_t *auth,
		size_t auth_bytes);
	// Per lcore, at start: whatever the backend needs that is not a key. NULL: out of memory, or a machine that the
	// backend cannot use.
	void *(*lcore_create)(void);
	void (*lcore_free)(void *lcore);
	// Workers; NULL: no suite of the backend needs it. Of suites whose IV nobody may foresee (CBC, RFC 3602 section
	// 3): what stands at iv is a number that was never there before under this key, and becomes its encryption
	// (NIST SP 800-38A appendix C). Before seal(), which takes iv as it stands.
	void (*iv_make)(void *lcore, enum esp_suite suite, struct esp_job *jobs, unsigned n);
	// Workers. All jobs of a call are of one suite; keys may differ, and are brought from memory by the backend,
	// each a few jobs ahead. Order and count stay; n at most ESP_BURST_MAX.
	void (*seal)(void *lcore, enum esp_suite suite, struct esp_job *jobs, unsigned n);
	void (*open)(void *lcore, enum esp_suite suite, struct esp_job *jobs, unsigned n);
};

// Whether keys of these lengths are the suite's, and there where they have a length. 0 or -EINVAL: the check of every
// key_init.
int esp_key_check(enum esp_suite suite, const uint8_t *enc, size_t enc_bytes, const uint8_t *auth, size_t auth_bytes);

// Wipes what the compiler must not leave out.
void esp_wipe(void *p, size_t bytes);

// Two ICVs in a time that does not tell where they differ. bytes: a multiple of 4, as every suite's is.
static inline bool esp_icv_equal(const uint8_t *a, const uint8_t *b, unsigned bytes) {
	uint64_t diff = 0;
	unsigned i = 0;

	for (; i + 8 <= bytes; i += 8) {
		uint64_t x, y;

		memcpy(&x, a + i, 8);
		memcpy(&y, b + i, 8);
		diff |= x ^ y;
	}
	if (i < bytes) {
		uint32_t x, y;

		memcpy(&x, a + i, 4);
		memcpy(&y, b + i, 4);
		diff |= x ^ y;
	}
	return diff == 0;
}
