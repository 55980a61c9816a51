// SPDX-License-Identifier: BSD-3-Clause
// Known answers, from documents that others published. Hexadecimal; header is SPI and sequence number as they stand in
// the packet, or with its 12 bytes SPI | high | low for an ESN. Absent: nothing. A vector of half a suite names no icv,
// or no key of the other half.
#pragma once

#include "esp_suite.h"

struct vector {
	const char *source;
	enum esp_suite suite;
	const char *enc, *auth, *salt, *header, *iv, *text, *sealed, *icv;
};

extern const struct vector vectors[];
extern const unsigned n_vectors;
