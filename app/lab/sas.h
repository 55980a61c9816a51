// SPDX-License-Identifier: BSD-3-Clause
// The SAs of a run: two for each spoke, keys from the scenario's seed. What IKE would have done, done at once.
#pragma once

#include "lab.h"

// The hub is up and its workers do not run yet. Makes the spokes' side (lab->esp), and the hub's from it. -errno with a
// line on stderr.
int sas_add(struct lab *lab);
// Keys in the form of Wireshark's esp_sa, readable by the owner alone. -errno with a line on stderr.
int sas_write_keys(const struct lab *lab, const char *path);
