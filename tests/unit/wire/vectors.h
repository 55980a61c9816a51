// SPDX-License-Identifier: BSD-3-Clause
// Messages of real peers, tests/vectors/nhrp.txt, and messages spelt in hex.
#pragma once

#include <stddef.h>
#include <stdint.h>

// Spaces are skipped. Returns the length; fails the test on bad hex or lack of room.
size_t hex_read(const char *text, uint8_t *out, size_t cap);

// By name; fails the test when there is none.
size_t vector_load(const char *name, uint8_t *out, size_t cap);

// Calls visit for each; returns how many.
unsigned vector_each(void (*visit)(const char *name, const uint8_t *bytes, size_t len));

// Writes the NHRP checksum over pktsz bytes, or over len when pktsz claims more.
void vector_fix_checksum(uint8_t *bytes, size_t len);
