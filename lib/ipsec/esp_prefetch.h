// SPDX-License-Identifier: BSD-3-Clause
// The lines of an SA that are read before the cipher, on their way as soon as the SPI or the peer is known. Of keys
// only a burst's first ones: all of them, prefetched up to 32 packets ahead, cost more than they save
// (docs/performance.md); the backend fetches each a few packets ahead. Per packet, on workers.
#pragma once

#include <rte_byteorder.h>
#include <rte_prefetch.h>

#include "ipsec.h"
#include "lcore_ctx.h"

#define KEYS_FIRST 3 // of a burst: the backend begins with them, with nothing to do meanwhile
#define KEY_LINES (SA_KEY_BYTES / 64)
#define KEY_SHORT_TEXT 96 // a longer one reads all of an AES-GCM key, a shorter one the first lines and the last

static __rte_always_inline void key_prefetch(const uint8_t *key, uint32_t text_bytes) {
	for (unsigned i = 0; i < 3; i++)
		rte_prefetch0(key + 64 * i);
	for (unsigned i = text_bytes > KEY_SHORT_TEXT ? 3 : KEY_LINES - 2; i < KEY_LINES; i++)
		rte_prefetch0(key + 64 * i);
}

// Of a burst, in registers.
struct esp_prefetch {
	const uint8_t *objects; // SAs
	uint32_t stride, key_off;
};

static __rte_always_inline struct esp_prefetch esp_prefetch_in(const struct lcore_ctx *lc) {
	const struct ipsec *ip = lc->fwd->ipsec;

	return (struct esp_prefetch){ip->in, ip->in_stride, ip->key_off};
}

static __rte_always_inline struct esp_prefetch esp_prefetch_out(const struct lcore_ctx *lc) {
	const struct ipsec *ip = lc->fwd->ipsec;

	return (struct esp_prefetch){ip->out, ip->out_stride, sizeof(struct sa_out)};
}

// esp: the SPI. Of one that is not ours an address that is good for nothing but this.
static __rte_always_inline void esp_in_prefetch(const struct esp_prefetch *f, const uint8_t *esp) {
	uint32_t spi;

	memcpy(&spi, esp, sizeof(spi));
	rte_prefetch0(f->objects + (size_t)(rte_be_to_cpu_32(spi) & SPI_INDEX_MAX) * f->stride);
}

static __rte_always_inline void esp_out_prefetch(const struct esp_prefetch *f, uint32_t peer) {
	rte_prefetch0(f->objects + (size_t)peer * f->stride);
}

// Of one of ours; of another SPI an address that is good for nothing but this.
static __rte_always_inline const uint8_t *sa_in_key_of_spi(const struct esp_prefetch *f, const uint8_t *esp) {
	uint32_t spi;

	memcpy(&spi, esp, sizeof(spi));
	return f->objects + (size_t)(rte_be_to_cpu_32(spi) & SPI_INDEX_MAX) * f->stride + f->key_off;
}
