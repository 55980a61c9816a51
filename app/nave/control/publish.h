// SPDX-License-Identifier: BSD-3-Clause
// The one file that writes adj, peer, neigh and fib: the seam between what control knows and what workers read.
// Publish, then reply; for a purge: withdraw, then reply. Control core only.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "addr.h"
#include "cache.h"
#include "fwd.h"
#include "sa.h"
#include "sa_rt.h"

struct publish;

struct publish_tunnel { // what publish needs to know of a tunnel
	struct tunnel rt;
	struct prefix subnet[2]; // connected prefixes, [0] IPv4, [1] IPv6; ADDR_NONE when absent
	struct addr protocol[2]; // own addresses
};

struct publish *publish_create(struct fwd *fwd);
void publish_free(struct publish *p); // workers stopped
// Once each control turn: frees what its grace period is over for, asks again for neighbours. true: more to do at once.
bool publish_turn(struct publish *p, uint64_t now_ns);

// Set-up: ports, endpoints, VRFs and tunnels, before the workers start or while they run.
int publish_port(struct publish *p, uint16_t port, const struct fwd_port *rt);
int publish_vrf(struct publish *p, uint16_t vrf, const char *name, uint32_t max_ipv4, uint32_t max_ipv6);
int publish_endpoint(struct publish *p, const struct addr *addr, uint16_t port); // its number, or -errno
// Connected routes, own addresses (ADJ_LOCAL), glean. -errno.
int publish_tunnel(struct publish *p, const struct publish_tunnel *t);
int publish_tunnel_withdraw(struct publish *p, uint16_t tunnel); // after its bindings and the routes through it
// One more address of a tunnel; publish_tunnel does this for those it was given. -EEXIST: the prefix is routed already.
int publish_tunnel_addr(struct publish *p, uint16_t tunnel, const struct addr *addr, uint8_t len_bits);
// A port's address and connected prefix; routed in the port's VRF when it is a LAN port.
int publish_port_addr(struct publish *p, uint16_t port, const struct addr *addr, uint8_t len_bits);

// Bindings. Completes the adjacency of (tunnel, protocol address), finds or makes its peer, fills b->adj and b->peer. A
// binding of a prefix that is not a host also gets a route. -ENOSPC, -ENOBUFS when a table is full, -EHOSTUNREACH on a
// protected tunnel when no SA is with b->nbma and b->nbma_port: nothing changed.
int publish_binding(struct publish *p, struct binding *b);
int publish_binding_withdraw(
	struct publish *p, struct binding *b); // adjacency incomplete again; peer freed with its last user

// SAs (ipsec.h). A protected peer is told apart by endpoint, NBMA address and UDP port; it lives as long as a binding
// or an SA has it, and its binding (on a protected tunnel) finds it by these three.
struct publish_peer {
	uint16_t endpoint;
	struct addr nbma;
	uint16_t nbma_port; // 0: native ESP
};
// *spi 0: one of ours is chosen. *peer: where it went. -EINVAL (key lengths, SPI below 256, a window wider than
// ipsec_conf.window_max), -EEXIST, -ENOTSUP, -ENOSPC, -EAFNOSUPPORT.
int publish_sa_in(struct publish *p, const struct publish_peer *where, const struct sa_params *params,
	const struct sa_keys *keys, uint32_t *spi, uint32_t *peer);
// The same with an SPI of ours that was kept for it before: -ENOENT when it is not kept (any more). It is not kept
// afterwards, whatever came of it.
int publish_sa_in_reserved(struct publish *p, const struct publish_peer *where, const struct sa_params *params,
	const struct sa_keys *keys, uint32_t spi, uint32_t *peer);
int publish_spi_reserve(struct publish *p, uint32_t *spi); // -ENOSPC
int publish_spi_cancel(struct publish *p, uint32_t spi); // -ENOENT
int publish_sa_in_withdraw(struct publish *p, uint32_t spi); // -ENOENT, -ENOSPC: try again
// Takes the place of the one before; the MTU of the adjacencies that lead to the peer follows. number is of struct sa.
// SA_EVENT_SOFT comes when a sixteenth of the sequence numbers is left. Also -ENOBUFS: its owner cannot be told now.
int publish_sa_out(struct publish *p, const struct publish_peer *where, const struct sa_params *params,
	const struct sa_keys *keys, uint32_t spi, uint32_t number, uint32_t *peer);
int publish_sa_out_withdraw(struct publish *p, uint32_t peer); // none is left: what is for the peer is dropped
// All its SAs go with it. -EADDRINUSE, -ENOENT, -EAFNOSUPPORT, -EINVAL (between native ESP and ESP in UDP), -ENOBUFS.
int publish_peer_move(struct publish *p, uint32_t peer, const struct addr *nbma, uint16_t nbma_port);
uint32_t publish_peer_find(const struct publish *p, const struct publish_peer *where); // protected; 0: none
// Where a protected peer is, in control's own copy. false: there is no such peer.
bool publish_peer_where(const struct publish *p, uint32_t peer, struct publish_peer *where);
// A peer that is there already lives on for whoever else names it.
void publish_peer_hold(struct publish *p, uint32_t peer);
void publish_peer_release(struct publish *p, uint32_t peer);
// The bindings that lead to a protected peer; *cursor starts at 0, none may come or go in between. false: no more.
bool publish_peer_binding_next(
	const struct publish *p, uint32_t peer, uint32_t *cursor, uint16_t *tunnel, struct prefix *prefix);
// How a message reaches the worker that owns a peer: datapath_send_sa.
typedef int (*publish_sa_send_fn)(void *arg, uint16_t worker, uint32_t peer, const struct sa_message *msg);
void publish_on_sa(struct publish *p, publish_sa_send_fn fn, void *arg);

// Routes. The adjacency of (tunnel or port, next hop) is made when it is not there; incomplete until registered or
// resolved. Several next hops: weight as given, one adjacency is chosen by flow hash (later work); today the first.
struct publish_next_hop {
	struct addr next_hop;
	uint16_t iface; // iface.h
	uint32_t weight;
};
enum publish_route_kind {
	PUBLISH_UNICAST,
	PUBLISH_BLACKHOLE,
	PUBLISH_UNREACHABLE,
};
int publish_route(struct publish *p, uint16_t vrf, const struct prefix *prefix, enum publish_route_kind kind,
	const struct publish_next_hop *via, unsigned n_via);
int publish_route_withdraw(struct publish *p, uint16_t vrf, const struct prefix *prefix);

// Underlay: the gateways of a port, by family (ADDR_NONE: none), and what the kernel says of neighbours.
int publish_gateway(struct publish *p, uint16_t port, const struct addr *gateway);
void publish_neighbour(struct publish *p, uint16_t port, const struct addr *addr, const uint8_t mac[6], bool usable);
// The kernel's table has no room or no use for it (garbage collection), which says nothing of the neighbour: what is in
// use goes on with the MAC address it has and is asked for again in its turn, within 30 s.
void publish_neighbour_forgotten(struct publish *p, uint16_t port, const struct addr *addr);
// From the configuration: what the kernel says of the same address is not heard any more.
int publish_neighbour_static(struct publish *p, uint16_t port, const struct addr *addr, const uint8_t mac[6]);
// The underlay next hop address of an NBMA address on a port (gateway or itself), for asking the kernel; false: no way
// there.
bool publish_underlay_next_hop(const struct publish *p, uint16_t port, const struct addr *nbma, struct addr *next_hop);
// Called when a next hop is wanted whose MAC is not known (the kernel is to be asked).
typedef void (*publish_resolve_fn)(void *arg, uint16_t port, const struct addr *next_hop);
void publish_on_resolve(struct publish *p, publish_resolve_fn fn, void *arg);
// A packet for dst, behind this LAN port, found no neighbour: the kernel is asked, at most once a second for each, and
// 100 a second for all together. false: not asked.
bool publish_wanted(struct publish *p, uint16_t port, const struct addr *dst);
// Called with each peer slot that is taken, before it is published: its counters start from zero.
typedef void (*publish_peer_fn)(void *arg, uint32_t peer);
void publish_on_peer(struct publish *p, publish_peer_fn fn, void *arg);
uint32_t publish_nh_count(const struct publish *p); // underlay next hops in use
// For lists made in slices: the next underlay next hop in use; *cursor starts at 0. false: no more.
struct publish_nh_info {
	uint16_t port;
	struct addr addr;
	struct nh nh;
	bool is_static; // from the configuration
	uint32_t users; // peers and adjacencies
};
bool publish_nh_next(const struct publish *p, uint32_t *cursor, struct publish_nh_info *info);
// The underlay next hop of an NBMA address, for pkt_meta.peer_out of WAY_NBMA: index into nh_table, good for 10 s from
// now; -EHOSTUNREACH: no way there, -EAGAIN: its MAC is not known and the kernel was asked, -ENOSPC.
int publish_nbma_nh(struct publish *p, uint16_t port, const struct addr *nbma);
// true when NHRP answers to nbma on this port can leave now.
bool publish_nbma_ready(struct publish *p, uint16_t port, const struct addr *nbma);
