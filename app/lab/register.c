// SPDX-License-Identifier: BSD-3-Clause
// Registration of all spokes, and their refreshes while traffic runs.
#include "register.h"

#include <stdlib.h>

#include <sched.h>

#include <rte_cycles.h>
#include <rte_mbuf.h>

#include "gre_wire.h"
#include "lab.h"
#include "nhrp_msg.h"
#include "traffic.h"
#include "wire.h"

#define BURST 32
#define RETRY_MS 500
#define GIVE_UP_S 30

struct registrar {
	struct lab *lab;
	struct results *results;
	uint64_t retry_tsc, started_tsc;
	uint32_t next, in_flight, done; // of this round
	bool first_round;
};

static struct rte_mbuf *request_frame(struct registrar *r, uint32_t i) {
	struct rte_mbuf *m = rte_pktmbuf_alloc(r->lab->pool);
	int n;

	if (!m)
		return NULL;
	n = spoke_registration_request(&r->lab->scenario->spokes, i, r->lab->spokes[i].request_id,
		rte_pktmbuf_mtod(m, uint8_t *), rte_pktmbuf_tailroom(m));
	if (n < 0) {
		rte_pktmbuf_free(m);
		return NULL;
	}
	m->data_len = m->pkt_len = n;
	spoke_gre_push(&r->lab->frame, GRE_PROTO_NHRP, m);
	wire_push(r->lab, &m, &i, 1);
	return m;
}

static void send_request(struct registrar *r, uint32_t i) {
	struct rte_mbuf *m = request_frame(r, i);
	uint32_t spoke = i;

	if (!m)
		return; // the retry comes
	if (lab_send(r->lab, LAB_WAN, &m, &spoke, 1) != 1)
		rte_pktmbuf_free(m);
}

static void fill_window(struct registrar *r) {
	const struct scenario *s = r->lab->scenario;

	for (unsigned n = 0; n < BURST && r->in_flight < s->registration.window && r->next < s->spokes.count; n++) {
		struct spoke *sp = &r->lab->spokes[r->next];

		sp->request_id++;
		sp->state = SPOKE_REGISTERING;
		sp->sent_tsc = rte_rdtsc();
		send_request(r, r->next++);
		r->in_flight++;
	}
}

static void retry_overdue(struct registrar *r) {
	uint64_t now = rte_rdtsc();

	for (uint32_t i = 0; i < r->next; i++) {
		struct spoke *sp = &r->lab->spokes[i];

		if (sp->state == SPOKE_REGISTERING && now - sp->sent_tsc > r->retry_tsc) {
			sp->sent_tsc = now; // the same request id: section 5.2.0.1
			sp->retries++;
			r->results->registration.retries++;
			send_request(r, i);
		}
	}
}

void register_take(struct registrar *r, const struct spoke_rx *rx) {
	static struct nhrp_msg msg;
	struct spoke *sp = &r->lab->spokes[rx->spoke];
	enum nhrp_decode_error e = nhrp_msg_decode(rx->inner, rx->inner_len_bytes, &msg);
	const char *wrong;

	if (e != NHRP_ERR_NONE) {
		results_problem(r->results, rx->spoke, nhrp_decode_error_help(e));
		return;
	}
	if (sp->state != SPOKE_REGISTERING)
		return; // the answer to a retry whose first answer was late
	wrong = spoke_registration_reply(sp, rx->spoke, &msg);
	if (wrong) {
		results_problem(r->results, rx->spoke, wrong);
		return;
	}
	if (r->first_round) {
		sp->latency_us = (rte_rdtsc() - sp->sent_tsc) * 1000000 / rte_get_tsc_hz();
		if (sp->state == SPOKE_UP)
			r->results->registration.registered++;
		else
			r->results->registration.refused++;
	} else {
		r->results->registration.refreshes++;
	}
	r->in_flight--;
	r->done++;
}

static bool round_run(struct registrar *r, struct traffic *background) {
	const struct scenario *s = r->lab->scenario;
	uint64_t hz = rte_get_tsc_hz(), retry_at = rte_rdtsc() + r->retry_tsc, give_up = rte_rdtsc() + GIVE_UP_S * hz;
	uint64_t progress_at = 0;

	r->next = r->in_flight = r->done = 0;
	while (r->done < s->spokes.count && !r->lab->interrupted) {
		uint64_t now = rte_rdtsc();

		fill_window(r);
		if (background)
			traffic_background_send(background);
		if (!traffic_drain(r->lab, r->results, background, r))
			sched_yield(); // control may share this CPU
		if (now > retry_at) {
			retry_overdue(r);
			retry_at = now + r->retry_tsc;
		}
		if (now > progress_at) {
			lab_progress(r->lab, "%s %u of %u", r->first_round ? "registered" : "refreshed", r->done,
				s->spokes.count);
			progress_at = now + hz / 10;
		}
		if (now > give_up)
			return false;
	}
	return !r->lab->interrupted;
}

static int compare_u32(const void *a, const void *b) {
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static void latencies(struct lab *lab, struct registration_result *out) {
	uint32_t n = 0, *v = calloc(lab->scenario->spokes.count, sizeof(*v));

	if (!v)
		return;
	for (uint32_t i = 0; i < lab->scenario->spokes.count; i++)
		if (lab->spokes[i].state == SPOKE_UP)
			v[n++] = lab->spokes[i].latency_us;
	qsort(v, n, sizeof(*v), compare_u32);
	if (n) {
		out->p50_us = v[n / 2];
		out->p99_us = v[(uint64_t)n * 99 / 100];
		out->max_us = v[n - 1];
	}
	free(v);
}

bool register_all(struct lab *lab, struct results *results) {
	struct registration_result *out = &results->registration;
	struct registrar r = {
		.lab = lab, .results = results, .first_round = true, .retry_tsc = rte_get_tsc_hz() * RETRY_MS / 1000};
	uint64_t t0 = rte_rdtsc();
	bool ok;

	ok = round_run(&r, NULL);
	out->per_second = r.done / ((double)(rte_rdtsc() - t0) / rte_get_tsc_hz());
	latencies(lab, out);
	return ok && out->registered == lab->scenario->spokes.count;
}

static double control_seconds(const struct lab *lab) {
	struct timespec t = {0};

	clock_gettime(lab->control_clock, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

bool register_refresh(struct lab *lab, struct results *results) {
	const struct scenario *s = lab->scenario;
	struct registration_result *out = &results->registration;
	struct registrar r = {.lab = lab, .results = results, .retry_tsc = rte_get_tsc_hz() * RETRY_MS / 1000};
	struct traffic *background = NULL;
	uint64_t t0 = rte_rdtsc();
	double control = control_seconds(lab);
	bool ok = true;

	if (!s->registration.refresh_rounds)
		return true;
	if (s->registration.with_traffic && !(background = traffic_background_create(lab)))
		return false;
	for (uint32_t i = 0; i < s->registration.refresh_rounds && ok; i++)
		ok = round_run(&r, background);
	out->refresh_per_control_second = (double)out->refreshes / (control_seconds(lab) - control);
	out->refresh_per_second = out->refreshes / ((double)(rte_rdtsc() - t0) / rte_get_tsc_hz());
	if (background)
		traffic_background_finish(background, results, &out->traffic_sent, &out->traffic_lost);
	return ok;
}
