// SPDX-License-Identifier: BSD-3-Clause
#include <rte_byteorder.h>
#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_prefetch.h>

#include "gre_encap.h"
#include "gre_wire.h"
#include "outer_write.h"

#define TOS_CS6 0xc0

// Where the parts of the tunnel header come from.
struct rewrite {
	const struct peer *peer;
	const uint8_t *gre;
	uint8_t gre_len_bytes;
	bool gre_checksum;
	uint16_t tunnel;
	uint16_t mtu; // largest inner packet
	uint32_t spoke; // whose counters
};

// Of a run of packets to one tunnel, written together.
struct sent {
	uint64_t packets, bytes;
	uint16_t tunnel;
	uint16_t known_tunnel; // the last one looked at
	bool is_protected; // it is
};

// DSCP and ECN of the inner packet (RFC 6040 section 4.1, normal mode); control traffic is marked by its priority.
static __rte_always_inline uint8_t outer_tos(const struct pkt_meta *meta, const uint8_t *inner) {
	if (unlikely(meta->priority || meta->gre_protocol == GRE_PROTO_NHRP))
		return TOS_CS6;
	if (likely(meta->gre_protocol == GRE_PROTO_IPV4))
		return inner[1];
	return (uint8_t)(inner[0] << 4 | inner[1] >> 4);
}

static void sent_write(struct lcore_ctx *lc, const struct sent *sent) {
	struct tunnel_counters *t = &lc->counters->tunnels[sent->tunnel];

	t->tx_packets += sent->packets;
	t->tx_bytes += sent->bytes;
}

static __rte_always_inline void gre_copy(uint8_t *out, const uint8_t *gre, uint8_t len_bytes, uint16_t protocol) {
	if (likely(len_bytes == 8))
		memcpy(out, gre, 8);
	else if (len_bytes == 4)
		memcpy(out, gre, 4);
	else
		memcpy(out, gre, len_bytes);
	outer_u16_write(out, 2, protocol);
}

static __rte_always_inline void spoke_count(struct lcore_ctx *lc, uint32_t spoke, uint32_t len_bytes) {
	struct spoke_counters *s = &lc->spokes[spoke];

	s->tx_packets++;
	s->tx_bytes += len_bytes;
}

static __rte_always_inline void tunnel_count(
	struct lcore_ctx *lc, struct sent *sent, uint16_t tunnel, uint32_t len_bytes) {
	if (unlikely(tunnel != sent->tunnel)) {
		sent_write(lc, sent);
		sent->packets = sent->bytes = 0;
		sent->tunnel = tunnel;
	}
	sent->packets++;
	sent->bytes += len_bytes;
}

// Ethernet, outer IP and GRE in front of the packet. DROP_REASON_COUNT: done.
static __rte_always_inline enum drop_reason tunnel_push(
	struct lcore_ctx *lc, struct rte_mbuf *m, struct pkt_meta *meta, const struct rewrite *r, struct sent *sent) {
	const struct fwd *fwd = lc->fwd;
	const struct peer *p = r->peer;
	const uint64_t word = rcu_read(&fwd->nhs.words[rcu_read(&p->nh)]);
	const struct nh nh = nh_of_word(word);
	const uint16_t inner_len_bytes = m->data_len, payload_len_bytes = r->gre_len_bytes + inner_len_bytes;
	const bool is_ipv4 = p->family == ADDR_IPV4;
	const uint16_t ip_len_bytes = is_ipv4 ? sizeof(struct rte_ipv4_hdr) : sizeof(struct rte_ipv6_hdr);
	const uint8_t tos = outer_tos(meta, rte_pktmbuf_mtod(m, const uint8_t *));
	uint8_t *out;

	if (unlikely(!nh.resolved))
		return DROP_NEIGHBOUR;
	if (unlikely(inner_len_bytes > r->mtu))
		return DROP_TOO_BIG;
	out = outer_prepend(m, RTE_ETHER_HDR_LEN + ip_len_bytes + r->gre_len_bytes);
	if (unlikely(!out))
		return DROP_HEADROOM;
	spoke_count(lc, r->spoke, inner_len_bytes);
	tunnel_count(lc, sent, r->tunnel, inner_len_bytes);
	meta->port = nh.port;
	outer_ether_write(out, word, fwd->ports[nh.port].mac, is_ipv4 ? RTE_ETHER_TYPE_IPV4 : RTE_ETHER_TYPE_IPV6);
	out += RTE_ETHER_HDR_LEN;
	if (likely(is_ipv4))
		outer_ipv4_write(out, p, payload_len_bytes, tos);
	else
		outer_ipv6_write(out, p, payload_len_bytes, tos);
	out += ip_len_bytes;
	gre_copy(out, r->gre, r->gre_len_bytes, meta->gre_protocol);
	if (unlikely(r->gre_checksum))
		gre_checksum_write(out, payload_len_bytes);
	return DROP_REASON_COUNT;
}

// GRE alone: what stands before it on the wire, and the spoke's counters, are the SA's (esp_out).
static __rte_always_inline enum drop_reason esp_push(
	struct lcore_ctx *lc, struct rte_mbuf *m, struct pkt_meta *meta, const struct rewrite *r, struct sent *sent) {
	const uint16_t inner_len_bytes = m->data_len;
	uint8_t *out;

	if (unlikely(inner_len_bytes > r->mtu))
		return DROP_TOO_BIG;
	meta->tos = outer_tos(meta, rte_pktmbuf_mtod(m, const uint8_t *));
	out = outer_prepend(m, r->gre_len_bytes);
	if (unlikely(!out))
		return DROP_HEADROOM;
	tunnel_count(lc, sent, r->tunnel, inner_len_bytes);
	gre_copy(out, r->gre, r->gre_len_bytes, meta->gre_protocol);
	if (unlikely(r->gre_checksum))
		gre_checksum_write(out, r->gre_len_bytes + inner_len_bytes);
	meta->is_esp = true;
	return DROP_REASON_COUNT;
}

// Fails closed: through a protected tunnel only to a peer that has SAs, and to such a peer through no other.
static __rte_always_inline enum drop_reason push(
	struct lcore_ctx *lc, struct rte_mbuf *m, struct pkt_meta *meta, const struct rewrite *r, struct sent *sent) {
	if (unlikely(r->peer->is_protected != sent->is_protected))
		return sent->is_protected ? DROP_CLEAR_ON_PROTECTED : DROP_CLEAR_TUNNEL;
	if (sent->is_protected)
		return esp_push(lc, m, meta, r, sent);
	meta->is_esp = false;
	return tunnel_push(lc, m, meta, r, sent);
}

static __rte_always_inline bool tunnel_know(const struct fwd *fwd, uint16_t tunnel, struct sent *sent) {
	const struct tunnel *t;

	if (likely(tunnel == sent->known_tunnel))
		return true;
	t = tunnel < FWD_TUNNELS_MAX ? rcu_read(&fwd->tunnels[tunnel]) : NULL;
	if (!t)
		return false;
	sent->known_tunnel = tunnel;
	sent->is_protected = t->is_protected;
	return true;
}

static enum drop_reason plain_push(
	struct lcore_ctx *lc, struct rte_mbuf *m, struct pkt_meta *meta, const struct adj *a, struct adj_state st) {
	const uint64_t word = rcu_read(&lc->fwd->nhs.words[st.target]);
	uint8_t *out;

	if (!nh_of_word(word).resolved)
		return DROP_NEIGHBOUR;
	if (m->data_len > st.mtu)
		return DROP_TOO_BIG;
	out = outer_prepend(m, RTE_ETHER_HDR_LEN);
	if (!out)
		return DROP_HEADROOM;
	meta->is_esp = false;
	meta->port = iface_port(a->iface);
	outer_ether_write(
		out, word, lc->fwd->ports[meta->port].mac, meta->gre_protocol); // GRE's numbers are Ethernet's
	return DROP_REASON_COUNT;
}

static __rte_always_inline enum drop_reason adj_push(
	struct lcore_ctx *lc, struct rte_mbuf *m, struct pkt_meta *meta, struct sent *sent) {
	const struct adj *a = &lc->fwd->adjs.adjs[meta->adj];
	const struct adj_state st = adj_state_load(a);
	const struct rewrite r = {
		.peer = peer_at(&lc->fwd->peers, meta->peer_out),
		.gre = a->gre,
		.gre_len_bytes = a->gre_len_bytes,
		.gre_checksum = a->gre_checksum,
		.tunnel = a->iface,
		.mtu = st.mtu,
		.spoke = meta->peer_out,
	};

	if (unlikely(st.kind != ADJ_TUNNEL))
		return st.kind == ADJ_PORT ? plain_push(lc, m, meta, a, st) : DROP_NOT_REGISTERED;
	if (unlikely(!tunnel_know(lc->fwd, r.tunnel, sent)))
		return DROP_STALE;
	if (unlikely(!r.peer->ready))
		return DROP_NOT_REGISTERED;
	return push(lc, m, meta, &r, sent);
}

// Answers of control: GRE bytes are made from the tunnel.
static __rte_noinline enum drop_reason control_push(
	struct lcore_ctx *lc, struct rte_mbuf *m, struct pkt_meta *meta, struct sent *sent) {
	const struct fwd *fwd = lc->fwd;
	struct gre_header h = {.protocol = meta->gre_protocol};
	uint8_t gre[GRE_HEADER_MAX];
	const struct tunnel *t;
	struct rewrite r;
	struct peer p;

	if (!tunnel_know(fwd, meta->tunnel, sent))
		return DROP_STALE;
	t = rcu_read(&fwd->tunnels[meta->tunnel]);
	h.flags = (t->has_key ? GRE_FLAG_KEY : 0) | (t->checksum ? GRE_FLAG_CHECKSUM : 0);
	h.key = t->key;
	r = (struct rewrite){.gre = gre, .gre_checksum = t->checksum, .tunnel = t->id, .mtu = t->mtu};
	r.gre_len_bytes = gre_write(&h, gre);
	if (meta->way == WAY_NBMA) {
		memset(&p, 0, sizeof(p));
		peer_template(&p, &fwd->endpoints[t->endpoint].addr, &meta->nbma);
		p.nh = meta->peer_out;
		p.ready = true;
		r.peer = &p;
	} else {
		r.peer = peer_at(&fwd->peers, meta->peer_out);
		r.spoke = meta->peer_out;
	}
	if (!r.peer->ready)
		return DROP_NEIGHBOUR;
	return push(lc, m, meta, &r, sent);
}

uint16_t gre_encap_burst(struct lcore_ctx *lc, struct rte_mbuf **pkts, uint16_t n) {
	struct sent sent = {.known_tunnel = IFACE_NONE};
	uint16_t kept = 0;

	for (uint16_t i = 0; i < n; i++) {
		const struct pkt_meta *meta = pkt_meta(pkts[i]);
		uint32_t peer = meta->way == WAY_ADJ ? meta->peer_out : 0;

		rte_prefetch0(&lc->fwd->nhs.words[rcu_read(&peer_at(&lc->fwd->peers, peer)->nh)]);
	}
	for (uint16_t i = 0; i < n; i++) {
		struct rte_mbuf *m = pkts[i];
		struct pkt_meta *meta = pkt_meta(m);
		enum drop_reason why = DROP_REASON_COUNT;

		if (likely(meta->way == WAY_ADJ))
			why = adj_push(lc, m, meta, &sent);
		else if (meta->way == WAY_FRAME)
			meta->is_esp = false;
		else
			why = control_push(lc, m, meta, &sent);
		if (unlikely(why != DROP_REASON_COUNT)) {
			pkt_drop(lc, m, why);
			continue;
		}
		pkts[kept++] = m;
	}
	sent_write(lc, &sent);
	return kept;
}
