// SPDX-License-Identifier: BSD-3-Clause
#include "drop.h"

const char *drop_reason_name(enum drop_reason r) {
	static const char *const names[] = {
#define X(name, counter, help) [DROP_##name] = counter,
		DROP_REASONS(X)
#undef X
	};

	return (unsigned)r < DROP_REASON_COUNT ? names[r] : "unknown";
}

const char *drop_reason_help(enum drop_reason r) {
	static const char *const helps[] = {
#define X(name, counter, help) [DROP_##name] = help,
		DROP_REASONS(X)
#undef X
	};

	return (unsigned)r < DROP_REASON_COUNT ? helps[r] : "unknown";
}
