// SPDX-License-Identifier: BSD-3-Clause
// Peers as IKE sees them: their IKE SA, what is left of one without an SA, and who else has been where one is now.
#include "ike_state.h"

#include <errno.h>

#include "identity.h"
#include "log.h"
#include "nhrp_ctl.h"
#include "sa_ctl.h"
#include "clock.h" // after DPDK

static uint32_t gen_of(const struct ike_ctl *c, uint32_t peer) {
	return peer_at(&c->nave->fwd.peers, peer)->gen;
}

// --- IKE SAs ---
static uint32_t ike_id_hash(uint32_t ike_id) {
	return idx_hash_mix(ike_id);
}

static bool ike_id_match(const void *ike_ctl, uint32_t peer, const void *key) {
	const struct ike_ctl *c = ike_ctl;

	return c->peers[peer].ike_id == *(const uint32_t *)key && c->peers[peer].daemon == c->daemon;
}

// Entries of peers that are gone stay until their slot is taken again, or their id is asked for.
static void ike_id_set(struct ike_ctl *c, uint32_t peer, uint32_t ike_id) {
	struct ike_peer *p = &c->peers[peer];

	p->daemon = c->daemon;
	if (p->ike_id == ike_id)
		return;
	if (p->ike_id)
		idx_hash_remove(c->by_ike_id, ike_id_hash(p->ike_id), peer);
	p->ike_id = ike_id;
	if (ike_id && idx_hash_insert(c->by_ike_id, ike_id_hash(ike_id), peer) < 0)
		p->ike_id = 0;
}

void ike_peer_is_of(struct ike_ctl *c, uint32_t peer, uint32_t ike_id) {
	c->peers[peer].gen = gen_of(c, peer);
	ike_id_set(c, peer, ike_id);
}

uint32_t ike_ctl_peer_ike_id(const struct ike_ctl *c, uint32_t peer) {
	const struct ike_peer *p;

	if (peer >= c->nave->fwd.peers.max)
		return 0;
	p = &c->peers[peer];
	return p->gen == gen_of(c, peer) && p->daemon == c->daemon ? p->ike_id : 0;
}

void ike_ctl_ike_rekeyed(struct ike_ctl *c, uint32_t old_ike_id, uint32_t new_ike_id) {
	uint32_t peer;

	if (old_ike_id == 0 || old_ike_id == new_ike_id)
		return;
	while ((peer = idx_hash_lookup(c->by_ike_id, ike_id_hash(old_ike_id), ike_id_match, c, &old_ike_id)) != 0)
		ike_id_set(c, peer, new_ike_id);
}

// --- without an SA ---
#define HOLDS_PER_TURN 64

static void wait_append(struct ike_ctl *c, uint32_t peer) {
	struct ike_peer *p = &c->peers[peer];

	p->waits = true;
	p->wait_next = 0;
	p->wait_prev = c->wait_last;
	if (c->wait_last)
		c->peers[c->wait_last].wait_next = peer;
	else
		c->wait_first = peer;
	c->wait_last = peer;
}

static void wait_remove(struct ike_ctl *c, uint32_t peer) {
	struct ike_peer *p = &c->peers[peer];

	if (p->wait_prev)
		c->peers[p->wait_prev].wait_next = p->wait_next;
	else
		c->wait_first = p->wait_next;
	if (p->wait_next)
		c->peers[p->wait_next].wait_prev = p->wait_prev;
	else
		c->wait_last = p->wait_prev;
	p->waits = false;
	identities_release(c->nave->identities, p->wait_identity);
}

// The list is in order of time: one that waits already goes to its end.
void ike_peer_without_sa(struct ike_ctl *c, uint32_t peer, uint32_t identity) {
	struct ike_peer *p = &c->peers[peer];
	struct identities *ids = c->nave->identities;
	uint32_t held = identities_hold(ids, identities_text(ids, identity));

	if (p->waits)
		wait_remove(c, peer);
	p->wait_gen = gen_of(c, peer);
	p->due_ns = c->now_ns + IKE_HOLD_S * NS_PER_S;
	p->wait_identity = held;
	wait_append(c, peer);
}

static void hold_ends(struct ike_ctl *c, uint32_t peer) {
	uint32_t gen = c->peers[peer].wait_gen;

	wait_remove(c, peer);
	if (gen == gen_of(c, peer) && !sa_ctl_peer_next(c->nave->sas, peer, 0))
		c->counters[IKE_CTL_PEER_GONE] += nhrp_ctl_peer_gone(c->nave->nhrp, peer) > 0;
}

void ike_peer_turn(struct ike_ctl *c) {
	for (unsigned i = 0; i < HOLDS_PER_TURN && c->wait_first && c->peers[c->wait_first].due_ns <= c->now_ns; i++)
		hold_ends(c, c->wait_first);
}

// --- somebody else's place ---
static int clear_place(struct ike_ctl *c, uint32_t peer) {
	uint32_t n;
	int rc;

	nhrp_ctl_peer_gone(c->nave->nhrp, peer);
	while ((n = sa_ctl_peer_next(c->nave->sas, peer, 0)) != 0) {
		rc = sa_ctl_delete(c->nave->sas, n);
		if (rc < 0)
			return rc;
	}
	return 0;
}

// Whose SAs it has, or had until a moment ago; 0: static maps alone have it.
static uint32_t identity_at(const struct ike_ctl *c, uint32_t peer) {
	const struct ike_peer *p = &c->peers[peer];
	uint32_t identity = sa_ctl_peer_identity(c->nave->sas, peer);

	return !identity && p->waits && p->wait_gen == gen_of(c, peer) ? p->wait_identity : identity;
}

int ike_peer_displace(struct ike_ctl *c, const struct publish_peer *where, uint32_t identity) {
	uint32_t peer = publish_peer_find(c->nave->publish, where), old = peer ? identity_at(c, peer) : 0;
	char text[ADDR_STRLEN];

	if (!old || old == identity)
		return 0;
	if (token_bucket_take(&c->log_limit, c->now_ns))
		log_warning("IKE: %s port %u, where '%s' was, is '%s' now: the SAs and registrations of the former end",
			addr_format(&where->nbma, text), where->nbma_port, identities_text(c->nave->identities, old),
			identities_text(c->nave->identities, identity));
	c->counters[IKE_CTL_DISPLACED]++;
	return clear_place(c, peer);
}
