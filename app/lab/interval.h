// SPDX-License-Identifier: BSD-3-Clause
// Medians, and what they lie in.
#pragma once

struct interval { // a median, and its interval of 95 % by order statistics; of fewer than 6 values all of them
	double mid, low, high;
};

// Of n values, which they sort.
double median_f64(double *values, unsigned n);
struct interval interval_f64(double *values, unsigned n);
