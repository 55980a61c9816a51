// SPDX-License-Identifier: BSD-3-Clause
// A worker: the poll loop of one lcore.
#pragma once

#include "datapath.h"
#include "lcore_ctx.h"

struct worker {
	struct lcore_ctx lc;
	enum idle_mode idle;
	bool accounting; // rdtsc at stage borders
};

static inline struct worker *worker_of(struct lcore_ctx *lc) {
	return (struct worker *)lc; // lc is the first member
}

// One turn: rings, ports, rings; then the quiescent report. Returns how many packets it handled. The reader must be
// online.
unsigned worker_poll(struct lcore_ctx *lc);
// The lcore's function: polls until stop; arg is a struct worker.
int worker_main(void *arg);
