// SPDX-License-Identifier: BSD-3-Clause
#include "punt.h"

#include <rte_ether.h>
#include <rte_memcpy.h>

#include "idx_hash.h"
#include "punt_policer.h"

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
static struct rte_mbuf *copy(struct lcore_ctx *lc, struct rte_mbuf *m, enum drop_reason *why) {
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
	*pkt_meta(to) = *pkt_meta(m);
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
