// SPDX-License-Identifier: BSD-3-Clause
// What the files of the NHRP codec share; nobody else includes this.
#pragma once

#include "cursor.h"
#include "nhrp_msg.h"

// Offsets of the fixed header, RFC 2332 section 5.1.
enum {
	NHRP_OFF_PKTSZ = 10,
	NHRP_OFF_CHECKSUM = 12,
	NHRP_OFF_EXTOFF = 14,
};

#define NHRP_MANDATORY_LEN 8 // the part of the mandatory part before its addresses; of all types
#define NHRP_PACKET_MIN (NHRP_HEADER_LEN + NHRP_MANDATORY_LEN)
#define NHRP_CIE_LEN 12 // before its addresses
#define NHRP_EXT_HEADER_LEN 4

// "Type and length" octet: bit 7 is zero, bit 6 the type, the low six bits the length.
#define NHRP_TL_ZERO 0x80
#define NHRP_TL_TYPE 0x40
#define NHRP_TL_LEN 0x3f

enum {
	NHRP_EXT_C = 0x8000,
	NHRP_EXT_U = 0x4000,
	NHRP_EXT_TYPE = 0x3fff,
};

static inline bool nhrp_len_fits(uint8_t len, uint8_t family) {
	return len == 0 || len == addr_len_bytes(family);
}

// len is 0 or the family's: nhrp_len_fits().
static inline void nhrp_addr_pull(struct cursor *c, uint8_t family, uint8_t len, struct addr *out) {
	const uint8_t *p = cursor_pull(c, len);

	*out = (struct addr){0};
	if (p && len)
		*out = addr_from_bytes(family, p);
}

static inline void nhrp_addr_push(struct cursor_out *c, const struct addr *a) {
	cursor_push(c, a->bytes, addr_len_bytes(a->family));
}

// ADDR_NONE is length 0 on the wire.
static inline bool nhrp_addr_fits(const struct addr *a, uint8_t family) {
	return a->family == ADDR_NONE || a->family == family;
}

// A subaddress has no meaning for IPv4 and IPv6; a longer one than we keep is dropped whole, as a part of it would be
// another.
static inline uint8_t nhrp_subaddr_pull(struct cursor *c, uint8_t len, uint8_t out[static NHRP_SUBADDR_MAX]) {
	const uint8_t *p = cursor_pull(c, len);

	if (!p || !len || len > NHRP_SUBADDR_MAX)
		return 0;
	memcpy(out, p, len);
	return len;
}

// Takes one CIE off the cursor.
enum nhrp_decode_error nhrp_cie_pull(
	struct cursor *c, uint8_t nbma_family, uint8_t protocol_family, struct nhrp_cie *out);
// A list that fills the cursor to its end: CIEs up to max, else NHRP_ERR_TOO_MANY_CIES.
enum nhrp_decode_error nhrp_cie_list_pull(struct cursor *c, uint8_t nbma_family, uint8_t protocol_family,
	struct nhrp_cie *out, unsigned max, unsigned *n);
// Returns 0 or -EINVAL; lack of room is the cursor's to tell.
int nhrp_cie_push(struct cursor_out *c, const struct nhrp_msg *msg, const struct nhrp_cie *cie);
