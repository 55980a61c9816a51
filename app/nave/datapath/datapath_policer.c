// SPDX-License-Identifier: BSD-3-Clause
#include <rte_cycles.h>
#include <rte_malloc.h>

#include "punt.h"
#include "punt_policer.h"

#define PUNT_RING_MIN 64u
#define PUNT_POOL_MBUFS 12288 // 6,400 in the rings of other classes, 190 in the cache of each lcore, the rest for NHRP
#define PUNT_POOL_WORKERS 8 // so far

// What control can take of each class from one worker, and one sender's part of it relative to the configured rate.
static const struct {
	uint32_t pps;
	uint32_t burst;
	float per_source; // times the configured rate
	uint16_t ring;
} classes[PUNT_CLASSES] = {
	[PUNT_NHRP] = {400000, 16384, 1, 4096},
	[PUNT_IKE] = {50000, 4096, 1, 1024},
	[PUNT_ROUTING] = {100000, 4096, 4, 2048},
	[PUNT_HOST] = {50000, 4096, 1, 1024},
	[PUNT_UNDERLAY] = {20000, 2048, 1, 1024},
	[PUNT_REDIRECT] = {50000, 4096, 1, 1024},
	[PUNT_SA] = {10000, 1024, 0.01f, 1024}, // 10/s a peer: a NAT that moves it more often is of no use
	[PUNT_RESOLVE] = {400, 128, 0.05f, 128}, // each may cost the kernel an entry of its table
};

// An initiator sends a few messages at a time, of a certificate a dozen fragments; behind one address there may be
// thousands. Of a class's rate new initiators get a quarter and those with a cookie half, so that a quarter is left.
static void ike_init(struct ike_policer *p, uint32_t per_source_pps, uint64_t hz) {
	static const unsigned part[IKE_RANKS] = {[IKE_NEW] = 4, [IKE_NEW_WITH_COOKIE] = 2, [IKE_KNOWN] = 1};

	token_bucket_init(&p->one_port, RTE_MAX(per_source_pps / 20, 1u), 64, hz);
	token_bucket_init(&p->one_address, 4ull * per_source_pps, RTE_MAX(per_source_pps / 2, 64u), hz);
	for (unsigned r = 0; r < IKE_RANKS; r++)
		token_bucket_init(
			&p->of_rank[r], classes[PUNT_IKE].pps / part[r], classes[PUNT_IKE].burst / part[r], hz);
}

struct punt_policer *punt_policer_create(uint32_t max_peers, uint32_t per_source_pps) {
	struct punt_policer *p = rte_zmalloc("punt_policer", sizeof(*p), RTE_CACHE_LINE_SIZE);
	uint64_t hz = rte_get_tsc_hz();

	if (!p)
		return NULL;
	p->max_peers = max_peers;
	p->peers = rte_zmalloc("punt_peers", (size_t)max_peers * sizeof(*p->peers), RTE_CACHE_LINE_SIZE);
	p->strangers = rte_zmalloc("punt_strangers", STRANGER_BUCKETS * sizeof(*p->strangers), RTE_CACHE_LINE_SIZE);
	p->ike = rte_zmalloc("punt_ike", sizeof(*p->ike), RTE_CACHE_LINE_SIZE);
	if (!p->peers || !p->strangers || !p->ike) {
		punt_policer_free(p);
		return NULL;
	}
	if (!per_source_pps)
		per_source_pps = PUNT_PER_SOURCE_PPS;
	for (unsigned c = 0; c < PUNT_CLASSES; c++) {
		uint32_t pps = RTE_MAX((uint32_t)(per_source_pps * classes[c].per_source), 1u);

		token_bucket_init(&p->of_class[c], classes[c].pps, classes[c].burst, hz);
		token_bucket_init(&p->per_source[c], pps, RTE_MAX(pps / 4, 32u), hz);
	}
	ike_init(p->ike, per_source_pps, hz);
	// Half of what there is, so that those who are registered always find the other half.
	token_bucket_init(&p->strangers_nhrp, classes[PUNT_NHRP].pps / 2, classes[PUNT_NHRP].burst / 2, hz);
	return p;
}

void punt_policer_free(struct punt_policer *p) {
	if (!p)
		return;
	rte_free(p->ike);
	rte_free(p->strangers);
	rte_free(p->peers);
	rte_free(p);
}

unsigned punt_ring_size(enum punt_class c, uint16_t n_workers) {
	if (c == PUNT_NHRP)
		return classes[c].ring;
	return RTE_MAX(rte_align32prevpow2(classes[c].ring / n_workers), PUNT_RING_MIN);
}

uint32_t punt_pool_size(uint16_t n_workers) {
	return PUNT_POOL_MBUFS + (n_workers > PUNT_POOL_WORKERS ? (n_workers - PUNT_POOL_WORKERS) * 384u : 0);
}
