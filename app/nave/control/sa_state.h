// SPDX-License-Identifier: BSD-3-Clause
// What sa_ctl.c, sa_info.c and sa_events.c share. Nobody else includes this.
#pragma once

#include "nave.h"
#include "sa_ctl.h"

struct sa_past { // of an SA that another took the place of: its successor's counters are where its own were
	uint64_t packets, bytes, seq;
	uint32_t expired;
};

struct sa { // by number
	uint32_t spi, peer;
	uint32_t next; // of the same peer; of those that are free
	uint16_t tunnel;
	uint8_t direction, origin;
	bool is_active; // outbound: the one in use
	struct sa_params params;
	uint64_t created_ns;
	struct sa_past past;
};

struct sa_peer { // by index; counts when gen is that of the peer
	uint32_t gen;
	uint32_t first; // of its SAs
	uint32_t identity; // of identities.h
	uint64_t rx_packets, rx_bytes; // of inbound SAs that were deleted
	struct spoke_counters cleared;
};

struct sa_ctl {
	struct nave *nave;
	struct sa *sas; // [max]; number 0 is never used
	uint64_t *used_bits; // by number: lists step over the others fast
	struct sa_peer *peers; // [fwd.peers.max]
	uint32_t max, high, used; // numbers from high on were never used
	uint32_t free_first, free_last; // the longest free first
	uint64_t counters[SA_CTL_COUNT];
	sa_ctl_event_fn listener;
	void *listener_arg;
	sa_ctl_deleted_fn deleted;
	void *deleted_arg;
};

static inline bool sa_is_used(const struct sa_ctl *c, uint32_t number) {
	return number < c->max && c->used_bits[number / 64] >> number % 64 & 1;
}

// The peer's, or NULL when the one of that name is gone.
static inline struct sa_peer *sa_peer_of(const struct sa_ctl *c, uint32_t peer) {
	struct sa_peer *sp = &c->peers[peer];

	return sp->gen == peer_at(&c->nave->fwd.peers, peer)->gen ? sp : NULL;
}

uint32_t sa_active_out(const struct sa_ctl *c, uint32_t peer); // its number; 0: none
uint32_t sa_out_of_spi(const struct sa_ctl *c, uint32_t peer, uint32_t spi); // of the peer's outbound ones; 0: none

// sa_info.c
void sa_info_fill(const struct sa_ctl *c, uint32_t number, struct sa_info *info);

// sa_events.c
bool sa_events_turn(void *sa_ctl, uint64_t now_ns); // control_turn_fn
