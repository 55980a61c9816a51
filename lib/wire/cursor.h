// SPDX-License-Identifier: BSD-3-Clause
// Reading and writing wire bytes with one check at the end. A pull or push that does not fit marks the cursor failed
// and uses up what is left, so that every later one fails too; a failed pull gives zeros and touches nothing outside.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct cursor { // reads
	const uint8_t *at, *end;
	bool failed;
};

// bytes may be NULL when len is 0, here and below.
static inline struct cursor cursor_of(const uint8_t *bytes, size_t len) {
	return (struct cursor){.at = bytes, .end = len ? bytes + len : bytes};
}

static inline size_t cursor_left(const struct cursor *c) {
	return (size_t)(c->end - c->at);
}

// The next len bytes, or NULL.
static inline const uint8_t *cursor_pull(struct cursor *c, size_t len) {
	const uint8_t *p = c->at;

	if (__builtin_expect(c->failed || len > cursor_left(c), 0)) {
		c->failed = true;
		c->at = c->end;
		return NULL;
	}
	c->at += len;
	return p;
}

static inline uint8_t cursor_pull_u8(struct cursor *c) {
	const uint8_t *p = cursor_pull(c, 1);

	return p ? p[0] : 0;
}

// Multi-byte scalars: network order on the wire, host order here.
static inline uint16_t cursor_pull_u16(struct cursor *c) {
	const uint8_t *p = cursor_pull(c, 2);

	return p ? (uint16_t)(p[0] << 8 | p[1]) : 0;
}

static inline uint32_t cursor_pull_u32(struct cursor *c) {
	const uint8_t *p = cursor_pull(c, 4);

	return p ? (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3] : 0;
}

static inline uint64_t cursor_pull_u64(struct cursor *c) {
	uint64_t high = cursor_pull_u32(c);

	return high << 32 | cursor_pull_u32(c);
}

struct cursor_out { // writes
	uint8_t *start, *at, *end;
	bool failed;
};

static inline struct cursor_out cursor_out_of(uint8_t *bytes, size_t cap) {
	return (struct cursor_out){.start = bytes, .at = bytes, .end = cap ? bytes + cap : bytes};
}

static inline size_t cursor_out_len(const struct cursor_out *c) {
	return (size_t)(c->at - c->start);
}

// Room for len bytes, which the caller fills, or NULL.
static inline uint8_t *cursor_push_room(struct cursor_out *c, size_t len) {
	uint8_t *p = c->at;

	if (__builtin_expect(c->failed || len > (size_t)(c->end - c->at), 0)) {
		c->failed = true;
		return NULL;
	}
	c->at += len;
	return p;
}

static inline void cursor_push_u8(struct cursor_out *c, uint8_t v) {
	uint8_t *p = cursor_push_room(c, 1);

	if (p)
		p[0] = v;
}

static inline void cursor_push_u16(struct cursor_out *c, uint16_t v) {
	uint8_t *p = cursor_push_room(c, 2);

	if (p) {
		p[0] = (uint8_t)(v >> 8);
		p[1] = (uint8_t)v;
	}
}

static inline void cursor_push_u32(struct cursor_out *c, uint32_t v) {
	cursor_push_u16(c, (uint16_t)(v >> 16));
	cursor_push_u16(c, (uint16_t)v);
}

static inline void cursor_push(struct cursor_out *c, const uint8_t *bytes, size_t len) {
	uint8_t *p = cursor_push_room(c, len);

	if (p && len)
		memcpy(p, bytes, len);
}
