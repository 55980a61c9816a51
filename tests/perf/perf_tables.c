// SPDX-License-Identifier: BSD-3-Clause
// Cycles per key of the tables that workers ask for each packet, against DPDK's own, in one run with interleaved
// rounds: bursts of 32, random hits. Prints medians and ratios; docs/adr/0001-fib.md and 0002-next-hop-hash.md have the
// figures.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <rte_byteorder.h>
#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_fib.h>
#include <rte_fib6.h>
#include <rte_hash.h>
#include <rte_hash_crc.h>
#include <rte_malloc.h>
#include <rte_prefetch.h>

#include "fib.h"
#include "neigh.h"

#define QUERIES 65536u
#define BURST 32u
#define ROUNDS 21u
#define ROUNDS_LOW 5u // rank of the 95 % interval of a median of 21: binomial

static volatile uint64_t sink;

static uint64_t random_next(uint64_t *state) { // splitmix64
	uint64_t z = (*state += 0x9e3779b97f4a7c15ull);

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

struct subject {
	const char *name;
	void (*run)(void *arg);
	void *arg;
	double cycles[ROUNDS]; // per key
	double ratios[ROUNDS];
};

static int by_value(const void *a, const void *b) {
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

// Rounds of all subjects in turn; the ratio to the first is the median over rounds with its 95 % interval.
static void compare(const char *title, struct subject *subjects, unsigned n) {
	for (unsigned r = 0; r <= ROUNDS; r++) {
		for (unsigned i = 0; i < n; i++) {
			uint64_t t = rte_rdtsc_precise();

			subjects[i].run(subjects[i].arg);
			t = rte_rdtsc_precise() - t;
			if (r) // the first warms up
				subjects[i].cycles[r - 1] = (double)t / QUERIES;
		}
	}
	for (unsigned i = n; i-- > 0;) { // the first last: the others are divided by it, round by round
		for (unsigned r = 0; r < ROUNDS; r++)
			subjects[i].ratios[r] = subjects[i].cycles[r] / subjects[0].cycles[r];
		qsort(subjects[i].ratios, ROUNDS, sizeof(double), by_value);
		qsort(subjects[i].cycles, ROUNDS, sizeof(double), by_value);
	}
	for (unsigned i = 0; i < n; i++) {
		printf("%-34s %-24s %7.1f cycles/key  ratio %.2f [%.2f, %.2f]\n", title, subjects[i].name,
			subjects[i].cycles[ROUNDS / 2], subjects[i].ratios[ROUNDS / 2], subjects[i].ratios[ROUNDS_LOW],
			subjects[i].ratios[ROUNDS - 1 - ROUNDS_LOW]);
	}
}

// --- next hops -------------------------------------------------------------------------------------------------------

struct hash_case {
	struct adj_table adjs;
	struct neigh_table neigh;
	struct rte_hash *theirs;
	uint32_t *queries; // addresses, network order
};

struct hash_key { // as neigh has it
	uint32_t iface, addr_be;
};

static void run_ours(void *arg) {
	struct hash_case *c = arg;
	uint32_t hashes[BURST], adjs[BURST];
	uint64_t sum = 0;

	for (uint32_t q = 0; q < QUERIES; q += BURST) {
		for (unsigned i = 0; i < BURST; i++)
			hashes[i] = neigh_hash_ipv4(1, c->queries[q + i]);
		idx_hash_candidates(c->neigh.hash, hashes, BURST, adjs);
		for (unsigned i = 0; i < BURST; i++)
			sum += adjs[i];
	}
	sink += sum;
}

// With what any caller does next: load the adjacency and compare the key.
static void run_ours_matched(void *arg) {
	struct hash_case *c = arg;
	uint32_t hashes[BURST], adjs[BURST];
	uint64_t sum = 0;

	for (uint32_t q = 0; q < QUERIES; q += BURST) {
		for (unsigned i = 0; i < BURST; i++)
			hashes[i] = neigh_hash_ipv4(1, c->queries[q + i]);
		idx_hash_candidates(c->neigh.hash, hashes, BURST, adjs);
		for (unsigned i = 0; i < BURST; i++)
			rte_prefetch0(&c->adjs.adjs[adjs[i]]);
		for (unsigned i = 0; i < BURST; i++)
			sum += neigh_matches_ipv4(&c->adjs.adjs[adjs[i]], 1, c->queries[q + i]);
	}
	if (sum != QUERIES)
		abort();
}

static void run_rte_hash(void *arg) {
	struct hash_case *c = arg;
	struct hash_key keys[BURST];
	const void *pointers[BURST];
	void *data[BURST];
	uint64_t hits, sum = 0;

	for (unsigned i = 0; i < BURST; i++)
		pointers[i] = &keys[i];
	for (uint32_t q = 0; q < QUERIES; q += BURST) {
		for (unsigned i = 0; i < BURST; i++)
			keys[i] = (struct hash_key){1, c->queries[q + i]};
		rte_hash_lookup_bulk_data(c->theirs, pointers, BURST, &hits, data);
		for (unsigned i = 0; i < BURST; i++)
			sum += (uintptr_t)data[i];
	}
	sink += sum;
}

static void perf_hash(uint32_t n) {
	struct rte_hash_parameters params = {
		.name = "perf",
		.entries = n + n / 4 + 64,
		.key_len = sizeof(struct hash_key),
		.hash_func = rte_hash_crc,
		.extra_flag = RTE_HASH_EXTRA_FLAGS_RW_CONCURRENCY_LF,
	};
	struct hash_case c = {.theirs = rte_hash_create(&params), .queries = malloc(QUERIES * sizeof(uint32_t))};
	struct subject subjects[] = {
		{"idx_hash", run_ours, &c, {0}, {0}},
		{"idx_hash + adjacency", run_ours_matched, &c, {0}, {0}},
		{"rte_hash lock-free bulk", run_rte_hash, &c, {0}, {0}},
	};
	uint64_t seed = 1;
	char title[64];

	if (c.theirs == NULL || adj_table_init(&c.adjs, n + 1) < 0 || neigh_table_init(&c.neigh, &c.adjs, n) < 0)
		abort();
	for (uint32_t i = 0; i < n; i++) {
		uint32_t adj = adj_alloc(&c.adjs);
		struct adj *a = &c.adjs.adjs[adj];
		struct hash_key key = {.iface = 1};

		a->iface = 1;
		a->protocol = addr_ipv4(0x0a000000 + i);
		memcpy(&key.addr_be, a->protocol.bytes, 4);
		if (neigh_add(&c.neigh, adj) < 0 || rte_hash_add_key_data(c.theirs, &key, (void *)(uintptr_t)adj) < 0)
			abort();
	}
	for (uint32_t i = 0; i < QUERIES; i++)
		c.queries[i] = rte_cpu_to_be_32(0x0a000000 + random_next(&seed) % n);
	snprintf(title, sizeof(title), "next hops, %u spokes", n);
	compare(title, subjects, sizeof(subjects) / sizeof(subjects[0]));
	neigh_table_fini(&c.neigh);
	adj_table_fini(&c.adjs);
	rte_hash_free(c.theirs);
	free(c.queries);
}

// --- routes ----------------------------------------------------------------------------------------------------------

struct fib_case {
	struct fib *ours;
	struct rte_fib *fib4;
	struct rte_fib6 *fib6;
	uint32_t *queries; // IPv4, network order
	uint32_t *queries_host; // as rte_fib wants them
	uint8_t (*queries6)[16];
};

static void run_fib4(void *arg) {
	struct fib_case *c = arg;
	uint32_t adjs[BURST];

	for (uint32_t q = 0; q < QUERIES; q += BURST) {
		fib_lookup_ipv4(c->ours, c->queries + q, BURST, adjs);
		sink += adjs[0];
	}
}

static void run_rte_fib4(void *arg) {
	struct fib_case *c = arg;
	uint64_t next_hops[BURST];

	for (uint32_t q = 0; q < QUERIES; q += BURST) {
		rte_fib_lookup_bulk(c->fib4, c->queries_host + q, next_hops, BURST);
		sink += next_hops[0];
	}
}

static void run_fib6(void *arg) {
	struct fib_case *c = arg;
	const uint8_t *pointers[BURST];
	uint32_t adjs[BURST];

	for (uint32_t q = 0; q < QUERIES; q += BURST) {
		for (unsigned i = 0; i < BURST; i++)
			pointers[i] = c->queries6[q + i];
		fib_lookup_ipv6(c->ours, pointers, BURST, adjs);
		sink += adjs[0];
	}
}

static void run_rte_fib6(void *arg) {
	struct fib_case *c = arg;
	uint64_t next_hops[BURST];

	for (uint32_t q = 0; q < QUERIES; q += BURST) {
		rte_fib6_lookup_bulk(c->fib6, c->queries6 + q, next_hops, BURST);
		sink += next_hops[0];
	}
}

// Prefix number i: spokes in sequence, or scattered over the address space.
static struct prefix ipv4_prefix(uint32_t i, bool scattered) {
	uint64_t seed = i;
	struct addr a = addr_ipv4(scattered ? (uint32_t)random_next(&seed) : 0x0a000000 + (i << 8));

	return prefix_of(&a, 24);
}

static struct prefix ipv6_prefix(uint32_t i, bool scattered) {
	uint64_t seed = i, r = random_next(&seed);
	struct addr a = {ADDR_IPV6, {0x20, 0x01, 0x0d, 0xb8, i >> 24, i >> 16, i >> 8, i}};

	if (scattered) {
		memcpy(a.bytes, &r, 8);
		a.bytes[0] = 0x20 | (a.bytes[0] & 0x1f);
	}
	return prefix_of(&a, 64);
}

struct calls {
	double mean_us, p9999_us, max_us;
};

static struct calls call_times(double *us, uint32_t n) {
	struct calls c = {0};

	qsort(us, n, sizeof(*us), by_value);
	for (uint32_t i = 0; i < n; i++)
		c.mean_us += us[i] / n;
	c.p9999_us = us[(uint64_t)n * 9999 / 10000];
	c.max_us = us[n - 1];
	return c;
}

// CPU time, the clock's own price included: the machine may be shared.
static double thread_us(void) {
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static struct calls fill(struct fib *f, struct rcu *rcu, uint8_t family, uint32_t n, bool scattered) {
	double *us = malloc(n * sizeof(*us));
	struct calls c;

	for (uint32_t i = 0; i < n; i++) {
		struct prefix p = family == ADDR_IPV4 ? ipv4_prefix(i, scattered) : ipv6_prefix(i, scattered);
		double t = thread_us();

		if (fib_add(f, &p, i + 1) < 0)
			abort();
		us[i] = thread_us() - t;
		rcu_reclaim(rcu, 8);
	}
	c = call_times(us, n);
	free(us);
	return c;
}

// The changes that touch most: short prefixes over a full table.
static double worst_change_us(struct fib *f, struct rcu *rcu, uint8_t family) {
	double worst = 0;

	for (unsigned len = 0; len <= 24; len++) {
		struct addr a = family == ADDR_IPV4 ? addr_ipv4(0x0a000000)
						    : (struct addr){ADDR_IPV6, {0x20, 0x01, 0x0d, 0xb8}};
		struct prefix p = prefix_of(&a, len);
		double best = 1e9; // of some tries: preemption is not ours

		for (unsigned i = 0; i < 5; i++) {
			uint64_t t = rte_rdtsc_precise();

			if (fib_add(f, &p, 1000000 + i) < 0)
				abort();
			t = rte_rdtsc_precise() - t;
			best = RTE_MIN(best, (double)t * 1e6 / rte_get_tsc_hz());
			rcu_reclaim(rcu, 8);
		}
		if (len && fib_del(f, &p) < 0)
			abort();
		worst = RTE_MAX(worst, best);
	}
	return worst;
}

// The same for DPDK's tables, which spread a prefix over all the addresses that it covers. fib is of one family.
static double rte_worst_change_us(struct rte_fib *fib4, struct rte_fib6 *fib6) {
	uint8_t ip6[16] = {0x20, 0x01, 0x0d, 0xb8};
	double worst = 0;

	for (unsigned len = 1; len <= 24; len++) {
		uint32_t ip4 = 0x0a000000 & ~(UINT32_MAX >> len);
		double best = 1e9;

		for (unsigned i = 0; i < 3; i++) {
			double t = thread_us();

			if ((fib4 ? rte_fib_add(fib4, ip4, len, 5 + i) : rte_fib6_add(fib6, ip6, len, 5 + i)) != 0)
				abort();
			best = RTE_MIN(best, thread_us() - t);
		}
		if (fib4)
			rte_fib_delete(fib4, ip4, len);
		else
			rte_fib6_delete(fib6, ip6, len);
		worst = RTE_MAX(worst, best);
	}
	return worst;
}

static void print_fill(const char *title, const struct fib *f, struct calls c, double worst) {
	printf("%-34s %-22s %7.2f us/add, 99.99%% %.1f, max %.1f; short prefixes %.1f; %zu KiB\n", title, "fib",
		c.mean_us, c.p9999_us, c.max_us, worst, fib_bytes(f) >> 10);
}

static void perf_fib4(struct rcu *rcu, uint32_t n, bool scattered) {
	struct rte_fib_conf conf = {
		.type = RTE_FIB_DIR24_8,
		.max_routes = n + 64,
		.dir24_8 = {.nh_sz = RTE_FIB_DIR24_8_4B, .num_tbl8 = 1024},
	};
	struct fib_case c = {
		.ours = fib_create(ADDR_IPV4, n + 64, rcu),
		.fib4 = rte_fib_create("perf4", SOCKET_ID_ANY, &conf),
		.queries = malloc(QUERIES * 4),
		.queries_host = malloc(QUERIES * 4),
	};
	struct subject subjects[] = {{"fib", run_fib4, &c, {0}, {0}}, {"rte_fib", run_rte_fib4, &c, {0}, {0}}};
	uint64_t seed = 1;
	struct calls calls;
	char title[64];

	calls = fill(c.ours, rcu, ADDR_IPV4, n, scattered);
	snprintf(title, sizeof(title), "IPv4, %u %s /24", n, scattered ? "scattered" : "sequential");
	print_fill(title, c.ours, calls, worst_change_us(c.ours, rcu, ADDR_IPV4));
	if (c.fib4)
		printf("%-34s %-22s short prefixes %.0f us\n", title, "rte_fib", rte_worst_change_us(c.fib4, NULL));
	for (uint32_t i = 0; c.fib4 && i < n; i++) {
		struct prefix p = ipv4_prefix(i, scattered);

		rte_fib_add(c.fib4, addr_to_u32(&p.addr), 24, i + 1);
	}
	for (uint32_t i = 0; i < QUERIES; i++) {
		struct prefix p = ipv4_prefix(random_next(&seed) % n, scattered);

		c.queries_host[i] = addr_to_u32(&p.addr) | (random_next(&seed) & 0xff);
		c.queries[i] = rte_cpu_to_be_32(c.queries_host[i]);
	}
	compare(title, subjects, c.fib4 ? 2 : 1);
	fib_free(c.ours);
	rte_fib_free(c.fib4);
	free(c.queries);
	free(c.queries_host);
	rcu_reclaim(rcu, UINT32_MAX);
}

static void perf_fib6(struct rcu *rcu, uint32_t n, bool scattered) {
	struct rte_fib6_conf conf = {
		.type = RTE_FIB6_TRIE,
		.max_routes = n + 64,
		.trie = {.nh_sz = RTE_FIB6_TRIE_4B, .num_tbl8 = RTE_MIN(n * 5 + 4096, 1u << 19)},
	};
	struct fib_case c = {
		.ours = fib_create(ADDR_IPV6, n + 64, rcu),
		.fib6 = rte_fib6_create("perf6", SOCKET_ID_ANY, &conf),
		.queries6 = malloc(QUERIES * 16),
	};
	struct subject subjects[] = {{"fib", run_fib6, &c, {0}, {0}}, {"rte_fib6", run_rte_fib6, &c, {0}, {0}}};
	uint64_t seed = 1;
	struct calls calls;
	unsigned refused = 0;
	char title[64];

	calls = fill(c.ours, rcu, ADDR_IPV6, n, scattered);
	snprintf(title, sizeof(title), "IPv6, %u %s /64", n, scattered ? "scattered" : "sequential");
	print_fill(title, c.ours, calls, worst_change_us(c.ours, rcu, ADDR_IPV6));
	if (c.fib6)
		printf("%-34s %-22s short prefixes %.0f us\n", title, "rte_fib6", rte_worst_change_us(NULL, c.fib6));
	for (uint32_t i = 0; c.fib6 && i < n; i++) {
		struct prefix p = ipv6_prefix(i, scattered);

		refused += rte_fib6_add(c.fib6, p.addr.bytes, 64, i + 1) != 0;
	}
	if (refused)
		printf("%-34s %-22s %u routes refused\n", title, "rte_fib6", refused);
	for (uint32_t i = 0; i < QUERIES; i++) {
		struct prefix p = ipv6_prefix(random_next(&seed) % n, scattered);

		memcpy(c.queries6[i], p.addr.bytes, 16);
		c.queries6[i][15] = 1;
	}
	compare(title, subjects, c.fib6 ? 2 : 1);
	fib_free(c.ours);
	rte_fib6_free(c.fib6);
	free(c.queries6);
	rcu_reclaim(rcu, UINT32_MAX);
}

int main(int argc, char **argv) {
	static const uint32_t spokes[] = {1000, 10000, 65536}, routes[] = {1000, 10000, 100000};
	struct rcu *rcu;

	if (rte_eal_init(argc, argv) < 0 || (rcu = rcu_create(1, 1024)) == NULL)
		return 1;
	for (unsigned i = 0; i < 3; i++)
		perf_hash(spokes[i]);
	for (unsigned i = 0; i < 6; i++)
		perf_fib4(rcu, routes[i / 2], i % 2);
	for (unsigned i = 0; i < 6; i++)
		perf_fib6(rcu, routes[i / 2], i % 2);
	perf_fib4(rcu, 1000000, true);
	rcu_free(rcu);
	return 0;
}
