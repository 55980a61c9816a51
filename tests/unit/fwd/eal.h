// SPDX-License-Identifier: BSD-3-Clause
// What the tests of lib/fwd share: cmocka in the order it wants, EAL without huge pages, a random source with a seed.
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <rte_eal.h>

static inline int eal_start(const char *prefix) {
	char text[8][64] = {"test", "--no-huge", "--no-shconf", "--no-pci", "--no-telemetry", "-m256", "--log-level=4"};
	char *argv[8];

	snprintf(text[7], sizeof(text[7]), "--file-prefix=%s", prefix);
	for (unsigned i = 0; i < 8; i++)
		argv[i] = text[i];
	return rte_eal_init(8, argv);
}

static inline uint64_t random_next(uint64_t *state) { // splitmix64
	uint64_t z = (*state += 0x9e3779b97f4a7c15ull);

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}
