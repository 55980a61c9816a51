// SPDX-License-Identifier: BSD-3-Clause
// A hub for stage tests: real mbufs and workers, ports made of rings, the test in the place of the control core.
//
//   spokes ── 192.0.2.0/24, 2001:db8::/64 ── wan0 [hub] lan0 ── 172.16.0.0/24
//
//   wan0  192.0.2.1 (endpoint 0), 2001:db8::1 (endpoint 1), 192.0.2.2 (endpoint 2), 192.0.2.3 (no tunnel)
//   lan0  172.16.0.1
//
// Tunnels: hub_tunnel(); protocol addresses of tunnel t are 10.255.t.0/24 and 2001:db8:ff:t::/64, ours is .1 and ::1.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "datapath.h"
#include "frame.h"
#include "fwd.h"
#include "ipsec.h"

#define HUB_QUEUES_MAX 4
#define HUB_RING_SIZE 1024

enum hub_port { WAN, LAN, HUB_PORTS };

struct hub_conf {
	uint16_t n_workers; // 0: one
	uint16_t n_rx_queues, n_tx_queues; // of each port; 0: one per worker
	uint32_t max_spokes; // 0: 256
	uint32_t per_source_pps; // 0: default
	uint32_t punt_pool_mbufs;
	bool accounting;
	bool sleeps; // idle: sleep
	const struct esp_crypto_ops *crypto; // NULL: no tunnel can be protected
	uint16_t window; // widest receive window; 0: REPLAY_WINDOW_MAX
};

struct hub {
	struct fwd fwd;
	struct datapath *dp;
	struct tunnel tunnels[8];
	uint32_t local_adj; // of the TUNs, all one here
	uint64_t dropped[DROP_REASON_COUNT]; // at the last hub_dropped()
};

struct spoke {
	uint16_t tunnel;
	uint32_t peer, adj, adj_ipv6;
	struct addr nbma, protocol, protocol_ipv6;
	struct prefix lan, lan_ipv6; // routed to it
};

extern const uint8_t hub_mac[HUB_PORTS][6];
extern const uint8_t gateway_mac[6]; // behind which all spokes of wan0 are

// Once in a process, after rte_eal_init.
void hub_ports_create(void);
struct rte_mempool *hub_rx_pool(void);

void hub_create(struct hub *h, const struct hub_conf *conf);
// Asserts that every mbuf is back in its pool.
void hub_destroy(struct hub *h);

struct addr addr_of(const char *text);
struct prefix prefix_from(const char *text);

// key NO_KEY: none.
struct tunnel *hub_tunnel(struct hub *h, uint16_t id, uint16_t endpoint, int64_t key, uint16_t vrf);
// Registers a spoke: peer, adjacencies of both families, next hops, and routes to its LANs 10.t.n.0/24,
// 2001:db8:t:n::/64.
struct spoke hub_spoke(struct hub *h, uint16_t tunnel, const char *nbma, unsigned n);
struct spoke hub_spoke_at(struct hub *h, uint16_t tunnel, const struct addr *nbma, unsigned n);
// The same for a peer that is there: a protected one, or one in a further tunnel.
struct spoke hub_spoke_of_peer(struct hub *h, uint16_t tunnel, const struct addr *nbma, unsigned n, uint32_t peer);
uint32_t hub_adj(struct hub *h, enum adj_kind kind, uint16_t iface, uint32_t target);
void hub_route(struct hub *h, uint16_t vrf, const struct prefix *p, uint32_t adj);

// A copy of the frame on a receive queue.
void hub_inject(struct hub *h, enum hub_port port, uint16_t queue, struct frame *f);
void hub_queue(enum hub_port port, uint16_t queue, struct rte_mbuf *m);
struct rte_mbuf *hub_mbuf(struct rte_mempool *pool, struct frame *f);
// Polls workers in turn until none has anything to do.
void hub_poll(struct hub *h);
// Frames that wait to be taken on one transmit queue.
unsigned hub_sent_on(enum hub_port port, uint16_t queue);
struct rte_mbuf *hub_sent_from(enum hub_port port, uint16_t queue); // NULL: none
// The next frame sent on a port, any queue; NULL: none. The caller frees it.
struct rte_mbuf *hub_sent(enum hub_port port);
// Asserts that the next frame sent is exactly this.
void hub_expect_sent(enum hub_port port, struct frame *f);
void hub_expect_nothing_sent(void);
void mbuf_expect(struct rte_mbuf *m, struct frame *f);
// Asserts that since the last call exactly n packets were dropped, all for this reason.
void hub_expect_dropped(struct hub *h, enum drop_reason why, uint64_t n);
void hub_expect_no_drops(struct hub *h);
void hub_forget_drops(struct hub *h);
// The next punted packet of the class, or NULL. The caller frees it.
struct rte_mbuf *hub_punted(struct hub *h, enum punt_class c);

// Frames between a spoke and the hub, with what is inside.
void from_spoke(struct frame *f, const struct hub *h, const struct spoke *s, uint16_t gre_protocol);
void to_spoke(struct frame *f, const struct hub *h, const struct spoke *s, uint16_t gre_protocol, uint8_t tos);
// The usual inner packet: UDP of n payload bytes between addresses.
void inner_udp(struct frame *f, const struct addr *src, const struct addr *dst, uint16_t n, uint8_t hops, uint8_t tos);
