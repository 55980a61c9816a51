// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>

#include "publish_state.h"

static bool is_host(const struct prefix *prefix) {
	return prefix->len_bits == addr_len_bytes(prefix->addr.family) * 8;
}

// The adjacency of a class is in no neigh table: its route is the only way to it.
static bool is_of_class(const struct publish *p, uint32_t adj) {
	return !p->adjs[adj].in_neigh && adj_state_load(&p->fwd->adjs.adjs[adj]).kind == ADJ_TUNNEL;
}

static uint32_t longest_match(const struct publish *p, uint16_t vrf, const struct addr *addr) {
	const struct vrf *v = &p->fwd->vrfs[vrf];

	return fib_lookup(addr->family == ADDR_IPV4 ? v->fib_ipv4 : v->fib_ipv6, addr);
}

// Connected prefixes glean: a host inside one needs no route of its own, unless a class lies in between.
static bool needs_route(const struct publish *p, const struct binding *b) {
	const struct tunnel_pub *t = &p->tunnels[b->tunnel];

	if (!is_host(&b->prefix))
		return true;
	if (b->prefix.addr.family == ADDR_IPV6 && addr_is_link_local(&b->prefix.addr))
		return false; // never forwarded
	for (unsigned i = 0; i < t->n_addrs; i++) {
		struct prefix connected = prefix_of(&t->addrs[i].addr, t->addrs[i].len_bits);

		if (connected.addr.family == b->prefix.addr.family && prefix_contains(&connected, &b->prefix.addr))
			return is_of_class(p, longest_match(p, t->rt->vrf, &b->prefix.addr));
	}
	return true;
}

// The adjacency of a host is its next hop for everybody; that of a wider prefix is found by its route alone.
static int binding_adj(struct publish *p, const struct binding *b, uint32_t *adj) {
	if (is_host(&b->prefix))
		return adj_hold(p, b->tunnel, &b->prefix.addr, adj);
	*adj = adj_new(p, b->tunnel, &b->prefix.addr, ADJ_INCOMPLETE);
	return *adj ? 0 : -ENOSPC;
}

// Of an earlier binding, left when the defer queue was full: nothing else routes to an incomplete adjacency outside
// neigh.
static bool is_leftover(const struct publish *p, uint32_t adj) {
	return !p->adjs[adj].in_neigh && adj_state_load(&p->fwd->adjs.adjs[adj]).kind == ADJ_INCOMPLETE;
}

// A route that somebody else put there (static, connected) stays.
static int binding_route(struct publish *p, const struct binding *b, uint32_t adj) {
	uint16_t vrf = p->tunnels[b->tunnel].rt->vrf;
	uint32_t old;

	if (!needs_route(p, b))
		return 0;
	old = route_find(p, vrf, &b->prefix);
	return old == FIB_MISS || is_leftover(p, old) ? route_put(p, vrf, &b->prefix, adj) : 0;
}

static void adj_point(struct publish *p, const struct binding *b, uint32_t adj, uint32_t peer) {
	adj_state_store(&p->fwd->adjs.adjs[adj],
		(struct adj_state){
			.kind = ADJ_TUNNEL, .target = peer, .mtu = adj_tunnel_mtu(p, b->tunnel, b->mtu, peer)});
	p->adjs[adj].binding_mtu = b->mtu;
	p->adjs[adj].len_bits = b->prefix.len_bits;
	protected_adj_link(p, peer, adj);
}

static int binding_move(struct publish *p, struct binding *b, uint32_t peer) {
	uint32_t old = b->peer;

	protected_adj_unlink(p, old, b->adj);
	adj_point(p, b, b->adj, peer);
	b->peer = peer;
	peer_release(p, old);
	return 0;
}

// Fail closed: on a protected tunnel only who has an SA is a peer.
static int binding_peer(struct publish *p, const struct binding *b, uint32_t *peer) {
	const struct tunnel *t = p->tunnels[b->tunnel].rt;
	struct publish_peer where = {.endpoint = t->endpoint, .nbma = b->nbma, .nbma_port = b->nbma_port};

	if (!t->is_protected)
		return peer_hold(p, t->endpoint, &b->nbma, peer);
	*peer = publish_peer_find(p, &where);
	if (!*peer)
		return -EHOSTUNREACH;
	publish_peer_hold(p, *peer);
	return 0;
}

int publish_binding(struct publish *p, struct binding *b) {
	uint32_t adj, peer;
	int rc;

	if (b->tunnel >= FWD_TUNNELS_MAX || !p->tunnels[b->tunnel].rt)
		return -EINVAL;
	rc = binding_peer(p, b, &peer);
	if (rc < 0)
		return rc;
	if (b->adj)
		return binding_move(p, b, peer);
	rc = binding_adj(p, b, &adj);
	if (rc < 0)
		goto err_adj;
	rc = binding_route(p, b, adj);
	if (rc < 0)
		goto err_route;
	adj_point(p, b, adj, peer);
	b->adj = adj;
	b->peer = peer;
	return 0;

err_route:
	adj_release(p, adj);
err_adj:
	peer_release(p, peer);
	return rc;
}

int publish_binding_withdraw(struct publish *p, struct binding *b) {
	struct adj *a = &p->fwd->adjs.adjs[b->adj];
	uint16_t vrf;

	if (!b->adj)
		return -ENOENT;
	vrf = p->tunnels[b->tunnel].rt->vrf;
	if (route_find(p, vrf, &b->prefix) == b->adj)
		route_drop(p, vrf, &b->prefix);
	adj_state_store(a, (struct adj_state){.kind = ADJ_INCOMPLETE, .mtu = adj_tunnel_mtu(p, b->tunnel, 0, 0)});
	protected_adj_unlink(p, b->peer, b->adj);
	adj_release(p, b->adj);
	peer_release(p, b->peer);
	b->adj = 0;
	b->peer = 0;
	return 0;
}
