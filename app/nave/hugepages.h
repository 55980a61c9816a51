// SPDX-License-Identifier: BSD-3-Clause
// The kernel's hugepages: counting them, and reserving 2 MiB ones where the machine has none.
#pragma once

#include <stdint.h>

uint32_t hugepages_free_mib(void); // of all sizes
uint32_t hugepages_total_mib(void);
// Reserves 2 MiB pages. Does nothing where there are any already, where we may not, or where memory is short: a third
// of what is available at most. Returns what is free afterwards: 0, or at least need_mib.
uint32_t hugepages_reserve(uint32_t need_mib);
// What was reserved, unless another program uses it; our own pages go when we unmap them.
void hugepages_give_back(void);
