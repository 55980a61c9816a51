// SPDX-License-Identifier: BSD-3-Clause
#include "lcore_ctx.h"

const char *stage_name(enum stage s) {
	static const char *const names[] = {
#define X(name, counter) [STAGE_##name] = counter,
		STAGES(X)
#undef X
	};

	return (unsigned)s < STAGE_COUNT ? names[s] : "unknown";
}
