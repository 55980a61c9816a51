// SPDX-License-Identifier: BSD-3-Clause
#include <rte_cycles.h>
#include <rte_ether.h>
#include <rte_malloc.h>
#include <rte_memcpy.h>

#include "idx_hash.h"
#include "punt.h"
#include "token_bucket.h"

#define STRANGER_BUCKETS 8192 // senders that are not registered, or not heard through a tunnel

// What control can take of each class from one worker, and one sender's part of it relative to the configured rate.
static const struct {
	uint32_t pps;
	uint32_t burst;
	uint16_t per_source; // times the configured rate
	uint16_t ring;
} classes[PUNT_CLASSES] = {
	[PUNT_NHRP] = {400000, 16384, 1, 4096},
	[PUNT_IKE] = {50000, 4096, 1, 1024},
	[PUNT_ROUTING] = {100000, 4096, 4, 2048},
	[PUNT_HOST] = {50000, 4096, 1, 1024},
	[PUNT_UNDERLAY] = {20000, 2048, 1, 1024},
	[PUNT_REDIRECT] = {50000, 4096, 1, 1024},
};

// A token bucket of which the rate is kept once for all: when it is full again.
struct bucket_row {
	uint64_t full_at[PUNT_CLASSES];
};

struct punt_policer {
	struct token_bucket of_class[PUNT_CLASSES];
	struct token_bucket per_source[PUNT_CLASSES]; // full_at is put in per sender
	uint32_t max_peers;
	struct bucket_row *peers; // [max_peers]
	struct bucket_row *strangers; // [STRANGER_BUCKETS]
};

struct punt_policer *punt_policer_create(uint32_t max_peers, uint32_t per_source_pps) {
	struct punt_policer *p = rte_zmalloc("punt_policer", sizeof(*p), RTE_CACHE_LINE_SIZE);
	uint64_t hz = rte_get_tsc_hz();

	if (!p)
		return NULL;
	p->max_peers = max_peers;
	p->peers = rte_zmalloc("punt_peers", (size_t)max_peers * sizeof(*p->peers), RTE_CACHE_LINE_SIZE);
	p->strangers = rte_zmalloc("punt_strangers", STRANGER_BUCKETS * sizeof(*p->strangers), RTE_CACHE_LINE_SIZE);
	if (!p->peers || !p->strangers) {
		punt_policer_free(p);
		return NULL;
	}
	if (!per_source_pps)
		per_source_pps = PUNT_PER_SOURCE_PPS;
	for (unsigned c = 0; c < PUNT_CLASSES; c++) {
		uint32_t pps = per_source_pps * classes[c].per_source;

		token_bucket_init(&p->of_class[c], classes[c].pps, classes[c].burst, hz);
		token_bucket_init(&p->per_source[c], pps, RTE_MAX(pps / 4, 32u), hz);
	}
	return p;
}

void punt_policer_free(struct punt_policer *p) {
	if (!p)
		return;
	rte_free(p->strangers);
	rte_free(p->peers);
	rte_free(p);
}

unsigned punt_ring_size(enum punt_class c) {
	return classes[c].ring;
}

static uint32_t stranger_hash(const struct rte_mbuf *m, const struct pkt_meta *meta) {
	const struct rte_ether_hdr *eth = rte_pktmbuf_mtod(m, const struct rte_ether_hdr *);
	uint64_t k[2] = {0, 0};

	if (meta->nbma.family != ADDR_NONE)
		memcpy(k, meta->nbma.bytes, sizeof(k));
	else if (m->data_len >= sizeof(*eth)) // ARP: a whole frame
		memcpy(k, &eth->src_addr, sizeof(eth->src_addr));
	return idx_hash_mix(k[0] ^ (uint64_t)idx_hash_mix(k[1]) << 32);
}

// The sender's own bucket first, so that a flood takes nothing from the class.
static bool is_admitted(struct punt_policer *p, enum punt_class c, const struct rte_mbuf *m,
	const struct pkt_meta *meta, uint64_t now) {
	struct bucket_row *row = &p->strangers[stranger_hash(m, meta) % STRANGER_BUCKETS];
	struct token_bucket one = p->per_source[c];

	if (meta->peer_in && meta->peer_in < p->max_peers)
		row = &p->peers[meta->peer_in];
	one.full_at = row->full_at[c];
	if (!token_bucket_take(&one, now))
		return false;
	row->full_at[c] = one.full_at;
	return token_bucket_take(&p->of_class[c], now);
}

// A copy in the punt pool, meta with it. NULL: *why.
static struct rte_mbuf *copy(struct lcore_ctx *lc, const struct rte_mbuf *m, enum drop_reason *why) {
	struct rte_mbuf *to = rte_pktmbuf_alloc(lc->punt_pool);
	void *data;

	*why = DROP_PUNT_NO_MBUF;
	if (!to)
		return NULL;
	*why = DROP_TOO_BIG;
	data = rte_pktmbuf_append(to, m->data_len);
	if (!data) {
		rte_pktmbuf_free(to);
		return NULL;
	}
	rte_memcpy(data, rte_pktmbuf_mtod(m, const void *), m->data_len);
	*pkt_meta(to) = *pkt_meta((struct rte_mbuf *)(uintptr_t)m);
	return to;
}

void punt_one(struct lcore_ctx *lc, enum punt_class c, struct rte_mbuf *m) {
	struct rte_mbuf *to;
	enum drop_reason why;

	if (!is_admitted(lc->punt_policer, c, m, pkt_meta(m), lc->now_tsc)) {
		pkt_drop(lc, m, DROP_POLICED);
		return;
	}
	if (rte_ring_full(lc->punt[c])) {
		pkt_drop(lc, m, DROP_PUNT_RING_FULL);
		return;
	}
	to = copy(lc, m, &why);
	if (!to) {
		pkt_drop(lc, m, why);
		return;
	}
	pkt_meta(to)->punt_class = c;
	rte_ring_sp_enqueue(lc->punt[c], to); // the only producer, and not full
	lc->counters->punted[c]++;
	lc->counters->stage_packets[STAGE_PUNT]++;
	rte_pktmbuf_free(m);
}

void punt_burst(struct lcore_ctx *lc, enum punt_class c, struct rte_mbuf **pkts, uint16_t n) {
	for (uint16_t i = 0; i < n; i++)
		punt_one(lc, c, pkts[i]);
}
