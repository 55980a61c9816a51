// SPDX-License-Identifier: BSD-3-Clause
#include "interval.h"

#include <math.h>
#include <stdlib.h>

static int compare_f64(const void *a, const void *b) {
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

double median_f64(double *values, unsigned n) {
	qsort(values, n, sizeof(*values), compare_f64);
	return !n ? 0 : n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

// Rank of the lower end of a median's 95 % interval: the largest k with P(fewer than k of n below the median) <= 2.5 %.
static unsigned low_rank(unsigned n) {
	double p = pow(0.5, n), sum = p;
	unsigned k = 0;

	for (; sum <= 0.025 && k < n / 2; sum += p) {
		k++;
		p *= (double)(n - k + 1) / k;
	}
	return k ? k - 1 : 0;
}

struct interval interval_f64(double *values, unsigned n) {
	unsigned low = low_rank(n);

	if (!n)
		return (struct interval){0};
	return (struct interval){
		.mid = median_f64(values, n), .low = values[low], .high = values[n - 1 - low]}; // sorted by then
}
