// SPDX-License-Identifier: BSD-3-Clause
// Adjacency: what a route or a next hop leads to. Routes point at adjacencies, adjacencies at peers, so that a
// registration completes one object and touches no route. Written by control (publish.c), read by workers; the part
// that changes while published is one 8-byte word.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "addr.h"
#include "gen.h"
#include "rcu.h"

enum adj_kind {
	ADJ_INCOMPLETE, // a next hop that nobody has registered: DROP_NOT_REGISTERED
	ADJ_TUNNEL, // GRE to target = peer index
	ADJ_PORT, // plain IP out of a LAN port, target = underlay next hop index
	ADJ_LOCAL, // for the host: TUN of the tunnel, or TAP of the port
	ADJ_GLEAN, // connected prefix: look the destination up in neigh, interface in iface
	ADJ_BLACKHOLE,
	ADJ_UNREACHABLE,
};

struct adj_state { // the word that changes
	uint32_t target; // by kind
	uint16_t mtu; // largest inner packet
	uint8_t kind; // enum adj_kind
	uint8_t spare;
};
_Static_assert(sizeof(struct adj_state) == 8, "adj_state is published by one store");

// One cache line. Everything but state is fixed while the slot is published.
struct adj {
	uint64_t state; // struct adj_state by adj_state_load/adj_state_store
	uint32_t gen; // gen.h: compare with gen_is_current
	uint16_t iface; // tunnel or port, iface.h
	uint16_t network_id_idx; // same number: same NHRP network-id (hairpin); 0: none
	uint8_t gre_len_bytes; // 0 for plain IP
	bool gre_checksum;
	uint8_t gre[16]; // header as sent; the protocol field is filled per packet
	struct addr protocol; // key in neigh, with iface
} __attribute__((aligned(64)));
_Static_assert(sizeof(struct adj) == 64, "one cache line");

struct adj_table {
	struct adj *adjs; // [max]; index 0 is never used
	uint32_t max;
	uint32_t used;
	uint32_t free_head; // control's list of free slots, linked through target
};

static inline struct adj_state adj_state_load(const struct adj *a) {
	uint64_t w = rcu_read(&a->state);
	struct adj_state s;

	__builtin_memcpy(&s, &w, sizeof(s));
	return s;
}

static inline void adj_state_store(struct adj *a, struct adj_state s) {
	uint64_t w;

	__builtin_memcpy(&w, &s, sizeof(w));
	rcu_publish(&a->state, w);
}

int adj_table_init(struct adj_table *t, uint32_t max); // -ENOMEM
void adj_table_fini(struct adj_table *t);
// Control. A slot with a gen never seen before and the rest zero, not yet reachable; 0 when the table is full.
uint32_t adj_alloc(struct adj_table *t);
// Control, after the last reference was withdrawn: gen is no longer current at once, the slot is back on the free list
// after a grace period. -ENOSPC as rcu_defer: gen is not current all the same, and the caller tries again.
int adj_free(struct adj_table *t, struct rcu *r, uint32_t index);
