// SPDX-License-Identifier: BSD-3-Clause
// Packets between random pairs of spokes, or between a spoke and the LAN, made a gate at a time; each is verified by
// the spoke (or the LAN) that receives it. What a gate is for: rounds.h.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "results.h"

struct lab;
struct registrar;
struct traffic;

struct traffic *traffic_create(struct lab *lab, uint32_t capacity); // NULL: out of memory
void traffic_free(struct traffic *t);

// A new gate of n packets of a row, as frames, ESP and all. Returns how many there are: fewer when the pool is empty.
uint32_t traffic_make(struct traffic *t, const struct scenario_traffic *row, uint32_t n);
void traffic_fetch(struct traffic *t); // the gate's frames into the workers' caches (fetch.h)
// Hands the gate to the hub. What does not fit into the ring is lost: the ring is sized so that this does not happen.
void traffic_send(struct traffic *t);
uint32_t traffic_received(const struct traffic *t); // of this gate, verified
uint64_t traffic_inner_bytes(const struct traffic *t); // sent in this gate

// Takes a burst of what the hub sent: inner packets are verified against t (NULL: none is expected), NHRP goes to r.
// Returns how many frames there were.
unsigned traffic_drain(struct lab *lab, struct results *results, struct traffic *t, struct registrar *r);
unsigned traffic_discard(struct lab *lab); // the same unseen

// Hairpin packets beside registrations, small and steady.
struct traffic *traffic_background_create(struct lab *lab); // NULL: out of memory
void traffic_background_send(struct traffic *t);
void traffic_background_finish(struct traffic *t, struct results *results, uint64_t *sent, uint64_t *lost);
