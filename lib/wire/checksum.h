// SPDX-License-Identifier: BSD-3-Clause
// Internet checksum (RFC 1071). An odd last byte is padded with zero on the right.
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

// One's-complement sum, not folded; chain calls over pieces of even length. Sums are of 16-bit words as they lie in
// memory, so the folded result is stored to the packet as it is, without a byte swap.
static inline uint64_t checksum_add(const void *bytes, size_t len, uint64_t sum) {
	const uint8_t *p = (const uint8_t *)bytes;

	for (; len >= 4; p += 4, len -= 4) {
		uint32_t w;

		memcpy(&w, p, sizeof(w));
		sum += w;
	}
	if (len >= 2) {
		uint16_t w;

		memcpy(&w, p, sizeof(w));
		sum += w;
		p += 2;
		len -= 2;
	}
	if (len) {
		uint16_t w = 0;

		memcpy(&w, p, 1);
		sum += w;
	}
	return sum;
}

static inline uint16_t checksum_fold(uint64_t sum) {
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

// The value to store; over bytes that already hold a right checksum it is 0.
static inline uint16_t checksum(const void *bytes, size_t len) {
	return (uint16_t)~checksum_fold(checksum_add(bytes, len, 0));
}
