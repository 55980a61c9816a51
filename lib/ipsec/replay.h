// SPDX-License-Identifier: BSD-3-Clause
// The receive window of an SA: a sliding bitmap without shifts (RFC 6479), 32 to 4096 wide, with 64-bit sequence
// numbers (RFC 4303 appendix A). One owner lcore; check before the ICV is verified, update only after.
//
// The bitmap is a ring of 64-bit words; bit N % 64 of word N / 64 % words says that number N was seen. It is at least a
// word longer than the window, so that the word which top enters holds nothing that is still wanted. That word is kept
// beside top until top leaves it: what comes in order, once in 64 packets apart, needs one cache line and not two.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define REPLAY_WINDOW_MIN 32
#define REPLAY_WINDOW_MAX 4096
#define REPLAY_WINDOW_DEFAULT 1024

struct replay {
	uint64_t top; // highest sequence number that was authenticated; 0: none
	uint64_t recent; // the word of top
	uint16_t window; // wanted width
	uint16_t word_mask; // words of the bitmap - 1; words x 64 is a power of two above window
	uint64_t bits[]; // replay_bytes() in all
};

enum replay_verdict {
	REPLAY_OK,
	REPLAY_OLD, // left of the window, or 0, which is never sent (RFC 4303 section 3.3.3)
	REPLAY_SEEN,
};

// A window outside REPLAY_WINDOW_MIN..MAX counts as the nearer of the two.
uint32_t replay_bytes(uint16_t window); // size of struct replay with its bitmap
void replay_init(struct replay *r, uint16_t window);

static inline bool replay_is_recent(const struct replay *r, uint64_t seq) {
	return (seq ^ r->top) < 64;
}

static inline uint64_t *replay_word(struct replay *r, uint64_t seq) {
	return replay_is_recent(r, seq) ? &r->recent : &r->bits[seq / 64 & r->word_mask];
}

// The full sequence number of a packet with ESN, from its low half and the window's position (RFC 4303 appendix A2.2):
// the one among the 2^32 numbers from the window's left edge on. 0, which replay_check() refuses, when that would be
// negative: right of 2^32 - window at the very start.
static inline uint64_t replay_esn(const struct replay *r, uint32_t seq_low) {
	uint64_t left = r->top - (r->window - 1u);
	uint64_t seq = left + (uint32_t)(seq_low - (uint32_t)left);

	return left > r->top && seq >= left ? 0 : seq;
}

static inline enum replay_verdict replay_check(const struct replay *r, uint64_t seq) {
	uint64_t word;

	if (__builtin_expect(seq > r->top, 1))
		return REPLAY_OK;
	if (seq == 0 || r->top - seq >= r->window)
		return REPLAY_OLD;
	word = replay_is_recent(r, seq) ? r->recent : r->bits[seq / 64 & r->word_mask];
	return word >> seq % 64 & 1 ? REPLAY_SEEN : REPLAY_OK;
}

// top goes on to the word of seq: its own goes back to the ring, those between are of numbers that did not come.
static inline void replay_leave_word(struct replay *r, uint64_t seq) {
	uint64_t between = seq / 64 - r->top / 64 - 1;

	r->bits[r->top / 64 & r->word_mask] = r->recent;
	if (__builtin_expect(between > r->word_mask, 0))
		between = r->word_mask + 1u;
	for (uint64_t n = 1; n <= between; n++)
		r->bits[(seq / 64 - n) & r->word_mask] = 0;
	r->recent = 0;
}

// After the ICV was right. false: another packet of the same burst had this number, or moved the window past it.
static inline bool replay_update(struct replay *r, uint64_t seq) {
	if (replay_check(r, seq) != REPLAY_OK)
		return false;
	if (seq > r->top) {
		if (!replay_is_recent(r, seq))
			replay_leave_word(r, seq);
		r->top = seq;
	}
	*replay_word(r, seq) |= UINT64_C(1) << seq % 64;
	return true;
}
