// SPDX-License-Identifier: BSD-3-Clause
// nave-lab: a hub and its spokes in one process. The hub is the product's own ladder on ring ports; the generator lcore
// plays the spokes, the underlay and the clock of a gated measurement.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include <rte_mbuf.h>
#include <rte_ring.h>

#include "scenario.h"
#include "spoke.h"

#define LAB_QUEUES_MAX 8
#define LAB_RING_SIZE 8192

struct capture;
struct nave;

struct lab {
	const struct scenario *scenario;
	struct nave *nave;
	struct rte_ring *to_hub[LAB_QUEUES_MAX]; // the hub's rx queues
	struct rte_ring *from_hub[LAB_QUEUES_MAX]; // its tx queues
	uint16_t n_queues;
	struct rte_mempool *pool; // the generator's frames
	struct rte_mempool *hub_pool; // rx pool of the hub's ring port
	uint8_t hub_mac[6];
	struct spoke *spokes; // [scenario->spokes.count]
	struct capture *capture; // NULL: none wanted
	clockid_t control_clock; // CPU time of the control core's thread
	bool progress; // stderr is a terminal
	volatile bool interrupted;
};

// Builds the hub's configuration text from the scenario. The caller frees it.
char *lab_hub_config(const struct scenario *s, const char *hub_name);

// Sends a burst to the hub by the queue of each spoke. Frames are consumed. Returns how many went in.
unsigned lab_send(struct lab *lab, struct rte_mbuf **frames, const uint32_t *spokes, unsigned n);
// What the hub sent: up to n frames of all queues in turn.
unsigned lab_receive(struct lab *lab, struct rte_mbuf **frames, unsigned n);
void lab_progress(const struct lab *lab, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
