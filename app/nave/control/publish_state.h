// SPDX-License-Identifier: BSD-3-Clause
// What publish.c and publish_*.c share: control's side of each published slot. Nobody else includes this.
#pragma once

#include "ipsec.h"
#include "publish.h"
#include "token_bucket.h"

#define NH_NONE 0u // word 0 is never resolved
#define NH_TRANSIENT_MAX 256 // next hops kept only for answers to those that are not registered
#define NH_TRANSIENT_NS (10 * NS_PER_S) // longer than a packet can wait in a ring

struct nh_ctl { // control's side of one underlay next hop
	struct addr addr;
	uint16_t port;
	bool is_static, in_kernel, transient, asked_once;
	uint32_t refs; // peers and adjacencies, + 1 for each of the three flags before
	uint32_t hash_next; // or free list, or list of those that wait for rcu_defer
	uint64_t asked_ns, used_ns;
};

#define WANTED_SLOTS 256

struct wanted { // a LAN host that was asked for
	struct addr addr;
	uint16_t port;
	uint64_t asked_ns;
};

struct adj_ctl {
	uint32_t refs; // routes and bindings
	uint32_t pending_next;
	uint32_t nh; // ADJ_PORT: held
	bool in_neigh;
	bool neighbour; // the kernel's neighbour entry holds one of the refs
	// ADJ_TUNNEL to a protected peer:
	uint8_t len_bits; // of its binding's prefix
	uint16_t binding_mtu;
	uint32_t peer_next, peer_prev; // list of what leads to the peer
};

struct peer_ctl {
	uint32_t refs; // bindings and SAs
	uint32_t pending_next;
};

// A protected peer. Its header is its owner's to write, so that control reads where it is here alone.
struct protected_ctl {
	struct addr nbma;
	uint16_t nbma_port; // 0: native ESP
	bool has_out, tunnel_mode; // of the outbound SA, for the MTU
	uint8_t suite;
	uint32_t adjs; // the first of those that lead to it
	uint32_t sas_in; // slot of the first inbound SA, the others by publish.sa_in_next
};

struct tunnel_pub {
	struct tunnel *rt; // NULL: no such tunnel
	uint32_t adj_glean, adj_local; // held
	uint8_t gre_len_bytes;
	uint8_t gre[16];
	uint8_t n_addrs;
	struct {
		struct addr addr;
		uint8_t len_bits;
	} addrs[32];
};

struct port_pub {
	uint32_t adj_glean, adj_local;
	struct addr gateway[2]; // [0] IPv4, [1] IPv6
	uint8_t n_connected;
	struct prefix connected[16];
};

struct vrf_pub {
	uint32_t max_ipv4, max_ipv6;
};

struct publish {
	struct fwd *fwd;
	struct adj_ctl *adjs; // [fwd->adjs.max]
	struct peer_ctl *peers; // [fwd->peers.max]
	struct protected_ctl *protected; // [fwd->peers.max]; NULL, as the next two, without fwd->ipsec
	struct idx_hash *protected_hash; // key: struct publish_peer
	uint32_t *sa_in_next; // [fwd->ipsec->n_in]
	struct nh_ctl *nhs; // [fwd->nhs.max]
	uint32_t *nh_buckets; // chains through hash_next
	uint32_t nh_mask;
	uint32_t nh_free, nh_high, n_nhs, n_transient;
	uint32_t adj_pending, peer_pending, nh_pending; // rcu_defer was full: tried again each turn
	uint32_t adj_blackhole, adj_unreachable;
	uint32_t sweep_at;
	uint64_t sweep_ns, now_ns;
	struct wanted wanted[WANTED_SLOTS]; // by hash: a collision asks once more
	struct token_bucket wanted_limit;
	publish_resolve_fn resolve;
	void *resolve_arg;
	publish_peer_fn peer_taken;
	void *peer_taken_arg;
	publish_sa_send_fn sa_send;
	void *sa_send_arg;
	struct tunnel_pub tunnels[FWD_TUNNELS_MAX];
	struct port_pub ports[FWD_PORTS_MAX];
	struct vrf_pub vrfs[FWD_VRFS_MAX];
};

static inline unsigned family_index(uint8_t family) {
	return family == ADDR_IPV6;
}

// publish_nh.c. nh_hold finds or makes; the caller gives it back with nh_release.
int nh_table_setup(struct publish *p);
int nh_hold(struct publish *p, uint16_t port, const struct addr *addr, uint32_t *nh);
void nh_release(struct publish *p, uint32_t nh);
int nh_hold_towards(struct publish *p, uint16_t port, const struct addr *nbma, uint32_t *nh); // NH_NONE: no way there
bool nh_turn(struct publish *p, uint64_t now_ns); // asks the kernel again, forgets transient ones
void nh_defer(struct publish *p, uint32_t nh);

// publish_adj.c. adj_hold finds or makes the adjacency of (iface, protocol address).
uint32_t adj_new(
	struct publish *p, uint16_t iface, const struct addr *protocol, enum adj_kind kind); // one ref; 0: full
int adj_hold(struct publish *p, uint16_t iface, const struct addr *protocol, uint32_t *adj);
void adj_release(struct publish *p, uint32_t adj);
uint16_t adj_tunnel_mtu(const struct publish *p, uint16_t tunnel, uint16_t binding_mtu, uint32_t peer); // peer 0: any
int adj_port_complete(struct publish *p, uint32_t adj); // ADJ_PORT, over the next hop of its own address
void adj_defer(struct publish *p, uint32_t adj);

// publish_peer.c. peer_hold finds or makes a plain peer, protected_hold a protected one.
void peer_defer(struct publish *p, uint32_t peer);
int peer_hold(struct publish *p, uint16_t endpoint, const struct addr *nbma, uint32_t *peer);
void peer_release(struct publish *p, uint32_t peer);
struct addr peer_address(const struct publish *p, uint32_t peer); // NBMA address of either kind

// publish_protected.c
int protected_setup(struct publish *p); // -ENOMEM; nothing without fwd->ipsec
void protected_teardown(struct publish *p);
int protected_hold(struct publish *p, const struct publish_peer *where, uint32_t *peer);
void protected_forget(struct publish *p, uint32_t peer); // its last reference is gone: found no more
bool protected_is(const struct publish *p, uint32_t peer);
int protected_tell(struct publish *p, uint32_t peer, const struct sa_message *msg); // -ENOBUFS
void protected_adj_link(struct publish *p, uint32_t peer, uint32_t adj);
void protected_adj_unlink(struct publish *p, uint32_t peer, uint32_t adj);
void protected_mtu_changed(struct publish *p, uint32_t peer);

// publish_route.c. A route holds its adjacency. route_put takes over no reference; what it replaces is released.
int route_put(struct publish *p, uint16_t vrf, const struct prefix *prefix, uint32_t adj);
uint32_t route_find(const struct publish *p, uint16_t vrf, const struct prefix *prefix);
int route_drop(struct publish *p, uint16_t vrf, const struct prefix *prefix); // -ENOENT
