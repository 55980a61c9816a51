// SPDX-License-Identifier: BSD-3-Clause
// The SAs of IKE beside those of sa_ctl, by the same number, and by the names that the plugin has for them.
#include "ike_state.h"

#include <errno.h>
#include <stdlib.h>

#include "identity.h"
#include "ipsec.h"
#include "sa_ctl.h"

int ike_sa_tables(struct ike_ctl *c) {
	const struct fwd *f = &c->nave->fwd;

	c->high = 1;
	c->max = sa_ctl_max(c->nave->sas);
	c->sas = calloc(c->max, sizeof(*c->sas));
	c->peers = calloc(f->peers.max, sizeof(*c->peers));
	c->spis = calloc(f->ipsec->n_in, sizeof(*c->spis));
	c->by_name = idx_hash_create("ike_sas", c->max);
	c->by_ike_id = idx_hash_create("ike_ids", f->peers.max);
	return c->sas && c->peers && c->spis && c->by_name && c->by_ike_id ? 0 : -ENOMEM;
}

void ike_sa_tables_free(struct ike_ctl *c) {
	idx_hash_free(c->by_ike_id);
	idx_hash_free(c->by_name);
	free(c->spis);
	free(c->peers);
	free(c->sas);
}

// --- names ---
static uint32_t name_hash(const struct nave_ike_sa_name *n) {
	return idx_hash_mix((uint64_t)n->direction << 32 | n->spi);
}

static bool host_eq(const struct nave_ike_host *a, const struct nave_ike_host *b) {
	struct addr x = ike_addr(a), y = ike_addr(b);

	return a->port == b->port && addr_eq(&x, &y);
}

// An inbound SPI is the hub's own, so that one SA has it; an outbound one is its peer's.
static bool name_match(const void *ike_ctl, uint32_t number, const void *key) {
	const struct nave_ike_sa_name *a = &((const struct ike_ctl *)ike_ctl)->sas[number].name, *b = key;

	return a->direction == b->direction && a->spi == b->spi &&
	       (a->direction == NAVE_IKE_INBOUND || host_eq(&a->dst, &b->dst));
}

uint32_t ike_sa_find(const struct ike_ctl *c, const struct nave_ike_sa_name *name) {
	return idx_hash_lookup(c->by_name, name_hash(name), name_match, c, name);
}

static void unname(struct ike_ctl *c, uint32_t number) {
	if (c->sas[number].is_named)
		idx_hash_remove(c->by_name, name_hash(&c->sas[number].name), number);
	c->sas[number].is_named = false;
}

int ike_sa_name(struct ike_ctl *c, uint32_t number, const struct nave_ike_sa_name *name) {
	int rc;

	unname(c, number);
	c->sas[number].name = *name;
	rc = idx_hash_insert(c->by_name, name_hash(name), number);
	c->sas[number].is_named = rc == 0;
	return rc;
}

// --- their life ---
int ike_sa_put(struct ike_ctl *c, uint32_t number, const struct nave_ike_add_sa *m, uint32_t identity) {
	struct ike_sa *s = &c->sas[number];
	int rc;

	*s = (struct ike_sa){.limits = m->limits, .identity = identity, .daemon = c->daemon};
	rc = ike_sa_name(c, number, &m->sa);
	if (rc < 0)
		return rc;
	s->is_used = true;
	c->n_sas++;
	if (number >= c->high)
		c->high = number + 1;
	return 0;
}

// A failed deletion is tried again: there was no room to put off the end of a grace period, or to tell a worker.
void ike_sa_end(struct ike_ctl *c, uint32_t number) {
	unname(c, number);
	c->sas[number].ends_ns = c->now_ns;
	if (sa_ctl_delete(c->nave->sas, number) < 0)
		ike_scan_soon(c);
}

void ike_sa_end_soon(struct ike_ctl *c, uint32_t number) {
	unname(c, number);
	c->sas[number].ends_ns = c->now_ns;
	ike_scan_soon(c);
}

// One that the plugin does not know to be going was deleted by the hub, or at its console.
void ike_sa_deleted(void *ike_ctl, uint32_t number, uint32_t peer) {
	struct ike_ctl *c = ike_ctl;
	struct ike_sa *s = &c->sas[number];

	if (!s->is_used)
		return;
	if (s->is_named && !s->is_orphan && !s->hard_told) {
		c->counters[IKE_CTL_HARD]++;
		ike_tell_ended(c, &s->name);
	}
	unname(c, number);
	if (!sa_ctl_peer_next(c->nave->sas, peer, 0))
		ike_peer_without_sa(c, peer, s->identity);
	identities_release(c->nave->identities, s->identity);
	c->n_sas--;
	c->n_orphans -= s->is_orphan;
	*s = (struct ike_sa){0};
}
