// SPDX-License-Identifier: BSD-3-Clause
// The FIB against a list that is searched in full.
#include "eal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "fib.h"

#define MODEL_MAX 600

struct model {
	unsigned n;
	struct {
		struct prefix prefix;
		uint32_t adj;
	} routes[MODEL_MAX];
};

static int model_index(const struct model *m, const struct prefix *p) {
	for (unsigned i = 0; i < m->n; i++) {
		if (prefix_eq(&m->routes[i].prefix, p))
			return i;
	}
	return -1;
}

static void model_set(struct model *m, const struct prefix *p, uint32_t adj) {
	int i = model_index(m, p);

	if (i < 0)
		i = m->n++;
	m->routes[i].prefix = *p;
	m->routes[i].adj = adj;
}

static uint32_t model_lookup(const struct model *m, const struct addr *a) {
	uint32_t best = FIB_MISS;
	int best_len = -1;

	for (unsigned i = 0; i < m->n; i++) {
		const struct prefix *p = &m->routes[i].prefix;

		if (p->len_bits > best_len && prefix_contains(p, a)) {
			best = m->routes[i].adj;
			best_len = p->len_bits;
		}
	}
	return best;
}

// Few distinct bytes, so that prefixes nest, branch and share nodes.
static struct addr random_addr(uint64_t *seed, uint8_t family) {
	static const uint8_t bytes[] = {0, 1, 0x3f, 0x40, 0x7f, 0x80, 0xfe, 0xff};
	struct addr a = {.family = family};

	for (unsigned i = 0; i < addr_len_bytes(family); i++) {
		uint64_t r = random_next(seed);

		a.bytes[i] = r % 4 == 0 ? r >> 8 : bytes[(r >> 8) % (r % 4 == 1 ? 8 : 2)];
	}
	return a;
}

static struct prefix random_prefix(uint64_t *seed, uint8_t family) {
	struct addr a = random_addr(seed, family);
	unsigned max = 8 * addr_len_bytes(family);
	uint64_t r = random_next(seed);

	return prefix_of(&a, r % 8 == 0 ? max : r % 8 == 1 ? 0 : (r >> 8) % (max + 1));
}

// An address inside a route of the model, or just outside, or anywhere.
static struct addr probe_addr(uint64_t *seed, const struct model *m, uint8_t family) {
	struct addr a = random_addr(seed, family), in;
	unsigned kept, byte;

	if (m->n == 0 || random_next(seed) % 4 == 0)
		return a;
	in = m->routes[random_next(seed) % m->n].prefix.addr;
	kept = random_next(seed) % (addr_len_bytes(family) + 1);
	memcpy(a.bytes, in.bytes, kept);
	byte = random_next(seed) % addr_len_bytes(family);
	if (random_next(seed) % 4 == 0)
		a.bytes[byte] ^= 1u << random_next(seed) % 8;
	return a;
}

static void check_lookups(const struct fib *f, const struct model *m, uint8_t family, uint64_t *seed) {
	struct addr addrs[40];
	const uint8_t *pointers[40];
	uint32_t v4[40], adjs[40];
	unsigned n = random_next(seed) % 40 + 1;

	for (unsigned i = 0; i < n; i++) {
		addrs[i] = probe_addr(seed, m, family);
		pointers[i] = addrs[i].bytes;
		memcpy(&v4[i], addrs[i].bytes, 4);
	}
	if (family == ADDR_IPV4)
		fib_lookup_ipv4(f, v4, n, adjs);
	else
		fib_lookup_ipv6(f, pointers, n, adjs);
	for (unsigned i = 0; i < n; i++)
		assert_int_equal(adjs[i], model_lookup(m, &addrs[i]));
	assert_int_equal(fib_lookup(f, &addrs[0]), adjs[0]);
}

static int by_order(const void *a, const void *b) {
	const struct prefix *p = a, *q = b;
	int c = memcmp(p->addr.bytes, q->addr.bytes, 16);

	return c ? c : (int)p->len_bits - (int)q->len_bits;
}

static void check_walk(const struct fib *f, struct model *m) {
	struct prefix p, *after = NULL, out;
	uint32_t adj;

	qsort(m->routes, m->n, sizeof(m->routes[0]), by_order);
	for (unsigned i = 0; i < m->n; i++) {
		assert_int_equal(fib_next(f, after, &out, &adj), 0);
		assert_true(prefix_eq(&out, &m->routes[i].prefix));
		assert_int_equal(adj, m->routes[i].adj);
		assert_int_equal(fib_find(f, &out), adj);
		p = out;
		after = &p;
	}
	assert_int_equal(fib_next(f, after, &out, &adj), -ENOENT);
	assert_int_equal(fib_count(f), m->n);
}

static void one_change(struct fib *f, struct model *m, uint8_t family, uint64_t *seed, bool growing) {
	struct prefix p = random_prefix(seed, family);
	uint32_t adj = random_next(seed) % 1000 + 1;
	unsigned r = random_next(seed) % 8;
	int i;

	if (m->n && r < (growing ? 2 : 5))
		p = m->routes[random_next(seed) % m->n].prefix; // one that is there
	i = model_index(m, &p);
	assert_int_equal(fib_find(f, &p), i < 0 ? FIB_MISS : m->routes[i].adj);
	if (growing ? r == 0 : r < 5) {
		assert_int_equal(fib_del(f, &p), i < 0 ? -ENOENT : 0);
		if (i >= 0)
			m->routes[i] = m->routes[--m->n];
	} else if (m->n < MODEL_MAX || i >= 0) {
		assert_int_equal(fib_add(f, &p, adj), 0);
		model_set(m, &p, adj);
	}
}

static void randomised(uint8_t family, uint64_t seed) {
	struct rcu *rcu = rcu_create(1, 64);
	struct fib *f = fib_create(family, MODEL_MAX, rcu);
	struct model m = {0};

	assert_non_null(f);
	for (unsigned i = 0; i < 3000; i++) {
		one_change(f, &m, family, &seed, i / 500 % 2 == 0);
		check_lookups(f, &m, family, &seed);
		if (i % 500 == 0)
			check_walk(f, &m);
	}
	while (m.n)
		assert_int_equal(fib_del(f, &m.routes[--m.n].prefix), 0);
	check_walk(f, &m);
	check_lookups(f, &m, family, &seed);
	fib_free(f);
	rcu_free(rcu);
}

static void ipv4_like_the_model(void **state) {
	(void)state;
	for (uint64_t seed = 1; seed <= 3; seed++)
		randomised(ADDR_IPV4, seed);
}

static void ipv6_like_the_model(void **state) {
	(void)state;
	for (uint64_t seed = 1; seed <= 3; seed++)
		randomised(ADDR_IPV6, seed);
}

static void refuses_what_it_must(void **state) {
	struct rcu *rcu = rcu_create(1, 64);
	struct fib *f = fib_create(ADDR_IPV4, 2, rcu);
	struct prefix p, q, r, six;

	(void)state;
	prefix_parse("10.0.0.0/8", &p);
	prefix_parse("10.1.0.0/16", &q);
	prefix_parse("0.0.0.0/0", &r);
	prefix_parse("2001:db8::/32", &six);
	assert_int_equal(fib_add(f, &six, 1), -EINVAL);
	assert_int_equal(fib_add(f, &p, FIB_MISS), -EINVAL);
	assert_int_equal(fib_del(f, &p), -ENOENT);
	assert_int_equal(fib_add(f, &p, 1), 0);
	assert_int_equal(fib_add(f, &q, 2), 0);
	assert_int_equal(fib_add(f, &r, 3), -ENOSPC);
	assert_int_equal(fib_add(f, &q, 4), 0); // replacing needs no room
	assert_int_equal(fib_lookup(f, &q.addr), 4);
	assert_int_equal(fib_lookup(f, &r.addr), FIB_MISS);
	assert_int_equal(fib_lookup(NULL, &q.addr), FIB_MISS);
	assert_int_equal(fib_lookup(f, &six.addr), FIB_MISS);
	fib_free(f);
	rcu_free(rcu);
}

// Nodes that a reader may hold are not reused; when too many wait, changes are refused and change nothing.
static void waits_for_readers(void **state) {
	struct rcu *rcu = rcu_create(1, 64);
	struct fib *f = fib_create(ADDR_IPV4, 100000, rcu);
	unsigned added = 0;
	struct addr a;
	int rc;

	(void)state;
	rcu_reader_online(rcu, 0);
	for (;; added++) {
		struct prefix p = {addr_ipv4(0x0a000000 + (added << 8)), 24};

		rc = fib_add(f, &p, added + 1);
		if (rc < 0)
			break;
	}
	assert_int_equal(rc, -ENOSPC);
	assert_in_range(added, 32, 64);
	assert_int_equal(fib_count(f), added);
	a = addr_ipv4(0x0a000001 + (added << 8));
	assert_int_equal(fib_lookup(f, &a), FIB_MISS);
	rcu_quiescent(rcu, 0);
	assert_int_equal(fib_add(f, &(struct prefix){addr_ipv4(0x0a000000 + (added << 8)), 24}, 7), 0);
	assert_int_equal(fib_lookup(f, &a), 7);
	rcu_reader_offline(rcu, 0);
	fib_free(f);
	rcu_free(rcu);
}

static size_t bytes_of(uint8_t family, unsigned n_routes, uint8_t len_bits) {
	struct rcu *rcu = rcu_create(1, 4096);
	struct fib *f = fib_create(family, 100000, rcu);
	uint64_t seed = 7;
	size_t bytes;

	for (unsigned i = 0; i < n_routes; i++) {
		struct addr a = {.family = family};
		uint64_t r[2] = {random_next(&seed), random_next(&seed)};
		struct prefix p;

		memcpy(a.bytes, r, addr_len_bytes(family));
		p = prefix_of(&a, len_bits);
		assert_int_equal(fib_add(f, &p, i + 1), 0);
	}
	bytes = fib_bytes(f);
	fib_free(f);
	rcu_free(rcu);
	return bytes;
}

static void small_tables_are_small(void **state) {
	static const struct {
		uint8_t family, len_bits;
	} cases[] = {{ADDR_IPV4, 16}, {ADDR_IPV4, 24}, {ADDR_IPV4, 32}, {ADDR_IPV6, 32}, {ADDR_IPV6, 48},
		{ADDR_IPV6, 64}, {ADDR_IPV6, 128}};

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t bytes = bytes_of(cases[i].family, 999, cases[i].len_bits);

		print_message("999 scattered /%u, IPv%u: %zu bytes\n", cases[i].len_bits, cases[i].family, bytes);
		assert_in_range(bytes, 1, 1 << 20);
	}
	assert_in_range(bytes_of(ADDR_IPV4, 500, 32) + bytes_of(ADDR_IPV6, 499, 128), 1, 1 << 20);
	assert_int_equal(fib_bytes(NULL), 0);
}

// No change may hold control up, wherever it falls: the shortest prefixes over a full table, best of some tries.
static void no_change_takes_long(void **state) {
	struct rcu *rcu = rcu_create(1, 64);
	struct fib *f = fib_create(ADDR_IPV4, 70000, rcu);

	(void)state;
	for (uint32_t i = 0; i < 65536; i++)
		assert_int_equal(fib_add(f, &(struct prefix){addr_ipv4(i << 16 | 0x100), 24}, i + 1), 0);
	for (unsigned len = 0; len <= 17; len++) {
		struct addr zero = addr_ipv4(0);
		struct prefix p = prefix_of(&zero, len);
		uint64_t best_ns = UINT64_MAX;

		for (unsigned i = 0; i < 10; i++) {
			uint64_t t = clock_now_ns();

			assert_int_equal(fib_add(f, &p, 70000 + i), 0);
			t = clock_now_ns() - t;
			best_ns = t < best_ns ? t : best_ns;
		}
		assert_in_range(best_ns, 0, 100 * NS_PER_US);
	}
	fib_free(f);
	rcu_free(rcu);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ipv4_like_the_model),
		cmocka_unit_test(ipv6_like_the_model),
		cmocka_unit_test(refuses_what_it_must),
		cmocka_unit_test(waits_for_readers),
		cmocka_unit_test(small_tables_are_small),
		cmocka_unit_test(no_change_takes_long),
	};

	if (eal_start("nave-test-fib") < 0)
		return 1;
	return cmocka_run_group_tests_name("fib", tests, NULL, NULL);
}
