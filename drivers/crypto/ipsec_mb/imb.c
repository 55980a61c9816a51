// SPDX-License-Identifier: BSD-3-Clause
#include "crypto_ipsec_mb.h"
#include "imb.h"

#include <pthread.h>

bool imb_gcm_is_vaes;

// Keys are expanded on the control core, which has no lcore context: a manager of its own, for the life of the process.
static IMB_MGR *control_mgr;
static pthread_once_t control_once = PTHREAD_ONCE_INIT;

// NULL: no memory, or the library's own test of itself failed.
static IMB_MGR *manager_create(void) {
	IMB_MGR *mgr = alloc_mb_mgr(0);

	if (!mgr)
		return NULL;
	init_mb_mgr_auto(mgr, NULL);
	if (imb_get_errno(mgr) == 0)
		return mgr;
	free_mb_mgr(mgr);
	return NULL;
}

static void control_init(void) {
	control_mgr = manager_create();
	imb_gcm_is_vaes = control_mgr && control_mgr->used_arch == IMB_ARCH_AVX512 &&
			  (control_mgr->features & IMB_CPUFLAGS_AVX512_T2) == IMB_CPUFLAGS_AVX512_T2;
}

static const struct imb_family *family(enum esp_suite suite) {
	if (suite == ESP_NULL || (unsigned)suite >= ESP_SUITE_COUNT)
		return NULL;
	switch (suite) {
	case ESP_AES_GCM_128_16:
	case ESP_AES_GCM_128_12:
	case ESP_AES_GCM_128_8:
	case ESP_AES_GCM_256_16:
	case ESP_AES_GCM_256_12:
	case ESP_AES_GCM_256_8:
		return &imb_gcm;
	case ESP_AES_GMAC_128:
	case ESP_AES_GMAC_256:
		return &imb_gmac;
	case ESP_CHACHA20_POLY1305:
		return &imb_chacha;
	default:
		return &imb_hmac;
	}
}

static size_t imb_key_bytes(enum esp_suite suite) {
	const struct imb_family *f = family(suite);

	return f ? f->key_bytes(suite) : 0;
}

static int imb_key_init(
	void *key, enum esp_suite suite, const uint8_t *enc, size_t enc_bytes, const uint8_t *auth, size_t auth_bytes) {
	const struct imb_family *f = family(suite);
	int rc = esp_key_check(suite, enc, enc_bytes, auth, auth_bytes);

	if (rc)
		return rc;
	if (!f)
		return -ENOTSUP;
	pthread_once(&control_once, control_init);
	if (!control_mgr)
		return -ENOMEM;
	f->key_init(control_mgr, key, suite, enc, auth);
	return 0;
}

static void imb_lcore_free(void *lcore) {
	struct imb_lcore *lc = lcore;

	if (!lc)
		return;
	// Its queues keep pieces of packets and pointers to keys.
	if (lc->mgr)
		free_mb_mgr(lc->mgr);
	esp_wipe(lc, sizeof(*lc));
	free(lc);
}

static void *imb_lcore_create(void) {
	struct imb_lcore *lc = aligned_alloc(_Alignof(struct imb_lcore), sizeof(struct imb_lcore));

	if (!lc)
		return NULL;
	pthread_once(&control_once, control_init);
	memset(lc, 0, sizeof(*lc));
	lc->mgr = control_mgr ? manager_create() : NULL;
	if (lc->mgr)
		return lc;
	imb_lcore_free(lc);
	return NULL;
}

static void imb_iv_make(void *lcore, enum esp_suite suite, struct esp_job *jobs, unsigned n) {
	if (!esp_suites[suite].is_aead && esp_suites[suite].enc_key_bytes)
		imb_hmac_iv_make(lcore, suite, jobs, n);
}

static void imb_seal(void *lcore, enum esp_suite suite, struct esp_job *jobs, unsigned n) {
	family(suite)->seal(lcore, suite, jobs, n);
}

static void imb_open(void *lcore, enum esp_suite suite, struct esp_job *jobs, unsigned n) {
	family(suite)->open(lcore, suite, jobs, n);
}

const struct esp_crypto_ops crypto_ipsec_mb_ops = {
	.name = "ipsec-mb",
	.key_bytes = imb_key_bytes,
	.key_init = imb_key_init,
	.lcore_create = imb_lcore_create,
	.lcore_free = imb_lcore_free,
	.iv_make = imb_iv_make,
	.seal = imb_seal,
	.open = imb_open,
};
