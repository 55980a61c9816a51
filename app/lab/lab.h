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
struct spoke_esp;
struct esp_crypto_ops;

enum { LAB_WAN, LAB_LAN, LAB_PORTS };

struct lab_fetch { // of one rx queue, see fetch.h
	struct rte_mbuf **frames; // [n], of all queues
	const uint32_t *spokes;
	uint32_t n;
	uint16_t queue, n_queues;
	uint32_t wanted; // set by the generator, cleared by the lcore that polls the queue
} __attribute__((aligned(64)));

struct lab_port { // a port of the hub, and its other end
	struct rte_ring *to_hub[LAB_QUEUES_MAX]; // the hub's rx queues
	struct rte_ring *from_hub[LAB_QUEUES_MAX]; // its tx queues
	uint16_t ethdev;
	uint8_t mac[6]; // the hub's
	struct lab_fetch fetch[LAB_QUEUES_MAX];
};

struct lab {
	const struct scenario *scenario;
	struct nave *nave;
	struct lab_port ports[LAB_PORTS];
	uint16_t n_ports; // 1: nothing goes to the LAN
	uint16_t n_queues; // of each
	struct rte_mempool *pool; // the generator's frames
	struct spoke *spokes; // [scenario->spokes.count]
	struct spoke_frame frame; // of all spokes
	const struct esp_crypto_ops *crypto; // of hub and spokes
	struct spoke_esp *esp; // NULL: in clear
	uint64_t replayed, reordered; // ESP packets that spokes refused, and that came late but in the window
	struct capture *capture; // NULL: none wanted
	clockid_t control_clock; // CPU time of the control core's thread
	bool progress; // stderr is a terminal
	volatile bool interrupted;
};

// Builds the hub's configuration text from the scenario. The caller frees it.
char *lab_hub_config(const struct scenario *s, const char *hub_name);

// Sends a burst to a port of the hub, by the queue of each spoke. Returns how many frames went in; the others are still
// the caller's.
unsigned lab_send(struct lab *lab, unsigned port, struct rte_mbuf **frames, const uint32_t *spokes, unsigned n);
// What the hub sent by a port: up to n frames of all queues in turn.
unsigned lab_receive(struct lab *lab, unsigned port, struct rte_mbuf **frames, unsigned n);
void lab_progress(const struct lab *lab, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
