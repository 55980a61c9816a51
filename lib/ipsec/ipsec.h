// SPDX-License-Identifier: BSD-3-Clause
// The tables of SAs. Inbound: the SAD, an array of contiguous objects that the SPI indexes; SPIs that somebody else
// chose are found by a hash. Outbound: one object per peer, by peer
// index: the line of the peer table, the SA, its key. All of it in memory of its own: huge pages
// where there are any, no core dump has it, and what was used for a key is wiped when it is freed.
//
// An SPI of ours: 18 bits of index, 14 bits of generation from 1 on, so that it is never below 256 (RFC 4303 section
// 2.1), and one that is gone matches nothing.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "esp_crypto.h"
#include "idx_hash.h"
#include "rcu.h"
#include "sa_rt.h"

#define SPI_INDEX_BITS 18
#define SPI_INDEX_MAX ((1u << SPI_INDEX_BITS) - 1)
#define SPI_GEN_MAX ((1u << (32 - SPI_INDEX_BITS)) - 1)
#define SA_OUT_BYTES (sizeof(struct sa_out) + SA_KEY_BYTES)
#define SAD_PER_PEER 3 // inbound SAs: two during a rekey, one on its way out

struct ipsec_conf {
	const struct esp_crypto_ops *ops;
	uint32_t max_peers;
	uint16_t window_max; // widest receive window of any SA
	struct peer_table *peers; // of max_peers, to be moved beside the outbound SAs; or NULL: it stays where it is
};

struct ipsec {
	// Read mostly; workers.
	const struct esp_crypto_ops *ops;
	uint8_t *in; // [n_in] of in_stride
	uint8_t *out; // [max_peers] of out_stride; before each the peer's line
	struct idx_hash *foreign; // SPI -> slot
	uint32_t in_stride, out_stride, key_off;
	uint32_t n_in; // slots; 0 is never used
	uint16_t window_max;
	bool has_foreign;
	struct sa_in_cold *cold; // [n_in]
	struct sa_out_base *out_base; // [max_peers], each written by the owner of the peer
	// Control.
	struct sad *sad;
	uint32_t max_peers;
};

// NULL with errno: ENOMEM, or E2BIG for more peers than SPIs have indexes.
struct ipsec *ipsec_create(const struct ipsec_conf *conf);
void ipsec_free(struct ipsec *ip); // workers stopped, nothing deferred; of the peer table only fini is left
uint64_t ipsec_bytes(const struct ipsec *ip); // of the SAs that are in use, with their share of the tables
static inline struct sa_in *sa_in_at(const struct ipsec *ip, uint32_t slot) {
	return (struct sa_in *)(ip->in + (size_t)slot * ip->in_stride);
}
static inline void *sa_in_key(const struct ipsec *ip, struct sa_in *sa) {
	return (uint8_t *)sa + ip->key_off;
}
static inline struct sa_out *sa_out_at(const struct ipsec *ip, uint32_t peer) {
	return (struct sa_out *)(ip->out + (size_t)peer * ip->out_stride);
}
static inline void *sa_out_key(struct sa_out *sa) {
	return sa + 1;
}
static inline uint32_t sa_in_slot(const struct ipsec *ip, const struct sa_in *sa) {
	return (uint32_t)(((const uint8_t *)sa - ip->in) / ip->in_stride);
}

static inline struct sa_in_cold *sa_in_cold(const struct ipsec *ip, const struct sa_in *sa) {
	return &ip->cold[sa_in_slot(ip, sa)];
}

// Workers. The slot of an SPI whose SA is there, or 0.
uint32_t sad_lookup_foreign(const struct ipsec *ip, uint32_t spi);
static inline uint32_t sad_lookup(const struct ipsec *ip, uint32_t spi) {
	uint32_t slot = spi & SPI_INDEX_MAX;

	if (__builtin_expect(slot < ip->n_in && rcu_read(&sa_in_at(ip, slot)->spi) == spi && spi != 0, 1))
		return slot;
	return rcu_read(&ip->has_foreign) ? sad_lookup_foreign(ip, spi) : 0;
}

// Control. A slot that nobody reads yet, and an SPI for it; 0: the table is full. now_ns: slots rest 5 s after their
// grace period, so that what is still under way finds no other SA.
uint32_t sad_alloc(struct ipsec *ip, uint64_t now_ns, uint32_t *spi);
// Control. The same for an SPI chosen elsewhere; -EEXIST, -EINVAL (below 256), -ENOSPC, else the slot.
int64_t sad_alloc_foreign(struct ipsec *ip, uint64_t now_ns, uint32_t spi);
// Control. As sad_alloc, for an SA that is still being negotiated: the SPI is told to the peer, and the slot kept for
// it, until sad_publish or sad_cancel.
uint32_t sad_reserve(struct ipsec *ip, uint64_t now_ns, uint32_t *spi);
uint32_t sad_reserved(const struct ipsec *ip, uint32_t spi); // Control. Its slot, or 0: no such SPI is kept
// Control. The slot's SA, filled in, can be found from now on. 0 or -ENOSPC (foreign SPIs only).
int sad_publish(struct ipsec *ip, uint32_t slot, uint32_t spi);
// Control. Found no more at once; wiped and free after a grace period. -ENOSPC as rcu_defer: nothing changed.
int sad_withdraw(struct ipsec *ip, struct rcu *rcu, uint32_t slot, uint64_t now_ns);
void sad_cancel(struct ipsec *ip, uint32_t slot, uint64_t now_ns); // never published
uint32_t sad_used(const struct ipsec *ip);

// The owner lcore, or control while nobody owns the peer: what a message says becomes so.
void sa_message_apply(struct ipsec *ip, struct peer *p, uint32_t peer, const struct sa_message *msg);
// Control, after the peer's grace period.
void sa_out_wipe(struct ipsec *ip, uint32_t peer);
