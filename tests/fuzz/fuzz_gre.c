// SPDX-License-Identifier: BSD-3-Clause
// The GRE header: what parses is written back the same, but for the ignored bits and the checksum.
#include "fuzz.h"
#include "gre_wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len) {
	struct gre_header h, again;
	uint8_t out[GRE_HEADER_MAX];
	bool checksum_ok = gre_checksum_ok(bytes, len);
	uint8_t *copy;

	if (gre_parse(bytes, len, &h) != GRE_OK)
		return 0;
	FUZZ_CHECK(h.len_bytes >= 4 && h.len_bytes <= GRE_HEADER_MAX && h.len_bytes <= len);
	FUZZ_CHECK(gre_write(&h, out) == h.len_bytes);
	FUZZ_CHECK(gre_parse(out, h.len_bytes, &again) == GRE_OK);
	FUZZ_CHECK(again.flags == h.flags && again.protocol == h.protocol && again.len_bytes == h.len_bytes);
	FUZZ_CHECK(again.key == h.key && again.sequence == h.sequence);
	FUZZ_CHECK(checksum_ok || h.flags & GRE_FLAG_CHECKSUM);
	if (!(h.flags & GRE_FLAG_CHECKSUM))
		return 0;
	copy = malloc(len);
	FUZZ_CHECK(copy);
	memcpy(copy, bytes, len);
	gre_checksum_write(copy, len);
	FUZZ_CHECK(gre_checksum_ok(copy, len));
	free(copy);
	return 0;
}
