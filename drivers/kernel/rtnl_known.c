// SPDX-License-Identifier: BSD-3-Clause
#include "rtnl_known.h"

#include <errno.h>
#include <stdlib.h>

#define BUCKETS_MIN 256

int known_init(struct known_set *s) {
	s->count = 0;
	s->n_buckets = BUCKETS_MIN;
	s->buckets = calloc(s->n_buckets, sizeof(*s->buckets));
	return s->buckets ? 0 : -ENOMEM;
}

void known_free(struct known_set *s) {
	for (uint32_t b = 0; b < s->n_buckets; b++) {
		struct known *next;

		for (struct known *k = s->buckets[b]; k; k = next) {
			next = k->next;
			free(k);
		}
	}
	free(s->buckets);
	*s = (struct known_set){0};
}

static uint32_t bucket_of(const struct known *k, uint32_t n_buckets) {
	return addr_hash(&k->addr, (uint32_t)k->ifindex * 31 + k->kind) & (n_buckets - 1);
}

static bool same(const struct known *a, const struct known *b) {
	return a->kind == b->kind && a->ifindex == b->ifindex && a->len_bits == b->len_bits &&
	       addr_eq(&a->addr, &b->addr);
}

static struct known **find(struct known_set *s, const struct known *key) {
	struct known **at = &s->buckets[bucket_of(key, s->n_buckets)];

	while (*at && !same(*at, key))
		at = &(*at)->next;
	return at;
}

// Without memory for a larger table the chains just grow.
static void grow(struct known_set *s) {
	uint32_t n = s->n_buckets * 4;
	struct known **buckets = calloc(n, sizeof(*buckets)), *next;

	if (!buckets)
		return;
	for (uint32_t b = 0; b < s->n_buckets; b++)
		for (struct known *k = s->buckets[b]; k; k = next) {
			struct known **at = &buckets[bucket_of(k, n)];

			next = k->next;
			k->next = *at;
			*at = k;
		}
	free(s->buckets);
	s->buckets = buckets;
	s->n_buckets = n;
}

static struct known key_of(enum known_kind kind, int ifindex, const struct addr *a, uint8_t len_bits) {
	return (struct known){
		.addr = a ? *a : (struct addr){0}, .ifindex = ifindex, .kind = kind, .len_bits = len_bits};
}

int known_add(struct known_set *s, enum known_kind kind, int ifindex, const struct addr *a, uint8_t len_bits) {
	struct known key = key_of(kind, ifindex, a, len_bits), **at, *k;

	if (s->count > 2 * s->n_buckets)
		grow(s);
	at = find(s, &key);
	if (!*at) {
		k = malloc(sizeof(*k));
		if (!k)
			return -ENOMEM;
		*k = key;
		*at = k;
		s->count++;
	}
	(*at)->fresh = true;
	return 0;
}

static void unlink_at(struct known_set *s, struct known **at) {
	struct known *k = *at;

	*at = k->next;
	s->count--;
	free(k);
}

bool known_remove(struct known_set *s, enum known_kind kind, int ifindex, const struct addr *a, uint8_t len_bits) {
	struct known key = key_of(kind, ifindex, a, len_bits), **at = find(s, &key);

	if (!*at)
		return false;
	unlink_at(s, at);
	return true;
}

void known_age(struct known_set *s) {
	for (uint32_t b = 0; b < s->n_buckets; b++)
		for (struct known *k = s->buckets[b]; k; k = k->next)
			k->fresh = false;
}

bool known_sweep(struct known_set *s, uint32_t *at, struct known *out) {
	for (; *at < s->n_buckets; ++*at)
		for (struct known **k = &s->buckets[*at]; *k; k = &(*k)->next)
			if (!(*k)->fresh) {
				*out = **k;
				unlink_at(s, k);
				return true;
			}
	return false;
}
