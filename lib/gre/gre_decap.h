// SPDX-License-Identifier: BSD-3-Clause
// GRE decapsulation: outer headers and GRE removed, tunnel found by key, sender found by NBMA address.
#pragma once

#include "lcore_ctx.h"

// In: packets at the outer IP header (classify left meta.endpoint and checked that IP protocol is GRE and the length).
// Out: the first returned packets are inner IPv4 or IPv6, data at the inner header, order kept; meta has tunnel,
// gre_protocol, peer_in, nbma. NHRP packets are handed to *nhrp (n_nhrp), data at the NHRP header, for the punt. The
// rest is dropped: GRE_MALFORMED, GRE_CHECKSUM, GRE_PROTOCOL, UNKNOWN_KEY, CLEAR_ON_PROTECTED, CLEAR_TUNNEL,
// UNKNOWN_PEER, OUTER_SOURCE.
uint16_t gre_decap_burst(
	struct lcore_ctx *lc, struct rte_mbuf **pkts, uint16_t n, struct rte_mbuf **nhrp, uint16_t *n_nhrp);
// The same for packets that an SA has opened: meta.is_esp and peer_in are set, the tunnel must be protected.
uint16_t gre_decap_esp_burst(
	struct lcore_ctx *lc, struct rte_mbuf **pkts, uint16_t n, struct rte_mbuf **nhrp, uint16_t *n_nhrp);
