// SPDX-License-Identifier: BSD-3-Clause
// From a worker to the control core: packets copied whole into the punt pool, so that control never holds an rx buffer.
// Each class has its own bounded ring; each class, and each sender within it, has a token bucket on every worker. Of
// NHRP, senders that are not registered get half of the rate and three quarters of the ring between them.
#pragma once

#include "lcore_ctx.h"

#define PUNT_PER_SOURCE_PPS 1000 // default
#define PUNT_SAMPLE_BYTES 128

struct punt_policer;

// The sender's share of a class is kept by peer index, exactly; of senders that are no peers, by a hash of their
// address.
struct punt_policer *punt_policer_create(uint32_t max_peers, uint32_t per_source_pps); // NULL: out of memory
void punt_policer_free(struct punt_policer *p);
// Entries of one worker's ring of a class; a power of two. All classes but NHRP share theirs out among the workers, so
// that all of them full leave buffers of the punt pool for NHRP.
unsigned punt_ring_size(enum punt_class c, uint16_t n_workers);
uint32_t punt_pool_size(uint16_t n_workers);

// Takes m, a frame. ike: the message in it, behind a non-ESP marker; port: the UDP port it came from. While earlier
// ones wait for control, initiators that are new are dropped first. Dropped: IKE_POLICED, IKE_BACKLOG, PUNT_RING_FULL,
// PUNT_NO_MBUF, TOO_BIG.
void punt_ike(struct lcore_ctx *lc, struct rte_mbuf *m, uint16_t port, const uint8_t *ike, uint16_t len_bytes);
// Takes m. Dropped: POLICED, PUNT_RING_FULL, PUNT_NO_MBUF, TOO_BIG.
void punt_one(struct lcore_ctx *lc, enum punt_class c, struct rte_mbuf *m);
// A copy of the first bytes of m, which stays the caller's. Whatever keeps it from control is not counted.
void punt_sample(struct lcore_ctx *lc, enum punt_class c, const struct rte_mbuf *m);
void punt_burst(struct lcore_ctx *lc, enum punt_class c, struct rte_mbuf **pkts, uint16_t n);
// lc->events, each as an mbuf of class PUNT_SA whose data is a struct sa_event.
void punt_events(struct lcore_ctx *lc);
