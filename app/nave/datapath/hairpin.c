// SPDX-License-Identifier: BSD-3-Clause
#include "hairpin.h"

#include <rte_byteorder.h>
#include <rte_ip.h>
#include <rte_prefetch.h>

#include "esp_prefetch.h"
#include "gre_wire.h"
#include "inner.h"

// The tunnel of a burst's first packet, and its GRE header as a number.
struct lane {
	const struct tunnel *t;
	uint64_t gre, mask; // of the header's first 8 octets
	uint16_t gre_len_bytes;
	uint16_t id; // of t
	bool anti_spoof;
};

struct burst {
	struct rte_mbuf *pkts[BURST_MAX];
	struct rte_ipv4_hdr *ip[BURST_MAX];
	uint32_t src_be[BURST_MAX], dst_be[BURST_MAX];
	uint32_t adj[BURST_MAX], back[BURST_MAX]; // adjacencies of destination and source
	unsigned n;
};

static bool lane_open(struct lane *l, const struct lcore_ctx *lc, const struct rte_mbuf *m) {
	const uint8_t *gre = rte_pktmbuf_mtod(m, const uint8_t *);
	const struct endpoint *e = &lc->fwd->endpoints[pkt_meta((struct rte_mbuf *)m)->endpoint];
	unsigned n = rcu_read(&e->n_tunnels);
	struct gre_header h;

	if (gre_parse(gre, m->data_len, &h) != GRE_OK || (h.flags & ~GRE_FLAG_KEY) || m->data_len < 8)
		return false;
	memcpy(&l->gre, gre, sizeof(l->gre));
	l->mask = h.flags ? UINT64_MAX : UINT32_MAX;
	l->gre &= l->mask;
	l->gre_len_bytes = h.len_bytes;
	for (unsigned i = 0; i < n; i++) {
		const struct tunnel *t = rcu_read(&lc->fwd->tunnels[rcu_read(&e->tunnels[i])]);

		if (!t || t->has_key != !!h.flags || t->key != h.key)
			continue;
		l->t = t;
		l->id = t->id;
		l->anti_spoof = t->anti_spoof;
		return h.protocol == GRE_PROTO_IPV4 && t->is_protected && !t->checksum;
	}
	return false;
}

// RFC 1812 section 5.2.2, as inner_check_ipv4() and inner_ttl_take() in one.
static __rte_always_inline bool is_plain(const struct lane *l, const uint8_t *gre, uint32_t len) {
	const struct rte_ipv4_hdr *ip = (const struct rte_ipv4_hdr *)(gre + l->gre_len_bytes);
	uint32_t total = rte_be_to_cpu_16(ip->total_length);
	uint64_t differ;

	memcpy(&differ, gre, sizeof(differ));
	differ = ((differ & l->mask) ^ l->gre) | (ip->version_ihl ^ RTE_IPV4_VHL_DEF);
	return !differ && total - sizeof(*ip) <= len - l->gre_len_bytes - sizeof(*ip) && ip->time_to_live > 1 &&
	       ipv4_checksum_ok(ip, sizeof(*ip)) && inner_ipv4_is_plain((const uint8_t *)&ip->src_addr) &&
	       inner_ipv4_is_plain((const uint8_t *)&ip->dst_addr);
}

static __rte_always_inline void sort(
	const struct lane *l, struct rte_mbuf **pkts, uint16_t n, struct burst *b, struct rte_mbuf **rest, uint16_t *n_rest) {
	const uint16_t endpoint = pkt_meta(pkts[0])->endpoint;
	unsigned k = 0;

	for (unsigned i = 0; i < n; i++) {
		struct rte_mbuf *m = pkts[i];
		const struct pkt_meta *meta = pkt_meta(m);
		const uint8_t *gre = rte_pktmbuf_mtod(m, const uint8_t *);
		const struct rte_ipv4_hdr *ip = (const struct rte_ipv4_hdr *)(gre + l->gre_len_bytes);

		if (unlikely(m->data_len < 8 + sizeof(*ip) || !is_plain(l, gre, m->data_len) ||
			     meta->endpoint != endpoint || meta->outer_ce)) {
			rest[(*n_rest)++] = m;
			continue;
		}
		b->pkts[k] = m;
		b->ip[k] = (struct rte_ipv4_hdr *)(uintptr_t)ip;
		b->dst_be[k++] = ip->dst_addr;
	}
	b->n = k;
}

static void lookup(const struct lcore_ctx *lc, const struct lane *l, struct burst *b) {
	const struct fib *f = rcu_read(&lc->fwd->vrfs[l->t->vrf].fib_ipv4);
	const struct adj *adjs = lc->fwd->adjs.adjs;

	fib_lookup_ipv4(f, b->dst_be, b->n, b->adj);
	for (unsigned i = 0; i < b->n; i++)
		rte_prefetch0(&adjs[b->adj[i]]);
	if (!l->t->anti_spoof)
		return;
	for (unsigned i = 0; i < b->n; i++)
		b->src_be[i] = b->ip[i]->src_addr;
	fib_lookup_ipv4(f, b->src_be, b->n, b->back);
	for (unsigned i = 0; i < b->n; i++)
		rte_prefetch0(&adjs[b->back[i]]);
}

static __rte_always_inline bool leads_to(const struct adj *a, uint32_t peer) {
	struct adj_state st = adj_state_load(a);

	return st.kind == ADJ_TUNNEL && st.target == peer;
}

// The peer that the packet may go to inside the tunnel; 0: it goes the long way.
static __rte_always_inline uint32_t peer_of(
	const struct lane *l, const struct adj *adjs, const struct burst *b, unsigned i) {
	const struct adj *a = &adjs[b->adj[i]];
	const struct adj_state st = adj_state_load(a);
	const uint32_t peer_in = pkt_meta(b->pkts[i])->peer_in;

	if (unlikely(st.kind != ADJ_TUNNEL || a->iface != l->id || st.target == peer_in ||
		     rte_be_to_cpu_16(b->ip[i]->total_length) > st.mtu))
		return 0;
	if (unlikely(l->anti_spoof && !leads_to(&adjs[b->back[i]], peer_in)))
		return 0;
	return st.target;
}

// A hop less, and what esp_out has to know.
static __rte_always_inline uint32_t go(struct rte_mbuf *m, struct rte_ipv4_hdr *ip, uint16_t gre_len_bytes, uint32_t peer) {
	uint32_t total = rte_be_to_cpu_16(ip->total_length), sum = (uint32_t)ip->hdr_checksum + RTE_BE16(0x0100);
	struct pkt_meta *meta = pkt_meta(m);

	ip->time_to_live--;
	ip->hdr_checksum = (uint16_t)(sum + (sum >= 0xffff));
	m->data_len = (uint16_t)(gre_len_bytes + total);
	m->pkt_len = gre_len_bytes + total;
	meta->peer_out = peer;
	meta->tos = ip->type_of_service;
	return total;
}

static void count(struct lcore_ctx *lc, const struct lane *l, uint64_t packets, uint64_t bytes) {
	struct tunnel_counters *c = &lc->counters->tunnels[l->t->id];

	c->rx_packets += packets;
	c->tx_packets += packets;
	c->rx_bytes += bytes;
	c->tx_bytes += bytes;
}

static __rte_always_inline bool is_ready(const struct peer *p, uint16_t worker) {
	return rcu_read(&p->owner) == worker && p->ready && p->is_protected;
}

uint16_t hairpin_burst(
	struct lcore_ctx *lc, struct rte_mbuf **pkts, uint16_t n, struct rte_mbuf **rest, uint16_t *n_rest) {
	const struct peer *peers = lc->fwd->peers.peers;
	const struct esp_prefetch f = esp_prefetch_out(lc);
	const struct adj *adjs = lc->fwd->adjs.adjs;
	const uint16_t id = lc->id;
	const bool alone = lc->n_workers == 1; // whoever owns it: esp_out looks
	uint32_t peer[BURST_MAX];
	uint64_t bytes = 0;
	uint16_t kept = 0;
	struct burst b;
	struct lane l;

	if (unlikely(!lane_open(&l, lc, pkts[0]))) {
		for (uint16_t i = 0; i < n; i++)
			rest[(*n_rest)++] = pkts[i];
		return 0;
	}
	sort(&l, pkts, n, &b, rest, n_rest);
	lookup(lc, &l, &b);
	for (unsigned i = 0; i < b.n; i++) {
		peer[i] = peer_of(&l, adjs, &b, i);
		rte_prefetch0(&peers[peer[i]]);
		esp_out_prefetch(&f, peer[i]);
	}
	for (unsigned i = 0; i < b.n; i++) {
		if (likely(peer[i] && (alone || is_ready(&peers[peer[i]], id)))) {
			bytes += go(b.pkts[i], b.ip[i], l.gre_len_bytes, peer[i]);
			pkts[kept++] = b.pkts[i];
		} else {
			rest[(*n_rest)++] = b.pkts[i];
		}
	}
	count(lc, &l, kept, bytes);
	return kept;
}
