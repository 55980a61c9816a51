// SPDX-License-Identifier: BSD-3-Clause
// Inside the FIB (docs/adr/0001-fib.md). A trie of 8-bit steps in two forms: nodes, which readers walk, and records,
// control's own list of what each node holds, from which a node is built.
//
// A route of length 8d+1 .. 8d+8 lives in the node of depth d: the one that looks at byte d of the address. It is
// spread over that node's values only, never into the nodes below: a lookup remembers the last value it met. So an
// update builds one node, and publishes it by one store into its parent.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "addr.h"
#include "fib.h"
#include "rcu.h"

#define FIB_BURST 32

// A value: an adjacency, 0 for none, or a child: its depth and its place in the arena.
#define FIB_CHILD 0x80000000u
#define FIB_DEPTH_SHIFT 27
#define FIB_UNIT_MASK ((1u << FIB_DEPTH_SHIFT) - 1)
#define FIB_UNIT_BYTES 64u

// What readers see of 256 values: runs of equal ones. Up to four runs (a lone route) fit one cache line. Fixed once
// published, but for fallback and for values that are children, which are replaced by one store.
struct fib_node {
	uint64_t runs[4]; // bit i: value i differs from value i-1; bit 0 is set
	uint64_t key; // the 8 address bytes before byte d, zeros in front; IPv6 only
	uint32_t fallback; // the parent's route over this node, 0: none
	uint8_t rank[4]; // runs in the words before
	uint32_t values[]; // one for each run
};
_Static_assert(sizeof(struct fib_node) == 48, "leaves four values in the first cache line");

// IPv4 starts with 16 bits at once. root holds the routes /9 .. /16 and the nodes of depth 2; top, the shorter ones,
// asked last: a short route is 256 stores at most.
struct fib_ipv4 {
	uint32_t root[1 << 16];
	uint32_t top[256];
};

#define FIB_CLASSES 8

struct fib_arena { // contiguous addresses, backed by memory as it grows
	uint8_t *base;
	uint32_t next, committed, limit; // units
	uint32_t free[FIB_CLASSES]; // lists, linked through fallback
};

#define FIB_ITEM_CHILD 9

struct fib_item { // sorted by (byte, len): the order of fib_next, and of painting
	uint32_t value; // adjacency, or number of the child's record
	uint8_t byte;
	uint8_t len; // 1..8: a route; FIB_ITEM_CHILD
};

struct fib_record {
	struct fib_item *items; // few, or from the heap
	uint32_t unit; // of its node; 0: part of struct fib_ipv4
	uint16_t n, cap;
	uint8_t depth;
	uint8_t key[15]; // address bytes before depth
	struct fib_item few[2];
};

#define FIB_CHUNK 256 // records

struct fib_pool {
	struct fib_record **chunks;
	uint32_t n_chunks, max_chunks;
	uint32_t next, free_head, n_free; // free list linked through unit; number 0 is never used
	size_t item_bytes; // on the heap
};

#define FIB_VICTIMS 8 // nodes that one call may withdraw

struct fib {
	// Readers.
	uint8_t *nodes; // arena.base
	struct fib_ipv4 *ipv4; // published with the first route
	uint32_t root; // value; IPv6 only
	uint32_t default_adj; // IPv6: ::/0; IPv4 has it in top
	// Control.
	uint8_t family;
	bool dying; // free when the last deferred node is back
	uint32_t count, max_routes;
	uint32_t pending; // deferred nodes
	struct rcu *rcu;
	uint32_t root_record; // 0: none
	struct fib_arena arena;
	struct fib_pool pool;
	uint32_t victims[FIB_VICTIMS];
	unsigned n_victims;
};

static inline struct fib_node *fib_node_in(uint8_t *nodes, uint32_t value) {
	return (struct fib_node *)(nodes + (size_t)(value & FIB_UNIT_MASK) * FIB_UNIT_BYTES);
}

static inline struct fib_node *fib_node_at(const struct fib *f, uint32_t value) {
	return fib_node_in(f->nodes, value);
}

static inline unsigned fib_node_index(const struct fib_node *n, uint8_t byte) {
	unsigned w = byte >> 6;

	return n->rank[w] + __builtin_popcountll(n->runs[w] << (63 - (byte & 63))) - 1;
}

// Address bytes between a node and its parent's byte that a node can check: IPv4 needs none, IPv6 has the 8 of key.
static inline int fib_skip_max(const struct fib *f) {
	return f->family == ADDR_IPV6 ? 8 : 0;
}

// fib_record.c: records and their items.
int fib_pool_init(struct fib_pool *p, uint32_t max_routes);
void fib_pool_fini(struct fib_pool *p);
size_t fib_pool_bytes(const struct fib_pool *p);
bool fib_pool_room(struct fib_pool *p, unsigned n); // the next n fib_record_new cannot fail
uint32_t fib_record_new(struct fib_pool *p, unsigned depth, const uint8_t *addr);
void fib_record_free(struct fib_pool *p, uint32_t number);
bool fib_items_room(struct fib_pool *p, struct fib_record *r); // the next fib_item_insert cannot fail
void fib_item_insert(struct fib_record *r, struct fib_item item);
void fib_item_remove(struct fib_pool *p, struct fib_record *r, unsigned at);
unsigned fib_item_position(const struct fib_record *r, uint8_t byte, uint8_t len); // first not before
struct fib_item *fib_item_find(const struct fib_record *r, uint8_t byte, uint8_t len); // NULL: none

static inline struct fib_record *fib_record(const struct fib_pool *p, uint32_t number) {
	return &p->chunks[number / FIB_CHUNK][number % FIB_CHUNK];
}

// fib_node.c: nodes from records.
int fib_arena_init(struct fib_arena *a, uint32_t max_routes);
void fib_arena_fini(struct fib_arena *a);
bool fib_arena_room(struct fib_arena *a, unsigned n_nodes);
// Builds the node of a record that no reader sees yet (IPv4 depths 0 and 1: in place, visible at once).
void fib_build(struct fib *f, struct fib_record *r);
// Builds it anew and publishes it into parent (NULL: root).
void fib_rebuild(struct fib *f, struct fib_record *parent, struct fib_record *r);
// A second node like r's, for a place in which its fallback will be another: readers on the old path keep the old one.
void fib_copy(struct fib *f, struct fib_record *r);
void fib_publish_child(struct fib *f, struct fib_record *parent, const struct fib_record *r);
void fib_retire(struct fib *f, uint32_t unit);
void fib_retire_flush(struct fib *f); // after the stores that withdrew them
void fib_destroy(struct fib *f);
