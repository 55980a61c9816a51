// SPDX-License-Identifier: BSD-3-Clause
// ESP as nearly every packet has it: an AEAD with an IV of 8 octets and text of whole words, transport mode, no ESN, no
// UDP, over IPv4, in order. One compare tells whether an SA is of that kind; what is not so takes the long way in
// esp_in.c and esp_out.c, which says why. Per packet, on workers; inlined into their bursts and into the hairpin's.
#pragma once

#include <netinet/in.h>

#include <rte_byteorder.h>

#include "esp_frame.h"
#include "ipsec.h"
#include "lcore_ctx.h"
#include "outer_write.h"

#define PLAIN_IV_BYTES 8
#define PLAIN_BLOCK_BYTES 4
#define PLAIN_TEXT_MIN 8 // its last 8 octets are looked at
#define PLAIN_HEAD_BYTES (RTE_ETHER_HDR_LEN + sizeof(struct rte_ipv4_hdr) + ESP_HEADER_BYTES + PLAIN_IV_BYTES)
#define PLAIN_TAIL_MAX 6 // octets that a trailer may be written over

// Of a burst, in registers. The suite is that of the SA seen last.
struct plain_in {
	uint8_t *in;
	const struct ipsec *foreign; // NULL: no SPI was chosen elsewhere
	uint32_t in_stride, key_off, n_in;
	uint32_t kind; // sa_kind_in()
	uint32_t around; // octets around the text
};

struct plain_out {
	uint8_t *out;
	uint32_t out_stride;
	uint32_t kind; // sa_kind_out()
	uint32_t icv_bytes;
	uint16_t worker;
};

static __rte_always_inline bool plain_suite(uint8_t suite) {
	const struct esp_suite_info *info = &esp_suites[suite];

	return info->iv_bytes == PLAIN_IV_BYTES && info->block_bytes == PLAIN_BLOCK_BYTES;
}

static __rte_always_inline struct plain_in plain_in_of(const struct lcore_ctx *lc) {
	const struct ipsec *ip = lc->fwd->ipsec;

	return (struct plain_in){
		.in = ip->in,
		.foreign = rcu_read(&ip->has_foreign) ? ip : NULL,
		.in_stride = ip->in_stride,
		.key_off = ip->key_off,
		.n_in = ip->n_in,
		.kind = sa_kind_in(lc->suite_hint, lc->id),
		.around = ESP_HEADER_BYTES + PLAIN_IV_BYTES + esp_suites[lc->suite_hint].icv_bytes,
	};
}

static __rte_always_inline struct plain_out plain_out_of(const struct lcore_ctx *lc) {
	const struct ipsec *ip = lc->fwd->ipsec;

	return (struct plain_out){
		.out = ip->out,
		.out_stride = ip->out_stride,
		.kind = sa_kind_out(lc->suite_hint),
		.icv_bytes = esp_suites[lc->suite_hint].icv_bytes,
		.worker = lc->id,
	};
}

// sa_from_word() over IPv4.
static __rte_always_inline uint64_t plain_from(uint32_t nbma_be, uint16_t port, uint16_t endpoint) {
	return (uint64_t)endpoint << 48 | (uint64_t)port << 32 | nbma_be;
}

// The slot that an SPI says, if that is the SA's, or where the hash has it; 0: nowhere.
static __rte_always_inline struct sa_in *plain_sa(const struct plain_in *g, uint32_t spi) {
	uint32_t slot = spi & SPI_INDEX_MAX;
	struct sa_in *sa = (struct sa_in *)(g->in + (size_t)slot * g->in_stride);

	if (likely(slot < g->n_in && rcu_read(&sa->spi) == spi))
		return sa;
	slot = g->foreign ? sad_lookup_foreign(g->foreign, spi) : 0;
	return (struct sa_in *)(g->in + (size_t)slot * g->in_stride); // of slot 0 no SPI is right
}

// SA, owner, source, length, a sequence number newer than all before: the SA, its job filled. NULL: not plain, and
// nothing was done. len: to the ICV's end.
static __rte_always_inline struct sa_in *plain_admit(
	const struct plain_in *g, uint8_t *esp, uint32_t len, uint64_t from, struct esp_job *j, uint64_t *seq_out) {
	const uint32_t text_bytes = len - g->around;
	struct sa_in *sa;
	uint64_t first, differ;
	uint32_t spi, seq;

	memcpy(&first, esp, sizeof(first));
	spi = rte_be_to_cpu_32((uint32_t)first);
	seq = rte_be_to_cpu_32((uint32_t)(first >> 32));
	if (unlikely(len < g->around + PLAIN_TEXT_MIN))
		return NULL;
	sa = plain_sa(g, spi);
	differ = rcu_read(&sa->spi) ^ spi;
	differ |= rcu_read(&sa->kind) ^ g->kind;
	differ |= rcu_read(&sa->from) ^ from;
	differ |= text_bytes & (PLAIN_BLOCK_BYTES - 1);
	if (unlikely(differ || seq <= sa->replay.top || !spi))
		return NULL;
	j->key = (uint8_t *)sa + g->key_off;
	j->iv = esp + ESP_HEADER_BYTES;
	j->text = esp + ESP_HEADER_BYTES + PLAIN_IV_BYTES;
	j->icv = esp + ESP_HEADER_BYTES + PLAIN_IV_BYTES + text_bytes;
	j->text_bytes = text_bytes;
	memcpy(j->nonce, &sa->salt, 4);
	memcpy(j->nonce + 4, esp + ESP_HEADER_BYTES, 8);
	memcpy(j->aad, &first, sizeof(first));
	j->aad_bytes = 8;
	*seq_out = seq;
	return sa;
}

// The last 8 octets of a text: padding 1, 2, 3, its length, GRE. Up to three octets of it, as a number.
static const struct {
	uint64_t is, mask;
} plain_trailers[PLAIN_BLOCK_BYTES] = {
	{0x2f00000000000000, 0xffff000000000000},
	{0x2f01010000000000, 0xffffff0000000000},
	{0x2f02020100000000, 0xffffffff00000000},
	{0x2f03030201000000, 0xffffffffff000000},
};

// A right ICV and a short trailer: octets of payload. 0: not plain.
static __rte_always_inline uint32_t plain_opened(const struct esp_job *j) {
	uint64_t last;
	unsigned pad;

	memcpy(&last, j->text + j->text_bytes - sizeof(last), sizeof(last));
	pad = last >> 48 & 0xff;
	if (unlikely(
		    !j->ok || pad >= PLAIN_BLOCK_BYTES || ((last ^ plain_trailers[pad].is) & plain_trailers[pad].mask)))
		return 0;
	return j->text_bytes - ESP_TRAILER_BYTES - pad;
}

// false: a number seen before. Mostly the next one, of the same word as the newest.
static __rte_always_inline bool plain_replay_update(struct replay *r, uint64_t seq) {
	if (unlikely(seq <= r->top || !replay_is_recent(r, seq)))
		return replay_update(r, seq);
	r->recent |= UINT64_C(1) << seq % 64;
	r->top = seq;
	return true;
}

// For an owned peer over IPv4 without UDP, far from the end of its sequence numbers, underlay neighbour known.
static __rte_always_inline bool plain_may_seal(
	const struct plain_out *q, const struct peer *p, const struct sa_out *sa) {
	return rcu_read(&p->owner) == q->worker && // the rest is its owner's
	       !((p->hdr_len_bytes ^ sizeof(struct rte_ipv4_hdr)) | (sa->kind ^ q->kind)) && sa->seq < sa->seq_soft;
}

static __rte_always_inline bool plain_has_room(
	uint32_t data_off, uint32_t payload, uint32_t icv_bytes, uint32_t buf_len) {
	return data_off >= PLAIN_HEAD_BYTES &&
	       data_off + payload + PLAIN_BLOCK_BYTES + PLAIN_TAIL_MAX + icv_bytes <= buf_len;
}

// Headers before the payload, trailer behind it, the job that seals it. Returns the frame's length; it begins
// PLAIN_HEAD_BYTES before the payload.
static __rte_always_inline uint32_t plain_seal_prepare(const struct plain_out *q, const struct fwd *fwd,
	const struct peer *p, struct sa_out *sa, uint64_t nh, uint8_t *payload, uint32_t payload_bytes, uint8_t tos,
	struct esp_job *j) {
	const uint32_t pad = -(payload_bytes + ESP_TRAILER_BYTES) & (PLAIN_BLOCK_BYTES - 1), pads = 0x00030201;
	const uint32_t text_bytes = payload_bytes + pad + ESP_TRAILER_BYTES, behind = text_bytes + q->icv_bytes;
	const uint64_t seq = ++sa->seq, seq_be = rte_cpu_to_be_64(seq), iv_be = seq_be ^ sa->iv_high;
	const uint64_t first = sa->spi_be | (seq_be & 0xffffffff00000000ull); // SPI, low half: as they stand there
	uint8_t *out = payload - PLAIN_HEAD_BYTES, *tail = payload + payload_bytes;

	sa->packets++;
	sa->bytes += payload_bytes;
	memcpy(tail, &pads, sizeof(pads));
	tail[pad] = (uint8_t)pad;
	tail[pad + 1] = IPPROTO_GRE;
	outer_ether_write(out, nh, fwd->ports[nh_of_word(nh).port].mac, RTE_ETHER_TYPE_IPV4);
	outer_ipv4_write(out + RTE_ETHER_HDR_LEN, p, (uint16_t)(ESP_HEADER_BYTES + PLAIN_IV_BYTES + behind), tos);
	out += RTE_ETHER_HDR_LEN + sizeof(struct rte_ipv4_hdr);
	memcpy(out, &first, sizeof(first));
	memcpy(out + ESP_HEADER_BYTES, &iv_be, sizeof(iv_be));
	j->key = sa_out_key(sa);
	j->text = payload;
	j->icv = payload + text_bytes;
	j->text_bytes = text_bytes;
	memcpy(j->nonce, &sa->salt, 4);
	memcpy(j->nonce + 4, &iv_be, 8);
	memcpy(j->aad, &first, sizeof(first));
	j->aad_bytes = 8;
	return PLAIN_HEAD_BYTES + behind;
}
