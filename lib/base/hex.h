// SPDX-License-Identifier: BSD-3-Clause
// Hex digits, as keys are written.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Exactly n_bytes of them, two digits each and nothing else. false: out may have been written to in part.
bool hex_parse(const char *text, uint8_t *out, size_t n_bytes);
