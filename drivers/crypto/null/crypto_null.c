// SPDX-License-Identifier: BSD-3-Clause
#include "crypto_null.h"

static char no_context;

static size_t null_key_bytes(enum esp_suite suite) {
	return (unsigned)suite < ESP_SUITE_COUNT ? ESP_KEY_ALIGN : 0;
}

static int null_key_init(
	void *key, enum esp_suite suite, const uint8_t *enc, size_t enc_bytes, const uint8_t *auth, size_t auth_bytes) {
	int rc = esp_key_check(suite, enc, enc_bytes, auth, auth_bytes);

	if (rc)
		return rc;
	memset(key, 0, ESP_KEY_ALIGN);
	return 0;
}

static void *null_lcore_create(void) {
	return &no_context;
}

static void null_lcore_free(void *lcore) {
	(void)lcore;
}

// Zeros, so that no packet carries out what lay in its buffer before.
static void null_seal(void *lcore, enum esp_suite suite, struct esp_job *jobs, unsigned n) {
	(void)lcore;
	for (unsigned i = 0; i < n; i++)
		memset(jobs[i].icv, 0, esp_suites[suite].icv_bytes);
}

static void null_open(void *lcore, enum esp_suite suite, struct esp_job *jobs, unsigned n) {
	(void)lcore, (void)suite;
	for (unsigned i = 0; i < n; i++)
		jobs[i].ok = true;
}

const struct esp_crypto_ops crypto_null_ops = {
	.name = "null",
	.key_bytes = null_key_bytes,
	.key_init = null_key_init,
	.lcore_create = null_lcore_create,
	.lcore_free = null_lcore_free,
	.seal = null_seal,
	.open = null_open,
};
