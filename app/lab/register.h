// SPDX-License-Identifier: BSD-3-Clause
// Registration of simulated spokes, on the generator lcore.
#pragma once

#include <stdbool.h>

#include "results.h"
#include "spoke.h"

struct lab;
struct registrar;

// Registers every spoke once; false when not all were accepted within the time allowed.
bool register_all(struct lab *lab, struct results *results);
// The refresh rounds of the scenario, with hairpin traffic beside them when it says so.
bool register_refresh(struct lab *lab, struct results *results);
// One NHRP packet that the hub sent to a spoke.
void register_take(struct registrar *r, const struct spoke_rx *rx);
