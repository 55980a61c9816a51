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
static bool has_room_for_strangers(const struct rte_ring *ring) {
	return rte_ring_free_count(ring) > ring->size / 4;
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

	if (rte_ring_full(lc->punt[c]))
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

static enum drop_reason admit_enqueue(
	struct lcore_ctx *lc, enum punt_class c, const struct rte_mbuf *m, uint16_t len_bytes) {
	const struct pkt_meta *meta = pkt_meta((struct rte_mbuf *)m);

	if (!is_admitted(lc->punt_policer, c, m, meta, lc->now_tsc))
		return DROP_POLICED;
	if (c == PUNT_NHRP && !meta->peer_in && !has_room_for_strangers(lc->punt[c]))
		return DROP_PUNT_RING_FULL;
	return copy_enqueue(lc, c, m, len_bytes);
}

static bool row_take(const struct token_bucket *rate, uint64_t *full_at, uint64_t now) {
	struct token_bucket b = *rate;

	b.full_at = *full_at;
	if (!token_bucket_take(&b, now))
		return false;
	*full_at = b.full_at;
	return true;
}

// By address and UDP port, as a NAT tells those behind it apart; by address; and all of the rank.
static bool ike_is_admitted(
	struct punt_policer *p, enum ike_rank rank, const struct pkt_meta *meta, uint16_t port, uint64_t now) {
	struct ike_policer *ike = p->ike;
	uint32_t hash = addr_hash(&meta->nbma, 0);

	return row_take(&ike->one_port, &ike->ports[addr_hash(&meta->nbma, port) % IKE_BUCKETS].full_at[rank], now) &&
	       row_take(&ike->one_address, &ike->addresses[hash % IKE_BUCKETS].full_at[rank], now) &&
	       token_bucket_take(&ike->of_rank[rank], now) && token_bucket_take(&p->of_class[PUNT_IKE], now);
}

// Three quarters of the ring to be free for who is new, half of it for who has a cookie, any of it for the others.
static bool ike_has_room(const struct rte_ring *ring, enum ike_rank rank) {
	static const uint8_t quarters[IKE_RANKS] = {[IKE_NEW] = 3, [IKE_NEW_WITH_COOKIE] = 2, [IKE_KNOWN] = 0};

	return rte_ring_free_count(ring) >= ring->size / 4 * quarters[rank];
}

void punt_ike(struct lcore_ctx *lc, struct rte_mbuf *m, uint16_t port, const uint8_t *ike, uint16_t len_bytes) {
	enum ike_rank rank = ike_rank_of(ike, len_bytes);
	enum drop_reason why;

	if (!ike_has_room(lc->punt[PUNT_IKE], rank))
		why = DROP_IKE_BACKLOG;
	else if (!ike_is_admitted(lc->punt_policer, rank, pkt_meta(m), port, lc->now_tsc))
		why = DROP_IKE_POLICED;
	else
		why = copy_enqueue(lc, PUNT_IKE, m, m->data_len);
	if (why == DROP_REASON_COUNT)
		rte_pktmbuf_free(m);
	else
		pkt_drop(lc, m, why);
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
	enum drop_reason why = admit_enqueue(lc, c, m, m->data_len);

	if (why == DROP_REASON_COUNT)
		rte_pktmbuf_free(m);
	else
		pkt_drop(lc, m, why);
}

void punt_sample(struct lcore_ctx *lc, enum punt_class c, const struct rte_mbuf *m) {
	admit_enqueue(lc, c, m, RTE_MIN(m->data_len, PUNT_SAMPLE_BYTES));
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
