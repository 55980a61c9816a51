// SPDX-License-Identifier: BSD-3-Clause
// The hairpin composed of nothing but its necessary parts: parse, SA by index, window, AES-GCM open, trailer, GRE, a
// route, a header template, AES-GCM seal. No mbufs, no ports, no counters, no MTU, no policy, no other families or
// modes. What the product costs beyond it is the price of being one; printed beside it, so that a change of either
// shows as a ratio.
//
// A spoke's outbound key is its inbound key, kept in another object, and the packet that leaves for a spoke is the next
// one that comes from it, for another spoke: every packet is really opened and really sealed, of random SAs.
//
// One thread, which the caller pins.
#pragma once

#include <stdint.h>

#define COMPOSED_ROUND_PACKETS 4096

struct composed;

struct composed *composed_create(uint32_t n_spokes, uint64_t seed); // NULL: no memory, or no AES-GCM
void composed_free(struct composed *c);
// Length of the inner packets, 64 to 1400: of all, or 7 : 4 : 1 in random order. Before the first round.
void composed_inner(struct composed *c, uint16_t bytes);
void composed_inner_mix(struct composed *c, const uint16_t bytes[3]);
// TSC cycles per packet over COMPOSED_ROUND_PACKETS, after as many untimed as bring all SAs back to the caches that
// they fit. Negative: a packet did not open, and the figure is worthless.
double composed_round(struct composed *c);
