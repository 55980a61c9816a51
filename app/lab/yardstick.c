// SPDX-License-Identifier: BSD-3-Clause
#include "yardstick.h"

#include <stdio.h>
#include <stdlib.h>

#include <rte_cycles.h>
#include <rte_ethdev.h>
#include <rte_launch.h>
#include <rte_pause.h>
#include <rte_prefetch.h>

#include "eal.h"
#include "esp_frame.h"
#include "interval.h"
#include "lab.h"
#include "limit.h"

#define LIMITS_MAX (2 * SCENARIO_TRAFFIC_MAX)
#define LIMIT_ROUNDS 3 // the median, since one is short enough to be spoilt by whoever else runs
#define BURST 32
#define TUNNEL_BYTES 20

struct forwarder { // written by one worker's lcore
	struct yardstick *owner;
	uint64_t busy_cycles, polls;
	uint16_t queue;
} __attribute__((aligned(64)));

struct yardstick {
	unsigned n_limits;
	uint16_t n_workers;
	uint16_t rx_ethdev, tx_ethdev;
	struct {
		uint32_t n_keys;
		struct limit *limit;
	} limits[LIMITS_MAX];
	struct limit *limit_wanted; // in and out of the worker's lcore
	struct limit_cycles limit_got[LIMIT_ROUNDS];
	struct forwarder forwarders[LAB_QUEUES_MAX];
	volatile uint32_t stop __attribute__((aligned(64)));
};

// --- the limit ---

static bool suite_has_limit(const struct scenario *s) {
	return s->crypto == HUB_CRYPTO_IPSEC_MB && s->spokes.protection >= ESP_AES_GCM_128_16 &&
	       s->spokes.protection <= ESP_AES_GCM_256_8;
}

static struct limit *limit_of(struct yardstick *y, uint32_t n_keys) {
	for (unsigned i = 0; i < y->n_limits; i++)
		if (y->limits[i].n_keys == n_keys)
			return y->limits[i].limit;
	return NULL;
}

static bool limit_add(struct yardstick *y, const struct scenario *s, uint32_t n_keys) {
	struct limit_spec spec = {.n_keys = n_keys,
		.seed = s->seed,
		.key_bytes = esp_suites[s->spokes.protection].enc_key_bytes,
		.prefetch_ahead = LIMIT_PREFETCH_AHEAD};

	if (limit_of(y, n_keys))
		return true;
	y->limits[y->n_limits].n_keys = n_keys;
	y->limits[y->n_limits].limit = limit_create(&spec);
	return y->limits[y->n_limits++].limit != NULL;
}

static bool limits_create(struct yardstick *y, const struct scenario *s) {
	bool ok = true;

	for (unsigned k = 0; k < s->n_traffic && ok; k++) {
		uint32_t n = scenario_row_spokes(s, &s->traffic[k]);

		ok = limit_add(y, s, n) && limit_add(y, s, 2 * n);
	}
	return ok;
}

static void text_set(struct limit *l, const struct lab *lab, const struct scenario_traffic *row) {
	static const uint16_t imix[3] = {64, 594, 1400};
	const struct scenario_spokes *s = &lab->scenario->spokes;
	uint32_t block = esp_suites[s->protection].block_bytes;
	uint32_t in_front = lab->frame.gre_len_bytes + (s->tunnel_mode ? TUNNEL_BYTES : 0);
	uint16_t texts[3];

	for (unsigned i = 0; i < 3; i++)
		texts[i] = (uint16_t)esp_text_bytes(imix[i] + in_front, block);
	if (row->mix == INNER_IMIX)
		limit_text_mix(l, texts);
	else
		limit_text(l, (uint16_t)esp_text_bytes(row->inner_bytes + in_front, block));
}

// What counts of it for a row: towards the LAN nothing is sealed, from there nothing opened.
static double cycles_of(struct limit_cycles c, const struct scenario_traffic *row) {
	if (row->path == PATH_HAIRPIN)
		return c.open + c.seal;
	return row->path == PATH_SPOKE_TO_LAN ? c.open : c.seal;
}

static int limit_main(void *arg) {
	struct yardstick *y = arg;

	for (unsigned i = 0; i < LIMIT_ROUNDS; i++)
		y->limit_got[i] = limit_round(y->limit_wanted);
	return 0;
}

static double limit_run(
	struct yardstick *y, const struct lab *lab, const struct scenario_traffic *row, uint32_t n_keys) {
	double cycles[LIMIT_ROUNDS];

	y->limit_wanted = limit_of(y, n_keys);
	text_set(y->limit_wanted, lab, row);
	rte_eal_remote_launch(limit_main, y, EAL_LCORE_WORKER(0));
	rte_eal_wait_lcore(EAL_LCORE_WORKER(0));
	for (unsigned i = 0; i < LIMIT_ROUNDS; i++)
		cycles[i] = cycles_of(y->limit_got[i], row);
	return median_f64(cycles, LIMIT_ROUNDS);
}

bool yardstick_has_limit(const struct yardstick *y) {
	return y->n_limits > 0;
}

void yardstick_limit(
	struct yardstick *y, const struct lab *lab, const struct scenario_traffic *row, double *n, double *two_n) {
	uint32_t spokes = scenario_row_spokes(lab->scenario, row);

	*n = limit_run(y, lab, row, spokes);
	*two_n = limit_run(y, lab, row, 2 * spokes);
}

// --- the ports ---

static unsigned forward_burst(const struct yardstick *y, uint16_t queue) {
	struct rte_mbuf *pkts[BURST];
	uint16_t n = rte_eth_rx_burst(y->rx_ethdev, queue, pkts, BURST), sent;

	for (unsigned i = 0; i < n; i++)
		rte_prefetch0(pkts[i]);
	for (unsigned i = 0; i < n; i++)
		rte_prefetch0(rte_pktmbuf_mtod(pkts[i], void *));
	for (unsigned i = 0; i < n; i++)
		(*rte_pktmbuf_mtod(pkts[i], uint64_t *))++;
	if (!n)
		return 0;
	sent = rte_eth_tx_burst(y->tx_ethdev, queue, pkts, n);
	rte_pktmbuf_free_bulk(pkts + sent, n - sent);
	return n;
}

static int forward_main(void *arg) {
	struct forwarder *f = arg;
	const struct yardstick *y = f->owner;

	while (!y->stop) {
		uint64_t t = rte_rdtsc();
		unsigned n = forward_burst(y, f->queue);

		if (n)
			__atomic_store_n(&f->busy_cycles, f->busy_cycles + (rte_rdtsc() - t), __ATOMIC_RELAXED);
		else
			rte_pause();
		__atomic_store_n(&f->polls, f->polls + 1, __ATOMIC_RELEASE);
	}
	return 0;
}

void yardstick_port_start(struct yardstick *y, const struct lab *lab, const struct scenario_traffic *row) {
	y->rx_ethdev = lab->ports[row->path == PATH_LAN_TO_SPOKE ? LAB_LAN : LAB_WAN].ethdev;
	y->tx_ethdev = lab->ports[row->path == PATH_SPOKE_TO_LAN ? LAB_LAN : LAB_WAN].ethdev;
	y->stop = 0;
	for (uint16_t w = 0; w < y->n_workers; w++)
		rte_eal_remote_launch(forward_main, &y->forwarders[w], EAL_LCORE_WORKER(w));
}

void yardstick_port_stop(struct yardstick *y) {
	y->stop = 1;
	for (uint16_t w = 0; w < y->n_workers; w++)
		rte_eal_wait_lcore(EAL_LCORE_WORKER(w));
}

uint64_t yardstick_port_cycles(const struct yardstick *y) {
	uint64_t sum = 0;

	for (uint16_t w = 0; w < y->n_workers; w++)
		sum += __atomic_load_n(&y->forwarders[w].busy_cycles, __ATOMIC_RELAXED);
	return sum;
}

uint64_t yardstick_port_polls(const struct yardstick *y, uint16_t worker) {
	return __atomic_load_n(&y->forwarders[worker].polls, __ATOMIC_ACQUIRE);
}

// --- both ---

struct yardstick *yardstick_create(struct lab *lab, bool *failed) {
	const struct scenario *s = lab->scenario;
	struct yardstick *y;

	*failed = false;
	if (!scenario_is_protected(s))
		return NULL;
	y = aligned_alloc(_Alignof(struct yardstick), sizeof(*y));
	if (y)
		*y = (struct yardstick){.n_workers = s->workers};
	for (uint16_t w = 0; y && w < s->workers; w++)
		y->forwarders[w] = (struct forwarder){.owner = y, .queue = w};
	if (y && (!suite_has_limit(s) || limits_create(y, s)))
		return y;
	fprintf(stderr,
		"nave-lab: no memory for the limit's keys, or no AES-GCM of intel-ipsec-mb %s on this machine\n",
		limit_library());
	yardstick_free(y);
	*failed = true;
	return NULL;
}

void yardstick_free(struct yardstick *y) {
	for (unsigned i = 0; y && i < y->n_limits; i++)
		limit_free(y->limits[i].limit);
	free(y);
}
