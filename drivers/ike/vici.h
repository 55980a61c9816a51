// SPDX-License-Identifier: BSD-3-Clause
// A client of charon's control socket (vici): which IKE_SAs there are, when one comes, goes or is rekeyed, and ending
// one. It never blocks: the caller watches its descriptor and gives it turns. When the socket is away it is tried again
// after 1 s, then 2, 4, 8, 16 and every 30 s.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "vici_sa.h"

struct vici;

#define VICI_PATH_MAX 108 // of struct sockaddr_un, with the NUL
#define VICI_VERSION_MAX 64
#define VICI_TERMINATE_MAX 1024 // IKE_SAs that wait to be ended

// On each connection: connected, then ike_updown and the others as it happens; list_sa for each IKE_SA that is there,
// list_done. What was known before of IKE_SAs that a whole list does not name is of the past.
// Any but watch and unwatch may be NULL; none may call vici_free.
struct vici_ops {
	int (*watch)(void *arg, int fd, uint32_t events); // EPOLL*; again: other events. 0 or -errno
	void (*unwatch)(void *arg, int fd);
	void (*connected)(void *arg, const char *version); // "5.9.8"
	void (*gone)(void *arg, const char *reason);
	void (*ike_updown)(void *arg, bool up, const struct vici_ike_sa *sa);
	void (*ike_rekey)(void *arg, uint32_t old_id, uint32_t new_id); // no ike_updown comes for either
	void (*child_updown)(void *arg, bool up, const struct vici_ike_sa *sa); // children[0]; not when it is rekeyed
	void (*list_sa)(void *arg, const struct vici_ike_sa *sa); // only of established ones
	void (*list_done)(void *arg, bool is_whole); // false: there may be IKE_SAs that could not be told of
	void (*terminated)(void *arg, uint32_t ike_id, const char *failure); // failure: NULL: it has ended
};

struct vici *vici_create(const char *path, const struct vici_ops *ops, void *arg); // connects in a turn. NULL, errno
void vici_free(struct vici *v); // calls unwatch alone
void vici_turn(struct vici *v, uint64_t now_ns); // connects when it is time, gives up on a daemon that is silent
void vici_ready(struct vici *v, uint32_t events); // of the descriptor; at most one read

// Ends an IKE_SA and its CHILD_SAs at once, whether the peer answers or not; ops->terminated follows. -EINVAL: 0;
// -ENOTCONN; -ENOBUFS: VICI_TERMINATE_MAX wait. What waits when the connection ends has failed: unique ids are those of
// one charon.
int vici_terminate(struct vici *v, uint32_t ike_id);
int vici_list(struct vici *v); // once more list_sa and list_done; -ENOTCONN

bool vici_is_connected(const struct vici *v);
const char *vici_version(const struct vici *v); // of the last one connected to; "": none yet
const char *vici_path(const struct vici *v);

// One list makes enum, name and help.
#define VICI_COUNTERS(X) \
	X(CONNECTED, "connected", "connections to charon") \
	X(CONNECT_FAILED, "connect_failed", "connections that were refused, or ended before charon said its version") \
	X(GONE, "gone", "connections that ended") \
	X(SILENT, "silent", "connections given up because charon did not answer") \
	X(BAD_PACKET, "bad_packet", "connections given up because of a packet that vici does not have there") \
	X(BAD_EVENT, "bad_event", "events that could not be read") \
	X(LARGE_EVENT, "large_event", "events skipped because they are above 64 KiB") \
	X(OTHER_EVENT, "other_event", "events that nobody asked for") \
	X(NO_EVENT, "no_event", "events that charon does not have") \
	X(IKE_UP, "ike_up", "IKE_SAs that came up") \
	X(IKE_DOWN, "ike_down", "IKE_SAs that ended") \
	X(IKE_REKEYED, "ike_rekeyed", "IKE_SAs that were replaced by another of the same peer") \
	X(CHILD_UP, "child_up", "CHILD_SAs that came up") \
	X(CHILD_DOWN, "child_down", "CHILD_SAs that ended") \
	X(LISTED, "listed", "IKE_SAs that charon listed") \
	X(TERMINATED, "terminated", "IKE_SAs ended from here") \
	X(TERMINATE_FAILED, "terminate_failed", "IKE_SAs that charon could not end, or that it does not have")

enum vici_counter {
#define X(name, counter, help) VICI_##name##_COUNTER,
	VICI_COUNTERS(X)
#undef X
		VICI_COUNT
};
const char *vici_counter_name(enum vici_counter c);
const char *vici_counter_help(enum vici_counter c);
const uint64_t *vici_counters(const struct vici *v); // [VICI_COUNT]
void vici_clear(struct vici *v); // counters to 0
