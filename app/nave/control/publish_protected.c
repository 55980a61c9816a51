// SPDX-License-Identifier: BSD-3-Clause
// Protected peers: found by endpoint, NBMA address and UDP port, in a table that control alone reads. A worker finds a
// peer by its SA.
#include <errno.h>
#include <stdlib.h>

#include "publish_state.h"

int protected_setup(struct publish *p) {
	const struct ipsec *ip = p->fwd->ipsec;

	if (!ip)
		return 0;
	p->protected = calloc(p->fwd->peers.max, sizeof(*p->protected));
	p->sa_in_next = calloc(ip->n_in, sizeof(*p->sa_in_next));
	p->protected_hash = idx_hash_create("protected_peers", p->fwd->peers.max);
	return p->protected && p->sa_in_next && p->protected_hash ? 0 : -ENOMEM;
}

void protected_teardown(struct publish *p) {
	idx_hash_free(p->protected_hash);
	free(p->sa_in_next);
	free(p->protected);
}

bool protected_is(const struct publish *p, uint32_t peer) {
	return peer && p->protected && peer_at(&p->fwd->peers, peer)->is_protected;
}

static uint32_t where_hash(const struct publish_peer *where) {
	return idx_hash_mix((uint64_t)peer_hash(where->endpoint, &where->nbma) << 16 | where->nbma_port);
}

static bool where_match(const void *publish, uint32_t peer, const void *key) {
	const struct publish *p = publish;
	const struct publish_peer *where = key;

	return peer_at(&p->fwd->peers, peer)->endpoint == where->endpoint &&
	       p->protected[peer].nbma_port == where->nbma_port && addr_eq(&p->protected[peer].nbma, &where->nbma);
}

uint32_t publish_peer_find(const struct publish *p, const struct publish_peer *where) {
	if (!p->protected_hash)
		return 0;
	return idx_hash_lookup(p->protected_hash, where_hash(where), where_match, p, where);
}

bool publish_peer_where(const struct publish *p, uint32_t peer, struct publish_peer *where) {
	if (peer >= p->fwd->peers.max || !protected_is(p, peer) || !p->peers[peer].refs)
		return false;
	*where = (struct publish_peer){
		.endpoint = peer_at(&p->fwd->peers, peer)->endpoint,
		.nbma = p->protected[peer].nbma,
		.nbma_port = p->protected[peer].nbma_port,
	};
	return true;
}

// Its SAs' events name it by index and generation: nothing else leads to it before it has one.
static int protected_make(struct publish *p, const struct publish_peer *where, uint32_t *peer) {
	const struct endpoint *e = &p->fwd->endpoints[where->endpoint];
	struct peer_table *t = &p->fwd->peers;
	struct peer *pe;
	uint32_t nh, i;
	int rc = nh_hold_towards(p, e->port, &where->nbma, &nh);

	if (rc < 0)
		return rc;
	i = peer_alloc(t);
	if (!i) {
		nh_release(p, nh);
		return -ENOSPC;
	}
	pe = peer_at(t, i);
	peer_template_esp(pe, &e->addr, &where->nbma, where->nbma_port);
	pe->nh = nh;
	pe->endpoint = where->endpoint;
	pe->owner = PEER_OWNER_NONE;
	pe->is_protected = true;
	pe->ready = true;
	p->protected[i] = (struct protected_ctl){.nbma = where->nbma, .nbma_port = where->nbma_port};
	if (p->peer_taken)
		p->peer_taken(p->peer_taken_arg, i);
	rc = idx_hash_insert(p->protected_hash, where_hash(where), i);
	if (rc < 0) {
		nh_release(p, nh);
		peer_defer(p, i);
		return rc;
	}
	p->peers[i].refs = 1;
	*peer = i;
	return 0;
}

int protected_hold(struct publish *p, const struct publish_peer *where, uint32_t *peer) {
	uint32_t i;

	if (where->endpoint >= p->fwd->n_endpoints)
		return -EINVAL;
	if (where->nbma.family != p->fwd->endpoints[where->endpoint].addr.family)
		return -EAFNOSUPPORT;
	i = publish_peer_find(p, where);
	if (!i)
		return protected_make(p, where, peer);
	p->peers[i].refs++;
	*peer = i;
	return 0;
}

void protected_forget(struct publish *p, uint32_t peer) {
	struct publish_peer where = {
		peer_at(&p->fwd->peers, peer)->endpoint, p->protected[peer].nbma, p->protected[peer].nbma_port};

	idx_hash_remove(p->protected_hash, where_hash(&where), peer);
	p->protected[peer] = (struct protected_ctl){0};
}

// --- what its owner writes ---
void publish_on_sa(struct publish *p, publish_sa_send_fn fn, void *arg) {
	p->sa_send = fn;
	p->sa_send_arg = arg;
}

// While nobody owns it, no worker reads header or outbound SA: who would has to claim it first. Once a worker owns it,
// it stays so.
int protected_tell(struct publish *p, uint32_t peer, const struct sa_message *msg) {
	struct peer *pe = peer_at(&p->fwd->peers, peer);
	uint16_t owner = PEER_OWNER_NONE;

	if (__atomic_compare_exchange_n(
		    &pe->owner, &owner, PEER_OWNER_CONTROL, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
		sa_message_apply(p->fwd->ipsec, pe, peer, msg);
		rcu_publish(&pe->owner, PEER_OWNER_NONE);
		return 0;
	}
	return p->sa_send ? p->sa_send(p->sa_send_arg, owner, peer, msg) : -ENOBUFS;
}

// --- what leads to it ---
void protected_adj_link(struct publish *p, uint32_t peer, uint32_t adj) {
	struct adj_ctl *c = &p->adjs[adj];

	if (!protected_is(p, peer))
		return;
	c->peer_prev = 0;
	c->peer_next = p->protected[peer].adjs;
	if (c->peer_next)
		p->adjs[c->peer_next].peer_prev = adj;
	p->protected[peer].adjs = adj;
}

void protected_adj_unlink(struct publish *p, uint32_t peer, uint32_t adj) {
	struct adj_ctl *c = &p->adjs[adj];

	if (!protected_is(p, peer))
		return;
	if (c->peer_prev)
		p->adjs[c->peer_prev].peer_next = c->peer_next;
	else
		p->protected[peer].adjs = c->peer_next;
	if (c->peer_next)
		p->adjs[c->peer_next].peer_prev = c->peer_prev;
	c->peer_next = c->peer_prev = 0;
}

void protected_mtu_changed(struct publish *p, uint32_t peer) {
	for (uint32_t adj = p->protected[peer].adjs; adj; adj = p->adjs[adj].peer_next) {
		struct adj *a = &p->fwd->adjs.adjs[adj];
		struct adj_state st = adj_state_load(a);

		st.mtu = adj_tunnel_mtu(p, a->iface, p->adjs[adj].binding_mtu, peer);
		adj_state_store(a, st);
	}
}

bool publish_peer_binding_next(
	const struct publish *p, uint32_t peer, uint32_t *cursor, uint16_t *tunnel, struct prefix *prefix) {
	const struct adj *a;

	if (!protected_is(p, peer))
		return false;
	*cursor = *cursor ? p->adjs[*cursor].peer_next : p->protected[peer].adjs;
	a = &p->fwd->adjs.adjs[*cursor];
	if (!*cursor)
		return false;
	*tunnel = a->iface;
	*prefix = prefix_of(&a->protocol, p->adjs[*cursor].len_bits);
	return true;
}

// --- another address or port ---
static int move_message(struct publish *p, uint32_t peer, const struct publish_peer *to) {
	struct peer h = {.is_protected = true};
	struct sa_message msg = {.has_hdr = true};

	peer_template_esp(&h, &p->fwd->endpoints[to->endpoint].addr, &to->nbma, to->nbma_port);
	msg.family = h.family;
	msg.hdr_len_bytes = h.hdr_len_bytes;
	memcpy(msg.hdr, h.hdr, sizeof(msg.hdr));
	return protected_tell(p, peer, &msg);
}

static void move_done(struct publish *p, uint32_t peer, const struct publish_peer *to, uint32_t nh) {
	struct protected_ctl *g = &p->protected[peer];
	struct peer *pe = peer_at(&p->fwd->peers, peer);
	uint32_t old = pe->nh;

	g->nbma = to->nbma;
	g->nbma_port = to->nbma_port;
	rcu_publish(&pe->nh, nh);
	nh_release(p, old);
	for (uint32_t slot = g->sas_in; slot; slot = p->sa_in_next[slot])
		rcu_publish(&sa_in_at(p->fwd->ipsec, slot)->from, sa_from_word(&to->nbma, to->nbma_port, to->endpoint));
	protected_mtu_changed(p, peer);
}

static int move_to(struct publish *p, uint32_t peer, const struct publish_peer *from, const struct publish_peer *to) {
	uint32_t nh;
	int rc = nh_hold_towards(p, p->fwd->endpoints[to->endpoint].port, &to->nbma, &nh);

	if (rc < 0)
		return rc;
	rc = idx_hash_insert(p->protected_hash, where_hash(to), peer);
	if (rc < 0)
		goto err_hash;
	rc = move_message(p, peer, to);
	if (rc < 0)
		goto err_message;
	idx_hash_remove(p->protected_hash, where_hash(from), peer);
	move_done(p, peer, to, nh);
	return 0;

err_message:
	idx_hash_remove(p->protected_hash, where_hash(to), peer);
err_hash:
	nh_release(p, nh);
	return rc;
}

int publish_peer_move(struct publish *p, uint32_t peer, const struct addr *nbma, uint16_t nbma_port) {
	struct publish_peer from, to;

	if (!publish_peer_where(p, peer, &from))
		return -ENOENT;
	to = (struct publish_peer){.endpoint = from.endpoint, .nbma = *nbma, .nbma_port = nbma_port};
	if (nbma->family != from.nbma.family)
		return -EAFNOSUPPORT;
	if ((from.nbma_port == 0) != (nbma_port == 0)) // its SAs are of one kind
		return -EINVAL;
	if (addr_eq(nbma, &from.nbma) && nbma_port == from.nbma_port)
		return 0;
	if (publish_peer_find(p, &to))
		return -EADDRINUSE;
	return move_to(p, peer, &from, &to);
}
