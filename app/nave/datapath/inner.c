// SPDX-License-Identifier: BSD-3-Clause
#include "inner.h"

#include <netinet/in.h>

#include <rte_tcp.h>
#include <rte_udp.h>

#define PORT_BGP 179
#define PROTO_EIGRP 88
#define PROTO_OSPF 89
#define ND_ROUTER_SOLICIT 133 // RFC 4861: 133..137
#define ND_REDIRECT 137

// 0/8 and 127/8, and limit/8 and all above.
static bool ipv4_is_odd(uint8_t first_byte, uint8_t limit) {
	return first_byte == 0 || first_byte == 127 || first_byte >= limit;
}

enum inner_kind inner_check_ipv4_long(struct rte_mbuf *m, enum drop_reason *why) {
	const struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod(m, const struct rte_ipv4_hdr *);
	uint16_t hdr_len_bytes, total;
	uint8_t src, dst;

	*why = DROP_INNER_MALFORMED;
	if (m->data_len < sizeof(*ip) || ip->version_ihl >> 4 != 4)
		return INNER_DROP;
	hdr_len_bytes = (ip->version_ihl & 0xf) * 4;
	total = rte_be_to_cpu_16(ip->total_length);
	if (hdr_len_bytes < sizeof(*ip) || total < hdr_len_bytes || total > m->data_len)
		return INNER_DROP;
	*why = DROP_INNER_CHECKSUM;
	if (!ipv4_checksum_ok(ip, hdr_len_bytes))
		return INNER_DROP;
	inner_cut(m, total);
	memcpy(&src, &ip->src_addr, 1);
	memcpy(&dst, &ip->dst_addr, 1);
	*why = DROP_INNER_SOURCE;
	if (ipv4_is_odd(src, 224) || ipv4_is_odd(dst, 240))
		return INNER_DROP;
	return dst >= 224 ? INNER_MULTICAST : INNER_UNICAST;
}

static bool ipv6_is(const uint8_t *a, uint8_t last) { // :: or ::1
	uint64_t hi, lo;

	memcpy(&hi, a, sizeof(hi));
	memcpy(&lo, a + 8, sizeof(lo));
	return hi == 0 && lo == rte_cpu_to_be_64(last);
}

// Neighbour discovery has no work inside a tunnel: NHRP does it.
static bool is_neighbour_discovery(const struct rte_mbuf *m, const struct rte_ipv6_hdr *ip) {
	const uint8_t *type = (const uint8_t *)(ip + 1);

	return ip->proto == IPPROTO_ICMPV6 && m->data_len > sizeof(*ip) && *type >= ND_ROUTER_SOLICIT &&
	       *type <= ND_REDIRECT;
}

enum inner_kind inner_check_ipv6(struct rte_mbuf *m, enum drop_reason *why) {
	const struct rte_ipv6_hdr *ip = rte_pktmbuf_mtod(m, const struct rte_ipv6_hdr *);
	uint16_t payload;

	*why = DROP_INNER_MALFORMED;
	if (m->data_len < sizeof(*ip) || (ip->vtc_flow & RTE_BE32(0xf0000000)) != RTE_BE32(0x60000000))
		return INNER_DROP;
	payload = rte_be_to_cpu_16(ip->payload_len);
	if (payload > m->data_len - sizeof(*ip))
		return INNER_DROP;
	inner_cut(m, sizeof(*ip) + payload);
	*why = DROP_INNER_SOURCE;
	if (ip->src_addr[0] == 0xff || ipv6_is(ip->src_addr, 1)) // RFC 4291 sections 2.5.3 and 2.7
		return INNER_DROP;
	if (ip->dst_addr[0] == 0xff) {
		*why = DROP_MULTICAST;
		return is_neighbour_discovery(m, ip) ? INNER_DROP : INNER_MULTICAST;
	}
	if (ipv6_is(ip->src_addr, 0) || ipv6_is(ip->dst_addr, 0) || ipv6_is(ip->dst_addr, 1))
		return INNER_DROP;
	if (inner_ipv6_is_link_local(ip->src_addr) || inner_ipv6_is_link_local(ip->dst_addr))
		return INNER_LINK_LOCAL;
	return INNER_UNICAST;
}

#define ECN_CE 3

bool inner_mark_congestion(struct rte_mbuf *m, bool is_ipv6) {
	uint8_t *ip = rte_pktmbuf_mtod(m, uint8_t *);
	struct rte_ipv4_hdr *ipv4 = (struct rte_ipv4_hdr *)ip;
	uint8_t was = is_ipv6 ? ip[1] >> 4 & ECN_CE : ip[1] & ECN_CE;
	uint32_t sum;

	if (!was)
		return false;
	if (is_ipv6) {
		ip[1] |= ECN_CE << 4;
		return true;
	}
	ip[1] |= ECN_CE;
	sum = (uint16_t)~rte_be_to_cpu_16(ipv4->hdr_checksum) + (ECN_CE - was); // RFC 1624
	sum = (sum & 0xffff) + (sum >> 16);
	ipv4->hdr_checksum = rte_cpu_to_be_16((uint16_t)~sum);
	return true;
}

static bool port_is_bgp(const uint8_t *l4) {
	uint16_t ports[2];

	memcpy(ports, l4, sizeof(ports));
	return ports[0] == RTE_BE16(PORT_BGP) || ports[1] == RTE_BE16(PORT_BGP);
}

// 224.0.0.0/24 or ff02::/16: hellos and what goes with them.
static bool is_link_scope(const uint8_t *ip, bool is_ipv6) {
	static const uint8_t local[3] = {224, 0, 0};

	if (is_ipv6)
		return ip[24] == 0xff && (ip[25] & 0xf) == 2;
	return memcmp(ip + offsetof(struct rte_ipv4_hdr, dst_addr), local, sizeof(local)) == 0;
}

bool inner_is_routing(const struct rte_mbuf *m, bool is_ipv6) {
	const uint8_t *ip = rte_pktmbuf_mtod(m, const uint8_t *);
	uint16_t l4_off = is_ipv6 ? sizeof(struct rte_ipv6_hdr) : (ip[0] & 0xf) * 4;
	uint8_t protocol =
		is_ipv6 ? ((const struct rte_ipv6_hdr *)ip)->proto : ((const struct rte_ipv4_hdr *)ip)->next_proto_id;

	if (is_link_scope(ip, is_ipv6))
		return true;
	switch (protocol) {
	case PROTO_EIGRP:
	case PROTO_OSPF:
	case IPPROTO_PIM:
		return true;
	case IPPROTO_TCP:
		return m->data_len >= l4_off + 4 && port_is_bgp(ip + l4_off);
	default:
		return false;
	}
}
