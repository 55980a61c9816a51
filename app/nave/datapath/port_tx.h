// SPDX-License-Identifier: BSD-3-Clause
// Last stage: whole frames to their ports.
#pragma once

#include "lcore_ctx.h"

// The worker whose transmit queue on port a worker uses: itself where it has one, else the one that carries for it.
static inline uint16_t port_tx_worker(const struct fwd_port *port, uint16_t worker) {
	return worker < port->n_tx_queues ? worker : port->n_tx_queues ? worker % port->n_tx_queues : 0;
}

// Takes all. meta.port says where. What the queue has no room for is dropped: TX_FULL; a port that is not there:
// PORT_DOWN. Returns how many were sent.
uint16_t port_tx_burst(struct lcore_ctx *lc, struct rte_mbuf **pkts, uint16_t n);
