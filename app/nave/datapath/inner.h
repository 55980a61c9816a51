// SPDX-License-Identifier: BSD-3-Clause
// The inner IP header: is it one, may it be forwarded, and its TTL. RFC 1812 section 5.2.2, RFC 8200 section 3.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <rte_byteorder.h>
#include <rte_ip.h>
#include <rte_mbuf.h>

#include "checksum.h"
#include "drop.h"

enum inner_kind {
	INNER_UNICAST,
	INNER_LINK_LOCAL, // not to be forwarded
	INNER_MULTICAST,
	INNER_DROP,
};

// Both check version, lengths, checksum and addresses of the packet at data, and cut what lies behind it. INNER_DROP
// sets *why.
static __rte_always_inline enum inner_kind inner_check_ipv4(struct rte_mbuf *m, enum drop_reason *why);
enum inner_kind inner_check_ipv6(struct rte_mbuf *m, enum drop_reason *why);
// A packet for the host: does a routing protocol speak in it.
bool inner_is_routing(const struct rte_mbuf *m, bool is_ipv6);

static __rte_always_inline bool inner_ipv6_is_link_local(const uint8_t *a) {
	return a[0] == 0xfe && (a[1] & 0xc0) == 0x80;
}

static __rte_always_inline void inner_cut(struct rte_mbuf *m, uint16_t len_bytes) {
	m->data_len = len_bytes;
	m->pkt_len = len_bytes;
}

// 0/8, 127/8; as a source also everything from 224/4 on.
static __rte_always_inline bool inner_ipv4_is_odd(uint8_t first_byte, uint8_t limit) {
	return first_byte == 0 || first_byte == 127 || first_byte >= limit;
}

static __rte_always_inline enum inner_kind inner_check_ipv4(struct rte_mbuf *m, enum drop_reason *why) {
	const struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod(m, const struct rte_ipv4_hdr *);
	uint16_t hdr_len_bytes, total;
	uint8_t src, dst;

	*why = DROP_INNER_MALFORMED;
	if (unlikely(m->data_len < sizeof(*ip) || ip->version_ihl >> 4 != 4))
		return INNER_DROP;
	hdr_len_bytes = (ip->version_ihl & 0xf) * 4;
	total = rte_be_to_cpu_16(ip->total_length);
	if (unlikely(hdr_len_bytes < sizeof(*ip) || total < hdr_len_bytes || total > m->data_len))
		return INNER_DROP;
	*why = DROP_INNER_CHECKSUM;
	if (unlikely((hdr_len_bytes == sizeof(*ip) ? checksum(ip, sizeof(*ip)) : checksum(ip, hdr_len_bytes)) != 0))
		return INNER_DROP;
	inner_cut(m, total);
	memcpy(&src, &ip->src_addr, 1);
	memcpy(&dst, &ip->dst_addr, 1);
	*why = DROP_INNER_SOURCE;
	if (unlikely(inner_ipv4_is_odd(src, 224) || inner_ipv4_is_odd(dst, 240)))
		return INNER_DROP;
	return unlikely(dst >= 224) ? INNER_MULTICAST : INNER_UNICAST;
}

// TTL or hop limit less one (RFC 1624); false: none left.
static __rte_always_inline bool inner_ttl_take(struct rte_mbuf *m, bool is_ipv6) {
	if (unlikely(is_ipv6)) {
		struct rte_ipv6_hdr *ip = rte_pktmbuf_mtod(m, struct rte_ipv6_hdr *);

		if (ip->hop_limits <= 1)
			return false;
		ip->hop_limits--;
		return true;
	}
	struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod(m, struct rte_ipv4_hdr *);
	uint32_t sum;

	if (unlikely(ip->time_to_live <= 1))
		return false;
	ip->time_to_live--;
	sum = (uint32_t)ip->hdr_checksum + RTE_BE16(0x0100);
	ip->hdr_checksum = (uint16_t)(sum + (sum >= 0xffff));
	return true;
}
