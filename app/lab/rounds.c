// SPDX-License-Identifier: BSD-3-Clause
#include "rounds.h"

#include <sched.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>
#include <rte_pause.h>

#include "datapath.h"
#include "lab.h"
#include "nave.h"
#include "traffic.h"
#include "yardstick.h"

#define SETTLE_MS 500 // for a gate, then its packets are lost if the workers are idle
#define HANG_S 30
#define LOOK_CYCLES 10000
#define IDLE_POLLS 8 // of each worker without new input: over every ring between workers and out

struct rounds {
	struct lab *lab;
	struct results *results;
	struct traffic *traffic;
	struct yardstick *yardstick; // NULL: none
	bool at_port; // the yardstick's forwarders run, not the hub's workers
	double *gates; // [scenario->gates]
};

// --- what the running loop counts ---

static uint64_t busy_cycles(const struct rounds *r) {
	uint64_t sum = 0;

	if (r->at_port)
		return yardstick_port_cycles(r->yardstick);
	for (uint16_t w = 0; w < r->lab->scenario->workers; w++)
		sum += __atomic_load_n(
			&datapath_lcore(r->lab->nave->datapath, w)->counters->busy_cycles, __ATOMIC_RELAXED);
	return sum;
}

static uint64_t polls(const struct rounds *r, uint16_t w) {
	if (r->at_port)
		return yardstick_port_polls(r->yardstick, w);
	return __atomic_load_n(&datapath_lcore(r->lab->nave->datapath, w)->counters->polls, __ATOMIC_RELAXED);
}

static uint64_t drops(const struct lab *lab) {
	struct lcore_counters *c = malloc(sizeof(*c));
	uint64_t sum = 0;

	if (!c)
		return 0;
	datapath_counters(lab->nave->datapath, c);
	for (unsigned i = 0; i < DROP_REASON_COUNT; i++)
		sum += c->drops[i];
	free(c);
	return sum;
}

static unsigned rings_count(const struct lab *lab, bool to_hub) {
	unsigned n = 0;

	for (unsigned port = 0; port < lab->n_ports; port++)
		for (uint16_t q = 0; q < lab->n_queues; q++)
			n += rte_ring_count(to_hub ? lab->ports[port].to_hub[q] : lab->ports[port].from_hub[q]);
	return n;
}

// --- a gate ---

struct idle_watch {
	bool is_on;
	uint64_t polls[LAB_QUEUES_MAX]; // when the input was empty first
};

// A worker that others keep off its CPU has lost nothing.
static bool workers_idle(const struct rounds *r, struct idle_watch *watch) {
	bool idle = true;

	if (rings_count(r->lab, true)) {
		watch->is_on = false;
		return false;
	}
	for (uint16_t w = 0; w < r->lab->scenario->workers; w++) {
		if (!watch->is_on)
			watch->polls[w] = polls(r, w);
		idle = idle && polls(r, w) >= watch->polls[w] + IDLE_POLLS;
	}
	watch->is_on = true;
	return idle;
}

// Each look at a ring takes its lines from the worker that writes them: few looks, a burst's time apart.
static uint64_t pause_long(void) {
	uint64_t end = rte_rdtsc() + LOOK_CYCLES, now;

	while ((now = rte_rdtsc()) < end)
		rte_pause();
	return now;
}

// Waits until the workers have sent (or dropped) the gate and have written their counters: two more polls begun.
static void gate_wait(const struct rounds *r, uint32_t n, uint64_t drops_before) {
	const struct lab *lab = r->lab;
	uint64_t hz = rte_get_tsc_hz(), start = rte_rdtsc(), look_at_drops = start + hz / 200, now = start;
	struct idle_watch watch = {0};

	while (rings_count(lab, false) < n && now < start + HANG_S * hz) {
		if (now > start + hz * SETTLE_MS / 1000 && workers_idle(r, &watch))
			break;
		if (now > look_at_drops) {
			if (rings_count(lab, false) + (drops(lab) - drops_before) >= n)
				break;
			look_at_drops = now + hz / 200;
		}
		now = pause_long();
	}
	for (uint16_t w = 0; w < lab->scenario->workers; w++)
		for (uint64_t p = polls(r, w); polls(r, w) < p + 2 && rte_rdtsc() < start + HANG_S * hz;)
			rte_pause();
}

// Made now and fetched, so that frames lie in caches in the same way whoever forwards. Returns busy cycles.
static uint64_t gate_open(struct rounds *r, const struct scenario_traffic *row, uint32_t *sent) {
	uint64_t drops_before = drops(r->lab), busy;

	*sent = traffic_make(r->traffic, row, r->lab->scenario->packets);
	traffic_fetch(r->traffic);
	busy = busy_cycles(r);
	traffic_send(r->traffic);
	gate_wait(r, *sent, drops_before);
	return busy_cycles(r) - busy;
}

// Through the hub, everything verified; returns its cycles per packet, 0 when nothing came back.
static double gate_run(struct rounds *r, const struct scenario_traffic *row, struct traffic_result *out) {
	struct lab *lab = r->lab;
	uint64_t wrong = r->results->wrong_frames, drops_before = drops(lab), end;
	uint64_t replayed = lab->replayed, reordered = lab->reordered, busy;
	uint32_t sent, received;

	busy = gate_open(r, row, &sent);
	end = rte_rdtsc() + rte_get_tsc_hz() / 100;
	while (traffic_drain(lab, r->results, r->traffic, NULL) ||
		(traffic_received(r->traffic) < sent && rte_rdtsc() < end))
		;
	received = traffic_received(r->traffic);
	out->mean_inner_bytes += traffic_inner_bytes(r->traffic);
	out->sent += sent;
	out->received += received;
	out->corrupt += r->results->wrong_frames - wrong;
	out->lost += sent - received;
	out->replayed += lab->replayed - replayed;
	out->reordered += lab->reordered - reordered;
	out->named_drops += drops(lab) - drops_before;
	return received ? (double)busy / received : 0;
}

// Through the yardstick's forwarders, unseen.
static double gate_forward(struct rounds *r, const struct scenario_traffic *row) {
	uint32_t sent;
	uint64_t busy = gate_open(r, row, &sent);

	while (traffic_discard(r->lab))
		;
	return sent ? (double)busy / sent : 0;
}

// --- a round ---

static double gates_median(struct rounds *r, const struct scenario_traffic *row, struct traffic_result *out) {
	uint32_t n = r->lab->scenario->gates;

	for (uint32_t g = 0; g < n; g++) {
		r->gates[g] = r->at_port ? gate_forward(r, row) : gate_run(r, row, out);
		sched_yield(); // control may share this CPU
	}
	return median_f64(r->gates, n);
}

// What ran since this row's last round had the caches: as the limit does, until twice as many keys were drawn as there
// are.
static void warm(struct rounds *r, const struct scenario_traffic *row, struct traffic_result *out) {
	const struct scenario *s = r->lab->scenario;

	for (uint64_t drawn = 0; drawn < 2 * (uint64_t)scenario_row_spokes(s, row); drawn += s->packets)
		gate_run(r, row, out);
}

static bool yardsticks_run(
	struct rounds *r, const struct scenario_traffic *row, struct traffic_result *out, struct round_result *round) {
	struct datapath *dp = r->lab->nave->datapath;

	datapath_stop(dp);
	out->has_limit = yardstick_has_limit(r->yardstick);
	if (out->has_limit)
		yardstick_limit(r->yardstick, r->lab, row, &round->limit_n, &round->limit);
	if (out->has_limit && row->path != PATH_HAIRPIN) // the keys of one direction
		round->limit = round->limit_n;
	out->has_port = true;
	yardstick_port_start(r->yardstick, r->lab, row);
	r->at_port = true;
	round->port = gates_median(r, row, out);
	r->at_port = false;
	yardstick_port_stop(r->yardstick);
	return datapath_start(dp) == 0;
}

static bool round_run(struct rounds *r, unsigned k) {
	const struct scenario_traffic *row = &r->lab->scenario->traffic[k];
	struct traffic_result *out = &r->results->traffic[k];
	struct round_result *round = &out->rounds[out->n_rounds];

	if (r->yardstick)
		warm(r, row, out);
	round->hub = gates_median(r, row, out);
	out->n_rounds++;
	return !r->yardstick || yardsticks_run(r, row, out, round);
}

// --- all of them ---

static struct interval over_rounds(const struct traffic_result *t, size_t member) {
	double v[RESULTS_ROUNDS_MAX];

	for (unsigned i = 0; i < t->n_rounds; i++)
		v[i] = *(const double *)((const char *)&t->rounds[i] + member);
	return interval_f64(v, t->n_rounds);
}

static struct interval ratio(const struct traffic_result *t) {
	double v[RESULTS_ROUNDS_MAX];

	for (unsigned i = 0; i < t->n_rounds; i++)
		v[i] = (t->rounds[i].hub - t->rounds[i].port) / t->rounds[i].limit;
	return interval_f64(v, t->n_rounds);
}

static void traffic_finish(struct traffic_result *t, uint64_t tsc_hz) {
	if (!t->n_rounds || !t->sent)
		return;
	t->cycles = over_rounds(t, offsetof(struct round_result, hub));
	t->port = over_rounds(t, offsetof(struct round_result, port));
	t->limit = over_rounds(t, offsetof(struct round_result, limit));
	t->limit_n = over_rounds(t, offsetof(struct round_result, limit_n));
	if (t->has_limit)
		t->ratio = ratio(t);
	t->mean_inner_bytes /= t->sent;
	if (t->cycles.mid > 0)
		t->mpps = tsc_hz / t->cycles.mid / 1e6;
	t->gbps = t->mpps * t->mean_inner_bytes * 8 / 1e3;
}

static bool rounds_all(struct rounds *r) {
	const struct scenario *s = r->lab->scenario;
	bool ok = true;

	for (uint32_t round = 0; round < s->rounds && ok; round++) {
		for (unsigned k = 0; k < s->n_traffic && ok; k++) {
			lab_progress(r->lab, "round %u of %u: %s", round + 1, s->rounds, s->traffic[k].name);
			ok = round_run(r, k) && !r->lab->interrupted;
		}
	}
	for (unsigned k = 0; k < s->n_traffic; k++)
		traffic_finish(&r->results->traffic[k], r->results->tsc_hz);
	return ok;
}

bool rounds_run(struct lab *lab, struct results *results) {
	const struct scenario *s = lab->scenario;
	struct rounds r = {.lab = lab, .results = results};
	bool failed, ok = false;

	results->registration.replayed = lab->replayed;
	results->registration.reordered = lab->reordered;
	r.traffic = traffic_create(lab, s->packets);
	r.gates = calloc(s->gates, sizeof(*r.gates));
	r.yardstick = yardstick_create(lab, &failed);
	if (r.traffic && r.gates && !failed)
		ok = rounds_all(&r);
	yardstick_free(r.yardstick);
	free(r.gates);
	traffic_free(r.traffic);
	return ok;
}
