// SPDX-License-Identifier: BSD-3-Clause
// How figures are taken on a machine that may be shared: medians, their 95 % interval by order statistics, and a
// yardstick that tells whether the core was ours alone.
#pragma once

#include <math.h>
#include <stdlib.h>

#include <rte_cycles.h>

#define DISTURBED 1.08 // times the best yardstick

// Additions a core can do in parallel, against as many of which each waits for the one before: a sibling takes
// execution units away from the former and nothing from the latter. About 0.25 alone, whatever the clock.
static inline double yardstick(void) {
	uint64_t a = 0, b = 0, c = 0, d = 0, one = 1, t0, t1, t2;

	t0 = rte_rdtsc_precise();
	for (unsigned i = 0; i < 16; i++)
		__asm__ volatile(".rept 64\n add %1, %0\n .endr" : "+r"(a) : "r"(one));
	t1 = rte_rdtsc_precise();
	for (unsigned i = 0; i < 16; i++)
		__asm__ volatile(".rept 16\n add %4, %0\n add %4, %1\n add %4, %2\n add %4, %3\n .endr"
				 : "+r"(a), "+r"(b), "+r"(c), "+r"(d)
				 : "r"(one));
	t2 = rte_rdtsc_precise();
	return (double)(t2 - t1) / (double)(t1 - t0);
}

static inline int by_value(const void *a, const void *b) {
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static inline double median(double *v, unsigned n) { // sorts v
	qsort(v, n, sizeof(*v), by_value);
	return v[n / 2];
}

// Of sorted blocks, which begin with the worst yardstick in them, how many were not disturbed.
static inline unsigned undisturbed(const void *sorted, size_t block_bytes, unsigned n) {
	unsigned k = 0;

	while (k < n &&
		*(const double *)((const char *)sorted + k * block_bytes) <= DISTURBED * *(const double *)sorted)
		k++;
	return k;
}

struct estimate {
	double low, mid, high; // 95 % interval of the median
};

static inline struct estimate estimate_of(double *v, unsigned n) { // sorts v
	int reach = (int)ceil(0.98 * sqrt(n)), low = (int)n / 2 - reach, high = (int)n / 2 + reach;
	struct estimate e = {.mid = median(v, n)};

	e.low = v[low < 0 ? 0 : low];
	e.high = v[high >= (int)n ? (int)n - 1 : high];
	return e;
}
