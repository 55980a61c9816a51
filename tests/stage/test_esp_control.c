// SPDX-License-Identifier: BSD-3-Clause
// Control and the workers about SAs: NHRP inside ESP, answers, and messages that change an SA or its header while
// packets are under way.
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
				esp_answer_send(&s->h, &es, i);
			hub_poll(&s->h);
			hub_expect_no_drops(&s->h);
			for (unsigned i = 0; i < 3; i++)
				esp_expect_answer(&s->h, &es, i);
		}
	}
}

static void test_no_answer_without_an_sa(void **state) {
	struct scene *s = *state;
	struct esp_how how = how_of(ESP_AES_GCM_128_16, 0);
	struct esp_spoke c = esp_spoke_bare(&s->h, 0, "192.0.2.12", 12, &how);
	struct rte_mbuf *m;
	struct frame f;

	frame_payload(&f, 92, 1);
	m = esp_answer(&s->h, &c, &f);
	esp_answer_send(&s->h, &c, 1);
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

// Bursts of which nothing leaves: each has as many mappings to tell as packets, and room for one walk's is all there
// is.
static void test_mappings_of_bursts_that_go_nowhere(void **state) {
	struct scene *s = *state;
	struct esp_how how = how_of(ESP_AES_GCM_128_16, 4);
	struct esp_spoke c = esp_spoke(&s->h, 0, "192.0.2.12", 12, &how);
	struct rte_mbuf *m;
	struct sa_event e;
	unsigned told = 0;
	struct frame f;

	for (unsigned i = 0; i < 640; i++) {
		c.how.port = (uint16_t)(50000 + i);
		frame_payload(&f, 92, 9);
		esp_from_spoke(&f, &s->h, &c, 0x2001);
		hub_inject(&s->h, WAN, 0, &f);
	}
	hub_poll(&s->h);
	assert_int_equal(datapath_lcore(s->h.dp, 0)->n_events, 0);
	for (; hub_event(&s->h, &e); told++)
		assert_in_range(e.port, 50000, 50639);
	assert_in_range(told, 1, 640);
	while ((m = hub_punted(&s->h, PUNT_NHRP)) != NULL)
		rte_pktmbuf_free(m);
	hub_forget_drops(&s->h); // the policer's
}

static void message_send(struct scene *s, const struct esp_spoke *to) {
	uint16_t owner = esp_peer(&s->h, to)->owner;

	assert_int_equal(esp_message_send(&s->h, owner < s->h.fwd.n_workers ? owner : 0, to, &s->msg), 0);
}

// What was sent before goes out under the old SA, what is sent after under the new one: a burst of the ring has both.
static void test_rekey_in_order_with_what_is_sent(void **state) {
	struct scene *s = *state;
	struct esp_spoke old = s->a;

	for (unsigned i = 0; i < 5; i++)
		esp_answer_send(&s->h, &s->a, i);
	esp_down_message(&s->h, &s->a, &s->msg);
	message_send(s, &s->a);
	for (unsigned i = 5; i < 9; i++)
		esp_answer_send(&s->h, &s->a, i);
	hub_poll(&s->h);
	hub_expect_no_drops(&s->h);
	for (unsigned i = 0; i < 5; i++)
		esp_expect_answer(&s->h, &old, i);
	for (unsigned i = 5; i < 9; i++)
		esp_expect_answer(&s->h, &s->a, i);
	esp_pass(&s->h, &s->b, &s->a, false, 36);
}

// The last words before an SA goes: a purge's reply, then nothing.
static void test_withdrawal_in_order_with_what_is_sent(void **state) {
	struct scene *s = *state;

	esp_pass(&s->h, &s->b, &s->a, false, 36);
	esp_answer_send(&s->h, &s->a, 1);
	s->msg = (struct sa_message){.has_sa = true};
	message_send(s, &s->a);
	esp_answer_send(&s->h, &s->a, 2);
	hub_poll(&s->h);
	esp_expect_answer(&s->h, &s->a, 1);
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
	esp_answer_send(&s->h, &c, 1);
	esp_move_message(&s->h, &c, "192.0.2.200", 61000, &s->msg);
	message_send(s, &c);
	esp_answer_send(&s->h, &c, 2);
	hub_poll(&s->h);
	hub_expect_no_drops(&s->h);
	esp_expect_answer(&s->h, &before, 1);
	c.down.seq = before.down.seq; // the SA goes on
	esp_expect_answer(&s->h, &c, 2);
	esp_pass(&s->h, &s->b, &c, true, 36);
	assert_int_equal(sa_out_at(s->h.fwd.ipsec, c.s.peer)->seq, 4);
}

// The peer is gone when its owner comes to the message, and somebody else has its slot.
static void test_message_for_a_peer_that_is_gone(void **state) {
	struct scene *s = *state;
	struct esp_how how = how_of(ESP_AES_GCM_128_16, 0);
	struct esp_spoke other;

	esp_answer_send(&s->h, &s->a, 1);
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
	while ((rc = esp_message_send(&s->h, 0, &s->a, &s->msg)) == 0)
		sent++;
	assert_int_equal(rc, -ENOBUFS);
	assert_in_range(sent, 100, 8192);
	hub_poll(&s->h);
	hub_expect_no_drops(&s->h);
	expect_key_in_no_mbuf(s, &s->a.down);
	esp_pass(&s->h, &s->b, &s->a, false, 36);
}

#define control_test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(int argc, char **argv) {
	const struct CMUnitTest tests[] = {
		control_test(test_nhrp_is_punted_with_its_sa),
		control_test(test_nhrp_over_a_mapping_that_is_new),
		control_test(test_mappings_of_bursts_that_go_nowhere),
		control_test(test_answers_leave_encrypted_in_every_way),
		control_test(test_no_answer_without_an_sa),
		control_test(test_rekey_in_order_with_what_is_sent),
		control_test(test_withdrawal_in_order_with_what_is_sent),
		control_test(test_rekey_through_all_suites),
		control_test(test_the_header_moves_with_the_nat),
		control_test(test_message_for_a_peer_that_is_gone),
		control_test(test_keys_stay_in_no_buffer),
		control_test(test_a_message_that_finds_the_ring_full),
	};

	return stage_main(argc, argv) ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
