// SPDX-License-Identifier: BSD-3-Clause
// Lockless hash from a key to an index, for one writer (control) and any number of readers. Buckets are cache lines of
// 8-byte entries {32-bit signature, 32-bit index}, each written by one atomic store; keys are not kept here but in the
// object that the index names, which the reader is about to load anyway, and are compared there. Never resized.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct idx_hash;

#define IDX_HASH_NONE 0u // index 0 is never stored

// Sized so that max_entries fit at a load of at most 3/4. NULL when out of memory. Cache-line aligned; huge pages where
// DPDK has them.
struct idx_hash *idx_hash_create(const char *name, uint32_t max_entries);
void idx_hash_free(struct idx_hash *h); // after a grace period
size_t idx_hash_bytes(const struct idx_hash *h);

// Writer. hash is of the key, all 32 bits well mixed (idx_hash_mix). -ENOSPC when no bucket of the key's chain has
// room. The same (hash, index) must not be inserted twice. A slot that was removed may be reused at once: a reader that
// still has the old index must compare the key in the object, whose memory lives on for a grace period.
int idx_hash_insert(struct idx_hash *h, uint32_t hash, uint32_t index);
int idx_hash_remove(struct idx_hash *h, uint32_t hash, uint32_t index); // -ENOENT
// Replaces in place by one atomic store: readers see the old or the new index, never neither.
int idx_hash_replace(struct idx_hash *h, uint32_t hash, uint32_t old_index, uint32_t new_index); // -ENOENT

// Reader. Calls for one key: prefetch early, then look.
void idx_hash_prefetch(const struct idx_hash *h, uint32_t hash);
// true when the object of index has the key.
typedef bool (*idx_hash_match_fn)(const void *table, uint32_t index, const void *key);
uint32_t idx_hash_lookup(
	const struct idx_hash *h, uint32_t hash, idx_hash_match_fn match, const void *table, const void *key);
// A burst in stages: buckets prefetched, candidate index by signature only. out[i] is IDX_HASH_NONE or the first
// candidate; the caller prefetches the objects, compares keys, and calls idx_hash_lookup for the rare mismatch.
void idx_hash_candidates(const struct idx_hash *h, const uint32_t *hash, unsigned n, uint32_t *out);

// Finalizer of a 64-bit value (after murmur3), for keys that fit.
static inline uint32_t idx_hash_mix(uint64_t k) {
	k ^= k >> 33;
	k *= 0xff51afd7ed558ccdull;
	k ^= k >> 33;
	k *= 0xc4ceb9fe1a85ec53ull;
	return (uint32_t)(k ^ k >> 33);
}

// The same for an IPv6 address, as two words, and a number that belongs to the key.
static inline uint32_t idx_hash_mix_ipv6(uint64_t hi, uint64_t lo, uint16_t with) {
	return idx_hash_mix(hi ^ ((uint64_t)idx_hash_mix(lo) << 32 | idx_hash_mix(~lo ^ (uint64_t)with << 48)));
}
