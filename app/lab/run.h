// SPDX-License-Identifier: BSD-3-Clause
// One scenario from start to end: hub up, spokes register, traffic, hub down. Once per process (EAL is process-global).
#pragma once

#include <stdbool.h>

#include <jansson.h>

#include "scenario.h"

struct run_options {
	const char *capture_file; // NULL: none
	unsigned capture_frames;
	const char *keys_file; // NULL: not written
};

// The report with its expectations judged, or NULL when the hub did not come up (reason on stderr).
json_t *run_scenario(const struct scenario *s, const struct run_options *opt);
