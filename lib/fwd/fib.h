// SPDX-License-Identifier: BSD-3-Clause
// Longest prefix match for one VRF and family: prefix -> adjacency index. One writer (control), lockless readers that
// see each prefix either before or after an update, never a lookup that misses a route which was there before and
// after. Memory grows with the routes: nothing without routes, at most 1 MiB below 1,000.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "addr.h"
#include "rcu.h"

#define FIB_MISS 0u // adjacency 0 is never used

struct fib;

// family: ADDR_IPV4 or ADDR_IPV6. max_routes bounds memory. NULL when out of memory. To be made with the first route:
// 257 KiB for IPv4 at once. r must hold at least 8 deferred objects.
struct fib *fib_create(uint8_t family, uint32_t max_routes, struct rcu *r);
void fib_free(struct fib *f); // no readers left; before rcu_free, or after it

// Control. Adds, or replaces the adjacency of a prefix that is there. -ENOSPC at max_routes or out of memory or when
// too many objects wait for readers (nothing changed), -EINVAL for another family. No call takes longer than 100 us,
// whatever the table holds.
int fib_add(struct fib *f, const struct prefix *p, uint32_t adj);
int fib_del(struct fib *f, const struct prefix *p); // -ENOENT; -ENOSPC as rcu_defer, nothing changed
uint32_t fib_find(const struct fib *f, const struct prefix *p); // exact match, control; FIB_MISS
uint32_t fib_count(const struct fib *f);
size_t fib_bytes(const struct fib *f);
// Control: all routes, for lists made in slices. after NULL: from the first. -ENOENT at the end.
int fib_next(const struct fib *f, const struct prefix *after, struct prefix *out, uint32_t *adj);

// Readers. addrs_be: addresses in network order as loaded from packets. f may be NULL: every lookup misses.
void fib_lookup_ipv4(const struct fib *f, const uint32_t *addrs_be, unsigned n, uint32_t *adjs);
void fib_lookup_ipv6(const struct fib *f, const uint8_t *const *addrs, unsigned n, uint32_t *adjs);
uint32_t fib_lookup(const struct fib *f, const struct addr *a); // one address, either family
