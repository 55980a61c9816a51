// SPDX-License-Identifier: BSD-3-Clause
#include "cache.h"

#include <stddef.h>
#include <stdlib.h>

#include "clock.h"

#define TICK_NS (10 * NS_PER_MS) // holding times are seconds; 10 ms late is unseen
#define CURSORS_MAX 16

struct nhrp_cache {
	struct binding **buckets;
	uint32_t bucket_mask;
	uint32_t seed;
	struct binding *pool;
	uint32_t max_entries;
	uint32_t pool_used; // entries beyond were never handed out, so their pages cost nothing
	uint32_t count;
	struct binding *free_list; // by hash_next
	struct binding *first, *last;
	struct binding_cursor *cursors;
	unsigned n_cursors;
	uint32_t n_by_tunnel[NHRP_CACHE_TUNNELS];
	uint32_t n_by_len[2][129]; // [is IPv6][prefix length]: which lengths a lookup has to try
	struct timer_wheel wheel;
};

static uint32_t buckets_for(uint32_t entries) {
	uint32_t n = 16;

	while (n < entries && n < 1u << 31)
		n <<= 1;
	return n;
}

struct nhrp_cache *nhrp_cache_create(uint32_t max_entries, uint64_t now_ns) {
	struct nhrp_cache *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->bucket_mask = buckets_for(max_entries) - 1;
	c->buckets = calloc((size_t)c->bucket_mask + 1, sizeof(struct binding *));
	if (!c->buckets)
		goto err_buckets;
	c->pool = calloc(max_entries ? max_entries : 1, sizeof(*c->pool));
	if (!c->pool)
		goto err_pool;
	c->max_entries = max_entries;
	c->seed = (uint32_t)((uintptr_t)c >> 4); // differs from run to run where addresses do
	timer_wheel_init(&c->wheel, TICK_NS, now_ns);
	return c;

err_pool:
	free(c->buckets);
err_buckets:
	free(c);
	return NULL;
}

void nhrp_cache_free(struct nhrp_cache *c) {
	if (!c)
		return;
	free(c->pool);
	free(c->buckets);
	free(c);
}

static struct binding **bucket_of(const struct nhrp_cache *c, uint16_t tunnel, const struct prefix *prefix) {
	uint32_t key = c->seed + ((uint32_t)tunnel << 8 | prefix->len_bits) * 0x9e3779b1u;

	return &c->buckets[addr_hash(&prefix->addr, key) & c->bucket_mask];
}

struct binding *nhrp_cache_find(const struct nhrp_cache *c, uint16_t tunnel, const struct prefix *prefix) {
	struct binding *b = *bucket_of(c, tunnel, prefix);

	while (b && (b->tunnel != tunnel || !prefix_eq(&b->prefix, prefix)))
		b = b->hash_next;
	return b;
}

struct binding *nhrp_cache_lookup(
	const struct nhrp_cache *c, uint16_t tunnel, const struct addr *protocol, bool authoritative_only) {
	const uint32_t *n_by_len = c->n_by_len[protocol->family == ADDR_IPV6];

	for (int len = addr_len_bytes(protocol->family) * 8; len >= 0; len--) {
		struct prefix prefix;
		struct binding *b;

		if (!n_by_len[len])
			continue;
		prefix = prefix_of(protocol, (uint8_t)len);
		b = nhrp_cache_find(c, tunnel, &prefix);
		if (b && !(authoritative_only && b->kind == BINDING_CACHED))
			return b;
	}
	return NULL;
}

static struct binding *pool_take(struct nhrp_cache *c) {
	struct binding *b = c->free_list;

	if (b)
		c->free_list = b->hash_next;
	else if (c->pool_used < c->max_entries)
		b = &c->pool[c->pool_used++];
	return b;
}

struct binding *nhrp_cache_add(struct nhrp_cache *c, uint16_t tunnel, const struct prefix *prefix) {
	struct binding **bucket = bucket_of(c, tunnel, prefix);
	struct binding *b = tunnel < NHRP_CACHE_TUNNELS ? pool_take(c) : NULL;

	if (!b)
		return NULL;
	*b = (struct binding){.hash_next = *bucket, .list_prev = c->last, .prefix = *prefix, .tunnel = tunnel};
	*bucket = b;
	if (c->last)
		c->last->list_next = b;
	else
		c->first = b;
	c->last = b;
	c->count++;
	c->n_by_tunnel[tunnel]++;
	c->n_by_len[prefix->addr.family == ADDR_IPV6][prefix->len_bits]++;
	return b;
}

static void list_unlink(struct nhrp_cache *c, struct binding *b) {
	if (b->list_prev)
		b->list_prev->list_next = b->list_next;
	else
		c->first = b->list_next;
	if (b->list_next)
		b->list_next->list_prev = b->list_prev;
	else
		c->last = b->list_prev;
}

void nhrp_cache_remove(struct nhrp_cache *c, struct binding *b) {
	struct binding **at = bucket_of(c, b->tunnel, &b->prefix);

	while (*at != b)
		at = &(*at)->hash_next;
	*at = b->hash_next;
	for (struct binding_cursor *cur = c->cursors; cur; cur = cur->link)
		if (cur->next == b)
			cur->next = b->list_next;
	list_unlink(c, b);
	timer_cancel(&c->wheel, &b->timer);
	c->count--;
	c->n_by_tunnel[b->tunnel]--;
	c->n_by_len[b->prefix.addr.family == ADDR_IPV6][b->prefix.len_bits]--;
	b->hash_next = c->free_list;
	c->free_list = b;
}

void nhrp_cache_set_expiry(struct nhrp_cache *c, struct binding *b, uint64_t expires_ns) {
	b->expires_ns = expires_ns;
	if (expires_ns)
		timer_arm(&c->wheel, &b->timer, expires_ns);
	else
		timer_cancel(&c->wheel, &b->timer);
}

struct expire_call {
	binding_fn fn;
	void *arg;
};

static void binding_timeout(struct timer_node *node, uint64_t now_ns, void *arg) {
	const struct expire_call *call = arg;

	call->fn((struct binding *)(void *)((char *)node - offsetof(struct binding, timer)), now_ns, call->arg);
}

unsigned nhrp_cache_expire(struct nhrp_cache *c, uint64_t now_ns, unsigned budget, binding_fn fn, void *arg) {
	struct expire_call call = {fn, arg};

	return timer_wheel_advance(&c->wheel, now_ns, budget, binding_timeout, &call);
}

bool nhrp_cache_cursor_open(struct nhrp_cache *c, struct binding_cursor *cur) {
	*cur = (struct binding_cursor){0};
	if (c->n_cursors == CURSORS_MAX) {
		cur->started = true; // an ended walk: without a place in the cache it could stay on a removed binding
		return false;
	}
	cur->link = c->cursors;
	c->cursors = cur;
	c->n_cursors++;
	return true;
}

struct binding *nhrp_cache_cursor_next(struct nhrp_cache *c, struct binding_cursor *cur) {
	struct binding *b = cur->started ? cur->next : c->first;

	cur->started = true;
	cur->next = b ? b->list_next : NULL;
	return b;
}

void nhrp_cache_cursor_close(struct nhrp_cache *c, struct binding_cursor *cur) {
	for (struct binding_cursor **at = &c->cursors; *at; at = &(*at)->link)
		if (*at == cur) {
			*at = cur->link;
			c->n_cursors--;
			return;
		}
}

uint32_t nhrp_cache_count(const struct nhrp_cache *c) {
	return c->count;
}

uint32_t nhrp_cache_count_tunnel(const struct nhrp_cache *c, uint16_t tunnel) {
	return tunnel < NHRP_CACHE_TUNNELS ? c->n_by_tunnel[tunnel] : 0;
}

uint64_t nhrp_cache_bytes(const struct nhrp_cache *c) {
	return sizeof(*c) + (uint64_t)c->max_entries * sizeof(*c->pool) +
	       ((uint64_t)c->bucket_mask + 1) * sizeof(*c->buckets);
}
