// SPDX-License-Identifier: BSD-3-Clause
// What goes to the control core: which class, which bytes, what is said about it; and what a flood does to the others.
//
//   A 192.0.2.10 ─┐
//   B 192.0.2.11 ─┼── wan0 [hub] lan0      tunnel 0: endpoint 0 (192.0.2.1), key 1001
//   X 192.0.2.99 ─┘    ▼ punt rings        tunnel 1: endpoint 1 (2001:db8::1), no key
//                    control (the test)
//
// A and B are registered, X is not.
#include "stage.h"

struct scene {
	struct hub *h;
	struct spoke a, b, x;
};

static void scene_make(struct scene *s, struct hub *h) {
	s->h = h;
	hub_tunnel(h, 0, 0, 1001, 0);
	hub_tunnel(h, 1, 1, NO_KEY, 0);
	s->a = hub_spoke(h, 0, "192.0.2.10", 10);
	s->b = hub_spoke(h, 0, "192.0.2.11", 11);
	s->x = (struct spoke){.tunnel = 0, .nbma = addr_of("192.0.2.99")};
}

// The frame that came in is what control gets.
static void punted_whole(struct scene *s, enum hub_port port, enum punt_class c, struct frame *f) {
	struct rte_mbuf *m;

	hub_inject(s->h, port, 0, f);
	hub_poll(s->h);
	m = hub_punted(s->h, c);
	mbuf_expect(m, f);
	assert_int_equal(pkt_meta(m)->port, port);
	assert_int_equal(pkt_meta(m)->punt_class, c);
	assert_ptr_not_equal(m->pool, hub_rx_pool()); // control never holds an rx buffer
	rte_pktmbuf_free(m);
	hub_expect_nothing_sent();
	hub_expect_no_drops(s->h);
}

static void nhrp_from(struct frame *f, const struct scene *s, const struct spoke *from) {
	frame_payload(f, 92, 9);
	from_spoke(f, s->h, from, 0x2001);
}

static void test_nhrp_says_who_sent_it(void **state) {
	struct scene s;
	struct frame f, nhrp;
	struct rte_mbuf *m;
	const struct pkt_meta *meta;

	scene_make(&s, *state);
	frame_payload(&nhrp, 92, 9);
	for (unsigned i = 0; i < 2; i++) {
		const struct spoke *from = i ? &s.x : &s.a;

		nhrp_from(&f, &s, from);
		hub_inject(s.h, WAN, 0, &f);
		hub_poll(s.h);
		m = hub_punted(s.h, PUNT_NHRP);
		mbuf_expect(m, &nhrp); // headers up to NHRP removed
		meta = pkt_meta(m);
		assert_int_equal(meta->tunnel, 0);
		assert_int_equal(meta->endpoint, 0);
		assert_int_equal(meta->iface_in, 0);
		assert_int_equal(meta->gre_protocol, 0x2001);
		assert_int_equal(meta->outer_len_bytes, 14 + 20 + 8);
		assert_int_equal(meta->peer_in, i ? 0 : s.a.peer);
		if (!i)
			assert_int_equal(meta->peer_in_gen, peer_at(&s.h->fwd.peers, s.a.peer)->gen);
		assert_memory_equal(&meta->nbma, &from->nbma, sizeof(meta->nbma));
		rte_pktmbuf_free(m);
	}
	hub_expect_no_drops(s.h);
}

static void test_nhrp_over_ipv6(void **state) {
	struct spoke stranger = {.tunnel = 1, .nbma = addr_of("2001:db8::99")};
	struct scene s;
	struct frame f, nhrp;
	struct rte_mbuf *m;

	scene_make(&s, *state);
	frame_payload(&nhrp, 92, 9);
	nhrp_from(&f, &s, &stranger);
	hub_inject(s.h, WAN, 0, &f);
	hub_poll(s.h);
	m = hub_punted(s.h, PUNT_NHRP);
	mbuf_expect(m, &nhrp);
	assert_int_equal(pkt_meta(m)->tunnel, 1);
	assert_int_equal(pkt_meta(m)->outer_len_bytes, 14 + 40 + 4);
	assert_memory_equal(&pkt_meta(m)->nbma, &stranger.nbma, sizeof(stranger.nbma));
	rte_pktmbuf_free(m);
}

static void inner_for_host(struct scene *s, enum punt_class c, struct frame *inner, uint16_t gre_protocol) {
	struct frame f = *inner;
	struct rte_mbuf *m;

	from_spoke(&f, s->h, &s->a, gre_protocol);
	hub_inject(s->h, WAN, 0, &f);
	hub_poll(s->h);
	m = hub_punted(s->h, c);
	mbuf_expect(m, inner); // TTL as it came
	assert_int_equal(pkt_meta(m)->tunnel, 0);
	assert_int_equal(pkt_meta(m)->peer_in, s->a.peer);
	rte_pktmbuf_free(m);
	hub_expect_nothing_sent(); // not reflected
	hub_expect_no_drops(s->h);
}

static void test_inner_packets_for_the_host(void **state) {
	struct addr us = addr_of("10.255.0.1"), us_ipv6 = addr_of("2001:db8:ff::1");
	struct addr ospf = addr_of("224.0.0.5"), group = addr_of("239.1.1.1"), ospf_ipv6 = addr_of("ff02::5");
	struct addr rip = addr_of("224.0.0.9"), group_ipv6 = addr_of("ff0e::1");
	struct scene s;
	struct frame f;

	scene_make(&s, *state);
	inner_udp(&f, &s.a.protocol, &us, 56, 1, 0); // TTL 1 is enough for us
	inner_for_host(&s, PUNT_HOST, &f, 0x0800);
	inner_udp(&f, &s.a.protocol_ipv6, &us_ipv6, 56, 1, 0);
	inner_for_host(&s, PUNT_HOST, &f, 0x86dd);
	frame_payload(&f, 40, 1);
	frame_ip(&f, &s.a.protocol, &us, 89, 1, 0xc0);
	inner_for_host(&s, PUNT_ROUTING, &f, 0x0800);
	frame_payload(&f, 40, 1);
	put_u16(frame_bytes(&f) + 2, 179); // BGP
	frame_ip(&f, &s.a.protocol, &us, 6, 255, 0xc0);
	inner_for_host(&s, PUNT_ROUTING, &f, 0x0800);
	frame_payload(&f, 40, 1);
	frame_ip(&f, &s.a.protocol, &ospf, 89, 1, 0xc0);
	inner_for_host(&s, PUNT_ROUTING, &f, 0x0800);
	frame_payload(&f, 40, 1);
	frame_ip(&f, &s.a.protocol, &group, 17, 8, 0);
	inner_for_host(&s, PUNT_HOST, &f, 0x0800); // a stream must not take the place of hellos
	frame_payload(&f, 40, 1);
	frame_ip(&f, &s.a.protocol, &group, 103, 8, 0xc0); // PIM
	inner_for_host(&s, PUNT_ROUTING, &f, 0x0800);
	frame_payload(&f, 40, 1);
	frame_ip(&f, &s.a.protocol_ipv6, &group_ipv6, 17, 8, 0);
	inner_for_host(&s, PUNT_HOST, &f, 0x86dd);
	frame_payload(&f, 40, 1);
	frame_ip(&f, &s.a.protocol, &rip, 17, 1, 0xc0); // link scope
	inner_for_host(&s, PUNT_ROUTING, &f, 0x0800);
	frame_payload(&f, 40, 1);
	frame_ip(&f, &s.a.protocol_ipv6, &ospf_ipv6, 89, 1, 0xc0);
	inner_for_host(&s, PUNT_ROUTING, &f, 0x86dd);
}

static void test_underlay_frames(void **state) {
	static const uint8_t broadcast[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
			     all_routers[6] = {0x33, 0x33, 0, 0, 0, 1};
	struct addr us = addr_of("192.0.2.1"), third = addr_of("192.0.2.3"), us_ipv6 = addr_of("2001:db8::1");
	struct addr peer_ipv6 = addr_of("2001:db8::e"), all_nodes = addr_of("ff02::1"), lan = addr_of("172.16.0.1");
	struct addr host = addr_of("172.16.0.9");
	struct scene s;
	struct frame f;

	scene_make(&s, *state);
	frame_payload(&f, 46, 1);
	frame_ether(&f, broadcast, gateway_mac, 0x0806);
	punted_whole(&s, WAN, PUNT_UNDERLAY, &f);
	frame_payload(&f, 64, 1); // ping
	frame_ip(&f, &s.a.nbma, &us, 1, 64, 0);
	frame_ether(&f, hub_mac[WAN], gateway_mac, 0x0800);
	punted_whole(&s, WAN, PUNT_UNDERLAY, &f);
	frame_payload(&f, 64, 1);
	frame_ip(&f, &s.a.nbma, &third, 1, 64, 0);
	frame_ether(&f, hub_mac[WAN], gateway_mac, 0x0800);
	punted_whole(&s, WAN, PUNT_UNDERLAY, &f);
	frame_payload(&f, 64, 1); // a fragment that is no tunnel packet: the host puts it together
	frame_ip(&f, &s.a.nbma, &us, 17, 64, 0);
	frame_bytes(&f)[6] = 0x20;
	ipv4_checksum_again(frame_bytes(&f));
	frame_ether(&f, hub_mac[WAN], gateway_mac, 0x0800);
	punted_whole(&s, WAN, PUNT_UNDERLAY, &f);
	frame_payload(&f, 24, 135); // neighbour solicitation, unicast and multicast
	frame_ip(&f, &peer_ipv6, &us_ipv6, 58, 255, 0);
	frame_ether(&f, hub_mac[WAN], gateway_mac, 0x86dd);
	punted_whole(&s, WAN, PUNT_UNDERLAY, &f);
	frame_payload(&f, 24, 135);
	frame_ip(&f, &peer_ipv6, &all_nodes, 58, 255, 0);
	frame_ether(&f, all_routers, gateway_mac, 0x86dd);
	punted_whole(&s, WAN, PUNT_UNDERLAY, &f);
	frame_payload(&f, 64, 1);
	frame_ip(&f, &host, &lan, 1, 64, 0);
	frame_ether(&f, hub_mac[LAN], gateway_mac, 0x0800);
	punted_whole(&s, LAN, PUNT_UNDERLAY, &f);
}

static void test_ike(void **state) {
	struct addr us = addr_of("192.0.2.1");
	struct scene s;
	struct frame f;

	scene_make(&s, *state);
	frame_payload(&f, 100, 1);
	frame_udp(&f, 500, 500);
	frame_ip(&f, &s.x.nbma, &us, 17, 64, 0);
	frame_ether(&f, hub_mac[WAN], gateway_mac, 0x0800);
	punted_whole(&s, WAN, PUNT_IKE, &f);
	frame_payload(&f, 100, 1);
	memset(frame_front(&f, 4), 0, 4); // non-ESP marker
	frame_udp(&f, 31000, 4500);
	frame_ip(&f, &s.x.nbma, &us, 17, 64, 0);
	frame_ether(&f, hub_mac[WAN], gateway_mac, 0x0800);
	punted_whole(&s, WAN, PUNT_IKE, &f);
}

static void for_lan(struct frame *f, const struct scene *s, const struct spoke *from, const char *dst, uint16_t n) {
	struct addr to = addr_of(dst);

	inner_udp(f, to.family == ADDR_IPV6 ? &from->protocol_ipv6 : &from->protocol, &to, n, 64, 0);
	from_spoke(f, s->h, from, to.family == ADDR_IPV4 ? 0x0800 : 0x86dd);
}

static void lan_connect(struct scene *s, const char *prefix) {
	struct prefix p = prefix_from(prefix);

	hub_route(s->h, 0, &p, hub_adj(s->h, ADJ_GLEAN, iface_of_port(LAN), 0));
}

// The packet is lost, but somebody will ask for the host: the next one finds it.
static void test_a_quiet_lan_host_is_asked_for(void **state) {
	static const char *const hosts[] = {"172.16.0.9", "2001:db8:1a::9"};
	struct scene s;
	struct frame f, start;

	scene_make(&s, *state);
	lan_connect(&s, "172.16.0.0/24");
	lan_connect(&s, "2001:db8:1a::/64");
	for (unsigned i = 0; i < 2; i++) {
		struct spoke from = s.a;
		struct addr to = addr_of(hosts[i]);
		struct rte_mbuf *m;

		for (uint16_t n = 20; n <= 920; n += 900) {
			inner_udp(&start, i ? &from.protocol_ipv6 : &from.protocol, &to, n, 64, 0);
			f = start;
			from_spoke(&f, s.h, &from, i ? 0x86dd : 0x0800);
			hub_inject(s.h, WAN, 0, &f);
			hub_poll(s.h);
			hub_expect_nothing_sent();
			hub_expect_dropped(s.h, DROP_NEIGHBOUR, 1);
			m = hub_punted(s.h, PUNT_RESOLVE);
			start.len = start.len < 128 ? start.len : 128;
			mbuf_expect(m, &start);
			assert_int_equal(pkt_meta(m)->port, LAN);
			assert_int_equal(pkt_meta(m)->punt_class, PUNT_RESOLVE);
			assert_ptr_not_equal(m->pool, hub_rx_pool());
			rte_pktmbuf_free(m);
			assert_null(hub_punted(s.h, PUNT_RESOLVE));
		}
	}
}

// Nobody is asked for what may not be forwarded, or for a spoke that has not registered.
static void test_what_needs_no_neighbour_asks_for_none(void **state) {
	struct addr link_local = addr_of("fe80::5"), to = addr_of("2001:db8:1a::9"), spoke = addr_of("10.255.0.200");
	struct scene s;
	struct frame f;

	scene_make(&s, *state);
	lan_connect(&s, "2001:db8:1a::/64");
	inner_udp(&f, &link_local, &to, 36, 64, 0);
	from_spoke(&f, s.h, &s.a, 0x86dd);
	hub_inject(s.h, WAN, 0, &f);
	hub_poll(s.h);
	hub_expect_dropped(s.h, DROP_INNER_SOURCE, 1);
	inner_udp(&f, &s.a.protocol, &spoke, 36, 64, 0);
	from_spoke(&f, s.h, &s.a, 0x0800);
	hub_inject(s.h, WAN, 0, &f);
	hub_poll(s.h);
	hub_expect_dropped(s.h, DROP_NOT_REGISTERED, 1);
	assert_null(hub_punted(s.h, PUNT_RESOLVE));
}

static unsigned punted_free(struct scene *s, enum punt_class c, const struct spoke *of) {
	struct rte_mbuf *m;
	unsigned n = 0;

	while ((m = hub_punted(s->h, c)) != NULL) {
		n += !of || addr_eq(&pkt_meta(m)->nbma, &of->nbma);
		rte_pktmbuf_free(m);
	}
	return n;
}

// One sender floods; what the others send in the same bursts gets through, all of it.
static void test_a_flood_from_one_spoke_leaves_the_others_alone(void **state) {
	const struct spoke *flooders[2];
	struct scene s;
	struct frame flood, good;

	scene_make(&s, *state);
	flooders[0] = &s.a; // a registered spoke
	flooders[1] = &s.x; // a stranger
	for (unsigned k = 0; k < 2; k++) {
		unsigned of_b = 0, of_flooder = 0;

		nhrp_from(&flood, &s, flooders[k]);
		nhrp_from(&good, &s, &s.b);
		for (unsigned i = 0; i < 20; i++) {
			struct rte_mbuf *m;

			for (unsigned j = 0; j < 200; j++)
				hub_inject(s.h, WAN, 0, &flood);
			hub_inject(s.h, WAN, 0, &good);
			hub_poll(s.h);
			while ((m = hub_punted(s.h, PUNT_NHRP)) != NULL) {
				of_b += pkt_meta(m)->peer_in == s.b.peer;
				of_flooder += pkt_meta(m)->peer_in != s.b.peer;
				rte_pktmbuf_free(m);
			}
		}
		assert_int_equal(of_b, 20);
		assert_true(of_flooder >= 200 && of_flooder < 2000);
		hub_expect_dropped(s.h, DROP_POLICED, 4000 - of_flooder);
	}
}

// One host that invents its source addresses is every stranger at once: those that are registered still get through, by
// rate and in the ring.
static void test_a_flood_of_invented_senders_leaves_the_registered_alone(void **state) {
	struct spoke invented = {.tunnel = 0};
	struct scene s;
	struct frame flood, good;
	unsigned of_b = 0, asked = 0;

	scene_make(&s, *state);
	nhrp_from(&good, &s, &s.b);
	for (unsigned i = 0; i < 120; i++) { // far more than the ring or the burst of the class holds
		struct rte_mbuf *m;

		for (unsigned j = 0; j < 500; j++) {
			invented.nbma = addr_ipv4(0xcb000000 + i * 500 + j);
			nhrp_from(&flood, &s, &invented);
			hub_inject(s.h, WAN, 0, &flood);
		}
		if (i >= 40)
			hub_inject(s.h, WAN, 0, &good);
		hub_poll(s.h);
		asked += i >= 40;
		for (unsigned j = 0; i >= 40 && j < 100 && (m = hub_punted(s.h, PUNT_NHRP)) != NULL; j++) {
			of_b += pkt_meta(m)->peer_in == s.b.peer;
			rte_pktmbuf_free(m);
		}
	}
	for (struct rte_mbuf *m; (m = hub_punted(s.h, PUNT_NHRP)) != NULL;) {
		of_b += pkt_meta(m)->peer_in == s.b.peer;
		rte_pktmbuf_free(m);
	}
	assert_int_equal(of_b, asked);
}

// A flood in one class takes nothing from the sender's own other classes.
static void test_a_flood_of_pings_does_not_stop_ones_own_nhrp(void **state) {
	struct addr us = addr_of("10.255.0.1");
	struct scene s;
	struct frame f;
	unsigned passed;

	scene_make(&s, *state);
	inner_udp(&f, &s.a.protocol, &us, 56, 64, 0);
	from_spoke(&f, s.h, &s.a, 0x0800);
	for (unsigned i = 0; i < 900; i++)
		hub_inject(s.h, WAN, 0, &f);
	hub_poll(s.h);
	passed = punted_free(&s, PUNT_HOST, NULL);
	assert_true(passed >= 250 && passed < 900);
	hub_expect_dropped(s.h, DROP_POLICED, 900 - passed);
	nhrp_from(&f, &s, &s.a);
	hub_inject(s.h, WAN, 0, &f);
	hub_poll(s.h);
	assert_int_equal(punted_free(&s, PUNT_NHRP, &s.a), 1);
}

// A spoke that scans the LAN: every packet is dropped by one name, few are asked for, and others still may ask.
static void test_a_scan_of_the_lan_is_policed(void **state) {
	struct scene s;
	struct frame f;
	char host[32];
	unsigned asked;

	scene_make(&s, *state);
	lan_connect(&s, "172.16.0.0/16");
	for (unsigned i = 0; i < 900; i++) {
		snprintf(host, sizeof(host), "172.16.%u.%u", 1 + i / 250, 1 + i % 250);
		for_lan(&f, &s, &s.a, host, 36);
		hub_inject(s.h, WAN, 0, &f);
	}
	hub_poll(s.h);
	hub_expect_dropped(s.h, DROP_NEIGHBOUR, 900);
	asked = punted_free(&s, PUNT_RESOLVE, NULL);
	assert_true(asked >= 8 && asked <= 100);
	for_lan(&f, &s, &s.b, "172.16.0.9", 36);
	hub_inject(s.h, WAN, 0, &f);
	hub_poll(s.h);
	hub_expect_dropped(s.h, DROP_NEIGHBOUR, 1);
	assert_int_equal(punted_free(&s, PUNT_RESOLVE, &s.b), 1);
}

static void test_arp_flood_is_policed(void **state) {
	static const uint8_t broadcast[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
	uint8_t other[6] = {0x02, 9, 9, 9, 9, 9};
	struct scene s;
	struct frame f;
	unsigned passed;

	scene_make(&s, *state);
	frame_payload(&f, 46, 1);
	frame_ether(&f, broadcast, gateway_mac, 0x0806);
	for (unsigned i = 0; i < 900; i++)
		hub_inject(s.h, WAN, 0, &f);
	frame_payload(&f, 46, 1);
	frame_ether(&f, broadcast, other, 0x0806);
	hub_inject(s.h, WAN, 0, &f);
	hub_poll(s.h);
	passed = punted_free(&s, PUNT_UNDERLAY, NULL);
	assert_true(passed >= 251 && passed < 900);
	hub_expect_dropped(s.h, DROP_POLICED, 901 - passed);
}

// 1,100 senders fill the ring of a class whose control core does not read it: named drops, other classes and forwarding
// go on.
static void test_a_full_ring_is_a_named_drop(void **state) {
	const unsigned senders = 1100, room = 1023;
	struct addr us = addr_of("192.0.2.1"), from, dst;
	struct scene s;
	struct frame f;

	scene_make(&s, *state);
	for (unsigned i = 0; i < senders; i++) {
		from = addr_ipv4(0xcb007100 + i);
		frame_ike(&f, 0x1122334455667788, 46, 36, 100);
		frame_udp(&f, 500, 500);
		frame_ip(&f, &from, &us, 17, 64, 0);
		frame_ether(&f, hub_mac[WAN], gateway_mac, 0x0800);
		hub_inject(s.h, WAN, 0, &f);
		datapath_poll_once(s.h->dp, 0);
	}
	hub_expect_dropped(s.h, DROP_PUNT_RING_FULL, senders - room);
	nhrp_from(&f, &s, &s.b);
	hub_inject(s.h, WAN, 0, &f);
	dst = s.b.lan.addr;
	inner_udp(&f, &s.a.protocol, &dst, 36, 64, 0);
	from_spoke(&f, s.h, &s.a, 0x0800);
	hub_inject(s.h, WAN, 0, &f);
	hub_poll(s.h);
	inner_udp(&f, &s.a.protocol, &dst, 36, 63, 0);
	to_spoke(&f, s.h, &s.b, 0x0800, 0);
	hub_expect_sent(WAN, &f);
	hub_expect_no_drops(s.h);
	assert_int_equal(punted_free(&s, PUNT_NHRP, &s.b), 1);
	assert_int_equal(punted_free(&s, PUNT_IKE, NULL), room);
}

static void test_an_empty_punt_pool_is_a_named_drop(void **state) {
	struct rte_mempool *pool;
	struct rte_mbuf *taken[16384];
	struct scene s;
	struct frame f;
	unsigned n = 0;

	scene_make(&s, *state);
	pool = datapath_lcore(s.h->dp, 0)->punt_pool;
	while (n < 16384 && (taken[n] = rte_pktmbuf_alloc(pool)) != NULL)
		n++;
	nhrp_from(&f, &s, &s.a);
	hub_inject(s.h, WAN, 0, &f);
	hub_poll(s.h);
	hub_expect_dropped(s.h, DROP_PUNT_NO_MBUF, 1);
	rte_pktmbuf_free_bulk(taken, n);
	hub_inject(s.h, WAN, 0, &f);
	hub_poll(s.h);
	assert_int_equal(punted_free(&s, PUNT_NHRP, &s.a), 1);
}

int main(int argc, char **argv) {
	const struct CMUnitTest tests[] = {
		stage_test(test_nhrp_says_who_sent_it),
		stage_test(test_nhrp_over_ipv6),
		stage_test(test_inner_packets_for_the_host),
		stage_test(test_underlay_frames),
		stage_test(test_ike),
		stage_test(test_a_quiet_lan_host_is_asked_for),
		stage_test(test_what_needs_no_neighbour_asks_for_none),
		stage_test(test_a_scan_of_the_lan_is_policed),
		stage_test(test_a_flood_from_one_spoke_leaves_the_others_alone),
		stage_test(test_a_flood_of_invented_senders_leaves_the_registered_alone),
		stage_test(test_a_flood_of_pings_does_not_stop_ones_own_nhrp),
		stage_test(test_arp_flood_is_policed),
		stage_test(test_a_full_ring_is_a_named_drop),
		stage_test(test_an_empty_punt_pool_is_a_named_drop),
	};

	return stage_main(argc, argv) ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
