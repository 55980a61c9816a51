// SPDX-License-Identifier: BSD-3-Clause
#include "vectors.h"

#include "checksum.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VECTOR_MAX 2048

size_t hex_read(const char *text, uint8_t *out, size_t cap) {
	size_t n = 0;

	for (; *text && *text != '\n'; text++) {
		char digits[3] = {text[0], text[1]};

		if (*text == ' ')
			continue;
		if (n == cap || !isxdigit((unsigned char)digits[0]) || !isxdigit((unsigned char)digits[1]))
			fail_msg("bad hex at: %s", text);
		out[n++] = (uint8_t)strtoul(digits, NULL, 16);
		text++;
	}
	return n;
}

static FILE *vectors_open(void) {
	FILE *f = fopen(VECTORS_DIR "/nhrp.txt", "r");

	if (!f)
		fail_msg("cannot read " VECTORS_DIR "/nhrp.txt");
	return f;
}

// The next vector; its name ends where the hex begins. NULL at the end.
static char *vector_next(FILE *f, char line[static VECTOR_MAX]) {
	while (fgets(line, VECTOR_MAX, f)) {
		char *space = strchr(line, ' ');

		if (line[0] == '#' || !space)
			continue;
		*space = '\0';
		return space + 1;
	}
	return NULL;
}

size_t vector_load(const char *name, uint8_t *out, size_t cap) {
	FILE *f = vectors_open();
	char line[VECTOR_MAX];
	char *hex;

	while ((hex = vector_next(f, line)) && strcmp(line, name)) {
	}
	fclose(f);
	if (!hex)
		fail_msg("no vector %s", name);
	return hex_read(hex, out, cap);
}

unsigned vector_each(void (*visit)(const char *name, const uint8_t *bytes, size_t len)) {
	FILE *f = vectors_open();
	uint8_t bytes[VECTOR_MAX];
	char line[VECTOR_MAX];
	unsigned n = 0;
	char *hex;

	for (; (hex = vector_next(f, line)); n++) {
		size_t len = hex_read(hex, bytes, sizeof(bytes));

		visit(line, bytes, len);
	}
	fclose(f);
	return n;
}

void vector_fix_checksum(uint8_t *bytes, size_t len) {
	size_t pktsz = (size_t)(bytes[10] << 8 | bytes[11]);
	uint16_t sum;

	memset(bytes + 12, 0, 2);
	sum = checksum(bytes, pktsz < len ? pktsz : len);
	memcpy(bytes + 12, &sum, 2);
}
