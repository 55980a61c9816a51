// SPDX-License-Identifier: BSD-3-Clause
// Control's side of the SAD: which slots are free, since when, and their generations. Between the files of lib/ipsec;
// others use ipsec.h.
#pragma once

#include <stddef.h>
#include <stdint.h>

struct sad;

struct sad *sad_create(uint32_t n_slots); // NULL: out of memory
void sad_free(struct sad *s);
size_t sad_slot_bytes(void);
