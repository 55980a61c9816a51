// SPDX-License-Identifier: BSD-3-Clause
// Cycles per packet of the crypto backend. AES-128-GCM, jobs written and sealed or opened in bursts of 32, against a
// loop of the library's one-shot calls over the same bytes with the same keys in the same random order, prefetched 4
// ahead; then every suite at 1400 bytes (1408 for CBC). Interleaved rounds, medians, 95 % interval of the ratio.
#define NO_COMPAT_IMB_API_053
#include <intel-ipsec-mb.h>

#include "crypto_ipsec_mb.h"
#include "crypto_null.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <x86intrin.h>

#define PACKETS 1024u // buffers, used in turn
#define STRIDE 2176u
#define BURST 32u
#define PASS 4096u // packets between two looks at the clock
#define ORDER (1u << 17)
#define KEYS_MAX 10000u
#define ROUNDS 21u
#define ROUNDS_LOW 5u // rank of the 95 % interval of a median of 21: binomial
#define BOUND 1.20

// Offsets in a packet buffer. The direct loop finds its nonce ready: salt and IV in one piece.
enum { AT_SALT = 44, AT_SPI = 48, AT_NONCE = 32, AT_TEXT = 72 };

static const struct esp_crypto_ops *ops = &crypto_ipsec_mb_ops;
static void *lcore;
static IMB_MGR *mgr;
static struct gcm_context_data gcm_context;
static uint8_t *packets, *keys;
static size_t key_bytes;
static uint32_t *order, order_at, packet_at;
static enum esp_suite suite;
static uint32_t text_bytes;

static uint64_t random_next(void) { // splitmix64
	static uint64_t state = 1;
	uint64_t z = (state += 0x9e3779b97f4a7c15ull);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	return z ^ (z >> 31);
}

static void random_fill(uint8_t *to, size_t bytes) {
	for (size_t i = 0; i + 8 <= bytes; i += 8) {
		uint64_t r = random_next();

		memcpy(to + i, &r, 8);
	}
}

// On huge pages where the system gives them: with small ones 10,000 keys measure the TLB.
static void *arena(size_t bytes) {
	size_t huge = 2u << 20;
	void *p = aligned_alloc(huge, (bytes + huge - 1) / huge * huge);

	if (!p)
		abort();
	madvise(p, (bytes + huge - 1) / huge * huge, MADV_HUGEPAGE);
	memset(p, 0, bytes);
	return p;
}

static void keys_make(unsigned n) {
	const struct esp_suite_info *info = &esp_suites[suite];
	uint8_t enc[32], auth[64];

	key_bytes = ops->key_bytes(suite);
	for (unsigned i = 0; i < n; i++) {
		random_fill(enc, sizeof(enc));
		random_fill(auth, sizeof(auth));
		if (ops->key_init(keys + i * key_bytes, suite, enc, info->enc_key_bytes, auth, info->auth_key_bytes))
			abort();
	}
	for (unsigned i = 0; i < ORDER; i++)
		order[i] = (uint32_t)(random_next() % n);
}

static inline uint8_t *packet_nth(unsigned i) {
	return packets + (size_t)((packet_at + i) % PACKETS) * STRIDE;
}

static inline uint8_t *key_nth(unsigned i) {
	return keys + order[(order_at + i) % ORDER] * key_bytes;
}

static void burst_done(void) {
	packet_at += BURST;
	order_at += BURST;
}

static inline void jobs_write(struct esp_job *jobs) {
	for (unsigned i = 0; i < BURST; i++) {
		uint8_t *p = packet_nth(i);
		struct esp_job *j = &jobs[i];

		j->key = key_nth(i);
		j->text = p + AT_TEXT;
		j->icv = p + AT_TEXT + text_bytes;
		j->iv = p + AT_TEXT - esp_suites[suite].iv_bytes;
		j->text_bytes = text_bytes;
		memcpy(j->nonce, p + AT_SALT, 4);
		memcpy(j->nonce + 4, p + AT_TEXT - 8, 8);
		memcpy(j->aad, p + AT_SPI, 8);
		j->aad_bytes = 8;
	}
}

static void ours(void (*call)(void *, enum esp_suite, struct esp_job *, unsigned), unsigned n) {
	struct esp_job jobs[BURST];

	for (unsigned done = 0; done < n; done += BURST) {
		jobs_write(jobs);
		call(lcore, suite, jobs, BURST);
		burst_done();
	}
}

static void direct(aes_gcm_enc_dec_t call, unsigned n) {
	for (unsigned done = 0; done < n; done += BURST) {
		for (unsigned i = 0; i < BURST; i++) {
			uint8_t *p = packet_nth(i);

			for (unsigned l = 0; l < sizeof(struct gcm_key_data) / 64; l++)
				__builtin_prefetch(key_nth(i + 4) + 64 * l);
			__builtin_prefetch(packet_nth(i + 4) + AT_TEXT);
			call((void *)key_nth(i), &gcm_context, p + AT_TEXT, p + AT_TEXT, text_bytes, p + AT_NONCE,
				p + AT_SPI, 8, p + AT_TEXT + text_bytes, 16);
		}
		burst_done();
	}
}

static void direct_seal(void) {
	direct(mgr->gcm128_enc, PASS);
}
static void direct_open(void) {
	direct(mgr->gcm128_dec, PASS);
}
static void our_seal(void) {
	ours(ops->seal, PASS);
}
static void our_open(void) {
	ours(ops->open, PASS);
}

static double cycles(void (*run)(void), unsigned n) {
	unsigned aux;
	uint64_t t = __rdtscp(&aux);

	run();
	return (double)(__rdtscp(&aux) - t) / n;
}

static int by_value(const void *a, const void *b) {
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *v) {
	qsort(v, ROUNDS, sizeof(v[0]), by_value);
	return v[ROUNDS / 2];
}

// False: the lower end of the ratio's interval is over the bound.
static bool compare(const char *what, void (*theirs)(void), void (*our)(void)) {
	double t[ROUNDS], o[ROUNDS], ratio[ROUNDS];

	cycles(theirs, PASS), cycles(our, PASS);
	for (unsigned r = 0; r < ROUNDS; r++) {
		t[r] = cycles(theirs, PASS);
		o[r] = cycles(our, PASS);
		ratio[r] = o[r] / t[r];
	}
	qsort(ratio, ROUNDS, sizeof(ratio[0]), by_value);
	printf("  %s %4.0f, direct %4.0f: %.2f [%.2f, %.2f]", what, median(o), median(t), ratio[ROUNDS / 2],
		ratio[ROUNDS_LOW], ratio[ROUNDS - 1 - ROUNDS_LOW]);
	return ratio[ROUNDS_LOW] <= BOUND;
}

static bool gcm_table(void) {
	static const unsigned n_keys[] = {1, 1000, KEYS_MAX}, lengths[] = {64, 594, 1424};
	bool held = true;

	suite = ESP_AES_GCM_128_16;
	printf("AES-128-GCM, cycles per packet, ratio to direct calls [95 %%], bound %.2f\n", BOUND);
	for (unsigned k = 0; k < 3; k++) {
		keys_make(n_keys[k]);
		for (unsigned l = 0; l < 3; l++) {
			text_bytes = lengths[l];
			printf("%5u keys %4u B:", n_keys[k], text_bytes);
			held &= compare("seal", direct_seal, our_seal);
			held &= compare("open", direct_open, our_open);
			printf("\n");
		}
	}
	return held;
}

// Each packet is opened by the key that sealed it: what does not open is not deciphered.
static void suite_row(enum esp_suite s, unsigned n_keys) {
	double seal[ROUNDS], open[ROUNDS];
	uint32_t block = esp_suites[s].block_bytes;

	suite = s;
	text_bytes = (1400 + block - 1) / block * block;
	keys_make(n_keys);
	for (unsigned r = 0; r < ROUNDS; r++) {
		uint32_t order_from = order_at, packet_from = packet_at;
		unsigned aux;
		uint64_t t = __rdtscp(&aux);

		ours(ops->seal, PACKETS);
		seal[r] = (double)(__rdtscp(&aux) - t) / PACKETS;
		order_at = order_from;
		packet_at = packet_from;
		t = __rdtscp(&aux);
		ours(ops->open, PACKETS);
		open[r] = (double)(__rdtscp(&aux) - t) / PACKETS;
	}
	printf("  %5.0f %5.0f", median(seal), median(open));
}

static void suite_table(void) {
	printf("\nevery suite, 1400 B, seal and open: %-8s 1 key        1,000 keys    key bytes\n", "");
	for (unsigned s = 0; s < ESP_SUITE_COUNT; s++) {
		ops = s == ESP_NULL ? &crypto_null_ops : &crypto_ipsec_mb_ops;
		printf("%-42s", s == ESP_NULL ? "(backend null)" : esp_suites[s].name);
		suite_row(s, 1);
		suite_row(s, 1000);
		printf("  %5zu\n", ops->key_bytes(s));
	}
}

int main(void) {
	bool held;

	mgr = alloc_mb_mgr(0);
	lcore = ops->lcore_create();
	if (!mgr || !lcore)
		return 1;
	init_mb_mgr_auto(mgr, NULL);
	packets = arena((size_t)PACKETS * STRIDE);
	random_fill(packets, (size_t)PACKETS * STRIDE);
	keys = arena((size_t)KEYS_MAX * sizeof(struct gcm_key_data));
	order = arena(ORDER * sizeof(*order));
	held = gcm_table();
	suite_table();
	crypto_ipsec_mb_ops.lcore_free(lcore);
	free_mb_mgr(mgr);
	free(packets);
	free(keys);
	free(order);
	return !held;
}
