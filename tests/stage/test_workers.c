// SPDX-License-Identifier: BSD-3-Clause
// One, two and four workers: packets find the worker that owns their way out, and none is lost.
//
//   spokes 0..15 ── queue q ──▶ worker q ── rings per pair ──▶ worker of spoke (n % workers) ── queue ──▶ spokes
//
// All in tunnel 0: endpoint 0, key 1001. First by single polls, then on lcores that share two CPUs.
#include <unistd.h>

#include <rte_cycles.h>
#include <rte_lcore.h>

#include "stage.h"

#define SPOKES 16

struct scene {
	struct hub h;
	struct spoke spokes[SPOKES];
	uint16_t n_workers;
};

static struct scene scene;

static struct scene *scene_make_unequal(uint16_t n_workers, uint16_t n_rx, uint16_t n_tx) {
	struct scene *s = &scene;
	char nbma[32];

	hub_create(&s->h, &(struct hub_conf){.n_workers = n_workers, .n_rx_queues = n_rx, .n_tx_queues = n_tx});
	s->n_workers = n_workers;
	hub_tunnel(&s->h, 0, 0, 1001, 0);
	for (unsigned i = 0; i < SPOKES; i++) {
		snprintf(nbma, sizeof(nbma), "192.0.2.%u", 100 + i);
		s->spokes[i] = hub_spoke(&s->h, 0, nbma, 100 + i);
		peer_at(&s->h.fwd.peers, s->spokes[i].peer)->owner = i % n_workers;
	}
	return s;
}

static struct scene *scene_make(uint16_t n_workers, uint16_t n_queues) {
	return scene_make_unequal(n_workers, n_queues, n_queues);
}

static void data_frame(struct scene *s, struct frame *f, unsigned from, unsigned to, bool is_out) {
	struct addr dst = s->spokes[to].lan.addr;

	inner_udp(f, &s->spokes[from].protocol, &dst, 36, is_out ? 63 : 64, 0);
	if (is_out)
		to_spoke(f, &s->h, &s->spokes[to], 0x0800, 0);
	else
		from_spoke(f, &s->h, &s->spokes[from], 0x0800);
}

// Every spoke to every other, the sender's flow hashing to a queue; each arrives at the right one.
static void all_to_all(struct scene *s, uint16_t n_queues) {
	unsigned expected[SPOKES] = {0}, seen[SPOKES] = {0};
	struct rte_mbuf *m;
	struct frame f;

	for (unsigned from = 0; from < SPOKES; from++) {
		for (unsigned to = 0; to < SPOKES; to++) {
			if (from == to)
				continue;
			data_frame(s, &f, from, to, false);
			hub_inject(&s->h, WAN, (from + from / 4) % n_queues, &f);
			expected[to]++;
		}
	}
	hub_poll(&s->h);
	while ((m = hub_sent(WAN)) != NULL) {
		const uint8_t *p = rte_pktmbuf_mtod(m, const uint8_t *);
		unsigned to = p[33] - 100, from = p[57] - 100; // outer destination, inner source

		assert_true(to < SPOKES && from < SPOKES);
		data_frame(s, &f, from, to, true);
		mbuf_expect(m, &f);
		rte_pktmbuf_free(m);
		seen[to]++;
	}
	assert_memory_equal(expected, seen, sizeof(seen));
	hub_expect_no_drops(&s->h);
}

static void nhrp_and_replies(struct scene *s, uint16_t n_queues) {
	struct rte_mbuf *m;
	struct pkt_meta *meta;
	struct frame f;

	for (unsigned i = 0; i < SPOKES; i++) {
		frame_payload(&f, 92, 9);
		from_spoke(&f, &s->h, &s->spokes[i], 0x2001);
		hub_inject(&s->h, WAN, i % n_queues, &f);
	}
	hub_poll(&s->h);
	for (unsigned i = 0; i < SPOKES; i++) {
		struct pkt_meta was;

		m = hub_punted(&s->h, PUNT_NHRP);
		assert_non_null(m);
		was = *pkt_meta(m);
		rte_pktmbuf_free(m);
		frame_payload(&f, 92, 3);
		m = hub_mbuf(datapath_control_pool(s->h.dp), &f);
		meta = pkt_meta(m);
		meta->way = WAY_PEER;
		meta->tunnel = was.tunnel;
		meta->gre_protocol = 0x2001;
		meta->peer_out = was.peer_in;
		meta->peer_out_gen = was.peer_in_gen;
		assert_int_equal(datapath_send(s->h.dp, m, EGRESS_CONTROL), 0);
	}
	hub_poll(&s->h);
	for (unsigned i = 0; i < SPOKES; i++) {
		m = hub_sent(WAN);
		assert_non_null(m);
		assert_int_equal(rte_pktmbuf_mtod(m, uint8_t *)[15], 0xc0);
		rte_pktmbuf_free(m);
	}
	hub_expect_no_drops(&s->h);
}

static void expect_every_worker_at_every_stage(struct scene *s) {
	for (uint16_t w = 0; w < s->n_workers; w++) {
		struct lcore_counters c;

		datapath_worker_counters(s->h.dp, w, &c);
		for (unsigned st = 0; st < STAGE_COUNT; st++) {
			bool esp = st == STAGE_HAIRPIN || st == STAGE_ESP_IN || st == STAGE_ESP_OUT ||
				   st == STAGE_ESP_HANDOFF ||
				   st == STAGE_ESP_FROM_WORKER; // no tunnel is protected here
			bool none = esp || (s->n_workers == 1 && (st == STAGE_HANDOFF || st == STAGE_FROM_WORKER));

			if (!c.stage_packets[st] != none)
				fail_msg("worker %u of %u: %lu packets at %s", w, s->n_workers, c.stage_packets[st],
					stage_name(st));
		}
	}
}

static void run_with(uint16_t n_workers) {
	struct scene *s = scene_make(n_workers, n_workers);

	all_to_all(s, n_workers);
	nhrp_and_replies(s, n_workers);
	expect_every_worker_at_every_stage(s);
	hub_destroy(&s->h);
}

static void test_one_worker(void **state) {
	(void)state;
	run_with(1);
}

static void test_two_workers(void **state) {
	(void)state;
	run_with(2);
}

static void test_four_workers(void **state) {
	(void)state;
	run_with(4);
}

// A port with one queue and four workers: whole frames go to the worker that has it.
static void test_fewer_queues_than_workers(void **state) {
	(void)state;
	for (uint16_t n_queues = 1; n_queues < 4; n_queues++) {
		struct scene *s = scene_make(4, n_queues);

		all_to_all(s, n_queues);
		nhrp_and_replies(s, n_queues);
		hub_destroy(&s->h);
	}
}

static uint64_t handed_on(struct scene *s) {
	struct lcore_counters c;

	datapath_counters(s->h.dp, &c);
	return c.stage_packets[STAGE_HANDOFF];
}

// queues: 1, and a PMD with a transmit queue for each worker: the owner of the way out sends, without a second ring.
static void test_more_queues_to_send_than_to_receive(void **state) {
	struct scene *s = scene_make_unequal(4, 1, 4);
	struct rte_mbuf *m;
	struct frame f;

	(void)state;
	for (unsigned to = 1; to < SPOKES; to++) {
		data_frame(s, &f, 0, to, false);
		hub_inject(&s->h, WAN, 0, &f);
	}
	hub_poll(&s->h);
	assert_int_equal(handed_on(s), SPOKES - SPOKES / 4); // to spokes of other workers, once each
	for (uint16_t w = 0; w < 4; w++)
		assert_int_equal(hub_sent_on(WAN, w), w ? 4 : 3);
	while ((m = hub_sent(WAN)) != NULL)
		rte_pktmbuf_free(m);
	all_to_all(s, 1);
	nhrp_and_replies(s, 1);
	hub_destroy(&s->h);
}

static void test_more_queues_to_receive_than_to_send(void **state) {
	(void)state;
	for (uint16_t n_tx = 1; n_tx < 4; n_tx++) {
		struct scene *s = scene_make_unequal(4, 4, n_tx);
		unsigned waiting = 0;
		struct rte_mbuf *m;
		struct frame f;

		for (unsigned to = 1; to < SPOKES; to++) {
			data_frame(s, &f, 0, to, false);
			hub_inject(&s->h, WAN, 3, &f);
		}
		hub_poll(&s->h);
		for (uint16_t q = 0; q < n_tx; q++)
			waiting += hub_sent_on(WAN, q);
		assert_int_equal(waiting, SPOKES - 1);
		while ((m = hub_sent(WAN)) != NULL)
			rte_pktmbuf_free(m);
		all_to_all(s, 4);
		nhrp_and_replies(s, 4);
		hub_destroy(&s->h);
	}
}

// Control traffic that crosses workers overtakes the data that was queued before it.
static void test_control_overtakes_data_between_workers(void **state) {
	struct scene *s = scene_make(2, 1);
	struct pkt_meta *meta;
	struct rte_mbuf *m;
	struct frame f;

	(void)state;
	for (unsigned i = 0; i < 6; i++) { // 0..4 data, 5 control, all to spoke 1 of worker 1, sent by worker 0
		frame_payload(&f, 92, 3);
		m = hub_mbuf(datapath_control_pool(s->h.dp), &f);
		meta = pkt_meta(m);
		meta->way = WAY_ADJ;
		meta->gre_protocol = i == 5 ? 0x2001 : 0x0800;
		meta->adj = s->spokes[1].adj;
		meta->adj_gen = s->h.fwd.adjs.adjs[s->spokes[1].adj].gen;
		assert_int_equal(datapath_send(s->h.dp, m, i == 5 ? EGRESS_CONTROL : EGRESS_DATA), 0);
		datapath_poll_once(s->h.dp, 1);
	}
	datapath_poll_once(s->h.dp, 0);
	for (unsigned i = 0; i < 6; i++) {
		m = hub_sent(WAN);
		assert_non_null(m);
		assert_int_equal(rte_pktmbuf_mtod(m, uint8_t *)[15] == 0xc0, i == 0);
		rte_pktmbuf_free(m);
	}
	hub_destroy(&s->h);
}

static void flood(struct scene *s, unsigned n, void (*make)(struct frame *f, unsigned i)) {
	struct frame f;

	for (unsigned i = 0; i < n; i++) {
		make(&f, i);
		hub_inject(&s->h, WAN, i % s->n_workers, &f);
		if (i % 256 == 255)
			hub_poll(&s->h);
	}
	hub_poll(&s->h);
}

static void ike_make(struct frame *f, unsigned i) {
	struct addr us = addr_of("192.0.2.1"), from = addr_ipv4(0xcb007100 + i);

	frame_payload(f, 100, 1);
	frame_udp(f, 500, 500);
	frame_ip(f, &from, &us, 17, 64, 0);
	frame_ether(f, hub_mac[WAN], gateway_mac, 0x0800);
}

static void arp_make(struct frame *f, unsigned i) {
	uint8_t from[6] = {2, 9, 9, 9, (uint8_t)(i >> 8), (uint8_t)i};

	frame_payload(f, 46, 1);
	frame_ether(f, hub_mac[WAN], from, 0x0806);
}

static void ping_make(struct frame *f, unsigned i) {
	const struct spoke *from = &scene.spokes[i % SPOKES];
	struct addr us = addr_of("10.255.0.1");

	inner_udp(f, &from->protocol, &us, 36, 64, 0);
	from_spoke(f, &scene.h, from, 0x0800);
}

static void hello_make(struct frame *f, unsigned i) {
	const struct spoke *from = &scene.spokes[i % SPOKES];
	struct addr ospf = addr_of("224.0.0.5");

	frame_payload(f, 44, 1);
	frame_ip(f, &from->protocol, &ospf, 89, 1, 0xc0);
	from_spoke(f, &scene.h, from, 0x0800);
}

static void nhrp_make(struct frame *f, unsigned i) {
	frame_payload(f, 92, 9);
	from_spoke(f, &scene.h, &scene.spokes[i % SPOKES], 0x2001);
}

// The punt pool is everybody's: however many workers fill the rings of the other classes, NHRP finds buffers.
static void test_full_rings_of_other_classes_leave_buffers_for_nhrp(void **state) {
	struct scene *s = scene_make(4, 4);
	struct lcore_counters before, after;
	struct rte_mbuf *m;

	(void)state;
	flood(s, 6000, ike_make);
	flood(s, 6000, arp_make);
	flood(s, 6000, ping_make);
	flood(s, 16000, hello_make);
	datapath_counters(s->h.dp, &before);
	flood(s, 2000, nhrp_make);
	datapath_counters(s->h.dp, &after);
	assert_int_equal(after.drops[DROP_PUNT_NO_MBUF], 0);
	assert_int_equal(after.punted[PUNT_NHRP] - before.punted[PUNT_NHRP], 2000);
	for (unsigned c = 0; c < PUNT_CLASSES; c++)
		while ((m = hub_punted(&s->h, c)) != NULL)
			rte_pktmbuf_free(m);
	hub_destroy(&s->h);
}

static void test_a_full_handoff_ring_is_a_named_drop(void **state) {
	const unsigned n = 1100, room = 1023;
	struct scene *s = scene_make(2, 2);
	struct rte_mbuf *m;
	struct frame f;

	(void)state;
	data_frame(s, &f, 0, 1, false);
	for (unsigned i = 0; i < n; i++) {
		hub_inject(&s->h, WAN, 0, &f);
		datapath_poll_once(s->h.dp, 0);
	}
	hub_expect_dropped(&s->h, DROP_EGRESS_RING_FULL, n - room);
	hub_poll(&s->h);
	for (unsigned i = 0; i < room; i++) {
		m = hub_sent(WAN);
		assert_non_null(m);
		rte_pktmbuf_free(m);
	}
	hub_destroy(&s->h);
}

struct tally {
	uint64_t injected, sent, dropped;
};

static void tally_take(struct scene *s, struct tally *t) {
	struct lcore_counters c;
	struct rte_mbuf *m;

	for (; (m = hub_sent(WAN)) != NULL; t->sent++)
		rte_pktmbuf_free(m);
	datapath_counters(s->h.dp, &c);
	t->dropped = 0;
	for (unsigned why = 0; why < DROP_REASON_COUNT; why++)
		t->dropped += c.drops[why];
}

// Until at most so many are under way; workers that share a CPU may take a while.
static void tally_wait(struct scene *s, struct tally *t, uint64_t under_way) {
	uint64_t until = rte_get_timer_cycles() + 30 * rte_get_timer_hz();

	for (tally_take(s, t); t->injected - t->sent - t->dropped > under_way; tally_take(s, t)) {
		rcu_reclaim(s->h.fwd.rcu, 100);
		if (rte_get_timer_cycles() > until)
			fail_msg("%lu injected, %lu sent, %lu dropped", t->injected, t->sent, t->dropped);
		usleep(50);
	}
}

static void expect_every_worker_busy(struct scene *s) {
	for (uint16_t w = 0; w < s->n_workers; w++) {
		struct lcore_counters c;

		datapath_worker_counters(s->h.dp, w, &c);
		assert_true(c.stage_packets[STAGE_RX] > 0);
		assert_true(c.stage_packets[STAGE_TX] > 0);
		assert_true(s->n_workers == 1 || c.stage_packets[STAGE_FROM_WORKER] > 0);
	}
}

// Workers run on their lcores while adjacencies move from spoke to spoke under them: what is sent and what is dropped
// by name is what came in.
static void running_with(uint16_t n_workers) {
	struct scene *s = scene_make(n_workers, n_workers);
	struct lcore_counters c;
	struct tally t = {0};
	struct frame f;

	assert_int_equal(datapath_start(s->h.dp), 0);
	for (unsigned r = 0; r < 300; r++) {
		struct adj *a = &s->h.fwd.adjs.adjs[s->spokes[r % SPOKES].adj];
		struct adj_state st = adj_state_load(a);

		for (unsigned i = 0; i < 64; i++, t.injected++) {
			data_frame(s, &f, i % SPOKES, (i + 1 + r % (SPOKES - 1)) % SPOKES, false);
			hub_inject(&s->h, WAN, i % n_workers, &f);
		}
		st.target = s->spokes[(r + 3) % SPOKES].peer;
		adj_state_store(a, st);
		tally_wait(s, &t, 512); // less than any ring holds
	}
	tally_wait(s, &t, 0);
	datapath_stop(s->h.dp);
	datapath_counters(s->h.dp, &c);
	assert_int_equal(t.dropped,
		c.drops[DROP_STALE] + c.drops[DROP_SAME_SPOKE]); // an owner, or the sender, became the target
	assert_true(t.sent > t.injected / 2);
	expect_every_worker_busy(s);
	hub_destroy(&s->h);
}

static void test_running_workers(void **state) {
	(void)state;
	for (uint16_t n = 1; n <= 4; n *= 2) {
		if (rte_lcore_count() <= n)
			fail_msg("needs --lcores with %u workers", n);
		running_with(n);
	}
}

int main(int argc, char **argv) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_worker),
		cmocka_unit_test(test_two_workers),
		cmocka_unit_test(test_four_workers),
		cmocka_unit_test(test_fewer_queues_than_workers),
		cmocka_unit_test(test_more_queues_to_send_than_to_receive),
		cmocka_unit_test(test_more_queues_to_receive_than_to_send),
		cmocka_unit_test(test_control_overtakes_data_between_workers),
		cmocka_unit_test(test_full_rings_of_other_classes_leave_buffers_for_nhrp),
		cmocka_unit_test(test_a_full_handoff_ring_is_a_named_drop),
		cmocka_unit_test(test_running_workers),
	};

	return stage_main(argc, argv) ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
