// SPDX-License-Identifier: BSD-3-Clause
// A worker that sleeps: nobody waits for it, it wakes by itself, and what came meanwhile is all there.
//
//   A 192.0.2.10 ── wan0 [hub: one worker on its lcore, idle: sleep] wan0 ── B 192.0.2.11
//
// usleep is this file's: a sleep lasts until the test ends it.
#include <semaphore.h>
#include <time.h>
#include <unistd.h>

#include <rte_cycles.h>
#include <rte_lcore.h>

#include "stage.h"

#define PATIENCE_S 30

static struct {
	struct hub h;
	struct spoke a, b;
	bool hold; // sleeps wait for wake
	unsigned asleep; // workers in usleep now
	unsigned slept; // sleeps that ended
	unsigned last_us;
	sem_t wake;
} scene;

// Workers call this one.
int usleep(useconds_t us) {
	if (rte_lcore_id() == LCORE_ID_ANY || rte_lcore_id() == rte_get_main_lcore())
		return nanosleep(&(struct timespec){.tv_nsec = us * 1000l}, NULL);
	__atomic_store_n(&scene.last_us, us, __ATOMIC_RELAXED);
	__atomic_fetch_add(&scene.asleep, 1, __ATOMIC_SEQ_CST);
	while (__atomic_load_n(&scene.hold, __ATOMIC_SEQ_CST) && sem_wait(&scene.wake) != 0)
		;
	__atomic_fetch_sub(&scene.asleep, 1, __ATOMIC_SEQ_CST);
	__atomic_fetch_add(&scene.slept, 1, __ATOMIC_SEQ_CST);
	return 0;
}

static void wait_until_asleep(unsigned slept) {
	uint64_t until = rte_get_timer_cycles() + PATIENCE_S * rte_get_timer_hz();

	while (__atomic_load_n(&scene.slept, __ATOMIC_SEQ_CST) != slept ||
		!__atomic_load_n(&scene.asleep, __ATOMIC_SEQ_CST)) {
		if (rte_get_timer_cycles() > until)
			fail_msg("the worker did not go to sleep");
		usleep(100);
	}
}

static void wake(void) {
	sem_post(&scene.wake);
}

static int setup(void **state) {
	(void)state;
	hub_create(&scene.h, &(struct hub_conf){.n_workers = 1, .sleeps = true});
	hub_tunnel(&scene.h, 0, 0, 1001, 0);
	scene.a = hub_spoke(&scene.h, 0, "192.0.2.10", 10);
	scene.b = hub_spoke(&scene.h, 0, "192.0.2.11", 11);
	sem_init(&scene.wake, 0, 0);
	scene.hold = true;
	scene.slept = 0;
	return datapath_start(scene.h.dp);
}

static int teardown(void **state) {
	(void)state;
	__atomic_store_n(&scene.hold, false, __ATOMIC_SEQ_CST);
	wake();
	datapath_stop(scene.h.dp);
	sem_destroy(&scene.wake);
	hub_destroy(&scene.h);
	return 0;
}

static void count_up(void *counter, uint64_t n) {
	*(unsigned *)counter += n;
}

static void test_grace_periods_pass_while_a_worker_sleeps(void **state) {
	unsigned freed = 0;

	(void)state;
	for (unsigned i = 0; i < 3; i++) { // and again after it was awake in between
		wait_until_asleep(i);
		assert_int_equal(rcu_defer(scene.h.fwd.rcu, count_up, &freed, 1), 0);
		rcu_reclaim(scene.h.fwd.rcu, 1000); // what setting up left, too
		assert_int_equal(freed, i + 1);
		assert_int_equal(rcu_deferred(scene.h.fwd.rcu), 0);
		wake();
	}
}

// What it found before it slept is nothing to it afterwards: a spoke that was replaced meanwhile gets nothing.
static void test_a_sleeper_sees_what_changed_when_it_wakes(void **state) {
	struct addr dst = scene.b.lan.addr;
	struct adj *adj = &scene.h.fwd.adjs.adjs[scene.b.adj];
	struct frame f;

	(void)state;
	wait_until_asleep(0);
	inner_udp(&f, &scene.a.protocol, &dst, 36, 64, 0);
	from_spoke(&f, &scene.h, &scene.a, 0x0800);
	hub_inject(&scene.h, WAN, 0, &f);
	adj_state_store(adj, (struct adj_state){.kind = ADJ_INCOMPLETE});
	wake();
	wait_until_asleep(1);
	hub_expect_nothing_sent();
	hub_expect_dropped(&scene.h, DROP_NOT_REGISTERED, 1);
}

static void control_queue(unsigned n) {
	for (unsigned i = 0; i < n; i++) {
		struct frame f;
		struct rte_mbuf *m;
		struct pkt_meta *meta;

		frame_payload(&f, 92, 3);
		m = hub_mbuf(datapath_control_pool(scene.h.dp), &f);
		meta = pkt_meta(m);
		meta->way = WAY_PEER;
		meta->gre_protocol = 0x2001;
		meta->tunnel = 0;
		meta->peer_out = scene.b.peer;
		meta->peer_out_gen = peer_at(&scene.h.fwd.peers, scene.b.peer)->gen;
		assert_int_equal(datapath_send(scene.h.dp, m, i & 1 ? EGRESS_DATA : EGRESS_CONTROL), 0);
	}
}

static void test_nothing_is_lost_while_it_sleeps(void **state) {
	const unsigned data = 700, control = 200;
	struct addr dst = scene.b.lan.addr;
	struct lcore_counters c;
	struct rte_mbuf *m;
	struct frame f;
	unsigned sent = 0;

	(void)state;
	wait_until_asleep(0);
	inner_udp(&f, &scene.a.protocol, &dst, 36, 64, 0);
	from_spoke(&f, &scene.h, &scene.a, 0x0800);
	for (unsigned i = 0; i < data; i++)
		hub_inject(&scene.h, WAN, 0, &f);
	control_queue(control);
	hub_expect_nothing_sent();
	wake();
	wait_until_asleep(1);
	for (; (m = hub_sent(WAN)) != NULL; sent++)
		rte_pktmbuf_free(m);
	assert_int_equal(sent, data + control);
	hub_expect_no_drops(&scene.h);
	datapath_counters(scene.h.dp, &c);
	assert_true(c.sleeps >= 1);
}

// 50 us, twice as long each time, 200 us at most; after work the shortest again.
static void test_the_longer_idle_the_longer_asleep(void **state) {
	static const unsigned us[] = {50, 100, 200, 200};
	struct addr dst = scene.b.lan.addr;
	struct frame f;

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		wait_until_asleep(i);
		assert_int_equal(__atomic_load_n(&scene.last_us, __ATOMIC_RELAXED), us[i]);
		if (i < 3)
			wake();
	}
	inner_udp(&f, &scene.a.protocol, &dst, 36, 64, 0);
	from_spoke(&f, &scene.h, &scene.a, 0x0800);
	hub_inject(&scene.h, WAN, 0, &f);
	wake();
	wait_until_asleep(4);
	assert_int_equal(__atomic_load_n(&scene.last_us, __ATOMIC_RELAXED), 50);
	rte_pktmbuf_free(hub_sent(WAN));
}

#define idle_test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(int argc, char **argv) {
	const struct CMUnitTest tests[] = {
		idle_test(test_grace_periods_pass_while_a_worker_sleeps),
		idle_test(test_a_sleeper_sees_what_changed_when_it_wakes),
		idle_test(test_nothing_is_lost_while_it_sleeps),
		idle_test(test_the_longer_idle_the_longer_asleep),
	};

	return stage_main(argc, argv) ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
