// SPDX-License-Identifier: BSD-3-Clause
// The walks of a packet, in order.
#pragma once

#include "lcore_ctx.h"

// From a port's receive queue: hairpin, to the host, to control.
void pipeline_rx(struct lcore_ctx *lc, uint16_t port, struct rte_mbuf **pkts, uint16_t n);
// From another worker's ring, or from control's.
void pipeline_ring(struct lcore_ctx *lc, struct rte_mbuf **pkts, uint16_t n, enum stage from);
// From another worker's ring: encrypted, their SA is owned here.
void pipeline_esp_ring(struct lcore_ctx *lc, struct rte_mbuf **pkts, uint16_t n);
