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
static void wait_append(struct ike_ctl *c, uint32_t peer) {
	struct ike_peer *p = &c->peers[peer];

	p->waits = true;
	p->wait_next = 0;
	if (c->wait_last)
		c->peers[c->wait_last].wait_next = peer;
	else
		c->wait_first = peer;
	c->wait_last = peer;
}

static uint32_t wait_take(struct ike_ctl *c) {
	uint32_t peer = c->wait_first;

	c->wait_first = c->peers[peer].wait_next;
	if (!c->wait_first)
		c->wait_last = 0;
	c->peers[peer].waits = false;
	return peer;
}

// One that waits already waits anew, where it is in the list: those behind it a while longer than they need.
void ike_peer_without_sa(struct ike_ctl *c, uint32_t peer, uint32_t identity) {
	struct ike_peer *p = &c->peers[peer];
	struct identities *ids = c->nave->identities;
	uint32_t held = identities_hold(ids, identities_text(ids, identity));

	p->wait_gen = gen_of(c, peer);
	p->due_ns = c->now_ns + IKE_HOLD_S * NS_PER_S;
	if (p->waits)
		identities_release(ids, p->wait_identity);
	else
		wait_append(c, peer);
	p->wait_identity = held;
}

static void hold_ends(struct ike_ctl *c, uint32_t peer) {
	identities_release(c->nave->identities, c->peers[peer].wait_identity);
	if (c->peers[peer].wait_gen != gen_of(c, peer) || sa_ctl_peer_next(c->nave->sas, peer, 0))
		return;
	c->counters[IKE_CTL_PEER_GONE] += nhrp_ctl_peer_gone(c->nave->nhrp, peer) > 0;
}

void ike_peer_turn(struct ike_ctl *c) {
	while (c->wait_first && c->peers[c->wait_first].due_ns <= c->now_ns)
		hold_ends(c, wait_take(c));
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
	log_warning("IKE: %s port %u, where '%s' was, is '%s' now: the SAs and registrations of the former end",
		addr_format(&where->nbma, text), where->nbma_port, identities_text(c->nave->identities, old),
		identities_text(c->nave->identities, identity));
	c->counters[IKE_CTL_DISPLACED]++;
	return clear_place(c, peer);
}
