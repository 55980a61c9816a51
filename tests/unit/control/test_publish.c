// SPDX-License-Identifier: BSD-3-Clause
// Bindings, routes and adjacencies over the real tables.
#include "publish_fixture.h"

static void connected_prefixes_glean_and_own_addresses_are_local(void **state) {
	struct hub *h = *state;

	assert_int_equal(state_of(h, looked_up(h, "10.255.0.1")).kind, ADJ_LOCAL);
	assert_int_equal(looked_up(h, "10.255.0.1"), h->fwd.tunnels[0]->adj_local);
	assert_int_equal(state_of(h, looked_up(h, "10.255.77.7")).kind, ADJ_GLEAN);
	assert_int_equal(h->fwd.adjs.adjs[looked_up(h, "10.255.77.7")].iface, 0);
	assert_int_equal(state_of(h, looked_up(h, "2001:db8:ff::1")).kind, ADJ_LOCAL);
	assert_int_equal(state_of(h, looked_up(h, "2001:db8:ff::77")).kind, ADJ_GLEAN);
	assert_int_equal(state_of(h, looked_up(h, "172.16.0.1")).kind, ADJ_LOCAL);
	assert_int_equal(h->fwd.adjs.adjs[looked_up(h, "172.16.0.9")].iface, iface_of_port(LAN));
	assert_int_equal(looked_up(h, "192.0.2.7"), FIB_MISS); // the underlay is not for inner packets
	assert_int_equal(looked_up(h, "8.8.8.8"), FIB_MISS);
}

static void registration_completes_the_adjacency_of_an_earlier_route(void **state) {
	struct hub *h = *state;
	struct binding b = binding_of("10.255.0.11", "198.51.100.11");
	uint32_t adj;
	struct addr nbma;

	assert_int_equal(route_via(h, "10.1.0.0/16", "10.255.0.11", 0), 0);
	adj = looked_up(h, "10.1.2.3");
	assert_int_equal(state_of(h, adj).kind, ADJ_INCOMPLETE);
	assert_int_equal(publish_binding(h->publish, &b), 0);
	assert_int_equal(b.adj, adj);
	assert_int_equal(looked_up(h, "10.1.2.3"), adj);
	assert_int_equal(state_of(h, adj).kind, ADJ_TUNNEL);
	assert_int_equal(state_of(h, adj).target, b.peer);
	nbma = peer_nbma(peer_line(h, b.peer));
	assert_true(addr_eq(&nbma, &b.nbma));
	assert_int_equal(neigh_lookup(&h->fwd.neigh, 0, &b.prefix.addr), adj);
	assert_int_equal(publish_binding_withdraw(h->publish, &b), 0);
	assert_int_equal(b.adj, 0);
	assert_int_equal(looked_up(h, "10.1.2.3"), adj); // the route stays, and waits
	assert_int_equal(state_of(h, adj).kind, ADJ_INCOMPLETE);
	assert_int_equal(peer_lookup(&h->fwd.peers, 0, &nbma), 0);
}

static void a_later_route_takes_the_adjacency_that_is_there(void **state) {
	struct hub *h = *state;
	struct binding b = binding_of("10.255.0.11", "198.51.100.11");
	struct prefix p = net("10.1.0.0/16");

	assert_int_equal(publish_binding(h->publish, &b), 0);
	assert_int_equal(route_via(h, "10.1.0.0/16", "10.255.0.11", 0), 0);
	assert_int_equal(looked_up(h, "10.1.2.3"), b.adj);
	assert_int_equal(publish_route_withdraw(h->publish, 0, &p), 0);
	assert_int_equal(looked_up(h, "10.1.2.3"), FIB_MISS);
	assert_int_equal(state_of(h, b.adj).kind, ADJ_TUNNEL);
	assert_int_equal(publish_route_withdraw(h->publish, 0, &p), -ENOENT);
}

static void a_move_repoints_the_adjacency_and_leaves_the_old_peer_whole_for_its_readers(void **state) {
	struct hub *h = *state;
	struct binding b = binding_of("10.255.0.11", "198.51.100.11");
	uint32_t adj, old, used = h->fwd.peers.used;
	struct addr was = ip("198.51.100.11"), nbma;

	assert_int_equal(publish_binding(h->publish, &b), 0);
	adj = b.adj;
	old = b.peer;
	rcu_reader_online(h->fwd.rcu, 1);
	b.nbma = ip("198.51.100.99");
	assert_int_equal(publish_binding(h->publish, &b), 0);
	assert_int_equal(b.adj, adj);
	assert_int_not_equal(b.peer, old);
	assert_int_equal(state_of(h, adj).target, b.peer);
	assert_int_equal(peer_lookup(&h->fwd.peers, 0, &was), 0);
	publish_turn(h->publish, 1);
	nbma = peer_nbma(peer_line(h, old));
	assert_true(addr_eq(&nbma, &was)); // a reader may still be at it
	rcu_quiescent(h->fwd.rcu, 1);
	publish_turn(h->publish, 2);
	assert_int_equal(h->fwd.peers.used, used + 1);
	rcu_reader_offline(h->fwd.rcu, 1);
}

static void two_families_of_one_spoke_share_its_peer(void **state) {
	struct hub *h = *state;
	struct binding v4 = binding_of("10.255.0.11", "198.51.100.11"),
		       v6 = binding_of("2001:db8:ff::11", "198.51.100.11");
	uint32_t peer;

	assert_int_equal(publish_binding(h->publish, &v4), 0);
	assert_int_equal(publish_binding(h->publish, &v6), 0);
	assert_int_equal(v4.peer, v6.peer);
	assert_int_not_equal(v4.adj, v6.adj);
	peer = v6.peer;
	assert_int_equal(publish_binding_withdraw(h->publish, &v4), 0);
	assert_int_equal(peer_lookup(&h->fwd.peers, 0, &v6.nbma), peer);
	assert_int_equal(state_of(h, v6.adj).kind, ADJ_TUNNEL);
	assert_int_equal(publish_binding_withdraw(h->publish, &v6), 0);
	assert_int_equal(peer_lookup(&h->fwd.peers, 0, &v6.nbma), 0);
}

static void a_prefix_or_a_host_outside_the_subnet_gets_a_route(void **state) {
	struct hub *h = *state;
	struct binding wide = binding_of("10.9.0.0/16", "198.51.100.11"),
		       far = binding_of("10.77.0.1", "198.51.100.12");

	assert_int_equal(publish_binding(h->publish, &wide), 0);
	assert_int_equal(publish_binding(h->publish, &far), 0);
	assert_int_equal(looked_up(h, "10.9.3.4"), wide.adj);
	assert_int_equal(looked_up(h, "10.77.0.1"), far.adj);
	assert_int_equal(publish_binding_withdraw(h->publish, &wide), 0);
	assert_int_equal(publish_binding_withdraw(h->publish, &far), 0);
	assert_int_equal(looked_up(h, "10.9.3.4"), FIB_MISS);
	assert_int_equal(looked_up(h, "10.77.0.1"), FIB_MISS);
}

// The class is a route inside the connected prefix, in front of its glean: it must not cover what others registered.
static void a_host_inside_the_class_of_another_keeps_its_own_way(void **state) {
	struct hub *h = *state;
	struct binding wide = binding_of("10.255.128.0/17", "198.51.100.11"),
		       host = binding_of("10.255.200.1", "198.51.100.12");

	assert_int_equal(publish_binding(h->publish, &wide), 0);
	assert_int_equal(publish_binding(h->publish, &host), 0);
	assert_int_equal(looked_up(h, "10.255.200.1"), host.adj);
	assert_int_equal(looked_up(h, "10.255.200.2"), wide.adj);
	assert_int_equal(publish_binding_withdraw(h->publish, &host), 0);
	assert_int_equal(looked_up(h, "10.255.200.1"), wide.adj);
	assert_int_equal(publish_binding_withdraw(h->publish, &wide), 0);
	assert_int_equal(state_of(h, looked_up(h, "10.255.200.1")).kind, ADJ_GLEAN);
}

static void a_static_route_is_not_replaced_by_a_registration(void **state) {
	struct hub *h = *state;
	struct binding wide = binding_of("10.9.0.0/16", "198.51.100.11");
	uint32_t adj;

	assert_int_equal(route_via(h, "10.9.0.0/16", "10.255.0.20", 0), 0);
	adj = looked_up(h, "10.9.3.4");
	assert_int_equal(publish_binding(h->publish, &wide), 0);
	assert_int_equal(looked_up(h, "10.9.3.4"), adj);
	assert_int_equal(publish_binding_withdraw(h->publish, &wide), 0);
	assert_int_equal(looked_up(h, "10.9.3.4"), adj);
}

static void connected_routes_are_not_for_others(void **state) {
	struct hub *h = *state;
	struct prefix subnet = net("10.255.0.0/16"), own = net("10.255.0.1/32");

	assert_int_equal(route_via(h, "10.255.0.0/16", "10.255.0.11", 0), -EEXIST);
	assert_int_equal(publish_route_withdraw(h->publish, 0, &subnet), -EEXIST);
	assert_int_equal(publish_route_withdraw(h->publish, 0, &own), -EEXIST);
	assert_int_equal(route_via(h, "10.3.0.0/16", "10.255.0.11", 7), -EINVAL); // no such tunnel
}

static void blackholes_and_replaced_routes(void **state) {
	struct hub *h = *state;
	struct prefix p = net("10.0.0.0/8");
	uint32_t used;

	assert_int_equal(publish_route(h->publish, 0, &p, PUBLISH_BLACKHOLE, NULL, 0), 0);
	assert_int_equal(state_of(h, looked_up(h, "10.200.0.1")).kind, ADJ_BLACKHOLE);
	used = h->fwd.adjs.used;
	assert_int_equal(route_via(h, "10.0.0.0/8", "10.255.0.11", 0), 0);
	assert_int_equal(h->fwd.adjs.used, used + 1);
	assert_int_equal(publish_route(h->publish, 0, &p, PUBLISH_UNREACHABLE, NULL, 0), 0);
	assert_int_equal(state_of(h, looked_up(h, "10.200.0.1")).kind, ADJ_UNREACHABLE);
	publish_turn(h->publish, 1);
	assert_int_equal(h->fwd.adjs.used, used); // the adjacency of nobody is gone
}

static void effective_mtu_is_the_smallest_of_tunnel_path_and_client(void **state) {
	struct hub *h = *state;
	struct binding b = binding_of("10.255.0.11", "198.51.100.11"),
		       small = binding_of("10.255.0.12", "198.51.100.12");
	struct binding silly = binding_of("10.255.0.13", "198.51.100.13");
	struct fwd_port narrow = {.present = true, .mtu = 1000, .name = "wan1"};
	struct addr own = ip("203.0.113.1");
	struct publish_tunnel t = {.rt = {.id = 1, .mtu = 1400}};
	struct binding thin = binding_of("10.77.0.1", "203.0.113.7");

	small.mtu = 1300;
	silly.mtu = 100;
	assert_int_equal(publish_binding(h->publish, &b), 0);
	assert_int_equal(publish_binding(h->publish, &small), 0);
	assert_int_equal(publish_binding(h->publish, &silly), 0);
	assert_int_equal(state_of(h, b.adj).mtu, 1400);
	assert_int_equal(state_of(h, small.adj).mtu, 1300);
	assert_int_equal(state_of(h, silly.adj).mtu, 1400);
	assert_int_equal(publish_port(h->publish, 2, &narrow), 0);
	assert_int_equal(publish_port_addr(h->publish, 2, &own, 24), 0);
	t.rt.endpoint = publish_endpoint(h->publish, &own, 2);
	assert_int_equal(publish_tunnel(h->publish, &t), 0);
	thin.tunnel = 1;
	assert_int_equal(publish_binding(h->publish, &thin), 0);
	assert_int_equal(state_of(h, thin.adj).mtu, 1000 - 20 - 4); // no key
}

static void gre_bytes_carry_the_key(void **state) {
	struct hub *h = *state;
	struct binding b = binding_of("10.255.0.11", "198.51.100.11");
	const struct adj *a;

	assert_int_equal(publish_binding(h->publish, &b), 0);
	a = &h->fwd.adjs.adjs[b.adj];
	assert_int_equal(a->gre_len_bytes, 8);
	assert_memory_equal(a->gre, ((uint8_t[]){0x20, 0, 0, 0, 0, 0, 0x03, 0xe9}), 8);
}

static void a_vrf_without_routes_has_no_table(void **state) {
	struct hub *h = *state;
	struct prefix p = net("2001:db8::/32");

	assert_int_equal(publish_vrf(h->publish, 1, "red", 100, 100), 0);
	assert_null(h->fwd.vrfs[1].fib_ipv4);
	assert_null(h->fwd.vrfs[1].fib_ipv6);
	assert_int_equal(publish_route(h->publish, 1, &p, PUBLISH_BLACKHOLE, NULL, 0), 0);
	assert_null(h->fwd.vrfs[1].fib_ipv4);
	assert_non_null(h->fwd.vrfs[1].fib_ipv6);
}

static void a_tunnel_withdrawn_takes_its_routes_along(void **state) {
	struct hub *h = *state;
	uint32_t used = h->fwd.adjs.used;

	assert_int_equal(publish_tunnel_withdraw(h->publish, 0), 0);
	assert_null(h->fwd.tunnels[0]);
	assert_int_equal(h->fwd.endpoints[0].n_tunnels, 0);
	assert_int_equal(looked_up(h, "10.255.0.1"), FIB_MISS);
	assert_int_equal(looked_up(h, "10.255.7.7"), FIB_MISS);
	publish_turn(h->publish, 1);
	assert_int_equal(h->fwd.adjs.used, used - 2);
	assert_int_equal(publish_tunnel_withdraw(h->publish, 0), -ENOENT);
	tunnel_up(h->publish);
	assert_int_equal(state_of(h, looked_up(h, "10.255.0.1")).kind, ADJ_LOCAL);
}

static void source_and_key_are_unique(void **state) {
	struct hub *h = *state;
	struct publish_tunnel same = {.rt = {.id = 1, .key = 1001, .has_key = true}}, keyless = {.rt = {.id = 1}};
	struct publish_tunnel zero = {.rt = {.id = 2, .key = 0, .has_key = true}};

	assert_int_equal(publish_tunnel(h->publish, &same), -EEXIST);
	assert_null(h->fwd.tunnels[1]);
	assert_int_equal(publish_tunnel(h->publish, &keyless), 0);
	assert_int_equal(publish_tunnel(h->publish, &zero), 0); // no key differs from key 0
	assert_int_equal(h->fwd.endpoints[0].n_tunnels, 3);
}

static int hub_up_tight(void **state) {
	struct fwd_sizes sizes = {.max_spokes = 8, .max_adjs = 24, .max_nh = 16, .n_workers = 1};

	return hub_up_sized(state, &sizes);
}

struct counts {
	uint32_t adjs, peers, nhs, routes;
};

static struct counts counts_of(const struct hub *h) {
	return (struct counts){
		h->fwd.adjs.used, h->fwd.peers.used, publish_nh_count(h->publish), fib_count(h->fwd.vrfs[0].fib_ipv4)};
}

// Bindings until one is refused; the refusal must leave nothing behind, and room made must be used.
static void fill_and_check(struct hub *h, struct binding *b, unsigned n) {
	struct counts before, after;
	unsigned i, done;
	int rc = 0;

	for (i = 0; i < n; i++) {
		before = counts_of(h);
		rc = publish_binding(h->publish, &b[i]);
		if (rc < 0)
			break;
	}
	assert_true(i > 0 && i < n);
	assert_true(rc == -ENOSPC || rc == -ENOBUFS);
	done = i;
	publish_turn(h->publish, 1);
	after = counts_of(h);
	assert_memory_equal(&before, &after, sizeof(before));
	assert_int_equal(b[done].adj, 0);
	assert_int_equal(b[done].peer, 0);
	if (!addr_eq(&b[done].nbma, &b[0].nbma))
		assert_int_equal(peer_lookup(&h->fwd.peers, 0, &b[done].nbma), 0);
	assert_int_equal(neigh_lookup(&h->fwd.neigh, 0, &b[done].prefix.addr), 0);
	for (i = 0; i < done; i++)
		assert_int_equal(state_of(h, b[i].adj).target, b[i].peer);
	assert_int_equal(publish_binding_withdraw(h->publish, &b[0]), 0);
	publish_turn(h->publish, 2);
	assert_int_equal(publish_binding(h->publish, &b[done]), 0);
}

static void full_adjacencies_refuse_whole(void **state) {
	struct binding b[40];

	for (unsigned i = 0; i < 40; i++) {
		b[i] = binding_of("10.255.0.11", "198.51.100.11");
		b[i].prefix.addr.bytes[3] = 20 + i; // one peer, gateway's next hop
	}
	fill_and_check(*state, b, 40);
}

static void full_next_hops_refuse_whole(void **state) {
	struct binding b[40];

	for (unsigned i = 0; i < 40; i++) {
		b[i] = binding_of("10.255.0.11", "192.0.2.11"); // on link: a next hop each
		b[i].prefix.addr.bytes[3] = 20 + i;
		b[i].nbma.bytes[3] = 20 + i;
	}
	fill_and_check(*state, b, 40);
}

static void full_routes_refuse_whole(void **state) {
	struct hub *h = *state;
	struct prefix p = net("11.0.0.0/24");
	struct binding far = binding_of("12.0.0.1", "198.51.100.12");
	struct counts before, after;
	int rc = 0;

	for (unsigned i = 0; rc == 0 && i < 2000; i++) {
		p.addr.bytes[1] = i >> 8;
		p.addr.bytes[2] = i;
		rc = publish_route(h->publish, 0, &p, PUBLISH_BLACKHOLE, NULL, 0);
	}
	assert_int_equal(rc, -ENOSPC);
	while (publish_turn(h->publish, 1))
		;
	before = counts_of(h);
	assert_int_equal(publish_binding(h->publish, &far), -ENOSPC);
	publish_turn(h->publish, 1);
	after = counts_of(h);
	assert_memory_equal(&before, &after, sizeof(before));
	assert_int_equal(far.adj, 0);
	assert_int_equal(peer_lookup(&h->fwd.peers, 0, &far.nbma), 0);
}

#define FILLERS 65536 // what the defer queue of lib/fwd holds

static void nothing(void *arg, uint64_t n) {
	(void)arg;
	(void)n;
}

static void a_full_defer_queue_loses_nothing(void **state) {
	struct hub *h = *state;
	struct binding b = binding_of("10.255.0.11", "198.51.100.11");
	uint32_t adjs, peers, adj, peer, adj_gen, peer_gen;

	publish_turn(h->publish, 1);
	adjs = h->fwd.adjs.used;
	peers = h->fwd.peers.used;
	rcu_reader_online(h->fwd.rcu, 0); // stalls
	for (unsigned i = 0; i < FILLERS; i++)
		assert_int_equal(rcu_defer(h->fwd.rcu, nothing, NULL, 0), 0);
	assert_int_equal(publish_binding(h->publish, &b), 0);
	assert_int_equal(rcu_defer(h->fwd.rcu, nothing, NULL, 0), -ENOSPC);
	adj = b.adj;
	peer = b.peer;
	adj_gen = h->fwd.adjs.adjs[adj].gen;
	peer_gen = peer_line(h, peer)->gen;
	assert_int_equal(publish_binding_withdraw(h->publish, &b), 0);
	assert_false(gen_is_current(&h->fwd.adjs.adjs[adj].gen, adj_gen)); // what waits in rings is stale at once
	assert_false(gen_is_current(&peer_line(h, peer)->gen, peer_gen));
	publish_turn(h->publish, 2);
	assert_int_equal(h->fwd.adjs.used, adjs + 1); // waits
	rcu_quiescent(h->fwd.rcu, 0);
	while (publish_turn(h->publish, 3) || rcu_deferred(h->fwd.rcu))
		rcu_quiescent(h->fwd.rcu, 0);
	assert_int_equal(h->fwd.adjs.used, adjs);
	assert_int_equal(h->fwd.peers.used, peers);
	rcu_reader_offline(h->fwd.rcu, 0);
}

#define HUB_TEST(f) cmocka_unit_test_setup_teardown(f, hub_up, hub_down)
#define TIGHT_TEST(f) cmocka_unit_test_setup_teardown(f, hub_up_tight, hub_down)

int main(void) {
	const struct CMUnitTest tests[] = {
		HUB_TEST(connected_prefixes_glean_and_own_addresses_are_local),
		HUB_TEST(registration_completes_the_adjacency_of_an_earlier_route),
		HUB_TEST(a_later_route_takes_the_adjacency_that_is_there),
		HUB_TEST(a_move_repoints_the_adjacency_and_leaves_the_old_peer_whole_for_its_readers),
		HUB_TEST(two_families_of_one_spoke_share_its_peer),
		HUB_TEST(a_prefix_or_a_host_outside_the_subnet_gets_a_route),
		HUB_TEST(a_host_inside_the_class_of_another_keeps_its_own_way),
		HUB_TEST(a_static_route_is_not_replaced_by_a_registration),
		HUB_TEST(connected_routes_are_not_for_others),
		HUB_TEST(blackholes_and_replaced_routes),
		HUB_TEST(effective_mtu_is_the_smallest_of_tunnel_path_and_client),
		HUB_TEST(gre_bytes_carry_the_key),
		HUB_TEST(a_vrf_without_routes_has_no_table),
		HUB_TEST(a_tunnel_withdrawn_takes_its_routes_along),
		HUB_TEST(source_and_key_are_unique),
		TIGHT_TEST(full_adjacencies_refuse_whole),
		TIGHT_TEST(full_next_hops_refuse_whole),
		TIGHT_TEST(full_routes_refuse_whole),
		TIGHT_TEST(a_full_defer_queue_loses_nothing),
	};

	if (eal_start("nave-test-publish") < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
