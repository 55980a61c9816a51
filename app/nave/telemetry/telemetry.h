// SPDX-License-Identifier: BSD-3-Clause
// /nave/<feature>/<thing> on DPDK's telemetry socket. rte_telemetry runs a thread per client and caps replies at 16 KiB
// silently: what reads control's state goes through control_call(), lists are paged ("/nave/spokes,OFFSET") and come as
// columns.
//
// An endpoint runs the same function as a command of the console: table, JSON and telemetry are one description.
#pragma once

#include <stdbool.h>

#include "console.h"

struct nave;
struct telemetry;

enum telemetry_shape {
	// A list as columns: {"offset": 0, "rows": 2, "next": 2, "protocol": [...], "nbma": [...]}; "next" only when
	// more rows
	// follow. A record as a dictionary.
	TELEMETRY_ROWS,
	TELEMETRY_NAMES, // a list with the columns name and count, as {"name": count}
};

struct telemetry_endpoint {
	const char *path; // "/nave/spokes"
	const char *help;
	int (*run)(struct nave *nave, const struct console_args *args, struct out *out);
	enum telemetry_shape shape;
};

extern const struct telemetry_endpoint telemetry_endpoints[]; // ends with path NULL

// Registers every endpoint. One a process: rte_telemetry gives callbacks no argument of ours. NULL, errno.
struct telemetry *telemetry_create(struct nave *nave);
void telemetry_free(struct telemetry *t); // endpoints answer "shutting down" from then on
