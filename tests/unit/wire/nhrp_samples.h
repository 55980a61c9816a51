// SPDX-License-Identifier: BSD-3-Clause
// Messages that we build: every type, family pair and extension. What reads them back, and what tshark judges.
#pragma once

#include "nhrp_msg.h"

struct nhrp_sample {
	struct nhrp_msg msg;
	uint8_t values[512]; // extension values
	size_t values_len;
	uint8_t quoted[512]; // payload of types 7 and 8
};

#define NHRP_SAMPLES (8 * 2 * 2 * 2)

// i < NHRP_SAMPLES: type, NBMA family, protocol family, with and without extensions. Error Indications never have any
// (RFC 2332 section 5.2.7). The message borrows from the sample.
void nhrp_sample_build(unsigned i, struct nhrp_sample *s);
