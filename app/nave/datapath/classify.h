// SPDX-License-Identifier: BSD-3-Clause
// First stage: whose is a received frame. Fills pkt_meta; every outer header field is checked here and nowhere later.
#pragma once

#include "lcore_ctx.h"

// In: frames as received on ports[port]. Out: the first returned packets are GRE for one of our endpoints, data at the
// GRE header, length as the outer IP header says. *clear gets the packets to be routed as they are (LAN ports), data at
// the IP header. The rest is punted (IKE, UNDERLAY) or dropped.
uint16_t classify_burst(struct lcore_ctx *lc, uint16_t port, struct rte_mbuf **pkts, uint16_t n,
	struct rte_mbuf **clear, uint16_t *n_clear);
