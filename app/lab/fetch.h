// SPDX-License-Identifier: BSD-3-Clause
// Packets of a gate, brought into the cache of the lcore that will receive them. The generator wrote them, so that they
// lie in its cache; a worker that had to get them from there would be measured with a cost of the generator's. After
// this they lie as the limit's packets do.
//
// It is done by a receive callback of the hub's ring ports: in a poll that finds nothing, which is not counted, and
// without a stop of the loop that polls, whosever it is.
#pragma once

#include <stdint.h>

#include "lab.h"

int fetch_install(struct lab *lab); // the ports are up, nobody polls yet; -ENOMEM
// Generator: returns when the workers have the frames, or after a second.
void fetch_frames(struct lab *lab, unsigned port, struct rte_mbuf **frames, const uint32_t *spokes, uint32_t n);
