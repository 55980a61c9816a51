// SPDX-License-Identifier: BSD-3-Clause
// Token bucket. Units of time are the caller's (nanoseconds in control, TSC ticks on workers).
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct token_bucket {
	uint64_t ticks_per_token; // 0: no limit
	uint64_t burst_ticks; // burst x ticks_per_token
	uint64_t full_at; // when the bucket is full again
};

static inline void token_bucket_init(
	struct token_bucket *b, uint64_t tokens_per_s, uint64_t burst, uint64_t ticks_per_s) {
	b->ticks_per_token = tokens_per_s ? ticks_per_s / tokens_per_s : 0;
	b->burst_ticks = burst * b->ticks_per_token;
	b->full_at = 0;
}

// Takes one token; false when there is none.
static inline bool token_bucket_take(struct token_bucket *b, uint64_t now) {
	uint64_t full_at = b->full_at > now ? b->full_at : now;

	if (full_at + b->ticks_per_token > now + b->burst_ticks)
		return false;
	b->full_at = full_at + b->ticks_per_token;
	return true;
}
