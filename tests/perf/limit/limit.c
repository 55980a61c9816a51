// SPDX-License-Identifier: BSD-3-Clause
#include "limit.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <x86intrin.h>

#include <intel-ipsec-mb.h>

#define N_PACKETS 1024 // buffers: 2 MiB, more than L1 and some L2
#define STRIDE 2176
#define TEXT_OFF 64
#define IV_OFF 32
#define AAD_OFF 48
#define AAD_BYTES 8
#define TAG_OFF 1600
#define TAG_BYTES 16
#define ORDER_LEN (1u << 17)
#define HUGE_PAGE ((size_t)2 << 20)
#define ROUNDS_MAX 101

_Static_assert(TEXT_OFF + LIMIT_TEXT_MAX <= TAG_OFF && TAG_OFF + TAG_BYTES <= STRIDE, "the tag is behind any text");
_Static_assert(alignof(struct gcm_key_data) == 64, "LINUX must be defined before the library's header");

struct arena {
	void *at; // 2 MiB aligned
	void *map;
	size_t map_bytes;
};

struct limit {
	struct gcm_context_data ctx;
	struct limit_spec spec;
	uint64_t random;
	IMB_MGR *mgr;
	struct arena key_arena, packet_arena;
	bool is_huge;
	uint32_t at; // in order
	uint32_t order[ORDER_LEN]; // which key
	uint16_t text_bytes[N_PACKETS];
};

// --- the measured loop: not to be changed ----------------------------------------------------------------------------

static inline void key_prefetch(const struct gcm_key_data *key) {
	for (size_t i = 0; i < sizeof(*key); i += 64)
		__builtin_prefetch((const uint8_t *)key + i);
}

static inline uint8_t *packet_at(const struct limit *l, uint32_t n) {
	return (uint8_t *)l->packet_arena.at + (size_t)(n % N_PACKETS) * STRIDE;
}

static inline const struct gcm_key_data *key_at(const struct limit *l, uint32_t n) {
	return (const struct gcm_key_data *)l->key_arena.at + l->order[(l->at + n) % ORDER_LEN];
}

static double loop_run(struct limit *l, aes_gcm_enc_dec_t crypt) {
	const uint32_t ahead = l->spec.prefetch_ahead;
	unsigned aux;
	uint64_t t = __rdtscp(&aux);

	for (uint32_t n = 0; n < LIMIT_ROUND_PACKETS; n++) {
		uint8_t *p = packet_at(l, n), *text = p + TEXT_OFF;

		if (ahead) {
			key_prefetch(key_at(l, n + ahead));
			__builtin_prefetch(packet_at(l, n + ahead) + TEXT_OFF);
		}
		crypt(key_at(l, n), &l->ctx, text, text, l->text_bytes[n % N_PACKETS], p + IV_OFF, p + AAD_OFF,
			AAD_BYTES, p + TAG_OFF, TAG_BYTES);
	}
	t = __rdtscp(&aux) - t;
	l->at += LIMIT_ROUND_PACKETS;
	return (double)t / LIMIT_ROUND_PACKETS;
}

// --- what is around it -----------------------------------------------------------------------------------------------

static uint64_t draw(struct limit *l) { // xorshift64
	l->random ^= l->random << 13;
	l->random ^= l->random >> 7;
	l->random ^= l->random << 17;
	return l->random;
}

static aes_gcm_enc_dec_t seal_fn(const struct limit *l) {
	return l->spec.key_bytes == 16 ? l->mgr->gcm128_enc : l->mgr->gcm256_enc;
}

static aes_gcm_enc_dec_t open_fn(const struct limit *l) {
	return l->spec.key_bytes == 16 ? l->mgr->gcm128_dec : l->mgr->gcm256_dec;
}

static aes_gcm_pre_t key_fn(const struct limit *l) {
	return l->spec.key_bytes == 16 ? l->mgr->gcm128_pre : l->mgr->gcm256_pre;
}

// The GCM specification's test cases 2 and 14: all zeros, 16 bytes. A figure of a cipher that is none would be
// worthless.
static bool cipher_is_right(struct limit *l, struct gcm_key_data *key) {
	static const uint8_t want[2][32] = {
		{0x03, 0x88, 0xda, 0xce, 0x60, 0xb6, 0xa3, 0x92, 0xf3, 0x28, 0xc2, 0xb9, 0x71, 0xb2, 0xfe, 0x78, 0xab,
			0x6e, 0x47, 0xd4, 0x2c, 0xec, 0x13, 0xbd, 0xf5, 0x3a, 0x67, 0xb2, 0x12, 0x57, 0xbd, 0xdf},
		{0xce, 0xa7, 0x40, 0x3d, 0x4d, 0x60, 0x6b, 0x6e, 0x07, 0x4e, 0xc5, 0xd3, 0xba, 0xf3, 0x9d, 0x18, 0xd0,
			0xd1, 0xc8, 0xa7, 0x99, 0x99, 0x6b, 0xf0, 0x26, 0x5b, 0x98, 0xb5, 0xd4, 0x8a, 0xb9, 0x19},
	};
	static const uint8_t zeros[32];
	uint8_t text[32] = {0}, tag[16];

	key_fn(l)(zeros, key);
	seal_fn(l)(key, &l->ctx, text, text, 16, zeros, zeros, 0, text + 16, 16);
	if (memcmp(text, want[l->spec.key_bytes == 32], 32) != 0)
		return false;
	open_fn(l)(key, &l->ctx, text, text, 16, zeros, zeros, 0, tag, 16);
	return memcmp(text, zeros, 16) == 0 && memcmp(tag, text + 16, 16) == 0;
}

static int arena_map(struct arena *a, size_t bytes, bool *is_huge) {
	const int flags = MAP_PRIVATE | MAP_ANONYMOUS;

	bytes = (bytes + HUGE_PAGE - 1) & ~(HUGE_PAGE - 1);
	a->map_bytes = bytes;
	a->map = mmap(NULL, bytes, PROT_READ | PROT_WRITE, flags | MAP_HUGETLB, -1, 0);
	if (a->map == MAP_FAILED) {
		*is_huge = false;
		a->map_bytes += HUGE_PAGE; // transparent ones want to be aligned
		a->map = mmap(NULL, a->map_bytes, PROT_READ | PROT_WRITE, flags, -1, 0);
	}
	if (a->map == MAP_FAILED) {
		a->map = NULL;
		return -1;
	}
	a->at = (void *)(((uintptr_t)a->map + HUGE_PAGE - 1) & ~(HUGE_PAGE - 1));
	if (!*is_huge)
		madvise(a->at, bytes, MADV_HUGEPAGE);
	memset(a->at, 0, bytes);
	return 0;
}

static void arena_unmap(struct arena *a) {
	if (a->map)
		munmap(a->map, a->map_bytes);
}

struct limit *limit_create(const struct limit_spec *spec) {
	struct limit *l;

	if ((spec->key_bytes != 16 && spec->key_bytes != 32) || spec->n_keys == 0)
		return NULL;
	l = aligned_alloc(alignof(struct limit), sizeof(*l));
	if (!l)
		return NULL;
	memset(l, 0, sizeof(*l));
	l->spec = *spec;
	l->random = spec->seed ? spec->seed : 1;
	l->is_huge = true;
	l->mgr = alloc_mb_mgr(0);
	if (!l->mgr || arena_map(&l->key_arena, spec->n_keys * sizeof(struct gcm_key_data), &l->is_huge) < 0 ||
		arena_map(&l->packet_arena, (size_t)N_PACKETS * STRIDE, &l->is_huge) < 0)
		goto fail;
	init_mb_mgr_auto(l->mgr, NULL);
	if (!cipher_is_right(l, l->key_arena.at))
		goto fail;
	for (uint32_t i = 0; i < spec->n_keys; i++) {
		uint64_t key[4] = {draw(l), draw(l), draw(l), draw(l)};

		key_fn(l)(key, (struct gcm_key_data *)l->key_arena.at + i);
	}
	for (uint32_t i = 0; i < ORDER_LEN; i++)
		l->order[i] = (uint32_t)(draw(l) % spec->n_keys);
	return l;
fail:
	limit_free(l);
	return NULL;
}

void limit_free(struct limit *l) {
	if (!l)
		return;
	arena_unmap(&l->packet_arena);
	arena_unmap(&l->key_arena);
	if (l->mgr)
		free_mb_mgr(l->mgr);
	free(l);
}

bool limit_on_huge_pages(const struct limit *l) {
	return l->is_huge;
}

const char *limit_library(void) {
	return imb_get_version_str();
}

void limit_text(struct limit *l, uint16_t bytes) {
	for (uint32_t i = 0; i < N_PACKETS; i++)
		l->text_bytes[i] = bytes;
}

void limit_text_mix(struct limit *l, const uint16_t bytes[3]) {
	for (uint32_t i = 0; i < N_PACKETS; i++)
		l->text_bytes[i] = bytes[i % 12 < 7 ? 0 : i % 12 < 11 ? 1 : 2];
	for (uint32_t i = N_PACKETS - 1; i > 0; i--) {
		uint32_t other = (uint32_t)(draw(l) % (i + 1));
		uint16_t swapped = l->text_bytes[i];

		l->text_bytes[i] = l->text_bytes[other];
		l->text_bytes[other] = swapped;
	}
}

static double direction_run(struct limit *l, aes_gcm_enc_dec_t crypt) {
	for (uint64_t drawn = 0; drawn < 2 * (uint64_t)l->spec.n_keys; drawn += LIMIT_ROUND_PACKETS)
		loop_run(l, crypt);
	return loop_run(l, crypt);
}

struct limit_cycles limit_round(struct limit *l) {
	struct limit_cycles c;

	c.open = direction_run(l, open_fn(l));
	c.seal = direction_run(l, seal_fn(l));
	return c;
}

static int by_value(const void *a, const void *b) {
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double limit_cycles_per_packet(uint16_t text_bytes, uint32_t n_keys, uint64_t seed, unsigned rounds) {
	const struct limit_spec spec = {
		.n_keys = n_keys, .seed = seed, .key_bytes = 16, .prefetch_ahead = LIMIT_PREFETCH_AHEAD};
	struct limit *l = limit_create(&spec);
	double cycles[ROUNDS_MAX];

	if (!l)
		return -1;
	rounds = rounds < ROUNDS_MAX ? rounds | 1 : ROUNDS_MAX;
	limit_text(l, text_bytes);
	for (unsigned r = 0; r < rounds; r++) {
		struct limit_cycles c = limit_round(l);

		cycles[r] = c.open + c.seal;
	}
	limit_free(l);
	qsort(cycles, rounds, sizeof(cycles[0]), by_value);
	return cycles[rounds / 2];
}
