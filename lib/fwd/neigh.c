// SPDX-License-Identifier: BSD-3-Clause
#include "neigh.h"

#include <errno.h>

int neigh_table_init(struct neigh_table *t, const struct adj_table *adjs, uint32_t max_entries) {
	t->adjs = adjs;
	t->hash = idx_hash_create("neigh", max_entries);
	return t->hash ? 0 : -ENOMEM;
}

void neigh_table_fini(struct neigh_table *t) {
	idx_hash_free(t->hash);
	*t = (struct neigh_table){0};
}

uint32_t neigh_hash(uint16_t iface, const struct addr *protocol) {
	uint64_t hi, lo;
	uint32_t v4;

	if (protocol->family == ADDR_IPV4) {
		memcpy(&v4, protocol->bytes, sizeof(v4));
		return neigh_hash_ipv4(iface, v4);
	}
	memcpy(&hi, protocol->bytes, sizeof(hi));
	memcpy(&lo, protocol->bytes + sizeof(hi), sizeof(lo));
	return idx_hash_mix_ipv6(hi, lo, iface);
}

struct neigh_key {
	uint16_t iface;
	const struct addr *protocol;
};

static bool neigh_match(const void *table, uint32_t index, const void *key) {
	const struct adj *adjs = table;
	const struct neigh_key *k = key;

	return adjs[index].iface == k->iface && addr_eq(&adjs[index].protocol, k->protocol);
}

uint32_t neigh_lookup(const struct neigh_table *t, uint16_t iface, const struct addr *protocol) {
	struct neigh_key key = {iface, protocol};

	return idx_hash_lookup(t->hash, neigh_hash(iface, protocol), neigh_match, t->adjs->adjs, &key);
}

int neigh_add(struct neigh_table *t, uint32_t adj) {
	const struct adj *a = &t->adjs->adjs[adj];
	uint32_t hash = neigh_hash(a->iface, &a->protocol);
	uint32_t old = neigh_lookup(t, a->iface, &a->protocol);

	if (old == adj)
		return 0;
	return old ? idx_hash_replace(t->hash, hash, old, adj) : idx_hash_insert(t->hash, hash, adj);
}

int neigh_del(struct neigh_table *t, uint32_t adj) {
	const struct adj *a = &t->adjs->adjs[adj];

	return idx_hash_remove(t->hash, neigh_hash(a->iface, &a->protocol), adj);
}
