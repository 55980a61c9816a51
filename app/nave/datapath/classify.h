// SPDX-License-Identifier: BSD-3-Clause
// First stage: whose is a received frame. Fills pkt_meta; every outer header field is checked here and nowhere later.
#pragma once

#include "lcore_ctx.h"

struct classified {
	struct rte_mbuf *gre[BURST_MAX]; // data at the GRE header
	struct rte_mbuf *esp[BURST_MAX]; // at the ESP header; meta.nbma_port: of ESP in UDP
	struct rte_mbuf *clear[BURST_MAX]; // to be routed as they are (LAN ports), at the IP header
	uint16_t n_gre, n_esp, n_clear;
};

// In: frames as received on ports[port]. Out: GRE and ESP for one of our endpoints, and what is to be routed, length as
// the outer IP header says; the counts are added to. The rest is punted (IKE, UNDERLAY) or dropped.
void classify_burst(struct lcore_ctx *lc, uint16_t port, struct rte_mbuf **pkts, uint16_t n, struct classified *out);
