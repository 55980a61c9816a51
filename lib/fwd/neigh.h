// SPDX-License-Identifier: BSD-3-Clause
// Next hops inside a connected prefix: (interface, protocol address) -> adjacency. NHRP bindings on tunnels, kernel
// neighbours on LAN ports. The key is kept in the adjacency itself (adj.iface, adj.protocol).
#pragma once

#include "adj.h"
#include "idx_hash.h"

struct neigh_table {
	struct idx_hash *hash;
	const struct adj_table *adjs;
};

int neigh_table_init(struct neigh_table *t, const struct adj_table *adjs, uint32_t max_entries);
void neigh_table_fini(struct neigh_table *t);

uint32_t neigh_hash(uint16_t iface, const struct addr *protocol);
static inline uint32_t neigh_hash_ipv4(uint16_t iface, uint32_t addr_be) { // the same value, for the fast path
	return idx_hash_mix((uint64_t)iface << 32 | addr_be);
}
static inline bool neigh_matches_ipv4(const struct adj *a, uint16_t iface, uint32_t addr_be) {
	uint32_t own;

	memcpy(&own, a->protocol.bytes, sizeof(own));
	return own == addr_be && a->iface == iface && a->protocol.family == ADDR_IPV4;
}

// Control. The adjacency's iface and protocol are the key and must be set. Adding a key that is there replaces its
// adjacency by one store: readers never miss it.
int neigh_add(struct neigh_table *t, uint32_t adj);
int neigh_del(struct neigh_table *t, uint32_t adj);
// Any reader. Adjacency index, or 0.
uint32_t neigh_lookup(const struct neigh_table *t, uint16_t iface, const struct addr *protocol);
