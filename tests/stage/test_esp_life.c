// SPDX-License-Identifier: BSD-3-Clause
// The life of an SA: two inbound ones at once, an SPI that is gone and its slot used again, and the end of sequence
// numbers, of which control is told.
//
//   A, B ══ ESP ══ wan0 [hub]      the test is control
#include "esp.h"
#include "stage.h"

struct scene {
	struct hub h;
	struct esp_spoke a, b;
	struct sa_message msg;
};

static struct scene scene;

static struct esp_how how_of(enum esp_suite suite, unsigned bits) {
	return (struct esp_how){.suite = suite, .esn = bits & 1, .tunnel_mode = bits & 2, .port = bits & 4 ? 40000 : 0};
}

static int setup(void **state) {
	struct esp_how how = {.suite = ESP_AES_GCM_128_16};

	esp_hub_create(&scene.h, 1);
	scene.a = esp_spoke(&scene.h, 0, "192.0.2.10", 10, &how);
	scene.b = esp_spoke(&scene.h, 0, "192.0.2.11", 11, &how);
	*state = &scene;
	return 0;
}

static int teardown(void **state) {
	hub_destroy(&((struct scene *)*state)->h);
	return 0;
}

static void message_send(struct scene *s, const struct esp_spoke *to) {
	uint16_t owner = esp_peer(&s->h, to)->owner;

	assert_int_equal(esp_message_send(&s->h, owner < s->h.fwd.n_workers ? owner : 0, to, &s->msg), 0);
}

static void from_a_to_b_on(struct scene *s, const struct esp_sa *up, uint64_t seq) {
	struct esp_spoke on = s->a;
	struct addr src = esp_host(&s->a.s.lan, 5), dst = esp_host(&s->b.s.lan, 7);
	struct frame f;

	on.up = *up;
	inner_udp(&f, &src, &dst, 36, 64, 0);
	esp_from_spoke_seq(&f, &s->h, &on, 0x0800, seq);
	hub_inject(&s->h, WAN, 0, &f);
}

static void expect_at_b(struct scene *s, unsigned n) {
	struct addr src = esp_host(&s->a.s.lan, 5), dst = esp_host(&s->b.s.lan, 7);
	struct frame f;

	for (unsigned i = 0; i < n; i++) {
		inner_udp(&f, &src, &dst, 36, 63, 0);
		esp_expect_sent(&s->h, &s->b, &f, 0x0800, 0);
	}
	hub_expect_nothing_sent();
	hub_expect_no_drops(&s->h);
}

// Make before break: the spoke may use either inbound SA, each with a window of its own; the hub uses its newest.
static void test_two_inbound_sas_at_once(void **state) {
	struct scene *s = *state;
	struct esp_sa old = s->a.up;

	esp_pass(&s->h, &s->a, &s->b, false, 36);
	esp_up_make(&s->h, &s->a);
	assert_int_not_equal(old.spi, s->a.up.spi);
	for (unsigned i = 1; i <= 8; i++) {
		from_a_to_b_on(s, &old, 1 + i);
		from_a_to_b_on(s, &s->a.up, i);
	}
	hub_poll(&s->h);
	expect_at_b(s, 16);
	from_a_to_b_on(s, &s->a.up, 9);
	from_a_to_b_on(s, &old, 9);
	from_a_to_b_on(s, &old, 10); // the one number of these three that is new
	hub_poll(&s->h);
	hub_expect_dropped(&s->h, DROP_ESP_REPLAY, 1);
	expect_at_b(s, 2);
	assert_int_equal(esp_dropped(&s->h, &old, SA_DROP_REPLAY_SEEN), 1);
	assert_int_equal(esp_dropped(&s->h, &s->a.up, SA_DROP_REPLAY_SEEN), 0);
	esp_down_message(&s->h, &s->a, &s->msg);
	message_send(s, &s->a);
	hub_poll(&s->h);
	esp_pass(&s->h, &s->b, &s->a, false, 36);
	esp_up_withdraw(&s->h, &old);
	from_a_to_b_on(s, &old, 11);
	hub_poll(&s->h);
	hub_expect_nothing_sent();
	hub_expect_dropped(&s->h, DROP_ESP_UNKNOWN, 1);
	from_a_to_b_on(s, &s->a.up, 10);
	hub_poll(&s->h);
	expect_at_b(s, 1);
}

// A slot that is used again has another SPI; the old one finds nothing, with its own keys or the new.
static void test_an_spi_of_an_earlier_generation(void **state) {
	struct scene *s = *state;
	struct esp_sa old = s->a.up, mixed;

	esp_up_withdraw(&s->h, &s->a.up);
	rcu_reclaim(s->h.fwd.rcu, 100);
	esp_now_ns += 100 * UINT64_C(1000000000);
	esp_up_make(&s->h, &s->a);
	assert_int_equal(s->a.up.slot, old.slot);
	assert_int_not_equal(s->a.up.spi, old.spi);
	mixed = s->a.up;
	mixed.spi = old.spi;
	from_a_to_b_on(s, &old, 1);
	from_a_to_b_on(s, &mixed, 1);
	hub_poll(&s->h);
	hub_expect_nothing_sent();
	hub_expect_dropped(&s->h, DROP_ESP_UNKNOWN, 2);
	esp_pass(&s->h, &s->a, &s->b, false, 36);
}

// An SPI that a peer's other end chose: found by hash, beside ours.
static void test_an_spi_chosen_elsewhere(void **state) {
	struct scene *s = *state;
	struct esp_how how = how_of(ESP_AES_GCM_128_16, 0);
	struct esp_spoke c = esp_spoke_bare(&s->h, 0, "192.0.2.12", 12, &how);

	esp_up_make_foreign(&s->h, &c, 256);
	esp_down_make(&s->h, &c);
	esp_pass(&s->h, &c, &s->b, false, 36);
	esp_pass(&s->h, &s->a, &s->b, false, 36);
	esp_up_withdraw(&s->h, &c.up);
	s->a.up.spi = c.up.spi;
	from_a_to_b_on(s, &s->a.up, 9);
	hub_poll(&s->h);
	hub_expect_nothing_sent();
	hub_expect_dropped(&s->h, DROP_ESP_UNKNOWN, 1);
}

static void expect_event(struct scene *s, enum sa_event_kind kind, const struct esp_spoke *es, uint64_t seq) {
	struct sa_event e;

	assert_true(hub_event(&s->h, &e));
	assert_int_equal(e.kind, kind);
	assert_int_equal(e.peer, es->s.peer);
	assert_int_equal(e.peer_gen, esp_peer(&s->h, es)->gen);
	assert_int_equal(e.spi, es->down.spi);
	assert_int_equal(e.seq, seq);
}

static void expect_no_event(struct scene *s) {
	struct sa_event e;

	assert_false(hub_event(&s->h, &e));
}

// An SA whose numbers end at end; the last one used is at.
static void down_near_end(struct scene *s, struct esp_spoke *es, uint64_t at, uint64_t soft, uint64_t end) {
	esp_down_message(&s->h, es, &s->msg);
	s->msg.sa.seq = es->down.seq = at;
	s->msg.sa.seq_soft = soft;
	s->msg.sa.seq_end = end;
	message_send(s, es);
	hub_poll(&s->h);
}

static void numbers_end(struct scene *s, bool esn, uint64_t end, unsigned burst) {
	struct esp_spoke *a = &s->a;

	s->a.how.esn = esn;
	down_near_end(s, a, end - 20, end - 10, end);
	for (unsigned i = 0; i < 30; i++) {
		esp_answer_send(&s->h, a, i);
		if (i % burst == burst - 1)
			hub_poll(&s->h);
	}
	hub_poll(&s->h);
	for (unsigned i = 0; i < 20; i++)
		esp_expect_answer(&s->h, a, i);
	assert_int_equal(a->down.seq, end);
	hub_expect_nothing_sent();
	hub_expect_dropped(&s->h, DROP_SA_EXPIRED, 10);
	assert_int_equal(s->h.fwd.ipsec->out_base[a->s.peer].expired, 10);
	assert_int_equal(sa_out_at(s->h.fwd.ipsec, a->s.peer)->seq, end);
	expect_event(s, SA_EVENT_SOFT, a, end - 10);
	expect_event(s, SA_EVENT_HARD, a, end);
	expect_no_event(s);
}

// RFC 4303 section 3.3.3: the counter must not cycle.
static void test_sequence_numbers_end_and_are_not_used_again(void **state) {
	struct scene *s = *state;

	for (unsigned burst = 1; burst <= 32; burst += 31) {
		numbers_end(s, false, UINT32_MAX, burst);
		numbers_end(s, true, UINT64_MAX, burst);
		numbers_end(s, false, 1000, burst); // by number of packets, earlier
	}
	esp_down_message(&s->h, &s->a, &s->msg); // and a rekey makes it good
	message_send(s, &s->a);
	hub_poll(&s->h);
	s->a.how.esn = true;
	esp_pass(&s->h, &s->b, &s->a, false, 36);
	expect_no_event(s);
}

static unsigned pool_empty(struct rte_mempool *pool, struct rte_mbuf **all, unsigned max) {
	unsigned n = 0;

	while (n < max && (all[n] = rte_pktmbuf_alloc(pool)))
		n++;
	assert_true(n < max);
	return n;
}

// One packet for A while control can be told nothing, one when it can.
static void deaf_then_heard(struct scene *s, enum drop_reason why, enum sa_event_kind kind) {
	static struct rte_mbuf *all[65536];
	unsigned n = pool_empty(datapath_lcore(s->h.dp, 0)->punt_pool, all, RTE_DIM(all));

	for (unsigned i = 0; i < 2; i++) {
		esp_answer_send(&s->h, &s->a, i);
		hub_poll(&s->h);
		if (why == DROP_REASON_COUNT)
			esp_expect_answer(&s->h, &s->a, i);
		if (i == 0) {
			expect_no_event(s);
			rte_pktmbuf_free_bulk(all, n);
		}
	}
	expect_event(s, kind, &s->a, s->a.down.seq - (kind == SA_EVENT_SOFT));
	expect_no_event(s);
	hub_expect_nothing_sent();
}

static void test_an_end_that_was_not_heard_is_told_again(void **state) {
	struct scene *s = *state;

	down_near_end(s, &s->a, 90, 90, 92);
	deaf_then_heard(s, DROP_REASON_COUNT, SA_EVENT_SOFT);
	deaf_then_heard(s, DROP_SA_EXPIRED, SA_EVENT_HARD);
	hub_expect_dropped(&s->h, DROP_SA_EXPIRED, 2);
}

// Both ends in one burst that nobody hears: the end itself is told, once.
static void test_both_ends_unheard_tell_the_last_once(void **state) {
	static struct rte_mbuf *all[65536];
	struct scene *s = *state;
	unsigned n;

	down_near_end(s, &s->a, 90, 90, 91);
	n = pool_empty(datapath_lcore(s->h.dp, 0)->punt_pool, all, RTE_DIM(all));
	for (unsigned i = 0; i < 2; i++)
		esp_answer_send(&s->h, &s->a, i);
	hub_poll(&s->h);
	expect_no_event(s);
	rte_pktmbuf_free_bulk(all, n);
	for (unsigned i = 2; i < 5; i++) {
		esp_answer_send(&s->h, &s->a, i);
		hub_poll(&s->h);
	}
	esp_expect_answer(&s->h, &s->a, 0);
	hub_expect_nothing_sent();
	hub_expect_dropped(&s->h, DROP_SA_EXPIRED, 4);
	expect_event(s, SA_EVENT_HARD, &s->a, 91);
	expect_no_event(s);
}

// With ESN the low half wraps, and the ICV knows of the high one.
static void test_extended_numbers_go_over_the_low_half(void **state) {
	struct scene *s = *state;

	for (unsigned suite = 1; suite < ESP_SUITE_COUNT; suite++) {
		s->a.how = (struct esp_how){.suite = suite, .esn = true};
		down_near_end(s, &s->a, UINT32_MAX - 5ull, UINT64_MAX, UINT64_MAX);
		for (unsigned i = 0; i < 12; i++)
			esp_pass(&s->h, &s->b, &s->a, false, 36);
		assert_int_equal(s->a.down.seq, (1ull << 32) + 6);
	}
	expect_no_event(s);
}

// A peer whose NAT moves all the time uses up what control hears of mappings, not what it must hear of the end.
static void test_mappings_do_not_hide_the_end(void **state) {
	struct scene *s = *state;
	struct esp_how how = how_of(ESP_AES_GCM_128_16, 4);
	struct esp_spoke c = esp_spoke(&s->h, 0, "192.0.2.12", 12, &how);
	struct esp_spoke at = c;
	struct sa_event e;

	for (unsigned i = 0; i < 200; i++) {
		struct frame f;

		at.how.port = (uint16_t)(20000 + i);
		inner_udp(&f, &c.s.protocol, &s->b.s.protocol, 36, 64, 0);
		esp_from_spoke(&f, &s->h, &at, 0x0800);
		hub_inject(&s->h, WAN, 0, &f);
		hub_poll(&s->h);
		rte_pktmbuf_free(hub_sent(WAN));
	}
	hub_expect_no_drops(&s->h);
	while (hub_event(&s->h, &e))
		assert_int_equal(e.kind, SA_EVENT_MAPPING);
	down_near_end(s, &c, 990, 995, 1000);
	for (unsigned i = 0; i < 20; i++)
		esp_answer_send(&s->h, &c, i);
	hub_poll(&s->h);
	for (unsigned i = 0; i < 10; i++)
		esp_expect_answer(&s->h, &c, i);
	hub_expect_dropped(&s->h, DROP_SA_EXPIRED, 10);
	expect_event(s, SA_EVENT_SOFT, &c, 995);
	expect_event(s, SA_EVENT_HARD, &c, 1000);
}

#define life_test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(int argc, char **argv) {
	const struct CMUnitTest tests[] = {
		life_test(test_two_inbound_sas_at_once),
		life_test(test_an_spi_of_an_earlier_generation),
		life_test(test_an_spi_chosen_elsewhere),
		life_test(test_sequence_numbers_end_and_are_not_used_again),
		life_test(test_an_end_that_was_not_heard_is_told_again),
		life_test(test_both_ends_unheard_tell_the_last_once),
		life_test(test_extended_numbers_go_over_the_low_half),
		life_test(test_mappings_do_not_hide_the_end),
	};

	return stage_main(argc, argv) ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
