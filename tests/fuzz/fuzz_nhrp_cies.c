// SPDX-License-Identifier: BSD-3-Clause
// The CIE list of an extension. The first byte chooses the families, the rest is the value.
#include "fuzz.h"
#include "nhrp_msg.h"

static void check(const struct nhrp_msg *m, const uint8_t *value, size_t len) {
	const struct nhrp_ext x = {.type = NHRP_EXT_FORWARD_TRANSIT, .len_bytes = (uint16_t)len, .value = value};
	struct nhrp_cie cies[NHRP_CIE_MAX], again[NHRP_CIE_MAX];
	uint8_t first[4096], second[4096];
	struct nhrp_ext y = {.type = NHRP_EXT_FORWARD_TRANSIT, .value = first};
	int n = nhrp_ext_cies(m, &x, cies, NHRP_CIE_MAX), written;

	if (n < 0)
		return;
	written = nhrp_cies_encode(m, cies, (unsigned)n, first, sizeof(first));
	FUZZ_CHECK(written >= 0 && (size_t)written <= len);
	y.len_bytes = (uint16_t)written;
	FUZZ_CHECK(nhrp_ext_cies(m, &y, again, NHRP_CIE_MAX) == n);
	FUZZ_CHECK(nhrp_cies_encode(m, again, (unsigned)n, second, sizeof(second)) == written);
	FUZZ_CHECK(memcmp(first, second, (size_t)written) == 0);
	for (int i = 0; i < n; i++)
		FUZZ_CHECK(addr_eq(&cies[i].nbma, &again[i].nbma) && addr_eq(&cies[i].protocol, &again[i].protocol));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len) {
	struct nhrp_msg m;

	if (len == 0 || len > UINT16_MAX)
		return 0;
	nhrp_msg_init(&m, NHRP_RESOLUTION_REQUEST, bytes[0] & 1 ? ADDR_IPV6 : ADDR_IPV4,
		bytes[0] & 2 ? ADDR_IPV6 : ADDR_IPV4);
	check(&m, bytes + 1, len - 1);
	return 0;
}
