// SPDX-License-Identifier: BSD-3-Clause
// Frames between the spokes and the hub, layer by layer: outer headers, ESP where the scenario has it, GRE. And those
// of the LAN behind the hub, which are plain.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lab.h"

// Frames that begin at their GRE header, of these spokes: sealed in order, outer headers in front. The generator's pool
// has the room.
void wire_push(struct lab *lab, struct rte_mbuf **frames, const uint32_t *spokes, unsigned n);

struct wire_rx {
	struct spoke_rx rx; // down to the inner packet, when nothing is wrong
	const char *wrong; // NULL, or what is wrong with the frame
	bool is_replayed; // the spoke's window refused it: counted in lab->replayed, and no frame is wrong
};
// Takes what the hub sent to spokes apart. n is at most ESP_BURST_MAX.
void wire_pull(struct lab *lab, struct rte_mbuf **frames, unsigned n, struct wire_rx *rx);

void lan_push(const struct lab *lab, struct rte_mbuf *m); // m begins at the inner packet
// NULL and the inner packet, or what is wrong.
const char *lan_pull(const struct lab *lab, const struct rte_mbuf *m, struct spoke_rx *rx);
