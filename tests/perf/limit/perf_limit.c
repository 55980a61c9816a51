// SPDX-License-Identifier: BSD-3-Clause
// Prints the limit (limit.h) of the nine cells that the product is held against: cycles per packet of open + seal, the
// median over interleaved rounds with its 95 % interval, and what it is without prefetch. usage: perf_limit [ROUNDS]
#include "limit.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

#include "esp_frame.h"

#define ROUNDS_DEFAULT 15u
#define ROUNDS_MAX 201u
#define GRE_BYTES 8 // with a key
#define GCM_BLOCK 4
#define N_SIZES 3
#define N_COUNTS 3

static const char *const sizes[N_SIZES] = {"64", "imix", "1400"};
static const uint16_t inner_bytes[N_SIZES] = {64, 594, 1400}; // and those of imix
static const uint32_t counts[N_COUNTS] = {1, 1000, 10000};

struct cell {
	double open[ROUNDS_MAX], seal[ROUNDS_MAX], both[ROUNDS_MAX], unprefetched[ROUNDS_MAX];
};

static struct cell cells[N_COUNTS][N_SIZES];
static struct limit *limits[N_COUNTS][2]; // [1]: without prefetch

static void size_set(struct limit *l, unsigned size) {
	uint16_t texts[N_SIZES];

	for (unsigned i = 0; i < N_SIZES; i++)
		texts[i] = (uint16_t)esp_text_bytes(inner_bytes[i] + GRE_BYTES, GCM_BLOCK);
	if (size == 1)
		limit_text_mix(l, texts);
	else
		limit_text(l, texts[size]);
}

static void round_run(unsigned count, unsigned size, unsigned round) {
	struct cell *cell = &cells[count][size];
	struct limit_cycles c;

	for (unsigned k = 0; k < 2; k++)
		size_set(limits[count][k], size);
	c = limit_round(limits[count][0]);
	cell->open[round] = c.open;
	cell->seal[round] = c.seal;
	cell->both[round] = c.open + c.seal;
	c = limit_round(limits[count][1]);
	cell->unprefetched[round] = c.open + c.seal;
}

static int by_value(const void *a, const void *b) {
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *v, unsigned n) {
	qsort(v, n, sizeof(v[0]), by_value);
	return v[n / 2];
}

// Rank of the lower end of a median's 95 % interval: the largest k with P(fewer than k of n below the median) <= 2.5 %.
static unsigned low_rank(unsigned n) {
	double p = 1, sum;
	unsigned k = 0;

	for (unsigned i = 0; i < n; i++)
		p /= 2;
	for (sum = p; sum <= 0.025 && k < n / 2; sum += p) {
		k++;
		p *= (double)(n - k + 1) / k;
	}
	return k ? k - 1 : 0;
}

static void cell_print(unsigned count, unsigned size, unsigned rounds) {
	struct cell *c = &cells[count][size];
	double both = median(c->both, rounds);
	unsigned low = low_rank(rounds);

	printf("inner %-4s %6u keys: limit %5.0f [%.0f, %.0f] cycles/packet, open %.0f, seal %.0f; without prefetch "
	       "%.0f\n",
		sizes[size], counts[count], both, c->both[low], c->both[rounds - 1 - low], median(c->open, rounds),
		median(c->seal, rounds), median(c->unprefetched, rounds));
}

static void pin(void) { // CPU 1 where there is one: 0 has the interrupts
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(1, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

int main(int argc, char **argv) {
	unsigned rounds = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) | 1 : ROUNDS_DEFAULT;

	if (rounds > ROUNDS_MAX)
		rounds = ROUNDS_MAX;
	pin();
	for (unsigned count = 0; count < N_COUNTS; count++) {
		for (unsigned k = 0; k < 2; k++) {
			struct limit_spec spec = {counts[count], 1, 16, k ? 0 : LIMIT_PREFETCH_AHEAD};

			limits[count][k] = limit_create(&spec);
			if (!limits[count][k]) {
				fprintf(stderr, "perf_limit: no AES-GCM of intel-ipsec-mb %s on this machine\n",
					limit_library());
				return 1;
			}
		}
	}
	printf("AES-128-GCM, intel-ipsec-mb %s, %s pages, %u rounds\n", limit_library(),
		limit_on_huge_pages(limits[N_COUNTS - 1][0]) ? "2 MiB" : "transparent huge", rounds);
	for (unsigned round = 0; round < rounds; round++)
		for (unsigned count = 0; count < N_COUNTS; count++)
			for (unsigned size = 0; size < N_SIZES; size++)
				round_run(count, size, round);
	for (unsigned size = 0; size < N_SIZES; size++)
		for (unsigned count = 0; count < N_COUNTS; count++)
			cell_print(count, size, rounds);
	for (unsigned count = 0; count < N_COUNTS; count++)
		for (unsigned k = 0; k < 2; k++)
			limit_free(limits[count][k]);
	return 0;
}
