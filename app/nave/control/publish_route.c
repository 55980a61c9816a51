// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>

#include "publish_state.h"

static struct fib **fib_at(const struct publish *p, uint16_t vrf, uint8_t family) {
	struct vrf *v = &p->fwd->vrfs[vrf];

	return family == ADDR_IPV4 ? &v->fib_ipv4 : &v->fib_ipv6;
}

// A VRF without routes of a family costs nothing: the table comes with the first.
static struct fib *fib_get(struct publish *p, uint16_t vrf, uint8_t family) {
	const struct vrf_pub *v = &p->vrfs[vrf];
	struct fib **at = fib_at(p, vrf, family);
	struct fib *f;

	if (*at)
		return *at;
	f = fib_create(family, family == ADDR_IPV4 ? v->max_ipv4 : v->max_ipv6, p->fwd->rcu);
	if (f)
		rcu_publish(at, f);
	return f;
}

uint32_t route_find(const struct publish *p, uint16_t vrf, const struct prefix *prefix) {
	const struct fib *f = *fib_at(p, vrf, prefix->addr.family);

	return f ? fib_find(f, prefix) : FIB_MISS;
}

int route_put(struct publish *p, uint16_t vrf, const struct prefix *prefix, uint32_t adj) {
	struct fib *f = fib_get(p, vrf, prefix->addr.family);
	uint32_t old;
	int rc;

	if (!f)
		return -ENOSPC;
	old = fib_find(f, prefix);
	if (old == adj)
		return 0;
	rc = fib_add(f, prefix, adj);
	if (rc < 0)
		return rc;
	p->adjs[adj].refs++;
	if (old != FIB_MISS)
		adj_release(p, old);
	return 0;
}

int route_drop(struct publish *p, uint16_t vrf, const struct prefix *prefix) {
	struct fib *f = *fib_at(p, vrf, prefix->addr.family);
	uint32_t old = f ? fib_find(f, prefix) : FIB_MISS;
	int rc;

	if (old == FIB_MISS)
		return -ENOENT;
	rc = fib_del(f, prefix);
	if (rc < 0)
		return rc;
	adj_release(p, old);
	return 0;
}

static int next_hop_hold(struct publish *p, const struct publish_next_hop *via, uint32_t *adj) {
	int rc = adj_hold(p, via->iface, &via->next_hop, adj);

	if (rc < 0 || !iface_is_port(via->iface))
		return rc;
	rc = adj_port_complete(p, *adj);
	if (rc < 0)
		adj_release(p, *adj);
	return rc;
}

static int route_adj_hold(struct publish *p, enum publish_route_kind kind, const struct publish_next_hop *via,
	unsigned n_via, uint32_t *adj) {
	if (kind == PUBLISH_UNICAST)
		return n_via ? next_hop_hold(p, &via[0], adj) : -EINVAL;
	*adj = kind == PUBLISH_BLACKHOLE ? p->adj_blackhole : p->adj_unreachable;
	p->adjs[*adj].refs++;
	return 0;
}

// Connected prefixes and our own addresses are not for others to replace.
static bool is_connected(const struct publish *p, uint32_t adj) {
	uint8_t kind = adj_state_load(&p->fwd->adjs.adjs[adj]).kind;

	return kind == ADJ_LOCAL || kind == ADJ_GLEAN;
}

int publish_route(struct publish *p, uint16_t vrf, const struct prefix *prefix, enum publish_route_kind kind,
	const struct publish_next_hop *via, unsigned n_via) {
	uint32_t adj, old;
	int rc;

	if (vrf >= p->fwd->n_vrfs || prefix->addr.family == ADDR_NONE)
		return -EINVAL;
	old = route_find(p, vrf, prefix);
	if (old != FIB_MISS && is_connected(p, old))
		return -EEXIST;
	rc = route_adj_hold(p, kind, via, n_via, &adj);
	if (rc < 0)
		return rc;
	rc = route_put(p, vrf, prefix, adj);
	adj_release(p, adj); // the route holds it now, or nobody does
	return rc;
}

int publish_route_withdraw(struct publish *p, uint16_t vrf, const struct prefix *prefix) {
	uint32_t old;

	if (vrf >= p->fwd->n_vrfs || prefix->addr.family == ADDR_NONE)
		return -EINVAL;
	old = route_find(p, vrf, prefix);
	if (old != FIB_MISS && is_connected(p, old))
		return -EEXIST;
	return route_drop(p, vrf, prefix);
}
