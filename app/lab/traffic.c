// SPDX-License-Identifier: BSD-3-Clause
#include "traffic.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include <rte_byteorder.h>
#include <rte_cycles.h>
#include <rte_ip.h>
#include <rte_udp.h>

#include "checksum.h"
#include "datapath.h"
#include "gre_wire.h"
#include "lab.h"
#include "nave.h"
#include "register.h"

#define BURST 32
#define INNER_MAX 1500
#define STAMP_OFF (sizeof(struct rte_ipv4_hdr) + sizeof(struct rte_udp_hdr))
#define INNER_TTL 64
#define BACKGROUND_IN_FLIGHT 512
#define SETTLE_MS 500

struct stamp { // in each payload: which packet of the gate this is
	uint32_t gate, seq, from, to;
};

struct sent { // what the receiver expects
	uint32_t from, to;
	uint16_t len_bytes;
	bool seen;
};

struct traffic {
	struct lab *lab;
	struct spoke_frame frame;
	uint64_t random;
	uint32_t gate; // number of the newest
	uint32_t n_sent, n_received; // in this gate
	uint32_t capacity;
	uint64_t total_sent, total_received;
	struct sent *sent; // [capacity]
	struct rte_mbuf **frames; // [capacity]
	uint32_t *spokes; // [capacity]
	uint8_t payload[INNER_MAX];
};

static uint64_t random_next(uint64_t *state) { // xorshift64*, Vigna 2014
	uint64_t x = *state;

	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	*state = x;
	return x * 0x2545f4914f6cdd1dull;
}

static uint32_t random_below(uint64_t *state, uint32_t n) {
	return ((random_next(state) >> 32) * n) >> 32;
}

static uint16_t inner_len(const struct scenario_traffic *mix, uint64_t *random) {
	uint32_t k;

	if (mix->mix == INNER_FIXED)
		return mix->inner_bytes;
	k = random_below(random, 12);
	return k < 7 ? 64 : k < 11 ? 594 : 1400;
}

static void inner_write(const struct traffic *t, uint8_t *p, const struct stamp *stamp, uint16_t len) {
	struct rte_ipv4_hdr *ip = (struct rte_ipv4_hdr *)p;
	struct rte_udp_hdr *udp = (struct rte_udp_hdr *)(ip + 1);

	*ip = (struct rte_ipv4_hdr){.version_ihl = 0x45,
		.total_length = rte_cpu_to_be_16(len),
		.time_to_live = INNER_TTL,
		.next_proto_id = IPPROTO_UDP,
		.packet_id = rte_cpu_to_be_16(stamp->seq & 0xffff),
		.src_addr = rte_cpu_to_be_32(spoke_lan(stamp->from) + 1),
		.dst_addr = rte_cpu_to_be_32(spoke_lan(stamp->to) + 1)};
	ip->hdr_checksum = checksum(ip, sizeof(*ip));
	*udp = (struct rte_udp_hdr){.src_port = rte_cpu_to_be_16(4789),
		.dst_port = rte_cpu_to_be_16(9),
		.dgram_len = rte_cpu_to_be_16(len - sizeof(*ip))};
	memcpy(p + STAMP_OFF, stamp, sizeof(*stamp));
	memcpy(p + STAMP_OFF + sizeof(*stamp), t->payload, len - STAMP_OFF - sizeof(*stamp));
}

// NULL, or what is wrong with an inner packet that spoke rx->spoke received.
static const char *inner_verify(struct traffic *t, const struct spoke_rx *rx) {
	const struct rte_ipv4_hdr *ip = (const struct rte_ipv4_hdr *)rx->inner;
	uint8_t expected[INNER_MAX];
	struct stamp stamp;
	struct sent *sent;

	if (rx->inner_len_bytes < STAMP_OFF + sizeof(stamp))
		return "inner packet shorter than any that was sent";
	memcpy(&stamp, rx->inner + STAMP_OFF, sizeof(stamp));
	if (stamp.gate != t->gate || stamp.seq >= t->n_sent)
		return "inner packet that was not sent in this gate";
	sent = &t->sent[stamp.seq];
	if (sent->seen)
		return "inner packet received twice";
	if (rx->spoke != sent->to)
		return "inner packet for another spoke";
	if (rx->inner_len_bytes != sent->len_bytes)
		return "inner packet of another length";
	if (ip->time_to_live != INNER_TTL - 1 || checksum(ip, sizeof(*ip)))
		return "inner TTL not one less, or inner checksum wrong";
	stamp = (struct stamp){t->gate, stamp.seq, sent->from, sent->to};
	inner_write(t, expected, &stamp, sent->len_bytes);
	((struct rte_ipv4_hdr *)expected)->time_to_live = ip->time_to_live;
	((struct rte_ipv4_hdr *)expected)->hdr_checksum = ip->hdr_checksum;
	if (memcmp(expected, rx->inner, sent->len_bytes) != 0)
		return "inner bytes differ from those sent";
	sent->seen = true;
	return NULL;
}

static void traffic_free(struct traffic *t) {
	free(t->sent);
	free(t->frames);
	free(t->spokes);
	free(t);
}

static struct traffic *traffic_create(struct lab *lab, uint32_t capacity) {
	struct traffic *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->lab = lab;
	t->capacity = capacity;
	t->random = lab->scenario->seed * 0x9e3779b97f4a7c15ull | 1;
	t->sent = calloc(capacity, sizeof(*t->sent));
	t->frames = calloc(capacity, sizeof(struct rte_mbuf *));
	t->spokes = calloc(capacity, sizeof(*t->spokes));
	if (!t->sent || !t->frames || !t->spokes) {
		traffic_free(t);
		return NULL;
	}
	for (unsigned i = 0; i < sizeof(t->payload); i++)
		t->payload[i] = random_next(&t->random) >> 56;
	spoke_frame_init(&t->frame, &lab->scenario->spokes, lab->hub_mac);
	return t;
}

// Makes one packet between a random pair of the first n spokes.
static struct rte_mbuf *packet_make(struct traffic *t, const struct scenario_traffic *mix, uint32_t n_spokes) {
	struct rte_mbuf *m = rte_pktmbuf_alloc(t->lab->pool);
	struct sent *sent = &t->sent[t->n_sent];
	struct stamp stamp;

	if (!m)
		return NULL;
	sent->from = random_below(&t->random, n_spokes);
	sent->to = n_spokes > 1 ? (sent->from + 1 + random_below(&t->random, n_spokes - 1)) % n_spokes : 0;
	sent->len_bytes = inner_len(mix, &t->random);
	sent->seen = false;
	stamp = (struct stamp){t->gate, t->n_sent, sent->from, sent->to};
	inner_write(t, rte_pktmbuf_mtod(m, uint8_t *), &stamp, sent->len_bytes);
	m->data_len = m->pkt_len = sent->len_bytes;
	if (spoke_encap(&t->frame, sent->from, GRE_PROTO_IPV4, m) < 0) {
		rte_pktmbuf_free(m);
		return NULL;
	}
	t->spokes[t->n_sent] = sent->from;
	t->frames[t->n_sent++] = m;
	return m;
}

unsigned traffic_drain(struct lab *lab, struct results *results, struct traffic *t, struct registrar *r) {
	struct rte_mbuf *frames[BURST];
	unsigned n = lab_receive(lab, frames, BURST);
	struct spoke_frame own;
	const struct spoke_frame *frame = t ? &t->frame : &own;

	if (!t)
		spoke_frame_init(&own, &lab->scenario->spokes, lab->hub_mac);
	for (unsigned i = 0; i < n; i++) {
		struct spoke_rx rx = {.spoke = UINT32_MAX};
		const char *wrong = spoke_decap(frame, &lab->scenario->spokes, frames[i], &rx);

		if (wrong)
			;
		else if (rx.gre_protocol == GRE_PROTO_NHRP && r)
			register_take(r, &rx);
		else if (rx.gre_protocol != GRE_PROTO_IPV4 || !t)
			wrong = "a packet that nobody waits for";
		else if (!(wrong = inner_verify(t, &rx)))
			t->n_received++;
		if (wrong)
			results_problem(results, rx.spoke, wrong);
		rte_pktmbuf_free(frames[i]);
	}
	return n;
}

static uint64_t busy_cycles(const struct lab *lab) {
	uint64_t sum = 0;

	for (uint16_t w = 0; w < lab->scenario->workers; w++)
		sum += __atomic_load_n(
			&datapath_lcore(lab->nave->datapath, w)->counters->busy_cycles, __ATOMIC_RELAXED);
	return sum;
}

static uint64_t polls(const struct lab *lab, uint16_t w) {
	return __atomic_load_n(&datapath_lcore(lab->nave->datapath, w)->counters->polls, __ATOMIC_RELAXED);
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

static unsigned from_hub_count(const struct lab *lab) {
	unsigned n = 0;

	for (uint16_t q = 0; q < lab->n_queues; q++)
		n += rte_ring_count(lab->from_hub[q]);
	return n;
}

// Waits until the worker has sent (or dropped) the gate and has written its counters: two more polls begun.
static void gate_wait(struct lab *lab, uint32_t n, uint64_t drops_before) {
	uint64_t end = rte_rdtsc() + rte_get_tsc_hz() * SETTLE_MS / 1000,
		 look_at_drops = rte_rdtsc() + rte_get_tsc_hz() / 200;

	while (from_hub_count(lab) < n && rte_rdtsc() < end) {
		if (rte_rdtsc() > look_at_drops) {
			if (from_hub_count(lab) + (drops(lab) - drops_before) >= n)
				break;
			look_at_drops = rte_rdtsc() + rte_get_tsc_hz() / 200;
		}
		rte_pause();
	}
	for (uint16_t w = 0; w < lab->scenario->workers; w++)
		for (uint64_t p = polls(lab, w); polls(lab, w) < p + 2 && rte_rdtsc() < end;)
			rte_pause();
}

// One gate; returns the worker's cycles per packet, 0 when nothing came back.
static double gate_run(
	struct traffic *t, const struct scenario_traffic *mix, struct results *results, struct traffic_result *out) {
	struct lab *lab = t->lab;
	uint32_t n_spokes = mix->spokes ? mix->spokes : lab->scenario->spokes.count;
	uint64_t wrong = results->wrong_frames, drops_before = drops(lab), busy, end;

	t->gate++;
	t->n_sent = t->n_received = 0;
	while (t->n_sent < lab->scenario->packets)
		if (!packet_make(t, mix, n_spokes))
			break;
	for (uint32_t i = 0; i < t->n_sent; i++)
		out->mean_inner_bytes += t->sent[i].len_bytes;
	out->sent += t->n_sent;
	busy = busy_cycles(lab);
	for (uint32_t done = lab_send(lab, t->frames, t->spokes, t->n_sent); done < t->n_sent; done++)
		rte_pktmbuf_free(t->frames[done]); // lost: the ring is sized so that this does not happen
	gate_wait(lab, t->n_sent, drops_before);
	busy = busy_cycles(lab) - busy;
	end = rte_rdtsc() + rte_get_tsc_hz() / 100;
	while (traffic_drain(lab, results, t, NULL) || (t->n_received < t->n_sent && rte_rdtsc() < end))
		;
	out->received += t->n_received;
	out->corrupt += results->wrong_frames - wrong;
	out->lost += t->n_sent - t->n_received;
	out->named_drops += drops(lab) - drops_before;
	return t->n_received ? (double)busy / t->n_received : 0;
}

static void traffic_finish(struct traffic_result *r, uint64_t tsc_hz) {
	double v[RESULTS_ROUNDS_MAX];

	if (!r->n_rounds || !r->sent)
		return;
	memcpy(v, r->rounds, sizeof(v));
	r->cycles_per_packet = median_f64(v, r->n_rounds);
	r->mean_inner_bytes /= r->sent;
	if (r->cycles_per_packet > 0)
		r->mpps = tsc_hz / r->cycles_per_packet / 1e6;
	r->gbps = r->mpps * r->mean_inner_bytes * 8 / 1e3;
}

bool traffic_run(struct lab *lab, struct results *results) {
	const struct scenario *s = lab->scenario;
	struct traffic *t = traffic_create(lab, s->packets);
	double *gates = calloc(s->gates, sizeof(*gates));

	if (!t || !gates)
		goto out;
	for (uint32_t round = 0; round < s->rounds && !lab->interrupted; round++) {
		for (unsigned k = 0; k < s->n_traffic && !lab->interrupted; k++) {
			struct traffic_result *r = &results->traffic[k];

			lab_progress(lab, "round %u of %u: %s", round + 1, s->rounds, s->traffic[k].name);
			for (uint32_t g = 0; g < s->gates; g++) {
				gates[g] = gate_run(t, &s->traffic[k], results, r);
				sched_yield(); // control may share this CPU
			}
			if (r->n_rounds < RESULTS_ROUNDS_MAX)
				r->rounds[r->n_rounds++] = median_f64(gates, s->gates);
		}
	}
	for (unsigned k = 0; k < s->n_traffic; k++)
		traffic_finish(&results->traffic[k], results->tsc_hz);
out:
	free(gates);
	if (!t)
		return false;
	traffic_free(t);
	return gates != NULL && !lab->interrupted;
}

struct traffic *traffic_background_create(struct lab *lab) {
	struct traffic *t = traffic_create(lab, BACKGROUND_IN_FLIGHT);

	if (t)
		t->gate = 1u << 31; // apart from the numbers of gated rounds
	return t;
}

// A new gate as soon as the last one is back; each of a few bursts.
void traffic_background_send(struct traffic *t) {
	static const struct scenario_traffic small = {.mix = INNER_FIXED, .inner_bytes = 64};

	if (t->n_received < t->n_sent)
		return;
	t->total_received += t->n_received;
	t->gate++;
	t->n_sent = t->n_received = 0;
	while (t->n_sent < 2 * BURST)
		if (!packet_make(t, &small, t->lab->scenario->spokes.count))
			break;
	t->total_sent += t->n_sent;
	for (uint32_t done = lab_send(t->lab, t->frames, t->spokes, t->n_sent); done < t->n_sent; done++)
		rte_pktmbuf_free(t->frames[done]);
}

void traffic_background_finish(struct traffic *t, struct results *results, uint64_t *sent, uint64_t *lost) {
	uint64_t end = rte_rdtsc() + rte_get_tsc_hz() * SETTLE_MS / 1000;

	while (t->n_received < t->n_sent && rte_rdtsc() < end)
		if (!traffic_drain(t->lab, results, t, NULL))
			sched_yield();
	t->total_received += t->n_received;
	*sent = t->total_sent;
	*lost = t->total_sent - t->total_received;
	traffic_free(t);
}
