// SPDX-License-Identifier: BSD-3-Clause
// A simulated spoke: a Next Hop Client behind a GRE tunnel, and its frames on the wire. Addresses follow from its
// number: NBMA 198.18.1.0 + i, protocol 172.16.1.0 + i, LAN 10.x.y.0/24 with x.y = i.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <rte_mbuf.h>

#include "nhrp_msg.h"
#include "scenario.h"

#define LAB_HUB_NBMA 0xc0000201u // 192.0.2.1
#define LAB_GATEWAY_NBMA 0xc00002feu // 192.0.2.254
#define LAB_HUB_PROTOCOL 0xac100001u // 172.16.0.1/12
#define LAB_TUNNEL_LEN_BITS 12
#define LAB_GATEWAY_MAC \
	{ 0x02, 0, 0, 0, 0, 0xfe }
#define LAB_NATT_PORTS 40000u
// Behind the hub's port lan0: a router, and a host behind that.
#define LAB_LAN_HOST 0xc0a88001u // 192.168.128.1
#define LAB_LAN_ROUTER_MAC \
	{ 0x02, 0, 0, 0, 0, 0xfd }

static inline uint32_t spoke_nbma(uint32_t i) {
	return 0xc6120100u + i;
}
static inline uint32_t spoke_protocol(uint32_t i) {
	return 0xac100100u + i;
}
static inline uint32_t spoke_lan(uint32_t i) {
	return 0x0a000000u + (i << 8);
}
// UDP port of its ESP in UDP, as a NAT in front of it would choose one.
static inline uint16_t spoke_nbma_port(uint32_t i) {
	return (uint16_t)(20000 + i % LAB_NATT_PORTS);
}
// Number of the spoke that has an NBMA address, or UINT32_MAX.
static inline uint32_t spoke_by_nbma(uint32_t nbma, uint32_t count) {
	uint32_t i = nbma - 0xc6120100u;

	return i < count ? i : UINT32_MAX;
}

enum spoke_state {
	SPOKE_DOWN,
	SPOKE_REGISTERING,
	SPOKE_UP,
	SPOKE_REFUSED,
};

struct spoke {
	uint64_t sent_tsc; // of the request under way
	uint32_t request_id;
	uint32_t latency_us; // of its first registration
	uint8_t state; // enum spoke_state
	uint8_t code; // of the newest reply
	uint16_t retries;
};

struct spoke_frame { // what goes in front of every packet of every spoke; filled once
	uint8_t outer[48]; // Ethernet, IPv4, UDP
	uint8_t gre[16];
	uint8_t outer_len_bytes, gre_len_bytes;
};

void spoke_frame_init(struct spoke_frame *f, const struct scenario_spokes *s, const uint8_t hub_mac[6]);
// GRE header in front of the len_bytes in m (NHRP, IPv4). Returns 0, or -1 without headroom.
int spoke_gre_push(const struct spoke_frame *f, uint16_t gre_protocol, struct rte_mbuf *m);
// Outer headers of spoke i in front of what is in m: GRE, or with protection ESP. Returns 0, or -1 without headroom.
int spoke_outer_push(const struct spoke_frame *f, uint32_t i, struct rte_mbuf *m);

struct spoke_rx { // a frame from the hub, as the spoke sees it
	uint32_t spoke; // whose NBMA address it went to
	uint8_t *at; // behind the outer headers: GRE, or ESP until it was opened
	uint16_t len_bytes;
	uint16_t gre_protocol;
	const uint8_t *inner;
	uint16_t inner_len_bytes;
};
// Checks outer addresses, lengths, checksums. NULL, or what is wrong with the frame.
const char *spoke_outer_pull(
	const struct spoke_frame *f, const struct scenario_spokes *s, const struct rte_mbuf *m, struct spoke_rx *rx);
// Checks GRE at rx->at, its key and checksum. NULL, or what is wrong.
const char *spoke_gre_pull(const struct spoke_frame *f, const struct scenario_spokes *s, struct spoke_rx *rx);

// The Registration Request of spoke i as FRR sends it. Returns its length.
int spoke_registration_request(
	const struct scenario_spokes *s, uint32_t i, uint32_t request_id, uint8_t *out, size_t cap);
// Takes a Registration Reply; NULL, or what is wrong with it. Sets state and code.
const char *spoke_registration_reply(struct spoke *sp, uint32_t i, const struct nhrp_msg *msg);
