// SPDX-License-Identifier: BSD-3-Clause
// Generation of a table slot: even while the slot is in use, odd once it was withdrawn. It changes twice, so that an
// index that was stamped between withdrawal and reuse is as stale as one stamped before.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "rcu.h"

#define GEN_DEAD 1u // a slot that was never used

// Control.
static inline void gen_next(uint32_t *gen) {
	rcu_publish(gen, *gen + 1);
}

// Control. The slot is dead from now on; once more changes nothing.
static inline void gen_end(uint32_t *gen) {
	if ((*gen & 1) == 0)
		gen_next(gen);
}

// Readers. true when what was stamped with gen is still what the slot holds; it then stays until the caller's next
// quiescent report.
static inline bool gen_is_current(const uint32_t *slot_gen, uint32_t stamped) {
	return rcu_read(slot_gen) == stamped && (stamped & 1) == 0;
}
