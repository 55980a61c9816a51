// SPDX-License-Identifier: BSD-3-Clause
// An object is replaced while packets that name it sit in a ring: they are dropped as stale, never sent by what took
// its place. What was freed is poisoned, and its slot is taken again.
//
//   control (the test) ── from_control ──▶ worker 0, worker 1 ◀── from_worker ── each other
//
//   A, B in tunnel 0 (endpoint 0, key 1001); A owned by worker 0, B by worker 1.
#include "gen.h"
#include "stage.h"

#define WORKERS 2

struct scene {
	struct hub h;
	struct spoke a, b;
};

static struct scene scene;

static int setup(void **state) {
	struct scene *s = &scene;

	hub_create(&s->h, &(struct hub_conf){.n_workers = WORKERS});
	hub_tunnel(&s->h, 0, 0, 1001, 0);
	s->a = hub_spoke(&s->h, 0, "192.0.2.10", 10);
	s->b = hub_spoke(&s->h, 0, "192.0.2.11", 11);
	peer_at(&s->h.fwd.peers, s->a.peer)->owner = 0;
	peer_at(&s->h.fwd.peers, s->b.peer)->owner = 1;
	*state = s;
	return 0;
}

static int teardown(void **state) {
	hub_destroy(&((struct scene *)*state)->h);
	return 0;
}

static void grace_period(struct scene *s) {
	rcu_reclaim(s->h.fwd.rcu, 1000);
	assert_int_equal(rcu_deferred(s->h.fwd.rcu), 0); // no worker is online between polls
}

// Withdrawn, poisoned, and its slot taken by another spoke: what is in a ring must not reach that one.
static void adj_replace(struct scene *s, uint32_t index) {
	struct adj *a = &s->h.fwd.adjs.adjs[index];

	neigh_del(&s->h.fwd.neigh, index);
	assert_int_equal(adj_free(&s->h.fwd.adjs, s->h.fwd.rcu, index), 0);
	grace_period(s);
	memset(&a->iface, 0xdd, sizeof(*a) - offsetof(struct adj, iface));
	assert_int_equal(adj_alloc(&s->h.fwd.adjs), index); // the slot freed last
	adj_state_store(a, (struct adj_state){.target = s->a.peer, .mtu = 1400, .kind = ADJ_TUNNEL});
	a->iface = 0;
}

static void peer_replace(struct scene *s, uint32_t index) {
	struct peer *p = peer_at(&s->h.fwd.peers, index);

	idx_hash_remove(s->h.fwd.peers.by_nbma, peer_hash(0, &s->b.nbma), index);
	assert_int_equal(peer_free(&s->h.fwd.peers, s->h.fwd.rcu, index), 0);
	grace_period(s);
	memset(&p->endpoint, 0xdd, sizeof(*p) - offsetof(struct peer, endpoint));
	assert_int_equal(peer_alloc(&s->h.fwd.peers), index);
	peer_template(p, &s->h.fwd.endpoints[0].addr, &s->a.nbma);
	p->endpoint = 0;
	p->owner = 1;
	p->nh = 1 + WAN;
	p->ready = true;
}

static void peer_only_freed(struct scene *s, uint32_t index) {
	struct peer *p = peer_at(&s->h.fwd.peers, index);

	idx_hash_remove(s->h.fwd.peers.by_nbma, peer_hash(0, &s->b.nbma), index);
	assert_int_equal(peer_free(&s->h.fwd.peers, s->h.fwd.rcu, index), 0);
	grace_period(s);
	memset(&p->endpoint, 0xdd, sizeof(*p) - offsetof(struct peer, endpoint));
}

static struct rte_mbuf *to_b(struct scene *s, enum pkt_way way) {
	struct rte_mbuf *m;
	struct pkt_meta *meta;
	struct frame f;

	frame_payload(&f, 92, 3);
	m = hub_mbuf(datapath_control_pool(s->h.dp), &f);
	meta = pkt_meta(m);
	meta->way = way;
	meta->gre_protocol = 0x2001;
	meta->tunnel = 0;
	meta->adj = s->b.adj;
	meta->adj_gen = s->h.fwd.adjs.adjs[s->b.adj].gen;
	meta->peer_out = s->b.peer;
	meta->peer_out_gen = peer_at(&s->h.fwd.peers, s->b.peer)->gen;
	return m;
}

static void expect_stale(struct scene *s, unsigned n) {
	hub_poll(&s->h);
	hub_expect_nothing_sent();
	hub_expect_dropped(&s->h, DROP_STALE, n);
}

static void test_adjacency_in_the_rings_of_control(void **state) {
	struct scene *s = *state;

	for (unsigned p = 0; p < EGRESS_PRIORITIES; p++)
		for (unsigned i = 0; i < 5; i++)
			assert_int_equal(datapath_send(s->h.dp, to_b(s, WAY_ADJ), p), 0);
	adj_replace(s, s->b.adj);
	expect_stale(s, 10);
}

static void test_peer_in_the_rings_of_control(void **state) {
	struct scene *s = *state;

	for (unsigned p = 0; p < EGRESS_PRIORITIES; p++)
		for (unsigned i = 0; i < 5; i++)
			assert_int_equal(datapath_send(s->h.dp, to_b(s, WAY_PEER), p), 0);
	peer_replace(s, s->b.peer);
	expect_stale(s, 10);
}

static void test_peer_freed_and_not_yet_reused(void **state) {
	struct scene *s = *state;

	assert_int_equal(datapath_send(s->h.dp, to_b(s, WAY_PEER), EGRESS_CONTROL), 0);
	peer_only_freed(s, s->b.peer);
	expect_stale(s, 1);
}

// A to B: received by worker 0, waiting for worker 1.
static void wait_between_workers(struct scene *s, unsigned n) {
	struct addr dst = s->b.lan.addr;
	struct frame f;

	for (unsigned i = 0; i < n; i++) {
		inner_udp(&f, &s->a.protocol, &dst, 36, 64, 0);
		from_spoke(&f, &s->h, &s->a, 0x0800);
		hub_inject(&s->h, WAN, 0, &f);
	}
	assert_int_equal(datapath_poll_once(s->h.dp, 0), n);
	hub_expect_nothing_sent();
	hub_expect_no_drops(&s->h);
}

static void test_adjacency_in_the_ring_between_workers(void **state) {
	struct scene *s = *state;

	wait_between_workers(s, 7);
	adj_replace(s, s->b.adj);
	expect_stale(s, 7);
}

// The spoke moved: its adjacency leads to a new peer. What waited follows it there, if this worker still owns it.
static void test_spoke_moves_while_packets_wait(void **state) {
	struct scene *s = *state;
	struct spoke moved;
	struct addr dst = s->b.lan.addr;
	struct frame f;
	struct adj_state st;

	moved = hub_spoke(&s->h, 0, "192.0.2.77", 77);
	peer_at(&s->h.fwd.peers, moved.peer)->owner = 1;
	wait_between_workers(s, 1);
	st = adj_state_load(&s->h.fwd.adjs.adjs[s->b.adj]);
	st.target = moved.peer;
	adj_state_store(&s->h.fwd.adjs.adjs[s->b.adj], st);
	peer_only_freed(s, s->b.peer);
	hub_poll(&s->h);
	inner_udp(&f, &s->a.protocol, &dst, 36, 63, 0);
	to_spoke(&f, &s->h, &moved, 0x0800, 0);
	hub_expect_sent(WAN, &f);
	wait_between_workers(s, 1);
	peer_at(&s->h.fwd.peers, moved.peer)->owner = 0; // no longer worker 1's to send
	expect_stale(s, 1);
}

static void test_registration_ends_while_packets_wait(void **state) {
	struct scene *s = *state;

	wait_between_workers(s, 3);
	adj_state_store(&s->h.fwd.adjs.adjs[s->b.adj], (struct adj_state){.kind = ADJ_INCOMPLETE});
	hub_poll(&s->h);
	hub_expect_nothing_sent();
	hub_expect_dropped(&s->h, DROP_NOT_REGISTERED, 3);
}

// What a punted packet says of its sender goes stale by the same rule: control compares generations.
static void test_sender_in_the_punt_ring(void **state) {
	struct scene *s = *state;
	struct rte_mbuf *m;
	struct frame f;

	frame_payload(&f, 92, 9);
	from_spoke(&f, &s->h, &s->b, 0x2001);
	hub_inject(&s->h, WAN, 1, &f);
	hub_poll(&s->h);
	peer_replace(s, s->b.peer);
	m = hub_punted(&s->h, PUNT_NHRP);
	assert_non_null(m);
	assert_int_equal(pkt_meta(m)->peer_in, s->b.peer);
	assert_false(gen_is_current(&peer_at(&s->h.fwd.peers, s->b.peer)->gen, pkt_meta(m)->peer_in_gen));
	rte_pktmbuf_free(m);
}

#define stale_test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(int argc, char **argv) {
	const struct CMUnitTest tests[] = {
		stale_test(test_adjacency_in_the_rings_of_control),
		stale_test(test_peer_in_the_rings_of_control),
		stale_test(test_peer_freed_and_not_yet_reused),
		stale_test(test_adjacency_in_the_ring_between_workers),
		stale_test(test_spoke_moves_while_packets_wait),
		stale_test(test_registration_ends_while_packets_wait),
		stale_test(test_sender_in_the_punt_ring),
	};

	return stage_main(argc, argv) ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
