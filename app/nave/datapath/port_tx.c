// SPDX-License-Identifier: BSD-3-Clause
#include <rte_ethdev.h>

#include "handoff.h"
#include "port_tx.h"

static void drop_all(struct lcore_ctx *lc, struct rte_mbuf **pkts, uint16_t n, enum drop_reason why) {
	for (uint16_t i = 0; i < n; i++)
		pkt_drop(lc, pkts[i], why);
}

static uint16_t port_send(struct lcore_ctx *lc, uint16_t port_idx, struct rte_mbuf **pkts, uint16_t n) {
	const struct fwd_port *port;
	uint16_t sent, worker;

	if (unlikely(port_idx >= lc->fwd->n_ports || !lc->fwd->ports[port_idx].present)) {
		drop_all(lc, pkts, n, DROP_PORT_DOWN);
		return 0;
	}
	port = &lc->fwd->ports[port_idx];
	worker = port_tx_worker(port, lc->id);
	if (unlikely(worker != lc->id)) {
		handoff_frames(lc, worker, pkts, n);
		return 0;
	}
	sent = rte_eth_tx_burst(port->ethdev, lc->id, pkts, n);
	if (unlikely(sent < n))
		drop_all(lc, pkts + sent, n - sent, DROP_TX_FULL);
	return sent;
}

static bool is_one_port(struct rte_mbuf **pkts, uint16_t n) {
	uint8_t differ = 0;

	for (uint16_t i = 1; i < n; i++)
		differ |= pkt_meta(pkts[i])->port ^ pkt_meta(pkts[0])->port;
	return !differ;
}

uint16_t port_tx_burst(struct lcore_ctx *lc, struct rte_mbuf **pkts, uint16_t n) {
	uint16_t total = 0;

	if (likely(n && is_one_port(pkts, n)))
		return port_send(lc, pkt_meta(pkts[0])->port, pkts, n);
	while (n) { // the first one's port gets all of its packets at once
		struct rte_mbuf *same[BURST_MAX];
		uint16_t port = pkt_meta(pkts[0])->port, n_same = 0, rest = 0;

		for (uint16_t i = 0; i < n; i++) {
			if (likely(pkt_meta(pkts[i])->port == port))
				same[n_same++] = pkts[i];
			else
				pkts[rest++] = pkts[i];
		}
		total += port_send(lc, port, same, n_same);
		n = rest;
	}
	return total;
}
