// SPDX-License-Identifier: BSD-3-Clause
#include "fib.h"

#include <errno.h>

#include <rte_common.h>
#include <rte_malloc.h>

#include "fib_priv.h"

#define NEW_MAX 4 // records that one call makes, and nodes that it builds
#define DEPTH_MAX 16

struct fib *fib_create(uint8_t family, uint32_t max_routes, struct rcu *r) {
	struct fib *f = rte_zmalloc("fib", sizeof(*f), RTE_CACHE_LINE_SIZE);

	if (f == NULL)
		return NULL;
	f->family = family;
	f->max_routes = max_routes;
	f->rcu = r;
	if (fib_arena_init(&f->arena, max_routes) < 0 || fib_pool_init(&f->pool, max_routes) < 0) {
		fib_destroy(f);
		return NULL;
	}
	f->nodes = f->arena.base;
	return f;
}

void fib_free(struct fib *f) {
	if (f == NULL)
		return;
	if (f->pending)
		f->dying = true; // its nodes wait in the defer queue still
	else
		fib_destroy(f);
}

uint32_t fib_count(const struct fib *f) {
	return f->count;
}

size_t fib_bytes(const struct fib *f) {
	if (f == NULL)
		return 0;
	return sizeof(*f) + (f->ipv4 ? sizeof(*f->ipv4) : 0) + (size_t)f->arena.committed * FIB_UNIT_BYTES +
	       fib_pool_bytes(&f->pool);
}

// The records from the root towards depth, as far as they lie on the way to an address.
struct path {
	struct fib_record *records[DEPTH_MAX];
	unsigned n;
	uint32_t aside; // record that is in the way: deeper, or of another address; 0: none
};

static struct fib_record *path_end(const struct path *p, unsigned back) {
	return p->n > back ? p->records[p->n - 1 - back] : NULL;
}

static uint32_t child_of(const struct fib_record *r, uint8_t byte) {
	const struct fib_item *item = fib_item_find(r, byte, FIB_ITEM_CHILD);

	return item ? item->value : 0;
}

static void path_walk(const struct fib *f, const uint8_t *addr, unsigned depth, struct path *p) {
	uint32_t number = f->root_record;

	p->n = 0;
	while (number) {
		struct fib_record *r = fib_record(&f->pool, number);

		if (r->depth > depth || memcmp(r->key, addr, r->depth) != 0)
			break;
		p->records[p->n++] = r;
		number = r->depth < depth ? child_of(r, addr[r->depth]) : 0;
	}
	p->aside = number;
}

static unsigned depth_of(const struct prefix *p) {
	return (p->len_bits - 1u) / 8;
}

static bool is_prefix_of(const struct fib *f, const struct prefix *p) {
	return p->addr.family == f->family && p->len_bits <= 8 * addr_len_bytes(f->family);
}

static struct fib_item *route_find(const struct fib *f, const struct prefix *p, struct path *path) {
	unsigned depth = depth_of(p);
	struct fib_record *r;

	path_walk(f, p->addr.bytes, depth, path);
	r = path_end(path, 0);
	return r && r->depth == depth ? fib_item_find(r, p->addr.bytes[depth], p->len_bits - 8 * depth) : NULL;
}

uint32_t fib_find(const struct fib *f, const struct prefix *p) {
	struct path path;
	struct fib_item *item;

	if (!is_prefix_of(f, p))
		return FIB_MISS;
	if (p->len_bits == 0)
		return f->default_adj;
	item = route_find(f, p, &path);
	return item ? item->value : FIB_MISS;
}

// What a change may need is made sure of beforehand, so that none stops half way.
static bool change_room(struct fib *f) {
	return rcu_room(f->rcu, FIB_VICTIMS) && fib_arena_room(&f->arena, NEW_MAX) && fib_pool_room(&f->pool, NEW_MAX);
}

static bool ipv4_start(struct fib *f) {
	struct fib_ipv4 *t;

	if (f->family != ADDR_IPV4 || f->ipv4)
		return true;
	t = rte_zmalloc("fib_ipv4", sizeof(*t), RTE_CACHE_LINE_SIZE);
	if (t == NULL)
		return false;
	f->root_record = fib_record_new(&f->pool, 0, (const uint8_t[]){0});
	rcu_publish(&f->ipv4, t);
	return true;
}

static void default_set(struct fib *f, uint32_t adj) {
	f->count += (adj != FIB_MISS) - (f->default_adj != FIB_MISS);
	rcu_publish(&f->default_adj, adj);
	if (f->family == ADDR_IPV4)
		fib_build(f, fib_record(&f->pool, f->root_record));
}

static struct fib_item child_item(const struct fib *f, unsigned parent_depth, uint32_t number) {
	return (struct fib_item){number, fib_record(&f->pool, number)->key[parent_depth], FIB_ITEM_CHILD};
}

// Builds a record, and those between it and parent_depth where the node could not check all bytes skipped. Returns the
// uppermost.
static uint32_t build_up(struct fib *f, int parent_depth, uint32_t number) {
	struct fib_record *r = fib_record(&f->pool, number);

	fib_build(f, r);
	while (r->depth - parent_depth - 1 > fib_skip_max(f)) {
		// 7 is within 8 bytes of the root, and of 15.
		unsigned depth = f->family == ADDR_IPV6 ? 7 : r->depth - 1;
		uint32_t bridge = fib_record_new(&f->pool, depth, r->key);

		r = fib_record(&f->pool, bridge);
		fib_item_insert(r, child_item(f, depth, number));
		fib_build(f, r);
		number = bridge;
	}
	return number;
}

// Puts a fresh record where nothing is below parent yet.
static void attach(struct fib *f, const struct path *path, uint32_t number) {
	struct fib_record *parent = path_end(path, 0);

	number = build_up(f, parent ? parent->depth : -1, number);
	if (parent == NULL) {
		f->root_record = number;
		fib_publish_child(f, NULL, fib_record(&f->pool, number));
		return;
	}
	fib_item_insert(parent, child_item(f, parent->depth, number));
	fib_rebuild(f, path_end(path, 1), parent);
}

// Puts a fresh record above path->aside, or beside it below a record that branches. IPv6 only.
static void attach_over(struct fib *f, const struct path *path, uint32_t number) {
	struct fib_record *parent = path_end(path, 0), *upper = fib_record(&f->pool, number);
	struct fib_record *aside = fib_record(&f->pool, path->aside);
	uint32_t fallback = fib_node_at(f, aside->unit)->fallback, upper_number = number;
	unsigned depth = 0;

	while (depth < upper->depth && upper->key[depth] == aside->key[depth])
		depth++;
	if (depth < upper->depth) {
		upper_number = fib_record_new(&f->pool, depth, aside->key);
		fib_item_insert(fib_record(&f->pool, upper_number), child_item(f, depth, build_up(f, depth, number)));
		upper = fib_record(&f->pool, upper_number);
	}
	fib_item_insert(upper, child_item(f, depth, path->aside));
	fib_copy(f, aside);
	fib_build(f, upper);
	fib_node_at(f, upper->unit)->fallback = fallback;
	if (parent)
		fib_item_find(parent, upper->key[parent->depth], FIB_ITEM_CHILD)->value = upper_number;
	else
		f->root_record = upper_number;
	fib_publish_child(f, parent, upper);
}

static int route_insert(struct fib *f, const struct prefix *p, uint32_t adj, const struct path *path) {
	unsigned depth = depth_of(p);
	struct fib_item item = {adj, p->addr.bytes[depth], p->len_bits - 8 * depth};
	struct fib_record *r = path_end(path, 0);
	uint32_t number;

	if (r && !fib_items_room(&f->pool, r))
		return -ENOSPC;
	if (r && r->depth == depth) {
		fib_item_insert(r, item);
		fib_rebuild(f, path_end(path, 1), r);
		return 0;
	}
	number = fib_record_new(&f->pool, depth, p->addr.bytes);
	fib_item_insert(fib_record(&f->pool, number), item);
	if (path->aside)
		attach_over(f, path, number);
	else
		attach(f, path, number);
	return 0;
}

int fib_add(struct fib *f, const struct prefix *p, uint32_t adj) {
	struct fib_item *item = NULL;
	struct path path;
	int rc = 0;

	if (!is_prefix_of(f, p) || adj == FIB_MISS || adj >= FIB_CHILD)
		return -EINVAL;
	if (f->count >= f->max_routes && fib_find(f, p) == FIB_MISS)
		return -ENOSPC;
	if (!change_room(f) || !ipv4_start(f))
		return -ENOSPC;
	if (p->len_bits == 0) {
		default_set(f, adj);
		return 0;
	}
	item = route_find(f, p, &path);
	if (item && item->value != adj) {
		item->value = adj;
		fib_rebuild(f, path_end(&path, 1), path_end(&path, 0));
	} else if (item == NULL) {
		rc = route_insert(f, p, adj, &path);
		f->count += rc == 0;
	}
	fib_retire_flush(f);
	return rc;
}

// A record that only leads to one other is taken out where the other can check the bytes between: IPv6 only.
static bool splice(struct fib *f, const struct path *path) {
	struct fib_record *r = path_end(path, 0), *parent = path_end(path, 1), *child;
	uint32_t number, gone;

	if (f->family == ADDR_IPV4 || r->n != 1 || r->items[0].len != FIB_ITEM_CHILD)
		return false;
	number = r->items[0].value;
	child = fib_record(&f->pool, number);
	if (child->depth - (parent ? parent->depth : -1) - 1 > fib_skip_max(f))
		return false;
	fib_copy(f, child);
	fib_node_at(f, child->unit)->fallback = fib_node_at(f, r->unit)->fallback;
	fib_publish_child(f, parent, child);
	if (parent) {
		struct fib_item *item = fib_item_find(parent, r->key[parent->depth], FIB_ITEM_CHILD);

		gone = item->value;
		item->value = number;
	} else {
		gone = f->root_record;
		f->root_record = number;
	}
	fib_retire(f, r->unit);
	fib_record_free(&f->pool, gone);
	return true;
}

// Takes out the empty records at the end of the path. false when nothing is left.
static bool prune(struct fib *f, struct path *path) {
	for (struct fib_record *r = path_end(path, 0); r->n == 0; r = path_end(path, 0)) {
		struct fib_record *parent = path_end(path, 1);
		unsigned at;

		if (r->unit == 0)
			fib_build(f, r); // IPv4 root and top: emptied in place
		if (parent == NULL)
			return f->family == ADDR_IPV4;
		fib_retire(f, r->unit);
		at = fib_item_position(parent, r->key[parent->depth], FIB_ITEM_CHILD);
		fib_record_free(&f->pool, parent->items[at].value);
		fib_item_remove(&f->pool, parent, at);
		path->n--;
	}
	return true;
}

int fib_del(struct fib *f, const struct prefix *p) {
	struct fib_record *r;
	struct fib_item *item;
	struct path path;

	if (fib_find(f, p) == FIB_MISS)
		return -ENOENT;
	if (!change_room(f))
		return -ENOSPC;
	if (p->len_bits == 0) {
		default_set(f, FIB_MISS);
		return 0;
	}
	item = route_find(f, p, &path);
	r = path_end(&path, 0);
	fib_item_remove(&f->pool, r, item - r->items);
	f->count--;
	if (!prune(f, &path)) {
		rcu_publish(&f->root, FIB_MISS);
		fib_retire(f, path_end(&path, 0)->unit);
		fib_record_free(&f->pool, f->root_record);
		f->root_record = 0;
	} else if (!splice(f, &path)) {
		fib_rebuild(f, path_end(&path, 1), path_end(&path, 0));
	}
	fib_retire_flush(f);
	return 0;
}

static void item_prefix(
	const struct fib *f, const struct fib_record *r, const struct fib_item *item, struct prefix *out) {
	*out = (struct prefix){{.family = f->family}, 8 * r->depth + item->len};
	memcpy(out->addr.bytes, r->key, r->depth);
	out->addr.bytes[r->depth] = item->byte;
}

static bool is_after(const struct prefix *p, const struct prefix *after) {
	int c = memcmp(p->addr.bytes, after->addr.bytes, sizeof(p->addr.bytes));

	return c > 0 || (c == 0 && p->len_bits > after->len_bits);
}

// First route of r and those below it that comes after; after NULL: the first.
static bool next_in(const struct fib *f, const struct fib_record *r, const struct prefix *after, struct prefix *out,
	uint32_t *adj) {
	int side = after ? memcmp(r->key, after->addr.bytes, r->depth) : 1;
	unsigned i;

	if (side < 0)
		return false;
	i = side == 0 ? fib_item_position(r, after->addr.bytes[r->depth], 0) : 0;
	for (; i < r->n; i++) {
		const struct fib_item *item = &r->items[i];

		if (item->len == FIB_ITEM_CHILD) {
			if (next_in(f, fib_record(&f->pool, item->value), after, out, adj))
				return true;
			continue;
		}
		item_prefix(f, r, item, out);
		*adj = item->value;
		if (after == NULL || is_after(out, after))
			return true;
	}
	return false;
}

int fib_next(const struct fib *f, const struct prefix *after, struct prefix *out, uint32_t *adj) {
	if (after == NULL && f->default_adj != FIB_MISS) {
		*out = (struct prefix){{.family = f->family}, 0};
		*adj = f->default_adj;
		return 0;
	}
	if (f->root_record && next_in(f, fib_record(&f->pool, f->root_record), after, out, adj))
		return 0;
	return -ENOENT;
}
