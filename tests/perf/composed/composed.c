// SPDX-License-Identifier: BSD-3-Clause
#include "composed.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <x86intrin.h>

#include <intel-ipsec-mb.h>

#define BURST 32
#define N_PACKETS 1024
#define STRIDE 2176
#define ETH 14
#define ESP (ETH + 20) // offsets in a packet
#define TEXT (ESP + 16)
#define INNER (TEXT + 4) // behind a GRE header without key
#define SPI_BASE 0x1000u
#define LAN 0x14000000u // 20.0.0.0: /24 of spoke i is LAN + (i << 8)
#define AHEAD 3 // packets whose key is on its way
#define HUGE_PAGE ((size_t)2 << 20)

struct sa { // one direction of one spoke, in one piece
	uint32_t spi_be, salt;
	uint64_t seq, window; // last sent; or highest received, and the 64 before it
	uint8_t template[40]; // Ethernet, IP
	struct gcm_key_data key;
};

struct work { // of a burst
	uint8_t *p[BURST];
	struct sa *sa[BURST];
	uint8_t nonce[BURST][16], tag[BURST][16];
	uint32_t text[BURST], inner[BURST], dst[BURST];
};

struct composed {
	struct gcm_context_data ctx;
	IMB_MGR *mgr;
	struct sa *in, *out; // [n]
	uint32_t *route; // by upper 24 bits
	uint8_t *packets;
	uint32_t n;
	uint64_t random;
	uint32_t at; // packet
	uint16_t inner[N_PACKETS];
	bool is_wrong, is_filled;
};

static uint64_t draw(struct composed *c) { // xorshift64
	c->random ^= c->random << 13;
	c->random ^= c->random >> 7;
	c->random ^= c->random << 17;
	return c->random;
}

static uint32_t load32(const uint8_t *p) {
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static void store32(uint8_t *p, uint32_t v) {
	memcpy(p, &v, sizeof(v));
}

static void nonce_set(uint8_t *nonce, const struct sa *sa, const uint8_t *iv) {
	memcpy(nonce, &sa->salt, 4);
	memcpy(nonce + 4, iv, 8);
}

static void key_prefetch(const struct gcm_key_data *key) {
	for (size_t i = 0; i < sizeof(*key); i += 64)
		_mm_prefetch((const char *)key + i, _MM_HINT_T0);
}

static void open_burst(struct composed *c, struct work *w) {
	for (unsigned i = 0; i < BURST; i++) {
		w->p[i] = c->packets + (size_t)((c->at + i) % N_PACKETS) * STRIDE;
		w->sa[i] = &c->in[__builtin_bswap32(load32(w->p[i] + ESP)) - SPI_BASE];
		_mm_prefetch((const char *)w->sa[i], _MM_HINT_T0);
		w->text[i] = __builtin_bswap16(*(uint16_t *)(w->p[i] + ETH + 2)) - 20u - 16 - 16;
	}
	for (unsigned i = 0; i < BURST; i++) {
		uint32_t seq = __builtin_bswap32(load32(w->p[i] + ESP + 4));

		c->is_wrong |= w->sa[i]->spi_be != load32(w->p[i] + ESP) || seq + 64ull <= w->sa[i]->seq;
		nonce_set(w->nonce[i], w->sa[i], w->p[i] + ESP + 8);
	}
	for (unsigned i = 0; i < BURST; i++) {
		uint8_t *text = w->p[i] + TEXT;

		if (i + AHEAD < BURST)
			key_prefetch(&w->sa[i + AHEAD]->key);
		c->mgr->gcm128_dec(
			&w->sa[i]->key, &c->ctx, text, text, w->text[i], w->nonce[i], w->p[i] + ESP, 8, w->tag[i], 16);
	}
}

static void take_burst(struct composed *c, struct work *w) {
	for (unsigned i = 0; i < BURST; i++) {
		const uint8_t *end = w->p[i] + TEXT + w->text[i];
		uint32_t seq = __builtin_bswap32(load32(w->p[i] + ESP + 4));

		c->is_wrong |= memcmp(w->tag[i], end, 16) != 0 || end[-1] != 47 || load32(w->p[i] + TEXT) != 0x00080000;
		w->inner[i] = w->text[i] - 2 - end[-2] - 4;
		w->sa[i]->window = seq > w->sa[i]->seq ? w->sa[i]->window << ((seq - w->sa[i]->seq) & 63) | 1
						       : w->sa[i]->window | 1ull << ((w->sa[i]->seq - seq) & 63);
		w->sa[i]->seq = seq > w->sa[i]->seq ? seq : w->sa[i]->seq;
		w->dst[i] = __builtin_bswap32(load32(w->p[i] + INNER + 16)) >> 8;
		_mm_prefetch((const char *)&c->route[w->dst[i]], _MM_HINT_T0);
	}
	for (unsigned i = 0; i < BURST; i++) {
		w->sa[i] = &c->out[c->route[w->dst[i]]];
		_mm_prefetch((const char *)w->sa[i], _MM_HINT_T0);
		_mm_prefetch((const char *)w->sa[i] + 64, _MM_HINT_T0);
	}
}

static void ipv4_length(uint8_t *ip, uint16_t total) {
	uint32_t sum = 0;
	uint16_t be = __builtin_bswap16(total), old, check;

	memcpy(&old, ip + 2, 2);
	memcpy(&check, ip + 10, 2);
	sum = (uint16_t)~check + (uint32_t)(uint16_t)~old + be;
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	check = (uint16_t)~sum;
	memcpy(ip + 2, &be, 2);
	memcpy(ip + 10, &check, 2);
}

static void push(struct composed *c, struct work *w, unsigned i) {
	uint8_t *p = w->p[i], *ip = p + INNER, *tail = ip + w->inner[i];
	struct sa *sa = w->sa[i];
	uint32_t pad = -(4 + w->inner[i] + 2) & 3, text = 4 + w->inner[i] + pad + 2;
	uint64_t seq_be = __builtin_bswap64(++sa->seq);

	ip[8] = ip[8] == 1 ? 64 : ip[8] - 1;
	// Where it goes when it comes in again, as from the spoke that it goes to now.
	store32(ip + 16, __builtin_bswap32(LAN + ((uint32_t)((draw(c) >> 32) * c->n >> 32) << 8) + 9));
	memcpy(p, sa->template, ESP);
	ipv4_length(p + ETH, (uint16_t)(20 + 16 + text + 16));
	store32(p + ESP, sa->spi_be);
	store32(p + ESP + 4, (uint32_t)(seq_be >> 32));
	memcpy(p + ESP + 8, &seq_be, 8);
	store32(tail, 0x00030201);
	tail[pad] = (uint8_t)pad;
	tail[pad + 1] = 47;
	w->text[i] = text;
	nonce_set(w->nonce[i], sa, p + ESP + 8);
}

static void seal_burst(struct composed *c, struct work *w) {
	for (unsigned i = 0; i < BURST; i++)
		push(c, w, i);
	for (unsigned i = 0; i < BURST; i++) {
		uint8_t *text = w->p[i] + TEXT;

		if (i + AHEAD < BURST)
			key_prefetch(&w->sa[i + AHEAD]->key);
		c->mgr->gcm128_enc(&w->sa[i]->key, &c->ctx, text, text, w->text[i], w->nonce[i], w->p[i] + ESP, 8,
			text + w->text[i], 16);
	}
}

static void packets_fill(struct composed *c) {
	for (uint32_t at = 0; at < N_PACKETS; at += BURST) {
		struct work w;

		for (unsigned i = 0; i < BURST; i++) {
			uint32_t from = (uint32_t)((draw(c) >> 32) * c->n >> 32);

			w.p[i] = c->packets + (size_t)(at + i) * STRIDE;
			w.sa[i] = &c->out[from];
			w.inner[i] = c->inner[at + i];
			store32(w.p[i] + TEXT, 0x00080000);
			w.p[i][INNER] = 0x45;
			w.p[i][INNER + 8] = 64;
		}
		seal_burst(c, &w);
	}
	c->is_filled = true;
}

static void run(struct composed *c, uint32_t packets) {
	struct work w;

	for (uint32_t n = 0; n < packets; n += BURST, c->at += BURST) {
		open_burst(c, &w);
		take_burst(c, &w);
		seal_burst(c, &w);
	}
}

double composed_round(struct composed *c) {
	unsigned aux;
	uint64_t t;

	if (!c->is_filled)
		packets_fill(c);
	run(c, 2 * c->n > COMPOSED_ROUND_PACKETS ? (2 * c->n + BURST - 1) / BURST * BURST : COMPOSED_ROUND_PACKETS);
	t = __rdtscp(&aux);
	run(c, COMPOSED_ROUND_PACKETS);
	t = __rdtscp(&aux) - t;
	return c->is_wrong ? -1 : (double)t / COMPOSED_ROUND_PACKETS;
}

void composed_inner(struct composed *c, uint16_t bytes) {
	c->is_filled = false;
	for (unsigned i = 0; i < N_PACKETS; i++)
		c->inner[i] = bytes;
}

void composed_inner_mix(struct composed *c, const uint16_t bytes[3]) {
	c->is_filled = false;
	for (unsigned i = 0; i < N_PACKETS; i++) {
		uint32_t k = (uint32_t)(draw(c) % 12);

		c->inner[i] = bytes[k < 7 ? 0 : k < 11 ? 1 : 2];
	}
}

static void *map(size_t bytes) {
	void *at = aligned_alloc(HUGE_PAGE, (bytes + HUGE_PAGE - 1) & ~(HUGE_PAGE - 1));

	if (!at)
		return NULL;
	madvise(at, bytes, MADV_HUGEPAGE);
	memset(at, 0, bytes);
	return at;
}

static void spoke_fill(struct composed *c, uint32_t i) {
	uint64_t key[2] = {draw(c), draw(c)};
	struct sa sa = {.spi_be = __builtin_bswap32(SPI_BASE + i), .salt = (uint32_t)draw(c)};
	uint32_t sum = 0;

	memcpy(sa.template + 12, "\x08\x00\x45\x00\x00\x00\x00\x00\x40\x00\x40\x32", 12);
	store32(sa.template + ETH + 12, __builtin_bswap32(0x0a000001));
	store32(sa.template + ETH + 16, __builtin_bswap32(0x0a400001 + i));
	for (unsigned k = ETH; k < ESP; k += 2)
		sum += *(uint16_t *)(sa.template + k);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	*(uint16_t *)(sa.template + ETH + 10) = (uint16_t)~sum;
	c->mgr->gcm128_pre(key, &sa.key);
	c->in[i] = c->out[i] = sa;
	c->route[(LAN >> 8) + i] = i;
}

struct composed *composed_create(uint32_t n_spokes, uint64_t seed) {
	struct composed *c = aligned_alloc(64, sizeof(*c));

	if (!c)
		return NULL;
	memset(c, 0, sizeof(*c));
	c->n = n_spokes;
	c->random = seed ? seed : 1;
	c->mgr = alloc_mb_mgr(0);
	c->in = map(n_spokes * sizeof(struct sa));
	c->out = map(n_spokes * sizeof(struct sa));
	c->route = map(sizeof(uint32_t) << 24);
	c->packets = map((size_t)N_PACKETS * STRIDE);
	if (!c->mgr || !c->in || !c->out || !c->route || !c->packets) {
		composed_free(c);
		return NULL;
	}
	init_mb_mgr_auto(c->mgr, NULL);
	for (uint32_t i = 0; i < n_spokes; i++)
		spoke_fill(c, i);
	return c;
}

void composed_free(struct composed *c) {
	if (!c)
		return;
	free(c->packets);
	free(c->route);
	free(c->out);
	free(c->in);
	if (c->mgr)
		free_mb_mgr(c->mgr);
	free(c);
}
