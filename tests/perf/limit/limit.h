// SPDX-License-Identifier: BSD-3-Clause
// The yardstick of the ESP path: what AES-GCM alone costs on this machine now. intel-ipsec-mb's direct call opens and
// seals packets in place, each with a key drawn at random, keys prefetched; nothing else is done. Figures of the
// product are divided by it, taken round by round in the same run, so the loop in limit.c stays as it is: a change to
// it makes every ratio recorded so far mean something else.
//
// One thread, which the caller pins.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define LIMIT_ROUND_PACKETS 4096
#define LIMIT_PREFETCH_AHEAD 4 // packets
#define LIMIT_TEXT_MAX 1504

struct limit_spec {
	uint32_t n_keys; // that packets are spread over, the same for opening and sealing
	uint64_t seed; // of keys, their order, and a mix
	uint8_t key_bytes; // 16 or 32
	uint8_t prefetch_ahead; // LIMIT_PREFETCH_AHEAD is the yardstick; 0: nothing is prefetched
};

struct limit;

// NULL: no memory, no such key, or the library's AES-GCM is wrong on this CPU.
struct limit *limit_create(const struct limit_spec *spec);
void limit_free(struct limit *l);
bool limit_on_huge_pages(const struct limit *l); // else the kernel was asked for transparent ones
const char *limit_library(void); // version of intel-ipsec-mb

// Length of what is encrypted, 1 to LIMIT_TEXT_MAX: of all packets, or 7 : 4 : 1 in random order. First of all, one of
// them.
void limit_text(struct limit *l, uint16_t bytes);
void limit_text_mix(struct limit *l, const uint16_t bytes[3]);

struct limit_cycles { // TSC cycles per packet
	double open, seal;
};
// Opens LIMIT_ROUND_PACKETS packets, then seals as many. Before each it does the same untimed until it drew twice as
// many keys as there are: what ran since the last round had the caches.
struct limit_cycles limit_round(struct limit *l);

// All of it for one length and AES-128: the median of open + seal over an odd number of rounds up to 101. Negative: as
// limit_create().
double limit_cycles_per_packet(uint16_t text_bytes, uint32_t n_keys, uint64_t seed, unsigned rounds);
