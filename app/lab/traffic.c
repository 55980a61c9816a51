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
#include "fetch.h"
#include "gre_wire.h"
#include "lab.h"
#include "register.h"
#include "wire.h"

#define BURST 32
#define INNER_MAX 1500
#define STAMP_OFF (sizeof(struct rte_ipv4_hdr) + sizeof(struct rte_udp_hdr))
#define INNER_TTL 64
#define BACKGROUND_IN_FLIGHT 512
#define SETTLE_MS 500
#define AT_LAN UINT32_MAX // instead of a spoke's number

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
	uint64_t random;
	uint32_t gate; // number of the newest
	uint32_t n_sent, n_received; // in this gate
	uint32_t capacity;
	uint64_t total_sent, total_received;
	uint64_t inner_bytes; // of this gate
	bool from_lan;
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

static uint32_t host_of(uint32_t who) {
	return who == AT_LAN ? LAB_LAN_HOST : spoke_lan(who) + 1;
}

static void inner_write(const struct traffic *t, uint8_t *p, const struct stamp *stamp, uint16_t len) {
	struct rte_ipv4_hdr *ip = (struct rte_ipv4_hdr *)p;
	struct rte_udp_hdr *udp = (struct rte_udp_hdr *)(ip + 1);

	*ip = (struct rte_ipv4_hdr){.version_ihl = 0x45,
		.total_length = rte_cpu_to_be_16(len),
		.time_to_live = INNER_TTL,
		.next_proto_id = IPPROTO_UDP,
		.packet_id = rte_cpu_to_be_16(stamp->seq & 0xffff),
		.src_addr = rte_cpu_to_be_32(host_of(stamp->from)),
		.dst_addr = rte_cpu_to_be_32(host_of(stamp->to))};
	ip->hdr_checksum = checksum(ip, sizeof(*ip));
	*udp = (struct rte_udp_hdr){.src_port = rte_cpu_to_be_16(4789),
		.dst_port = rte_cpu_to_be_16(9),
		.dgram_len = rte_cpu_to_be_16(len - sizeof(*ip))};
	memcpy(p + STAMP_OFF, stamp, sizeof(*stamp));
	memcpy(p + STAMP_OFF + sizeof(*stamp), t->payload, len - STAMP_OFF - sizeof(*stamp));
}

// NULL, or what is wrong with an inner packet that spoke rx->spoke (AT_LAN: the LAN) received.
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

void traffic_free(struct traffic *t) {
	if (!t)
		return;
	free(t->sent);
	free(t->frames);
	free(t->spokes);
	free(t);
}

struct traffic *traffic_create(struct lab *lab, uint32_t capacity) {
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
	return t;
}

static void ends_draw(struct traffic *t, const struct scenario_traffic *row, struct sent *sent) {
	uint32_t n = scenario_row_spokes(t->lab->scenario, row), one = random_below(&t->random, n);

	sent->from = row->path == PATH_LAN_TO_SPOKE ? AT_LAN : one;
	if (row->path == PATH_HAIRPIN)
		sent->to = n > 1 ? (one + 1 + random_below(&t->random, n - 1)) % n : 0;
	else
		sent->to = row->path == PATH_LAN_TO_SPOKE ? one : AT_LAN;
	t->spokes[t->n_sent] = one;
}

// Down to its GRE header, or the Ethernet header of the LAN.
static struct rte_mbuf *packet_make(struct traffic *t, const struct scenario_traffic *row) {
	struct rte_mbuf *m = rte_pktmbuf_alloc(t->lab->pool);
	struct sent *sent = &t->sent[t->n_sent];
	struct stamp stamp;

	if (!m)
		return NULL;
	ends_draw(t, row, sent);
	sent->len_bytes = inner_len(row, &t->random);
	sent->seen = false;
	stamp = (struct stamp){t->gate, t->n_sent, sent->from, sent->to};
	inner_write(t, rte_pktmbuf_mtod(m, uint8_t *), &stamp, sent->len_bytes);
	m->data_len = m->pkt_len = sent->len_bytes;
	m->ol_flags = RTE_MBUF_F_RX_IP_CKSUM_GOOD; // of the outer header: what a NIC would say
	if (t->from_lan)
		lan_push(t->lab, m);
	else
		spoke_gre_push(&t->lab->frame, GRE_PROTO_IPV4, m);
	t->inner_bytes += sent->len_bytes;
	t->frames[t->n_sent++] = m;
	return m;
}

uint32_t traffic_make(struct traffic *t, const struct scenario_traffic *row, uint32_t n) {
	t->gate++;
	t->n_sent = t->n_received = 0;
	t->inner_bytes = 0;
	t->from_lan = row->path == PATH_LAN_TO_SPOKE;
	while (t->n_sent < RTE_MIN(n, t->capacity))
		if (!packet_make(t, row))
			break;
	if (!t->from_lan)
		wire_push(t->lab, t->frames, t->spokes, t->n_sent);
	return t->n_sent;
}

static unsigned port_of(const struct traffic *t) {
	return t->from_lan ? LAB_LAN : LAB_WAN;
}

void traffic_fetch(struct traffic *t) {
	fetch_frames(t->lab, port_of(t), t->frames, t->spokes, t->n_sent);
}

void traffic_send(struct traffic *t) {
	uint32_t done = lab_send(t->lab, port_of(t), t->frames, t->spokes, t->n_sent);

	rte_pktmbuf_free_bulk(t->frames + done, t->n_sent - done);
}

uint32_t traffic_received(const struct traffic *t) {
	return t->n_received;
}

uint64_t traffic_inner_bytes(const struct traffic *t) {
	return t->inner_bytes;
}

static void packet_take(
	struct results *results, struct traffic *t, struct registrar *r, const struct spoke_rx *rx, const char *wrong) {
	if (wrong)
		;
	else if (rx->gre_protocol == GRE_PROTO_NHRP && r)
		register_take(r, rx);
	else if (rx->gre_protocol != GRE_PROTO_IPV4 || !t)
		wrong = "a packet that nobody waits for";
	else if (!(wrong = inner_verify(t, rx)))
		t->n_received++;
	if (wrong)
		results_problem(results, rx->spoke, wrong);
}

static unsigned lan_drain(struct lab *lab, struct results *results, struct traffic *t) {
	struct rte_mbuf *frames[BURST];
	unsigned n = lab_receive(lab, LAB_LAN, frames, BURST);

	for (unsigned i = 0; i < n; i++) {
		struct spoke_rx rx = {.spoke = AT_LAN};
		const char *wrong = lan_pull(lab, frames[i], &rx);

		packet_take(results, t, NULL, &rx, wrong);
	}
	rte_pktmbuf_free_bulk(frames, n);
	return n;
}

unsigned traffic_drain(struct lab *lab, struct results *results, struct traffic *t, struct registrar *r) {
	struct rte_mbuf *frames[BURST];
	struct wire_rx rx[BURST];
	unsigned n = lab_receive(lab, LAB_WAN, frames, BURST);

	wire_pull(lab, frames, n, rx);
	for (unsigned i = 0; i < n; i++)
		if (!rx[i].is_replayed)
			packet_take(results, t, r, &rx[i].rx, rx[i].wrong);
	rte_pktmbuf_free_bulk(frames, n);
	return lab->n_ports > LAB_LAN ? n + lan_drain(lab, results, t) : n;
}

unsigned traffic_discard(struct lab *lab) {
	struct rte_mbuf *frames[BURST];
	unsigned total = 0;

	for (unsigned port = 0; port < lab->n_ports; port++) {
		unsigned n = lab_receive(lab, port, frames, BURST);

		rte_pktmbuf_free_bulk(frames, n);
		total += n;
	}
	return total;
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
	t->total_sent += traffic_make(t, &small, 2 * BURST);
	traffic_send(t);
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
