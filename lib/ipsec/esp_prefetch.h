// SPDX-License-Identifier: BSD-3-Clause
// What opening or sealing a packet will read, on its way: SA, window, and of the key the lines that a text of its length
// needs. Per packet, on workers, as soon as the SPI or the peer is known.
#pragma once

#include <rte_byteorder.h>
#include <rte_prefetch.h>

#include "ipsec.h"
#include "lcore_ctx.h"

#define KEY_HEAD 3 // lines that a short text of the commonest suites reads: AES-128's round keys,
#define KEY_TAIL 2 // and the last powers of the hash key

// Of a burst, in registers.
struct esp_prefetch {
	const uint8_t *objects; // SAs
	uint32_t stride, key_off, n;
	uint32_t window_mask;
	const uint8_t (*lines)[2]; // by length of text, of the suite seen last
};

static __rte_always_inline struct esp_prefetch esp_prefetch_in(const struct lcore_ctx *lc) {
	const struct ipsec *ip = lc->fwd->ipsec;

	return (struct esp_prefetch){
		ip->in, ip->in_stride, ip->key_off, ip->n_in, ip->window_mask, ip->key_lines[lc->suite_hint]};
}

static __rte_always_inline struct esp_prefetch esp_prefetch_out(const struct lcore_ctx *lc) {
	const struct ipsec *ip = lc->fwd->ipsec;

	return (struct esp_prefetch){
		ip->out, ip->out_stride, sizeof(struct sa_out), ip->max_peers, 0, ip->key_lines[lc->suite_hint]};
}

static __rte_always_inline void key_prefetch(const struct esp_prefetch *f, const uint8_t *at, uint32_t text_bytes) {
	const uint8_t *lines = f->lines[text_bytes / 16 < KEY_TEXTS ? text_bytes / 16 : KEY_TEXTS - 1];
	const uint8_t *end = at + SA_KEY_BYTES;

	rte_prefetch0(at);
	rte_prefetch0(at + 64);
	rte_prefetch0(at + 128);
	rte_prefetch0(end - 64);
	rte_prefetch0(end - 128);
	for (unsigned i = KEY_HEAD; i < lines[0]; i++)
		rte_prefetch0(at + 64 * i);
	for (unsigned i = KEY_TAIL + 1; i <= lines[1]; i++)
		rte_prefetch0(end - 64 * i);
}

// esp: SPI and sequence number; len_bytes: to the ICV's end.
static __rte_always_inline void esp_in_prefetch(const struct esp_prefetch *f, const uint8_t *esp, uint32_t len_bytes) {
	const uint8_t *sa;
	uint32_t slot, word;
	uint64_t first;

	memcpy(&first, esp, sizeof(first));
	first = rte_be_to_cpu_64(first);
	slot = first >> 32 & SPI_INDEX_MAX;
	if (unlikely(slot >= f->n))
		return;
	sa = f->objects + (size_t)slot * f->stride;
	word = (uint32_t)first / 64 & f->window_mask;
	rte_prefetch0(sa);
	rte_prefetch0(sa + sizeof(struct sa_in) + word * sizeof(uint64_t));
	key_prefetch(f, sa + f->key_off, len_bytes);
}

// len_bytes: of the payload, about.
static __rte_always_inline void esp_out_prefetch(const struct esp_prefetch *f, uint32_t peer, uint32_t len_bytes) {
	const uint8_t *sa = f->objects + (size_t)peer * f->stride;

	rte_prefetch0(sa);
	key_prefetch(f, sa + f->key_off, len_bytes);
}
