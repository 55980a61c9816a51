// SPDX-License-Identifier: BSD-3-Clause
// Gated rounds: the generator makes a gate of packets ahead (untimed), hands it to the hub in one go, the worker drains
// it in full bursts (its busy cycles are what is counted), and the receivers verify afterwards (untimed).
//
// With protection each round of a row goes on with its yardsticks (yardstick.h), on the worker's lcore, while nothing
// of the hub runs there.
#pragma once

#include <stdbool.h>

#include "results.h"

struct lab;

// All rows of the scenario, interleaved round by round.
bool rounds_run(struct lab *lab, struct results *results);
