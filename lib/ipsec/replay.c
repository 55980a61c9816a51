// SPDX-License-Identifier: BSD-3-Clause
#include "replay.h"

#include <string.h>

static uint16_t window_in_range(uint16_t window) {
	if (window < REPLAY_WINDOW_MIN)
		return REPLAY_WINDOW_MIN;
	return window > REPLAY_WINDOW_MAX ? REPLAY_WINDOW_MAX : window;
}

// A window whose right edge is a word's first bit reaches furthest back.
static uint32_t words_of(uint16_t window) {
	uint32_t words = 2;

	while (words * 64 < window_in_range(window) + 63u)
		words *= 2;
	return words;
}

uint32_t replay_bytes(uint16_t window) {
	return (uint32_t)(sizeof(struct replay) + words_of(window) * sizeof(uint64_t));
}

void replay_init(struct replay *r, uint16_t window) {
	memset(r, 0, replay_bytes(window));
	r->window = window_in_range(window);
	r->word_mask = (uint16_t)(words_of(window) - 1);
}
