// SPDX-License-Identifier: BSD-3-Clause
// One writer and three readers on every table that crosses threads, for a bounded time. Every object says what it is in
// all its fields, so that a reader notices one that was torn, reused or freed under it. Built with -fsanitize=thread,
// it also shows that no word is shared without saying so.
#include "eal.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <rte_byteorder.h>

#include "clock.h"
#include "fwd.h"

#define READERS 3u
#define KEYS 64u
#define PERMANENT 16u // keys below are replaced but never absent
#define RUN_NS (1500 * NS_PER_MS)
#define TUNNEL 3u

enum { NEIGH, PEER, STATE, NH, TUNNEL_POINTER, FIB4, FIB6, STALE, CHECKS };

static struct fwd fwd;
static struct fib *fibs[2]; // IPv4, IPv6
static uint32_t stop;
static const char *complaint; // of the first reader that has one

struct reader {
	pthread_t thread;
	unsigned id;
	uint64_t seed;
	uint64_t checked[CHECKS]; // with something found
	uint32_t kept_adj, kept_gen, kept_key; // over a quiescent report
	uint32_t held_adj, held_peer; // until the next report: must stay what they are, though withdrawn
	struct adj adj_then;
	struct peer peer_then;
	const struct tunnel *held_tunnel;
};

static void complain(const char *what) {
	const char *none = NULL;

	__atomic_compare_exchange_n(&complaint, &none, what, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
}

#define CHECK(condition) \
	do { \
		if (!(condition)) \
			complain(__FILE__ ": " #condition); \
	} while (0)

static struct addr key_addr(uint32_t key) {
	return addr_ipv4(0x0a000000 + key);
}

static void adj_check(const struct adj *a, uint32_t key) {
	uint32_t magic;

	memcpy(&magic, a->gre, sizeof(magic));
	CHECK(a->iface == key % 4 && addr_to_u32(&a->protocol) == 0x0a000000 + key && magic == key * 7919);
}

static void read_neigh(struct reader *r) {
	uint32_t key = random_next(&r->seed) % KEYS;
	struct addr addr = key_addr(key);
	uint32_t adj = neigh_lookup(&fwd.neigh, key % 4, &addr), hash = neigh_hash(key % 4, &addr), candidate;

	CHECK(adj || key >= PERMANENT);
	idx_hash_candidates(fwd.neigh.hash, &hash, 1, &candidate);
	CHECK(candidate || key >= PERMANENT);
	if (candidate)
		CHECK(neigh_hash(fwd.adjs.adjs[candidate].iface, &fwd.adjs.adjs[candidate].protocol) == hash);
	if (adj == 0)
		return;
	adj_check(&fwd.adjs.adjs[adj], key);
	r->checked[NEIGH]++;
	r->held_adj = adj;
	memcpy(r->adj_then.gre, fwd.adjs.adjs[adj].gre, sizeof(r->adj_then.gre));
	r->adj_then.protocol = addr;
	r->kept_adj = adj;
	r->kept_gen = rcu_read(&fwd.adjs.adjs[adj].gen);
	r->kept_key = key;
}

// What a packet in a ring knows: index and generation from before.
static void read_stale(struct reader *r) {
	const struct adj *a = &fwd.adjs.adjs[r->kept_adj];

	if (r->kept_adj == 0 || !gen_is_current(&a->gen, r->kept_gen))
		return;
	adj_check(a, r->kept_key);
	r->checked[STALE]++;
}

static void read_state(struct reader *r) {
	struct addr addr = key_addr(random_next(&r->seed) % KEYS);
	uint32_t adj = neigh_lookup(&fwd.neigh, addr.bytes[3] % 4, &addr);
	struct adj_state s;

	if (adj == 0)
		return;
	s = adj_state_load(&fwd.adjs.adjs[adj]);
	CHECK(s.mtu == (uint16_t)s.target && s.kind == s.target % 7);
	r->checked[STATE]++;
}

static void read_peer(struct reader *r) {
	uint32_t key = random_next(&r->seed) % KEYS;
	struct addr addr = key_addr(key), found;
	uint32_t index = peer_lookup(&fwd.peers, key % 3, &addr), nh;
	const struct peer *p = peer_at(&fwd.peers, index);

	CHECK(index || key >= PERMANENT);
	if (index == 0)
		return;
	found = peer_nbma(p);
	nh = rcu_read(&p->nh);
	CHECK(addr_eq(&found, &addr) && p->endpoint == key % 3 && p->owner == key && p->ready);
	CHECK(nh > 0 && nh < 8);
	r->checked[PEER]++;
	r->held_peer = index;
	memcpy(r->peer_then.hdr, p->hdr, sizeof(p->hdr));
}

static void read_nh(struct reader *r) {
	struct nh nh = nh_load(&fwd.nhs, random_next(&r->seed) % 7 + 1);

	for (unsigned i = 1; i < 6; i++)
		CHECK(nh.mac[i] == nh.mac[0]);
	CHECK(nh.port == nh.mac[0] && nh.resolved);
	r->checked[NH]++;
}

static void read_tunnel(struct reader *r) {
	const struct tunnel *t = rcu_read(&fwd.tunnels[TUNNEL]);

	if (t == NULL)
		return;
	CHECK(t->id == TUNNEL && t->key == t->adj_local && t->mtu == (uint16_t)t->key);
	r->checked[TUNNEL_POINTER]++;
	r->held_tunnel = t;
}

// Routes: 10.k.0.0/16 and 2001:db8:k::/48 are there throughout, longer and shorter ones come and go. The adjacency says
// which route it is of: length, k, j.
#define NETS 8u

static uint32_t route_adj(unsigned len_bits, unsigned k, unsigned j) {
	return 1u << 24 | len_bits << 16 | k << 8 | j;
}

static struct prefix route(unsigned family, unsigned len_bits, unsigned k, unsigned j) {
	struct addr v4 = addr_ipv4(10u << 24 | k << 16 | j << 8 | 1);
	struct addr v6 = {ADDR_IPV6, {0x20, 0x01, 0x0d, 0xb8, 0, k, 0, j, [15] = 1}};

	return prefix_of(family ? &v6 : &v4, len_bits);
}

static const uint8_t lens[2][7] = {{16, 0, 8, 15, 17, 24, 32}, {48, 0, 32, 47, 49, 64, 128}};

static void check_route(unsigned family, uint32_t adj, unsigned k, unsigned j) {
	unsigned len = adj >> 16 & 0xff;
	bool known = false;

	for (unsigned i = 0; i < 7; i++)
		known |= lens[family][i] == len;
	CHECK(known && adj >> 24 == 1);
	CHECK(len >= lens[family][0]); // never a shorter one, nor none
	CHECK((adj >> 8 & 0xff) == k);
	CHECK(len <= lens[family][4] || (adj & 0xff) == j);
}

static void read_fib(struct reader *r, unsigned family) {
	struct addr addrs[20];
	const uint8_t *pointers[20];
	uint32_t v4[20], adjs[20];
	uint64_t seed = random_next(&r->seed);

	for (unsigned i = 0; i < 20; i++) {
		addrs[i] = route(family, family ? 128 : 32, (seed + i) % NETS, seed % 5).addr;
		addrs[i].bytes[family ? 15 : 3] = seed >> 8 & 1;
		pointers[i] = addrs[i].bytes;
		memcpy(&v4[i], addrs[i].bytes, 4);
	}
	if (family)
		fib_lookup_ipv6(rcu_read(&fwd.vrfs[0].fib_ipv6), pointers, 20, adjs);
	else
		fib_lookup_ipv4(rcu_read(&fwd.vrfs[0].fib_ipv4), v4, 20, adjs);
	for (unsigned i = 0; i < 20; i++)
		check_route(family, adjs[i], (seed + i) % NETS, seed % 5);
	r->checked[FIB4 + family]++;
}

// Before the report: what was found since the last one is all there still.
static void check_held(struct reader *r) {
	const struct adj *a = &fwd.adjs.adjs[r->held_adj];
	const struct peer *p = peer_at(&fwd.peers, r->held_peer);

	if (r->held_adj)
		CHECK(memcmp(a->gre, r->adj_then.gre, sizeof(a->gre)) == 0 &&
			addr_eq(&a->protocol, &r->adj_then.protocol));
	if (r->held_peer)
		CHECK(memcmp(p->hdr, r->peer_then.hdr, sizeof(p->hdr)) == 0);
	if (r->held_tunnel)
		CHECK(r->held_tunnel->id == TUNNEL && r->held_tunnel->key == r->held_tunnel->adj_local);
	r->held_adj = r->held_peer = 0;
	r->held_tunnel = NULL;
}

static void *reader_run(void *arg) {
	struct reader *r = arg;

	rcu_reader_online(fwd.rcu, r->id);
	for (uint64_t turn = 1; !__atomic_load_n(&stop, __ATOMIC_RELAXED); turn++) {
		read_stale(r);
		read_neigh(r);
		read_state(r);
		read_peer(r);
		read_nh(r);
		read_tunnel(r);
		read_fib(r, 0);
		read_fib(r, 1);
		if (turn % 100 == 0)
			sched_yield(); // a section that lasts, for whoever reuses what it holds
		if (turn % 4 == 0) {
			check_held(r);
			rcu_quiescent(fwd.rcu, r->id);
		}
		if (turn % 1000 == 0) { // as if it slept
			rcu_reader_offline(fwd.rcu, r->id);
			sched_yield();
			rcu_reader_online(fwd.rcu, r->id);
		}
	}
	check_held(r);
	rcu_reader_offline(fwd.rcu, r->id);
	return NULL;
}

// The writer. Each change either happens whole or, with the defer queue full, not at all.
static uint32_t adj_of[KEYS], peer_of[KEYS];

static void state_write(uint32_t adj, uint32_t value) {
	adj_state_store(&fwd.adjs.adjs[adj], (struct adj_state){.target = value, .mtu = value, .kind = value % 7});
}

static void write_neigh(uint32_t key, bool present, uint64_t random) {
	uint32_t old = adj_of[key], adj = 0, magic = key * 7919;
	struct adj *a;

	if (!rcu_room(fwd.rcu, 1))
		return;
	if (present) {
		adj = adj_alloc(&fwd.adjs);
		if (adj == 0)
			return;
		a = &fwd.adjs.adjs[adj];
		a->iface = key % 4;
		a->protocol = key_addr(key);
		memcpy(a->gre, &magic, sizeof(magic));
		state_write(adj, random);
		assert_int_equal(neigh_add(&fwd.neigh, adj), 0);
	} else if (old) {
		assert_int_equal(neigh_del(&fwd.neigh, old), 0);
	}
	if (old)
		assert_int_equal(adj_free(&fwd.adjs, fwd.rcu, old), 0);
	adj_of[key] = adj;
}

static void write_peer(uint32_t key, bool present) {
	struct addr addr = key_addr(key), local = addr_ipv4(0xc0000201);
	uint32_t old = peer_of[key], index = 0, hash = peer_hash(key % 3, &addr);
	struct peer *p;

	if (!rcu_room(fwd.rcu, 1))
		return;
	if (present) {
		index = peer_alloc(&fwd.peers);
		if (index == 0)
			return;
		p = peer_at(&fwd.peers, index);
		peer_template(p, &local, &addr);
		p->endpoint = key % 3;
		p->owner = key;
		p->ready = true;
		rcu_publish(&p->nh, key % 7 + 1);
		assert_int_equal(old ? idx_hash_replace(fwd.peers.by_nbma, hash, old, index)
				     : idx_hash_insert(fwd.peers.by_nbma, hash, index),
			0);
	} else if (old) {
		assert_int_equal(idx_hash_remove(fwd.peers.by_nbma, hash, old), 0);
	}
	if (old)
		assert_int_equal(peer_free(&fwd.peers, fwd.rcu, old), 0);
	peer_of[key] = index;
}

static void write_nh(uint32_t index, uint8_t value) {
	struct nh nh = {.port = value, .resolved = true};

	memset(nh.mac, value, sizeof(nh.mac));
	nh_store(&fwd.nhs, index, nh);
}

static void tunnel_reclaim(void *arg, uint64_t n) {
	memset(arg, (int)n, sizeof(struct tunnel)); // poison
	free(arg);
}

static void write_tunnel(uint32_t value) {
	const struct tunnel *old = fwd.tunnels[TUNNEL];
	struct tunnel *t;

	if (!rcu_room(fwd.rcu, 1))
		return;
	t = aligned_alloc(64, sizeof(*t));
	*t = (struct tunnel){.id = TUNNEL, .mtu = value, .key = value, .adj_local = value};
	rcu_publish(&fwd.tunnels[TUNNEL], t);
	if (old)
		assert_int_equal(rcu_defer(fwd.rcu, tunnel_reclaim, (void *)(uintptr_t)old, 0x5a), 0);
}

static void write_fib(unsigned family, uint64_t random) {
	unsigned i = random % 7, k = (random >> 8) % NETS, j = (random >> 16) % 5;
	struct prefix p = route(family, lens[family][i], k, j);
	uint32_t adj = route_adj(lens[family][i], k, j);
	int rc;

	if (i == 0 || (random >> 24) % 2)
		rc = fib_add(fibs[family], &p, adj);
	else
		rc = fib_del(fibs[family], &p);
	assert_true(rc == 0 || rc == -ENOENT || rc == -ENOSPC);
}

static uint64_t write_all(void) {
	uint64_t until = clock_now_ns() + RUN_NS, turn, seed = 99;

	for (turn = 0; clock_now_ns() < until; turn++) {
		uint64_t random = random_next(&seed);
		uint32_t key = random % KEYS;

		write_neigh(key, key < PERMANENT || random >> 32 & 1, random >> 8);
		write_peer(key, key < PERMANENT || random >> 33 & 1);
		if (adj_of[random >> 40 & (KEYS - 1)])
			state_write(adj_of[random >> 40 & (KEYS - 1)], random >> 16);
		if (peer_of[key])
			rcu_publish(&peer_at(&fwd.peers, peer_of[key])->nh, (random >> 20) % 7 + 1);
		write_nh(key % 7 + 1, random >> 12);
		write_tunnel(random >> 24);
		write_fib(0, random_next(&seed));
		write_fib(1, random_next(&seed));
		rcu_reclaim(fwd.rcu, 16);
	}
	return turn;
}

static void start_state(void) {
	for (uint32_t key = 0; key < KEYS; key++) {
		write_neigh(key, true, key);
		write_peer(key, true);
	}
	for (unsigned i = 1; i < 8; i++)
		write_nh(i, i);
	for (unsigned family = 0; family < 2; family++) {
		fibs[family] = fib_create(family ? ADDR_IPV6 : ADDR_IPV4, 1000, fwd.rcu);
		for (unsigned k = 0; k < NETS; k++) {
			struct prefix p = route(family, lens[family][0], k, 0);

			assert_int_equal(fib_add(fibs[family], &p, route_adj(lens[family][0], k, 0)), 0);
		}
	}
	rcu_publish(&fwd.vrfs[0].fib_ipv4, fibs[0]);
	rcu_publish(&fwd.vrfs[0].fib_ipv6, fibs[1]);
}

static void readers_never_see_what_is_not_there(void **state) {
	struct fwd_sizes sizes = {.max_spokes = 2 * KEYS, .max_adjs = 2 * KEYS + 1, .n_workers = READERS};
	static struct reader readers[READERS];
	uint64_t turns;

	(void)state;
	assert_int_equal(fwd_init(&fwd, &sizes), 0);
	start_state();
	for (unsigned i = 0; i < READERS; i++) {
		readers[i].id = i;
		readers[i].seed = i;
		assert_int_equal(pthread_create(&readers[i].thread, NULL, reader_run, &readers[i]), 0);
	}
	turns = write_all();
	__atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
	for (unsigned i = 0; i < READERS; i++) {
		assert_int_equal(pthread_join(readers[i].thread, NULL), 0);
		for (unsigned c = 0; c < CHECKS; c++)
			assert_int_not_equal(readers[i].checked[c], 0);
		print_message("reader %u: %lu bursts IPv4, %lu neighbours, %lu kept over a report\n", i,
			(unsigned long)readers[i].checked[FIB4], (unsigned long)readers[i].checked[NEIGH],
			(unsigned long)readers[i].checked[STALE]);
	}
	print_message("writer: %lu turns\n", (unsigned long)turns);
	assert_true(turns > 100);
	if (complaint)
		fail_msg("%s", complaint);
	assert_true(rcu_reclaim(fwd.rcu, UINT32_MAX) < UINT32_MAX);
	assert_int_equal(rcu_deferred(fwd.rcu), 0);
	free((void *)(uintptr_t)fwd.tunnels[TUNNEL]);
	fwd_fini(&fwd);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(readers_never_see_what_is_not_there),
	};

	if (eal_start("nave-test-stress") < 0)
		return 1;
	return cmocka_run_group_tests_name("stress", tests, NULL, NULL);
}
