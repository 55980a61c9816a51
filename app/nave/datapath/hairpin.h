// SPDX-License-Identifier: BSD-3-Clause
// The common case in one pass, from port to port: plain ESP (esp_plain.h) from a spoke, in it GRE with nothing but the
// tunnel's key, plain IPv4 with hops left, for another spoke of the same tunnel whose SA this worker owns. What is not
// so takes the long way through the stages, and hears there why it is dropped. It costs two thirds of the long way,
// half of it without the cipher (docs/adr/0005-hairpin-in-one-pass.md). Of one flow all packets take the same way, so
// that their order is kept.
#pragma once

#include "lcore_ctx.h"

struct hairpin_rest {
	struct rte_mbuf *frames[BURST_MAX]; // as received
	struct rte_mbuf *opened[BURST_MAX]; // as esp_in leaves them
	uint16_t n_frames, n_opened; // added to
};

// In: frames as received on ports[port]. Out: the first returned packets are whole frames with
// meta.port, sealed. Those that take the long way are in *rest, order kept; dropped are, as in esp_in: ESP_ICV,
// ESP_REPLAY, ESP_MALFORMED.
uint16_t hairpin_burst(
	struct lcore_ctx *lc, uint16_t port, struct rte_mbuf **pkts, uint16_t n, struct hairpin_rest *rest);
