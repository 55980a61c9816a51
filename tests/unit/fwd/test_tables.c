// SPDX-License-Identifier: BSD-3-Clause
// Adjacencies, peers, next hops and neighbours: allocation, grace periods, generations, keys.
#include "eal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "fwd.h"
#include "lcore_ctx.h"

static int setup(void **state) {
	static struct fwd f;
	struct fwd_sizes sizes = {.max_spokes = 64, .max_adjs = 100, .n_workers = 2};

	*state = &f;
	return fwd_init(&f, &sizes);
}

static int teardown(void **state) {
	fwd_fini(*state);
	return 0;
}

static void adjacencies_come_back_after_a_grace_period(void **state) {
	struct fwd *f = *state;
	uint32_t index = adj_alloc(&f->adjs), gen, other;

	assert_int_not_equal(index, 0);
	gen = f->adjs.adjs[index].gen;
	assert_true(gen_is_current(&f->adjs.adjs[index].gen, gen));
	f->adjs.adjs[index].protocol = addr_ipv4(0x0a000001);
	rcu_reader_online(f->rcu, 1);
	assert_int_equal(adj_free(&f->adjs, f->rcu, index), 0);
	assert_false(gen_is_current(&f->adjs.adjs[index].gen, gen)); // withdrawn: stale at once
	assert_int_equal(rcu_reclaim(f->rcu, 10), 0);
	while ((other = adj_alloc(&f->adjs)) != 0)
		assert_int_not_equal(other, index);
	assert_int_equal(addr_to_u32(&f->adjs.adjs[index].protocol), 0x0a000001); // its readers still have all of it
	rcu_quiescent(f->rcu, 1);
	assert_int_equal(rcu_reclaim(f->rcu, 10), 1);
	assert_int_equal(adj_alloc(&f->adjs), index);
	assert_true(addr_is_zero(&f->adjs.adjs[index].protocol));
	assert_false(gen_is_current(&f->adjs.adjs[index].gen, gen));
}

// A reader that still held the slot when it was withdrawn may stamp the generation of the dead slot.
static void a_stamp_of_a_dead_slot_stays_stale(void **state) {
	struct fwd *f = *state;
	uint32_t index = adj_alloc(&f->adjs), stamped;

	assert_int_equal(adj_free(&f->adjs, f->rcu, index), 0);
	stamped = f->adjs.adjs[index].gen;
	assert_false(gen_is_current(&f->adjs.adjs[index].gen, stamped));
	rcu_reclaim(f->rcu, 10);
	assert_false(gen_is_current(&f->adjs.adjs[index].gen, stamped));
	assert_int_equal(adj_alloc(&f->adjs), index);
	assert_false(gen_is_current(&f->adjs.adjs[index].gen, stamped));
	assert_true(gen_is_current(&f->adjs.adjs[index].gen, f->adjs.adjs[index].gen));
}

static void the_adjacency_table_has_an_end(void **state) {
	struct fwd *f = *state;
	uint32_t n = 0;

	while (adj_alloc(&f->adjs))
		n++;
	assert_int_equal(n, 99); // index 0 is never used
	assert_int_equal(f->adjs.used, 99);
}

static void adjacency_state_is_one_word(void **state) {
	struct fwd *f = *state;
	struct adj *a = &f->adjs.adjs[adj_alloc(&f->adjs)];
	struct adj_state s = {.target = 0x01020304, .mtu = 1400, .kind = ADJ_TUNNEL};

	assert_int_equal(adj_state_load(a).kind, ADJ_INCOMPLETE);
	adj_state_store(a, s);
	s = adj_state_load(a);
	assert_int_equal(s.target, 0x01020304);
	assert_int_equal(s.mtu, 1400);
	assert_int_equal(s.kind, ADJ_TUNNEL);
}

static uint32_t peer_make(struct fwd *f, uint16_t endpoint, const char *local, const char *nbma) {
	uint32_t index = peer_alloc(&f->peers);
	struct addr l, n;

	assert_int_not_equal(index, 0);
	assert_int_equal(addr_parse(local, &l), 0);
	assert_int_equal(addr_parse(nbma, &n), 0);
	peer_at(&f->peers, index)->endpoint = endpoint;
	peer_template(peer_at(&f->peers, index), &l, &n);
	assert_int_equal(idx_hash_insert(f->peers.by_nbma, peer_hash(endpoint, &n), index), 0);
	return index;
}

static uint32_t peer_known(const struct fwd *f, uint16_t endpoint, const char *nbma) {
	struct addr a;

	assert_int_equal(addr_parse(nbma, &a), 0);
	return peer_lookup(&f->peers, endpoint, &a);
}

static void peers_may_live_beside_something_else(void **state) {
	struct fwd *f = *state;
	const size_t stride = 3 * sizeof(struct peer);
	uint32_t a = peer_make(f, 1, "192.0.2.1", "198.51.100.7"), gen = peer_at(&f->peers, a)->gen, b;
	uint8_t *lines = aligned_alloc(64, f->peers.max * stride);

	assert_non_null(lines);
	memset(lines, 0, f->peers.max * stride);
	peer_table_move(&f->peers, lines, stride);
	assert_int_equal(peer_known(f, 1, "198.51.100.7"), a);
	assert_int_equal(peer_at(&f->peers, a)->gen, gen);
	assert_ptr_equal(peer_at(&f->peers, a), lines + a * stride);
	b = peer_make(f, 2, "192.0.2.2", "198.51.100.8"); // from the list of the free ones, which came along
	assert_int_not_equal(b, a);
	assert_int_equal(peer_known(f, 2, "198.51.100.8"), b);
	for (uint32_t i = 0; i < f->peers.max; i++) // and nothing beside them was touched
		for (size_t k = sizeof(struct peer); k < stride; k++)
			assert_int_equal(lines[i * stride + k], 0);
	fwd_fini(f);
	free(lines);
	assert_int_equal(fwd_init(f, &(struct fwd_sizes){.max_spokes = 16, .n_workers = 1}), 0); // for the fixture
}

static void peers_are_found_by_endpoint_and_nbma_address(void **state) {
	struct fwd *f = *state;
	uint32_t a = peer_make(f, 1, "192.0.2.1", "198.51.100.7"), b = peer_make(f, 2, "192.0.2.2", "198.51.100.7");
	uint32_t c = peer_make(f, 1, "2001:db8::1", "2001:db8::c633:6407");
	struct addr nbma;

	assert_int_equal(peer_known(f, 1, "198.51.100.7"), a);
	assert_int_equal(peer_known(f, 2, "198.51.100.7"), b);
	assert_int_equal(peer_known(f, 3, "198.51.100.7"), 0);
	assert_int_equal(peer_known(f, 1, "2001:db8::c633:6407"), c);
	assert_int_equal(peer_known(f, 1, "2001:db8::c633:6408"), 0);
	addr_parse("198.51.100.7", &nbma);
	assert_int_equal(peer_hash(1, &nbma), peer_hash_ipv4(1, inet_addr("198.51.100.7")));
	nbma = peer_nbma(peer_at(&f->peers, c));
	assert_int_equal(nbma.family, ADDR_IPV6);
	assert_int_equal(peer_lookup(&f->peers, 1, &nbma), c);
}

// Bytes written out by hand; RFC 791 checksum of the empty IPv4 packet computed with another tool.
static void templates_are_outer_headers(void **state) {
	static const uint8_t v4[20] = {
		0x45, 0, 0, 20, 0, 0, 0x40, 0, 64, 47, 0x4e, 0x7f, 192, 0, 2, 1, 198, 51, 100, 7};
	static const uint8_t v6[40] = {0x60, 0, 0, 0, 0, 0, 47, 64, 0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0,
		0, 0, 1, 0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2};
	struct fwd *f = *state;
	const struct peer *p = peer_at(&f->peers, peer_make(f, 1, "192.0.2.1", "198.51.100.7"));

	assert_int_equal(p->hdr_len_bytes, 20);
	assert_int_equal(p->family, ADDR_IPV4);
	assert_memory_equal(p->hdr, v4, sizeof(v4));
	p = peer_at(&f->peers, peer_make(f, 1, "2001:db8::1", "2001:db8::2"));
	assert_int_equal(p->hdr_len_bytes, 40);
	assert_int_equal(p->family, ADDR_IPV6);
	assert_memory_equal(p->hdr, v6, sizeof(v6));
}

static void peers_come_back_after_a_grace_period(void **state) {
	struct fwd *f = *state;
	uint32_t index = peer_make(f, 1, "192.0.2.1", "198.51.100.7"), gen = peer_at(&f->peers, index)->gen;
	struct addr nbma = peer_nbma(peer_at(&f->peers, index));

	rcu_reader_online(f->rcu, 0);
	assert_int_equal(idx_hash_remove(f->peers.by_nbma, peer_hash(1, &nbma), index), 0);
	assert_int_equal(peer_free(&f->peers, f->rcu, index), 0);
	assert_int_equal(peer_known(f, 1, "198.51.100.7"), 0);
	assert_false(gen_is_current(&peer_at(&f->peers, index)->gen, gen));
	assert_int_not_equal(peer_alloc(&f->peers), index);
	assert_true(peer_matches(peer_at(&f->peers, index), 1, &nbma));
	rcu_quiescent(f->rcu, 0);
	assert_int_equal(rcu_reclaim(f->rcu, 10), 1);
	assert_int_equal(peer_alloc(&f->peers), index);
	assert_int_equal(peer_at(&f->peers, index)->hdr_len_bytes, 0);
	assert_int_equal(peer_at(&f->peers, index)->nh, 0);
}

static uint32_t neigh_make(struct fwd *f, uint16_t iface, const char *protocol) {
	uint32_t index = adj_alloc(&f->adjs);
	struct adj *a = &f->adjs.adjs[index];

	a->iface = iface;
	assert_int_equal(addr_parse(protocol, &a->protocol), 0);
	assert_int_equal(neigh_add(&f->neigh, index), 0);
	return index;
}

static void neighbours_are_found_by_interface_and_protocol_address(void **state) {
	struct fwd *f = *state;
	uint32_t a = neigh_make(f, 1, "10.255.0.11"), b = neigh_make(f, IFACE_PORT_BASE, "10.255.0.11");
	uint32_t c = neigh_make(f, 1, "2001:db8:ff::b");
	struct addr v4, v6;

	addr_parse("10.255.0.11", &v4);
	addr_parse("2001:db8:ff::b", &v6);
	assert_int_equal(neigh_lookup(&f->neigh, 1, &v4), a);
	assert_int_equal(neigh_lookup(&f->neigh, IFACE_PORT_BASE, &v4), b);
	assert_int_equal(neigh_lookup(&f->neigh, 2, &v4), 0);
	assert_int_equal(neigh_lookup(&f->neigh, 1, &v6), c);
	assert_int_equal(neigh_lookup(&f->neigh, 2, &v6), 0);
	assert_int_equal(neigh_hash(1, &v4), neigh_hash_ipv4(1, inet_addr("10.255.0.11")));
	assert_true(neigh_matches_ipv4(&f->adjs.adjs[a], 1, inet_addr("10.255.0.11")));
	assert_false(neigh_matches_ipv4(&f->adjs.adjs[b], 1, inet_addr("10.255.0.11")));
	assert_false(neigh_matches_ipv4(&f->adjs.adjs[c], 1, inet_addr("10.255.0.11")));
	assert_int_equal(neigh_add(&f->neigh, a), 0); // again: no second entry
	assert_int_equal(neigh_del(&f->neigh, a), 0);
	assert_int_equal(neigh_del(&f->neigh, a), -ENOENT);
	assert_int_equal(neigh_lookup(&f->neigh, 1, &v4), 0);
}

static void a_neighbour_is_replaced_by_one_store(void **state) {
	struct fwd *f = *state;
	uint32_t a = neigh_make(f, 1, "10.255.0.11"), b = neigh_make(f, 1, "10.255.0.11");
	struct addr v4;

	addr_parse("10.255.0.11", &v4);
	assert_int_not_equal(a, b);
	assert_int_equal(neigh_lookup(&f->neigh, 1, &v4), b);
	assert_int_equal(neigh_del(&f->neigh, a), -ENOENT);
	assert_int_equal(neigh_del(&f->neigh, b), 0);
	assert_int_equal(neigh_lookup(&f->neigh, 1, &v4), 0);
}

static void next_hops_are_one_word(void **state) {
	struct fwd *f = *state;
	struct nh nh = {{2, 0, 0, 0, 0, 9}, 3, true};

	assert_false(nh_load(&f->nhs, 5).resolved);
	nh_store(&f->nhs, 5, nh);
	nh = nh_load(&f->nhs, 5);
	assert_int_equal(nh.mac[0], 2);
	assert_int_equal(nh.mac[5], 9);
	assert_int_equal(nh.port, 3);
	assert_true(nh.resolved);
}

static void everything_has_a_name(void **state) {
	(void)state;
	for (unsigned i = 0; i < DROP_REASON_COUNT; i++) {
		assert_string_not_equal(drop_reason_name(i), "unknown");
		assert_true(strlen(drop_reason_help(i)) > 5);
	}
	for (unsigned i = 0; i < PUNT_CLASSES; i++)
		assert_string_not_equal(punt_class_name(i), "unknown");
	for (unsigned i = 0; i < STAGE_COUNT; i++)
		assert_string_not_equal(stage_name(i), "unknown");
	assert_string_equal(drop_reason_name(DROP_NO_ROUTE), "no_route");
	assert_string_equal(drop_reason_name(DROP_REASON_COUNT), "unknown");
	assert_string_equal(punt_class_name(PUNT_NHRP), "nhrp");
	assert_string_equal(stage_name(STAGE_ROUTE), "route");
}

static uint64_t bytes_at(uint32_t max_spokes) {
	static struct fwd f;
	struct fwd_sizes sizes = {.max_spokes = max_spokes, .n_workers = 2};
	uint64_t bytes;

	assert_int_equal(fwd_init(&f, &sizes), 0);
	bytes = fwd_bytes(&f);
	for (uint32_t i = 0; i < max_spokes; i++) { // room for every spoke, and for its next hop
		uint32_t adj = adj_alloc(&f.adjs);

		f.adjs.adjs[adj].iface = 1;
		f.adjs.adjs[adj].protocol = addr_ipv4(0x0a000000 + i);
		assert_int_equal(neigh_add(&f.neigh, adj), 0);
		assert_int_not_equal(peer_alloc(&f.peers), 0);
	}
	fwd_fini(&f);
	return bytes;
}

// The hub's goal is 2 KiB a spoke; counters (32 bytes a worker and peer) and the binding come on top of this.
static void a_spoke_takes_few_bytes(void **state) {
	uint64_t bytes = (bytes_at(65536) - bytes_at(1024)) / (65536 - 1024);

	(void)state;
	print_message("%lu bytes a spoke in lib/fwd\n", (unsigned long)bytes);
	assert_in_range(bytes, 64 + 64, 512);
}

#define WITH_FWD(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int main(void) {
	const struct CMUnitTest tests[] = {
		WITH_FWD(adjacencies_come_back_after_a_grace_period),
		WITH_FWD(a_stamp_of_a_dead_slot_stays_stale),
		WITH_FWD(the_adjacency_table_has_an_end),
		WITH_FWD(adjacency_state_is_one_word),
		WITH_FWD(peers_may_live_beside_something_else),
		WITH_FWD(peers_are_found_by_endpoint_and_nbma_address),
		WITH_FWD(templates_are_outer_headers),
		WITH_FWD(peers_come_back_after_a_grace_period),
		WITH_FWD(neighbours_are_found_by_interface_and_protocol_address),
		WITH_FWD(a_neighbour_is_replaced_by_one_store),
		WITH_FWD(next_hops_are_one_word),
		cmocka_unit_test(everything_has_a_name),
		cmocka_unit_test(a_spoke_takes_few_bytes),
	};

	if (eal_start("nave-test-tables") < 0)
		return 1;
	return cmocka_run_group_tests_name("tables", tests, NULL, NULL);
}
