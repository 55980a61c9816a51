// SPDX-License-Identifier: BSD-3-Clause
#include <netinet/in.h>

#include <rte_byteorder.h>
#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_udp.h>

#include "classify.h"
#include "esp_prefetch.h"
#include "esp_frame.h"
#include "esp_wire.h"
#include "express.h"
#include "gre_wire.h"
#include "ipv4_sum.h"
#include "punt.h"

#define IPV6_FRAGMENT_LEN 8
#define ECN_CE 3
#define IPV6_OPTIONS_MAX 64 // a Tunnel Encapsulation Limit takes 8

enum verdict {
	GONE, // dropped or punted
	TO_GRE,
	TO_ESP,
	TO_CLEAR,
};

// What both families' checks leave for the common part.
struct outer {
	uint16_t l4_off; // from the Ethernet header
	uint16_t end; // of the IP packet
	uint8_t protocol;
	bool is_fragment;
	bool is_later_fragment; // of one, not the first: l4_off is not that of a header
	bool is_link_multicast; // destination is multicast that the host may want
	uint8_t tos;
};

static __rte_always_inline enum verdict gone(struct lcore_ctx *lc, struct rte_mbuf *m, enum drop_reason why) {
	pkt_drop(lc, m, why);
	return GONE;
}

static __rte_always_inline enum verdict punt(struct lcore_ctx *lc, struct rte_mbuf *m, enum punt_class c) {
	punt_one(lc, c, m);
	return GONE;
}

static __rte_always_inline bool addr_equal(const struct addr *a, uint8_t family, const uint8_t *bytes) {
	return a->family == family && memcmp(a->bytes, bytes, family == ADDR_IPV4 ? 4 : 16) == 0;
}

// Sets meta->endpoint when a tunnel has the address as its source.
static __rte_always_inline bool is_local(
	const struct fwd *fwd, const struct fwd_port *port, uint8_t family, const uint8_t *dst, struct pkt_meta *meta) {
	unsigned n_endpoints = rcu_read(&port->n_endpoints), n_addrs = rcu_read(&port->n_addrs);

	for (unsigned i = 0; i < n_endpoints; i++) {
		if (addr_equal(&fwd->endpoints[port->endpoints[i]].addr, family, dst)) {
			meta->endpoint = port->endpoints[i];
			return true;
		}
	}
	for (unsigned i = 0; i < n_addrs; i++)
		if (addr_equal(&port->addrs[i], family, dst))
			return true;
	return false;
}

// Cuts the frame to [from, end): headers in front, link padding behind.
static __rte_always_inline void cut(struct rte_mbuf *m, struct pkt_meta *meta, uint16_t from, uint16_t end) {
	meta->outer_len_bytes = from;
	m->data_off += from;
	m->data_len = end - from;
	m->pkt_len = end - from;
}

// A SPI is looked up by whoever owns SAs; without any there is none.
static enum verdict to_esp(
	struct lcore_ctx *lc, struct rte_mbuf *m, const struct outer *o, uint16_t off, uint16_t port) {
	struct pkt_meta *meta = pkt_meta(m);

	if (!lc->fwd->ipsec || meta->endpoint == IFACE_NONE || o->end - off < ESP_HEADER_BYTES)
		return gone(lc, m, DROP_ESP_UNKNOWN);
	cut(m, meta, off, o->end);
	meta->outer_ce = (o->tos & ECN_CE) == ECN_CE;
	meta->nbma_port = port;
	return TO_ESP;
}

static enum verdict to_ike(
	struct lcore_ctx *lc, struct rte_mbuf *m, uint16_t port, const uint8_t *ike, uint16_t len_bytes) {
	punt_ike(lc, m, port, ike, len_bytes);
	return GONE;
}

// UDP to an address of ours.
static enum verdict classify_udp(struct lcore_ctx *lc, struct rte_mbuf *m, const struct outer *o) {
	const uint8_t *frame = rte_pktmbuf_mtod(m, const uint8_t *);
	const struct rte_udp_hdr *udp = (const struct rte_udp_hdr *)(frame + o->l4_off);
	const uint8_t *data = (const uint8_t *)(udp + 1);
	uint16_t len_bytes = o->end - o->l4_off, port;

	if (len_bytes < sizeof(*udp))
		return gone(lc, m, DROP_OUTER_MALFORMED);
	len_bytes -= sizeof(*udp);
	port = rte_be_to_cpu_16(udp->src_port);
	if (udp->dst_port == RTE_BE16(UDP_PORT_IKE))
		return to_ike(lc, m, port, data, len_bytes);
	if (udp->dst_port != RTE_BE16(UDP_PORT_NATT))
		return punt(lc, m, PUNT_UNDERLAY);
	switch (natt_classify(data, len_bytes)) {
	case NATT_ESP:
		return to_esp(lc, m, o, o->l4_off + sizeof(*udp), port);
	case NATT_IKE:
		return to_ike(lc, m, port, data + NON_ESP_MARKER_BYTES, len_bytes - NON_ESP_MARKER_BYTES);
	case NATT_KEEPALIVE:
		return gone(lc, m, DROP_NATT_KEEPALIVE);
	default:
		return gone(lc, m, DROP_NATT_MALFORMED);
	}
}

static bool is_esp_in_udp(const struct rte_mbuf *m, const struct outer *o) {
	const struct rte_udp_hdr *udp = rte_pktmbuf_mtod_offset(m, const struct rte_udp_hdr *, o->l4_off);
	uint16_t len_bytes = o->end - o->l4_off;

	return len_bytes >= sizeof(*udp) && udp->dst_port == RTE_BE16(UDP_PORT_NATT) &&
	       natt_classify((const uint8_t *)(udp + 1), len_bytes - sizeof(*udp)) == NATT_ESP;
}

// The host puts together what is not of a tunnel, long IKE messages too; which those are, only the first one says. The
// rest of an ESP packet without it never becomes one.
static enum verdict classify_fragment(struct lcore_ctx *lc, struct rte_mbuf *m, const struct outer *o) {
	bool is_of_tunnel = o->protocol == IPPROTO_GRE || o->protocol == IPPROTO_ESP ||
			    (o->protocol == IPPROTO_UDP && !o->is_later_fragment && is_esp_in_udp(m, o));

	return is_of_tunnel ? gone(lc, m, DROP_OUTER_FRAGMENT) : punt(lc, m, PUNT_UNDERLAY);
}

static enum verdict classify_local(struct lcore_ctx *lc, struct rte_mbuf *m, const struct outer *o) {
	if (o->is_fragment)
		return classify_fragment(lc, m, o);
	switch (o->protocol) {
	case IPPROTO_UDP:
		return classify_udp(lc, m, o);
	case IPPROTO_ESP:
		return to_esp(lc, m, o, o->l4_off, 0);
	case IPPROTO_GRE: // on an address without tunnels
		return gone(lc, m, DROP_UNKNOWN_KEY);
	default:
		return punt(lc, m, PUNT_UNDERLAY);
	}
}

static bool is_link_broadcast(const struct rte_mbuf *m) {
	return rte_is_multicast_ether_addr(&rte_pktmbuf_mtod(m, const struct rte_ether_hdr *)->dst_addr);
}

static bool is_multicast(uint8_t family, const uint8_t *dst) {
	return family == ADDR_IPV4 ? (dst[0] & 0xf0) == 0xe0 : dst[0] == 0xff;
}

// The common part: ours, to be routed, or neither.
static __rte_always_inline enum verdict classify_ip(struct lcore_ctx *lc, const struct fwd_port *port,
	struct rte_mbuf *m, const struct outer *o, uint8_t family, const uint8_t *dst) {
	struct pkt_meta *meta = pkt_meta(m);

	if (likely(is_local(lc->fwd, port, family, dst, meta))) {
		if (likely(o->protocol == IPPROTO_GRE && !o->is_fragment && meta->endpoint != IFACE_NONE)) {
			cut(m, meta, o->l4_off, o->end);
			meta->outer_ce = (o->tos & ECN_CE) == ECN_CE;
			return TO_GRE;
		}
		return classify_local(lc, m, o);
	}
	if (o->is_link_multicast)
		return punt(lc, m, PUNT_UNDERLAY);
	if (!port->is_lan)
		return gone(lc, m, DROP_NOT_LOCAL);
	if (is_link_broadcast(m) && !is_multicast(family, dst)) // RFC 1812 section 5.3.4
		return gone(lc, m, DROP_NOT_OUR_MAC);
	meta->gre_protocol = family == ADDR_IPV4 ? GRE_PROTO_IPV4 : GRE_PROTO_IPV6;
	cut(m, meta, RTE_ETHER_HDR_LEN, o->end);
	return TO_CLEAR;
}

// RFC 1812 section 5.2.2.
static __rte_always_inline enum verdict classify_ipv4(
	struct lcore_ctx *lc, const struct fwd_port *port, struct rte_mbuf *m) {
	const struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod_offset(m, const struct rte_ipv4_hdr *, RTE_ETHER_HDR_LEN);
	struct pkt_meta *meta = pkt_meta(m);
	uint16_t room = m->data_len - RTE_ETHER_HDR_LEN, hdr_len_bytes, total;
	struct outer o;

	if (unlikely(room < sizeof(*ip) || ip->version_ihl >> 4 != 4))
		return gone(lc, m, DROP_OUTER_MALFORMED);
	hdr_len_bytes = (ip->version_ihl & 0xf) * 4;
	total = rte_be_to_cpu_16(ip->total_length);
	if (unlikely(hdr_len_bytes < sizeof(*ip) || total < hdr_len_bytes || total > room))
		return gone(lc, m, DROP_OUTER_MALFORMED);
	if (unlikely(!outer_checksum_ok(m, ip, hdr_len_bytes)))
		return gone(lc, m, DROP_OUTER_CHECKSUM);
	meta->nbma.family = ADDR_IPV4;
	memcpy(meta->nbma.bytes, &ip->src_addr, sizeof(ip->src_addr));
	o = (struct outer){
		.l4_off = RTE_ETHER_HDR_LEN + hdr_len_bytes,
		.end = RTE_ETHER_HDR_LEN + total,
		.protocol = ip->next_proto_id,
		.tos = ip->type_of_service,
		.is_fragment = ip->fragment_offset & RTE_BE16(RTE_IPV4_HDR_OFFSET_MASK | RTE_IPV4_HDR_MF_FLAG),
		.is_later_fragment = ip->fragment_offset & RTE_BE16(RTE_IPV4_HDR_OFFSET_MASK),
		.is_link_multicast = (ip->dst_addr & RTE_BE32(0xffffff00)) == RTE_BE32(0xe0000000),
	};
	return classify_ip(lc, port, m, &o, ADDR_IPV4, (const uint8_t *)&ip->dst_addr);
}

// Over one Destination Options header, which Linux puts before GRE (RFC 2473 section 4.1.1), to what is behind it.
static bool options_skip(const struct rte_mbuf *m, struct outer *o) {
	const uint8_t *options = rte_pktmbuf_mtod_offset(m, const uint8_t *, o->l4_off);
	unsigned room = o->end - o->l4_off, len_bytes;

	if (room < 8)
		return false;
	len_bytes = 8 + 8u * options[1];
	if (len_bytes > room || len_bytes > IPV6_OPTIONS_MAX || options[0] == IPPROTO_DSTOPTS)
		return false;
	o->protocol = options[0];
	o->l4_off += len_bytes;
	return true;
}

static enum verdict classify_ipv6_payload(
	struct lcore_ctx *lc, const struct fwd_port *port, struct rte_mbuf *m, struct outer *o, const uint8_t *dst) {
	if (o->protocol == IPPROTO_DSTOPTS && is_local(lc->fwd, port, ADDR_IPV6, dst, pkt_meta(m)) &&
		!options_skip(m, o))
		return gone(lc, m, DROP_OUTER_MALFORMED);
	if (o->protocol == IPPROTO_FRAGMENT) {
		const uint8_t *fragment = rte_pktmbuf_mtod_offset(m, const uint8_t *, o->l4_off);

		if (o->end - o->l4_off < IPV6_FRAGMENT_LEN)
			return gone(lc, m, DROP_OUTER_MALFORMED);
		o->is_fragment = true;
		o->is_later_fragment = fragment[2] || fragment[3] & 0xf8;
		o->protocol = fragment[0];
		o->l4_off += IPV6_FRAGMENT_LEN;
	}
	return classify_ip(lc, port, m, o, ADDR_IPV6, dst);
}

// RFC 8200 section 3. Of extension headers tunnel packets have destination options at most; a fragment is recognized.
static enum verdict classify_ipv6(struct lcore_ctx *lc, const struct fwd_port *port, struct rte_mbuf *m) {
	const struct rte_ipv6_hdr *ip = rte_pktmbuf_mtod_offset(m, const struct rte_ipv6_hdr *, RTE_ETHER_HDR_LEN);
	struct pkt_meta *meta = pkt_meta(m);
	uint16_t room = m->data_len - RTE_ETHER_HDR_LEN, payload;
	struct outer o;

	if (room < sizeof(*ip) || (ip->vtc_flow & RTE_BE32(0xf0000000)) != RTE_BE32(0x60000000))
		return gone(lc, m, DROP_OUTER_MALFORMED);
	payload = rte_be_to_cpu_16(ip->payload_len);
	if (payload > room - sizeof(*ip))
		return gone(lc, m, DROP_OUTER_MALFORMED);
	meta->nbma.family = ADDR_IPV6;
	memcpy(meta->nbma.bytes, ip->src_addr, sizeof(ip->src_addr));
	o = (struct outer){
		.l4_off = RTE_ETHER_HDR_LEN + sizeof(*ip),
		.end = RTE_ETHER_HDR_LEN + sizeof(*ip) + payload,
		.protocol = ip->proto,
		.tos = (uint8_t)(rte_be_to_cpu_32(ip->vtc_flow) >> 20),
		.is_link_multicast = ip->dst_addr[0] == 0xff && (ip->dst_addr[1] & 0xf) == 2,
	};
	return classify_ipv6_payload(lc, port, m, &o, ip->dst_addr);
}

static __rte_noinline enum verdict classify_frame(
	struct lcore_ctx *lc, const struct fwd_port *port, uint64_t mac, struct rte_mbuf *m) {
	const struct rte_ether_hdr *eth = rte_pktmbuf_mtod(m, const struct rte_ether_hdr *);
	uint64_t dst;

	if (unlikely(m->nb_segs != 1 || m->data_len < RTE_ETHER_HDR_LEN))
		return gone(lc, m, DROP_OUTER_MALFORMED);
	memcpy(&dst, eth, sizeof(dst));
	if (unlikely((dst & MAC_MASK) != mac && !rte_is_multicast_ether_addr(&eth->dst_addr)))
		return gone(lc, m, DROP_NOT_OUR_MAC);
	switch (eth->ether_type) {
	case RTE_BE16(RTE_ETHER_TYPE_IPV4):
		return classify_ipv4(lc, port, m);
	case RTE_BE16(RTE_ETHER_TYPE_IPV6):
		return classify_ipv6(lc, port, m);
	case RTE_BE16(RTE_ETHER_TYPE_ARP):
		return punt(lc, m, PUNT_UNDERLAY);
	default:
		return gone(lc, m, DROP_ETHERTYPE);
	}
}

// GONE: not such a packet, and untouched.
static __rte_always_inline enum verdict express_take(
	const struct lcore_ctx *lc, const struct express *e, struct rte_mbuf *m) {
	const uint8_t *frame = rte_pktmbuf_mtod(m, const uint8_t *);
	const struct rte_ipv4_hdr *ip = (const struct rte_ipv4_hdr *)(frame + RTE_ETHER_HDR_LEN);
	struct pkt_meta *meta = pkt_meta(m);
	bool is_esp;
	uint16_t total;

	rte_prefetch0(frame + 64); // what is inside begins in the first line and goes on in the next
	rte_prefetch0(frame + m->data_len - 1);
	if (unlikely(!is_express(e, m, frame)))
		return GONE;
	is_esp = ip->next_proto_id == IPPROTO_ESP;
	total = rte_be_to_cpu_16(ip->total_length);
	if (unlikely(total < sizeof(*ip) || total > m->data_len - RTE_ETHER_HDR_LEN ||
		     !outer_checksum_ok(m, ip, sizeof(*ip))))
		return GONE;
	if (is_esp ? unlikely(!lc->fwd->ipsec || total < sizeof(*ip) + ESP_HEADER_BYTES)
		   : unlikely(ip->next_proto_id != IPPROTO_GRE))
		return GONE;
	*meta = e->meta;
	memcpy(meta->nbma.bytes, &ip->src_addr, sizeof(ip->src_addr));
	m->data_off += EXPRESS_LEN_BYTES;
	m->data_len = total - sizeof(*ip);
	m->pkt_len = total - sizeof(*ip);
	return is_esp ? TO_ESP : TO_GRE;
}

void classify_burst(
	struct lcore_ctx *lc, uint16_t port_idx, struct rte_mbuf **pkts, uint16_t n, struct classified *out) {
	const struct fwd_port *port = &lc->fwd->ports[port_idx];
	struct esp_prefetch f = {.stride = 0};
	struct express e;

	if (lc->fwd->ipsec)
		f = esp_prefetch_in(lc);
	express_init(&e, lc->fwd, port, port_idx);
	for (uint16_t i = 0; i < n; i++) {
		struct rte_mbuf *m = pkts[i];
		enum verdict v = express_take(lc, &e, m);

		if (unlikely(v == GONE)) {
			meta_init(pkt_meta(m), port_idx);
			v = classify_frame(lc, port, e.mac_of_port, m);
			if (v == TO_GRE || v == TO_ESP)
				express_to(&e, lc->fwd, pkt_meta(m)->endpoint); // the next one is likely for the same
		}
		switch (v) {
		case TO_ESP:
			esp_in_prefetch(&f, rte_pktmbuf_mtod(m, const uint8_t *));
			out->esp[out->n_esp++] = m;
			break;
		case TO_GRE:
			out->gre[out->n_gre++] = m;
			break;
		case TO_CLEAR:
			out->clear[out->n_clear++] = m;
			break;
		case GONE:
			break;
		}
	}
}
