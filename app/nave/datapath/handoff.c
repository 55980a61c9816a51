// SPDX-License-Identifier: BSD-3-Clause
#include <rte_prefetch.h>

#include "esp_crypto.h"
#include "esp_prefetch.h"
#include "gen.h"
#include "handoff.h"
#include "ipsec.h"

static void enqueue(struct lcore_ctx *lc, struct rte_ring *ring, struct rte_mbuf **pkts, uint16_t n) {
	uint16_t sent = rte_ring_sp_enqueue_burst(ring, (void **)pkts, n, NULL);

	for (uint16_t i = sent; i < n; i++)
		pkt_drop(lc, pkts[i], DROP_EGRESS_RING_FULL);
}

// Both priorities of one destination, order kept within each.
static void enqueue_by_priority(struct lcore_ctx *lc, uint16_t to, struct rte_mbuf **pkts, uint16_t n) {
	struct rte_mbuf *of[EGRESS_PRIORITIES][BURST_MAX];
	uint16_t count[EGRESS_PRIORITIES] = {0};

	for (uint16_t i = 0; i < n; i++) {
		unsigned p = pkt_meta(pkts[i])->priority ? EGRESS_CONTROL : EGRESS_DATA;

		of[p][count[p]++] = pkts[i];
	}
	for (unsigned p = 0; p < EGRESS_PRIORITIES; p++)
		if (count[p])
			enqueue(lc, lc->to_worker[to][p], of[p], count[p]);
	lc->counters->stage_packets[STAGE_HANDOFF] += n;
}

static __rte_always_inline uint16_t owner_of(const struct lcore_ctx *lc, const struct pkt_meta *meta) {
	struct peer *p = peer_at(&lc->fwd->peers, meta->peer_out);
	uint16_t owner = rcu_read(&p->owner);

	if (owner == PEER_OWNER_ANY || !meta->peer_out) // index 0 belongs to nobody: plain IP
		return lc->id;
	return owner == PEER_OWNER_NONE && peer_claim(p, lc->id) ? lc->id : rcu_read(&p->owner);
}

uint16_t handoff_out_burst(struct lcore_ctx *lc, struct rte_mbuf **pkts, uint16_t n) {
	struct rte_mbuf *away[BURST_MAX], *same[BURST_MAX];
	uint16_t owner[BURST_MAX], n_away = 0, kept = 0;

	if (lc->n_workers == 1)
		return n;
	for (uint16_t i = 0; i < n; i++) {
		struct pkt_meta *meta = pkt_meta(pkts[i]);
		uint16_t to = owner_of(lc, meta);

		if (likely(to == lc->id)) {
			pkts[kept++] = pkts[i];
			continue;
		}
		if (unlikely(to >= lc->n_workers)) {
			pkt_drop(lc, pkts[i], DROP_STALE);
			continue;
		}
		meta->peer_out_gen = rcu_read(&peer_at(&lc->fwd->peers, meta->peer_out)->gen);
		owner[n_away] = to;
		away[n_away++] = pkts[i];
	}
	while (n_away) { // the first one's owner gets all of its packets at once
		uint16_t to = owner[0], n_same = 0, rest = 0;

		for (uint16_t i = 0; i < n_away; i++) {
			if (owner[i] == to) {
				same[n_same++] = away[i];
			} else {
				owner[rest] = owner[i];
				away[rest++] = away[i];
			}
		}
		n_away = rest;
		enqueue_by_priority(lc, to, same, n_same);
	}
	return kept;
}

void handoff_frames(struct lcore_ctx *lc, uint16_t to, struct rte_mbuf **pkts, uint16_t n) {
	for (uint16_t i = 0; i < n; i++)
		pkt_meta(pkts[i])->way = WAY_FRAME;
	enqueue_by_priority(lc, to, pkts, n);
}

// An adjacency may have been freed, reused, emptied, or repointed to the spoke's new peer.
static enum drop_reason check_adj(const struct fwd *fwd, struct pkt_meta *meta) {
	const struct adj *a;
	struct adj_state st;

	if (unlikely(meta->adj >= fwd->adjs.max))
		return DROP_STALE;
	a = &fwd->adjs.adjs[meta->adj];
	if (unlikely(!gen_is_current(&a->gen, meta->adj_gen)))
		return DROP_STALE;
	st = adj_state_load(a);
	meta->peer_out = 0;
	if (st.kind == ADJ_PORT)
		return DROP_REASON_COUNT;
	if (unlikely(st.kind != ADJ_TUNNEL))
		return st.kind == ADJ_INCOMPLETE ? DROP_NOT_REGISTERED : DROP_UNREACHABLE;
	meta->peer_out = st.target;
	return DROP_REASON_COUNT;
}

static enum drop_reason check_way(const struct lcore_ctx *lc, struct pkt_meta *meta) {
	const struct fwd *fwd = lc->fwd;
	enum drop_reason why;

	switch (meta->way) {
	case WAY_ADJ:
		why = check_adj(fwd, meta);
		if (unlikely(why != DROP_REASON_COUNT))
			return why;
		break;
	case WAY_SA:
	case WAY_PEER:
		if (unlikely(meta->peer_out >= fwd->peers.max))
			return DROP_STALE;
		if (unlikely(!gen_is_current(&peer_at(&fwd->peers, meta->peer_out)->gen, meta->peer_out_gen)))
			return DROP_STALE;
		break;
	case WAY_NBMA:
		return meta->peer_out < fwd->nhs.max && meta->tunnel < FWD_TUNNELS_MAX ? DROP_REASON_COUNT : DROP_STALE;
	case WAY_FRAME:
		return DROP_REASON_COUNT;
	default:
		return DROP_STALE;
	}
	// Its owner changed meanwhile: only the owner may send.
	return owner_of(lc, meta) == lc->id ? DROP_REASON_COUNT : DROP_STALE;
}

static void prefetch_burst(const struct lcore_ctx *lc, struct rte_mbuf **pkts, uint16_t n) {
	const struct esp_prefetch f = lc->fwd->ipsec ? esp_prefetch_out(lc) : (struct esp_prefetch){.stride = 0};

	for (uint16_t i = 0; i < n; i++) {
		rte_prefetch0(pkts[i]);
		rte_prefetch0(pkt_meta(pkts[i]));
	}
	for (uint16_t i = 0; i < n; i++) {
		const struct pkt_meta *meta = pkt_meta(pkts[i]);

		rte_prefetch0(rte_pktmbuf_mtod(pkts[i], void *));
		if (meta->way == WAY_ADJ)
			rte_prefetch0(&lc->fwd->adjs.adjs[meta->adj]);
		if (meta->way == WAY_ADJ || meta->way == WAY_PEER) {
			rte_prefetch0(peer_at(&lc->fwd->peers, meta->peer_out));
			rte_prefetch0(&lc->spokes[meta->peer_out]);
			if (lc->fwd->ipsec && meta->peer_out < lc->fwd->peers.max)
				esp_out_prefetch(&f, meta->peer_out);
		}
	}
}

// Not a packet: keys are left nowhere but in the SA.
static __rte_noinline void sa_take(struct lcore_ctx *lc, struct rte_mbuf *m) {
	struct sa_message *msg = rte_pktmbuf_mtod(m, struct sa_message *);
	uint32_t peer = pkt_meta(m)->peer_out;

	sa_message_apply(lc->fwd->ipsec, peer_at(&lc->fwd->peers, peer), peer, msg);
	esp_wipe(msg, sizeof(*msg));
	rte_pktmbuf_free(m);
}

uint16_t handoff_in_burst(struct lcore_ctx *lc, struct rte_mbuf **pkts, uint16_t n) {
	uint16_t kept = 0;

	prefetch_burst(lc, pkts, n);
	for (uint16_t i = 0; i < n; i++) {
		enum drop_reason why = check_way(lc, pkt_meta(pkts[i]));

		if (unlikely(why != DROP_REASON_COUNT)) {
			if (pkt_meta(pkts[i])->way == WAY_SA) // the peer is gone
				esp_wipe(rte_pktmbuf_mtod(pkts[i], void *), sizeof(struct sa_message));
			pkt_drop(lc, pkts[i], why);
		} else if (unlikely(pkt_meta(pkts[i])->way == WAY_SA))
			sa_take(lc, pkts[i]);
		else
			pkts[kept++] = pkts[i];
	}
	return kept;
}
