// SPDX-License-Identifier: BSD-3-Clause
#include "fib_priv.h"

#include <rte_byteorder.h>
#include <rte_common.h>
#include <rte_prefetch.h>

// Lookups go through the trie level by level with the whole burst: the next level's nodes are prefetched while the
// others are looked at. at[] lists the lookups that are not at their end yet.

// One level for n of them; adjs[] holds a child on entry. Returns how many go on.
static inline unsigned level_ipv4(uint8_t *nodes, const uint32_t *addrs, uint8_t *at, unsigned n, unsigned shift,
	uint32_t *best, uint32_t *adjs) {
	unsigned more = 0;

	for (unsigned j = 0; j < n; j++) {
		unsigned i = at[j];
		const struct fib_node *node = fib_node_in(nodes, adjs[i]);
		uint32_t v = rcu_read(&node->values[fib_node_index(node, (uint8_t)(addrs[i] >> shift))]);
		uint32_t fallback = rcu_read(&node->fallback);

		best[i] = fallback ? fallback : best[i];
		adjs[i] = v ? v : best[i];
		at[more] = i;
		more += v >> 31;
		if (v & FIB_CHILD)
			rte_prefetch0(fib_node_in(nodes, v));
	}
	return more;
}

// Both levels under the root that nearly every lookup has, and what is left: longer than /24, or nothing but a short
// route.
static void burst_ipv4(
	const struct fib *f, const struct fib_ipv4 *t, const uint32_t *addrs_be, unsigned n, uint32_t *adjs) {
	uint8_t *nodes = f->nodes;
	uint32_t addrs[FIB_BURST], best[FIB_BURST];
	uint8_t at[FIB_BURST] = {0};
	unsigned more = 0, missing = 0;

	for (unsigned i = 0; i < n; i++) {
		addrs[i] = rte_be_to_cpu_32(addrs_be[i]);
		rte_prefetch0(&t->root[addrs[i] >> 16]);
	}
	for (unsigned i = 0; i < n; i++) {
		uint32_t v = rcu_read(&t->root[addrs[i] >> 16]);

		adjs[i] = v;
		if (v & FIB_CHILD)
			rte_prefetch0(fib_node_in(nodes, v));
	}
	for (unsigned i = 0; i < n; i++) {
		uint32_t v = adjs[i], fallback = FIB_MISS;

		if (v & FIB_CHILD) {
			const struct fib_node *node = fib_node_in(nodes, v);

			v = rcu_read(&node->values[fib_node_index(node, (uint8_t)(addrs[i] >> 8))]);
			fallback = rcu_read(&node->fallback);
		}
		if (v & FIB_CHILD) {
			rte_prefetch0(fib_node_in(nodes, v));
			best[i] = fallback;
			at[more++] = (uint8_t)i;
		} else {
			v = v ? v : fallback;
		}
		missing |= v == FIB_MISS;
		adjs[i] = v;
	}
	if (more) {
		level_ipv4(nodes, addrs, at, more, 0, best, adjs);
		missing = 1; // or not: the loop below looks
	}
	for (unsigned i = 0; missing && i < n; i++)
		if (adjs[i] == FIB_MISS)
			adjs[i] = rcu_read(&t->top[addrs[i] >> 24]);
}

void fib_lookup_ipv4(const struct fib *f, const uint32_t *addrs_be, unsigned n, uint32_t *adjs) {
	const struct fib_ipv4 *t = f ? rcu_read(&f->ipv4) : NULL;

	if (t == NULL) {
		memset(adjs, 0, n * sizeof(*adjs));
		return;
	}
	for (unsigned i = 0; i < n; i += FIB_BURST)
		burst_ipv4(f, t, addrs_be + i, RTE_MIN(n - i, (unsigned)FIB_BURST), adjs + i);
}

// An address with zeros in front, so that the 8 bytes before any byte can be loaded at once.
struct padded {
	uint8_t bytes[8 + 16];
};

static inline unsigned level_ipv6(
	uint8_t *nodes, const struct padded *addrs, uint8_t *at, unsigned n, uint32_t *refs, uint32_t *adjs) {
	unsigned more = 0;

	for (unsigned j = 0; j < n; j++) {
		unsigned i = at[j], depth = refs[i] >> FIB_DEPTH_SHIFT & 15;
		const struct fib_node *node = fib_node_in(nodes, refs[i]);
		uint32_t v, fallback = rcu_read(&node->fallback);
		uint64_t key;

		adjs[i] = fallback ? fallback : adjs[i];
		memcpy(&key, addrs[i].bytes + depth, sizeof(key));
		if (key != node->key)
			continue;
		v = rcu_read(&node->values[fib_node_index(node, addrs[i].bytes[8 + depth])]);
		refs[i] = v;
		at[more] = i;
		more += v >> 31;
		if (v & FIB_CHILD)
			rte_prefetch0(fib_node_in(nodes, v));
		else
			adjs[i] = v ? v : adjs[i];
	}
	return more;
}

static void burst_ipv6(const struct fib *f, const uint8_t *const *addrs, unsigned n, uint32_t *adjs) {
	uint32_t root = rcu_read(&f->root), default_adj = rcu_read(&f->default_adj);
	uint8_t *nodes = f->nodes;
	struct padded padded[FIB_BURST];
	uint32_t refs[FIB_BURST];
	uint8_t at[FIB_BURST] = {0};
	unsigned more = root ? n : 0;

	for (unsigned i = 0; i < n; i++) {
		memset(padded[i].bytes, 0, 8);
		memcpy(padded[i].bytes + 8, addrs[i], 16);
		refs[i] = root;
		adjs[i] = default_adj;
		at[i] = i;
	}
	while (more)
		more = level_ipv6(nodes, padded, at, more, refs, adjs);
}

void fib_lookup_ipv6(const struct fib *f, const uint8_t *const *addrs, unsigned n, uint32_t *adjs) {
	if (f == NULL) {
		memset(adjs, 0, n * sizeof(*adjs));
		return;
	}
	for (unsigned i = 0; i < n; i += FIB_BURST)
		burst_ipv6(f, addrs + i, RTE_MIN(n - i, (unsigned)FIB_BURST), adjs + i);
}

uint32_t fib_lookup(const struct fib *f, const struct addr *a) {
	const uint8_t *bytes = a->bytes;
	uint32_t adj = FIB_MISS, v4;

	if (f == NULL || a->family != f->family)
		return FIB_MISS;
	if (a->family == ADDR_IPV6) {
		fib_lookup_ipv6(f, &bytes, 1, &adj);
	} else {
		memcpy(&v4, bytes, sizeof(v4));
		fib_lookup_ipv4(f, &v4, 1, &adj);
	}
	return adj;
}
