// SPDX-License-Identifier: BSD-3-Clause
// Nanoseconds of the codec for one registration: decode the request, start the reply as its copy, encode it. Against
// the same with a message that is cleared whole before each decode. Interleaved rounds, medians.
#include "nhrp_msg.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ROUNDS 31u
#define REGISTRATIONS 20000u
#define BOUND_NS 1000 // a tenth of what 100,000 registrations a second leave

struct round {
	double decode, reply, cleared_decode;
};

static uint8_t request[256];
static size_t request_len;
static volatile unsigned sink;

static double now_ns(void) {
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

// What FRR sends: 3, 4, 5 empty, NAT with one CIE, a plaintext string.
static void request_build(void) {
	static const uint8_t auth[] = {0, 0, 0, 1, 'd', 'm', 'v', 'p', 'n', '0', '1'};
	struct nhrp_cie nat = {.nbma = addr_ipv4(0x0a000001), .protocol = addr_ipv4(0), .prefix_len = 32};
	uint8_t value[64];
	struct nhrp_msg m;

	nhrp_msg_init(&m, NHRP_REGISTRATION_REQUEST, ADDR_IPV4, ADDR_IPV4);
	m.hop_count = 1;
	m.flags = NHRP_FLAG_NAT;
	m.src_nbma = addr_ipv4(0x0a00000b);
	m.src_protocol = addr_ipv4(0xac10000b);
	m.dst_protocol = addr_ipv4(0xac100001);
	m.cies[m.n_cies++] = (struct nhrp_cie){.prefix_len = 32, .holding_time_s = 600};
	nhrp_ext_add(&m, NHRP_EXT_FORWARD_TRANSIT, true, NULL, 0);
	nhrp_ext_add(&m, NHRP_EXT_REVERSE_TRANSIT, true, NULL, 0);
	nhrp_ext_add(&m, NHRP_EXT_RESPONDER_ADDRESS, true, NULL, 0);
	nhrp_ext_add(
		&m, NHRP_EXT_NAT_ADDRESS, false, value, (uint16_t)nhrp_cies_encode(&m, &nat, 1, value, sizeof(value)));
	nhrp_ext_add(&m, NHRP_EXT_AUTHENTICATION, true, auth, sizeof(auth));
	request_len = (size_t)nhrp_msg_encode(&m, request, sizeof(request));
}

static void decode_once(struct nhrp_msg *m) {
	if (nhrp_msg_decode(request, request_len, m) != NHRP_ERR_NONE)
		abort();
	sink += m->n_exts;
}

static void reply_once(const struct nhrp_msg *m) {
	struct nhrp_msg reply;
	uint8_t out[256];
	int len;

	nhrp_msg_copy(&reply, m);
	reply.type = NHRP_REGISTRATION_REPLY;
	len = nhrp_msg_encode(&reply, out, sizeof(out));
	if (len < 0)
		abort();
	sink += out[len - 1];
}

static struct round round_run(void) {
	static struct nhrp_msg m;
	struct round r;
	double t = now_ns();

	for (unsigned i = 0; i < REGISTRATIONS; i++)
		decode_once(&m);
	r.decode = (now_ns() - t) / REGISTRATIONS;
	t = now_ns();
	for (unsigned i = 0; i < REGISTRATIONS; i++)
		reply_once(&m);
	r.reply = (now_ns() - t) / REGISTRATIONS;
	t = now_ns();
	for (unsigned i = 0; i < REGISTRATIONS; i++) {
		memset(&m, 0, sizeof(m));
		__asm__ volatile("" : : "r"(&m) : "memory"); // or the compiler would see that it is not needed
		decode_once(&m);
	}
	r.cleared_decode = (now_ns() - t) / REGISTRATIONS;
	return r;
}

static int by_value(const void *a, const void *b) {
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *v) {
	qsort(v, ROUNDS, sizeof(v[0]), by_value);
	return v[ROUNDS / 2];
}

int main(void) {
	double decode[ROUNDS], reply[ROUNDS], cleared[ROUNDS], d, r;

	request_build();
	round_run(); // warms up
	for (unsigned i = 0; i < ROUNDS; i++) {
		struct round round = round_run();

		decode[i] = round.decode;
		reply[i] = round.reply;
		cleared[i] = round.cleared_decode;
	}
	d = median(decode);
	r = median(reply);
	printf("registration of %zu bytes: decode %.0f ns, reply %.0f ns, together %.0f ns (bound %d)\n", request_len,
		d, r, d + r, BOUND_NS);
	printf("decode into a message cleared whole (%zu bytes): %.0f ns\n", sizeof(struct nhrp_msg), median(cleared));
	return d + r > BOUND_NS;
}
