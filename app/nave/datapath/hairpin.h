// SPDX-License-Identifier: BSD-3-Clause
// The common case in one pass: opened by an SA, GRE with nothing but the tunnel's key, plain IPv4 with hops left, for
// another spoke of the same tunnel whose SA this worker owns. What is not so goes the long way (gre_decap, route,
// handoff, gre_encap), untouched, and hears there why it is dropped. Of one flow all packets take the same way.
#pragma once

#include "lcore_ctx.h"

// In: packets as esp_in leaves them, at the GRE header. Out: the first returned packets are ready for esp_out: the GRE
// header is that of the tunnel still, the hop is taken, meta.peer_out, is_esp and tos are set. The others are in *rest.
// Order is kept in both.
uint16_t hairpin_burst(
	struct lcore_ctx *lc, struct rte_mbuf **pkts, uint16_t n, struct rte_mbuf **rest, uint16_t *n_rest);
