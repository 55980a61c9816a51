// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "publish_state.h"
#include "clock.h" // after DPDK

#define SWEEP_PER_TURN 32
#define SWEEP_NS (250 * NS_PER_MS)
#define ASK_UNRESOLVED_NS NS_PER_S
#define WANTED_PER_S 100 // each may cost the kernel an entry of its neighbour table, which it bounds at some 1,000
#define ASK_RESOLVED_NS (30 * NS_PER_S) // keeps the kernel's entry in use, and has it probe who is silent

int nh_table_setup(struct publish *p) {
	uint32_t n = 1;

	while (n < p->fwd->nhs.max)
		n *= 2;
	p->nh_mask = n - 1;
	p->nhs = calloc(p->fwd->nhs.max, sizeof(*p->nhs));
	p->nh_buckets = calloc(n, sizeof(*p->nh_buckets));
	p->nh_high = 1;
	token_bucket_init(&p->wanted_limit, WANTED_PER_S, WANTED_PER_S, NS_PER_S);
	return p->nhs && p->nh_buckets ? 0 : -ENOMEM;
}

static uint32_t *bucket_of(struct publish *p, uint16_t port, const struct addr *addr) {
	return &p->nh_buckets[addr_hash(addr, port) & p->nh_mask];
}

static uint32_t nh_find(struct publish *p, uint16_t port, const struct addr *addr) {
	uint32_t i = *bucket_of(p, port, addr);

	while (i && (p->nhs[i].port != port || !addr_eq(&p->nhs[i].addr, addr)))
		i = p->nhs[i].hash_next;
	return i;
}

static uint32_t nh_take_slot(struct publish *p) {
	uint32_t i = p->nh_free;

	if (i) {
		p->nh_free = p->nhs[i].hash_next;
		return i;
	}
	return p->nh_high < p->fwd->nhs.max ? p->nh_high++ : NH_NONE;
}

static void nh_ask(struct publish *p, uint32_t nh) {
	struct nh_ctl *n = &p->nhs[nh];

	n->asked_ns = p->now_ns;
	n->asked_once = true;
	if (p->resolve)
		p->resolve(p->resolve_arg, n->port, &n->addr);
}

// Without a reference yet.
static uint32_t nh_make(struct publish *p, uint16_t port, const struct addr *addr) {
	uint32_t i = nh_take_slot(p), *bucket = bucket_of(p, port, addr);

	if (!i)
		return NH_NONE;
	p->nhs[i] = (struct nh_ctl){.addr = *addr, .port = port, .hash_next = *bucket};
	*bucket = i;
	nh_store(&p->fwd->nhs, i, (struct nh){.port = port});
	p->fwd->nhs.used++;
	p->n_nhs++;
	return i;
}

static void nh_freed(void *arg, uint64_t nh) {
	struct publish *p = arg;

	p->nhs[nh].hash_next = p->nh_free;
	p->nh_free = nh;
	p->fwd->nhs.used--;
}

// Out of the hash already. A worker may be on its way to the word: the slot waits for a grace period.
void nh_defer(struct publish *p, uint32_t nh) {
	if (rcu_defer(p->fwd->rcu, nh_freed, p, nh) == 0)
		return;
	p->nhs[nh].hash_next = p->nh_pending;
	p->nh_pending = nh;
}

static void nh_forget(struct publish *p, uint32_t nh) {
	uint32_t *at = bucket_of(p, p->nhs[nh].port, &p->nhs[nh].addr);

	while (*at != nh)
		at = &p->nhs[*at].hash_next;
	*at = p->nhs[nh].hash_next;
	p->n_nhs--;
	nh_store(&p->fwd->nhs, nh, (struct nh){.port = p->nhs[nh].port});
	nh_defer(p, nh);
}

void nh_release(struct publish *p, uint32_t nh) {
	if (nh != NH_NONE && --p->nhs[nh].refs == 0)
		nh_forget(p, nh);
}

int nh_hold(struct publish *p, uint16_t port, const struct addr *addr, uint32_t *nh) {
	uint32_t i = nh_find(p, port, addr);

	if (!i)
		i = nh_make(p, port, addr);
	if (!i)
		return -ENOSPC;
	p->nhs[i].refs++;
	if (!p->nhs[i].asked_once && !p->nhs[i].is_static)
		nh_ask(p, i);
	*nh = i;
	return 0;
}

static bool underlay_next_hop(const struct publish *p, uint16_t port, const struct addr *nbma, struct addr *out) {
	const struct port_pub *pp = &p->ports[port];

	*out = *nbma;
	if (addr_is_link_local(nbma) && nbma->family == ADDR_IPV6)
		return true;
	for (unsigned i = 0; i < pp->n_connected; i++)
		if (prefix_contains(&pp->connected[i], nbma))
			return true;
	*out = pp->gateway[family_index(nbma->family)];
	return out->family != ADDR_NONE;
}

bool publish_underlay_next_hop(const struct publish *p, uint16_t port, const struct addr *nbma, struct addr *next_hop) {
	uint32_t i;

	if (port >= p->fwd->n_ports)
		return false;
	i = nh_find((struct publish *)p, port, nbma);
	if (i && p->nhs[i].is_static) {
		*next_hop = *nbma;
		return true;
	}
	return underlay_next_hop(p, port, nbma, next_hop);
}

int nh_hold_towards(struct publish *p, uint16_t port, const struct addr *nbma, uint32_t *nh) {
	struct addr next_hop;

	*nh = NH_NONE;
	return publish_underlay_next_hop(p, port, nbma, &next_hop) ? nh_hold(p, port, &next_hop, nh) : 0;
}

// Peers of the port that went another way go by the new gateway: one store each.
static void gateway_repoint(struct publish *p, uint16_t port) {
	struct peer_table *t = &p->fwd->peers;

	for (uint32_t i = 1; i < t->max; i++) {
		uint32_t nh, old = peer_at(t, i)->nh;
		struct addr nbma;

		if (!p->peers[i].refs || p->fwd->endpoints[peer_at(t, i)->endpoint].port != port)
			continue;
		nbma = peer_address(p, i);
		if (nh_hold_towards(p, port, &nbma, &nh) < 0)
			continue;
		rcu_publish(&peer_at(t, i)->nh, nh);
		nh_release(p, old);
	}
}

int publish_gateway(struct publish *p, uint16_t port, const struct addr *gateway) {
	struct addr *at;

	if (port >= p->fwd->n_ports || gateway->family == ADDR_NONE)
		return -EINVAL;
	at = &p->ports[port].gateway[family_index(gateway->family)];
	if (addr_eq(at, gateway))
		return 0;
	*at = *gateway;
	gateway_repoint(p, port);
	return 0;
}

static void nh_resolved(struct publish *p, uint32_t nh, const uint8_t mac[6]) {
	struct nh w = {.port = p->nhs[nh].port, .resolved = true};

	memcpy(w.mac, mac, sizeof(w.mac));
	nh_store(&p->fwd->nhs, nh, w);
}

// Network and broadcast address of an IPv4 prefix are nobody's, whatever the kernel says of them: a directed broadcast
// is not forwarded (RFC 2644).
static bool is_host_of(const struct prefix *net, const struct addr *a) {
	uint32_t host_mask, v4;

	if (!prefix_contains(net, a) || addr_is_multicast(a))
		return false;
	if (a->family != ADDR_IPV4 || net->len_bits >= 31)
		return true;
	host_mask = UINT32_MAX >> net->len_bits;
	v4 = addr_to_u32(a);
	return (v4 & host_mask) != 0 && (v4 & host_mask) != host_mask;
}

static bool is_lan_host(const struct publish *p, uint16_t port, const struct addr *a) {
	const struct port_pub *pp = &p->ports[port];

	if (port >= p->fwd->n_ports || !p->fwd->ports[port].is_lan)
		return false;
	for (unsigned i = 0; i < pp->n_connected; i++)
		if (is_host_of(&pp->connected[i], a))
			return true;
	return false;
}

bool publish_wanted(struct publish *p, uint16_t port, const struct addr *dst) {
	struct wanted *w = &p->wanted[addr_hash(dst, port) % WANTED_SLOTS];

	if (!p->resolve || !is_lan_host(p, port, dst))
		return false;
	if (w->port == port && addr_eq(&w->addr, dst) && p->now_ns - w->asked_ns < ASK_UNRESOLVED_NS)
		return false;
	if (!token_bucket_take(&p->wanted_limit, p->now_ns))
		return false;
	*w = (struct wanted){.addr = *dst, .port = port, .asked_ns = p->now_ns};
	p->resolve(p->resolve_arg, port, dst);
	return true;
}

// A LAN neighbour is a next hop of its own: routed packets to it find its adjacency behind the glean one.
static void lan_neighbour_add(struct publish *p, uint16_t port, const struct addr *addr) {
	uint32_t adj;

	if (!is_lan_host(p, port, addr) || adj_hold(p, iface_of_port(port), addr, &adj) < 0)
		return;
	if (adj_port_complete(p, adj) < 0 || p->adjs[adj].neighbour)
		adj_release(p, adj);
	else
		p->adjs[adj].neighbour = true;
}

static void lan_neighbour_del(struct publish *p, uint16_t port, const struct addr *addr) {
	uint32_t adj = neigh_lookup(&p->fwd->neigh, iface_of_port(port), addr);

	if (!adj || !p->adjs[adj].neighbour)
		return;
	p->adjs[adj].neighbour = false;
	adj_release(p, adj);
}

static void neighbour_add(struct publish *p, uint16_t port, const struct addr *addr, const uint8_t mac[6]) {
	uint32_t nh = nh_find(p, port, addr);

	if (nh && p->nhs[nh].is_static)
		return;
	if (!nh)
		nh = nh_make(p, port, addr);
	if (!nh)
		return; // full: what is wanted will be asked for again
	if (!p->nhs[nh].in_kernel) {
		p->nhs[nh].in_kernel = true;
		p->nhs[nh].refs++;
	}
	nh_resolved(p, nh, mac);
	if (p->fwd->ports[port].is_lan)
		lan_neighbour_add(p, port, addr);
}

// Also of one that was forgotten before: it was asked for since.
static void neighbour_failed(struct publish *p, uint16_t port, const struct addr *addr) {
	uint32_t nh = nh_find(p, port, addr);
	bool was_in_kernel;

	if (!nh || p->nhs[nh].is_static)
		return;
	was_in_kernel = p->nhs[nh].in_kernel;
	if (was_in_kernel)
		p->nhs[nh].asked_ns = 0;
	nh_store(&p->fwd->nhs, nh, (struct nh){.port = port});
	p->nhs[nh].in_kernel = false;
	if (p->fwd->ports[port].is_lan)
		lan_neighbour_del(p, port, addr); // unless the kernel's reference is left, nh may be gone now
	if (was_in_kernel)
		nh_release(p, nh);
}

void publish_neighbour_forgotten(struct publish *p, uint16_t port, const struct addr *addr) {
	uint32_t nh = port < p->fwd->n_ports ? nh_find(p, port, addr) : NH_NONE;

	if (!nh || p->nhs[nh].is_static || !p->nhs[nh].in_kernel)
		return;
	p->nhs[nh].in_kernel = false;
	nh_release(p, nh);
}

void publish_neighbour(struct publish *p, uint16_t port, const struct addr *addr, const uint8_t mac[6], bool usable) {
	if (port >= p->fwd->n_ports || addr->family == ADDR_NONE)
		return;
	if (usable)
		neighbour_add(p, port, addr, mac);
	else
		neighbour_failed(p, port, addr);
}

int publish_neighbour_static(struct publish *p, uint16_t port, const struct addr *addr, const uint8_t mac[6]) {
	uint32_t nh;

	if (port >= p->fwd->n_ports || addr->family == ADDR_NONE)
		return -EINVAL;
	nh = nh_find(p, port, addr);
	if (!nh)
		nh = nh_make(p, port, addr);
	if (!nh)
		return -ENOSPC;
	if (!p->nhs[nh].is_static) {
		p->nhs[nh].is_static = true;
		p->nhs[nh].refs++;
	}
	nh_resolved(p, nh, mac);
	if (p->fwd->ports[port].is_lan)
		lan_neighbour_add(p, port, addr);
	return 0;
}

void publish_on_resolve(struct publish *p, publish_resolve_fn fn, void *arg) {
	p->resolve = fn;
	p->resolve_arg = arg;
}

uint32_t publish_nh_count(const struct publish *p) {
	return p->n_nhs;
}

// A next hop that no peer uses stays for answers for a while, so that an index in a ring is good when it comes out.
static int nh_transient(struct publish *p, uint32_t nh) {
	struct nh_ctl *n = &p->nhs[nh];

	n->used_ns = p->now_ns;
	if (n->transient)
		return 0;
	if (p->n_transient == NH_TRANSIENT_MAX)
		return -ENOSPC;
	n->transient = true;
	n->refs++;
	p->n_transient++;
	return 0;
}

int publish_nbma_nh(struct publish *p, uint16_t port, const struct addr *nbma) {
	struct addr next_hop;
	uint32_t nh;
	int rc;

	if (!publish_underlay_next_hop(p, port, nbma, &next_hop))
		return -EHOSTUNREACH;
	rc = nh_hold(p, port, &next_hop, &nh);
	if (rc < 0)
		return rc;
	rc = nh_transient(p, nh);
	if (rc == 0)
		rc = nh_load(&p->fwd->nhs, nh).resolved ? (int)nh : -EAGAIN;
	nh_release(p, nh);
	return rc;
}

bool publish_nbma_ready(struct publish *p, uint16_t port, const struct addr *nbma) {
	return publish_nbma_nh(p, port, nbma) > 0;
}

static void nh_look(struct publish *p, uint32_t nh) {
	struct nh_ctl *n = &p->nhs[nh];
	uint64_t age_ns = p->now_ns - n->asked_ns;

	if (!n->refs)
		return;
	if (n->transient && p->now_ns - n->used_ns > NH_TRANSIENT_NS) {
		n->transient = false;
		p->n_transient--;
		nh_release(p, nh);
		return;
	}
	if (n->is_static || n->refs == n->in_kernel)
		return; // nobody wants it
	if (age_ns > (nh_load(&p->fwd->nhs, nh).resolved ? ASK_RESOLVED_NS : ASK_UNRESOLVED_NS))
		nh_ask(p, nh);
}

bool nh_turn(struct publish *p, uint64_t now_ns) {
	if (p->sweep_at == 0) {
		if (now_ns - p->sweep_ns < SWEEP_NS)
			return false;
		p->sweep_ns = now_ns;
		p->sweep_at = 1;
	}
	for (unsigned i = 0; i < SWEEP_PER_TURN && p->sweep_at < p->nh_high; i++)
		nh_look(p, p->sweep_at++);
	if (p->sweep_at >= p->nh_high)
		p->sweep_at = 0;
	return false; // nothing urgent: the next turn goes on
}

bool publish_nh_next(const struct publish *p, uint32_t *cursor, struct publish_nh_info *info) {
	for (uint32_t i = *cursor + 1; i < p->nh_high; i++) {
		const struct nh_ctl *n = &p->nhs[i];

		if (!n->refs)
			continue;
		*info = (struct publish_nh_info){
			.port = n->port,
			.addr = n->addr,
			.nh = nh_load(&p->fwd->nhs, i),
			.is_static = n->is_static,
			.users = n->refs - n->is_static - n->in_kernel - n->transient,
		};
		*cursor = i;
		return true;
	}
	return false;
}
