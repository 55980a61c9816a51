// SPDX-License-Identifier: BSD-3-Clause
// A peer: the other end of our tunnels, one per (local endpoint, NBMA address, UDP port, protected or not). Here is
// what every packet to it needs. Where tunnels are protected, the line stands right before the peer's outbound SA and
// its key, one object on one page (ipsec.h).
//
// What is published is never changed in place, nh apart. A plain peer that moves gets a fresh slot, and its adjacencies
// are repointed, one store each. A protected one has an owner: the lcore that has its sequence numbers, which also
// rewrites its header, told by control.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "addr.h"
#include "gen.h"
#include "idx_hash.h"
#include "rcu.h"

#define PEER_OWNER_ANY 0xffff // no SA: whichever worker has the packet sends it
#define PEER_OWNER_NONE 0xfffe // protected, and no packet yet: the first worker that has one claims it
#define PEER_OWNER_CONTROL 0xfffd // control writes it at this moment, and will leave it to nobody again
#define PEER_HDR_MAX 48 // IPv6 and UDP

struct peer {
	uint32_t gen; // gen.h: compare with gen_is_current
	uint32_t nh; // underlay next hop, index into nh_table; may change while published, one store
	uint16_t endpoint; // local endpoint, index into fwd.endpoints
	uint16_t owner; // worker that sends to it, or PEER_OWNER_ANY
	uint8_t family; // of the underlay
	uint8_t hdr_len_bytes;
	bool ready; // false: only known, may not yet be sent to
	bool is_protected; // only ever sent to through its SA
	uint8_t hdr[PEER_HDR_MAX]; // outer IP header (and UDP), length and IPv4 checksum for an empty payload
} __attribute__((aligned(64)));
_Static_assert(sizeof(struct peer) == 64, "one cache line");

struct peer_table {
	uint8_t *lines; // [max] of stride_bytes; index 0 is never used
	size_t stride_bytes;
	void *memory; // of the lines, or NULL: someone else's
	uint32_t max;
	uint32_t used;
	uint32_t free_head;
	struct idx_hash *by_nbma; // key: endpoint, NBMA address; plain peers only
};

static inline struct peer *peer_at(const struct peer_table *t, uint32_t index) {
	return (struct peer *)(t->lines + index * t->stride_bytes);
}

// A worker, with a packet of a protected peer: true when it owns the peer, from now on or since before.
static inline bool peer_claim(struct peer *p, uint16_t worker) {
	uint16_t none = PEER_OWNER_NONE;
	uint16_t owner = rcu_read(&p->owner);

	if (__builtin_expect(owner == worker, 1))
		return true;
	return owner == PEER_OWNER_NONE &&
	       __atomic_compare_exchange_n(&p->owner, &none, worker, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
}

int peer_table_init(struct peer_table *t, uint32_t max); // -ENOMEM
// Before there are workers: the lines live elsewhere from now on, beside what else is there per peer. [max] of
// stride_bytes, zeroed, aligned to a cache line; the caller's, and needed until peer_table_fini.
void peer_table_move(struct peer_table *t, void *lines, size_t stride_bytes);
void peer_table_fini(struct peer_table *t);
uint32_t peer_alloc(struct peer_table *t); // as adj_alloc
int peer_free(struct peer_table *t, struct rcu *r, uint32_t index); // as adj_free; the caller removed it from by_nbma

static inline uint32_t peer_hash_ipv4(uint16_t endpoint, uint32_t nbma_be) {
	return idx_hash_mix((uint64_t)endpoint << 32 | nbma_be);
}
uint32_t peer_hash(uint16_t endpoint, const struct addr *nbma);
bool peer_matches(const struct peer *p, uint16_t endpoint, const struct addr *nbma);
uint32_t peer_lookup(const struct peer_table *t, uint16_t endpoint, const struct addr *nbma); // 0: none
// Fills family, hdr and hdr_len from local and remote address. IPv4: DF set, TTL 64, protocol GRE.
void peer_template(struct peer *p, const struct addr *local, const struct addr *nbma);
// The same for a protected peer: protocol ESP, or UDP with a header from port 4500 to port where port is not 0.
void peer_template_esp(struct peer *p, const struct addr *local, const struct addr *nbma, uint16_t port);
struct addr peer_nbma(const struct peer *p);

// Underlay next hops: gateway or on-link neighbour. One 8-byte word each, so that a MAC change is one store however
// many peers use it.
struct nh {
	uint8_t mac[6];
	uint8_t port; // index into fwd.ports
	bool resolved;
};
_Static_assert(sizeof(struct nh) == 8, "published by one store");

struct nh_table {
	uint64_t *words; // [max]
	uint32_t max, used;
};

int nh_table_init(struct nh_table *t, uint32_t max);
void nh_table_fini(struct nh_table *t);
static inline struct nh nh_load(const struct nh_table *t, uint32_t index) {
	uint64_t w = rcu_read(&t->words[index]);
	struct nh nh;

	__builtin_memcpy(&nh, &w, sizeof(nh));
	return nh;
}
static inline void nh_store(struct nh_table *t, uint32_t index, struct nh nh) {
	uint64_t w;

	__builtin_memcpy(&w, &nh, sizeof(w));
	rcu_publish(&t->words[index], w);
}
