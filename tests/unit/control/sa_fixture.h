// SPDX-License-Identifier: BSD-3-Clause
// Keys of the lengths that a suite wants, and different each time.
#pragma once

#include "esp_suite.h"
#include "sa.h"

static inline struct sa_keys keys_of(enum esp_suite suite, uint8_t seed) {
	const struct esp_suite_info *info = &esp_suites[suite];
	struct sa_keys k = {.enc_bytes = info->enc_key_bytes, .auth_bytes = info->auth_key_bytes};

	for (unsigned i = 0; i < info->enc_key_bytes && i < sizeof(k.enc); i++)
		k.enc[i] = (uint8_t)(seed + i + 1);
	for (unsigned i = 0; i < info->auth_key_bytes && i < sizeof(k.auth); i++)
		k.auth[i] = (uint8_t)(seed + i + 101);
	k.salt = info->salt_bytes ? 0x01020304u + seed : 0;
	return k;
}
