// SPDX-License-Identifier: BSD-3-Clause
#include "fib_priv.h"

#include <errno.h>
#include <stdlib.h>

int fib_pool_init(struct fib_pool *p, uint32_t max_routes) {
	// A route brings at most its own record and one where it branches off (IPv6 maybe a bridge; IPv4 one per byte).
	p->max_chunks = ((uint64_t)max_routes * 4 + 64) / FIB_CHUNK + 1;
	p->chunks = calloc(p->max_chunks, sizeof(*p->chunks));
	p->next = 1;
	return p->chunks ? 0 : -ENOMEM;
}

void fib_pool_fini(struct fib_pool *p) {
	for (uint32_t i = 1; i < p->next; i++) {
		struct fib_record *r = fib_record(p, i);

		if (r->items != r->few)
			free(r->items);
	}
	for (uint32_t i = 0; i < p->n_chunks; i++)
		free(p->chunks[i]);
	free(p->chunks);
}

size_t fib_pool_bytes(const struct fib_pool *p) {
	return p->max_chunks * sizeof(*p->chunks) + p->n_chunks * FIB_CHUNK * sizeof(struct fib_record) + p->item_bytes;
}

bool fib_pool_room(struct fib_pool *p, unsigned n) {
	if (p->n_free + p->n_chunks * FIB_CHUNK - p->next >= n && p->n_chunks)
		return true;
	if (p->n_chunks == p->max_chunks)
		return false;
	p->chunks[p->n_chunks] = malloc(FIB_CHUNK * sizeof(struct fib_record));
	if (p->chunks[p->n_chunks] == NULL)
		return false;
	p->n_chunks++;
	return true;
}

uint32_t fib_record_new(struct fib_pool *p, unsigned depth, const uint8_t *addr) {
	uint32_t number = p->free_head;
	struct fib_record *r;

	if (number) {
		p->free_head = fib_record(p, number)->unit;
		p->n_free--;
	} else {
		number = p->next++;
	}
	r = fib_record(p, number);
	*r = (struct fib_record){.items = r->few, .cap = 2, .depth = depth};
	memcpy(r->key, addr, depth);
	return number;
}

static void items_resize(struct fib_pool *p, struct fib_record *r, struct fib_item *items, unsigned cap) {
	memcpy(items, r->items, r->n * sizeof(*items));
	if (r->items != r->few) {
		p->item_bytes -= r->cap * sizeof(*items);
		free(r->items);
	}
	if (items != r->few)
		p->item_bytes += cap * sizeof(*items);
	r->items = items;
	r->cap = cap;
}

void fib_record_free(struct fib_pool *p, uint32_t number) {
	struct fib_record *r = fib_record(p, number);

	r->n = 0;
	items_resize(p, r, r->few, 2);
	r->unit = p->free_head;
	p->free_head = number;
	p->n_free++;
}

bool fib_items_room(struct fib_pool *p, struct fib_record *r) {
	struct fib_item *items;

	if (r->n < r->cap)
		return true;
	items = malloc(2 * r->cap * sizeof(*items));
	if (items == NULL)
		return false;
	items_resize(p, r, items, 2 * r->cap);
	return true;
}

static unsigned item_order(uint8_t byte, uint8_t len) {
	return (unsigned)byte << 4 | len;
}

unsigned fib_item_position(const struct fib_record *r, uint8_t byte, uint8_t len) {
	unsigned lo = 0, hi = r->n;

	while (lo < hi) {
		unsigned mid = (lo + hi) / 2;

		if (item_order(r->items[mid].byte, r->items[mid].len) < item_order(byte, len))
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

struct fib_item *fib_item_find(const struct fib_record *r, uint8_t byte, uint8_t len) {
	unsigned at = fib_item_position(r, byte, len);

	return at < r->n && r->items[at].byte == byte && r->items[at].len == len ? &r->items[at] : NULL;
}

void fib_item_insert(struct fib_record *r, struct fib_item item) {
	unsigned at = fib_item_position(r, item.byte, item.len);

	memmove(&r->items[at + 1], &r->items[at], (r->n - at) * sizeof(item));
	r->items[at] = item;
	r->n++;
}

void fib_item_remove(struct fib_pool *p, struct fib_record *r, unsigned at) {
	struct fib_item *items;

	r->n--;
	memmove(&r->items[at], &r->items[at + 1], (r->n - at) * sizeof(*r->items));
	if (r->cap == 2 || r->n > r->cap / 4)
		return;
	items = r->n <= 2 ? r->few : malloc(r->cap / 2 * sizeof(*items));
	if (items != NULL)
		items_resize(p, r, items, items == r->few ? 2 : r->cap / 2);
}
