// SPDX-License-Identifier: BSD-3-Clause
// What a worker owns: its rings, its counters, its place in RCU. Nobody else writes any of it; telemetry reads counters
// (plain aligned 8-byte loads) and sums over workers.
#pragma once

#include <stdint.h>

#include <rte_branch_prediction.h>
#include <rte_mbuf.h>
#include <rte_ring.h>

#include "drop.h"
#include "fwd.h"
#include "pkt_meta.h"
#include "ring_msg.h"

#define BURST_MAX 32
#define LCORE_EVENTS_MAX (2 * BURST_MAX) // a burst has at most one of esp_in and one of esp_out for a packet

// Stages of the pipeline in order, for counters and cycle accounting.
#define STAGES(X) \
	X(RX, "rx") \
	X(CLASSIFY, "classify") \
	X(ESP_IN, "esp_in") \
	X(HAIRPIN, "hairpin") \
	X(GRE_DECAP, "gre_decap") \
	X(ROUTE, "route") \
	X(HANDOFF, "handoff") \
	X(GRE_ENCAP, "gre_encap") \
	X(ESP_OUT, "esp_out") \
	X(TX, "tx") \
	X(PUNT, "punt") \
	X(FROM_CONTROL, "from_control") \
	X(FROM_WORKER, "from_worker") \
	X(ESP_HANDOFF, "esp_handoff") \
	X(ESP_FROM_WORKER, "esp_from_worker")

enum stage {
#define X(name, counter) STAGE_##name,
	STAGES(X)
#undef X
		STAGE_COUNT
};

const char *stage_name(enum stage s);

struct sa_event;

struct spoke_counters { // by peer index; half a cache line
	uint64_t rx_packets, rx_bytes, tx_packets, tx_bytes; // inner bytes
};

struct tunnel_counters {
	uint64_t rx_packets, rx_bytes, tx_packets, tx_bytes;
};

struct lcore_counters {
	uint64_t stage_packets[STAGE_COUNT];
	uint64_t stage_cycles[STAGE_COUNT]; // only in accounting mode
	uint64_t drops[DROP_REASON_COUNT];
	uint64_t punted[PUNT_CLASSES];
	uint64_t polls, empty_polls, busy_cycles, sleeps;
	struct tunnel_counters tunnels[FWD_TUNNELS_MAX];
};

struct lcore_ctx {
	// Read mostly.
	struct fwd *fwd;
	uint16_t id; // worker index, RCU reader id
	uint16_t n_workers;
	struct rte_mempool *punt_pool;
	struct spoke_counters *spokes; // [fwd->peers.max], this worker's own
	struct lcore_counters *counters; // this worker's own
	struct rte_ring *punt[PUNT_CLASSES]; // out: to control
	struct rte_ring *from_control[EGRESS_PRIORITIES]; // in
	struct rte_ring *to_worker[FWD_WORKERS_MAX][EGRESS_PRIORITIES]; // out; [id] unused
	struct rte_ring *from_worker[FWD_WORKERS_MAX][EGRESS_PRIORITIES]; // in; [id] unused
	struct rte_ring *esp_to[FWD_WORKERS_MAX]; // out: encrypted, their SA is owned there; [id] unused
	struct rte_ring *esp_from[FWD_WORKERS_MAX]; // in
	void *crypto; // this worker's, of fwd->ipsec->ops
	void *punt_policer; // punt.c
	struct sa_event *events; // [LCORE_EVENTS_MAX], filled by a stage, told to control at the end of the walk
	uint16_t n_events;
	uint8_t suite_hint; // enum esp_suite of the SA seen last: what the short ways are open for
	uint64_t now_tsc; // of this poll
	volatile uint32_t *stop; // set by control
} __attribute__((aligned(64)));

// The one way to drop.
static inline void pkt_drop(struct lcore_ctx *lc, struct rte_mbuf *m, enum drop_reason why) {
	lc->counters->drops[why]++;
	rte_pktmbuf_free(m);
}
