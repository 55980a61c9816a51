// SPDX-License-Identifier: BSD-3-Clause
// TSC cycles of a plaintext hairpin, spoke to spoke at 64 bytes inner, against io forwarding on the same ring ports
// that touches one header word of each packet. Rounds are gated: packets are made and queued untimed, then drained in
// full bursts, each burst timed. Rounds of all kinds are interleaved in blocks; a block gives one median of its bursts
// for each kind. Printed is the median over blocks with its 95 % interval (order statistics). Exit 1 when a bound lies
// below the interval.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <rte_cycles.h>
#include <rte_ethdev.h>
#include <rte_ip.h>
#include <rte_prefetch.h>

#include "hub.h"
#include "worker.h"

#define SPOKES_MAX 10000
#define INNER_PAYLOAD 36 // 64 bytes inner
#define ROUND_BURSTS 31 // what a ring holds
#define ROUND_PACKETS (ROUND_BURSTS * BURST_MAX)
#define WARM_ROUNDS 12
#define TIMED_ROUNDS 12
#define BLOCKS_DEFAULT 40
#define BOUND_BEYOND_IO 150.0 // cycles a packet, 1,000 spokes
#define BOUND_SPOKES_RATIO 2.0 // 10,000 spokes against one

enum kind {
	IO,
	PAIR, // one spoke to one other
	SPOKES_1K,
	SPOKES_10K,
	GLEAN_200, // next hops of the tunnel's own subnet
	KINDS
};

static const struct {
	const char *name;
	unsigned n_spokes;
	bool to_protocol; // to the spoke's protocol address instead of its LAN
} kinds[KINDS] = {
	[IO] = {"io forwarding, one word touched", 1000, false},
	[PAIR] = {"hairpin, 1 spoke to 1 other", 2, false},
	[SPOKES_1K] = {"hairpin, 1,000 random spokes", 1000, false},
	[SPOKES_10K] = {"hairpin, 10,000 random spokes", 10000, false},
	[GLEAN_200] = {"hairpin, 200 spokes, next-hop table", 200, true},
};

static struct hub hub;
static struct spoke spokes[SPOKES_MAX];
static struct frame model;
static struct rte_mbuf *idle[ROUND_PACKETS]; // between rounds
static uint64_t seed = 88172645463325252ull;

static uint32_t draw(uint32_t below) {
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (uint32_t)((seed >> 32) * below >> 32);
}

// The model with the addresses of one pair of spokes: outer source, inner source and destination.
static void packet_write(struct rte_mbuf *m, const struct spoke *from, const struct spoke *to, bool to_protocol) {
	const unsigned outer = sizeof(struct rte_ether_hdr), inner = outer + sizeof(struct rte_ipv4_hdr) + 8;
	struct rte_ipv4_hdr *ip;

	rte_pktmbuf_reset(m);
	memcpy(rte_pktmbuf_append(m, model.len), frame_bytes(&model), model.len);
	ip = rte_pktmbuf_mtod_offset(m, struct rte_ipv4_hdr *, outer);
	memcpy(&ip->src_addr, from->nbma.bytes, 4);
	ip->hdr_checksum = 0;
	ip->hdr_checksum = rte_ipv4_cksum(ip);
	ip = rte_pktmbuf_mtod_offset(m, struct rte_ipv4_hdr *, inner);
	memcpy(&ip->src_addr, from->lan.addr.bytes, 4);
	memcpy(&ip->dst_addr, to_protocol ? to->protocol.bytes : to->lan.addr.bytes, 4);
	if (!to_protocol)
		((uint8_t *)&ip->dst_addr)[3] = 9;
	ip->hdr_checksum = 0;
	ip->hdr_checksum = rte_ipv4_cksum(ip);
}

static void round_fill(enum kind k) {
	unsigned n = kinds[k].n_spokes;

	for (unsigned i = 0; i < ROUND_PACKETS; i++) {
		unsigned from = k == PAIR ? 0 : draw(n), to = k == PAIR ? 1 : (from + 1 + draw(n - 1)) % n;

		packet_write(idle[i], &spokes[from], &spokes[to], kinds[k].to_protocol);
		hub_queue(WAN, 0, idle[i]);
	}
}

static void round_take_back(enum kind k) {
	for (unsigned i = 0; i < ROUND_PACKETS; i++) {
		idle[i] = hub_sent(WAN);
		if (!idle[i]) {
			fprintf(stderr, "%s: %u of %u packets came out\n", kinds[k].name, i, ROUND_PACKETS);
			exit(2);
		}
	}
}

static __rte_noinline unsigned io_poll(uint16_t ethdev) {
	struct rte_mbuf *pkts[BURST_MAX];
	uint16_t n = rte_eth_rx_burst(ethdev, 0, pkts, BURST_MAX);

	for (unsigned i = 0; i < n; i++)
		rte_prefetch0(pkts[i]);
	for (unsigned i = 0; i < n; i++)
		rte_prefetch0(rte_pktmbuf_mtod(pkts[i], void *));
	for (unsigned i = 0; i < n; i++)
		(*rte_pktmbuf_mtod(pkts[i], uint64_t *))++;
	return rte_eth_tx_burst(ethdev, 0, pkts, n);
}

static void round_drain(enum kind k, double *cycles) {
	struct lcore_ctx *lc = datapath_lcore(hub.dp, 0);
	uint16_t ethdev = hub.fwd.ports[WAN].ethdev;

	for (unsigned b = 0; b < ROUND_BURSTS; b++) {
		uint64_t t0 = rte_rdtsc_precise(), t1;
		unsigned n = k == IO ? io_poll(ethdev) : worker_poll(lc);

		t1 = rte_rdtsc_precise();
		if (n != BURST_MAX)
			exit(2);
		cycles[b] = (double)(t1 - t0) / BURST_MAX;
	}
}

static int by_value(const void *a, const void *b) {
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *v, unsigned n) {
	qsort(v, n, sizeof(*v), by_value);
	return v[n / 2];
}

static double quiet[KINDS]; // least tenth percentile of a block: the machine to itself

static double block_run(enum kind k) {
	double cycles[TIMED_ROUNDS * ROUND_BURSTS], unused[ROUND_BURSTS];

	for (unsigned r = 0; r < WARM_ROUNDS + TIMED_ROUNDS; r++) {
		round_fill(k);
		round_drain(k, r < WARM_ROUNDS ? unused : cycles + (r - WARM_ROUNDS) * ROUND_BURSTS);
		round_take_back(k);
	}
	qsort(cycles, TIMED_ROUNDS * ROUND_BURSTS, sizeof(*cycles), by_value);
	if (!quiet[k] || cycles[TIMED_ROUNDS * ROUND_BURSTS / 10] < quiet[k])
		quiet[k] = cycles[TIMED_ROUNDS * ROUND_BURSTS / 10];
	return cycles[TIMED_ROUNDS * ROUND_BURSTS / 2];
}

struct estimate {
	double low, mid, high; // 95 % interval of the median
};

static struct estimate estimate_of(const double *values, unsigned n) {
	double *v = malloc(n * sizeof(*v));
	int reach = (int)ceil(0.98 * sqrt(n)), low = (int)n / 2 - reach, high = (int)n / 2 + reach;
	struct estimate e;

	memcpy(v, values, n * sizeof(*v));
	e.mid = median(v, n);
	e.low = v[low < 0 ? 0 : low];
	e.high = v[high >= (int)n ? (int)n - 1 : high];
	free(v);
	return e;
}

static void hub_fill(void) {
	struct addr a, b;

	hub_create(&hub, &(struct hub_conf){.max_spokes = SPOKES_MAX});
	hub_tunnel(&hub, 0, 0, 1001, 0);
	for (unsigned i = 0; i < SPOKES_MAX; i++) {
		struct addr nbma = addr_ipv4(0xc6120000 + i); // 198.18.0.0

		spokes[i] = hub_spoke_at(&hub, 0, &nbma, i + 2);
	}
	a = spokes[0].lan.addr;
	b = spokes[1].lan.addr;
	inner_udp(&model, &a, &b, INNER_PAYLOAD, 64, 0);
	from_spoke(&model, &hub, &spokes[0], 0x0800);
	for (unsigned i = 0; i < ROUND_PACKETS; i++) {
		idle[i] = rte_pktmbuf_alloc(hub_rx_pool());
		if (!idle[i])
			exit(2);
	}
}

static void stages_print(enum kind k) {
	struct worker *w = worker_of(datapath_lcore(hub.dp, 0));
	struct lcore_counters before, after;

	w->accounting = true;
	datapath_counters(hub.dp, &before);
	for (unsigned i = 0; i < 8; i++)
		block_run(k);
	datapath_counters(hub.dp, &after);
	w->accounting = false;
	printf("%s, by stage (mean, TSC read at each border):", kinds[k].name);
	for (unsigned s = 0; s < STAGE_COUNT; s++) {
		uint64_t cycles = after.stage_cycles[s] - before.stage_cycles[s];

		if (cycles)
			printf(" %s %.1f", stage_name(s),
				(double)cycles / (after.stage_packets[STAGE_RX] - before.stage_packets[STAGE_RX]));
	}
	printf("\n");
}

// values[a] op values[b] of each block, estimated.
static struct estimate compare(double *const values[KINDS], enum kind a, enum kind b, bool is_ratio, unsigned n) {
	double *v = malloc(n * sizeof(*v));
	struct estimate e;

	for (unsigned i = 0; i < n; i++)
		v[i] = is_ratio ? values[a][i] / values[b][i] : values[a][i] - values[b][i];
	e = estimate_of(v, n);
	free(v);
	return e;
}

static bool bound_print(const char *what, struct estimate e, double bound) {
	const char *verdict = e.high <= bound ? "holds" : e.low > bound ? "VIOLATED" : "unresolved";

	printf("%-58s %7.2f [%.2f, %.2f], bound %.0f: %s\n", what, e.mid, e.low, e.high, bound, verdict);
	return e.low <= bound;
}

static bool report(double *const values[KINDS], unsigned blocks) {
	bool ok = true;

	printf("%-42s %28s %12s\n", "", "cycles/packet [95 %]", "quiet");
	for (unsigned k = 0; k < KINDS; k++) {
		struct estimate e = estimate_of(values[k], blocks);

		printf("%-42s %8.1f [%7.1f, %7.1f] %10.1f\n", kinds[k].name, e.mid, e.low, e.high, quiet[k]);
	}
	for (unsigned k = PAIR; k < KINDS; k++)
		stages_print(k);
	ok &= bound_print("1,000 spokes beyond io forwarding, cycles", compare(values, SPOKES_1K, IO, false, blocks),
		BOUND_BEYOND_IO);
	ok &= bound_print("10,000 spokes against one, ratio", compare(values, SPOKES_10K, PAIR, true, blocks),
		BOUND_SPOKES_RATIO);
	return ok;
}

int main(int argc, char **argv) {
	int used = rte_eal_init(argc, argv);
	unsigned blocks = BLOCKS_DEFAULT;
	double *values[KINDS];
	bool ok;

	if (used < 0)
		return 2;
	if (argc > used + 1)
		blocks = RTE_MAX(strtoul(argv[used + 1], NULL, 10), 3ul);
	hub_ports_create();
	hub_fill();
	rcu_reader_online(hub.fwd.rcu, 0);
	for (unsigned k = 0; k < KINDS; k++)
		values[k] = calloc(blocks, sizeof(double));
	for (unsigned b = 0; b < blocks; b++)
		for (unsigned k = 0; k < KINDS; k++)
			values[k][b] = block_run(k);
	printf("64 bytes inner, %u blocks of %u bursts each, TSC %.0f MHz\n", blocks, TIMED_ROUNDS * ROUND_BURSTS,
		(double)rte_get_tsc_hz() / 1e6);
	ok = report(values, blocks);
	rcu_reader_offline(hub.fwd.rcu, 0);
	rte_pktmbuf_free_bulk(idle, ROUND_PACKETS);
	hub_destroy(&hub);
	return ok ? 0 : 1;
}
