// SPDX-License-Identifier: BSD-3-Clause
// What nearly every frame of a hub is, told by a few wide compares. Between classify.c and hairpin.c; per packet, on
// workers.
#pragma once

#include <netinet/in.h>
#include <string.h>

#include <rte_byteorder.h>
#include <rte_ether.h>
#include <rte_ip.h>

#include "ipv4_sum.h"
#include "lcore_ctx.h"

#define MAC_MASK 0x0000ffffffffffffull // of eight bytes loaded from a MAC address, little endian

static __rte_always_inline void meta_init(struct pkt_meta *meta, uint16_t port) {
	*meta = (struct pkt_meta){
		.port = port,
		.tunnel = IFACE_NONE,
		.endpoint = IFACE_NONE,
		.iface_in = iface_of_port(port),
	};
}

static __rte_always_inline bool outer_checksum_ok(
	const struct rte_mbuf *m, const struct rte_ipv4_hdr *ip, uint16_t hdr_len_bytes) {
	uint64_t known = m->ol_flags & RTE_MBUF_F_RX_IP_CKSUM_MASK;

	if (known == RTE_MBUF_F_RX_IP_CKSUM_GOOD)
		return true;
	if (known == RTE_MBUF_F_RX_IP_CKSUM_BAD)
		return false;
	return ipv4_checksum_ok(ip, hdr_len_bytes);
}

// GRE or ESP over plain IPv4 for one endpoint is nearly all that a hub gets: a few wide compares, and a meta made once
// a burst. What does not fit takes the long way and says why.
struct express {
	uint64_t mac; // of the port, as loaded, once dst_be is known
	uint64_t mac_of_port;
	uint32_t dst_be; // an IPv4 endpoint
	struct pkt_meta meta; // of such a packet, nbma.bytes apart
};

#define EXPRESS_LEN_BYTES (RTE_ETHER_HDR_LEN + sizeof(struct rte_ipv4_hdr))

static __rte_always_inline uint32_t load_u32(const uint8_t *p) {
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

// All but the protocol.
static __rte_always_inline bool is_express(const struct express *e, const struct rte_mbuf *m, const uint8_t *frame) {
	const struct rte_ipv4_hdr *ip = (const struct rte_ipv4_hdr *)(frame + RTE_ETHER_HDR_LEN);
	uint64_t dst, differ;
	uint32_t start;

	if (unlikely(m->data_len < EXPRESS_LEN_BYTES || m->nb_segs != 1))
		return false;
	memcpy(&dst, frame, sizeof(dst));
	start = load_u32(frame + 12);
	// Octets 12 to 15: Ethernet type, version and length, TOS; 20 and 21: flags and offset.
	differ = (dst & MAC_MASK) ^ e->mac;
	differ |= (start & RTE_BE32(0xffffff00)) ^ RTE_BE32(RTE_ETHER_TYPE_IPV4 << 16 | RTE_IPV4_VHL_DEF << 8);
	differ |= ip->fragment_offset & RTE_BE16(RTE_IPV4_HDR_OFFSET_MASK | RTE_IPV4_HDR_MF_FLAG);
	differ |= ip->dst_addr ^ e->dst_be;
	differ |= start & start >> 1 & RTE_BE32(1); // both bits of CE, next to each other in one octet
	return differ == 0;
}

static inline void express_to(struct express *e, const struct fwd *fwd, uint16_t endpoint) {
	const struct addr *a = &fwd->endpoints[endpoint].addr;

	if (a->family != ADDR_IPV4)
		return;
	memcpy(&e->dst_be, a->bytes, sizeof(e->dst_be));
	e->meta.endpoint = endpoint;
	e->mac = e->mac_of_port;
}

static inline void express_init(
	struct express *e, const struct fwd *fwd, const struct fwd_port *port, uint16_t port_idx) {
	e->mac = UINT64_MAX; // of no packet, until there is an endpoint
	e->mac_of_port = 0;
	memcpy(&e->mac_of_port, port->mac, sizeof(port->mac));
	e->dst_be = 0;
	meta_init(&e->meta, port_idx);
	e->meta.nbma.family = ADDR_IPV4;
	e->meta.outer_len_bytes = EXPRESS_LEN_BYTES;
	if (likely(rcu_read(&port->n_endpoints)))
		express_to(e, fwd, port->endpoints[0]);
}
