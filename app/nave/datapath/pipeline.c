// SPDX-License-Identifier: BSD-3-Clause
#include "pipeline.h"

#include <rte_cycles.h>

#include "classify.h"
#include "esp_in.h"
#include "esp_out.h"
#include "esp_prefetch.h"
#include "gre_decap.h"
#include "gre_encap.h"
#include "hairpin.h"
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

// Sealed where an SA is to be used, and out.
static void pipeline_out(struct lcore_ctx *lc, struct stopwatch *s, struct rte_mbuf **pkts, uint16_t n) {
	uint16_t kept = n;

	if (lc->fwd->ipsec) {
		kept = esp_out_burst(lc, pkts, n);
		stage_done(lc, s, STAGE_ESP_OUT, n);
	}
	port_tx_burst(lc, pkts, kept);
	stage_done(lc, s, STAGE_TX, kept);
	if (unlikely(lc->n_events))
		punt_events(lc);
}

// The one way out for unicast: hairpin, handoff and control's packets all end here.
static void pipeline_egress(struct lcore_ctx *lc, struct stopwatch *s, struct rte_mbuf **pkts, uint16_t n) {
	uint16_t kept = gre_encap_burst(lc, pkts, n);

	stage_done(lc, s, STAGE_GRE_ENCAP, n);
	pipeline_out(lc, s, pkts, kept);
}

// Inner packets: route, and out.
static void pipeline_inner(struct lcore_ctx *lc, struct stopwatch *s, struct rte_mbuf **pkts, uint16_t n) {
	uint16_t kept = route_burst(lc, pkts, n);

	stage_done(lc, s, STAGE_ROUTE, n);
	kept = handoff_out_burst(lc, pkts, kept);
	stage_done(lc, s, STAGE_HANDOFF, 0); // those that left, counted there
	pipeline_egress(lc, s, pkts, kept);
}

static void pipeline_nhrp(struct lcore_ctx *lc, struct stopwatch *s, struct rte_mbuf **nhrp, uint16_t n) {
	if (likely(!n))
		return;
	punt_burst(lc, PUNT_NHRP, nhrp, n);
	stage_done(lc, s, STAGE_PUNT, 0); // counted one by one
}

// Packets that SAs have opened, to what is inside GRE. Returns how many are left.
static uint16_t pipeline_opened(struct lcore_ctx *lc, struct stopwatch *s, struct rte_mbuf **pkts, uint16_t n) {
	struct rte_mbuf *nhrp[BURST_MAX];
	uint16_t n_nhrp = 0, kept = gre_decap_esp_burst(lc, pkts, n, nhrp, &n_nhrp);

	stage_done(lc, s, STAGE_GRE_DECAP, n);
	pipeline_nhrp(lc, s, nhrp, n_nhrp);
	return kept;
}

static uint16_t pipeline_esp(struct lcore_ctx *lc, struct stopwatch *s, struct rte_mbuf **pkts, uint16_t n) {
	uint16_t kept = esp_in_burst(lc, pkts, n);

	stage_done(lc, s, STAGE_ESP_IN, n);
	return pipeline_opened(lc, s, pkts, kept);
}

static uint16_t pipeline_gre(struct lcore_ctx *lc, struct stopwatch *s, struct rte_mbuf **pkts, uint16_t n) {
	struct rte_mbuf *nhrp[BURST_MAX];
	uint16_t n_nhrp = 0, kept = gre_decap_burst(lc, pkts, n, nhrp, &n_nhrp);

	stage_done(lc, s, STAGE_GRE_DECAP, n);
	pipeline_nhrp(lc, s, nhrp, n_nhrp);
	return kept;
}

// The packets of a burst that are not on their way out already.
static void pipeline_long(struct lcore_ctx *lc, struct stopwatch *s, uint16_t port, struct rte_mbuf **frames,
	uint16_t n, struct rte_mbuf **opened, uint16_t n_opened) {
	struct rte_mbuf *inner[BURST_MAX];
	struct classified c;
	uint16_t kept = n_opened ? pipeline_opened(lc, s, opened, n_opened) : 0;

	if (kept)
		memcpy(inner, opened, kept * sizeof(*inner));
	c.n_gre = c.n_esp = c.n_clear = 0;
	classify_burst(lc, port, frames, n, &c);
	stage_done(lc, s, STAGE_CLASSIFY, n);
	if (c.n_esp) {
		c.n_esp = pipeline_esp(lc, s, c.esp, c.n_esp);
		memcpy(inner + kept, c.esp, c.n_esp * sizeof(*inner));
		kept += c.n_esp;
	}
	if (c.n_gre) {
		c.n_gre = pipeline_gre(lc, s, c.gre, c.n_gre);
		memcpy(inner + kept, c.gre, c.n_gre * sizeof(*inner));
		kept += c.n_gre;
	}
	memcpy(inner + kept, c.clear, c.n_clear * sizeof(*inner));
	kept += c.n_clear;
	if (kept)
		pipeline_inner(lc, s, inner, kept);
	if (unlikely(lc->n_events)) // of packets that went no further
		punt_events(lc);
}

void pipeline_rx(struct lcore_ctx *lc, uint16_t port, struct rte_mbuf **pkts, uint16_t n) {
	struct stopwatch s = stopwatch_start(lc);
	struct hairpin_rest rest;
	uint16_t kept;

	if (!lc->fwd->ipsec) {
		pipeline_long(lc, &s, port, pkts, n, NULL, 0);
		return;
	}
	rest.n_frames = rest.n_opened = 0;
	kept = hairpin_burst(lc, port, pkts, n, &rest);
	stage_done(lc, &s, STAGE_HAIRPIN, kept);
	port_tx_burst(lc, pkts, kept);
	stage_done(lc, &s, STAGE_TX, kept);
	if (rest.n_frames || rest.n_opened)
		pipeline_long(lc, &s, port, rest.frames, rest.n_frames, rest.opened, rest.n_opened);
}

void pipeline_esp_ring(struct lcore_ctx *lc, struct rte_mbuf **pkts, uint16_t n) {
	const struct esp_prefetch f = esp_prefetch_in(lc);
	struct stopwatch s = stopwatch_start(lc);
	uint16_t kept;

	for (uint16_t i = 0; i < n; i++)
		esp_in_prefetch(&f, rte_pktmbuf_mtod(pkts[i], const uint8_t *));
	stage_done(lc, &s, STAGE_ESP_FROM_WORKER, n);
	kept = pipeline_esp(lc, &s, pkts, n);
	if (kept)
		pipeline_inner(lc, &s, pkts, kept);
	if (unlikely(lc->n_events))
		punt_events(lc);
}

// An SA message holds for what was queued behind it: what was queued before it goes out first.
static uint16_t run_of(struct rte_mbuf **pkts, uint16_t n) {
	uint16_t i = 1;

	while (i < n && pkt_meta(pkts[i])->way != WAY_SA)
		i++;
	return i;
}

void pipeline_ring(struct lcore_ctx *lc, struct rte_mbuf **pkts, uint16_t n, enum stage from) {
	struct stopwatch s = stopwatch_start(lc);

	while (n) {
		uint16_t run = from == STAGE_FROM_CONTROL ? run_of(pkts, n) : n;
		uint16_t kept = handoff_in_burst(lc, pkts, run);

		stage_done(lc, &s, from, run);
		pipeline_egress(lc, &s, pkts, kept);
		pkts += run;
		n -= run;
	}
}
