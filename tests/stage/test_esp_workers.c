// SPDX-License-Identifier: BSD-3-Clause
// An SA has one worker. The first that sees a packet of the peer claims it, all others hand over, in order; and what
// sits in a ring while an SA or a peer is replaced goes nowhere but to its grave, or out as it is now.
//
//   queue 0 ──▶ worker 0 ── esp_to, egress ring ──▶ worker 1 ◀── queue 1
//
// By single polls. What was freed is poisoned.
#include "esp.h"
#include "esp_packet.h"
#include "stage.h"

struct scene {
	struct hub h;
	struct esp_spoke a, b;
};

static struct scene scene;

static const struct esp_how native = {.suite = ESP_AES_GCM_128_16, .window = 32};

static int setup(void **state) {
	esp_hub_create(&scene.h, 2);
	scene.a = esp_spoke(&scene.h, 0, "192.0.2.10", 10, &native);
	scene.b = esp_spoke(&scene.h, 0, "192.0.2.11", 11, &native);
	*state = &scene;
	return 0;
}

static int teardown(void **state) {
	hub_destroy(&((struct scene *)*state)->h);
	return 0;
}

static void inner_n(const struct scene *s, struct frame *f, uint16_t n, uint8_t hops) {
	struct addr src = esp_host(&s->a.s.lan, 5), dst = esp_host(&s->b.s.lan, 7);

	inner_udp(f, &src, &dst, n, hops, 0);
}

static void inject_n(struct scene *s, uint16_t queue, uint16_t n) {
	struct frame f;

	inner_n(s, &f, n, 64);
	esp_from_spoke(&f, &s->h, &s->a, 0x0800);
	hub_inject(&s->h, WAN, queue, &f);
}

static void expect_at_b(struct scene *s, uint16_t n) {
	struct frame f;

	inner_n(s, &f, n, 63);
	esp_expect_sent(&s->h, &s->b, &f, 0x0800, 0);
}

static uint64_t stage_count(struct scene *s, uint16_t worker, enum stage st) {
	struct lcore_counters c;

	datapath_worker_counters(s->h.dp, worker, &c);
	return c.stage_packets[st];
}

static uint16_t owner(const struct scene *s, const struct esp_spoke *es) {
	return esp_peer(&s->h, es)->owner;
}

static void test_the_first_worker_claims(void **state) {
	struct scene *s = *state;

	assert_int_equal(owner(s, &s->a), PEER_OWNER_NONE);
	inject_n(s, 1, 1);
	hub_poll(&s->h);
	assert_int_equal(owner(s, &s->a), 1);
	assert_int_equal(owner(s, &s->b), 1); // nobody had it: who has a packet for it
	expect_at_b(s, 1);
	inject_n(s, 0, 2);
	assert_int_equal(datapath_poll_once(s->h.dp, 0), 1);
	assert_int_equal(stage_count(s, 0, STAGE_ESP_HANDOFF), 1);
	hub_expect_nothing_sent(); // it waits for worker 1
	assert_int_equal(datapath_poll_once(s->h.dp, 1), 1);
	assert_int_equal(stage_count(s, 1, STAGE_ESP_FROM_WORKER), 1);
	expect_at_b(s, 2);
	assert_int_equal(owner(s, &s->a), 1);
	hub_expect_no_drops(&s->h);
}

// The window, numbers and counters are the owner's: the other worker looks at none of them.
static void test_a_packet_handed_over_changes_nothing_yet(void **state) {
	struct scene *s = *state;
	struct sa_in before;

	inject_n(s, 1, 1);
	hub_poll(&s->h);
	expect_at_b(s, 1);
	before = *esp_sa_in(&s->h, &s->a.up);
	s->a.up.seq = 0;
	inject_n(s, 0, 2); // replayed
	datapath_poll_once(s->h.dp, 0);
	assert_memory_equal(&before, esp_sa_in(&s->h, &s->a.up), sizeof(before));
	hub_expect_no_drops(&s->h);
	datapath_poll_once(s->h.dp, 1);
	hub_expect_dropped(&s->h, DROP_ESP_REPLAY, 1);
	assert_int_equal(esp_dropped(&s->h, &s->a.up, SA_DROP_REPLAY_SEEN), 1);
}

// Three times the same number in one burst of the ring: the window is asked again when they are opened.
static void test_replayed_within_the_ring(void **state) {
	struct scene *s = *state;

	for (unsigned i = 0; i < 3; i++) { // owned, and the suite was seen
		inject_n(s, 1, 1);
		hub_poll(&s->h);
		expect_at_b(s, 1);
	}
	for (unsigned i = 0; i < 3; i++) {
		s->a.up.seq = 3;
		inject_n(s, 0, 2);
	}
	hub_poll(&s->h);
	expect_at_b(s, 2);
	hub_expect_nothing_sent();
	hub_expect_dropped(&s->h, DROP_ESP_REPLAY, 2);
	assert_int_equal(esp_dropped(&s->h, &s->a.up, SA_DROP_REPLAY_SEEN), 2);
}

// A second inbound SA, and one that comes after a rekey, are the same worker's.
static void test_all_sas_of_a_peer_have_one_owner(void **state) {
	struct scene *s = *state;

	inject_n(s, 1, 1);
	hub_poll(&s->h);
	expect_at_b(s, 1);
	esp_up_make(&s->h, &s->a);
	inject_n(s, 0, 2);
	datapath_poll_once(s->h.dp, 0);
	assert_int_equal(stage_count(s, 0, STAGE_ESP_HANDOFF), 1);
	hub_expect_nothing_sent();
	hub_poll(&s->h);
	expect_at_b(s, 2);
	hub_expect_no_drops(&s->h);
}

// Far more than a window of 32, all on the queue of the worker that does not own it.
static void test_order_is_kept_on_the_way_to_the_owner(void **state) {
	struct scene *s = *state;

	inject_n(s, 1, 0);
	hub_poll(&s->h);
	expect_at_b(s, 0);
	for (uint16_t i = 1; i <= 900; i++)
		inject_n(s, 0, i);
	for (unsigned i = 0; i < 60; i++)
		datapath_poll_once(s->h.dp, 0);
	hub_expect_nothing_sent();
	hub_poll(&s->h);
	for (uint16_t i = 1; i <= 900; i++)
		expect_at_b(s, i);
	hub_expect_no_drops(&s->h);
	assert_int_equal(esp_sa_in(&s->h, &s->a.up)->replay.top, 901);
}

// B's numbers are given out where B is owned: what A and C send to B meets there.
static void test_numbers_rise_whoever_sends(void **state) {
	struct scene *s = *state;
	struct esp_spoke c = esp_spoke(&s->h, 0, "192.0.2.12", 12, &native);
	uint32_t last = 0;

	esp_peer(&s->h, &s->a)->owner = 0;
	esp_peer(&s->h, &c)->owner = 1;
	esp_peer(&s->h, &s->b)->owner = 1;
	for (unsigned i = 0; i < 200; i++) {
		struct esp_spoke *from = i & 1 ? &c : &s->a;
		struct addr src = esp_host(&from->s.lan, 5), dst = esp_host(&s->b.s.lan, 7);
		struct frame f;

		inner_udp(&f, &src, &dst, 36, 64, 0);
		esp_from_spoke(&f, &s->h, from, 0x0800);
		hub_inject(&s->h, WAN, i & 1, &f);
		if (i % 7 == 0)
			datapath_poll_once(s->h.dp, i / 7 & 1);
	}
	hub_poll(&s->h);
	for (unsigned i = 0; i < 200; i++) {
		struct rte_mbuf *m = hub_sent(WAN);

		assert_non_null(m);
		assert_int_equal(esp_look(m).spi, s->b.down.spi);
		assert_int_equal(esp_look(m).seq, ++last);
		rte_pktmbuf_free(m);
	}
	hub_expect_no_drops(&s->h);
	assert_int_equal(stage_count(s, 0, STAGE_HANDOFF), 100);
}

static void test_a_full_ring_to_the_owner_is_a_named_drop(void **state) {
	const unsigned n = 1100, room = 1023;
	struct scene *s = *state;

	esp_peer(&s->h, &s->a)->owner = 1;
	for (unsigned i = 0; i < n; i++) {
		inject_n(s, 0, 36);
		datapath_poll_once(s->h.dp, 0);
	}
	hub_expect_dropped(&s->h, DROP_OWNER_RING_FULL, n - room);
	hub_poll(&s->h);
	for (unsigned i = 0; i < room; i++)
		expect_at_b(s, 36);
	hub_expect_nothing_sent();
	hub_expect_no_drops(&s->h);
}

// Congestion that the underlay marked is not forgotten on the way between workers.
static void test_marks_go_with_the_packet(void **state) {
	struct scene *s = *state;
	struct addr src = esp_host(&s->a.s.lan, 5), dst = esp_host(&s->b.s.lan, 7);
	struct frame f;

	esp_peer(&s->h, &s->a)->owner = 1;
	inner_udp(&f, &src, &dst, 36, 64, 2);
	esp_inside_from_spoke(&f, &s->h, &s->a, 0x0800);
	esp_seal(&f, &s->a.up, 1, 0, 47);
	esp_outer_from_spoke(&f, &s->h, &s->a, 3);
	hub_inject(&s->h, WAN, 0, &f);
	hub_poll(&s->h);
	inner_udp(&f, &src, &dst, 36, 63, 3);
	esp_expect_sent(&s->h, &s->b, &f, 0x0800, 3);
	hub_expect_no_drops(&s->h);
}

// A port with fewer queues than workers: frames that are encrypted already cross once more, and stay as they are.
static void test_fewer_queues_than_workers(void **state) {
	struct scene *s = *state;

	for (uint16_t queues = 1; queues < 4; queues++) {
		struct esp_spoke spokes[8];
		char nbma[32];

		hub_destroy(&s->h);
		esp_hub_create_with(&s->h, &(struct hub_conf){
						   .n_workers = 4,
						   .n_rx_queues = queues,
						   .n_tx_queues = 4 - queues,
						   .crypto = hub_crypto,
					   });
		for (unsigned i = 0; i < 8; i++) {
			snprintf(nbma, sizeof(nbma), "192.0.2.%u", 10 + i);
			spokes[i] = esp_spoke(&s->h, 0, nbma, 10 + i, &native);
			esp_peer(&s->h, &spokes[i])->owner = i & 3;
		}
		for (unsigned i = 0; i < 64; i++)
			esp_pass(&s->h, &spokes[i & 7], &spokes[(i + 1 + i / 8 % 7) & 7], i & 1, 36 + i);
	}
}

// What a buffer said of the packet before it says nothing of this one: a frame of data goes to the worker that sends it
// by the ring for data, which is four times as long as that for control.
static void test_data_goes_by_the_ring_for_data(void **state) {
	struct scene *s = *state;

	hub_destroy(&s->h);
	esp_hub_create_with(&s->h, &(struct hub_conf){.n_workers = 2, .n_tx_queues = 1, .crypto = hub_crypto});
	s->a = esp_spoke(&s->h, 0, "192.0.2.10", 10, &native);
	s->b = esp_spoke(&s->h, 0, "192.0.2.11", 11, &native);
	for (unsigned i = 0; i < 600; i++) {
		inject_n(s, 1, 36);
		datapath_poll_once(s->h.dp, 1);
	}
	hub_expect_no_drops(&s->h);
	hub_expect_nothing_sent();
	hub_poll(&s->h);
	for (unsigned i = 0; i < 600; i++)
		expect_at_b(s, 36);
	hub_expect_no_drops(&s->h);
}

static void grace_period(struct scene *s) {
	rcu_reclaim(s->h.fwd.rcu, 1000);
	assert_int_equal(rcu_deferred(s->h.fwd.rcu), 0);
}

// n packets of A in worker 0's ring to worker 1.
static void wait_for_owner(struct scene *s, unsigned n) {
	esp_peer(&s->h, &s->a)->owner = 1;
	for (unsigned i = 0; i < n; i++)
		inject_n(s, 0, 36);
	assert_int_equal(datapath_poll_once(s->h.dp, 0), n);
	assert_int_equal(stage_count(s, 0, STAGE_ESP_HANDOFF), n);
	hub_expect_nothing_sent();
	hub_expect_no_drops(&s->h);
}

static void expect_all_dropped(struct scene *s, enum drop_reason why, unsigned n) {
	hub_poll(&s->h);
	hub_expect_nothing_sent();
	hub_expect_dropped(&s->h, why, n);
}

static void test_sa_withdrawn_while_packets_wait_for_its_owner(void **state) {
	struct scene *s = *state;

	wait_for_owner(s, 5);
	esp_up_withdraw(&s->h, &s->a.up);
	expect_all_dropped(s, DROP_ESP_UNKNOWN, 5);
}

static void test_sa_replaced_while_packets_wait_for_its_owner(void **state) {
	struct scene *s = *state;
	struct esp_sa old = s->a.up;

	wait_for_owner(s, 5);
	esp_up_withdraw(&s->h, &s->a.up);
	grace_period(s);
	memset((uint8_t *)esp_sa_in(&s->h, &old) + 8, 0xdd, s->h.fwd.ipsec->in_stride - 8);
	esp_now_ns += 100 * UINT64_C(1000000000);
	esp_up_make(&s->h, &s->a);
	assert_int_equal(s->a.up.slot, old.slot);
	expect_all_dropped(s, DROP_ESP_UNKNOWN, 5);
	assert_int_equal(esp_sa_in(&s->h, &s->a.up)->replay.top, 0);
	inject_n(s, 0, 36);
	hub_poll(&s->h);
	expect_at_b(s, 36);
}

// The peer's slot is another spoke's meanwhile, of another owner.
static void test_peer_replaced_while_packets_wait_for_its_owner(void **state) {
	struct scene *s = *state;
	struct esp_spoke other;

	wait_for_owner(s, 5);
	esp_up_withdraw(&s->h, &s->a.up);
	assert_int_equal(peer_free(&s->h.fwd.peers, s->h.fwd.rcu, s->a.s.peer), 0);
	grace_period(s);
	sa_out_wipe(s->h.fwd.ipsec, s->a.s.peer);
	memset(&esp_peer(&s->h, &s->a)->endpoint, 0xdd, sizeof(struct peer) - offsetof(struct peer, endpoint));
	other = esp_spoke(&s->h, 0, "192.0.2.12", 12, &native);
	assert_int_equal(other.s.peer, s->a.s.peer);
	expect_all_dropped(s, DROP_ESP_UNKNOWN, 5);
	assert_int_equal(owner(s, &other), PEER_OWNER_NONE);
	esp_pass(&s->h, &s->b, &other, false, 36);
}

// Nobody may send to a peer that control writes, and nobody claims it.
static void test_a_peer_that_control_writes(void **state) {
	struct scene *s = *state;

	esp_peer(&s->h, &s->b)->owner = PEER_OWNER_CONTROL;
	inject_n(s, 0, 36);
	expect_all_dropped(s, DROP_STALE, 1);
	assert_int_equal(owner(s, &s->b), PEER_OWNER_CONTROL);
	esp_peer(&s->h, &s->a)->owner = PEER_OWNER_CONTROL;
	esp_up_make(&s->h, &s->a);
	inject_n(s, 0, 36);
	expect_all_dropped(s, DROP_STALE, 1);
	assert_int_equal(owner(s, &s->a), PEER_OWNER_CONTROL);
}

// n packets for B in worker 0's ring to worker 1, in clear.
static void wait_to_leave(struct scene *s, unsigned n) {
	esp_peer(&s->h, &s->a)->owner = 0;
	esp_peer(&s->h, &s->b)->owner = 1;
	for (unsigned i = 0; i < n; i++)
		inject_n(s, 0, 36);
	assert_int_equal(datapath_poll_once(s->h.dp, 0), n);
	hub_expect_nothing_sent();
	hub_expect_no_drops(&s->h);
}

static void test_outbound_sa_replaced_while_packets_wait(void **state) {
	static struct sa_message msg;
	struct scene *s = *state;

	wait_to_leave(s, 5);
	esp_down_message(&s->h, &s->b, &msg);
	assert_int_equal(esp_message_send(&s->h, 1, &s->b, &msg), 0);
	hub_poll(&s->h); // control's ring first
	for (unsigned i = 0; i < 5; i++)
		expect_at_b(s, 36);
	hub_expect_no_drops(&s->h);
}

static void test_outbound_sa_withdrawn_while_packets_wait(void **state) {
	static struct sa_message msg;
	struct scene *s = *state;

	wait_to_leave(s, 5);
	msg = (struct sa_message){.has_sa = true};
	assert_int_equal(esp_message_send(&s->h, 1, &s->b, &msg), 0);
	expect_all_dropped(s, DROP_NO_SA, 5);
}

static void test_nat_moves_while_packets_wait(void **state) {
	static struct sa_message msg;
	struct scene *s = *state;

	wait_to_leave(s, 5);
	esp_move_message(&s->h, &s->b, "192.0.2.200", 0, &msg);
	assert_int_equal(esp_message_send(&s->h, 1, &s->b, &msg), 0);
	hub_poll(&s->h);
	for (unsigned i = 0; i < 5; i++)
		expect_at_b(s, 36);
	hub_expect_no_drops(&s->h);
}

static void test_peer_replaced_while_packets_wait_to_leave(void **state) {
	struct scene *s = *state;
	struct esp_spoke other;

	wait_to_leave(s, 5);
	adj_state_store(&s->h.fwd.adjs.adjs[s->b.s.adj], (struct adj_state){.kind = ADJ_INCOMPLETE});
	esp_up_withdraw(&s->h, &s->b.up);
	assert_int_equal(peer_free(&s->h.fwd.peers, s->h.fwd.rcu, s->b.s.peer), 0);
	grace_period(s);
	sa_out_wipe(s->h.fwd.ipsec, s->b.s.peer);
	memset(&esp_peer(&s->h, &s->b)->endpoint, 0xdd, sizeof(struct peer) - offsetof(struct peer, endpoint));
	other = esp_spoke(&s->h, 0, "192.0.2.12", 12, &native);
	assert_int_equal(other.s.peer, s->b.s.peer);
	expect_all_dropped(s, DROP_NOT_REGISTERED, 5);
	assert_int_equal(sa_out_at(s->h.fwd.ipsec, other.s.peer)->seq, 0);
}

#define worker_test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(int argc, char **argv) {
	const struct CMUnitTest tests[] = {
		worker_test(test_the_first_worker_claims),
		worker_test(test_a_packet_handed_over_changes_nothing_yet),
		worker_test(test_replayed_within_the_ring),
		worker_test(test_all_sas_of_a_peer_have_one_owner),
		worker_test(test_order_is_kept_on_the_way_to_the_owner),
		worker_test(test_numbers_rise_whoever_sends),
		worker_test(test_a_full_ring_to_the_owner_is_a_named_drop),
		worker_test(test_marks_go_with_the_packet),
		worker_test(test_fewer_queues_than_workers),
		worker_test(test_data_goes_by_the_ring_for_data),
		worker_test(test_sa_withdrawn_while_packets_wait_for_its_owner),
		worker_test(test_sa_replaced_while_packets_wait_for_its_owner),
		worker_test(test_peer_replaced_while_packets_wait_for_its_owner),
		worker_test(test_a_peer_that_control_writes),
		worker_test(test_outbound_sa_replaced_while_packets_wait),
		worker_test(test_outbound_sa_withdrawn_while_packets_wait),
		worker_test(test_nat_moves_while_packets_wait),
		worker_test(test_peer_replaced_while_packets_wait_to_leave),
	};

	return stage_main(argc, argv) ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
