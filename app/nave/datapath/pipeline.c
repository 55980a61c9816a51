// SPDX-License-Identifier: BSD-3-Clause
#include "pipeline.h"

#include <rte_cycles.h>

#include "classify.h"
#include "gre_decap.h"
#include "gre_encap.h"
#include "handoff.h"
#include "port_tx.h"
#include "punt.h"
#include "route.h"
#include "worker.h"

// Packets that entered a stage, and its cycles where they are accounted.
struct stopwatch {
	bool on;
	uint64_t since;
};

static __rte_always_inline struct stopwatch stopwatch_start(struct lcore_ctx *lc) {
	struct stopwatch s = {.on = worker_of(lc)->accounting};

	if (unlikely(s.on))
		s.since = rte_rdtsc();
	return s;
}

static __rte_always_inline void stage_done(struct lcore_ctx *lc, struct stopwatch *s, enum stage stage, uint16_t n) {
	lc->counters->stage_packets[stage] += n;
	if (unlikely(s->on)) {
		uint64_t now = rte_rdtsc();

		lc->counters->stage_cycles[stage] += now - s->since;
		s->since = now;
	}
}

// The one way out for unicast: hairpin, handoff and control's packets all end here.
static void pipeline_egress(struct lcore_ctx *lc, struct stopwatch *s, struct rte_mbuf **pkts, uint16_t n) {
	uint16_t kept = gre_encap_burst(lc, pkts, n);

	stage_done(lc, s, STAGE_GRE_ENCAP, n);
	port_tx_burst(lc, pkts, kept);
	stage_done(lc, s, STAGE_TX, kept);
}

void pipeline_rx(struct lcore_ctx *lc, uint16_t port, struct rte_mbuf **pkts, uint16_t n) {
	struct rte_mbuf *clear[BURST_MAX], *nhrp[BURST_MAX];
	uint16_t n_clear = 0, n_nhrp = 0, kept;
	struct stopwatch s = stopwatch_start(lc);

	kept = classify_burst(lc, port, pkts, n, clear, &n_clear);
	stage_done(lc, &s, STAGE_CLASSIFY, n);
	n = kept;
	kept = gre_decap_burst(lc, pkts, n, nhrp, &n_nhrp);
	stage_done(lc, &s, STAGE_GRE_DECAP, n);
	if (unlikely(n_nhrp)) {
		punt_burst(lc, PUNT_NHRP, nhrp, n_nhrp);
		stage_done(lc, &s, STAGE_PUNT, 0); // counted one by one
	}
	for (uint16_t i = 0; i < n_clear; i++)
		pkts[kept++] = clear[i];
	n = kept;
	kept = route_burst(lc, pkts, n);
	stage_done(lc, &s, STAGE_ROUTE, n);
	kept = handoff_out_burst(lc, pkts, kept);
	stage_done(lc, &s, STAGE_HANDOFF, 0); // those that left, counted there
	pipeline_egress(lc, &s, pkts, kept);
}

void pipeline_ring(struct lcore_ctx *lc, struct rte_mbuf **pkts, uint16_t n, enum stage from) {
	struct stopwatch s = stopwatch_start(lc);
	uint16_t kept = handoff_in_burst(lc, pkts, n);

	stage_done(lc, &s, from, n);
	pipeline_egress(lc, &s, pkts, kept);
}
