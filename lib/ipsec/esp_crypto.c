// SPDX-License-Identifier: BSD-3-Clause
#include "esp_crypto.h"

#include <errno.h>

int esp_key_check(enum esp_suite suite, const uint8_t *enc, size_t enc_bytes, const uint8_t *auth, size_t auth_bytes) {
	const struct esp_suite_info *info;

	if ((unsigned)suite >= ESP_SUITE_COUNT)
		return -EINVAL;
	info = &esp_suites[suite];
	if (enc_bytes != info->enc_key_bytes || auth_bytes != info->auth_key_bytes)
		return -EINVAL;
	if ((enc_bytes && !enc) || (auth_bytes && !auth))
		return -EINVAL;
	return 0;
}

void esp_wipe(void *p, size_t bytes) {
	explicit_bzero(p, bytes);
}
