// SPDX-License-Identifier: BSD-3-Clause
// Workers, stages, drops, and clearing what they counted.
#include "commands.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cache.h"
#include "conf.h"
#include "datapath.h"
#include "nave.h"
#include "ike_ctl.h"
#include "nhrp_ctl.h"
#include "sa_ctl.h"
#include "tunnel_ctl.h"

#define CLEAR_SPOKES_PER_SLICE 1024

// What the workers had counted at the last "clear counters": a worker's counters are its own, nobody else stores there.
// One hub a process; untouched it costs nothing.
static struct lcore_counters cleared[FWD_WORKERS_MAX];

_Static_assert(sizeof(struct lcore_counters) % sizeof(uint64_t) == 0, "only 64-bit words");

void counters_of_worker(const struct nave *nave, uint16_t worker, struct lcore_counters *out) {
	const uint64_t *base = (const uint64_t *)&cleared[worker];
	uint64_t *words = (uint64_t *)out;

	datapath_worker_counters(nave->datapath, worker, out);
	for (unsigned i = 0; i < sizeof(*out) / sizeof(*words); i++)
		words[i] -= base[i];
}

void counters_of_all(const struct nave *nave, struct lcore_counters *out) {
	struct lcore_counters one;

	memset(out, 0, sizeof(*out));
	if (!nave->datapath)
		return;
	for (uint16_t w = 0; w < nave->fwd.n_workers; w++) {
		counters_of_worker(nave, w, &one);
		for (unsigned i = 0; i < sizeof(*out) / sizeof(uint64_t); i++)
			((uint64_t *)out)[i] += ((const uint64_t *)&one)[i];
	}
}

static uint64_t drops_of(const struct lcore_counters *c) {
	uint64_t n = 0;

	for (unsigned i = 0; i < DROP_REASON_COUNT; i++)
		n += c->drops[i];
	return n;
}

int show_workers(struct nave *nave, const struct console_args *args, struct out *out) {
	struct lcore_counters c;

	(void)args;
	out_list(out, "workers");
	for (uint16_t w = 0; nave->datapath && w < nave->fwd.n_workers; w++) {
		counters_of_worker(nave, w, &c);
		out_row(out);
		out_u64(out, "worker", w);
		if (nave->conf && w < nave->conf->hub.n_workers)
			out_u64(out, "cpu", nave->conf->hub.worker_cpus[w]);
		else
			out_null_u64(out, "cpu");
		out_u64(out, "polls", c.polls);
		out_u64(out, "empty_polls", c.empty_polls);
		out_u64(out, "sleeps", c.sleeps);
		out_u64(out, "busy_cycles", c.busy_cycles);
		out_u64(out, "rx_packets", c.stage_packets[STAGE_RX]);
		out_u64(out, "tx_packets", c.stage_packets[STAGE_TX]);
		out_u64(out, "drops", drops_of(&c));
		out_detail(out);
		out_u64(out, "handed_on", c.stage_packets[STAGE_HANDOFF]);
		out_u64(out, "from_control", c.stage_packets[STAGE_FROM_CONTROL]);
		out_u64(out, "from_worker", c.stage_packets[STAGE_FROM_WORKER]);
		out_u64(out, "punted_nhrp", c.punted[PUNT_NHRP]);
		out_u64(out, "punted_ike", c.punted[PUNT_IKE]);
		out_u64(out, "punted_routing", c.punted[PUNT_ROUTING]);
		out_u64(out, "punted_host", c.punted[PUNT_HOST]);
		out_u64(out, "punted_underlay", c.punted[PUNT_UNDERLAY]);
		out_u64(out, "punted_redirect", c.punted[PUNT_REDIRECT]);
		out_u64(out, "punted_sa", c.punted[PUNT_SA]);
		out_u64(out, "punted_resolve", c.punted[PUNT_RESOLVE]);
	}
	return 0;
}

int show_stages(struct nave *nave, const struct console_args *args, struct out *out) {
	struct lcore_counters sum;

	(void)args;
	counters_of_all(nave, &sum);
	out_list(out, "stages");
	for (unsigned i = 0; i < STAGE_COUNT; i++) {
		out_row(out);
		out_str(out, "stage", stage_name(i));
		out_u64(out, "packets", sum.stage_packets[i]);
		out_u64(out, "cycles", sum.stage_cycles[i]); // 0 unless accounting is on
		out_f64(out, "cycles_per_packet",
			sum.stage_packets[i] && sum.stage_cycles[i] ? (double)sum.stage_cycles[i] / sum.stage_packets[i]
								    : NAN,
			1);
	}
	return 0;
}

int show_drops(struct nave *nave, const struct console_args *args, struct out *out) {
	bool all = out_is_json(out) || args->n > 2;
	struct lcore_counters sum;

	counters_of_all(nave, &sum);
	out_list(out, "drops");
	for (unsigned i = 0; i < DROP_REASON_COUNT; i++) {
		if (!all && sum.drops[i] == 0)
			continue;
		out_row(out);
		out_str(out, "name", drop_reason_name(i));
		out_u64(out, "count", sum.drops[i]);
		out_str(out, "help", drop_reason_help(i));
	}
	return 0;
}

// --- clear counters ---
static void clear_workers(struct nave *nave) {
	for (uint16_t w = 0; nave->datapath && w < nave->fwd.n_workers; w++)
		datapath_worker_counters(nave->datapath, w, &cleared[w]);
	if (nave->nhrp)
		nhrp_ctl_clear(nave->nhrp);
	if (nave->tunnels)
		tunnel_ctl_clear(nave->tunnels);
	if (nave->sas)
		sa_ctl_clear(nave->sas);
	if (nave->ike)
		ike_ctl_clear(nave->ike);
}

static void cursor_free(void *cursor, void *arg) {
	nhrp_cache_cursor_close(arg, cursor);
	free(cursor);
}

static int clear_counters(struct nave *nave, const struct console_args *args, struct out *out) {
	struct binding_cursor *cur = out_cursor(out);
	const struct binding *b = NULL;

	(void)args;
	if (!cur) {
		clear_workers(nave);
		if (!nave->nhrp || !nave->datapath)
			return 0;
		cur = calloc(1, sizeof(*cur));
		if (!cur)
			return -ENOMEM;
		if (!nhrp_cache_cursor_open(nhrp_ctl_cache(nave->nhrp), cur)) {
			free(cur);
			return out_error(out, -EBUSY, "too many lists are being read at once: try again");
		}
		out_set_cursor(out, cur, nhrp_ctl_cache(nave->nhrp), cursor_free);
	}
	for (unsigned i = 0; i < CLEAR_SPOKES_PER_SLICE; i++) {
		b = nhrp_cache_cursor_next(nhrp_ctl_cache(nave->nhrp), cur);
		if (!b)
			break;
		if (b->peer)
			datapath_spoke_taken(nave->datapath, b->peer);
		if (b->peer && nave->sas)
			sa_ctl_peer_clear(nave->sas, b->peer);
	}
	if (b)
		return 0;
	out_end(out);
	out_text(out, "counters are zero");
	return 0;
}

const struct console_cmd worker_cmds[] = {
	{"show workers", "what each worker did, and how busy it was", show_workers, false},
	{"show stages", "packets (and cycles, in accounting mode) of each stage of the pipeline", show_stages, false},
	{"show drops", "packets dropped, by reason", show_drops, false},
	{"show drops all", "the same, with the reasons that did not occur", show_drops, false},
	{"clear counters", "set the counters of workers, spokes, NHRP and the host's side to zero", clear_counters,
		true},
	{0},
};
