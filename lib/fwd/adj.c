// SPDX-License-Identifier: BSD-3-Clause
#include "adj.h"

#include <errno.h>

#include <rte_malloc.h>

static void free_push(struct adj_table *t, uint32_t index) {
	adj_state_store(&t->adjs[index], (struct adj_state){.target = t->free_head});
	t->free_head = index;
}

int adj_table_init(struct adj_table *t, uint32_t max) {
	*t = (struct adj_table){.max = max};
	t->adjs = rte_zmalloc("adj", (size_t)max * sizeof(*t->adjs), RTE_CACHE_LINE_SIZE);
	if (t->adjs == NULL)
		return -ENOMEM;
	for (uint32_t i = max; i-- > 1;) {
		t->adjs[i].gen = GEN_DEAD;
		free_push(t, i);
	}
	return 0;
}

void adj_table_fini(struct adj_table *t) {
	rte_free(t->adjs);
	*t = (struct adj_table){0};
}

uint32_t adj_alloc(struct adj_table *t) {
	uint32_t index = t->free_head;

	if (index == 0)
		return 0;
	t->free_head = adj_state_load(&t->adjs[index]).target;
	t->used++;
	adj_state_store(&t->adjs[index], (struct adj_state){0});
	gen_next(&t->adjs[index].gen);
	return index;
}

static void adj_reclaim(void *table, uint64_t index) {
	struct adj_table *t = table;
	struct adj *a = &t->adjs[index];

	memset(&a->iface, 0, sizeof(*a) - offsetof(struct adj, iface));
	free_push(t, index);
	t->used--;
}

int adj_free(struct adj_table *t, struct rcu *r, uint32_t index) {
	gen_end(&t->adjs[index].gen); // before the grace period starts: who looks again after it sees a dead slot
	return rcu_defer(r, adj_reclaim, t, index);
}
