// SPDX-License-Identifier: BSD-3-Clause
#include "eal.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "idx_hash.h"

// The objects: the key of index i is keys[i].
static bool match(const void *table, uint32_t index, const void *key) {
	return ((const uint64_t *)table)[index] == *(const uint64_t *)key;
}

static void holds_as_many_as_it_promised(void **state) {
	static const uint32_t sizes[] = {1, 7, 100, 1024, 65536};
	uint64_t *keys = calloc(65537, sizeof(*keys));

	(void)state;
	for (unsigned s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
		struct idx_hash *h = idx_hash_create("test", sizes[s]);

		for (uint32_t i = 1; i <= sizes[s]; i++) {
			keys[i] = 0x0a000000 + i * 3;
			assert_int_equal(idx_hash_insert(h, idx_hash_mix(keys[i]), i), 0);
		}
		assert_int_equal(idx_hash_insert(h, 1, 1), -ENOSPC);
		for (uint32_t i = 1; i <= sizes[s]; i++)
			assert_int_equal(idx_hash_lookup(h, idx_hash_mix(keys[i]), match, keys, &keys[i]), i);
		idx_hash_free(h);
	}
	free(keys);
}

// All keys of one bucket, and of one signature: they go on in the buckets behind it, up to a bound.
static void equal_hashes_are_told_apart_by_key(void **state) {
	struct idx_hash *h = idx_hash_create("test", 4096);
	uint64_t keys[4096];
	uint32_t n = 1, hash = 12345;

	(void)state;
	for (uint32_t i = 0; i < 4096; i++)
		keys[i] = i * 1000;
	while (idx_hash_insert(h, hash, n) == 0)
		n++;
	assert_in_range(n, 50, 200);
	for (uint32_t i = 1; i < n; i++)
		assert_int_equal(idx_hash_lookup(h, hash, match, keys, &keys[i]), i);
	assert_int_equal(idx_hash_lookup(h, hash, match, keys, &keys[n]), IDX_HASH_NONE);
	// Those behind stay reachable when those in front go.
	for (uint32_t i = 1; i < n - 1; i++)
		assert_int_equal(idx_hash_remove(h, hash, i), 0);
	assert_int_equal(idx_hash_lookup(h, hash, match, keys, &keys[n - 1]), n - 1);
	assert_int_equal(idx_hash_remove(h, hash, 1), -ENOENT);
	assert_int_equal(idx_hash_remove(h, hash, n - 1), 0);
	assert_int_equal(idx_hash_lookup(h, hash, match, keys, &keys[n - 1]), IDX_HASH_NONE);
	idx_hash_free(h);
}

static void replaces_in_place(void **state) {
	struct idx_hash *h = idx_hash_create("test", 16);
	uint64_t keys[] = {0, 77, 77};

	(void)state;
	assert_int_equal(idx_hash_replace(h, 5, 1, 2), -ENOENT);
	assert_int_equal(idx_hash_insert(h, 5, 1), 0);
	assert_int_equal(idx_hash_replace(h, 5, 1, 2), 0);
	assert_int_equal(idx_hash_lookup(h, 5, match, keys, &keys[1]), 2);
	assert_int_equal(idx_hash_remove(h, 5, 1), -ENOENT);
	assert_int_equal(idx_hash_remove(h, 5, 2), 0);
	idx_hash_free(h);
}

#define N 3000u // keys; the table is full at 2000

// Hashes of 11 bits, so that signatures collide and chains are long; against an array.
static void random_changes_like_an_array(void **state) {
	struct idx_hash *h = idx_hash_create("test", 2000);
	static uint64_t keys[N];
	static bool there[N];
	uint32_t hashes[64], out[64], n_there = 0;
	uint64_t seed = 3;

	(void)state;
	for (uint32_t i = 1; i < N; i++)
		keys[i] = i;
	for (unsigned round = 0; round < 100000; round++) {
		uint32_t i = random_next(&seed) % (N - 1) + 1, hash = idx_hash_mix(keys[i]) & 0x7ff;

		if (there[i]) {
			assert_int_equal(idx_hash_remove(h, hash, i), 0);
			there[i] = false;
			n_there--;
		} else if (idx_hash_insert(h, hash, i) == 0) {
			there[i] = true;
			n_there++;
		}
		i = random_next(&seed) % (N - 1) + 1;
		assert_int_equal(idx_hash_lookup(h, idx_hash_mix(i) & 0x7ff, match, keys, &keys[i]),
			there[i] ? i : IDX_HASH_NONE);
	}
	assert_in_range(n_there, 1000, 2000);
	for (uint32_t i = 1; i + 64 <= N; i += 64) {
		for (unsigned j = 0; j < 64; j++)
			hashes[j] = idx_hash_mix(keys[i + j]) & 0x7ff;
		idx_hash_candidates(h, hashes, 64, out);
		for (unsigned j = 0; j < 64; j++) {
			if (there[i + j])
				assert_int_not_equal(out[j], IDX_HASH_NONE);
			if (out[j] != IDX_HASH_NONE) {
				assert_true(there[out[j]]);
				assert_int_equal((idx_hash_mix(out[j]) & 0x7ff) | 1, hashes[j] | 1);
			}
		}
	}
	idx_hash_free(h);
}

static void a_hash_of_zero_is_a_hash(void **state) {
	struct idx_hash *h = idx_hash_create("test", 16);
	uint64_t keys[] = {0, 1};
	uint32_t zero = 0, out;

	(void)state;
	assert_int_equal(idx_hash_lookup(h, 0, match, keys, &keys[1]), IDX_HASH_NONE);
	assert_int_equal(idx_hash_insert(h, 0, 1), 0);
	assert_int_equal(idx_hash_lookup(h, 0, match, keys, &keys[1]), 1);
	idx_hash_candidates(h, &zero, 1, &out);
	assert_int_equal(out, 1);
	idx_hash_free(h);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(holds_as_many_as_it_promised),
		cmocka_unit_test(equal_hashes_are_told_apart_by_key),
		cmocka_unit_test(replaces_in_place),
		cmocka_unit_test(random_changes_like_an_array),
		cmocka_unit_test(a_hash_of_zero_is_a_hash),
	};

	if (eal_start("nave-test-idx-hash") < 0)
		return 1;
	return cmocka_run_group_tests_name("idx_hash", tests, NULL, NULL);
}
