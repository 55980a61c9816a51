// SPDX-License-Identifier: BSD-3-Clause
// Underlay next hops: gateways shared, neighbours resolved and lost, static ones, transient ones.
#include "publish_fixture.h"

#include "clock.h"

static const uint8_t mac_a[6] = {2, 0, 0, 0, 0, 0xa}, mac_b[6] = {2, 0, 0, 0, 0, 0xb};

static struct nh nh_of(const struct hub *h, uint32_t peer) {
	return nh_load(&h->fwd.nhs, peer_line(h, peer)->nh);
}

static void peers_behind_a_gateway_share_one_word(void **state) {
	struct hub *h = *state;
	struct binding a = binding_of("10.255.0.11", "198.51.100.11"), b = binding_of("10.255.0.12", "203.0.113.12");
	struct addr gateway = ip("192.0.2.254");

	assert_int_equal(publish_binding(h->publish, &a), 0);
	assert_int_equal(publish_binding(h->publish, &b), 0);
	assert_int_equal(peer_line(h, a.peer)->nh, peer_line(h, b.peer)->nh);
	assert_int_equal(h->asked, 1);
	assert_true(addr_eq(&h->asked_last, &gateway));
	assert_false(nh_of(h, a.peer).resolved);
	publish_neighbour(h->publish, WAN, &gateway, mac_a, true);
	assert_true(nh_of(h, a.peer).resolved);
	assert_memory_equal(nh_of(h, b.peer).mac, mac_a, 6);
	publish_neighbour(h->publish, WAN, &gateway, mac_b, true);
	assert_memory_equal(nh_of(h, a.peer).mac, mac_b, 6);
	publish_neighbour(h->publish, WAN, &gateway, mac_b, false);
	assert_false(nh_of(h, b.peer).resolved);
	publish_neighbour(h->publish, LAN, &gateway, mac_a, true); // another port's neighbour
	assert_false(nh_of(h, b.peer).resolved);
}

static void an_on_link_peer_is_its_own_next_hop(void **state) {
	struct hub *h = *state;
	struct binding b = binding_of("10.255.0.11", "192.0.2.11");

	publish_neighbour(h->publish, WAN, &b.nbma, mac_a, true); // known before it registers: not asked again
	assert_int_equal(publish_binding(h->publish, &b), 0);
	assert_true(nh_of(h, b.peer).resolved);
	assert_memory_equal(nh_of(h, b.peer).mac, mac_a, 6);
	assert_int_equal(nh_of(h, b.peer).port, WAN);
}

static void a_new_gateway_takes_the_peers_over(void **state) {
	struct hub *h = *state;
	struct binding far = binding_of("10.255.0.11", "198.51.100.11"), near = binding_of("10.255.0.12", "192.0.2.12");
	struct addr gateway = ip("192.0.2.253");
	uint32_t near_nh;

	assert_int_equal(publish_binding(h->publish, &far), 0);
	assert_int_equal(publish_binding(h->publish, &near), 0);
	near_nh = peer_line(h, near.peer)->nh;
	publish_neighbour(h->publish, WAN, &gateway, mac_b, true);
	assert_false(nh_of(h, far.peer).resolved);
	assert_int_equal(publish_gateway(h->publish, WAN, &gateway), 0);
	assert_true(nh_of(h, far.peer).resolved);
	assert_int_equal(peer_line(h, near.peer)->nh, near_nh);
}

static void a_static_neighbour_is_never_asked_for_nor_lost(void **state) {
	struct hub *h = *state;
	struct binding b = binding_of("10.255.0.11", "198.51.100.11");

	assert_int_equal(publish_neighbour_static(h->publish, WAN, &b.nbma, mac_a), 0); // off link, straight there
	assert_int_equal(publish_binding(h->publish, &b), 0);
	assert_int_equal(h->asked, 0);
	publish_neighbour(h->publish, WAN, &b.nbma, mac_b, true);
	publish_neighbour(h->publish, WAN, &b.nbma, mac_b, false);
	assert_true(nh_of(h, b.peer).resolved);
	assert_memory_equal(nh_of(h, b.peer).mac, mac_a, 6);
}

static void what_is_not_resolved_is_asked_for_every_second(void **state) {
	struct hub *h = *state;
	struct binding b = binding_of("10.255.0.11", "198.51.100.11");
	uint64_t now_ns = clock_now_ns();

	publish_turn(h->publish, now_ns);
	assert_int_equal(publish_binding(h->publish, &b), 0);
	assert_int_equal(h->asked, 1);
	for (unsigned i = 0; i < 40; i++) // 4 s in steps of 0.1
		publish_turn(h->publish, now_ns += 100 * NS_PER_MS);
	assert_in_range(h->asked, 3, 5);
}

// Garbage collection of the kernel's table says nothing of the spoke.
static void a_peer_whose_neighbour_the_kernel_forgot_goes_on_until_it_fails(void **state) {
	struct hub *h = *state;
	struct binding b = binding_of("10.255.0.11", "192.0.2.11");
	uint64_t now_ns = clock_now_ns();
	unsigned asked;

	publish_turn(h->publish, now_ns);
	assert_int_equal(publish_binding(h->publish, &b), 0);
	publish_neighbour(h->publish, WAN, &b.nbma, mac_a, true);
	publish_neighbour_forgotten(h->publish, WAN, &b.nbma);
	assert_true(nh_of(h, b.peer).resolved);
	assert_memory_equal(nh_of(h, b.peer).mac, mac_a, 6);
	asked = h->asked;
	for (unsigned i = 0; i < 32; i++)
		publish_turn(h->publish, now_ns += NS_PER_S);
	assert_in_range(h->asked, asked + 1, asked + 2); // and no storm where the kernel's table is too small
	assert_true(nh_of(h, b.peer).resolved);
	publish_neighbour(h->publish, WAN, &b.nbma, mac_b, true); // it answers, from another card
	assert_memory_equal(nh_of(h, b.peer).mac, mac_b, 6);
	publish_neighbour_forgotten(h->publish, WAN, &b.nbma);
	publish_neighbour(h->publish, WAN, &b.nbma, mac_b, false); // it does not
	assert_false(nh_of(h, b.peer).resolved);
	assert_int_equal(publish_binding_withdraw(h->publish, &b), 0);
	assert_int_equal(publish_nh_count(h->publish), 0);
}

// Hosts that only ever asked for the hub's MAC address take no next hop from a spoke.
static void a_crowd_on_the_link_leaves_room_for_the_spokes(void **state) {
	struct hub *h = *state;
	struct addr host = ip("fe80::1");

	for (unsigned i = 0; i < 2048; i++) { // the kernel's tables of both families, full
		host.bytes[14] = i >> 8;
		host.bytes[15] = i;
		publish_neighbour(h->publish, WAN, &host, mac_a, true);
	}
	for (unsigned i = 0; i < 64; i++) {
		struct binding b = binding_of("10.255.0.11", "192.0.2.11");

		b.prefix.addr.bytes[3] = 20 + i;
		b.nbma.bytes[3] = 20 + i;
		assert_int_equal(publish_binding(h->publish, &b), 0);
	}
}

static void what_nobody_uses_goes_when_the_kernel_forgets_it(void **state) {
	struct hub *h = *state;
	struct addr stranger = ip("192.0.2.66");

	publish_neighbour_forgotten(h->publish, WAN, &stranger); // never heard of
	publish_neighbour(h->publish, WAN, &stranger, mac_a, true);
	publish_neighbour_forgotten(h->publish, WAN, &stranger);
	assert_int_equal(publish_nh_count(h->publish), 0);
}

static void a_lan_neighbour_that_the_kernel_forgot_stays_until_it_fails(void **state) {
	struct hub *h = *state;
	struct addr host = ip("172.16.0.9");

	publish_neighbour(h->publish, LAN, &host, mac_a, true);
	publish_neighbour_forgotten(h->publish, LAN, &host);
	assert_int_not_equal(neigh_lookup(&h->fwd.neigh, iface_of_port(LAN), &host), 0);
	publish_neighbour(h->publish, LAN, &host, mac_a, false);
	assert_int_equal(neigh_lookup(&h->fwd.neigh, iface_of_port(LAN), &host), 0);
	assert_int_equal(publish_nh_count(h->publish), 0);
}

static void an_answer_to_a_stranger_keeps_its_next_hop_for_a_while(void **state) {
	struct hub *h = *state;
	struct addr stranger = ip("192.0.2.66");
	uint64_t now_ns = clock_now_ns();
	int nh;

	publish_turn(h->publish, now_ns);
	assert_int_equal(publish_nbma_nh(h->publish, WAN, &stranger), -EAGAIN);
	assert_int_equal(h->asked, 1);
	assert_true(addr_eq(&h->asked_last, &stranger));
	assert_false(publish_nbma_ready(h->publish, WAN, &stranger));
	publish_neighbour(h->publish, WAN, &stranger, mac_a, true);
	nh = publish_nbma_nh(h->publish, WAN, &stranger);
	assert_true(nh > 0);
	assert_true(nh_load(&h->fwd.nhs, nh).resolved);
	publish_neighbour(h->publish, WAN, &stranger, mac_a, false);
	assert_int_equal(publish_nh_count(h->publish), 1);
	for (unsigned i = 0; i < 30; i++)
		publish_turn(h->publish, now_ns += 500 * NS_PER_MS);
	assert_int_equal(publish_nh_count(h->publish), 0);
}

static void strangers_cannot_take_all_next_hops(void **state) {
	struct hub *h = *state;
	struct addr stranger = ip("192.0.2.2");
	struct binding b = binding_of("10.255.0.11", "198.51.100.11");
	int rc = -EAGAIN;
	unsigned i;

	for (i = 2; rc == -EAGAIN && i < 254; i++) {
		stranger.bytes[3] = i;
		rc = publish_nbma_nh(h->publish, WAN, &stranger);
	}
	for (unsigned j = 0; j < 60 && rc == -EAGAIN; j++) { // IPv4 link is used up: link-local has room
		struct addr v6 = ip("fe80::1");

		v6.bytes[15] = j;
		rc = publish_nbma_nh(h->publish, WAN, &v6);
	}
	assert_int_equal(rc, -ENOSPC);
	assert_int_equal(publish_nh_count(h->publish), 256);
	assert_int_equal(publish_binding(h->publish, &b), 0);
}

static void no_way_out_is_said_at_once(void **state) {
	struct hub *h = *state;
	struct addr v6 = ip("2001:db8:9::1");

	assert_int_equal(publish_nbma_nh(h->publish, WAN, &v6), -EHOSTUNREACH); // no IPv6 address, no IPv6 gateway
	assert_int_equal(publish_nh_count(h->publish), 0);
}

static void a_wanted_lan_host_is_asked_for_once_a_second(void **state) {
	struct hub *h = *state;
	struct addr host = ip("172.16.0.9");
	uint64_t now_ns = clock_now_ns();
	unsigned asked = 0;

	publish_turn(h->publish, now_ns);
	assert_true(publish_wanted(h->publish, LAN, &host));
	assert_int_equal(h->asked, 1);
	assert_true(addr_eq(&h->asked_last, &host));
	assert_int_equal(publish_nh_count(h->publish), 0); // costs us no table entry
	for (unsigned i = 0; i < 38; i++) { // 3.8 s in steps of 0.1
		publish_turn(h->publish, now_ns += 100 * NS_PER_MS);
		asked += publish_wanted(h->publish, LAN, &host);
	}
	assert_int_equal(asked, 3);
	publish_neighbour(h->publish, LAN, &host, mac_a, true); // the answer
	assert_int_not_equal(neigh_lookup(&h->fwd.neigh, iface_of_port(LAN), &host), 0);
}

static void only_hosts_of_a_connected_lan_prefix_are_asked_for(void **state) {
	static const char *const others[] = {"172.16.0.0", "172.16.0.255", "172.16.1.9", "224.0.0.5", "2001:db8::9"};
	struct hub *h = *state;
	struct addr wan = ip("192.0.2.9"), lan = ip("172.16.0.9");

	for (unsigned i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		struct addr other = ip(others[i]);

		assert_false(publish_wanted(h->publish, LAN, &other));
	}
	assert_false(publish_wanted(h->publish, WAN, &wan));
	assert_false(publish_wanted(h->publish, 7, &lan));
	assert_int_equal(h->asked, 0);
}

static void a_scan_of_the_lan_does_not_fill_the_kernels_table(void **state) {
	struct hub *h = *state;
	uint64_t now_ns = clock_now_ns();
	struct addr host = ip("172.16.0.1");

	publish_turn(h->publish, now_ns);
	for (unsigned round = 0; round < 10; round++) { // half a second
		for (unsigned i = 1; i < 255; i++) {
			host.bytes[3] = i;
			publish_wanted(h->publish, LAN, &host);
		}
		publish_turn(h->publish, now_ns += 50 * NS_PER_MS);
	}
	assert_in_range(h->asked, 140, 150);
}

// The kernel has an entry for a broadcast address once it has sent there: no spoke may use it (RFC 2644).
static void a_directed_broadcast_finds_no_neighbour(void **state) {
	static const uint8_t broadcast[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
	struct hub *h = *state;
	struct addr all = ip("172.16.0.255");

	publish_neighbour(h->publish, LAN, &all, broadcast, true);
	assert_int_equal(neigh_lookup(&h->fwd.neigh, iface_of_port(LAN), &all), 0);
	publish_neighbour(h->publish, LAN, &all, broadcast, false);
	assert_int_equal(publish_nh_count(h->publish), 0);
}

static void a_lan_neighbour_is_found_behind_the_glean(void **state) {
	struct hub *h = *state;
	struct addr host = ip("172.16.0.9");
	uint32_t adj;

	publish_neighbour(h->publish, LAN, &host, mac_a, true);
	publish_neighbour(h->publish, LAN, &host, mac_a, true); // twice: one reference
	adj = neigh_lookup(&h->fwd.neigh, iface_of_port(LAN), &host);
	assert_int_not_equal(adj, 0);
	assert_int_equal(state_of(h, adj).kind, ADJ_PORT);
	assert_memory_equal(nh_load(&h->fwd.nhs, state_of(h, adj).target).mac, mac_a, 6);
	publish_neighbour(h->publish, LAN, &host, mac_a, false);
	assert_int_equal(neigh_lookup(&h->fwd.neigh, iface_of_port(LAN), &host), 0);
	assert_int_equal(publish_nh_count(h->publish), 0);
}

static void a_route_through_the_lan_asks_for_its_next_hop(void **state) {
	struct hub *h = *state;
	struct addr router = ip("172.16.0.254");
	uint32_t adj;

	assert_int_equal(route_via(h, "0.0.0.0/0", "172.16.0.254", iface_of_port(LAN)), 0);
	assert_int_equal(h->asked, 1);
	assert_true(addr_eq(&h->asked_last, &router));
	adj = looked_up(h, "8.8.8.8");
	assert_int_equal(state_of(h, adj).kind, ADJ_PORT);
	publish_neighbour(h->publish, LAN, &router, mac_b, true);
	assert_true(nh_load(&h->fwd.nhs, state_of(h, adj).target).resolved);
	publish_neighbour(h->publish, LAN, &router, mac_b, false); // lost: the route stays
	assert_int_equal(looked_up(h, "8.8.8.8"), adj);
	assert_int_equal(state_of(h, adj).kind, ADJ_PORT);
	assert_false(nh_load(&h->fwd.nhs, state_of(h, adj).target).resolved);
	assert_int_equal(route_via(h, "9.0.0.0/8", "1.2.3.4", iface_of_port(LAN)), -EHOSTUNREACH);
	assert_int_equal(looked_up(h, "9.1.1.1"), adj);
}

#define HUB_TEST(f) cmocka_unit_test_setup_teardown(f, hub_up, hub_down)

int main(void) {
	const struct CMUnitTest tests[] = {
		HUB_TEST(peers_behind_a_gateway_share_one_word),
		HUB_TEST(an_on_link_peer_is_its_own_next_hop),
		HUB_TEST(a_new_gateway_takes_the_peers_over),
		HUB_TEST(a_static_neighbour_is_never_asked_for_nor_lost),
		HUB_TEST(what_is_not_resolved_is_asked_for_every_second),
		HUB_TEST(a_peer_whose_neighbour_the_kernel_forgot_goes_on_until_it_fails),
		HUB_TEST(a_crowd_on_the_link_leaves_room_for_the_spokes),
		HUB_TEST(what_nobody_uses_goes_when_the_kernel_forgets_it),
		HUB_TEST(a_lan_neighbour_that_the_kernel_forgot_stays_until_it_fails),
		HUB_TEST(an_answer_to_a_stranger_keeps_its_next_hop_for_a_while),
		HUB_TEST(strangers_cannot_take_all_next_hops),
		HUB_TEST(no_way_out_is_said_at_once),
		HUB_TEST(a_wanted_lan_host_is_asked_for_once_a_second),
		HUB_TEST(only_hosts_of_a_connected_lan_prefix_are_asked_for),
		HUB_TEST(a_scan_of_the_lan_does_not_fill_the_kernels_table),
		HUB_TEST(a_directed_broadcast_finds_no_neighbour),
		HUB_TEST(a_lan_neighbour_is_found_behind_the_glean),
		HUB_TEST(a_route_through_the_lan_asks_for_its_next_hop),
	};

	if (eal_start("nave-test-publish-underlay") < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
