// SPDX-License-Identifier: BSD-3-Clause
#include "idx_hash.h"

#include <errno.h>

#include <rte_common.h>
#include <rte_malloc.h>
#include <rte_branch_prediction.h>
#include <rte_prefetch.h>
#include <rte_vect.h>

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define HAS_FEATURE_TSAN 1
#endif
#endif
#ifndef HAS_FEATURE_TSAN
#define HAS_FEATURE_TSAN 0
#endif

#define SLOTS 7
#define CHAIN_MAX 16 // buckets that a key may be in: its own and those behind it

// One cache line. spill counts the keys that found this bucket full and live in one behind it: a reader goes on only
// while it is not 0. It is raised before such a key is stored and lowered after it was removed.
struct bucket {
	uint64_t entries[SLOTS]; // signature << 32 | index; 0: free
	uint64_t spill;
} __attribute__((aligned(64)));
_Static_assert(sizeof(struct bucket) == 64, "one cache line");

struct idx_hash {
	struct bucket *buckets;
	uint32_t mask;
	uint32_t count;
	uint32_t max_entries;
};

struct idx_hash *idx_hash_create(const char *name, uint32_t max_entries) {
	uint64_t n = rte_align64pow2(RTE_MAX(((uint64_t)max_entries * 4 + 3 * SLOTS - 1) / (3 * SLOTS), 1ull));
	struct idx_hash *h = rte_zmalloc(name, sizeof(*h), RTE_CACHE_LINE_SIZE);

	if (h == NULL)
		return NULL;
	h->buckets = rte_zmalloc(name, n * sizeof(*h->buckets), RTE_CACHE_LINE_SIZE);
	if (h->buckets == NULL) {
		rte_free(h);
		return NULL;
	}
	h->mask = n - 1;
	h->max_entries = max_entries;
	return h;
}

void idx_hash_free(struct idx_hash *h) {
	if (h == NULL)
		return;
	rte_free(h->buckets);
	rte_free(h);
}

size_t idx_hash_bytes(const struct idx_hash *h) {
	return h ? sizeof(*h) + (h->mask + 1ul) * sizeof(*h->buckets) : 0;
}

static struct bucket *bucket_of(const struct idx_hash *h, uint32_t hash, unsigned step) {
	return &h->buckets[(hash + step) & h->mask];
}

// Never that of a free entry.
static inline uint32_t signature_of(uint32_t hash) {
	return hash | 1;
}

static uint64_t entry_of(uint32_t hash, uint32_t index) {
	return (uint64_t)signature_of(hash) << 32 | index;
}

static uint64_t *entry_find(struct bucket *b, uint64_t entry) {
	for (unsigned i = 0; i < SLOTS; i++) {
		if (b->entries[i] == entry)
			return &b->entries[i];
	}
	return NULL;
}

static void spill_add(struct idx_hash *h, uint32_t hash, unsigned steps, int by) {
	for (unsigned i = 0; i < steps; i++) {
		struct bucket *b = bucket_of(h, hash, i);

		__atomic_store_n(&b->spill, b->spill + by, __ATOMIC_RELEASE);
	}
}

int idx_hash_insert(struct idx_hash *h, uint32_t hash, uint32_t index) {
	unsigned chain = RTE_MIN(h->mask + 1, (uint32_t)CHAIN_MAX);

	if (h->count == h->max_entries)
		return -ENOSPC;
	for (unsigned step = 0; step < chain; step++) {
		uint64_t *e = entry_find(bucket_of(h, hash, step), 0);

		if (e == NULL)
			continue;
		spill_add(h, hash, step, 1);
		__atomic_store_n(e, entry_of(hash, index), __ATOMIC_RELEASE);
		h->count++;
		return 0;
	}
	return -ENOSPC;
}

// The entry of (hash, index), and in how many steps it was found. Writer only.
static uint64_t *entry_locate(struct idx_hash *h, uint32_t hash, uint32_t index, unsigned *steps) {
	for (unsigned step = 0; step < CHAIN_MAX; step++) {
		struct bucket *b = bucket_of(h, hash, step);
		uint64_t *e = entry_find(b, entry_of(hash, index));

		*steps = step;
		if (e != NULL || b->spill == 0)
			return e;
	}
	return NULL;
}

int idx_hash_remove(struct idx_hash *h, uint32_t hash, uint32_t index) {
	unsigned steps;
	uint64_t *e = entry_locate(h, hash, index, &steps);

	if (e == NULL)
		return -ENOENT;
	__atomic_store_n(e, 0, __ATOMIC_RELEASE);
	spill_add(h, hash, steps, -1);
	h->count--;
	return 0;
}

int idx_hash_replace(struct idx_hash *h, uint32_t hash, uint32_t old_index, uint32_t new_index) {
	unsigned steps;
	uint64_t *e = entry_locate(h, hash, old_index, &steps);

	if (e == NULL)
		return -ENOENT;
	__atomic_store_n(e, entry_of(hash, new_index), __ATOMIC_RELEASE);
	return 0;
}

void idx_hash_prefetch(const struct idx_hash *h, uint32_t hash) {
	rte_prefetch0(bucket_of(h, hash, 0));
}

uint32_t idx_hash_lookup(
	const struct idx_hash *h, uint32_t hash, idx_hash_match_fn match, const void *table, const void *key) {
	for (unsigned step = 0; step < CHAIN_MAX; step++) {
		const struct bucket *b = bucket_of(h, hash, step);

		for (unsigned i = 0; i < SLOTS; i++) {
			uint64_t e = __atomic_load_n(&b->entries[i], __ATOMIC_ACQUIRE);

			if (e >> 32 == signature_of(hash) && match(table, (uint32_t)e, key))
				return (uint32_t)e;
		}
		if (__atomic_load_n(&b->spill, __ATOMIC_ACQUIRE) == 0)
			break;
	}
	return IDX_HASH_NONE;
}

// Which entry has the signature, without a branch on its place: that would be mispredicted for most keys. With vectors
// where nobody checks for races: they only choose the entry, which is then loaded and compared as one word.
#if defined(__SSE2__) && !defined(__SANITIZE_THREAD__) && !HAS_FEATURE_TSAN
static inline unsigned bucket_find(const struct bucket *b, uint32_t hash) {
	const __m128 *e = (const __m128 *)b->entries;
	__m128i want = _mm_set1_epi32((int)signature_of(hash));
	__m128i low = _mm_cmpeq_epi32(_mm_castps_si128(_mm_shuffle_ps(e[0], e[1], _MM_SHUFFLE(3, 1, 3, 1))), want);
	__m128i high = _mm_cmpeq_epi32(_mm_castps_si128(_mm_shuffle_ps(e[2], e[3], _MM_SHUFFLE(3, 1, 3, 1))), want);

	return _mm_movemask_epi8(_mm_packs_epi16(_mm_packs_epi32(low, high), _mm_setzero_si128())) &
	       ((1u << SLOTS) - 1);
}
#else
static inline unsigned bucket_find(const struct bucket *b, uint32_t hash) {
	unsigned found = 0;

	for (unsigned i = 0; i < SLOTS; i++)
		found |= (unsigned)(__atomic_load_n(&b->entries[i], __ATOMIC_RELAXED) >> 32 == signature_of(hash)) << i;
	return found;
}
#endif

static inline uint32_t bucket_candidate(const struct bucket *b, uint32_t hash) {
	unsigned found = bucket_find(b, hash);
	uint64_t e;

	if (unlikely(found == 0))
		return IDX_HASH_NONE;
	e = __atomic_load_n(&b->entries[__builtin_ctz(found)], __ATOMIC_ACQUIRE);
	return e >> 32 == signature_of(hash) ? (uint32_t)e : IDX_HASH_NONE;
}

static uint32_t chain_candidate(const struct idx_hash *h, uint32_t hash) {
	for (unsigned step = 1; step < CHAIN_MAX; step++) {
		const struct bucket *b = bucket_of(h, hash, step);
		uint32_t found = bucket_candidate(b, hash);

		if (found != IDX_HASH_NONE || __atomic_load_n(&b->spill, __ATOMIC_ACQUIRE) == 0)
			return found;
	}
	return IDX_HASH_NONE;
}

void idx_hash_candidates(const struct idx_hash *h, const uint32_t *hash, unsigned n, uint32_t *out) {
	for (unsigned i = 0; i < n; i++)
		idx_hash_prefetch(h, hash[i]);
	for (unsigned i = 0; i < n; i++) {
		const struct bucket *b = bucket_of(h, hash[i], 0);

		out[i] = bucket_candidate(b, hash[i]);
		if (unlikely(out[i] == IDX_HASH_NONE && __atomic_load_n(&b->spill, __ATOMIC_ACQUIRE) != 0))
			out[i] = chain_candidate(h, hash[i]);
	}
}
