// SPDX-License-Identifier: BSD-3-Clause
// Packets whose way out another worker owns: SP/SC rings per pair, control traffic first. What crosses is index and
// generation; the consumer looks again.
#pragma once

#include "lcore_ctx.h"

// In: routed packets. Out: those whose peer this worker sends to; the rest is in the rings of their owners, or dropped:
// EGRESS_RING_FULL.
uint16_t handoff_out_burst(struct lcore_ctx *lc, struct rte_mbuf **pkts, uint16_t n);
// In: packets out of a ring. Out: those whose way out is still the one they were queued for, meta.peer_out as of now;
// the rest is dropped: STALE, NOT_REGISTERED, UNREACHABLE.
uint16_t handoff_in_burst(struct lcore_ctx *lc, struct rte_mbuf **pkts, uint16_t n);
// Whole frames for a port on which only worker `to` has a transmit queue.
void handoff_frames(struct lcore_ctx *lc, uint16_t to, struct rte_mbuf **pkts, uint16_t n);
