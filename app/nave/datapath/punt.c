// SPDX-License-Identifier: BSD-3-Clause
#include "punt.h"

#include <rte_ether.h>
#include <rte_memcpy.h>

#include "idx_hash.h"
#include "ipsec.h"
#include "punt_policer.h"
#include "sa_rt.h"

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
	if (c == PUNT_NHRP && !meta->peer_in && !token_bucket_take(&p->strangers_nhrp, now))
		return false;
	return token_bucket_take(&p->of_class[c], now);
}

// The last quarter of the ring is for those who are registered.
static bool has_room(const struct rte_ring *ring, bool is_stranger) {
	return is_stranger ? rte_ring_free_count(ring) > ring->size / 4 : !rte_ring_full(ring);
}

// A copy of the first bytes in the punt pool, meta with it. DROP_REASON_COUNT: *to is there.
static enum drop_reason copy(struct lcore_ctx *lc, const struct rte_mbuf *m, uint16_t len_bytes, struct rte_mbuf **to) {
	void *data;

	*to = rte_pktmbuf_alloc(lc->punt_pool);
	if (!*to)
		return DROP_PUNT_NO_MBUF;
	data = rte_pktmbuf_append(*to, len_bytes);
	if (!data) {
		rte_pktmbuf_free(*to);
		return DROP_TOO_BIG;
	}
	rte_memcpy(data, rte_pktmbuf_mtod(m, const void *), len_bytes);
	*pkt_meta(*to) = *pkt_meta((struct rte_mbuf *)m);
	return DROP_REASON_COUNT;
}

static enum drop_reason copy_enqueue(
	struct lcore_ctx *lc, enum punt_class c, const struct rte_mbuf *m, uint16_t len_bytes) {
	struct rte_mbuf *to;
	enum drop_reason why;

	if (!is_admitted(lc->punt_policer, c, m, pkt_meta((struct rte_mbuf *)m), lc->now_tsc))
		return DROP_POLICED;
	if (!has_room(lc->punt[c], c == PUNT_NHRP && !pkt_meta((struct rte_mbuf *)m)->peer_in))
		return DROP_PUNT_RING_FULL;
	why = copy(lc, m, len_bytes, &to);
	if (why != DROP_REASON_COUNT)
		return why;
	pkt_meta(to)->punt_class = c;
	rte_ring_sp_enqueue(lc->punt[c], to); // the only producer, and not full
	lc->counters->punted[c]++;
	lc->counters->stage_packets[STAGE_PUNT]++;
	return DROP_REASON_COUNT;
}

static bool event_one(struct lcore_ctx *lc, const struct sa_event *event) {
	struct pkt_meta meta = {.peer_in = event->peer, .peer_in_gen = event->peer_gen, .punt_class = PUNT_SA};
	struct rte_mbuf *m = rte_pktmbuf_alloc(lc->punt_pool);

	if (!m)
		return false;
	*pkt_meta(m) = meta;
	memcpy(rte_pktmbuf_append(m, sizeof(*event)), event, sizeof(*event));
	// That its numbers end, an SA tells once: nobody else's events are in its way.
	if ((event->kind == SA_EVENT_MAPPING && !is_admitted(lc->punt_policer, PUNT_SA, m, &meta, lc->now_tsc)) ||
		rte_ring_sp_enqueue(lc->punt[PUNT_SA], m) < 0) {
		rte_pktmbuf_free(m);
		return false;
	}
	lc->counters->punted[PUNT_SA]++;
	return true;
}

// The next packet tells it, as it does of a mapping.
static void event_untold(struct lcore_ctx *lc, const struct sa_event *event) {
	const uint8_t told = event->kind == SA_EVENT_HARD ? SA_TOLD_HARD : SA_TOLD_SOFT;
	struct sa_out *sa;

	if (event->kind == SA_EVENT_MAPPING)
		return;
	sa = sa_out_at(lc->fwd->ipsec, event->peer);
	if (sa->told == told) // not when more than this was told since
		sa->told--;
}

void punt_one(struct lcore_ctx *lc, enum punt_class c, struct rte_mbuf *m) {
	enum drop_reason why = copy_enqueue(lc, c, m, m->data_len);

	if (why == DROP_REASON_COUNT)
		rte_pktmbuf_free(m);
	else
		pkt_drop(lc, m, why);
}

void punt_sample(struct lcore_ctx *lc, enum punt_class c, const struct rte_mbuf *m) {
	copy_enqueue(lc, c, m, RTE_MIN(m->data_len, PUNT_SAMPLE_BYTES));
}

void punt_burst(struct lcore_ctx *lc, enum punt_class c, struct rte_mbuf **pkts, uint16_t n) {
	for (uint16_t i = 0; i < n; i++)
		punt_one(lc, c, pkts[i]);
}

// What two stages of a burst had to say, as packets without content.
void punt_events(struct lcore_ctx *lc) {
	for (unsigned i = 0; i < lc->n_events; i++)
		if (!event_one(lc, &lc->events[i]))
			event_untold(lc, &lc->events[i]);
	lc->n_events = 0;
}
