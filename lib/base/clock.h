// SPDX-License-Identifier: BSD-3-Clause
// Monotonic time in nanoseconds. Protocol code takes time as an argument and does not include this.
#pragma once

#include <stdint.h>
#include <time.h>

#undef NS_PER_S // DPDK's rte_cycles.h has it as an int, which overflows: include DPDK first
#define NS_PER_S 1000000000ull
#define NS_PER_MS 1000000ull
#define NS_PER_US 1000ull

static inline uint64_t clock_now_ns(void) {
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}
