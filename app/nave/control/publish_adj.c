// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>
#include <string.h>

#include "publish_state.h"

#define BINDING_MTU_MIN 576 // a client that claims less is not believed

static uint16_t port_mtu(const struct publish *p, uint16_t port) {
	uint16_t mtu = p->fwd->ports[port].mtu;

	return mtu ? mtu : 1500;
}

// The largest GRE packet that the port takes: through the peer's SA, padding counted, or, while there is none, in
// clear.
static int32_t gre_max(const struct publish *p, const struct endpoint *e, uint32_t peer) {
	const struct protected_ctl *g = protected_is(p, peer) ? &p->protected[peer] : NULL;

	if (!g || !g->has_out)
		return port_mtu(p, e->port) - (e->addr.family == ADDR_IPV6 ? 40 : 20);
	return sa_gre_max(&(struct sa_params){.suite = g->suite, .tunnel_mode = g->tunnel_mode}, e->addr.family,
		g->nbma_port != 0, port_mtu(p, e->port));
}

uint16_t adj_tunnel_mtu(const struct publish *p, uint16_t tunnel, uint16_t binding_mtu, uint32_t peer) {
	const struct tunnel_pub *t = &p->tunnels[tunnel];
	int32_t mtu = gre_max(p, &p->fwd->endpoints[t->rt->endpoint], peer) - t->gre_len_bytes;

	if (t->rt->mtu && t->rt->mtu < mtu)
		mtu = t->rt->mtu;
	if (binding_mtu >= BINDING_MTU_MIN && binding_mtu < mtu)
		mtu = binding_mtu;
	return mtu > 0 ? (uint16_t)mtu : 0;
}

static uint16_t iface_mtu(const struct publish *p, uint16_t iface) {
	if (iface == IFACE_NONE)
		return 0;
	return iface_is_port(iface) ? port_mtu(p, iface_port(iface)) : adj_tunnel_mtu(p, iface, 0, 0);
}

uint32_t adj_new(struct publish *p, uint16_t iface, const struct addr *protocol, enum adj_kind kind) {
	uint32_t i = adj_alloc(&p->fwd->adjs);
	struct adj *a = &p->fwd->adjs.adjs[i];

	if (!i)
		return 0;
	a->iface = iface;
	if (protocol)
		a->protocol = *protocol;
	if (!iface_is_port(iface) && iface != IFACE_NONE) {
		const struct tunnel_pub *t = &p->tunnels[iface];

		a->network_id_idx = t->rt->network_id_idx;
		a->gre_len_bytes = t->gre_len_bytes;
		a->gre_checksum = t->rt->checksum;
		memcpy(a->gre, t->gre, sizeof(a->gre));
	}
	p->adjs[i] = (struct adj_ctl){.refs = 1};
	adj_state_store(a, (struct adj_state){.kind = kind, .mtu = iface_mtu(p, iface)});
	return i;
}

static bool iface_exists(const struct publish *p, uint16_t iface) {
	if (iface_is_port(iface))
		return iface_port(iface) < p->fwd->n_ports;
	return iface < FWD_TUNNELS_MAX && p->tunnels[iface].rt;
}

int adj_hold(struct publish *p, uint16_t iface, const struct addr *protocol, uint32_t *adj) {
	uint32_t i;
	int rc;

	if (!iface_exists(p, iface))
		return -EINVAL;
	i = neigh_lookup(&p->fwd->neigh, iface, protocol);
	if (i) {
		p->adjs[i].refs++;
		*adj = i;
		return 0;
	}
	i = adj_new(p, iface, protocol, ADJ_INCOMPLETE);
	if (!i)
		return -ENOSPC;
	rc = neigh_add(&p->fwd->neigh, i);
	if (rc < 0) {
		adj_release(p, i);
		return rc;
	}
	p->adjs[i].in_neigh = true;
	*adj = i;
	return 0;
}

void adj_defer(struct publish *p, uint32_t adj) {
	if (adj_free(&p->fwd->adjs, p->fwd->rcu, adj) == 0)
		return;
	p->adjs[adj].pending_next = p->adj_pending;
	p->adj_pending = adj;
}

void adj_release(struct publish *p, uint32_t adj) {
	struct adj_ctl *c = &p->adjs[adj];
	uint32_t nh = c->nh;

	if (--c->refs)
		return;
	if (c->in_neigh)
		neigh_del(&p->fwd->neigh, adj);
	c->in_neigh = false;
	c->nh = NH_NONE;
	adj_defer(p, adj); // before its next hop: who still finds the one may look at the other
	nh_release(p, nh);
}

int adj_port_complete(struct publish *p, uint32_t adj) {
	struct adj *a = &p->fwd->adjs.adjs[adj];
	uint16_t port = iface_port(a->iface);
	int rc;

	if (p->adjs[adj].nh)
		return 0;
	rc = nh_hold_towards(p, port, &a->protocol, &p->adjs[adj].nh);
	if (rc < 0)
		return rc;
	if (!p->adjs[adj].nh)
		return -EHOSTUNREACH;
	adj_state_store(a, (struct adj_state){.kind = ADJ_PORT, .target = p->adjs[adj].nh, .mtu = port_mtu(p, port)});
	return 0;
}
