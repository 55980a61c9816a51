// SPDX-License-Identifier: BSD-3-Clause
// Between the files of this backend. One family of suites a file; each gives key set-up, prefetch, seal and open.
#pragma once

// The library's own errno words and its names of old would leak into ours.
#define NO_COMPAT_IMB_API_053
#include <intel-ipsec-mb.h>

#include "esp_crypto.h"

// The alignment is there only where LINUX is defined before the header, and the library's stores fault without it.
_Static_assert(sizeof(struct gcm_key_data) == 1024 && _Alignof(struct gcm_key_data) == ESP_KEY_ALIGN,
	"intel-ipsec-mb's header wants -DLINUX");

// Jobs ahead whose key is prefetched inside a burst. With 10,000 keys and 594 or 1424 bytes 2 and 3 cannot be told
// apart, 4 and 6 cost somewhat more, 8 some 10 to 25 %: the first keys of a burst come late.
#define IMB_AHEAD 3

// What a worker needs beside keys. All calls of an lcore share one manager.
struct imb_lcore {
	struct gcm_context_data gcm;
	IMB_MGR *mgr;
	IMB_JOB burst[ESP_BURST_MAX]; // of the library's cipher and hash calls
} __attribute__((aligned(64)));

struct imb_family {
	size_t (*key_bytes)(enum esp_suite suite);
	void (*key_init)(IMB_MGR *mgr, void *key, enum esp_suite suite, const uint8_t *enc, const uint8_t *auth);
	void (*seal)(struct imb_lcore *lc, enum esp_suite suite, struct esp_job *jobs, unsigned n);
	void (*open)(struct imb_lcore *lc, enum esp_suite suite, struct esp_job *jobs, unsigned n);
};
void imb_hmac_iv_make(struct imb_lcore *lc, enum esp_suite suite, struct esp_job *jobs, unsigned n);
extern const struct imb_family imb_gcm, imb_gmac, imb_chacha, imb_hmac;

// The library's GCM for VAES keeps 48 powers of the hash key, the first one last. Set before any worker runs.
extern bool imb_gcm_is_vaes;

// Not __builtin_prefetch: gcc 12 finds a function pure that only prefetches, and drops the calls of it.
static inline __attribute__((always_inline)) void imb_prefetch(const void *from, unsigned lines) {
	const uint8_t *at = from;

	for (unsigned i = 0; i < lines; i++)
		__asm__ volatile("prefetcht0 %0" : : "m"(at[64 * i]));
}
