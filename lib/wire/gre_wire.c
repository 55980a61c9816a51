// SPDX-License-Identifier: BSD-3-Clause
#include "gre_wire.h"

#include "checksum.h"
#include "cursor.h"

#define GRE_VERSION 0x0007
#define GRE_KNOWN_FLAGS (GRE_FLAG_CHECKSUM | GRE_FLAG_KEY | GRE_FLAG_SEQUENCE)
// RFC 2784 section 2.3: bits 1 to 5 are refused, bits 6 to 12 ignored; RFC 2890 then took bits 2 and 3.
#define GRE_REFUSED_FLAGS 0x4c00
#define GRE_CHECKSUM_OFF 4

enum gre_parse gre_parse(const uint8_t *bytes, size_t len, struct gre_header *out) {
	struct cursor c = cursor_of(bytes, len);
	uint16_t flags = cursor_pull_u16(&c);

	*out = (struct gre_header){.flags = flags & GRE_KNOWN_FLAGS, .protocol = cursor_pull_u16(&c)};
	if (c.failed)
		return GRE_TRUNCATED;
	if (flags & GRE_VERSION)
		return GRE_BAD_VERSION;
	if (flags & GRE_REFUSED_FLAGS)
		return GRE_BAD_FLAGS;
	if (flags & GRE_FLAG_CHECKSUM)
		cursor_pull_u32(&c); // checksum, reserved1
	if (flags & GRE_FLAG_KEY)
		out->key = cursor_pull_u32(&c);
	if (flags & GRE_FLAG_SEQUENCE)
		out->sequence = cursor_pull_u32(&c);
	out->len_bytes = (uint8_t)(c.at - bytes);
	return c.failed ? GRE_TRUNCATED : GRE_OK;
}

bool gre_checksum_ok(const uint8_t *bytes, size_t len) {
	if (len < 4)
		return false;
	if (!(bytes[0] & GRE_FLAG_CHECKSUM >> 8))
		return true;
	return len >= 8 && checksum(bytes, len) == 0;
}

uint8_t gre_write(const struct gre_header *h, uint8_t *out) {
	struct cursor_out c = cursor_out_of(out, GRE_HEADER_MAX);

	cursor_push_u16(&c, h->flags & GRE_KNOWN_FLAGS);
	cursor_push_u16(&c, h->protocol);
	if (h->flags & GRE_FLAG_CHECKSUM)
		cursor_push_u32(&c, 0);
	if (h->flags & GRE_FLAG_KEY)
		cursor_push_u32(&c, h->key);
	if (h->flags & GRE_FLAG_SEQUENCE)
		cursor_push_u32(&c, h->sequence);
	return (uint8_t)cursor_out_len(&c);
}

void gre_checksum_write(uint8_t *bytes, size_t len) {
	uint16_t sum;

	memset(bytes + GRE_CHECKSUM_OFF, 0, sizeof(sum));
	sum = checksum(bytes, len);
	memcpy(bytes + GRE_CHECKSUM_OFF, &sum, sizeof(sum));
}
