// SPDX-License-Identifier: BSD-3-Clause
// A scenario as read from YAML: spokes, registration, traffic, expectations.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SCENARIO_TRAFFIC_MAX 16
#define SCENARIO_EXPECT_MAX 64
#define SCENARIO_SPOKES_MAX 65536

enum inner_mix {
	INNER_FIXED,
	INNER_IMIX, // 7:4:1 of 64, 594 and 1400 bytes
};

struct scenario_spokes {
	uint32_t count;
	uint16_t holding_time_s;
	bool unique;
	bool has_key;
	uint32_t key;
	bool checksum; // GRE checksums both ways
	char authentication[9];
};

struct scenario_registration {
	uint32_t window; // requests under way at once
	uint32_t refresh_rounds; // every spoke registers again, so many times
	bool with_traffic; // hairpin traffic meanwhile, all of it verified
};

struct scenario_traffic {
	char name[32];
	uint8_t mix; // enum inner_mix
	uint16_t inner_bytes; // INNER_FIXED
	uint32_t spokes; // takes part: the first so many; 0: all
};

struct scenario {
	char name[64];
	char description[256];
	const char *file;
	uint64_t seed;
	uint16_t workers;
	uint32_t max_spokes; // of the hub; 0: spokes.count
	struct scenario_spokes spokes;
	struct scenario_registration registration;
	uint32_t rounds, gates, packets; // per traffic: rounds, gates a round, packets a gate
	unsigned n_traffic;
	struct scenario_traffic traffic[SCENARIO_TRAFFIC_MAX];
	unsigned n_expect;
	char *expect[SCENARIO_EXPECT_MAX]; // "traffic.*.lost == 0"
};

// sets: "key.path=value" overrides from --set. NULL after every error went to stderr as file:line:column.
struct scenario *scenario_load(const char *file, char *const *sets, unsigned n_sets);
void scenario_free(struct scenario *s);
