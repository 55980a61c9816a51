// SPDX-License-Identifier: BSD-3-Clause
// What arrives on UDP 4500: ESP, IKE, keepalive or nothing that anybody wants.
#include "esp_wire.h"
#include "fuzz.h"
#include "ike_wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len) {
	struct ike_header h;

	switch (natt_classify(bytes, len)) {
	case NATT_ESP:
		FUZZ_CHECK(esp_spi(bytes, len) != 0);
		break;
	case NATT_IKE:
		FUZZ_CHECK(len >= 4 + IKE_HEADER_LEN && esp_spi(bytes, len) == 0);
		ike_parse(bytes + 4, len - 4, &h);
		break;
	case NATT_KEEPALIVE:
		FUZZ_CHECK(len == 1);
		break;
	case NATT_MALFORMED:
		FUZZ_CHECK(len < 4 + IKE_HEADER_LEN && esp_spi(bytes, len) == 0);
		break;
	}
	return 0;
}
