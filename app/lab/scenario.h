// SPDX-License-Identifier: BSD-3-Clause
// A scenario as read from YAML: spokes, registration, traffic, expectations.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "esp_suite.h"

#define SCENARIO_TRAFFIC_MAX 16
#define SCENARIO_EXPECT_MAX 64
#define SCENARIO_SPOKES_MAX 65536

enum inner_mix {
	INNER_FIXED,
	INNER_IMIX, // 7:4:1 of 64, 594 and 1400 bytes
};

enum traffic_path {
	PATH_HAIRPIN, // a spoke to another, through the hub
	PATH_SPOKE_TO_LAN,
	PATH_LAN_TO_SPOKE,
};

enum hub_crypto {
	HUB_CRYPTO_IPSEC_MB,
	HUB_CRYPTO_NULL, // framing without its cipher, at hub and spokes
};

#define PROTECTION_NONE ESP_SUITE_COUNT

struct scenario_spokes {
	uint32_t count;
	uint16_t holding_time_s;
	bool unique;
	bool has_key;
	uint32_t key;
	bool checksum; // GRE checksums both ways
	char authentication[9];
	uint8_t protection; // enum esp_suite, or PROTECTION_NONE
	bool esn, nat_t, tunnel_mode;
	uint16_t replay_window; // of the spokes
};

struct scenario_registration {
	uint32_t window; // requests under way at once
	uint32_t refresh_rounds; // every spoke registers again, so many times
	bool with_traffic; // hairpin traffic meanwhile, all of it verified
};

struct scenario_traffic {
	char name[32];
	uint8_t mix; // enum inner_mix
	uint8_t path; // enum traffic_path
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
	uint8_t crypto; // enum hub_crypto
	uint16_t hub_replay_window;
	bool anti_spoof; // strict
	struct scenario_spokes spokes;
	struct scenario_registration registration;
	uint32_t rounds, gates, packets; // per traffic: rounds, gates a round, packets a gate
	unsigned n_traffic;
	struct scenario_traffic traffic[SCENARIO_TRAFFIC_MAX];
	unsigned n_expect;
	char *expect[SCENARIO_EXPECT_MAX]; // "traffic.*.lost == 0"
};

static inline bool scenario_is_protected(const struct scenario *s) {
	return s->spokes.protection != PROTECTION_NONE;
}
// Whether a row of traffic needs the port to the LAN.
bool scenario_has_lan(const struct scenario *s);
// How many spokes take part in a row.
static inline uint32_t scenario_row_spokes(const struct scenario *s, const struct scenario_traffic *row) {
	return row->spokes ? row->spokes : s->spokes.count;
}

// sets: "key.path=value" overrides from --set. NULL after every error went to stderr as file:line:column.
struct scenario *scenario_load(const char *file, char *const *sets, unsigned n_sets);
void scenario_free(struct scenario *s);
