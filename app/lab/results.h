// SPDX-License-Identifier: BSD-3-Clause
// What a run measured; report.c prints it as a table and as JSON.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "interval.h"
#include "scenario.h"

#define RESULTS_ROUNDS_MAX 1024
#define RESULTS_PROBLEM_LEN 160

struct registration_result {
	uint32_t registered, refused;
	double per_second; // first registration of all spokes
	uint64_t retries;
	uint32_t p50_us, p99_us, max_us;
	uint64_t refreshes; // of the refresh rounds
	double refresh_per_second;
	double refresh_per_control_second; // by the CPU time of the control core
	uint64_t traffic_sent, traffic_lost; // meanwhile
	uint64_t replayed, reordered; // until gated traffic began
};

struct round_result { // cycles per packet, each the median of the round's gates
	double hub, port, limit, limit_n; // port and limits: only where they were measured
};

struct traffic_result {
	uint64_t sent, received, lost, corrupt;
	uint64_t replayed, reordered; // by the windows of the spokes that received
	uint64_t named_drops; // by the hub, while this traffic ran
	bool has_port, has_limit;
	struct round_result rounds[RESULTS_ROUNDS_MAX];
	unsigned n_rounds;
	struct interval cycles, port, limit, limit_n; // over the rounds
	struct interval ratio; // (hub - port) / limit of one round
	double mean_inner_bytes;
	double mpps, gbps;
};

struct results {
	struct registration_result registration;
	struct traffic_result traffic[SCENARIO_TRAFFIC_MAX];
	uint64_t hub_bytes; // all tables of the hub, as sized for max_spokes
	uint32_t max_spokes;
	uint64_t tsc_hz;
	uint32_t hugepages_mib; // that the hub and the generator's frames are on; 0: none
	char problem[RESULTS_PROBLEM_LEN]; // first wrong frame: what and whose; "" when none
	uint64_t wrong_frames;
	bool aborted;
};

void results_problem(struct results *r, uint32_t spoke, const char *what);
