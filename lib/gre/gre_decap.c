// SPDX-License-Identifier: BSD-3-Clause
#include <rte_byteorder.h>
#include <rte_ip.h>
#include <rte_prefetch.h>

#include "gre_decap.h"
#include "gre_wire.h"

// What the burst's loops hand to each other.
struct senders {
	uint32_t hash[BURST_MAX]; // of (endpoint, NBMA address)
	uint32_t peer[BURST_MAX];
};

// The header without checksum and sequence is what nearly every spoke sends.
static __rte_always_inline enum gre_parse header_parse(const uint8_t *gre, uint16_t len, struct gre_header *h) {
	uint32_t word;

	if (unlikely(len < 4))
		return GRE_TRUNCATED;
	memcpy(&word, gre, sizeof(word));
	word = rte_be_to_cpu_32(word);
	h->flags = word >> 16;
	h->protocol = word & 0xffff;
	h->key = 0;
	if (h->flags == 0) {
		h->len_bytes = 4;
		return GRE_OK;
	}
	if (likely(h->flags == GRE_FLAG_KEY && len >= 8)) {
		memcpy(&word, gre + 4, sizeof(word));
		h->key = rte_be_to_cpu_32(word);
		h->len_bytes = 8;
		return GRE_OK;
	}
	return gre_parse(gre, len, h);
}

static __rte_always_inline const struct tunnel *tunnel_find(
	const struct fwd *fwd, uint16_t endpoint, const struct gre_header *h) {
	const struct endpoint *e = &fwd->endpoints[endpoint];
	bool has_key = h->flags & GRE_FLAG_KEY;

	for (unsigned i = 0; i < e->n_tunnels; i++) {
		const struct tunnel *t = rcu_read(&fwd->tunnels[e->tunnels[i]]);

		if (t && t->has_key == has_key && (!has_key || t->key == h->key))
			return t;
	}
	return NULL;
}

// RFC 2784 section 2.1, RFC 2890 section 2. Strips the header; DROP_REASON_COUNT: go on.
static __rte_always_inline enum drop_reason header_strip(
	struct lcore_ctx *lc, struct rte_mbuf *m, struct pkt_meta *meta) {
	const uint8_t *gre = rte_pktmbuf_mtod(m, const uint8_t *);
	const struct tunnel *t;
	struct gre_header h;

	if (unlikely(header_parse(gre, m->data_len, &h) != GRE_OK))
		return DROP_GRE_MALFORMED;
	if (unlikely(h.flags & GRE_FLAG_CHECKSUM) && !gre_checksum_ok(gre, m->data_len))
		return DROP_GRE_CHECKSUM;
	t = tunnel_find(lc->fwd, meta->endpoint, &h);
	if (unlikely(!t))
		return DROP_UNKNOWN_KEY;
	if (unlikely(t->is_protected))
		return DROP_CLEAR_ON_PROTECTED;
	if (unlikely(h.protocol != GRE_PROTO_IPV4 && h.protocol != GRE_PROTO_IPV6 && h.protocol != GRE_PROTO_NHRP))
		return DROP_GRE_PROTOCOL;
	meta->tunnel = t->id;
	meta->iface_in = t->id;
	meta->gre_protocol = h.protocol;
	meta->outer_len_bytes += h.len_bytes;
	m->data_off += h.len_bytes;
	m->data_len -= h.len_bytes;
	m->pkt_len -= h.len_bytes;
	return DROP_REASON_COUNT;
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

// Peers of the burst, each loop's loads under way while the next packet's begin.
static __rte_always_inline void senders_find(
	struct lcore_ctx *lc, struct rte_mbuf **pkts, uint16_t n, struct senders *s) {
	const struct peer_table *peers = &lc->fwd->peers;

	idx_hash_candidates(peers->by_nbma, s->hash, n, s->peer);
	for (uint16_t i = 0; i < n; i++) {
		rte_prefetch0(&peers->peers[s->peer[i]]);
		rte_prefetch0_write(&lc->spokes[s->peer[i]]);
	}
	for (uint16_t i = 0; i < n; i++) {
		const struct pkt_meta *meta = pkt_meta(pkts[i]);

		// Another key with the same signature.
		if (unlikely(s->peer[i] && !sender_matches(&peers->peers[s->peer[i]], meta)))
			s->peer[i] = peer_lookup(peers, meta->endpoint, &meta->nbma);
	}
}

static __rte_always_inline void sender_count(struct lcore_ctx *lc, const struct pkt_meta *meta, uint32_t len_bytes) {
	struct spoke_counters *spoke = &lc->spokes[meta->peer_in]; // index 0 takes those of unknown senders
	struct tunnel_counters *tunnel = &lc->counters->tunnels[meta->tunnel];

	spoke->rx_packets++;
	spoke->rx_bytes += len_bytes;
	tunnel->rx_packets++;
	tunnel->rx_bytes += len_bytes;
}

uint16_t gre_decap_burst(
	struct lcore_ctx *lc, struct rte_mbuf **pkts, uint16_t n, struct rte_mbuf **nhrp, uint16_t *n_nhrp) {
	const struct peer *peers = lc->fwd->peers.peers;
	struct senders s;
	uint16_t stripped = 0, kept = 0;

	for (uint16_t i = 0; i < n; i++) {
		struct rte_mbuf *m = pkts[i];
		struct pkt_meta *meta = pkt_meta(m);
		enum drop_reason why = header_strip(lc, m, meta);

		if (unlikely(why != DROP_REASON_COUNT)) {
			pkt_drop(lc, m, why);
			continue;
		}
		s.hash[stripped] = sender_hash(meta);
		pkts[stripped++] = m;
	}
	if (!stripped)
		return 0;
	senders_find(lc, pkts, stripped, &s);
	for (uint16_t i = 0; i < stripped; i++) {
		struct rte_mbuf *m = pkts[i];
		struct pkt_meta *meta = pkt_meta(m);

		meta->peer_in = s.peer[i];
		meta->peer_in_gen = peers[s.peer[i]].gen;
		sender_count(lc, meta, m->pkt_len);
		if (unlikely(meta->gre_protocol == GRE_PROTO_NHRP))
			nhrp[(*n_nhrp)++] = m;
		else if (unlikely(!meta->peer_in))
			pkt_drop(lc, m, DROP_UNKNOWN_PEER);
		else
			pkts[kept++] = m;
	}
	return kept;
}
