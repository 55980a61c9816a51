// SPDX-License-Identifier: BSD-3-Clause
// First form: a sorted list, correct and slow; every change publishes a fresh copy.
#include "fib.h"

#include <errno.h>
#include <stdlib.h>

struct route {
	struct prefix prefix;
	uint32_t adj;
};

struct list {
	uint32_t n;
	struct route routes[];
};

struct fib {
	uint8_t family;
	uint32_t max_routes;
	struct rcu *rcu;
	struct list *list; // published
};

static int route_cmp(const struct prefix *a, const struct prefix *b) {
	int c = memcmp(a->addr.bytes, b->addr.bytes, sizeof(a->addr.bytes));

	return c ? c : (int)a->len_bits - (int)b->len_bits;
}

struct fib *fib_create(uint8_t family, uint32_t max_routes, struct rcu *r) {
	struct fib *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return NULL;
	*f = (struct fib){family, max_routes, r, calloc(1, sizeof(struct list))};
	return f;
}

void fib_free(struct fib *f) {
	if (f == NULL)
		return;
	free(f->list);
	free(f);
}

static void list_reclaim(void *arg, uint64_t n) {
	(void)n;
	free(arg);
}

// First route not before p.
static uint32_t position(const struct fib *f, const struct prefix *p) {
	uint32_t i = 0;

	while (i < f->list->n && route_cmp(&f->list->routes[i].prefix, p) < 0)
		i++;
	return i;
}

static int change(struct fib *f, const struct prefix *p, uint32_t adj) {
	uint32_t at = position(f, p), n = f->list->n;
	bool there = at < n && prefix_eq(&f->list->routes[at].prefix, p);
	uint32_t rest = n - at - there, added = adj != FIB_MISS;
	struct list *fresh, *old = f->list;

	if (added && !there && n == f->max_routes)
		return -ENOSPC;
	if (!added && !there)
		return -ENOENT;
	fresh = malloc(sizeof(*fresh) + (n + 1) * sizeof(struct route));
	if (fresh == NULL || !rcu_room(f->rcu, 1)) {
		free(fresh);
		return -ENOSPC;
	}
	fresh->n = at + added + rest;
	memcpy(fresh->routes, old->routes, at * sizeof(struct route));
	if (added)
		fresh->routes[at] = (struct route){*p, adj};
	memcpy(fresh->routes + at + added, old->routes + at + there, rest * sizeof(struct route));
	rcu_publish(&f->list, fresh);
	return rcu_defer(f->rcu, list_reclaim, old, 0);
}

int fib_add(struct fib *f, const struct prefix *p, uint32_t adj) {
	return p->addr.family != f->family || adj == FIB_MISS ? -EINVAL : change(f, p, adj);
}

int fib_del(struct fib *f, const struct prefix *p) {
	return p->addr.family != f->family ? -ENOENT : change(f, p, FIB_MISS);
}

uint32_t fib_find(const struct fib *f, const struct prefix *p) {
	uint32_t at = position(f, p);

	return at < f->list->n && prefix_eq(&f->list->routes[at].prefix, p) ? f->list->routes[at].adj : FIB_MISS;
}

uint32_t fib_count(const struct fib *f) {
	return f->list->n;
}

size_t fib_bytes(const struct fib *f) {
	return f ? sizeof(*f) + sizeof(struct list) + f->list->n * sizeof(struct route) : 0;
}

int fib_next(const struct fib *f, const struct prefix *after, struct prefix *out, uint32_t *adj) {
	uint32_t at = after ? position(f, after) : 0;

	if (after && at < f->list->n && prefix_eq(&f->list->routes[at].prefix, after))
		at++;
	if (at == f->list->n)
		return -ENOENT;
	*out = f->list->routes[at].prefix;
	*adj = f->list->routes[at].adj;
	return 0;
}

uint32_t fib_lookup(const struct fib *f, const struct addr *a) {
	const struct list *l = f ? rcu_read(&f->list) : NULL;
	uint32_t best = FIB_MISS;
	int best_len = -1;

	for (uint32_t i = 0; l && i < l->n; i++) {
		if (l->routes[i].prefix.len_bits > best_len && prefix_contains(&l->routes[i].prefix, a)) {
			best = l->routes[i].adj;
			best_len = l->routes[i].prefix.len_bits;
		}
	}
	return best;
}

void fib_lookup_ipv4(const struct fib *f, const uint32_t *addrs_be, unsigned n, uint32_t *adjs) {
	for (unsigned i = 0; i < n; i++) {
		struct addr a = addr_from_bytes(ADDR_IPV4, (const uint8_t *)&addrs_be[i]);

		adjs[i] = fib_lookup(f, &a);
	}
}

void fib_lookup_ipv6(const struct fib *f, const uint8_t *const *addrs, unsigned n, uint32_t *adjs) {
	for (unsigned i = 0; i < n; i++) {
		struct addr a = addr_from_bytes(ADDR_IPV6, addrs[i]);

		adjs[i] = fib_lookup(f, &a);
	}
}
