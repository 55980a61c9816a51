// SPDX-License-Identifier: BSD-3-Clause
// charon's control socket (ike.vici): follows IKE_SAs to their new unique ids, and ends one for "evict". The SAs
// themselves come by ike.socket: without this all works but those two. Control core only.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "vici.h"

struct conf;
struct nave;
struct ike_vici;

// Any may be NULL.
struct ike_vici_listener {
	void (*rekeyed)(void *arg, uint32_t old_ike_id, uint32_t new_ike_id);
	void (*up)(void *arg, const struct vici_ike_sa *sa);
	void (*down)(void *arg, const struct vici_ike_sa *sa); // it has ended; its SAs go by ike.socket
	// On each connection, of all that are there: a rekeying may have been missed before. sa->children have the
	// SPIs.
	void (*listed)(void *arg, const struct vici_ike_sa *sa);
};

bool ike_vici_is_wanted(const struct conf *conf); // a tunnel has mode ike, and ike.vici is not empty
struct ike_vici *ike_vici_create(struct nave *nave); // needs nave->conf, control. NULL, errno
void ike_vici_free(struct ike_vici *v);
void ike_vici_listen(struct ike_vici *v, const struct ike_vici_listener *listener, void *arg); // one

// Ends an IKE_SA and its SAs at once, whether the peer answers or not. v may be NULL. 0: it was asked for; -ENOTCONN:
// charon is not there; -ENOBUFS: too many wait, try again; -EINVAL: ike_id is 0.
int ike_vici_terminate(struct ike_vici *v, uint32_t ike_id);

struct ike_vici_info {
	const char *path, *version; // version: of charon; "" before the first connection
	bool is_connected;
	uint64_t since_ns; // connected, or gone; 0: never
};
void ike_vici_info(const struct ike_vici *v, struct ike_vici_info *info);
const uint64_t *ike_vici_counters(const struct ike_vici *v); // [VICI_COUNT], names by vici_counter_name()
void ike_vici_clear(struct ike_vici *v);
