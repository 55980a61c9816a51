// SPDX-License-Identifier: BSD-3-Clause
// What one stage tells the next about a packet: the mbuf's private area, one cache line. Indexes read from it after the
// packet waited in a ring are valid only with their generation.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rte_mbuf.h>

#include "addr.h"

enum pkt_way { // how a packet leaves, once that is decided
	WAY_NONE,
	WAY_ADJ, // by adjacency: adj + adj_gen (+ inner protocol)
	WAY_PEER, // to a peer: peer_out + gen, GRE of tunnel
	WAY_NBMA, // tunnel + nbma: unprotected tunnels only, for answers to those that are not registered; peer_out:
		  // underlay next hop (index into nh_table)
	WAY_FRAME, // a whole frame for port: from the TAP, sent as it is
	WAY_SA, // no packet: a struct sa_message for the owner of peer_out
};

struct pkt_meta {
	uint8_t way; // enum pkt_way
	uint8_t port; // rx: index into fwd.ports; WAY_FRAME: way out
	uint8_t outer_len_bytes; // rx: Ethernet, IP and (UDP) header that was removed, GRE's too on plain tunnels
	uint8_t priority; // 1: control traffic, first egress ring
	uint16_t tunnel; // rx: tunnel it came by; tx: WAY_PEER, WAY_NBMA
	uint16_t gre_protocol; // host order
	uint16_t punt_class;
	uint16_t iface_in; // IFACE_NONE: from control
	uint32_t peer_in, peer_in_gen; // rx: who sent it, 0: unknown NBMA address
	uint32_t adj, adj_gen;
	uint32_t peer_out, peer_out_gen;
	uint16_t nbma_port; // rx: source port of ESP in UDP; 0: native
	uint16_t endpoint; // rx: local endpoint
	struct addr nbma; // rx: outer source; WAY_NBMA: outer destination (17 bytes)
	bool outer_ce; // rx: the underlay marked it as having met congestion
	bool is_esp; // rx: it came by an SA; tx: esp_out puts its outer headers on
	uint8_t tos; // tx, is_esp: of the outer header
	uint32_t spi_in; // rx, is_esp: of the SA
} __attribute__((aligned(64)));
_Static_assert(sizeof(struct pkt_meta) == 64, "one cache line");

#define PKT_PRIV_SIZE sizeof(struct pkt_meta) // of every mbuf pool

static inline struct pkt_meta *pkt_meta(struct rte_mbuf *m) {
	return (struct pkt_meta *)rte_mbuf_to_priv(m);
}
