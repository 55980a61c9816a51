// SPDX-License-Identifier: BSD-3-Clause
// The NHS's cache of bindings (protocol prefix -> NBMA address), RFC 2332 section 6.2. Control core only.
// Entries come from one pool sized at creation: a full cache refuses (code 5), it never allocates per packet.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "addr.h"
#include "timer_wheel.h"

enum binding_kind {
	BINDING_STATIC, // from the configuration: never expires, never displaced
	BINDING_REGISTERED, // authoritative: the client registered with us
	BINDING_CACHED, // learnt in transit or by resolution
};

// One binding. What the forwarding side needs to know about it (adjacency, peer) is kept in the handles by the
// owner of the cache; this library does not read them.
struct binding {
	struct binding *hash_next;
	struct binding *list_next, *list_prev; // all bindings of the cache, in order of creation
	struct timer_node timer;
	struct prefix prefix; // protocol prefix; host prefix for a spoke's tunnel address
	struct addr nbma; // what we send to: the observed outer source
	struct addr claimed_nbma; // what the client said it is; differs behind NAT
	uint16_t nbma_port; // 0, or the UDP port of ESP in UDP
	uint16_t tunnel;
	uint32_t identity; // whose SAs the registration came through; 0: nobody's. Only it may renew, move or purge it
	uint16_t mtu;
	uint16_t holding_time_s;
	uint8_t kind; // enum binding_kind
	uint8_t preference;
	bool unique; // registered with U
	bool behind_nat;
	bool multicast; // gets a copy of the hub's multicast
	uint32_t request_id; // of the newest registration
	uint64_t created_ns, refreshed_ns, expires_ns; // expires_ns 0: never
	uint32_t refreshes;
	uint32_t adj, peer, held; // handles of the owner
};

struct nhrp_cache;

#define NHRP_CACHE_TUNNELS 1024 // tunnel numbers 0..1023; a binding for another is refused like a full pool

struct nhrp_cache *nhrp_cache_create(uint32_t max_entries, uint64_t now_ns); // NULL: no memory
void nhrp_cache_free(struct nhrp_cache *c);

// Exact match of (tunnel, prefix).
struct binding *nhrp_cache_find(const struct nhrp_cache *c, uint16_t tunnel, const struct prefix *prefix);
// Longest match; skips BINDING_CACHED when authoritative_only. A binding counts until it is removed, also when its time
// is up already.
struct binding *nhrp_cache_lookup(
	const struct nhrp_cache *c, uint16_t tunnel, const struct addr *protocol, bool authoritative_only);
// Zeroed but for tunnel and prefix; NULL when the pool is used up. The caller must not add a (tunnel, prefix) twice.
struct binding *nhrp_cache_add(struct nhrp_cache *c, uint16_t tunnel, const struct prefix *prefix);
void nhrp_cache_remove(struct nhrp_cache *c, struct binding *b); // cancels its timer, gives the entry back to the pool
void nhrp_cache_set_expiry(struct nhrp_cache *c, struct binding *b, uint64_t expires_ns); // 0: never

typedef void (*binding_fn)(struct binding *b, uint64_t now_ns, void *arg);
// Calls fn for each binding whose time is up, at most budget; fn must remove it. Returns how many.
unsigned nhrp_cache_expire(struct nhrp_cache *c, uint64_t now_ns, unsigned budget, binding_fn fn, void *arg);

// For lists made in slices: *cursor starts at NULL; returns the next binding or NULL at the end. A binding removed
// between two slices moves the cursors that stand on it (they are registered in the cache: at most 16 at once). A walk
// in one go that removes nothing needs no open and no close: a zeroed cursor will do.
struct binding_cursor {
	struct binding *next;
	struct binding_cursor *link;
	bool started;
};
bool nhrp_cache_cursor_open(struct nhrp_cache *c, struct binding_cursor *cur); // false: all taken, the walk is empty
struct binding *nhrp_cache_cursor_next(struct nhrp_cache *c, struct binding_cursor *cur);
void nhrp_cache_cursor_close(struct nhrp_cache *c, struct binding_cursor *cur);

uint32_t nhrp_cache_count(const struct nhrp_cache *c);
uint32_t nhrp_cache_count_tunnel(const struct nhrp_cache *c, uint16_t tunnel);
uint64_t nhrp_cache_bytes(const struct nhrp_cache *c); // memory held, for bytes per spoke: all of the pool, used or not
