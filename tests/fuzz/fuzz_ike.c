// SPDX-License-Identifier: BSD-3-Clause
// The IKE header, as on UDP 500. The length is made right as well, else only one input in 2^32 would pass.
#include "fuzz.h"
#include "ike_wire.h"

static void check(const uint8_t *bytes, size_t len) {
	struct ike_header h;

	if (ike_parse(bytes, len, &h) < 0) {
		FUZZ_CHECK(ike_rank_of(bytes, len) == IKE_NEW);
		return;
	}
	FUZZ_CHECK((ike_rank_of(bytes, len) == IKE_KNOWN) == (h.responder_spi != 0));
	FUZZ_CHECK(ike_rank_of(bytes, len) != IKE_NEW_WITH_COOKIE || bytes[16] == 41);
	FUZZ_CHECK(len >= IKE_HEADER_LEN && h.len_bytes == len);
	FUZZ_CHECK(bytes[17] >> 4 == 2 && h.initiator_spi != 0);
	FUZZ_CHECK(h.is_response == !!(bytes[19] & 0x20));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len) {
	uint8_t *mended;

	check(bytes, len);
	if (len < IKE_HEADER_LEN)
		return 0;
	mended = malloc(len);
	FUZZ_CHECK(mended);
	memcpy(mended, bytes, len);
	for (unsigned i = 0; i < 4; i++)
		mended[24 + i] = (uint8_t)(len >> (24 - 8 * i));
	check(mended, len);
	free(mended);
	return 0;
}
