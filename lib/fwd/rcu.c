// SPDX-License-Identifier: BSD-3-Clause
#include "rcu.h"

#include <errno.h>

#include <rte_common.h>
#include <rte_malloc.h>

struct deferred {
	rcu_free_fn fn;
	void *arg;
	uint64_t n;
	uint64_t token; // readers that have reported this or later hold nothing of it
};

struct rcu {
	struct rte_rcu_qsbr *qsbr;
	uint32_t n_readers;
	uint32_t defer_max;
	uint32_t mask; // queue slots - 1
	uint32_t head, tail; // free-running
	struct deferred *queue;
};

struct rcu *rcu_create(uint32_t n_readers, uint32_t defer_max) {
	uint32_t slots = rte_align32pow2(RTE_MAX(defer_max, 1u));
	struct rcu *r = rte_zmalloc("rcu", sizeof(*r), RTE_CACHE_LINE_SIZE);

	if (r == NULL)
		return NULL;
	r->n_readers = RTE_MAX(n_readers, 1u);
	r->defer_max = defer_max;
	r->mask = slots - 1;
	r->queue = rte_zmalloc("rcu_queue", slots * sizeof(*r->queue), RTE_CACHE_LINE_SIZE);
	r->qsbr = rte_zmalloc("rcu_qsbr", rte_rcu_qsbr_get_memsize(r->n_readers), RTE_CACHE_LINE_SIZE);
	if (r->queue == NULL || r->qsbr == NULL || rte_rcu_qsbr_init(r->qsbr, r->n_readers) != 0)
		goto fail;
	for (uint32_t i = 0; i < r->n_readers; i++) {
		if (rte_rcu_qsbr_thread_register(r->qsbr, i) != 0)
			goto fail;
	}
	return r;
fail:
	rte_free(r->qsbr);
	rte_free(r->queue);
	rte_free(r);
	return NULL;
}

static void run_first(struct rcu *r) {
	struct deferred d = r->queue[r->head & r->mask];

	r->head++; // first: fn may ask how many wait
	d.fn(d.arg, d.n);
}

void rcu_free(struct rcu *r) {
	if (r == NULL)
		return;
	while (r->head != r->tail)
		run_first(r);
	rte_free(r->qsbr);
	rte_free(r->queue);
	rte_free(r);
}

void rcu_reader_online(struct rcu *r, unsigned id) {
	rte_rcu_qsbr_thread_online(r->qsbr, id);
}

void rcu_reader_offline(struct rcu *r, unsigned id) {
	rte_rcu_qsbr_thread_offline(r->qsbr, id);
}

void rcu_quiescent(struct rcu *r, unsigned id) {
	rte_rcu_qsbr_quiescent(r->qsbr, id);
}

uint32_t rcu_deferred(const struct rcu *r) {
	return r->tail - r->head;
}

bool rcu_room(struct rcu *r, uint32_t n) {
	if (r->defer_max - rcu_deferred(r) < n)
		rcu_reclaim(r, n);
	return r->defer_max - rcu_deferred(r) >= n;
}

int rcu_defer(struct rcu *r, rcu_free_fn fn, void *arg, uint64_t n) {
	if (!rcu_room(r, 1))
		return -ENOSPC;
	r->queue[r->tail & r->mask] = (struct deferred){fn, arg, n, rte_rcu_qsbr_start(r->qsbr)};
	r->tail++;
	return 0;
}

unsigned rcu_reclaim(struct rcu *r, unsigned budget) {
	unsigned n;

	for (n = 0; n < budget && r->head != r->tail; n++) {
		if (rte_rcu_qsbr_check(r->qsbr, r->queue[r->head & r->mask].token, false) != 1)
			break;
		run_first(r);
	}
	return n;
}

size_t rcu_bytes(const struct rcu *r) {
	return sizeof(*r) + (r->mask + 1ul) * sizeof(*r->queue) + rte_rcu_qsbr_get_memsize(r->n_readers);
}
