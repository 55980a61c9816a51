// SPDX-License-Identifier: BSD-3-Clause
#include "hex.h"

#include <string.h>

static int digit(char c) {
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool hex_parse(const char *text, uint8_t *out, size_t n_bytes) {
	if (strlen(text) != 2 * n_bytes)
		return false;
	for (size_t i = 0; i < n_bytes; i++) {
		int high = digit(text[2 * i]), low = digit(text[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		out[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}
