// SPDX-License-Identifier: BSD-3-Clause
// Packets as test cases write them: built from the inside out, with nothing of the code under test.
#pragma once

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "addr.h"

#define FRAME_ROOM 256
#define FRAME_MAX 4096

struct frame {
	uint16_t at; // of the first byte
	uint16_t len;
	uint8_t room[FRAME_ROOM + FRAME_MAX];
};

static inline uint8_t *frame_bytes(struct frame *f) {
	return f->room + f->at;
}

static inline uint8_t *frame_front(struct frame *f, uint16_t len) {
	f->at -= len;
	f->len += len;
	return frame_bytes(f);
}

static inline uint8_t *frame_back(struct frame *f, uint16_t len) {
	f->len += len;
	return frame_bytes(f) + f->len - len;
}

static inline void put_u16(uint8_t *p, uint16_t v) {
	p[0] = v >> 8;
	p[1] = (uint8_t)v;
}

static inline void put_u32(uint8_t *p, uint32_t v) {
	put_u16(p, v >> 16);
	put_u16(p + 2, (uint16_t)v);
}

// RFC 1071, byte by byte, so as to share nothing with checksum.h.
static inline uint16_t plain_checksum(const uint8_t *p, size_t len) {
	uint32_t sum = 0;

	for (size_t i = 0; i < len; i++)
		sum += i & 1 ? p[i] : (uint32_t)p[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static inline void frame_payload(struct frame *f, uint16_t len, uint8_t seed) {
	f->at = FRAME_ROOM;
	f->len = len;
	for (uint16_t i = 0; i < len; i++)
		f->room[FRAME_ROOM + i] = (uint8_t)(seed + i * 7);
}

static inline void frame_bytes_are(struct frame *f, const void *bytes, uint16_t len) {
	f->at = FRAME_ROOM;
	f->len = len;
	memcpy(frame_bytes(f), bytes, len);
}

static inline void frame_udp(struct frame *f, uint16_t from, uint16_t to) {
	uint8_t *p = frame_front(f, 8);

	put_u16(p, from);
	put_u16(p + 2, to);
	put_u16(p + 4, f->len);
	put_u16(p + 6, 0);
}

// An IKEv2 message of len bytes (RFC 7296 section 3.1).
static inline void frame_ike(
	struct frame *f, uint64_t responder_spi, uint8_t next_payload, uint8_t exchange, uint16_t len) {
	uint8_t *p;

	frame_payload(f, len, 3);
	p = frame_bytes(f);
	put_u32(p + 8, (uint32_t)(responder_spi >> 32));
	put_u32(p + 12, (uint32_t)responder_spi);
	p[16] = next_payload;
	p[17] = 0x20; // version 2.0
	p[18] = exchange;
	p[19] = 0x08; // from the initiator
	put_u32(p + 20, 0);
	put_u32(p + 24, len);
}

// UDP over IPv6 always has a checksum (RFC 8200 section 8.1). f begins at the UDP header, its checksum field zero.
static inline void frame_udp_checksum(struct frame *f, const struct addr *src, const struct addr *dst) {
	static uint8_t pseudo[40 + FRAME_ROOM + FRAME_MAX];
	uint16_t sum;

	memset(pseudo, 0, 40);
	memcpy(pseudo, src->bytes, 16);
	memcpy(pseudo + 16, dst->bytes, 16);
	put_u16(pseudo + 34, f->len);
	pseudo[39] = 17;
	memcpy(pseudo + 40, frame_bytes(f), f->len);
	sum = plain_checksum(pseudo, 40 + f->len);
	put_u16(frame_bytes(f) + 6, sum ? sum : 0xffff);
}

// Behind the payload: padding as RFC 4303 section 2.4 wants it, pad length, next header.
static inline void frame_esp_trailer(struct frame *f, uint8_t pad_bytes, uint8_t next) {
	uint8_t *p = frame_back(f, pad_bytes + 2);

	for (unsigned i = 0; i < pad_bytes; i++)
		p[i] = (uint8_t)(i + 1);
	p[pad_bytes] = pad_bytes;
	p[pad_bytes + 1] = next;
}

static inline void frame_ip(
	struct frame *f, const struct addr *src, const struct addr *dst, uint8_t protocol, uint8_t hops, uint8_t tos) {
	uint16_t payload = f->len;
	uint8_t *p;

	if (src->family == ADDR_IPV6) {
		p = frame_front(f, 40);
		memset(p, 0, 8);
		p[0] = 0x60 | tos >> 4;
		p[1] = (uint8_t)(tos << 4);
		put_u16(p + 4, payload);
		p[6] = protocol;
		p[7] = hops;
		memcpy(p + 8, src->bytes, 16);
		memcpy(p + 24, dst->bytes, 16);
		return;
	}
	p = frame_front(f, 20);
	memset(p, 0, 20);
	p[0] = 0x45;
	p[1] = tos;
	put_u16(p + 2, f->len);
	p[8] = hops;
	p[9] = protocol;
	memcpy(p + 12, src->bytes, 4);
	memcpy(p + 16, dst->bytes, 4);
	put_u16(p + 10, plain_checksum(p, 20));
}

// After a case has changed the IPv4 header at p.
static inline void ipv4_checksum_again(uint8_t *p) {
	put_u16(p + 10, 0);
	put_u16(p + 10, plain_checksum(p, (p[0] & 0xf) * 4));
}

// Our outer IPv4 headers have DF set.
static inline void frame_outer_of(
	struct frame *f, const struct addr *src, const struct addr *dst, uint8_t protocol, uint8_t tos) {
	frame_ip(f, src, dst, protocol, 64, tos);
	if (src->family == ADDR_IPV4) {
		frame_bytes(f)[6] = 0x40;
		ipv4_checksum_again(frame_bytes(f));
	}
}

static inline void frame_outer(struct frame *f, const struct addr *src, const struct addr *dst, uint8_t tos) {
	frame_outer_of(f, src, dst, 47, tos);
}

#define NO_KEY (-1ll)

static inline void frame_gre(struct frame *f, int64_t key, bool checksum, uint16_t protocol) {
	uint16_t len = 4 + (checksum ? 4 : 0) + (key != NO_KEY ? 4 : 0);
	uint8_t *p = frame_front(f, len);

	memset(p, 0, len);
	p[0] = (checksum ? 0x80 : 0) | (key != NO_KEY ? 0x20 : 0);
	put_u16(p + 2, protocol);
	if (key != NO_KEY) {
		put_u16(p + len - 4, (uint16_t)(key >> 16));
		put_u16(p + len - 2, (uint16_t)key);
	}
	if (checksum)
		put_u16(p + 4, plain_checksum(p, f->len));
}

static inline void frame_ether(struct frame *f, const uint8_t dst[6], const uint8_t src[6], uint16_t type) {
	uint8_t *p = frame_front(f, 14);

	memcpy(p, dst, 6);
	memcpy(p + 6, src, 6);
	put_u16(p + 12, type);
}
