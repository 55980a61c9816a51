// SPDX-License-Identifier: BSD-3-Clause
#include <rte_byteorder.h>
#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_prefetch.h>

#include "gre_encap.h"
#include "gre_wire.h"

#define TOS_CS6 0xc0

// Where the parts of the tunnel header come from.
struct rewrite {
	const struct peer *peer;
	const uint8_t *gre;
	uint8_t gre_len_bytes;
	bool gre_checksum;
	uint16_t tunnel;
	uint16_t mtu; // largest inner packet
};

// DSCP and ECN of the inner packet (RFC 6040 section 4.1, normal mode); control traffic is marked by its priority.
static __rte_always_inline uint8_t outer_tos(const struct pkt_meta *meta, const uint8_t *inner) {
	if (unlikely(meta->priority || meta->gre_protocol == GRE_PROTO_NHRP))
		return TOS_CS6;
	if (likely(meta->gre_protocol == GRE_PROTO_IPV4))
		return inner[1];
	return (uint8_t)(inner[0] << 4 | inner[1] >> 4);
}

// The template has length and checksum of an empty payload and a TOS of zero: both grow by what is added (RFC 1624).
static __rte_always_inline void ipv4_write(
	uint8_t *out, const struct peer *p, uint16_t payload_len_bytes, uint8_t tos) {
	struct rte_ipv4_hdr ip;
	uint32_t sum;

	memcpy(&ip, p->hdr, sizeof(ip));
	sum = (uint16_t)~rte_be_to_cpu_16(ip.hdr_checksum);
	sum += payload_len_bytes + tos;
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	ip.type_of_service = tos;
	ip.total_length = rte_cpu_to_be_16(sizeof(ip) + payload_len_bytes);
	ip.hdr_checksum = rte_cpu_to_be_16((uint16_t)~sum);
	memcpy(out, &ip, sizeof(ip));
}

static __rte_always_inline void ipv6_write(
	uint8_t *out, const struct peer *p, uint16_t payload_len_bytes, uint8_t tos) {
	struct rte_ipv6_hdr ip;

	memcpy(&ip, p->hdr, sizeof(ip));
	ip.vtc_flow = rte_cpu_to_be_32(6u << 28 | (uint32_t)tos << 20);
	ip.payload_len = rte_cpu_to_be_16(payload_len_bytes);
	memcpy(out, &ip, sizeof(ip));
}

static __rte_always_inline void ether_write(uint8_t *out, const struct nh *nh, const uint8_t *source, uint16_t type) {
	struct rte_ether_hdr eth;

	memcpy(&eth.dst_addr, nh->mac, sizeof(nh->mac));
	memcpy(&eth.src_addr, source, RTE_ETHER_ADDR_LEN);
	eth.ether_type = rte_cpu_to_be_16(type);
	memcpy(out, &eth, sizeof(eth));
}

// Grows the packet to the front; NULL when there is no room.
static __rte_always_inline uint8_t *prepend(struct rte_mbuf *m, uint16_t len_bytes) {
	if (unlikely(m->data_off < len_bytes))
		return NULL;
	m->data_off -= len_bytes;
	m->data_len += len_bytes;
	m->pkt_len += len_bytes;
	return rte_pktmbuf_mtod(m, uint8_t *);
}

static __rte_always_inline void gre_copy(uint8_t *out, const struct rewrite *r, uint16_t protocol) {
	uint16_t protocol_be = rte_cpu_to_be_16(protocol);

	if (likely(r->gre_len_bytes == 8))
		memcpy(out, r->gre, 8);
	else if (r->gre_len_bytes == 4)
		memcpy(out, r->gre, 4);
	else
		memcpy(out, r->gre, r->gre_len_bytes);
	memcpy(out + 2, &protocol_be, sizeof(protocol_be));
}

static __rte_always_inline void sent_count(
	struct lcore_ctx *lc, const struct pkt_meta *meta, const struct rewrite *r, uint32_t len_bytes) {
	struct spoke_counters *spoke = &lc->spokes[meta->way == WAY_NBMA ? 0 : meta->peer_out];
	struct tunnel_counters *tunnel = &lc->counters->tunnels[r->tunnel];

	spoke->tx_packets++;
	spoke->tx_bytes += len_bytes;
	tunnel->tx_packets++;
	tunnel->tx_bytes += len_bytes;
}

// Ethernet, outer IP and GRE in front of the packet. DROP_REASON_COUNT: done.
static __rte_always_inline enum drop_reason tunnel_push(
	struct lcore_ctx *lc, struct rte_mbuf *m, struct pkt_meta *meta, const struct rewrite *r) {
	const struct peer *p = r->peer;
	const struct nh nh = nh_load(&lc->fwd->nhs, p->nh);
	const struct fwd_port *port = &lc->fwd->ports[nh.port];
	uint16_t inner_len_bytes = m->data_len;
	uint16_t ip_len_bytes = p->family == ADDR_IPV4 ? sizeof(struct rte_ipv4_hdr) : sizeof(struct rte_ipv6_hdr);
	uint8_t tos = outer_tos(meta, rte_pktmbuf_mtod(m, const uint8_t *)), *out;

	if (unlikely(!nh.resolved))
		return DROP_NEIGHBOUR;
	if (unlikely(inner_len_bytes > r->mtu))
		return DROP_TOO_BIG;
	out = prepend(m, RTE_ETHER_HDR_LEN + ip_len_bytes + r->gre_len_bytes);
	if (unlikely(!out))
		return DROP_HEADROOM;
	sent_count(lc, meta, r, inner_len_bytes);
	meta->port = nh.port;
	if (likely(p->family == ADDR_IPV4)) {
		ether_write(out, &nh, port->mac, RTE_ETHER_TYPE_IPV4);
		out += RTE_ETHER_HDR_LEN;
		ipv4_write(out, p, r->gre_len_bytes + inner_len_bytes, tos);
	} else {
		ether_write(out, &nh, port->mac, RTE_ETHER_TYPE_IPV6);
		out += RTE_ETHER_HDR_LEN;
		ipv6_write(out, p, r->gre_len_bytes + inner_len_bytes, tos);
	}
	out += ip_len_bytes;
	gre_copy(out, r, meta->gre_protocol);
	if (unlikely(r->gre_checksum))
		gre_checksum_write(out, r->gre_len_bytes + inner_len_bytes);
	return DROP_REASON_COUNT;
}

static __rte_always_inline bool tunnel_is_open(const struct fwd *fwd, uint16_t tunnel) {
	const struct tunnel *t = tunnel < FWD_TUNNELS_MAX ? rcu_read(&fwd->tunnels[tunnel]) : NULL;

	return t && !t->is_protected;
}

static enum drop_reason plain_push(
	struct lcore_ctx *lc, struct rte_mbuf *m, struct pkt_meta *meta, const struct adj *a, struct adj_state st) {
	const struct nh nh = nh_load(&lc->fwd->nhs, st.target);
	uint16_t type = meta->gre_protocol == GRE_PROTO_IPV4 ? RTE_ETHER_TYPE_IPV4 : RTE_ETHER_TYPE_IPV6;
	uint8_t *out;

	if (!nh.resolved)
		return DROP_NEIGHBOUR;
	if (m->data_len > st.mtu)
		return DROP_TOO_BIG;
	out = prepend(m, RTE_ETHER_HDR_LEN);
	if (!out)
		return DROP_HEADROOM;
	meta->port = iface_port(a->iface);
	ether_write(out, &nh, lc->fwd->ports[meta->port].mac, type);
	return DROP_REASON_COUNT;
}

static __rte_always_inline enum drop_reason adj_push(struct lcore_ctx *lc, struct rte_mbuf *m, struct pkt_meta *meta) {
	const struct adj *a = &lc->fwd->adjs.adjs[meta->adj];
	const struct adj_state st = adj_state_load(a);
	struct rewrite r;

	if (unlikely(st.kind != ADJ_TUNNEL))
		return st.kind == ADJ_PORT ? plain_push(lc, m, meta, a, st) : DROP_NOT_REGISTERED;
	if (unlikely(!tunnel_is_open(lc->fwd, a->iface)))
		return DROP_CLEAR_ON_PROTECTED;
	r = (struct rewrite){
		.peer = &lc->fwd->peers.peers[meta->peer_out],
		.gre = a->gre,
		.gre_len_bytes = a->gre_len_bytes,
		.gre_checksum = a->gre_checksum,
		.tunnel = a->iface,
		.mtu = st.mtu,
	};
	if (unlikely(!r.peer->ready))
		return DROP_NOT_REGISTERED;
	return tunnel_push(lc, m, meta, &r);
}

// Answers of control: GRE bytes are made from the tunnel.
static enum drop_reason control_push(struct lcore_ctx *lc, struct rte_mbuf *m, struct pkt_meta *meta) {
	const struct fwd *fwd = lc->fwd;
	struct gre_header h = {.protocol = meta->gre_protocol};
	uint8_t gre[GRE_HEADER_MAX];
	const struct tunnel *t;
	struct rewrite r;
	struct peer p;

	if (!tunnel_is_open(fwd, meta->tunnel))
		return DROP_CLEAR_ON_PROTECTED;
	t = rcu_read(&fwd->tunnels[meta->tunnel]);
	h.flags = (t->has_key ? GRE_FLAG_KEY : 0) | (t->checksum ? GRE_FLAG_CHECKSUM : 0);
	h.key = t->key;
	r = (struct rewrite){.gre = gre, .gre_checksum = t->checksum, .tunnel = t->id, .mtu = t->mtu};
	r.gre_len_bytes = gre_write(&h, gre);
	r.peer = &fwd->peers.peers[meta->peer_out];
	if (meta->way == WAY_NBMA) {
		memset(&p, 0, sizeof(p));
		peer_template(&p, &fwd->endpoints[t->endpoint].addr, &meta->nbma);
		p.nh = meta->peer_out;
		p.ready = true;
		r.peer = &p;
	}
	if (!r.peer->ready)
		return DROP_NEIGHBOUR;
	return tunnel_push(lc, m, meta, &r);
}

static void prefetch_burst(struct lcore_ctx *lc, struct rte_mbuf **pkts, uint16_t n) {
	const struct fwd *fwd = lc->fwd;

	for (uint16_t i = 0; i < n; i++) {
		const struct pkt_meta *meta = pkt_meta(pkts[i]);

		if (likely(meta->way == WAY_ADJ))
			rte_prefetch0(&fwd->nhs.words[fwd->peers.peers[meta->peer_out].nh]);
	}
}

uint16_t gre_encap_burst(struct lcore_ctx *lc, struct rte_mbuf **pkts, uint16_t n) {
	uint16_t kept = 0;

	prefetch_burst(lc, pkts, n);
	for (uint16_t i = 0; i < n; i++) {
		struct rte_mbuf *m = pkts[i];
		struct pkt_meta *meta = pkt_meta(m);
		enum drop_reason why = DROP_REASON_COUNT;

		if (likely(meta->way == WAY_ADJ))
			why = adj_push(lc, m, meta);
		else if (meta->way != WAY_FRAME)
			why = control_push(lc, m, meta);
		if (unlikely(why != DROP_REASON_COUNT)) {
			pkt_drop(lc, m, why);
			continue;
		}
		pkts[kept++] = m;
	}
	return kept;
}
