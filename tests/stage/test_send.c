// SPDX-License-Identifier: BSD-3-Clause
// Packets of the control core: each way out, marked and first in line.
//
//   control (the test) ── rings ── [hub] wan0 ─┬─ A 192.0.2.10      tunnel 0: endpoint 0, key 1001
//                                              ├─ C 192.0.2.12      tunnel 1: endpoint 1 (IPv6), no key
//                                              └─ X 192.0.2.99      tunnel 4: endpoint 2, key 1001, checksums
//
// A is registered in tunnel 0, C in tunnel 4, X nowhere.
#include "mbuf_guard.h"
#include "stage.h"

struct scene {
	struct hub *h;
	struct spoke a, c;
};

static void scene_make(struct scene *s, struct hub *h) {
	s->h = h;
	hub_tunnel(h, 0, 0, 1001, 0);
	hub_tunnel(h, 1, 1, NO_KEY, 0);
	hub_tunnel(h, 4, 2, 1001, 0)->checksum = true;
	s->a = hub_spoke(h, 0, "192.0.2.10", 10);
	s->c = hub_spoke(h, 4, "192.0.2.12", 12);
}

static struct rte_mbuf *packet(struct scene *s, struct frame *f, enum pkt_way way, uint16_t gre_protocol) {
	struct rte_mbuf *m = hub_mbuf(datapath_control_pool(s->h->dp), f);
	struct pkt_meta *meta = pkt_meta(m);

	meta->way = way;
	meta->gre_protocol = gre_protocol;
	return m;
}

static void by_adj(struct rte_mbuf *m, const struct scene *s, uint32_t adj) {
	pkt_meta(m)->adj = adj;
	pkt_meta(m)->adj_gen = s->h->fwd.adjs.adjs[adj].gen;
}

static void by_peer(struct rte_mbuf *m, const struct scene *s, uint32_t peer, uint16_t tunnel) {
	pkt_meta(m)->peer_out = peer;
	pkt_meta(m)->peer_out_gen = peer_at(&s->h->fwd.peers, peer)->gen;
	pkt_meta(m)->tunnel = tunnel;
}

static void sent(struct scene *s, struct rte_mbuf *m, enum egress_priority p) {
	assert_int_equal(datapath_send(s->h->dp, m, p), 0);
	hub_poll(s->h);
}

static void test_by_adjacency(void **state) {
	struct addr us = addr_of("10.255.0.1");
	struct scene s;
	struct rte_mbuf *m;
	struct frame f;

	scene_make(&s, *state);
	for (unsigned p = 0; p < EGRESS_PRIORITIES; p++) {
		inner_udp(&f, &us, &s.a.protocol, 36, 64, 0x20);
		m = packet(&s, &f, WAY_ADJ, 0x0800);
		by_adj(m, &s, s.a.adj);
		sent(&s, m, p);
		inner_udp(&f, &us, &s.a.protocol, 36, 64, 0x20); // its TTL is the host's
		to_spoke(&f, s.h, &s.a, 0x0800, p == EGRESS_CONTROL ? 0xc0 : 0x20);
		hub_expect_sent(WAN, &f);
	}
	hub_expect_no_drops(s.h);
}

static void test_by_peer(void **state) {
	struct scene s;
	struct rte_mbuf *m;
	struct frame f;

	scene_make(&s, *state);
	for (unsigned i = 0; i < 2; i++) {
		const struct spoke *to = i ? &s.c : &s.a;

		frame_payload(&f, 92, 3);
		m = packet(&s, &f, WAY_PEER, 0x2001);
		by_peer(m, &s, to->peer, to->tunnel);
		sent(&s, m, EGRESS_CONTROL);
		frame_payload(&f, 92, 3);
		to_spoke(&f, s.h, to, 0x2001, 0xc0); // C's with a checksum
		hub_expect_sent(WAN, &f);
	}
	hub_expect_no_drops(s.h);
}

static void test_by_nbma_address(void **state) {
	struct spoke x[2] = {
		{.tunnel = 4, .nbma = addr_of("192.0.2.99")}, {.tunnel = 1, .nbma = addr_of("2001:db8::99")}};
	struct scene s;
	struct rte_mbuf *m;
	struct frame f;

	scene_make(&s, *state);
	for (unsigned i = 0; i < 2; i++) {
		frame_payload(&f, 92, 3);
		m = packet(&s, &f, WAY_NBMA, 0x2001);
		pkt_meta(m)->tunnel = x[i].tunnel;
		pkt_meta(m)->nbma = x[i].nbma;
		pkt_meta(m)->peer_out = 1 + WAN; // underlay next hop
		sent(&s, m, EGRESS_CONTROL);
		frame_payload(&f, 92, 3);
		to_spoke(&f, s.h, &x[i], 0x2001, 0xc0);
		hub_expect_sent(WAN, &f);
	}
	hub_expect_no_drops(s.h);
}

static void test_whole_frames(void **state) {
	struct scene s;
	struct rte_mbuf *m;
	struct frame f;

	scene_make(&s, *state);
	for (unsigned port = 0; port < HUB_PORTS; port++) {
		frame_payload(&f, 46, 3);
		frame_ether(&f, gateway_mac, hub_mac[port], 0x0806);
		m = packet(&s, &f, WAY_FRAME, 0);
		pkt_meta(m)->port = port;
		sent(&s, m, EGRESS_CONTROL);
		hub_expect_sent(port, &f);
	}
	hub_expect_no_drops(s.h);
	m = packet(&s, &f, WAY_FRAME, 0);
	pkt_meta(m)->port = 200;
	sent(&s, m, EGRESS_CONTROL);
	hub_expect_dropped(s.h, DROP_PORT_DOWN, 1);
}

static void test_what_cannot_leave_has_a_name(void **state) {
	struct scene s;
	struct rte_mbuf *m;
	struct frame f;

	scene_make(&s, *state);
	frame_payload(&f, 92, 3);
	m = packet(&s, &f, WAY_ADJ, 0x0800);
	by_adj(m, &s, s.a.adj);
	mbuf_guard_open(m);
	rte_pktmbuf_prepend(m, rte_pktmbuf_headroom(m));
	sent(&s, m, EGRESS_DATA);
	hub_expect_dropped(s.h, DROP_HEADROOM, 1);
	frame_payload(&f, 1401, 3);
	m = packet(&s, &f, WAY_ADJ, 0x0800);
	by_adj(m, &s, s.a.adj);
	sent(&s, m, EGRESS_DATA);
	hub_expect_dropped(s.h, DROP_TOO_BIG, 1);
	s.h->tunnels[4].is_protected = true;
	frame_payload(&f, 92, 3);
	m = packet(&s, &f, WAY_PEER, 0x2001);
	by_peer(m, &s, s.c.peer, 4);
	sent(&s, m, EGRESS_CONTROL);
	hub_expect_dropped(s.h, DROP_CLEAR_ON_PROTECTED, 1);
	m = packet(&s, &f, WAY_NBMA, 0x2001);
	pkt_meta(m)->tunnel = 4;
	pkt_meta(m)->nbma = s.c.nbma;
	pkt_meta(m)->peer_out = 1 + WAN;
	sent(&s, m, EGRESS_CONTROL);
	hub_expect_dropped(s.h, DROP_CLEAR_ON_PROTECTED, 1);
	m = packet(&s, &f, WAY_NONE, 0x2001);
	sent(&s, m, EGRESS_CONTROL);
	hub_expect_dropped(s.h, DROP_STALE, 1);
	adj_state_store(&s.h->fwd.adjs.adjs[s.a.adj], (struct adj_state){.kind = ADJ_INCOMPLETE});
	m = packet(&s, &f, WAY_ADJ, 0x0800);
	by_adj(m, &s, s.a.adj);
	sent(&s, m, EGRESS_DATA);
	hub_expect_dropped(s.h, DROP_NOT_REGISTERED, 1);
	hub_expect_nothing_sent();
}

// Data was queued first, and a packet waits at the port: control's leaves before both.
static void test_control_traffic_goes_first(void **state) {
	struct scene s;
	struct rte_mbuf *m;
	struct frame f, data, control;
	struct addr dst;

	scene_make(&s, *state);
	dst = s.a.lan.addr;
	inner_udp(&f, &s.c.protocol, &dst, 36, 64, 0);
	from_spoke(&f, s.h, &s.c, 0x0800);
	hub_inject(s.h, WAN, 0, &f);
	for (unsigned i = 0; i < 40; i++) {
		frame_payload(&data, 92, 9);
		m = packet(&s, &data, WAY_ADJ, 0x0800);
		by_adj(m, &s, s.a.adj);
		assert_int_equal(datapath_send(s.h->dp, m, EGRESS_DATA), 0);
	}
	frame_payload(&control, 92, 3);
	m = packet(&s, &control, WAY_PEER, 0x2001);
	by_peer(m, &s, s.a.peer, 0);
	assert_int_equal(datapath_send(s.h->dp, m, EGRESS_CONTROL), 0);
	datapath_poll_once(s.h->dp, 0);
	frame_payload(&control, 92, 3);
	to_spoke(&control, s.h, &s.a, 0x2001, 0xc0);
	hub_expect_sent(WAN, &control);
	hub_poll(s.h);
	for (unsigned i = 0; i < 41; i++) {
		m = hub_sent(WAN);
		assert_non_null(m);
		rte_pktmbuf_free(m);
	}
}

static void test_a_full_ring_leaves_the_packet_with_the_sender(void **state) {
	struct scene s;
	struct rte_mbuf *m;
	struct frame f;
	unsigned n = 0;

	scene_make(&s, *state);
	for (;;) {
		frame_payload(&f, 92, 3);
		m = packet(&s, &f, WAY_PEER, 0x2001);
		by_peer(m, &s, s.a.peer, 0);
		if (datapath_send(s.h->dp, m, EGRESS_CONTROL) != 0)
			break;
		n++;
		assert_true(n < 5000);
	}
	rte_pktmbuf_free(m);
	hub_poll(s.h);
	for (; n; n--)
		rte_pktmbuf_free(hub_sent(WAN));
	hub_expect_nothing_sent();
	hub_expect_no_drops(s.h);
}

int main(int argc, char **argv) {
	const struct CMUnitTest tests[] = {
		stage_test(test_by_adjacency),
		stage_test(test_by_peer),
		stage_test(test_by_nbma_address),
		stage_test(test_whole_frames),
		stage_test(test_what_cannot_leave_has_a_name),
		stage_test(test_control_traffic_goes_first),
		stage_test(test_a_full_ring_leaves_the_packet_with_the_sender),
	};

	return stage_main(argc, argv) ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
