// SPDX-License-Identifier: BSD-3-Clause
// What stands beside the hub's figure, taken in the same round on the same worker's lcore while the hub's loop is
// stopped: what AES-GCM alone costs (tests/perf/limit), and forwarding on the same ports that does nothing but touch
// one word of each packet.
//
// The generator's lcore calls; workers are stopped (datapath_stop) meanwhile.
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct lab;
struct scenario_traffic;
struct yardstick;

// NULL: the scenario has no use for one, or *failed and a line on stderr.
struct yardstick *yardstick_create(struct lab *lab, bool *failed);
void yardstick_free(struct yardstick *y);

// AES-GCM, and not left out.
bool yardstick_has_limit(const struct yardstick *y);
// Cycles per packet of what a row does: open, seal or both. n: with as many keys a direction as spokes take part;
// two_n: with twice as many.
void yardstick_limit(
	struct yardstick *y, const struct lab *lab, const struct scenario_traffic *row, double *n, double *two_n);

// Forwards from the port where a row's packets come in to the one where they leave, on every worker's lcore, until it
// is stopped. Cycles and polls are counted as the hub's workers count them.
void yardstick_port_start(struct yardstick *y, const struct lab *lab, const struct scenario_traffic *row);
void yardstick_port_stop(struct yardstick *y);
uint64_t yardstick_port_cycles(const struct yardstick *y);
uint64_t yardstick_port_polls(const struct yardstick *y, uint16_t worker);
