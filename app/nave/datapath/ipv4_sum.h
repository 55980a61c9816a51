// SPDX-License-Identifier: BSD-3-Clause
// Is the checksum of an IPv4 header right: the common length in a few instructions.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <rte_branch_prediction.h>
#include <rte_common.h>

#include "checksum.h"

static __rte_always_inline bool ipv4_checksum_ok(const void *header, uint16_t len_bytes) {
	const uint8_t *p = header;
	uint64_t a, b, sum;
	uint32_t c;

	if (unlikely(len_bytes != 20))
		return checksum(header, len_bytes) == 0;
	memcpy(&a, p, sizeof(a));
	memcpy(&b, p + 8, sizeof(b));
	memcpy(&c, p + 16, sizeof(c));
	sum = (a >> 32) + (uint32_t)a + (b >> 32) + (uint32_t)b + c;
	sum = (sum >> 32) + (uint32_t)sum;
	sum = (sum >> 16) + (sum & 0xffff);
	sum = (sum >> 16) + (sum & 0xffff);
	return sum == 0xffff;
}
