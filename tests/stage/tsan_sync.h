// SPDX-License-Identifier: BSD-3-Clause
// ThreadSanitizer does not see into DPDK's shared libraries: a buffer that goes through a pool, or through the ring of
// a fake port, has changed hands without it noticing. In its builds the hand-over of each buffer is said here, and of
// nothing else: what the hub shares between its own threads is judged as it is.
#pragma once

#include <rte_ethdev.h>
#include <rte_mempool.h>

#if defined(__SANITIZE_THREAD__)
#define TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define TSAN 1
#endif
#endif

#ifdef TSAN
#define NO_TSAN __attribute__((noinline, no_sanitize("thread")))
void __tsan_acquire(void *at);
void __tsan_release(void *at);
const char *__tsan_default_suppressions(void);

static inline void tsan_give(void *m) {
	__tsan_release(m);
}
static inline void tsan_take(void *m) {
	__tsan_acquire(m);
}

// Counters are plain words that anybody may read while their worker counts on (lcore_ctx.h). When a hub is taken down
// its workers have stopped, which is known to EAL alone.
const char *__tsan_default_suppressions(void) {
	return "race:words_add\nrace:hub_destroy\nrace:datapath_free\n";
}

static rte_mempool_enqueue_t real_enqueue;
static rte_mempool_dequeue_t real_dequeue;

static int pool_enqueue(struct rte_mempool *mp, void *const *objs, unsigned n) {
	for (unsigned i = 0; i < n; i++)
		tsan_give(objs[i]);
	return real_enqueue(mp, objs, n);
}

static int pool_dequeue(struct rte_mempool *mp, void **objs, unsigned n) {
	int rc = real_dequeue(mp, objs, n);

	for (unsigned i = 0; rc == 0 && i < n; i++)
		tsan_take(objs[i]);
	return rc;
}

static uint16_t port_received(
	uint16_t port, uint16_t queue, struct rte_mbuf **pkts, uint16_t n, uint16_t max, void *arg) {
	(void)port, (void)queue, (void)max, (void)arg;
	for (uint16_t i = 0; i < n; i++)
		tsan_take(pkts[i]);
	return n;
}

static uint16_t port_sends(uint16_t port, uint16_t queue, struct rte_mbuf **pkts, uint16_t n, void *arg) {
	(void)port, (void)queue, (void)arg;
	for (uint16_t i = 0; i < n; i++)
		tsan_give(pkts[i]);
	return n;
}

// Once in a process, after the ports were made and before any worker runs.
static inline void tsan_hooks(uint16_t n_queues) {
	uint16_t port;

	for (unsigned i = 0; i < rte_mempool_ops_table.num_ops; i++) {
		struct rte_mempool_ops *ops = &rte_mempool_ops_table.ops[i];

		if (strcmp(ops->name, "ring_mt_rts") != 0)
			continue;
		real_enqueue = ops->enqueue;
		real_dequeue = ops->dequeue;
		ops->enqueue = pool_enqueue;
		ops->dequeue = pool_dequeue;
	}
	RTE_ETH_FOREACH_DEV (port) {
		for (uint16_t q = 0; q < n_queues; q++) {
			rte_eth_add_rx_callback(port, q, port_received, NULL);
			rte_eth_add_tx_callback(port, q, port_sends, NULL);
		}
	}
}
#else
#define NO_TSAN
static inline void tsan_give(void *m) {
	(void)m;
}
static inline void tsan_take(void *m) {
	(void)m;
}
static inline void tsan_hooks(uint16_t n_queues) {
	(void)n_queues;
}
#endif
