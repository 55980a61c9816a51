// SPDX-License-Identifier: BSD-3-Clause
// Outbound ESP (RFC 4303 section 3.3): sequence number, outer headers, trailer, ICV.
#pragma once

#include "lcore_ctx.h"

// In: packets that leave, in order. Those with meta.is_esp begin at their GRE header and are sealed for meta.peer_out,
// which this worker owns; the others are whole frames already and pass. Out: the first returned packets are whole
// frames with meta.port. Dropped: NO_SA, SA_EXPIRED, NEIGHBOUR, TOO_BIG, HEADROOM, TAILROOM. Events in lc->events.
uint16_t esp_out_burst(struct lcore_ctx *lc, struct rte_mbuf **pkts, uint16_t n);
