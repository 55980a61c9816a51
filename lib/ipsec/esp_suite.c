// SPDX-License-Identifier: BSD-3-Clause
#include "esp_suite.h"

#include <errno.h>
#include <string.h>

const struct esp_suite_info esp_suites[ESP_SUITE_COUNT] = {
#define X(id, word, enc, salt, auth, iv, icv, block, aead) \
	[ESP_##id] = {.name = (word), \
		.enc_key_bytes = (enc), \
		.salt_bytes = (salt), \
		.auth_key_bytes = (auth), \
		.iv_bytes = (iv), \
		.icv_bytes = (icv), \
		.block_bytes = (block), \
		.is_aead = (aead)},
	ESP_SUITES(X)
#undef X
};

int esp_suite_parse(const char *name) {
	for (int s = 0; s < ESP_SUITE_COUNT; s++)
		if (!strcmp(name, esp_suites[s].name))
			return s;
	return -EINVAL;
}
