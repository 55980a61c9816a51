// SPDX-License-Identifier: BSD-3-Clause
// IKE SAs, which the plugin does not speak of: under which unique id a peer's is, and the end of one.
#include "ike_state.h"

#include <errno.h>

#include "ike_vici.h"
#include "sa_ctl.h"

static void rekeyed(void *ike_ctl, uint32_t old_ike_id, uint32_t new_ike_id) {
	ike_ctl_ike_rekeyed(ike_ctl, old_ike_id, new_ike_id);
}

// By its SAs: it may have been rekeyed while nobody listened.
static void listed(void *ike_ctl, const struct vici_ike_sa *sa) {
	struct ike_ctl *c = ike_ctl;

	for (unsigned i = 0; i < sa->n_children; i++) {
		struct nave_ike_sa_name in = {.direction = NAVE_IKE_INBOUND, .spi = sa->children[i].spi_in};
		uint32_t number = ike_sa_find(c, &in);

		if (number)
			ike_peer_is_of(c, sa_ctl_peer(c->nave->sas, number), sa->id);
	}
}

void ike_ctl_follow(struct ike_ctl *c) {
	static const struct ike_vici_listener listener = {.rekeyed = rekeyed, .listed = listed};

	ike_vici_listen(c->nave->ike_vici, &listener, c);
}

// What an IKE daemon hears of as ended it negotiates anew: so only when it cannot be told to end the IKE SA, or has
// none.
static int end_sas(struct ike_ctl *c, uint32_t peer) {
	uint32_t next;
	int rc = -ENOENT;

	for (uint32_t n = sa_ctl_peer_next(c->nave->sas, peer, 0); n; n = next) {
		next = sa_ctl_peer_next(c->nave->sas, peer, n);
		if (!c->sas[n].is_used)
			continue;
		ike_sa_end(c, n);
		rc = -ENOTCONN;
	}
	return rc;
}

int ike_ctl_evict(struct ike_ctl *c, uint32_t peer) {
	uint32_t ike_id = ike_ctl_peer_ike_id(c, peer);
	int rc = ike_id ? ike_vici_terminate(c->nave->ike_vici, ike_id) : -ENOTCONN;

	return rc == -ENOTCONN ? end_sas(c, peer) : rc;
}
