// SPDX-License-Identifier: BSD-3-Clause
// GRE encapsulation: GRE bytes of the adjacency, outer header of the peer, Ethernet of the underlay next hop.
#pragma once

#include "lcore_ctx.h"

// In: inner packets (or NHRP), meta.way WAY_ADJ, WAY_PEER or WAY_NBMA, indexes checked against their generation. Out:
// the first returned packets are whole frames with meta.port; order kept. Dropped: STALE, NOT_REGISTERED, NEIGHBOUR,
// TOO_BIG, HEADROOM, CLEAR_ON_PROTECTED, CLEAR_TUNNEL. To a protected peer they are at the GRE header and no further,
// meta.is_esp and meta.tos set for esp_out.
uint16_t gre_encap_burst(struct lcore_ctx *lc, struct rte_mbuf **pkts, uint16_t n);
