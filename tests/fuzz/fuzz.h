// SPDX-License-Identifier: BSD-3-Clause
// A harness is one file with one function. It must be pure: the same bytes, the same walk, nothing kept.
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

// A property that the bytes broke; the fuzzer keeps them as a crash.
#define FUZZ_CHECK(holds) \
	do { \
		if (!(holds)) { \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #holds); \
			abort(); \
		} \
	} while (0)
