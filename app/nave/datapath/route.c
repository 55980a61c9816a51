// SPDX-License-Identifier: BSD-3-Clause
#include "route.h"

#include <rte_prefetch.h>

#include "esp_prefetch.h"
#include "gre_wire.h"
#include "inner.h"
#include "punt.h"

// A FIB of one VRF and family: the burst's packets are looked up together where they share one.
#define TABLE(vrf, is_ipv6) ((uint16_t)((vrf) << 1 | (is_ipv6)))

// Addresses of a burst and what they lead to.
struct lookups {
	uint32_t ipv4_be[BURST_MAX]; // of the IPv4 packets
	const uint8_t *ipv6[BURST_MAX]; // of the IPv6 packets
	uint16_t table[BURST_MAX];
	uint32_t adj[BURST_MAX]; // result; FIB_MISS: no route
};

struct burst {
	struct lookups to; // destinations
	uint8_t kind[BURST_MAX]; // enum inner_kind
	uint16_t iface, vrf; // of the packet before
	bool wants_source_check;
};

static __rte_always_inline bool table_is_ipv6(uint16_t table) {
	return table & 1;
}

static void table_lookup(const struct fwd *fwd, uint16_t table, const struct lookups *l, unsigned n, uint32_t *adjs) {
	const struct vrf *vrf = &fwd->vrfs[table >> 1];

	if (table_is_ipv6(table))
		fib_lookup_ipv6(rcu_read(&vrf->fib_ipv6), l->ipv6, n, adjs);
	else
		fib_lookup_ipv4(rcu_read(&vrf->fib_ipv4), l->ipv4_be, n, adjs);
}

// Packets of several tables in one burst: a look-up for each table.
static void mixed_lookup(const struct fwd *fwd, struct lookups *l, unsigned n) {
	uint32_t left = n == 32 ? UINT32_MAX : (1u << n) - 1;

	while (left) {
		uint16_t table = l->table[__builtin_ctz(left)];
		uint8_t at[BURST_MAX];
		struct lookups same;
		unsigned k = 0;

		for (uint32_t rest = left; rest; rest &= rest - 1) {
			unsigned i = __builtin_ctz(rest);

			if (l->table[i] != table)
				continue;
			if (table_is_ipv6(table))
				same.ipv6[k] = l->ipv6[i];
			else
				same.ipv4_be[k] = l->ipv4_be[i];
			at[k++] = i;
			left &= ~(1u << i);
		}
		table_lookup(fwd, table, &same, k, same.adj);
		for (unsigned i = 0; i < k; i++)
			l->adj[at[i]] = same.adj[i];
	}
}

static __rte_always_inline void fib_burst(const struct fwd *fwd, struct lookups *l, unsigned n) {
	uint16_t differ = 0;

	for (unsigned i = 1; i < n; i++)
		differ |= l->table[i] ^ l->table[0];
	if (likely(!differ))
		table_lookup(fwd, l->table[0], l, n, l->adj);
	else
		mixed_lookup(fwd, l, n);
	for (unsigned i = 0; i < n; i++)
		rte_prefetch0(&fwd->adjs.adjs[l->adj[i]]);
}

static __rte_always_inline bool neigh_matches(
	const struct adj *a, uint16_t iface, const struct lookups *l, unsigned i) {
	bool is_ipv6 = table_is_ipv6(l->table[i]);

	if (a->iface != iface || a->protocol.family != (is_ipv6 ? ADDR_IPV6 : ADDR_IPV4))
		return false;
	return is_ipv6 ? memcmp(a->protocol.bytes, l->ipv6[i], 16) == 0
		       : memcmp(a->protocol.bytes, &l->ipv4_be[i], 4) == 0;
}

static struct addr lookup_addr(const struct lookups *l, unsigned i) {
	if (table_is_ipv6(l->table[i]))
		return addr_from_bytes(ADDR_IPV6, l->ipv6[i]);
	return addr_from_bytes(ADDR_IPV4, (const uint8_t *)&l->ipv4_be[i]);
}

// Connected prefixes: those that met a glean adjacency go on to the next-hop table. Not found: the glean stays.
static __rte_always_inline void glean_burst(const struct fwd *fwd, struct lookups *l, unsigned n) {
	uint32_t hash[BURST_MAX], found[BURST_MAX];
	uint16_t iface[BURST_MAX];
	uint8_t at[BURST_MAX];
	unsigned k = 0;

	for (unsigned i = 0; i < n; i++) {
		const struct adj *a = &fwd->adjs.adjs[l->adj[i]];

		if (likely(adj_state_load(a).kind != ADJ_GLEAN))
			continue;
		iface[k] = a->iface;
		if (table_is_ipv6(l->table[i])) {
			struct addr addr = addr_from_bytes(ADDR_IPV6, l->ipv6[i]);

			hash[k] = neigh_hash(a->iface, &addr);
		} else {
			hash[k] = neigh_hash_ipv4(a->iface, l->ipv4_be[i]);
		}
		at[k++] = i;
	}
	if (!k)
		return;
	idx_hash_candidates(fwd->neigh.hash, hash, k, found);
	for (unsigned j = 0; j < k; j++)
		rte_prefetch0(&fwd->adjs.adjs[found[j]]);
	for (unsigned j = 0; j < k; j++) {
		if (unlikely(found[j] && !neigh_matches(&fwd->adjs.adjs[found[j]], iface[j], l, at[j]))) {
			struct addr addr = lookup_addr(l, at[j]);

			found[j] = neigh_lookup(&fwd->neigh, iface[j], &addr);
		}
		if (likely(found[j]))
			l->adj[at[j]] = found[j];
	}
}

static __rte_always_inline void resolve_burst(const struct fwd *fwd, struct lookups *l, unsigned n) {
	fib_burst(fwd, l, n);
	glean_burst(fwd, l, n);
}

// VRF of the packet's way in; the one of the packet before is remembered. false: a tunnel withdrawn since decap.
static __rte_always_inline bool vrf_of(const struct fwd *fwd, uint16_t iface, struct burst *b) {
	if (likely(iface == b->iface))
		return true;
	if (iface_is_port(iface)) {
		b->vrf = fwd->ports[iface_port(iface)].vrf;
	} else {
		const struct tunnel *t = rcu_read(&fwd->tunnels[iface]);

		if (!t)
			return false;
		b->vrf = t->vrf;
		b->wants_source_check |= t->anti_spoof;
	}
	b->iface = iface;
	return true;
}

// The packet's inner header checked and its destination noted at place i of the burst.
static __rte_always_inline enum drop_reason note(
	const struct fwd *fwd, struct rte_mbuf *m, struct burst *b, unsigned i) {
	const struct pkt_meta *meta = pkt_meta(m);
	bool is_ipv6 = meta->gre_protocol == GRE_PROTO_IPV6;
	enum drop_reason why;

	if (unlikely(!vrf_of(fwd, meta->iface_in, b)))
		return DROP_UNKNOWN_KEY;
	b->kind[i] = is_ipv6 ? inner_check_ipv6(m, &why) : inner_check_ipv4(m, &why);
	if (unlikely(b->kind[i] == INNER_DROP))
		return why;
	if (unlikely(meta->outer_ce) && !inner_mark_congestion(m, is_ipv6))
		return DROP_CONGESTION;
	b->to.table[i] = TABLE(b->vrf, is_ipv6);
	if (is_ipv6)
		b->to.ipv6[i] = rte_pktmbuf_mtod(m, const struct rte_ipv6_hdr *)->dst_addr;
	else
		b->to.ipv4_be[i] = rte_pktmbuf_mtod(m, const struct rte_ipv4_hdr *)->dst_addr;
	return DROP_REASON_COUNT;
}

static __rte_always_inline uint16_t note_burst(
	struct lcore_ctx *lc, struct rte_mbuf **pkts, uint16_t n, struct burst *b) {
	uint16_t kept = 0;

	b->wants_source_check = false;
	b->iface = IFACE_NONE;
	for (uint16_t i = 0; i < n; i++) {
		enum drop_reason why = note(lc->fwd, pkts[i], b, kept);

		if (unlikely(why != DROP_REASON_COUNT))
			pkt_drop(lc, pkts[i], why);
		else
			pkts[kept++] = pkts[i];
	}
	return kept;
}

static bool source_is_peers(
	const struct fwd *fwd, const struct rte_mbuf *m, const struct pkt_meta *meta, uint32_t adj) {
	const struct adj_state st = adj_state_load(&fwd->adjs.adjs[adj]);
	const struct tunnel *t;

	if (iface_is_port(meta->iface_in))
		return true;
	t = rcu_read(&fwd->tunnels[meta->iface_in]);
	if (!t || !t->anti_spoof)
		return true;
	if (meta->gre_protocol == GRE_PROTO_IPV6) {
		const uint8_t *src = rte_pktmbuf_mtod(m, const struct rte_ipv6_hdr *)->src_addr;

		if (inner_ipv6_is_link_local(src)) // never forwarded
			return true;
	}
	return st.kind == ADJ_TUNNEL && st.target == meta->peer_in;
}

// Anti-spoof: the way back to the inner source must lead to the peer that sent the packet.
static uint16_t source_check_burst(struct lcore_ctx *lc, struct rte_mbuf **pkts, uint16_t n, struct burst *b) {
	struct lookups from;
	uint16_t kept = 0;

	for (uint16_t i = 0; i < n; i++) {
		from.table[i] = b->to.table[i];
		if (table_is_ipv6(from.table[i]))
			from.ipv6[i] = rte_pktmbuf_mtod(pkts[i], const struct rte_ipv6_hdr *)->src_addr;
		else
			from.ipv4_be[i] = rte_pktmbuf_mtod(pkts[i], const struct rte_ipv4_hdr *)->src_addr;
	}
	resolve_burst(lc->fwd, &from, n);
	for (uint16_t i = 0; i < n; i++) {
		struct rte_mbuf *m = pkts[i];

		if (!source_is_peers(lc->fwd, m, pkt_meta(m), from.adj[i])) {
			pkt_drop(lc, m, DROP_SPOOFED);
			continue;
		}
		if (table_is_ipv6(b->to.table[i]))
			b->to.ipv6[kept] = b->to.ipv6[i];
		else
			b->to.ipv4_be[kept] = b->to.ipv4_be[i];
		b->to.table[kept] = b->to.table[i];
		b->kind[kept] = b->kind[i];
		pkts[kept++] = m;
	}
	return kept;
}

// A host in a connected prefix that is no neighbour yet. The packet is lost; on a LAN control asks the kernel for the
// host, so that the next one is not.
static void glean(struct lcore_ctx *lc, struct rte_mbuf *m, struct pkt_meta *meta, uint16_t iface) {
	if (!iface_is_port(iface)) {
		pkt_drop(lc, m, DROP_NOT_REGISTERED);
		return;
	}
	meta->port = (uint8_t)iface_port(iface);
	punt_sample(lc, PUNT_RESOLVE, m);
	pkt_drop(lc, m, DROP_NEIGHBOUR);
}

static void for_host(struct lcore_ctx *lc, struct rte_mbuf *m, const struct pkt_meta *meta) {
	punt_one(lc, inner_is_routing(m, meta->gre_protocol == GRE_PROTO_IPV6) ? PUNT_ROUTING : PUNT_HOST, m);
}

// What is not forwarded: for the host, or dropped by name.
static void deliver_or_drop(
	struct lcore_ctx *lc, struct rte_mbuf *m, struct pkt_meta *meta, const struct adj *a, uint8_t kind) {
	switch (kind) {
	case ADJ_LOCAL:
		for_host(lc, m, meta);
		break;
	case ADJ_GLEAN:
		glean(lc, m, meta, a->iface);
		break;
	case ADJ_INCOMPLETE:
		pkt_drop(lc, m, meta->adj == FIB_MISS ? DROP_NO_ROUTE : DROP_NOT_REGISTERED);
		break;
	case ADJ_BLACKHOLE:
		pkt_drop(lc, m, DROP_BLACKHOLE);
		break;
	default:
		pkt_drop(lc, m, DROP_UNREACHABLE);
		break;
	}
}

static __rte_always_inline bool leads_on(uint8_t kind) {
	return kind == ADJ_TUNNEL || kind == ADJ_PORT || kind == ADJ_GLEAN;
}

// true: the packet goes on, its way out in meta.
static __rte_always_inline bool decide(struct lcore_ctx *lc, struct rte_mbuf *m, uint32_t adj, uint8_t inner_kind) {
	const struct adj *a = &lc->fwd->adjs.adjs[adj];
	const struct adj_state st = adj_state_load(a);
	struct pkt_meta *meta = pkt_meta(m);

	if (unlikely(inner_kind == INNER_MULTICAST)) {
		for_host(lc, m, meta); // never reflected to other spokes
		return false;
	}
	meta->way = WAY_ADJ;
	meta->adj = adj;
	meta->adj_gen = rcu_read(&a->gen);
	if (unlikely(inner_kind == INNER_LINK_LOCAL && leads_on(st.kind))) {
		pkt_drop(lc, m, DROP_INNER_SOURCE);
		return false;
	}
	if (unlikely(st.kind != ADJ_TUNNEL && st.kind != ADJ_PORT)) {
		deliver_or_drop(lc, m, meta, a, st.kind);
		return false;
	}
	if (likely(st.kind == ADJ_TUNNEL)) {
		if (unlikely(st.target == meta->peer_in)) {
			pkt_drop(lc, m, DROP_SAME_SPOKE);
			return false;
		}
		meta->peer_out = st.target;
		rte_prefetch0(peer_at(&lc->fwd->peers, st.target));
		rte_prefetch0(&lc->spokes[st.target]);
	}
	if (unlikely(!inner_ttl_take(m, meta->gre_protocol == GRE_PROTO_IPV6))) {
		pkt_drop(lc, m, DROP_TTL);
		return false;
	}
	return true;
}

// Outbound SAs, where the way leads to a peer that may have one.
static void sa_prefetch_burst(const struct lcore_ctx *lc, uint16_t n, const uint32_t *adjs) {
	const struct esp_prefetch f = esp_prefetch_out(lc);

	for (uint16_t i = 0; i < n; i++) {
		const struct adj_state st = adj_state_load(&lc->fwd->adjs.adjs[adjs[i]]);

		if (st.kind == ADJ_TUNNEL)
			esp_out_prefetch(&f, st.target);
	}
}

uint16_t route_burst(struct lcore_ctx *lc, struct rte_mbuf **pkts, uint16_t n) {
	struct burst b;
	uint16_t kept = 0;

	n = note_burst(lc, pkts, n, &b);
	if (unlikely(b.wants_source_check))
		n = source_check_burst(lc, pkts, n, &b);
	if (!n)
		return 0;
	resolve_burst(lc->fwd, &b.to, n);
	if (lc->fwd->ipsec)
		sa_prefetch_burst(lc, n, b.to.adj);
	for (uint16_t i = 0; i < n; i++)
		if (likely(decide(lc, pkts[i], b.to.adj[i], b.kind[i])))
			pkts[kept++] = pkts[i];
	return kept;
}
