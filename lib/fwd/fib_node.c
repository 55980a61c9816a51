// SPDX-License-Identifier: BSD-3-Clause
#include "fib_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#include <rte_common.h>
#include <rte_malloc.h>

#define COMMIT_UNITS 1024u // 64 KiB at a time: a few microseconds
#define POISON 0x7f // no adjacency is 0x7f7f7f7f

static const uint8_t class_units[FIB_CLASSES] = {1, 2, 3, 4, 6, 8, 12, 17}; // 4, 20, 36 .. 260 runs

static unsigned class_of(unsigned n_runs) {
	unsigned c = 0;

	while (class_units[c] * FIB_UNIT_BYTES < sizeof(struct fib_node) + n_runs * sizeof(uint32_t))
		c++;
	return c;
}

int fib_arena_init(struct fib_arena *a, uint32_t max_routes) {
	a->limit = RTE_MIN((uint64_t)max_routes * 16 + 4 * COMMIT_UNITS, (uint64_t)FIB_UNIT_MASK);
	// Not huge pages: clearing one takes longer than a call may.
	a->base = mmap(
		NULL, (size_t)a->limit * FIB_UNIT_BYTES, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (a->base == MAP_FAILED) {
		a->base = NULL;
		return -ENOMEM;
	}
	madvise(a->base, (size_t)a->limit * FIB_UNIT_BYTES, MADV_NOHUGEPAGE);
	a->next = 1;
	return 0;
}

void fib_arena_fini(struct fib_arena *a) {
	if (a->base)
		munmap(a->base, (size_t)a->limit * FIB_UNIT_BYTES);
}

bool fib_arena_room(struct fib_arena *a, unsigned n_nodes) {
	uint32_t want = a->next + n_nodes * class_units[FIB_CLASSES - 1];

	if (want <= a->committed)
		return true;
	if (a->committed + COMMIT_UNITS > a->limit)
		return false;
	if (mprotect(a->base + (size_t)a->committed * FIB_UNIT_BYTES, COMMIT_UNITS * FIB_UNIT_BYTES,
		    PROT_READ | PROT_WRITE))
		return false;
	a->committed += COMMIT_UNITS;
	return true;
}

static uint32_t arena_alloc(struct fib *f, unsigned class) {
	struct fib_arena *a = &f->arena;
	uint32_t unit = a->free[class];

	if (unit) {
		a->free[class] = fib_node_at(f, unit)->fallback;
	} else {
		unit = a->next;
		a->next += class_units[class];
	}
	return unit;
}

static unsigned node_class(const struct fib_node *n) {
	return class_of(n->rank[3] + __builtin_popcountll(n->runs[3]));
}

static void arena_free(struct fib *f, uint32_t unit) {
	struct fib_node *n = fib_node_at(f, unit);
	unsigned class = node_class(n);

	memset(n, POISON, class_units[class] * FIB_UNIT_BYTES); // a reader that still holds it shall not go unnoticed
	n->fallback = f->arena.free[class];
	f->arena.free[class] = unit;
}

static void node_reclaim(void *arg, uint64_t unit) {
	struct fib *f = arg;

	arena_free(f, unit);
	if (--f->pending == 0 && f->dying)
		fib_destroy(f);
}

void fib_retire(struct fib *f, uint32_t unit) {
	if (unit)
		f->victims[f->n_victims++] = unit;
}

void fib_retire_flush(struct fib *f) {
	f->pending += f->n_victims;
	for (unsigned i = 0; i < f->n_victims; i++)
		rcu_defer(f->rcu, node_reclaim, f, f->victims[i]); // fib_add and fib_del made sure of room
	f->n_victims = 0;
}

static uint32_t child_value(const struct fib_record *r) {
	return FIB_CHILD | (uint32_t)r->depth << FIB_DEPTH_SHIFT | r->unit;
}

// The 256 values of a record, and the fallback of its children.
static void paint(struct fib *f, const struct fib_record *r, uint32_t values[static 256]) {
	uint32_t ground = f->family == ADDR_IPV4 && r->depth == 0 ? f->default_adj : FIB_MISS;

	for (unsigned i = 0; i < 256; i++)
		values[i] = ground;
	for (unsigned i = 0; i < r->n; i++) {
		const struct fib_item *item = &r->items[i];

		if (item->len != FIB_ITEM_CHILD) {
			for (unsigned j = 0; j < 256u >> item->len; j++)
				values[item->byte + j] = item->value;
		} else {
			const struct fib_record *child = fib_record(&f->pool, item->value);

			if (child->unit == 0)
				continue; // IPv4 root, which top is not asked about
			rcu_publish(&fib_node_at(f, child->unit)->fallback, values[item->byte]);
			values[item->byte] = child_value(child);
		}
	}
}

static void build_in_place(uint32_t *slots, const uint32_t *values) {
	for (unsigned i = 0; i < 256; i++) {
		if (slots[i] != values[i])
			rcu_publish(&slots[i], values[i]);
	}
}

static uint64_t node_key(const struct fib_record *r) {
	uint8_t padded[8 + sizeof(r->key)] = {0};
	uint64_t key;

	memcpy(padded + 8, r->key, r->depth);
	memcpy(&key, padded + r->depth, sizeof(key));
	return key;
}

static uint32_t node_new(struct fib *f, const struct fib_record *r, const uint32_t *values) {
	uint64_t runs[4] = {1};
	uint32_t distinct[256] = {values[0]};
	unsigned n = 1;
	struct fib_node *node;
	uint32_t unit;

	for (unsigned i = 1; i < 256; i++) {
		bool differs = values[i] != values[i - 1];

		runs[i / 64] |= (uint64_t)differs << i % 64;
		distinct[n] = values[i];
		n += differs;
	}
	unit = arena_alloc(f, class_of(n));
	node = fib_node_at(f, unit);
	memcpy(node->runs, runs, sizeof(runs));
	node->key = node_key(r);
	node->fallback = FIB_MISS;
	node->rank[0] = 0;
	for (unsigned w = 1; w < 4; w++)
		node->rank[w] = node->rank[w - 1] + __builtin_popcountll(runs[w - 1]);
	memcpy(node->values, distinct, n * sizeof(*distinct));
	return unit;
}

void fib_build(struct fib *f, struct fib_record *r) {
	uint32_t values[256];

	paint(f, r, values);
	if (f->family == ADDR_IPV4 && r->depth == 0)
		build_in_place(f->ipv4->top, values);
	else if (f->family == ADDR_IPV4 && r->depth == 1)
		build_in_place(&f->ipv4->root[r->key[0] << 8], values);
	else
		r->unit = node_new(f, r, values);
}

void fib_publish_child(struct fib *f, struct fib_record *parent, const struct fib_record *r) {
	struct fib_node *n;

	if (r->unit == 0)
		return;
	if (parent == NULL) {
		rcu_publish(&f->root, child_value(r));
	} else if (parent->unit == 0) {
		rcu_publish(&f->ipv4->root[r->key[0] << 8 | r->key[1]], child_value(r));
	} else {
		n = fib_node_at(f, parent->unit);
		rcu_publish(&n->values[fib_node_index(n, r->key[parent->depth])], child_value(r));
	}
}

void fib_rebuild(struct fib *f, struct fib_record *parent, struct fib_record *r) {
	uint32_t old = r->unit;

	fib_build(f, r);
	if (old) {
		fib_node_at(f, r->unit)->fallback = fib_node_at(f, old)->fallback;
		fib_retire(f, old);
	}
	fib_publish_child(f, parent, r);
}

void fib_copy(struct fib *f, struct fib_record *r) {
	const struct fib_node *from = fib_node_at(f, r->unit);
	unsigned class = node_class(from);
	uint32_t unit = arena_alloc(f, class);

	memcpy(fib_node_at(f, unit), from, class_units[class] * FIB_UNIT_BYTES);
	fib_retire(f, r->unit);
	r->unit = unit;
}

void fib_destroy(struct fib *f) {
	fib_arena_fini(&f->arena);
	fib_pool_fini(&f->pool);
	rte_free(f->ipv4);
	rte_free(f);
}
