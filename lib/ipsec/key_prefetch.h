// SPDX-License-Identifier: BSD-3-Clause
// The lines of a key that a text will read, on their way. Between the files of lib/ipsec; per packet, on workers.
#pragma once

#include <rte_prefetch.h>

#include "ipsec.h"

static inline void key_prefetch(const struct ipsec *ip, uint8_t suite, const void *key, uint32_t text_bytes) {
	unsigned text = text_bytes / 16 < KEY_TEXTS ? text_bytes / 16 : KEY_TEXTS - 1;
	const uint8_t *lines = ip->key_lines[suite][text], *at = key, *end = at + SA_KEY_BYTES;

	for (unsigned i = 0; i < lines[0]; i++)
		rte_prefetch0(at + 64 * i);
	for (unsigned i = 1; i <= lines[1]; i++)
		rte_prefetch0(end - 64 * i);
}
