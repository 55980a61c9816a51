// SPDX-License-Identifier: BSD-3-Clause
// Registrations a second that the NHS alone can serve: decode, nhs_receive, encode, for 10,000 spokes in random order.
// Rounds of "new" (empty cache) and "refresh" (same spokes again) alternate; medians are printed.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "nhs.h"

#define SPOKES 10000
#define ROUNDS 15
#define PACKET_MAX 160

struct spoke {
	struct addr nbma;
	uint16_t len_bytes;
	uint8_t bytes[PACKET_MAX];
};

static struct spoke spokes[SPOKES];
static struct nhs_config conf;
static const char secret[] = "dmvpn01";

static void conf_init(void) {
	struct addr net = addr_ipv4(0xac100000);

	conf.tunnel = 1;
	conf.nbma = addr_ipv4(0x0a000001);
	conf.protocol[0] = addr_ipv4(0xac100001);
	conf.subnet[0] = prefix_of(&net, 16);
	conf.holding_time_s = 7200;
	conf.mtu = 1400;
	conf.multicast_dynamic = true;
	memcpy(conf.authentication, secret, sizeof(secret));
}

// As FRR registers: one CIE without addresses, extensions 4, 5, 3 and authentication.
static int spoke_init(struct spoke *s, uint32_t i) {
	static const uint8_t auth[] = {0, 0, 0, 1, 'd', 'm', 'v', 'p', 'n', '0', '1'};
	struct nhrp_msg m;
	int len;

	s->nbma = addr_ipv4(0x0b000000 + i);
	nhrp_msg_init(&m, NHRP_REGISTRATION_REQUEST, ADDR_IPV4, ADDR_IPV4);
	m.hop_count = 1;
	m.request_id = i;
	m.flags = NHRP_REGISTRATION_U | NHRP_FLAG_NAT;
	m.src_nbma = s->nbma;
	m.src_protocol = addr_ipv4(0xac100002 + i);
	m.dst_protocol = conf.protocol[0];
	m.cies[m.n_cies++] = (struct nhrp_cie){.prefix_len = 0xff, .holding_time_s = 7200};
	nhrp_ext_add(&m, NHRP_EXT_FORWARD_TRANSIT, true, NULL, 0);
	nhrp_ext_add(&m, NHRP_EXT_REVERSE_TRANSIT, true, NULL, 0);
	nhrp_ext_add(&m, NHRP_EXT_RESPONDER_ADDRESS, true, NULL, 0);
	nhrp_ext_add(&m, NHRP_EXT_AUTHENTICATION, true, auth, sizeof(auth));
	len = nhrp_msg_encode(&m, s->bytes, sizeof(s->bytes));
	s->len_bytes = (uint16_t)len;
	return len;
}

static void shuffle(void) {
	for (uint32_t i = SPOKES - 1; i > 0; i--) {
		uint32_t k = (uint32_t)rand() % (i + 1);
		struct spoke t = spokes[i];

		spokes[i] = spokes[k];
		spokes[k] = t;
	}
}

// Returns nanoseconds, or 0 when a reply was not the one expected.
static uint64_t round_run(struct nhs *n, uint64_t now_ns, enum nhs_change_kind expected) {
	static struct nhs_result out;
	static struct nhrp_msg m;
	uint8_t reply[NHRP_PACKET_MAX];
	uint64_t start = clock_now_ns();

	for (uint32_t i = 0; i < SPOKES; i++) {
		const struct spoke *s = &spokes[i];
		const struct nhs_source src = {.nbma = s->nbma};

		if (nhrp_msg_decode(s->bytes, s->len_bytes, &m) != NHRP_ERR_NONE)
			return 0;
		nhs_receive(n, &conf, &m, s->bytes, s->len_bytes, &src, now_ns, &out);
		if (!out.send || out.n_changes != 1 || out.changes[0].kind != expected || out.reply.cies[0].code != 0)
			return 0;
		if (nhrp_msg_encode(&out.reply, reply, sizeof(reply)) <= 0)
			return 0;
	}
	return clock_now_ns() - start;
}

static int by_value(const void *a, const void *b) {
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static void report(const char *name, uint64_t *ns) {
	qsort(ns, ROUNDS, sizeof(*ns), by_value);
	printf("%-8s %6.0f ns a registration, %7.0f registrations/s (median of %d rounds of %d spokes; best %.0f ns)\n",
		name, (double)ns[ROUNDS / 2] / SPOKES, SPOKES * 1e9 / (double)ns[ROUNDS / 2], ROUNDS, SPOKES,
		(double)ns[0] / SPOKES);
}

int main(void) {
	uint64_t fresh[ROUNDS], again[ROUNDS];
	struct nhs n;

	conf_init();
	srand(1);
	for (uint32_t i = 0; i < SPOKES; i++)
		if (spoke_init(&spokes[i], i) < 0)
			return 1;
	for (unsigned r = 0; r < ROUNDS; r++) {
		if (nhs_init(&n, 65536, NS_PER_S) < 0)
			return 1;
		shuffle();
		fresh[r] = round_run(&n, NS_PER_S, NHS_ADDED);
		shuffle();
		again[r] = round_run(&n, 2400 * NS_PER_S, NHS_REFRESHED);
		if (!fresh[r] || !again[r] || nhrp_cache_count(n.cache) != SPOKES)
			return 1;
		if (r == 0)
			printf("memory   %llu bytes a binding\n",
				(unsigned long long)nhrp_cache_bytes(n.cache) / 65536);
		nhs_fini(&n);
	}
	report("new", fresh);
	report("refresh", again);
	return 0;
}
