// SPDX-License-Identifier: BSD-3-Clause
// Registrations per second of the control core, ring to ring: decode, cache, publish, reply. 10,000 spokes register,
// refresh and move to another NBMA address; only control's turns are timed. Prints one line for each; fails below
// 100,000/s.
#include "hub_fixture.h"

#include "clock.h"

#define SPOKES 10000u
#define BATCH 256u
#define ROUNDS 5u
#define WANTED_PER_S 100000.0

struct request {
	uint8_t bytes[256];
	int len;
};

static struct request requests[SPOKES];

static void requests_make(uint32_t nbma) {
	for (uint32_t i = 0; i < SPOKES; i++) {
		struct nhrp_msg msg =
			nhrp_request(NHRP_REGISTRATION_REQUEST, addr_ipv4(0xac100100 + i), addr_ipv4(nbma + i));

		msg.flags = NHRP_FLAG_NAT;
		nhrp_ext_add(&msg, NHRP_EXT_RESPONDER_ADDRESS, true, NULL, 0);
		nhrp_ext_add(&msg, NHRP_EXT_FORWARD_TRANSIT, true, NULL, 0);
		nhrp_ext_add(&msg, NHRP_EXT_REVERSE_TRANSIT, true, NULL, 0);
		requests[i].len = nhrp_msg_encode(&msg, requests[i].bytes, sizeof(requests[i].bytes));
	}
}

// Nanoseconds that control took, or 0 when an answer was missing.
static uint64_t round_ns(uint32_t nbma) {
	uint64_t ns = 0, start_ns;
	struct rte_mbuf *pkts[BATCH];
	unsigned answers = 0;

	for (uint32_t i = 0; i < SPOKES; i += BATCH) {
		uint32_t end = RTE_MIN(i + BATCH, SPOKES), n;

		for (uint32_t j = i; j < end; j++)
			hub_punt(requests[j].bytes, requests[j].len, addr_ipv4(nbma + j));
		start_ns = clock_now_ns();
		control_turn(hub.control, 0);
		ns += clock_now_ns() - start_ns;
		while ((n = hub_answers(pkts, BATCH))) {
			rte_pktmbuf_free_bulk(pkts, n);
			answers += n;
		}
	}
	return answers == SPOKES ? ns : 0;
}

static int phase(const char *name, uint32_t nbma, unsigned rounds, uint32_t step) {
	uint64_t best = UINT64_MAX, sum = 0;

	for (unsigned i = 0; i < rounds; i++, nbma += step) {
		uint64_t ns;

		requests_make(nbma);
		ns = round_ns(nbma);
		if (!ns) {
			printf("%s: answers are missing\n", name);
			return 1;
		}
		best = RTE_MIN(best, ns);
		sum += ns;
	}
	printf("%-10s %9.0f/s mean of %u rounds, %9.0f/s best\n", name, 1e9 * SPOKES * rounds / sum, rounds,
		1e9 * SPOKES / best);
	return 1e9 * SPOKES * rounds / sum < WANTED_PER_S;
}

int main(void) {
	int rc;

	if (hub_eal("t-regperf") < 0 || hub_up("t-regperf", GATEWAY_KNOWN, "") < 0)
		return 1;
	rc = phase("register", 0xc6330000, 1, 0);
	rc |= phase("refresh", 0xc6330000, ROUNDS, 0);
	rc |= phase("move", 0xc6340000, ROUNDS, 0x10000);
	if (nhrp_cache_count(nhrp_ctl_cache(hub.nhrp)) != SPOKES) {
		printf("only %u spokes are registered\n", nhrp_cache_count(nhrp_ctl_cache(hub.nhrp)));
		rc = 1;
	}
	nave_down(&hub);
	nave_eal_cleanup();
	return rc;
}
