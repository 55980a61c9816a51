// SPDX-License-Identifier: BSD-3-Clause
#include "publish.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_malloc.h>

#include "gre_wire.h"
#include "publish_state.h"
#include "clock.h" // after DPDK

#define RECLAIM_PER_TURN 1024 // more than a turn's messages withdraw, some 50 us

struct publish *publish_create(struct fwd *fwd) {
	struct publish *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->fwd = fwd;
	p->now_ns = clock_now_ns();
	p->adjs = calloc(fwd->adjs.max, sizeof(*p->adjs));
	p->peers = calloc(fwd->peers.max, sizeof(*p->peers));
	if (!p->adjs || !p->peers || nh_table_setup(p) < 0 || protected_setup(p) < 0)
		goto err;
	p->adj_blackhole = adj_new(p, IFACE_NONE, NULL, ADJ_BLACKHOLE);
	p->adj_unreachable = adj_new(p, IFACE_NONE, NULL, ADJ_UNREACHABLE);
	if (!p->adj_blackhole || !p->adj_unreachable)
		goto err;
	return p;

err:
	publish_free(p);
	errno = ENOMEM;
	return NULL;
}

// No reader is left: what waits for a grace period has had it, and calls back into what goes below.
static void reclaim_all(struct publish *p) {
	while (rcu_deferred(p->fwd->rcu) && rcu_reclaim(p->fwd->rcu, UINT32_MAX))
		;
}

void publish_free(struct publish *p) {
	if (!p)
		return;
	reclaim_all(p);
	for (unsigned i = 0; i < FWD_VRFS_MAX; i++) {
		fib_free(p->fwd->vrfs[i].fib_ipv4);
		fib_free(p->fwd->vrfs[i].fib_ipv6);
		p->fwd->vrfs[i].fib_ipv4 = p->fwd->vrfs[i].fib_ipv6 = NULL;
	}
	for (unsigned i = 0; i < FWD_TUNNELS_MAX; i++) {
		p->fwd->tunnels[i] = NULL;
		rte_free(p->tunnels[i].rt);
	}
	protected_teardown(p);
	free(p->nh_buckets);
	free(p->nhs);
	free(p->peers);
	free(p->adjs);
	free(p);
}

// What rcu_defer had no room for. Each of the *_defer functions puts back what still does not fit.
static void pending_retry(struct publish *p) {
	uint32_t adj = p->adj_pending, peer = p->peer_pending, nh = p->nh_pending;
	unsigned budget = RECLAIM_PER_TURN;

	for (; adj && budget; budget--) {
		p->adj_pending = p->adjs[adj].pending_next;
		adj_defer(p, adj);
		adj = p->adj_pending;
	}
	for (; peer && budget; budget--) {
		p->peer_pending = p->peers[peer].pending_next;
		peer_defer(p, peer);
		peer = p->peer_pending;
	}
	for (; nh && budget; budget--) {
		p->nh_pending = p->nhs[nh].hash_next;
		nh_defer(p, nh);
		nh = p->nh_pending;
	}
}

bool publish_turn(struct publish *p, uint64_t now_ns) {
	unsigned n = rcu_reclaim(p->fwd->rcu, RECLAIM_PER_TURN);

	p->now_ns = now_ns;
	pending_retry(p);
	return nh_turn(p, now_ns) || n == RECLAIM_PER_TURN;
}

int publish_vrf(struct publish *p, uint16_t vrf, const char *name, uint32_t max_ipv4, uint32_t max_ipv6) {
	if (vrf >= FWD_VRFS_MAX)
		return -ENOSPC;
	p->vrfs[vrf] = (struct vrf_pub){max_ipv4, max_ipv6};
	snprintf(p->fwd->vrfs[vrf].name, sizeof(p->fwd->vrfs[vrf].name), "%s", name);
	if (vrf >= p->fwd->n_vrfs)
		p->fwd->n_vrfs = vrf + 1;
	return 0;
}

int publish_port(struct publish *p, uint16_t port, const struct fwd_port *rt) {
	struct port_pub *pp = &p->ports[port];
	struct fwd_port *out = &p->fwd->ports[port];

	if (port >= FWD_PORTS_MAX)
		return -ENOSPC;
	if (port < p->fwd->n_ports && out->present)
		return -EEXIST;
	*out = *rt;
	if (port >= p->fwd->n_ports)
		p->fwd->n_ports = port + 1;
	pp->adj_local = adj_new(p, iface_of_port(port), NULL, ADJ_LOCAL);
	if (!pp->adj_local)
		return -ENOSPC;
	pp->adj_glean = adj_new(p, iface_of_port(port), NULL, ADJ_GLEAN);
	if (!pp->adj_glean) {
		adj_release(p, pp->adj_local);
		return -ENOSPC;
	}
	out->adj_local = pp->adj_local;
	return 0;
}

static int connected_put(
	struct publish *p, uint16_t vrf, const struct addr *addr, uint8_t len_bits, uint32_t local, uint32_t glean) {
	struct prefix host = prefix_host(addr), net = prefix_of(addr, len_bits);
	bool has_net = net.len_bits < host.len_bits;
	uint32_t old = route_find(p, vrf, &host);
	int rc;

	if (old != FIB_MISS && old != local)
		return -EEXIST;
	if (has_net) {
		old = route_find(p, vrf, &net);
		if (old != FIB_MISS && old != glean)
			return -EEXIST;
		rc = route_put(p, vrf, &net, glean);
		if (rc < 0)
			return rc;
	}
	rc = route_put(p, vrf, &host, local);
	if (rc < 0 && has_net)
		route_drop(p, vrf, &net);
	return rc;
}

int publish_port_addr(struct publish *p, uint16_t port, const struct addr *addr, uint8_t len_bits) {
	struct fwd_port *fp = &p->fwd->ports[port];
	struct port_pub *pp = &p->ports[port];
	int rc = 0;

	if (port >= p->fwd->n_ports)
		return -EINVAL;
	if (fp->n_addrs == sizeof(fp->addrs) / sizeof(fp->addrs[0]) ||
		pp->n_connected == sizeof(pp->connected) / sizeof(pp->connected[0]))
		return -ENOSPC;
	if (fp->is_lan)
		rc = connected_put(p, fp->vrf, addr, len_bits, pp->adj_local, pp->adj_glean);
	if (rc < 0)
		return rc;
	pp->connected[pp->n_connected++] = prefix_of(addr, len_bits);
	fp->addrs[fp->n_addrs] = *addr;
	rcu_publish(&fp->n_addrs, (uint8_t)(fp->n_addrs + 1));
	return 0;
}

int publish_endpoint(struct publish *p, const struct addr *addr, uint16_t port) {
	struct fwd *f = p->fwd;
	uint16_t i;

	if (port >= f->n_ports)
		return -EINVAL;
	for (i = 0; i < f->n_endpoints; i++)
		if (f->endpoints[i].port == port && addr_eq(&f->endpoints[i].addr, addr))
			return i;
	if (i == FWD_ENDPOINTS_MAX ||
		f->ports[port].n_endpoints == sizeof(f->ports[port].endpoints) / sizeof(f->ports[port].endpoints[0]))
		return -ENOSPC;
	f->endpoints[i] = (struct endpoint){.addr = *addr, .port = port};
	rcu_publish(&f->n_endpoints, (uint16_t)(i + 1));
	f->ports[port].endpoints[f->ports[port].n_endpoints] = i;
	rcu_publish(&f->ports[port].n_endpoints, (uint8_t)(f->ports[port].n_endpoints + 1));
	return i;
}

static int endpoint_add_tunnel(struct publish *p, const struct tunnel *t) {
	struct endpoint *e = &p->fwd->endpoints[t->endpoint];

	for (unsigned i = 0; i < e->n_tunnels; i++) {
		const struct tunnel *o = p->tunnels[e->tunnels[i]].rt;

		if (o && o->has_key == t->has_key && (!o->has_key || o->key == t->key))
			return -EEXIST;
	}
	if (e->n_tunnels == sizeof(e->tunnels) / sizeof(e->tunnels[0]))
		return -ENOSPC;
	e->tunnels[e->n_tunnels] = t->id;
	rcu_publish(&e->n_tunnels, (uint8_t)(e->n_tunnels + 1));
	return 0;
}

static void endpoint_del_tunnel(struct publish *p, const struct tunnel *t) {
	struct endpoint *e = &p->fwd->endpoints[t->endpoint];

	for (unsigned i = 0; i < e->n_tunnels; i++) {
		if (e->tunnels[i] != t->id)
			continue;
		rcu_publish(&e->tunnels[i], e->tunnels[e->n_tunnels - 1]);
		rcu_publish(&e->n_tunnels, (uint8_t)(e->n_tunnels - 1));
		return;
	}
}

int publish_tunnel_addr(struct publish *p, uint16_t tunnel, const struct addr *addr, uint8_t len_bits) {
	struct tunnel_pub *t = &p->tunnels[tunnel];
	int rc;

	if (tunnel >= FWD_TUNNELS_MAX || !t->rt || addr->family == ADDR_NONE)
		return -EINVAL;
	if (t->n_addrs == sizeof(t->addrs) / sizeof(t->addrs[0]))
		return -ENOSPC;
	rc = connected_put(p, t->rt->vrf, addr, len_bits, t->adj_local, t->adj_glean);
	if (rc < 0)
		return rc;
	t->addrs[t->n_addrs].addr = *addr;
	t->addrs[t->n_addrs].len_bits = len_bits;
	t->n_addrs++;
	return 0;
}

static void tunnel_addrs_del(struct publish *p, struct tunnel_pub *t, uint16_t vrf) {
	while (t->n_addrs) {
		const struct addr *addr = &t->addrs[--t->n_addrs].addr;
		struct prefix net = prefix_of(addr, t->addrs[t->n_addrs].len_bits), host = prefix_host(addr);

		route_drop(p, vrf, &host);
		if (route_find(p, vrf, &net) == t->adj_glean)
			route_drop(p, vrf, &net);
	}
}

static void gre_template(struct tunnel_pub *t) {
	struct gre_header h = {.key = t->rt->has_key ? t->rt->key : 0};

	h.flags = (t->rt->has_key ? GRE_FLAG_KEY : 0) | (t->rt->checksum ? GRE_FLAG_CHECKSUM : 0);
	t->gre_len_bytes = gre_write(&h, t->gre);
}

// Control's copy with the tunnel's own adjacencies; workers do not see it yet.
static int tunnel_make(struct publish *p, struct tunnel_pub *t, const struct tunnel *rt) {
	t->rt = rte_zmalloc("tunnel", sizeof(*t->rt), RTE_CACHE_LINE_SIZE);
	if (!t->rt)
		return -ENOMEM;
	*t->rt = *rt;
	gre_template(t);
	t->adj_local = adj_new(p, rt->id, NULL, ADJ_LOCAL);
	if (!t->adj_local)
		goto err_local;
	t->adj_glean = adj_new(p, rt->id, NULL, ADJ_GLEAN);
	if (!t->adj_glean)
		goto err_glean;
	t->rt->adj_local = t->adj_local;
	return 0;

err_glean:
	adj_release(p, t->adj_local);
err_local:
	rte_free(t->rt);
	t->rt = NULL;
	return -ENOSPC;
}

static void tunnel_unmake(struct publish *p, struct tunnel_pub *t, uint16_t vrf) {
	tunnel_addrs_del(p, t, vrf);
	adj_release(p, t->adj_glean);
	adj_release(p, t->adj_local);
}

static int tunnel_addrs_add(struct publish *p, const struct publish_tunnel *t) {
	for (unsigned i = 0; i < 2; i++) {
		int rc;

		if (t->protocol[i].family == ADDR_NONE)
			continue;
		rc = publish_tunnel_addr(p, t->rt.id, &t->protocol[i],
			t->subnet[i].addr.family == ADDR_NONE ? addr_len_bytes(t->protocol[i].family) * 8
							      : t->subnet[i].len_bits);
		if (rc < 0)
			return rc;
	}
	return 0;
}

int publish_tunnel(struct publish *p, const struct publish_tunnel *tunnel) {
	struct tunnel_pub *t = &p->tunnels[tunnel->rt.id];
	int rc;

	if (tunnel->rt.id >= FWD_TUNNELS_MAX || tunnel->rt.endpoint >= p->fwd->n_endpoints ||
		tunnel->rt.vrf >= p->fwd->n_vrfs)
		return -EINVAL;
	if (t->rt)
		return -EEXIST;
	rc = tunnel_make(p, t, &tunnel->rt);
	if (rc < 0)
		return rc;
	rc = tunnel_addrs_add(p, tunnel);
	if (rc < 0)
		goto err_addrs;
	rcu_publish(&p->fwd->tunnels[t->rt->id], t->rt);
	rc = endpoint_add_tunnel(p, t->rt);
	if (rc < 0)
		goto err_endpoint;
	return 0;

err_endpoint:
	rcu_publish(&p->fwd->tunnels[t->rt->id], NULL);
err_addrs:
	tunnel_unmake(p, t, t->rt->vrf);
	rte_free(t->rt);
	*t = (struct tunnel_pub){0};
	return rc;
}

static void tunnel_freed(void *rt, uint64_t n) {
	(void)n;
	rte_free(rt);
}

int publish_tunnel_withdraw(struct publish *p, uint16_t tunnel) {
	struct tunnel_pub *t = &p->tunnels[tunnel];
	uint16_t vrf;

	if (tunnel >= FWD_TUNNELS_MAX || !t->rt)
		return -ENOENT;
	if (!rcu_room(p->fwd->rcu, 1)) // first: it is the only step that can be refused
		return -ENOSPC;
	vrf = t->rt->vrf;
	endpoint_del_tunnel(p, t->rt);
	rcu_publish(&p->fwd->tunnels[tunnel], NULL);
	rcu_defer(p->fwd->rcu, tunnel_freed, t->rt, 0); // its grace period starts now, when nobody finds it any more
	tunnel_unmake(p, t, vrf);
	*t = (struct tunnel_pub){0};
	return 0;
}
