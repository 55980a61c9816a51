// SPDX-License-Identifier: BSD-3-Clause
// What stands before GRE or ESP on the wire: Ethernet, outer IP (and UDP), written straight into the packet. Per
// packet, on workers.
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <rte_byteorder.h>
#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_mbuf.h>

#include "fwd.h"

// Straight into the packet, fields over the copy: a struct on the stack would be read back wider than it was written.
static __rte_always_inline void outer_u16_write(uint8_t *out, size_t offset, uint16_t host_order) {
	uint16_t be = rte_cpu_to_be_16(host_order);

	memcpy(out + offset, &be, sizeof(be));
}

// The template has length and checksum of an empty payload and a TOS of zero: both grow by what is added (RFC 1624).
static __rte_always_inline void outer_ipv4_write(
	uint8_t *out, const struct peer *p, uint16_t payload_len_bytes, uint8_t tos) {
	uint16_t sum_be;
	uint32_t sum;

	memcpy(&sum_be, p->hdr + offsetof(struct rte_ipv4_hdr, hdr_checksum), sizeof(sum_be));
	sum = (uint16_t)~rte_be_to_cpu_16(sum_be);
	sum += payload_len_bytes + tos;
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	memcpy(out, p->hdr, sizeof(struct rte_ipv4_hdr));
	out[offsetof(struct rte_ipv4_hdr, type_of_service)] = tos;
	outer_u16_write(
		out, offsetof(struct rte_ipv4_hdr, total_length), sizeof(struct rte_ipv4_hdr) + payload_len_bytes);
	outer_u16_write(out, offsetof(struct rte_ipv4_hdr, hdr_checksum), (uint16_t)~sum);
}

static __rte_always_inline void outer_ipv6_write(
	uint8_t *out, const struct peer *p, uint16_t payload_len_bytes, uint8_t tos) {
	memcpy(out, p->hdr, sizeof(struct rte_ipv6_hdr));
	outer_u16_write(out, 0, (uint16_t)(6u << 12 | (unsigned)tos << 4));
	outer_u16_write(out, offsetof(struct rte_ipv6_hdr, payload_len), payload_len_bytes);
}

// nh is the word as published: MAC address, port, resolved. Eight octets each time, the next field over the last two.
static __rte_always_inline void outer_ether_write(uint8_t *out, uint64_t nh, const uint8_t *source, uint16_t type) {
	uint64_t mac;

	memcpy(&mac, source, sizeof(mac));
	memcpy(out, &nh, sizeof(nh));
	memcpy(out + RTE_ETHER_ADDR_LEN, &mac, sizeof(mac));
	outer_u16_write(out, offsetof(struct rte_ether_hdr, ether_type), type);
}
_Static_assert(offsetof(struct nh, mac) == 0 && offsetof(struct fwd_port, mac) + 8 <= sizeof(struct fwd_port),
	"MAC addresses are copied eight octets at a time");

static __rte_always_inline struct nh nh_of_word(uint64_t word) {
	struct nh nh;

	memcpy(&nh, &word, sizeof(nh));
	return nh;
}

// Grows the packet to the front; NULL when there is no room.
static __rte_always_inline uint8_t *outer_prepend(struct rte_mbuf *m, uint16_t len_bytes) {
	if (unlikely(m->data_off < len_bytes))
		return NULL;
	m->data_off -= len_bytes;
	m->data_len += len_bytes;
	m->pkt_len += len_bytes;
	return rte_pktmbuf_mtod(m, uint8_t *);
}
