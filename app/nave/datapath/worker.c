// SPDX-License-Identifier: BSD-3-Clause
#include "worker.h"

#include <sys/prctl.h>
#include <unistd.h>

#include <rte_cycles.h>
#include <rte_ethdev.h>
#include <rte_pause.h>
#include <rte_prefetch.h>

#include "pipeline.h"

#define EMPTY_POLLS_MAX 64 // then sleep
#define SLEEP_MIN_US 50
#define SLEEP_MAX_US 200

static __rte_always_inline unsigned ring_poll(struct lcore_ctx *lc, struct rte_ring *ring, enum stage stage) {
	struct rte_mbuf *pkts[BURST_MAX];
	unsigned n = rte_ring_sc_dequeue_burst(ring, (void **)pkts, BURST_MAX, NULL);

	if (unlikely(n))
		pipeline_ring(lc, pkts, n, stage);
	return n;
}

static unsigned rings_poll(struct lcore_ctx *lc, enum egress_priority priority) {
	unsigned n = ring_poll(lc, lc->from_control[priority], STAGE_FROM_CONTROL);

	for (uint16_t w = 0; w < lc->n_workers; w++)
		if (w != lc->id)
			n += ring_poll(lc, lc->from_worker[w][priority], STAGE_FROM_WORKER);
	return n;
}

static unsigned esp_rings_poll(struct lcore_ctx *lc) {
	struct rte_mbuf *pkts[BURST_MAX];
	unsigned total = 0, n;

	for (uint16_t w = 0; w < lc->n_workers; w++) {
		if (!lc->esp_from[w])
			continue;
		n = rte_ring_sc_dequeue_burst(lc->esp_from[w], (void **)pkts, BURST_MAX, NULL);
		if (n)
			pipeline_esp_ring(lc, pkts, n);
		total += n;
	}
	return total;
}

// Header and meta of the whole burst on their way before the first is read. Where the header will be is guessed from
// the layout of our pools, so as not to wait for the mbuf first; a wrong guess costs a prefetch.
static __rte_always_inline void prefetch_burst(struct rte_mbuf **pkts, unsigned n) {
	for (unsigned i = 0; i < n; i++) {
		rte_prefetch0(pkts[i]);
		rte_prefetch0(pkt_meta(pkts[i]));
		rte_prefetch0((uint8_t *)pkt_meta(pkts[i]) + PKT_PRIV_SIZE + RTE_PKTMBUF_HEADROOM);
	}
}

static unsigned ports_poll(struct lcore_ctx *lc) {
	const struct fwd *fwd = lc->fwd;
	unsigned total = 0;

	for (uint16_t p = 0; p < fwd->n_ports; p++) {
		const struct fwd_port *port = &fwd->ports[p];
		struct rte_mbuf *pkts[BURST_MAX];
		uint16_t n;

		if (!port->present || lc->id >= port->n_rx_queues)
			continue;
		n = rte_eth_rx_burst(port->ethdev, lc->id, pkts, BURST_MAX);
		if (!n)
			continue;
		prefetch_burst(pkts, n);
		lc->counters->stage_packets[STAGE_RX] += n;
		pipeline_rx(lc, p, pkts, n);
		total += n;
	}
	return total;
}

unsigned worker_poll(struct lcore_ctx *lc) {
	struct lcore_counters *c = lc->counters;
	unsigned n;

	lc->now_tsc = rte_rdtsc();
	n = rings_poll(lc, EGRESS_CONTROL);
	n += ports_poll(lc);
	n += esp_rings_poll(lc);
	n += rings_poll(lc, EGRESS_DATA);
	rcu_quiescent(lc->fwd->rcu, lc->id);
	c->polls++;
	if (n)
		c->busy_cycles += rte_rdtsc() - lc->now_tsc;
	else
		c->empty_polls++;
	return n;
}

// Nobody waits for a sleeper: it holds nothing, and says so first.
static void idle_sleep(struct lcore_ctx *lc, unsigned us) {
	rcu_reader_offline(lc->fwd->rcu, lc->id);
	usleep(us); // idle: the one system call a worker makes
	rcu_reader_online(lc->fwd->rcu, lc->id);
	lc->counters->sleeps++;
}

int worker_main(void *arg) {
	struct worker *w = arg;
	unsigned empty = 0, sleep_us = SLEEP_MIN_US;

	prctl(PR_SET_TIMERSLACK, 1000ul); // ns: the default of 50 us would double the shortest sleep
	rcu_reader_online(w->lc.fwd->rcu, w->lc.id);
	while (!__atomic_load_n(w->lc.stop, __ATOMIC_RELAXED)) {
		if (worker_poll(&w->lc)) {
			empty = 0;
			sleep_us = SLEEP_MIN_US;
		} else if (w->idle == IDLE_SLEEP && ++empty >= EMPTY_POLLS_MAX) {
			idle_sleep(&w->lc, sleep_us);
			sleep_us = RTE_MIN(2 * sleep_us, (unsigned)SLEEP_MAX_US);
		} else {
			rte_pause();
		}
	}
	rcu_reader_offline(w->lc.fwd->rcu, w->lc.id);
	return 0;
}
