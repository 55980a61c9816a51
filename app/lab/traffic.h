// SPDX-License-Identifier: BSD-3-Clause
// Hairpin traffic between random pairs of spokes, each packet verified by the spoke that receives it.
//
// Gated rounds: the generator makes a gate of packets ahead (untimed), hands it to the hub in one go, the worker drains
// it in full bursts (its busy cycles are what is counted), and the receivers verify afterwards (untimed).
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "results.h"

struct lab;
struct registrar;
struct traffic;

// All entries of the scenario, interleaved round by round.
bool traffic_run(struct lab *lab, struct results *results);

// Hairpin packets beside registrations, small and steady.
struct traffic *traffic_background_create(struct lab *lab); // NULL: out of memory
void traffic_background_send(struct traffic *t);
void traffic_background_finish(struct traffic *t, struct results *results, uint64_t *sent, uint64_t *lost);

// Takes a burst of what the hub sent: inner packets are verified against t (NULL: none is expected), NHRP goes to r.
// Returns how many frames there were.
unsigned traffic_drain(struct lab *lab, struct results *results, struct traffic *t, struct registrar *r);
