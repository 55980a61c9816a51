// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>

#include "publish_state.h"

void publish_on_peer(struct publish *p, publish_peer_fn fn, void *arg) {
	p->peer_taken = fn;
	p->peer_taken_arg = arg;
}

static void protected_wipe(void *publish, uint64_t peer) {
	struct publish *p = publish;

	sa_out_wipe(p->fwd->ipsec, (uint32_t)peer);
}

// Its keys go in the same grace period, and before the slot can be taken again. The slot dies first: a worker that
// meets it later must not begin with what is about to be wiped.
static int protected_free(struct publish *p, uint32_t peer) {
	gen_end(&peer_at(&p->fwd->peers, peer)->gen);
	if (!rcu_room(p->fwd->rcu, 2))
		return -ENOSPC;
	rcu_defer(p->fwd->rcu, protected_wipe, p, peer);
	return peer_free(&p->fwd->peers, p->fwd->rcu, peer);
}

void peer_defer(struct publish *p, uint32_t peer) {
	int rc = peer_at(&p->fwd->peers, peer)->is_protected ? protected_free(p, peer)
							     : peer_free(&p->fwd->peers, p->fwd->rcu, peer);

	if (rc == 0)
		return;
	p->peers[peer].pending_next = p->peer_pending;
	p->peer_pending = peer;
}

struct addr peer_address(const struct publish *p, uint32_t peer) {
	return protected_is(p, peer) ? p->protected[peer].nbma : peer_nbma(peer_at(&p->fwd->peers, peer));
}

static void plain_forget(struct publish *p, uint32_t peer) {
	struct peer_table *t = &p->fwd->peers;
	struct addr nbma = peer_nbma(peer_at(t, peer));

	idx_hash_remove(t->by_nbma, peer_hash(peer_at(t, peer)->endpoint, &nbma), peer);
}

void peer_release(struct publish *p, uint32_t peer) {
	uint32_t nh;

	if (!peer || --p->peers[peer].refs)
		return;
	nh = peer_at(&p->fwd->peers, peer)->nh;
	if (protected_is(p, peer))
		protected_forget(p, peer);
	else
		plain_forget(p, peer);
	peer_defer(p, peer); // before its next hop: who still finds the one may look at the other
	nh_release(p, nh);
}

void publish_peer_hold(struct publish *p, uint32_t peer) {
	p->peers[peer].refs++;
}

void publish_peer_release(struct publish *p, uint32_t peer) {
	peer_release(p, peer);
}

static int peer_make(struct publish *p, uint16_t endpoint, const struct addr *nbma, uint32_t *peer) {
	const struct endpoint *e = &p->fwd->endpoints[endpoint];
	struct peer_table *t = &p->fwd->peers;
	struct peer *pe;
	uint32_t nh, i;
	int rc = nh_hold_towards(p, e->port, nbma, &nh);

	if (rc < 0)
		return rc;
	i = peer_alloc(t);
	if (!i) {
		nh_release(p, nh);
		return -ENOSPC;
	}
	pe = peer_at(t, i);
	peer_template(pe, &e->addr, nbma);
	pe->nh = nh;
	pe->endpoint = endpoint;
	pe->owner = PEER_OWNER_ANY;
	pe->ready = true;
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
int peer_hold(struct publish *p, uint16_t endpoint, const struct addr *nbma, uint32_t *peer) {
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
