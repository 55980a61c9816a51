// SPDX-License-Identifier: BSD-3-Clause
// The workers: started and stopped by main, fed through rings by control. Nothing here knows NHRP.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lcore_ctx.h"

enum idle_mode {
	IDLE_SLEEP, // after a run of empty polls: QSBR-offline, sleep 50..200 us
	IDLE_POLL,
};

struct datapath_conf {
	struct fwd *fwd;
	uint16_t n_workers;
	unsigned lcores[FWD_WORKERS_MAX]; // EAL lcore of each worker
	enum idle_mode idle;
	bool stage_accounting; // rdtsc at stage borders
	uint32_t punt_pool_mbufs; // 0: default
	uint32_t punt_per_source_pps; // NHRP and host-destined packets from one outer source per worker; 0: default
};

struct datapath;
struct sa_message;

// Rings, pools, counters. NULL with rte_errno.
struct datapath *datapath_create(const struct datapath_conf *conf);
int datapath_start(struct datapath *dp); // launches the lcores; -errno
void datapath_stop(struct datapath *dp); // returns when every worker has left its loop
void datapath_free(struct datapath *dp);

// For stage tests and nave-lab: one poll of a worker on the calling thread, which must not be running.
unsigned datapath_poll_once(struct datapath *dp, uint16_t worker);
struct lcore_ctx *datapath_lcore(struct datapath *dp, uint16_t worker);

// Control core. Takes ownership of m on success: an inner packet (or NHRP) with meta.way set, or a frame (WAY_FRAME).
// Chooses the worker (owner of the peer). -ENOBUFS when its ring is full: the caller still owns m.
int datapath_send(struct datapath *dp, struct rte_mbuf *m, enum egress_priority priority);
// Control core: the owner of the peer will apply the message, in order with what was sent to it before. -ENOBUFS: its
// ring or the pool is full.
int datapath_send_sa(struct datapath *dp, uint16_t worker, uint32_t peer, const struct sa_message *msg);
// Control core: up to n punted packets of a class, of all workers in turn. The caller frees them.
unsigned datapath_punted(struct datapath *dp, enum punt_class c, struct rte_mbuf **pkts, unsigned n);
struct rte_mempool *datapath_control_pool(struct datapath *dp); // for packets that control makes

// Any thread. Sums over workers; a peer's counters since its slot was taken.
void datapath_counters(const struct datapath *dp, struct lcore_counters *sum);
void datapath_spoke_counters(const struct datapath *dp, uint32_t peer, struct spoke_counters *sum);
// Control core, when it has taken a peer slot and before it publishes it: its counters start from zero.
void datapath_spoke_taken(struct datapath *dp, uint32_t peer);
// Of one worker, for show workers.
void datapath_worker_counters(const struct datapath *dp, uint16_t worker, struct lcore_counters *out);
