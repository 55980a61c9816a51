// SPDX-License-Identifier: BSD-3-Clause
// Inner IPv4 and IPv6: validated, looked up, TTL taken. RFC 1812 section 5.2, RFC 8200 section 3.
#pragma once

#include "lcore_ctx.h"

// In: packets at the inner IP header, meta.gre_protocol their family, meta.iface_in the tunnel or port they came by.
// Out: the first returned packets have their way out in meta (WAY_ADJ, adj, peer_out, read in this poll), order kept.
// For the host: punted with their TTL untouched, meta.adj the local adjacency. The rest is dropped.
uint16_t route_burst(struct lcore_ctx *lc, struct rte_mbuf **pkts, uint16_t n);
