// SPDX-License-Identifier: BSD-3-Clause
// Control and the workers about SAs: NHRP inside ESP, answers, messages that change an SA or its header while packets
// are under way, two inbound SAs at once, and what control is told when sequence numbers end.
//
//   A, B ══ ESP ══ wan0 [hub]      the test is control
#include "esp.h"
#include "esp_packet.h"
#include "mbuf_guard.h"
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

static void nhrp_in(struct scene *s, struct esp_spoke *from) {
	struct frame f;

	frame_payload(&f, 92, 9);
	esp_from_spoke(&f, &s->h, from, 0x2001);
	hub_inject(&s->h, WAN, 0, &f);
	hub_poll(&s->h);
	hub_expect_no_drops(&s->h);
	hub_expect_nothing_sent();
}

static void expect_nhrp_from(struct scene *s, const struct esp_spoke *from) {
	struct rte_mbuf *m = hub_punted(&s->h, PUNT_NHRP);
	const struct pkt_meta *meta;
	struct frame f;

	assert_non_null(m);
	meta = pkt_meta(m);
	frame_payload(&f, 92, 9);
	mbuf_expect(m, &f); // from the NHRP header on, without padding and ICV
	assert_true(meta->is_esp);
	assert_int_equal(meta->spi_in, from->up.spi);
	assert_int_equal(meta->peer_in, from->s.peer);
	assert_int_equal(meta->peer_in_gen, esp_peer(&s->h, from)->gen);
	assert_int_equal(meta->tunnel, from->s.tunnel);
	assert_int_equal(meta->iface_in, from->s.tunnel);
	assert_int_equal(meta->endpoint, s->h.tunnels[from->s.tunnel].endpoint);
	assert_int_equal(meta->gre_protocol, 0x2001);
	assert_int_equal(meta->nbma_port, from->how.port);
	assert_true(addr_eq(&meta->nbma, &from->s.nbma));
	rte_pktmbuf_free(m);
}

static void test_nhrp_is_punted_with_its_sa(void **state) {
	struct scene *s = *state;

	nhrp_in(s, &s->a);
	expect_nhrp_from(s, &s->a);
	for (unsigned bits = 0; bits < 16; bits++) {
		struct esp_how how = how_of(bits & 1 ? ESP_AES_CBC_256_SHA512_256 : ESP_CHACHA20_POLY1305, bits);
		struct esp_spoke es;
		char nbma[32];

		snprintf(nbma, sizeof(nbma), bits & 8 ? "2001:db8::%x" : "192.0.2.%u", 100 + bits);
		es = esp_spoke(&s->h, bits >> 3, nbma, 100 + bits, &how);
		nhrp_in(s, &es);
		expect_nhrp_from(s, &es);
	}
}

// What meta.nbma says is where the packet came from, not what control knows yet.
static void test_nhrp_over_a_mapping_that_is_new(void **state) {
	struct scene *s = *state;
	struct esp_how how = how_of(ESP_AES_GCM_128_16, 4);
	struct esp_spoke c = esp_spoke(&s->h, 0, "192.0.2.12", 12, &how);
	struct sa_event e;

	c.s.nbma = addr_of("192.0.2.77");
	c.how.port = 50001;
	nhrp_in(s, &c);
	expect_nhrp_from(s, &c);
	assert_true(hub_event(&s->h, &e));
	assert_true(addr_eq(&e.nbma, &c.s.nbma));
	assert_int_equal(e.port, 50001);
}

static struct rte_mbuf *answer(struct scene *s, const struct esp_spoke *to, uint8_t seed) {
	struct rte_mbuf *m;
	struct pkt_meta *meta;
	struct frame f;

	frame_payload(&f, 92, seed);
	m = hub_mbuf(datapath_control_pool(s->h.dp), &f);
	meta = pkt_meta(m);
	meta->way = WAY_PEER;
	meta->gre_protocol = 0x2001;
	meta->tunnel = to->s.tunnel;
	meta->peer_out = to->s.peer;
	meta->peer_out_gen = esp_peer(&s->h, to)->gen;
	return m;
}

static void answer_send(struct scene *s, const struct esp_spoke *to, uint8_t seed) {
	assert_int_equal(datapath_send(s->h.dp, answer(s, to, seed), EGRESS_CONTROL), 0);
}

static void expect_answer(struct scene *s, struct esp_spoke *to, uint8_t seed) {
	struct frame f;

	frame_payload(&f, 92, seed);
	esp_expect_sent(&s->h, to, &f, 0x2001, 0xc0);
}

// An mbuf of control's has less room in front than one that came in; the longest headers fit all the same.
static void test_answers_leave_encrypted_in_every_way(void **state) {
	struct scene *s = *state;

	for (unsigned suite = 1; suite < ESP_SUITE_COUNT; suite++) {
		for (unsigned bits = 0; bits < 16; bits++) {
			struct esp_how how = how_of(suite, bits);
			struct esp_spoke es;
			char nbma[32];

			if (bits == 0) {
				hub_destroy(&s->h);
				setup(state);
				hub_tunnel(&s->h, 4, 1, 1004, 0)->is_protected = true;
				s->h.tunnels[4].checksum = true;
			}
			snprintf(nbma, sizeof(nbma), bits & 8 ? "2001:db8::%x" : "192.0.2.%u", 100 + bits);
			es = esp_spoke(&s->h, bits & 8 ? 4 : 0, nbma, 100 + bits, &how);
			for (unsigned i = 0; i < 3; i++)
				answer_send(s, &es, i);
			hub_poll(&s->h);
			hub_expect_no_drops(&s->h);
			for (unsigned i = 0; i < 3; i++)
				expect_answer(s, &es, i);
		}
	}
}

static void test_no_answer_without_an_sa(void **state) {
	struct scene *s = *state;
	struct esp_how how = how_of(ESP_AES_GCM_128_16, 0);
	struct esp_spoke c = esp_spoke_bare(&s->h, 0, "192.0.2.12", 12, &how);
	struct rte_mbuf *m = answer(s, &c, 1);

	answer_send(s, &c, 1);
	hub_poll(&s->h);
	hub_expect_nothing_sent();
	hub_expect_dropped(&s->h, DROP_NO_SA, 1);
	pkt_meta(m)->way = WAY_NBMA; // nor to an address
	pkt_meta(m)->nbma = c.s.nbma;
	pkt_meta(m)->peer_out = 1 + WAN;
	assert_int_equal(datapath_send(s->h.dp, m, EGRESS_CONTROL), 0);
	hub_poll(&s->h);
	hub_expect_nothing_sent();
	hub_expect_dropped(&s->h, DROP_CLEAR_ON_PROTECTED, 1);
}

static void message_send(struct scene *s, const struct esp_spoke *to) {
	uint16_t owner = esp_peer(&s->h, to)->owner;

	assert_int_equal(datapath_send_sa(s->h.dp, owner < s->h.fwd.n_workers ? owner : 0, to->s.peer, &s->msg), 0);
}

// What was sent before goes out under the old SA, what is sent after under the new one: a burst of the ring has both.
static void test_rekey_in_order_with_what_is_sent(void **state) {
	struct scene *s = *state;
	struct esp_spoke old = s->a;

	for (unsigned i = 0; i < 5; i++)
		answer_send(s, &s->a, i);
	esp_down_message(&s->h, &s->a, &s->msg);
	message_send(s, &s->a);
	for (unsigned i = 5; i < 9; i++)
		answer_send(s, &s->a, i);
	hub_poll(&s->h);
	hub_expect_no_drops(&s->h);
	for (unsigned i = 0; i < 5; i++)
		expect_answer(s, &old, i);
	for (unsigned i = 5; i < 9; i++)
		expect_answer(s, &s->a, i);
	esp_pass(&s->h, &s->b, &s->a, false, 36);
}

// The last words before an SA goes: a purge's reply, then nothing.
static void test_withdrawal_in_order_with_what_is_sent(void **state) {
	struct scene *s = *state;

	esp_pass(&s->h, &s->b, &s->a, false, 36);
	answer_send(s, &s->a, 1);
	s->msg = (struct sa_message){.has_sa = true};
	message_send(s, &s->a);
	answer_send(s, &s->a, 2);
	hub_poll(&s->h);
	expect_answer(s, &s->a, 1);
	hub_expect_nothing_sent();
	hub_expect_dropped(&s->h, DROP_NO_SA, 1);
	esp_down_message(&s->h, &s->a, &s->msg);
	message_send(s, &s->a);
	hub_poll(&s->h);
	esp_pass(&s->h, &s->b, &s->a, false, 36);
}

// A message for each suite, over what the one before left.
static void test_rekey_through_all_suites(void **state) {
	struct scene *s = *state;

	for (unsigned suite = 1; suite < 2 * ESP_SUITE_COUNT; suite++) {
		s->a.how = how_of(1 + suite * 5 % (ESP_SUITE_COUNT - 1), suite & 3);
		esp_down_message(&s->h, &s->a, &s->msg);
		message_send(s, &s->a);
		hub_poll(&s->h);
		for (unsigned i = 0; i < 3; i++)
			esp_pass(&s->h, &s->b, &s->a, i & 1, 36 + i);
	}
}

static void test_the_header_moves_with_the_nat(void **state) {
	struct scene *s = *state;
	struct esp_how how = how_of(ESP_AES_GCM_128_16, 4);
	struct esp_spoke c = esp_spoke(&s->h, 0, "192.0.2.12", 12, &how), before;

	esp_pass(&s->h, &s->b, &c, false, 36);
	before = c;
	answer_send(s, &c, 1);
	esp_move_message(&s->h, &c, "192.0.2.200", 61000, &s->msg);
	message_send(s, &c);
	answer_send(s, &c, 2);
	hub_poll(&s->h);
	hub_expect_no_drops(&s->h);
	expect_answer(s, &before, 1);
	c.down.seq = before.down.seq; // the SA goes on
	expect_answer(s, &c, 2);
	esp_pass(&s->h, &s->b, &c, true, 36);
	assert_int_equal(sa_out_at(s->h.fwd.ipsec, c.s.peer)->seq, 4);
}

// The peer is gone when its owner comes to the message, and somebody else has its slot.
static void test_message_for_a_peer_that_is_gone(void **state) {
	struct scene *s = *state;
	struct esp_how how = how_of(ESP_AES_GCM_128_16, 0);
	struct esp_spoke other;

	answer_send(s, &s->a, 1);
	esp_down_message(&s->h, &s->a, &s->msg);
	s->msg.has_hdr = true; // of zeros
	message_send(s, &s->a);
	esp_up_withdraw(&s->h, &s->a.up);
	assert_int_equal(peer_free(&s->h.fwd.peers, s->h.fwd.rcu, s->a.s.peer), 0);
	rcu_reclaim(s->h.fwd.rcu, 1000);
	sa_out_wipe(s->h.fwd.ipsec, s->a.s.peer);
	other = esp_spoke(&s->h, 0, "192.0.2.12", 12, &how);
	assert_int_equal(other.s.peer, s->a.s.peer); // the slot freed last
	hub_poll(&s->h);
	hub_expect_nothing_sent();
	hub_expect_dropped(&s->h, DROP_STALE, 2);
	esp_pass(&s->h, &s->b, &other, false, 36);
}

struct search {
	const void *bytes;
	size_t n;
	unsigned found;
};

static void mbuf_search(struct rte_mempool *pool, void *arg, void *obj, unsigned index) {
	struct rte_mbuf *m = obj;
	struct search *s = arg;

	(void)pool;
	(void)index;
	mbuf_guard_open(m);
	s->found += memmem(m->buf_addr, m->buf_len, s->bytes, s->n) != NULL;
}

static void expect_key_in_no_mbuf(struct scene *s, const struct esp_sa *sa) {
	struct search look = {.bytes = sa->keys.enc, .n = 16};

	rte_mempool_obj_iter(datapath_control_pool(s->h.dp), mbuf_search, &look);
	assert_int_equal(look.found, 0);
}

static void test_keys_stay_in_no_buffer(void **state) {
	struct scene *s = *state;
	struct search look;

	esp_down_message(&s->h, &s->a, &s->msg);
	message_send(s, &s->a);
	look = (struct search){.bytes = s->a.down.keys.enc, .n = 16};
	rte_mempool_obj_iter(datapath_control_pool(s->h.dp), mbuf_search, &look);
	assert_int_equal(look.found, 1); // under way
	hub_poll(&s->h);
	expect_key_in_no_mbuf(s, &s->a.down);
	esp_down_message(&s->h, &s->a, &s->msg);
	message_send(s, &s->a);
	esp_up_withdraw(&s->h, &s->a.up);
	assert_int_equal(peer_free(&s->h.fwd.peers, s->h.fwd.rcu, s->a.s.peer), 0);
	hub_poll(&s->h);
	hub_expect_dropped(&s->h, DROP_STALE, 1);
	expect_key_in_no_mbuf(s, &s->a.down);
}

// Full rings refuse; the caller keeps the message, and no buffer keeps its keys.
static void test_a_message_that_finds_the_ring_full(void **state) {
	struct scene *s = *state;
	unsigned sent = 0;
	int rc;

	esp_down_message(&s->h, &s->a, &s->msg);
	while ((rc = datapath_send_sa(s->h.dp, 0, s->a.s.peer, &s->msg)) == 0)
		sent++;
	assert_int_equal(rc, -ENOBUFS);
	assert_in_range(sent, 100, 8192);
	hub_poll(&s->h);
	hub_expect_no_drops(&s->h);
	expect_key_in_no_mbuf(s, &s->a.down);
	esp_pass(&s->h, &s->b, &s->a, false, 36);
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
		answer_send(s, a, i);
		if (i % burst == burst - 1)
			hub_poll(&s->h);
	}
	hub_poll(&s->h);
	for (unsigned i = 0; i < 20; i++)
		expect_answer(s, a, i);
	assert_int_equal(a->down.seq, end);
	hub_expect_nothing_sent();
	hub_expect_dropped(&s->h, DROP_SA_EXPIRED, 10);
	assert_int_equal(sa_out_at(s->h.fwd.ipsec, a->s.peer)->expired, 10);
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
		at.how.port = (uint16_t)(20000 + i);
		nhrp_in(s, &at);
		expect_nhrp_from(s, &at);
	}
	while (hub_event(&s->h, &e))
		assert_int_equal(e.kind, SA_EVENT_MAPPING);
	down_near_end(s, &c, 990, 995, 1000);
	for (unsigned i = 0; i < 20; i++)
		answer_send(s, &c, i);
	hub_poll(&s->h);
	for (unsigned i = 0; i < 10; i++)
		expect_answer(s, &c, i);
	hub_expect_dropped(&s->h, DROP_SA_EXPIRED, 10);
	expect_event(s, SA_EVENT_SOFT, &c, 995);
	expect_event(s, SA_EVENT_HARD, &c, 1000);
}

#define control_test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(int argc, char **argv) {
	const struct CMUnitTest tests[] = {
		control_test(test_nhrp_is_punted_with_its_sa),
		control_test(test_nhrp_over_a_mapping_that_is_new),
		control_test(test_answers_leave_encrypted_in_every_way),
		control_test(test_no_answer_without_an_sa),
		control_test(test_rekey_in_order_with_what_is_sent),
		control_test(test_withdrawal_in_order_with_what_is_sent),
		control_test(test_rekey_through_all_suites),
		control_test(test_the_header_moves_with_the_nat),
		control_test(test_message_for_a_peer_that_is_gone),
		control_test(test_keys_stay_in_no_buffer),
		control_test(test_a_message_that_finds_the_ring_full),
		control_test(test_two_inbound_sas_at_once),
		control_test(test_an_spi_of_an_earlier_generation),
		control_test(test_an_spi_chosen_elsewhere),
		control_test(test_sequence_numbers_end_and_are_not_used_again),
		control_test(test_extended_numbers_go_over_the_low_half),
		control_test(test_mappings_do_not_hide_the_end),
	};

	return stage_main(argc, argv) ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
