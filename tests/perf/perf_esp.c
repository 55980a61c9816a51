// SPDX-License-Identifier: BSD-3-Clause
// TSC cycles of an ESP hairpin, spoke to spoke, AES-128-GCM: open, GRE, route, GRE, seal, and all between, against the
// limit (limit.h) taken in the same block. Packets are sealed ahead, for random pairs of spokes, and kept apart; for a
// round as many as a ring holds are copied into its mbufs, untimed, then drained in full bursts, each burst timed. A
// block begins with rounds that are not counted, so that SAs are where a hub's are, not where the spokes left them.
// What io forwarding of the same packets costs on the same ports is taken off.
//
//   block: seal ─▶ warm ─▶ timed rounds ─▶ limit ─▶ io forwarding        one figure of each; blocks are interleaved
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include <emmintrin.h>

#include <rte_ethdev.h>
#include <rte_prefetch.h>

#include "composed.h"
#include "crypto_ipsec_mb.h"
#include "crypto_null.h"
#include "esp.h"
#include "esp_frame.h"
#include "limit.h"
#include "measure.h"
#include "sealed.h"
#include "worker.h"

#define ROUND_BURSTS 30 // a ring holds 31; in pairs
#define ROUND_PACKETS (ROUND_BURSTS * BURST_MAX)
#define WARM_PACKETS 24000 // twice the most spokes, and some
#define TIMED_ROUNDS 12
#define BLOCKS_DEFAULT 9
#define BLOCKS_TRIED 4 // times as many at most
#define LIMIT_ROUNDS 3
#define GROWTH_1K 1.25 // 1,000 spokes against one
#define GROWTH_10K 2.5
#define FEW_BOUND 2.0 // a burst of 1 to 4 packets against a full one
#define N_COUNTS 3
#define N_CELLS (N_COUNTS * N_SIZES)

static const unsigned counts[N_COUNTS] = {1, 1000, 10000};
static const char *const sizes[N_SIZES] = {"64", "imix", "1400"};
static const double bounds[N_SIZES][N_COUNTS] = {{1.6, 1.6, 1.7}, {1.4, 1.45, 1.5}, {1.2, 1.25, 1.3}};

static struct hub hub;
static struct rte_mbuf *idle[ROUND_PACKETS]; // between rounds
static struct stored *store;
static const struct esp_crypto_ops *ops = &crypto_ipsec_mb_ops;
static int only = -1; // cell; -1: all

// Not through the caches, which are the hub's.
static void stored_prefetch(const struct stored *s) {
	for (unsigned at = 0; at < s->len + 2u; at += 64)
		rte_prefetch_non_temporal((const uint8_t *)s + at);
}

static void stored_flush(const struct stored *s) {
	for (unsigned at = 0; at < s->len + 2u; at += 64)
		_mm_clflush((const uint8_t *)s + at);
}

static void frame_queue(struct rte_mbuf *m, const struct stored *s) {
	rte_pktmbuf_reset(m);
	m->ol_flags = RTE_MBUF_F_RX_IP_CKSUM_GOOD; // what a NIC says
	memcpy(rte_pktmbuf_append(m, s->len), s->bytes, s->len);
	hub_queue(WAN, 0, m);
}

static void round_queue(const struct stored *s) {
	for (unsigned i = 0; i < ROUND_PACKETS; i++) {
		stored_prefetch(&s[i + 1]);
		frame_queue(idle[i], &s[i]);
		stored_flush(&s[i]);
	}
}

static void round_take_back(void) {
	for (unsigned i = 0; i < ROUND_PACKETS; i++) {
		idle[i] = hub_sent(WAN);
		if (!idle[i]) {
			fprintf(stderr, "%u of %u packets came out\n", i, ROUND_PACKETS);
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

// One figure a poll, which takes a burst or two.
static unsigned round_drain(bool io, double *cycles) {
	struct lcore_ctx *lc = datapath_lcore(hub.dp, 0);
	uint16_t ethdev = hub.fwd.ports[WAN].ethdev;
	unsigned polls = 0;

	for (unsigned done = 0; done < ROUND_PACKETS; polls++) {
		uint64_t t0 = rte_rdtsc_precise(), t1;
		unsigned n = io ? io_poll(ethdev) : worker_poll(lc);

		t1 = rte_rdtsc_precise();
		if (!n)
			exit(2);
		done += n;
		cycles[polls] = (double)(t1 - t0) / n;
	}
	return polls;
}

struct block {
	double disturbed; // yardstick, the worst of the cells
	double product[N_CELLS], io[N_CELLS], limit[N_CELLS], limit_n[N_CELLS], composed[N_CELLS];
};

static struct composed *composed[N_COUNTS];
static struct limit *limits[N_COUNTS][2]; // keys: as many as spokes, and twice that

static double limit_median(struct limit *l, unsigned size) {
	uint16_t texts[N_SIZES];
	double v[LIMIT_ROUNDS];

	for (unsigned i = 0; i < N_SIZES; i++)
		texts[i] = (uint16_t)esp_text_bytes(inner_sizes[i] + GRE_BYTES, 4);
	if (size == 1)
		limit_text_mix(l, texts);
	else
		limit_text(l, texts[size]);
	for (unsigned i = 0; i < LIMIT_ROUNDS; i++) {
		struct limit_cycles c = limit_round(l);

		v[i] = c.open + c.seal;
	}
	return median(v, LIMIT_ROUNDS);
}

static double quiet[N_CELLS]; // least tenth percentile of a block: the machine to itself

static double composed_median(struct composed *c, unsigned size) {
	double v[LIMIT_ROUNDS];

	if (size == 1)
		composed_inner_mix(c, inner_sizes);
	else
		composed_inner(c, inner_sizes[size]);
	for (unsigned i = 0; i < LIMIT_ROUNDS; i++) {
		v[i] = composed_round(c);
		if (v[i] < 0) {
			fprintf(stderr, "the composed hairpin is wrong\n");
			exit(2);
		}
	}
	return median(v, LIMIT_ROUNDS);
}

static unsigned warm_rounds(unsigned count) {
	return count == N_COUNTS - 1 ? WARM_PACKETS / ROUND_PACKETS : 6;
}

static void cell_run(unsigned count, unsigned size, struct block *b) {
	static double cycles[TIMED_ROUNDS * ROUND_BURSTS], unused[ROUND_BURSTS];
	unsigned cell = size * N_COUNTS + count, warm = warm_rounds(count);
	double yard[TIMED_ROUNDS];
	unsigned polls = 0;

	if (only >= 0 && cell != (unsigned)only)
		return;
	store_fill(store, counts[count], size, (warm + TIMED_ROUNDS) * ROUND_PACKETS);
	for (unsigned r = 0; r < warm + TIMED_ROUNDS; r++) {
		round_queue(store + r * ROUND_PACKETS);
		if (r < warm)
			round_drain(false, unused);
		else
			polls += round_drain(false, cycles + polls);
		if (r >= warm)
			yard[r - warm] = yardstick();
		round_take_back();
	}
	b->product[cell] = median(cycles, polls);
	if (!quiet[cell] || cycles[polls / 10] < quiet[cell])
		quiet[cell] = cycles[polls / 10]; // sorted by now
	b->disturbed = RTE_MAX(b->disturbed, median(yard, TIMED_ROUNDS));
	b->limit_n[cell] = limit_median(limits[count][0], size);
	b->limit[cell] = limit_median(limits[count][1], size);
	b->composed[cell] = composed_median(composed[count], size);
	for (unsigned r = 0; r < TIMED_ROUNDS; r++) {
		round_queue(store + r * ROUND_PACKETS);
		round_drain(true, cycles + r * ROUND_BURSTS);
		round_take_back();
	}
	b->io[cell] = median(cycles, TIMED_ROUNDS * ROUND_BURSTS);
}

static void sender_make(unsigned i) {
	static const struct esp_how how = {.suite = ESP_AES_GCM_128_16};
	struct addr nbma = addr_ipv4(0xc6120000 + i); // 198.18.0.0
	char text[ADDR_STRLEN];
	struct esp_spoke es = esp_spoke(&hub, 0, addr_format(&nbma, text), i + 2, &how);
	struct sender *s = &senders[i];

	s->key = aligned_alloc(ESP_KEY_ALIGN, ops->key_bytes(how.suite));
	if (!s->key || ops->key_init(s->key, how.suite, es.up.keys.enc, 16, NULL, 0) < 0)
		exit(2);
	s->spi = es.up.spi;
	s->salt = es.up.keys.salt;
	memcpy(&s->nbma_be, nbma.bytes, 4);
	memcpy(&s->lan_be, es.s.lan.addr.bytes, 4);
	s->lan_be |= RTE_BE32(9);
}

static void hub_fill(void) {
	hub_create(&hub, &(struct hub_conf){.max_spokes = SPOKES_MAX, .crypto = ops, .window = 1024});
	hub_tunnel(&hub, 0, 0, 1001, 0)->is_protected = true;
	for (unsigned i = 0; i < SPOKES_MAX; i++)
		sender_make(i);
	for (unsigned i = 0; i < ROUND_PACKETS; i++) {
		idle[i] = rte_pktmbuf_alloc(hub_rx_pool());
		if (!idle[i])
			exit(2);
	}
	sealed_init(ops);
	store = calloc((warm_rounds(N_COUNTS - 1) + TIMED_ROUNDS) * ROUND_PACKETS + 1, sizeof(*store));
	for (unsigned c = 0; c < N_COUNTS; c++)
		composed[c] = composed_create(counts[c], 1);
	for (unsigned c = 0; c < N_COUNTS; c++)
		for (unsigned k = 0; k < 2; k++)
			limits[c][k] = limit_create(&(struct limit_spec){counts[c] << k, 1, 16, LIMIT_PREFETCH_AHEAD});
	if (!store || !limits[N_COUNTS - 1][1] || !composed[N_COUNTS - 1])
		exit(2);
}

static void stages_print(unsigned count, unsigned size) {
	struct worker *w = worker_of(datapath_lcore(hub.dp, 0));
	struct lcore_counters before, after;
	static struct block unused;

	if (only >= 0 && size * N_COUNTS + count != (unsigned)only)
		return;
	datapath_counters(hub.dp, &before);
	w->accounting = true;
	for (unsigned i = 0; i < 3; i++)
		cell_run(count, size, &unused);
	w->accounting = false;
	datapath_counters(hub.dp, &after);
	printf("inner %s, %u spokes, by stage (mean, TSC read at each border):", sizes[size], counts[count]);
	for (unsigned s = 0; s < STAGE_COUNT; s++) {
		uint64_t cycles = after.stage_cycles[s] - before.stage_cycles[s];

		if (cycles)
			printf(" %s %.1f", stage_name(s),
				(double)cycles /
					(double)(after.stage_packets[STAGE_RX] - before.stage_packets[STAGE_RX]));
	}
	printf("\n");
}

// --- few packets at a time ---

#define FEW_MAX 4
#define FEW_POLLS 900

static double few_run(unsigned k, bool io, const struct stored *s) {
	struct lcore_ctx *lc = datapath_lcore(hub.dp, 0);
	static double cycles[FEW_POLLS];

	for (unsigned p = 0; p < FEW_POLLS; p++) {
		uint64_t t0;

		for (unsigned i = 0; i < k; i++)
			frame_queue(idle[(p * k + i) % ROUND_PACKETS], &s[p * k + i]);
		t0 = rte_rdtsc_precise();
		if ((io ? io_poll(hub.fwd.ports[WAN].ethdev) : worker_poll(lc)) != k)
			exit(2);
		cycles[p] = (double)(rte_rdtsc_precise() - t0) / k;
		for (unsigned i = 0; i < k; i++)
			idle[(p * k + i) % ROUND_PACKETS] = hub_sent(WAN);
	}
	return median(cycles, FEW_POLLS);
}

// One to four packets a poll, against full bursts, the port's share taken off both. With one spoke, so that it is the
// work around a packet that is seen. With many random ones a packet alone waits for each line of its SAs in turn, where
// the packets of a burst wait together: shown, and not judged.
static bool few_print(unsigned count, double bound) {
	static struct block b;
	double full;
	bool ok = true;

	if (only >= 0)
		return true;
	cell_run(count, 0, &b);
	full = b.product[count] - b.io[count]; // cells of 64 bytes come first
	printf("64 bytes, %u spokes, cycles a packet of so many a poll (and times a full burst's %.0f):", counts[count],
		full);
	for (unsigned k = 1; k <= FEW_MAX; k++) {
		double product;

		store_fill(store, counts[count], 0, (FEW_MAX * FEW_POLLS + BURST_MAX) / BURST_MAX * BURST_MAX);
		product = few_run(k, false, store) - few_run(k, true, store);
		printf(" %u: %.0f (%.2f)", k, product, product / full);
		ok &= product / full <= bound;
	}
	printf(bound < INFINITY ? ", at most %.0f times: %s\n" : "\n", bound, ok ? "holds" : "VIOLATED");
	return ok;
}

// Fills blocks with the n least disturbed.
static unsigned measure(struct block *blocks, unsigned n) {
	unsigned tried = 0;

	do {
		struct block *b = &blocks[tried++];

		b->disturbed = 0;
		for (unsigned size = 0; size < N_SIZES; size++)
			for (unsigned count = 0; count < N_COUNTS; count++)
				cell_run(count, size, b);
		qsort(blocks, tried, sizeof(*blocks), by_value);
	} while (tried < n || (tried < BLOCKS_TRIED * n && undisturbed(blocks, sizeof(*blocks), tried) < n));
	return tried;
}

static struct estimate ratio_of(const struct block *blocks, unsigned n, unsigned cell, bool to_n) {
	double *v = malloc(n * sizeof(*v));
	struct estimate e;

	for (unsigned i = 0; i < n; i++) {
		const struct block *b = &blocks[i];

		v[i] = (b->product[cell] - b->io[cell]) / (to_n ? b->limit_n[cell] : b->limit[cell]);
	}
	e = estimate_of(v, n);
	free(v);
	return e;
}

// How much more a cell costs than the same size with one spoke.
static struct estimate growth_of(const struct block *blocks, unsigned n, unsigned size, unsigned count) {
	unsigned one = size * N_COUNTS, cell = one + count;
	double *v = malloc(n * sizeof(*v));
	struct estimate e;

	for (unsigned i = 0; i < n; i++)
		v[i] = (blocks[i].product[cell] - blocks[i].io[cell]) / (blocks[i].product[one] - blocks[i].io[one]);
	e = estimate_of(v, n);
	free(v);
	return e;
}

static double mid_of(const struct block *blocks, unsigned n, size_t offset, unsigned cell) {
	double *v = malloc(n * sizeof(*v)), mid;

	for (unsigned i = 0; i < n; i++)
		v[i] = ((const double *)((const uint8_t *)&blocks[i] + offset))[cell];
	mid = median(v, n);
	free(v);
	return mid;
}

static const char *verdict(struct estimate e, double bound) {
	return e.high <= bound ? "holds" : e.low <= bound ? "unresolved" : "VIOLATED";
}

// Cells that fit the caches are judged. With 10,000 spokes the hub's objects are larger than the share of the cache
// that a tenant has of a shared machine: what they cost follows what the neighbours leave. There the growth is judged.
static bool cell_print(const struct block *blocks, unsigned n, unsigned size, unsigned count) {
	unsigned cell = size * N_COUNTS + count;
	struct estimate e = ratio_of(blocks, n, cell, false), to_n = ratio_of(blocks, n, cell, true);
	bool is_judged = count < N_COUNTS - 1;
	double io = mid_of(blocks, n, offsetof(struct block, io), cell);

	if (only >= 0 && cell != (unsigned)only)
		return true;
	printf("%-5s %6u %8.0f %6.0f %5.0f %6.0f %6.2f [%.2f, %.2f] %6.2f  %-10s%s %7.0f %6.2f %9.0f\n", sizes[size],
		counts[count], mid_of(blocks, n, offsetof(struct block, product), cell) - io, quiet[cell] - io, io,
		mid_of(blocks, n, offsetof(struct block, limit), cell), e.mid, e.low, e.high, bounds[size][count],
		verdict(e, bounds[size][count]), is_judged ? " " : "*",
		mid_of(blocks, n, offsetof(struct block, limit_n), cell), to_n.mid,
		mid_of(blocks, n, offsetof(struct block, composed), cell));
	return !is_judged || e.low <= bounds[size][count];
}

static bool growth_print(const struct block *blocks, unsigned n, unsigned size, unsigned count, double bound) {
	struct estimate e = growth_of(blocks, n, size, count);

	if (only >= 0)
		return true;
	printf("%-5s %6u spokes against 1: %.2f [%.2f, %.2f] times, at most %.2f: %s\n", sizes[size], counts[count],
		e.mid, e.low, e.high, bound, verdict(e, bound));
	return e.low <= bound;
}

// Without hugetlbfs EAL's memory is in small pages: let the kernel make them large.
static int huge(const struct rte_memseg_list *msl, const struct rte_memseg *ms, void *arg) {
	(void)msl, (void)arg;
	madvise(ms->addr, ms->len, MADV_HUGEPAGE);
	return 0;
}

int main(int argc, char **argv) {
	int used = rte_eal_init(argc, argv);
	unsigned n = BLOCKS_DEFAULT, tried;
	struct block *blocks;
	bool ok = true;

	if (used < 0)
		return 2;
	if (argc > used + 1)
		n = RTE_MAX((unsigned)strtoul(argv[used + 1], NULL, 10), 1u);
	if (argc > used + 2 && strcmp(argv[used + 2], "null") == 0)
		ops = &crypto_null_ops;
	if (argc > used + 3)
		only = (int)strtol(argv[used + 3], NULL, 10);
	rte_memseg_walk(huge, NULL);
	hub_ports_create();
	hub_fill();
	rcu_reader_online(hub.fwd.rcu, 0);
	blocks = calloc(BLOCKS_TRIED * n + 1, sizeof(*blocks));
	tried = measure(blocks, n);
	printf("AES-128-GCM, intel-ipsec-mb %s, TSC %.0f MHz; the %u least disturbed of %u blocks\n", limit_library(),
		(double)rte_get_tsc_hz() / 1e6, n, tried);
	printf("inner spokes cycles/p  quiet  port  limit  ratio [95 %%]         bound              limit N  ratio  "
	       "composed\n");
	for (unsigned size = 0; size < N_SIZES; size++)
		for (unsigned count = 0; count < N_COUNTS; count++)
			ok &= cell_print(blocks, n, size, count);
	printf("limit: with the 2 N keys of a hub with N spokes; N: with half of them. * shown, not judged\n");
	for (unsigned size = 0; size < N_SIZES; size++)
		for (unsigned count = 1; count < N_COUNTS; count++)
			ok &= growth_print(blocks, n, size, count, count == 1 ? GROWTH_1K : GROWTH_10K);
	ok &= few_print(0, FEW_BOUND) && few_print(1, INFINITY);
	for (unsigned size = 0; size < N_SIZES; size += 2)
		for (unsigned count = 0; count < N_COUNTS; count++)
			stages_print(count, size);
	rcu_reader_offline(hub.fwd.rcu, 0);
	rte_pktmbuf_free_bulk(idle, ROUND_PACKETS);
	return ok ? 0 : 1;
}
