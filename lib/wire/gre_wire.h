// SPDX-License-Identifier: BSD-3-Clause
// GRE header, RFC 2784 and RFC 2890 (key, sequence). Routing (RFC 1701) and version 1 (PPTP) are refused.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GRE_PROTO_IPV4 0x0800
#define GRE_PROTO_IPV6 0x86dd
#define GRE_PROTO_NHRP 0x2001
#define GRE_HEADER_MAX 16

enum {
	GRE_FLAG_CHECKSUM = 0x8000,
	GRE_FLAG_KEY = 0x2000,
	GRE_FLAG_SEQUENCE = 0x1000,
};

struct gre_header {
	uint16_t flags; // of the three above
	uint16_t protocol; // host order
	uint32_t key; // host order; 0 when absent: see GRE_FLAG_KEY, no key differs from key 0
	uint32_t sequence; // host order
	uint8_t len_bytes; // 4..16
};

enum gre_parse {
	GRE_OK,
	GRE_TRUNCATED,
	GRE_BAD_VERSION, // version not 0
	GRE_BAD_FLAGS, // routing or reserved bits that RFC 2784 section 2.3 says to refuse
};

// Does not verify the checksum: gre_checksum_ok().
enum gre_parse gre_parse(const uint8_t *bytes, size_t len, struct gre_header *out);
// Over the whole of header and payload; true also when no checksum is present.
bool gre_checksum_ok(const uint8_t *bytes, size_t len);
// Writes the header (checksum field zero), returns its length. out holds GRE_HEADER_MAX.
uint8_t gre_write(const struct gre_header *h, uint8_t *out);
// Over the whole of header and payload; the header has GRE_FLAG_CHECKSUM.
void gre_checksum_write(uint8_t *bytes, size_t len);
