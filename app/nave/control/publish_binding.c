// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>

#include "publish_state.h"

void publish_on_peer(struct publish *p, publish_peer_fn fn, void *arg) {
	p->peer_taken = fn;
	p->peer_taken_arg = arg;
}

void peer_defer(struct publish *p, uint32_t peer) {
	if (peer_free(&p->fwd->peers, p->fwd->rcu, peer) == 0)
		return;
	p->peers[peer].pending_next = p->peer_pending;
	p->peer_pending = peer;
}

static void peer_release(struct publish *p, uint32_t peer) {
	struct peer_table *t = &p->fwd->peers;
	struct addr nbma;
	uint32_t nh;

	if (!peer || --p->peers[peer].refs)
		return;
	nbma = peer_nbma(&t->peers[peer]);
	nh = t->peers[peer].nh;
	idx_hash_remove(t->by_nbma, peer_hash(t->peers[peer].endpoint, &nbma), peer);
	peer_defer(p, peer); // before its next hop: who still finds the one may look at the other
	nh_release(p, nh);
}

static int peer_make(struct publish *p, uint16_t endpoint, const struct addr *nbma, uint32_t *peer) {
	const struct endpoint *e = &p->fwd->endpoints[endpoint];
	struct peer_table *t = &p->fwd->peers;
	uint32_t nh, i;
	int rc = nh_hold_towards(p, e->port, nbma, &nh);

	if (rc < 0)
		return rc;
	i = peer_alloc(t);
	if (!i) {
		nh_release(p, nh);
		return -ENOSPC;
	}
	peer_template(&t->peers[i], &e->addr, nbma);
	t->peers[i].nh = nh;
	t->peers[i].endpoint = endpoint;
	t->peers[i].owner = PEER_OWNER_ANY;
	t->peers[i].ready = true;
	if (p->peer_taken)
		p->peer_taken(p->peer_taken_arg, i);
	rc = idx_hash_insert(t->by_nbma, peer_hash(endpoint, nbma), i);
	if (rc < 0) {
		nh_release(p, nh);
		peer_defer(p, i);
		return rc;
	}
	p->peers[i].refs = 1;
	*peer = i;
	return 0;
}

// A spoke with two adjacencies of one (endpoint, NBMA address) has one peer.
static int peer_hold(struct publish *p, uint16_t endpoint, const struct addr *nbma, uint32_t *peer) {
	uint32_t i;

	if (nbma->family != p->fwd->endpoints[endpoint].addr.family)
		return -EAFNOSUPPORT;
	i = peer_lookup(&p->fwd->peers, endpoint, nbma);
	if (!i)
		return peer_make(p, endpoint, nbma, peer);
	p->peers[i].refs++;
	*peer = i;
	return 0;
}

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
		(struct adj_state){.kind = ADJ_TUNNEL, .target = peer, .mtu = adj_tunnel_mtu(p, b->tunnel, b->mtu)});
}

static int binding_move(struct publish *p, struct binding *b, uint32_t peer) {
	uint32_t old = b->peer;

	adj_point(p, b, b->adj, peer);
	b->peer = peer;
	peer_release(p, old);
	return 0;
}

int publish_binding(struct publish *p, struct binding *b) {
	uint32_t adj, peer;
	int rc;

	if (b->tunnel >= FWD_TUNNELS_MAX || !p->tunnels[b->tunnel].rt)
		return -EINVAL;
	rc = peer_hold(p, p->tunnels[b->tunnel].rt->endpoint, &b->nbma, &peer);
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
	adj_state_store(a, (struct adj_state){.kind = ADJ_INCOMPLETE, .mtu = adj_tunnel_mtu(p, b->tunnel, 0)});
	adj_release(p, b->adj);
	peer_release(p, b->peer);
	b->adj = 0;
	b->peer = 0;
	return 0;
}
