// SPDX-License-Identifier: BSD-3-Clause
#include <rte_byteorder.h>
#include <rte_ip.h>
#include <rte_prefetch.h>

#include "gre_decap.h"
#include "gre_wire.h"

// What the burst's loops hand to each other, and from packet to packet.
struct senders {
	uint32_t hash[BURST_MAX]; // of (endpoint, NBMA address)
	uint32_t peer[BURST_MAX];
	uint32_t flags_endpoint, key; // of the packet before, and its tunnel; NULL: none, or a header with more fields
	const struct tunnel *tunnel;
	struct tunnel_counters counted; // of tunnel, not yet written
	uint16_t counted_tunnel;
};

static const struct tunnel *tunnel_find(const struct fwd *fwd, uint16_t endpoint, const struct gre_header *h) {
	const struct endpoint *e = &fwd->endpoints[endpoint];
	bool has_key = h->flags & GRE_FLAG_KEY;
	unsigned n = rcu_read(&e->n_tunnels);

	for (unsigned i = 0; i < n; i++) {
		const struct tunnel *t = rcu_read(&fwd->tunnels[rcu_read(&e->tunnels[i])]);

		if (t && t->has_key == has_key && (!has_key || t->key == h->key))
			return t;
	}
	return NULL;
}

static __rte_always_inline void strip(
	struct rte_mbuf *m, struct pkt_meta *meta, const struct tunnel *t, uint16_t protocol, uint8_t len_bytes) {
	meta->tunnel = t->id;
	meta->iface_in = t->id;
	meta->gre_protocol = protocol;
	meta->outer_len_bytes += len_bytes;
	m->data_off += len_bytes;
	m->data_len -= len_bytes;
	m->pkt_len -= len_bytes;
}

static __rte_always_inline bool protocol_is_known(uint16_t protocol) {
	return protocol == GRE_PROTO_IPV4 || protocol == GRE_PROTO_IPV6 || protocol == GRE_PROTO_NHRP;
}

// RFC 2784 section 2.1, RFC 2890 section 2. DROP_REASON_COUNT: go on.
static __rte_noinline enum drop_reason header_take(const struct lcore_ctx *lc, struct rte_mbuf *m, struct senders *s) {
	const uint8_t *gre = rte_pktmbuf_mtod(m, const uint8_t *);
	struct pkt_meta *meta = pkt_meta(m);
	const struct tunnel *t;
	struct gre_header h;

	if (gre_parse(gre, m->data_len, &h) != GRE_OK)
		return DROP_GRE_MALFORMED;
	if ((h.flags & GRE_FLAG_CHECKSUM) && !gre_checksum_ok(gre, m->data_len))
		return DROP_GRE_CHECKSUM;
	t = tunnel_find(lc->fwd, meta->endpoint, &h);
	if (!t)
		return DROP_UNKNOWN_KEY;
	if (t->is_protected != meta->is_esp)
		return meta->is_esp ? DROP_CLEAR_TUNNEL : DROP_CLEAR_ON_PROTECTED;
	if (!protocol_is_known(h.protocol))
		return DROP_GRE_PROTOCOL;
	strip(m, meta, t, h.protocol, h.len_bytes);
	s->tunnel = (h.flags & ~GRE_FLAG_KEY) ? NULL : t;
	s->flags_endpoint = (uint32_t)h.flags << 16 | meta->endpoint;
	s->key = h.key;
	return DROP_REASON_COUNT;
}

// A header with at most a key, for the tunnel of the packet before: what nearly every packet has.
static __rte_always_inline bool header_is_same(struct rte_mbuf *m, const struct senders *s) {
	const uint8_t *gre = rte_pktmbuf_mtod(m, const uint8_t *);
	struct pkt_meta *meta = pkt_meta(m);
	uint32_t word, key = 0;
	uint16_t protocol;
	uint8_t len_bytes;

	if (unlikely(!s->tunnel || m->data_len < 8))
		return false;
	memcpy(&word, gre, sizeof(word));
	word = rte_be_to_cpu_32(word);
	protocol = word & 0xffff;
	len_bytes = word >> 16 ? 8 : 4;
	if (likely(len_bytes == 8)) {
		memcpy(&key, gre + 4, sizeof(key));
		key = rte_be_to_cpu_32(key);
	}
	if (unlikely(((word & 0xffff0000) | meta->endpoint) != s->flags_endpoint || key != s->key))
		return false;
	if (unlikely(!protocol_is_known(protocol)))
		return false;
	strip(m, meta, s->tunnel, protocol, len_bytes);
	return true;
}

static __rte_always_inline uint32_t sender_hash(const struct pkt_meta *meta) {
	uint32_t nbma_be;

	if (unlikely(meta->nbma.family != ADDR_IPV4))
		return peer_hash(meta->endpoint, &meta->nbma);
	memcpy(&nbma_be, meta->nbma.bytes, sizeof(nbma_be));
	return peer_hash_ipv4(meta->endpoint, nbma_be);
}

static __rte_always_inline bool sender_matches(const struct peer *p, const struct pkt_meta *meta) {
	if (likely(meta->nbma.family == ADDR_IPV4))
		return p->endpoint == meta->endpoint && p->family == ADDR_IPV4 &&
		       memcmp(p->hdr + offsetof(struct rte_ipv4_hdr, dst_addr), meta->nbma.bytes, 4) == 0;
	return peer_matches(p, meta->endpoint, &meta->nbma);
}

static bool is_ours(const struct fwd *fwd, const struct addr *a) {
	unsigned n = rcu_read(&fwd->n_endpoints);

	for (unsigned i = 0; i < n; i++)
		if (addr_eq(&fwd->endpoints[i].addr, a))
			return true;
	return false;
}

// NHRP of who is not registered: an address that an answer could not go to (RFC 1122 section 3.2.1.3), or should not.
static __rte_noinline bool stranger_is_odd(const struct fwd *fwd, const struct addr *nbma) {
	if (nbma->family == ADDR_IPV4 && (nbma->bytes[0] == 0 || nbma->bytes[0] >= 240))
		return true;
	return addr_is_zero(nbma) || addr_is_multicast(nbma) || addr_is_loopback(nbma) || is_ours(fwd, nbma);
}

static __rte_always_inline uint16_t headers_burst(
	struct lcore_ctx *lc, struct rte_mbuf **pkts, uint16_t n, struct senders *s) {
	uint16_t kept = 0;

	s->tunnel = NULL;
	for (uint16_t i = 0; i < n; i++) {
		struct rte_mbuf *m = pkts[i];

		if (unlikely(!header_is_same(m, s))) {
			enum drop_reason why = header_take(lc, m, s);

			if (unlikely(why != DROP_REASON_COUNT)) {
				pkt_drop(lc, m, why);
				continue;
			}
		}
		pkts[kept++] = m;
	}
	return kept;
}

static __rte_always_inline void counted_write(struct lcore_ctx *lc, struct senders *s) {
	struct tunnel_counters *t = &lc->counters->tunnels[s->counted_tunnel];

	t->rx_packets += s->counted.rx_packets;
	t->rx_bytes += s->counted.rx_bytes;
}

static __rte_always_inline void spoke_count(struct lcore_ctx *lc, const struct pkt_meta *meta, uint32_t len_bytes) {
	struct spoke_counters *spoke = &lc->spokes[meta->peer_in]; // index 0 takes those of unknown senders

	spoke->rx_packets++;
	spoke->rx_bytes += len_bytes;
}

static __rte_always_inline void tunnel_count(
	struct lcore_ctx *lc, struct senders *s, const struct pkt_meta *meta, uint32_t len_bytes) {
	if (unlikely(meta->tunnel != s->counted_tunnel)) {
		counted_write(lc, s);
		s->counted = (struct tunnel_counters){0};
		s->counted_tunnel = meta->tunnel;
	}
	s->counted.rx_packets++;
	s->counted.rx_bytes += len_bytes;
}

uint16_t gre_decap_burst(
	struct lcore_ctx *lc, struct rte_mbuf **pkts, uint16_t n, struct rte_mbuf **nhrp, uint16_t *n_nhrp) {
	const struct peer_table *table = &lc->fwd->peers;
	struct senders s;
	uint16_t kept = 0;

	n = headers_burst(lc, pkts, n, &s);
	if (unlikely(!n))
		return 0;
	for (uint16_t i = 0; i < n; i++)
		s.hash[i] = sender_hash(pkt_meta(pkts[i]));
	idx_hash_candidates(table->by_nbma, s.hash, n, s.peer);
	for (uint16_t i = 0; i < n; i++) {
		rte_prefetch0(peer_at(table, s.peer[i]));
		rte_prefetch0_write(&lc->spokes[s.peer[i]]);
	}
	s.counted = (struct tunnel_counters){0};
	s.counted_tunnel = pkt_meta(pkts[0])->tunnel;
	for (uint16_t i = 0; i < n; i++) {
		struct rte_mbuf *m = pkts[i];
		struct pkt_meta *meta = pkt_meta(m);
		uint32_t peer = s.peer[i];

		if (unlikely(
			    peer && !sender_matches(peer_at(table, peer), meta))) // another key with the same signature
			peer = peer_lookup(table, meta->endpoint, &meta->nbma);
		meta->peer_in = peer;
		meta->peer_in_gen = rcu_read(&peer_at(table, peer)->gen);
		spoke_count(lc, meta, m->pkt_len);
		tunnel_count(lc, &s, meta, m->pkt_len);
		if (likely(peer && meta->gre_protocol != GRE_PROTO_NHRP))
			pkts[kept++] = m;
		else if (meta->gre_protocol != GRE_PROTO_NHRP)
			pkt_drop(lc, m, DROP_UNKNOWN_PEER);
		else if (!peer && stranger_is_odd(lc->fwd, &meta->nbma))
			pkt_drop(lc, m, DROP_OUTER_SOURCE);
		else
			nhrp[(*n_nhrp)++] = m;
	}
	counted_write(lc, &s);
	return kept;
}

// Who sent it, the SA has said; its counters are the sender's.
uint16_t gre_decap_esp_burst(
	struct lcore_ctx *lc, struct rte_mbuf **pkts, uint16_t n, struct rte_mbuf **nhrp, uint16_t *n_nhrp) {
	struct senders s;
	uint16_t kept = 0;

	n = headers_burst(lc, pkts, n, &s);
	if (unlikely(!n))
		return 0;
	s.counted = (struct tunnel_counters){0};
	s.counted_tunnel = pkt_meta(pkts[0])->tunnel;
	for (uint16_t i = 0; i < n; i++) {
		struct rte_mbuf *m = pkts[i];
		struct pkt_meta *meta = pkt_meta(m);

		tunnel_count(lc, &s, meta, m->pkt_len);
		if (likely(meta->gre_protocol != GRE_PROTO_NHRP))
			pkts[kept++] = m;
		else
			nhrp[(*n_nhrp)++] = m;
	}
	counted_write(lc, &s);
	return kept;
}
