// SPDX-License-Identifier: BSD-3-Clause
// What a run measured; report.c prints it as a table and as JSON.
#pragma once

#include <stdbool.h>
#include <stdint.h>

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
};

struct traffic_result {
	uint64_t sent, received, lost, corrupt;
	uint64_t named_drops; // by the hub, while this traffic ran
	double cycles_per_packet; // median of the rounds
	double rounds[RESULTS_ROUNDS_MAX]; // each the median of its gates
	unsigned n_rounds;
	double mean_inner_bytes;
	double mpps, gbps;
};

struct results {
	struct registration_result registration;
	struct traffic_result traffic[SCENARIO_TRAFFIC_MAX];
	uint64_t hub_bytes; // all tables of the hub, as sized for max_spokes
	uint32_t max_spokes;
	uint64_t tsc_hz;
	char problem[RESULTS_PROBLEM_LEN]; // first wrong frame: what and whose; "" when none
	uint64_t wrong_frames;
	bool aborted;
};

void results_problem(struct results *r, uint32_t spoke, const char *what);
// Of n values, which it sorts.
double median_f64(double *values, unsigned n);
