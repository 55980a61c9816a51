// SPDX-License-Identifier: BSD-3-Clause
// The NHRP decoder: whatever it accepts encodes, and what it encodes it reads back as the same message.
#include "checksum.h"
#include "fuzz.h"
#include "nhrp_msg.h"

static void check_extensions(const struct nhrp_msg *m) {
	struct nhrp_cie cies[NHRP_CIE_MAX];

	for (unsigned i = 0; i < m->n_exts; i++) {
		int n = nhrp_ext_cies(m, &m->exts[i], cies, NHRP_CIE_MAX);

		FUZZ_CHECK(n <= NHRP_CIE_MAX);
		for (int k = 0; k < n; k++)
			FUZZ_CHECK(nhrp_cie_prefix_bits(&cies[k], m->protocol_family) <= 128);
		FUZZ_CHECK(nhrp_ext_find(m, m->exts[i].type) <= &m->exts[i]);
	}
}

static void check(const uint8_t *bytes, size_t len) {
	static uint8_t first[1 << 16], second[1 << 16];
	struct nhrp_msg m, again;
	int n, n2;

	if (nhrp_msg_decode(bytes, len, &m) != NHRP_ERR_NONE)
		return;
	check_extensions(&m);
	n = nhrp_msg_encode(&m, first, sizeof(first));
	// An End that was missing is added, and a packet of 65532 bytes and more has no room for it.
	if (n < 0 && !m.has_end && len > UINT16_MAX - 4)
		return;
	FUZZ_CHECK(n > 0);
	FUZZ_CHECK(nhrp_msg_decode(first, (size_t)n, &again) == NHRP_ERR_NONE);
	FUZZ_CHECK(again.n_cies == m.n_cies && again.n_exts == m.n_exts && again.type == m.type);
	FUZZ_CHECK(addr_eq(&again.src_nbma, &m.src_nbma) && addr_eq(&again.dst_protocol, &m.dst_protocol));
	FUZZ_CHECK(again.payload_len_bytes == m.payload_len_bytes);
	n2 = nhrp_msg_encode(&again, second, sizeof(second));
	FUZZ_CHECK(n2 == n && memcmp(first, second, (size_t)n) == 0);
}

// Twice: as it is, and with version and checksum made right, else nothing would get past them.
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len) {
	size_t pktsz;
	uint8_t *mended;
	uint16_t sum;

	check(bytes, len);
	if (len < NHRP_HEADER_LEN)
		return 0;
	mended = malloc(len);
	FUZZ_CHECK(mended);
	memcpy(mended, bytes, len);
	pktsz = (size_t)(bytes[10] << 8 | bytes[11]);
	memset(mended + 12, 0, 2);
	mended[16] = 1;
	sum = checksum(mended, pktsz < len ? pktsz : len);
	memcpy(mended + 12, &sum, 2);
	check(mended, len);
	free(mended);
	return 0;
}
