// SPDX-License-Identifier: BSD-3-Clause
// The inner IP header: is it one, may it be forwarded, and its TTL. RFC 1812 section 5.2.2, RFC 8200 section 3.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <rte_byteorder.h>
#include <rte_ip.h>
#include <rte_mbuf.h>

#include "drop.h"
#include "ipv4_sum.h"

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
// RFC 6040 section 4.2: CE of the outer header onto the inner one. false: its transport does not know of it.
bool inner_mark_congestion(struct rte_mbuf *m, bool is_ipv6);
// A packet for the host: does a routing protocol speak in it. Multicast of link scope counts, a stream does not.
bool inner_is_routing(const struct rte_mbuf *m, bool is_ipv6);

static __rte_always_inline bool inner_ipv6_is_link_local(const uint8_t *a) {
	return a[0] == 0xfe && (a[1] & 0xc0) == 0x80;
}

static __rte_always_inline void inner_cut(struct rte_mbuf *m, uint16_t len_bytes) {
	m->data_len = len_bytes;
	m->pkt_len = len_bytes;
}

// What is not the plain unicast packet that inner_check_ipv4 lets through.
enum inner_kind inner_check_ipv4_long(struct rte_mbuf *m, enum drop_reason *why);

// Not in 0/8, 127/8 or from 224/4 on.
static __rte_always_inline bool inner_ipv4_is_plain(const uint8_t *addr) {
	return (uint8_t)(addr[0] - 1) < 223 && addr[0] != 127;
}

static __rte_always_inline enum inner_kind inner_check_ipv4(struct rte_mbuf *m, enum drop_reason *why) {
	const struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod(m, const struct rte_ipv4_hdr *);
	uint16_t total;

	if (unlikely(m->data_len < sizeof(*ip) || ip->version_ihl != RTE_IPV4_VHL_DEF))
		return inner_check_ipv4_long(m, why);
	total = rte_be_to_cpu_16(ip->total_length);
	if (unlikely(total < sizeof(*ip) || total > m->data_len || !ipv4_checksum_ok(ip, sizeof(*ip))))
		return inner_check_ipv4_long(m, why);
	if (unlikely(!inner_ipv4_is_plain((const uint8_t *)&ip->src_addr) ||
		     !inner_ipv4_is_plain((const uint8_t *)&ip->dst_addr)))
		return inner_check_ipv4_long(m, why);
	inner_cut(m, total);
	return INNER_UNICAST;
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
