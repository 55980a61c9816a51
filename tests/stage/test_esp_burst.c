// SPDX-License-Identifier: BSD-3-Clause
// A burst of 32 encrypted packets in which one is bad, at each place, for each reason: the other 31 arrive as they were
// sent, each peer's in order, each decrypted with its own key.
//
//   16 spokes, two packets each, of four suites ══ wan0 [hub] ══ the next spoke
#include "esp.h"
#include "esp_packet.h"
#include "stage.h"

#define SPOKES 16
#define PACKETS 32

static const enum esp_suite suites[] = {
	ESP_AES_GCM_128_16, ESP_AES_GCM_256_16, ESP_CHACHA20_POLY1305, ESP_AES_CBC_128_SHA256_128};

enum fault { FORGED, REPLAYED, CUT, UNKNOWN, DUMMY, FROM_ELSEWHERE, PADDING, CLEAR, FAULTS };

static const enum drop_reason reasons[FAULTS] = {
	[FORGED] = DROP_ESP_ICV,
	[REPLAYED] = DROP_ESP_REPLAY,
	[CUT] = DROP_ESP_MALFORMED,
	[UNKNOWN] = DROP_ESP_UNKNOWN,
	[DUMMY] = DROP_ESP_DUMMY,
	[FROM_ELSEWHERE] = DROP_NOT_PEER,
	[PADDING] = DROP_ESP_MALFORMED,
	[CLEAR] = DROP_CLEAR_ON_PROTECTED,
};

struct scene {
	struct hub h;
	struct esp_spoke spokes[SPOKES];
};

static struct scene scene;

// one_suite: the burst is a single call of the backend.
static struct scene *scene_make(bool one_suite) {
	struct scene *s = &scene;
	char nbma[32];

	esp_hub_create(&s->h, 1);
	for (unsigned i = 0; i < SPOKES; i++) {
		struct esp_how how = {.suite = one_suite ? ESP_AES_GCM_128_16 : suites[i % RTE_DIM(suites)],
			.esn = i & 4,
			.window = 64};

		snprintf(nbma, sizeof(nbma), "192.0.2.%u", 100 + i);
		s->spokes[i] = esp_spoke(&s->h, 0, nbma, 100 + i, &how);
	}
	return s;
}

static void inner(const struct scene *s, struct frame *f, unsigned i, uint8_t hops) {
	struct addr src = esp_host(&s->spokes[i % SPOKES].s.lan, 5),
		    dst = esp_host(&s->spokes[(i + 1) % SPOKES].s.lan, 7);

	inner_udp(f, &src, &dst, 20 + 3 * i, hops, 0);
}

static void bad(const struct scene *s, struct frame *f, unsigned i, enum fault fault) {
	struct esp_spoke from = s->spokes[i % SPOKES];
	struct esp_sa *up = &from.up;
	uint64_t seq = up->seq + 1;

	inner(s, f, i, 64);
	if (fault == CLEAR) {
		from_spoke(f, &s->h, &from.s, 0x0800);
		return;
	}
	if (fault == UNKNOWN)
		up->spi ^= 1u << 31;
	if (fault == FROM_ELSEWHERE)
		from.s.nbma = addr_of("192.0.2.99");
	esp_inside_from_spoke(f, &s->h, &from, 0x0800);
	if (fault == PADDING) {
		frame_esp_trailer(f, (uint8_t)(16 + 14 - f->len % 16), 47);
		frame_bytes(f)[f->len - 3] ^= 0x40;
		esp_seal_text(f, up, seq, NULL);
	} else {
		esp_seal(f, up, fault == REPLAYED ? up->seq : seq, 0, fault == DUMMY ? 59 : 47);
	}
	if (fault == FORGED)
		frame_bytes(f)[f->len - 1] ^= 0x80;
	if (fault == CUT)
		f->len -= 3;
	esp_outer_from_spoke(f, &s->h, &from, 0);
}

static void burst(struct scene *s, unsigned at, enum fault fault) {
	struct frame f;

	for (unsigned i = 0; i < PACKETS; i++) {
		if (i == at) {
			bad(s, &f, i, fault);
			if (fault == DUMMY || fault == PADDING)
				s->spokes[i % SPOKES].up.seq++; // spent
		} else {
			inner(s, &f, i, 64);
			esp_from_spoke(&f, &s->h, &s->spokes[i % SPOKES], 0x0800);
		}
		hub_inject(&s->h, WAN, 0, &f);
	}
	assert_int_equal(datapath_poll_once(s->h.dp, 0), PACKETS);
	for (unsigned i = 0; i < PACKETS; i++) {
		if (i == at)
			continue;
		inner(s, &f, i, 63);
		esp_expect_sent_to(&s->h, &s->spokes[(i + 1) % SPOKES], &f, 0x0800, 0);
	}
	esp_expect_nothing_left();
	if (at < PACKETS)
		hub_expect_dropped(&s->h, reasons[fault], 1);
	else
		hub_expect_no_drops(&s->h);
}

static void one_bad(bool one_suite) {
	struct scene *s = scene_make(one_suite);

	burst(s, PACKETS, FORGED); // none: now every SA has a number that can be replayed
	for (unsigned fault = 0; fault < FAULTS; fault++)
		for (unsigned at = 0; at < PACKETS; at++)
			burst(s, at, fault);
	burst(s, PACKETS, FORGED);
	hub_destroy(&s->h);
}

static void test_one_bad_packet_among_one_suite(void **state) {
	(void)state;
	one_bad(true);
}

static void test_one_bad_packet_among_many_suites(void **state) {
	(void)state;
	one_bad(false);
}

// All bad but one, and all bad.
static void test_one_good_packet(void **state) {
	struct scene *s = scene_make(false);
	struct frame f;

	(void)state;
	for (unsigned at = 0; at <= PACKETS; at++) {
		for (unsigned i = 0; i < PACKETS; i++) {
			if (i == at) {
				inner(s, &f, i, 64);
				esp_from_spoke(&f, &s->h, &s->spokes[i % SPOKES], 0x0800);
			} else {
				bad(s, &f, i, FORGED);
			}
			hub_inject(&s->h, WAN, 0, &f);
		}
		hub_poll(&s->h);
		if (at < PACKETS) {
			inner(s, &f, at, 63);
			esp_expect_sent_to(&s->h, &s->spokes[(at + 1) % SPOKES], &f, 0x0800, 0);
		}
		esp_expect_nothing_left();
		hub_expect_dropped(&s->h, DROP_ESP_ICV, at < PACKETS ? PACKETS - 1 : PACKETS);
	}
	hub_destroy(&s->h);
}

// A peer without an outbound SA in the middle of those that have one.
static void test_one_that_cannot_be_sent(void **state) {
	struct scene *s = scene_make(false);
	struct frame f;

	(void)state;
	for (unsigned gone = 0; gone < SPOKES; gone++) {
		sa_out_at(s->h.fwd.ipsec, s->spokes[gone].s.peer)->is_valid = false;
		for (unsigned i = 0; i < PACKETS; i++) {
			inner(s, &f, i, 64);
			esp_from_spoke(&f, &s->h, &s->spokes[i % SPOKES], 0x0800);
			hub_inject(&s->h, WAN, 0, &f);
		}
		hub_poll(&s->h);
		for (unsigned i = 0; i < PACKETS; i++) {
			if ((i + 1) % SPOKES == gone)
				continue;
			inner(s, &f, i, 63);
			esp_expect_sent_to(&s->h, &s->spokes[(i + 1) % SPOKES], &f, 0x0800, 0);
		}
		esp_expect_nothing_left();
		hub_expect_dropped(&s->h, DROP_NO_SA, PACKETS / SPOKES);
		sa_out_at(s->h.fwd.ipsec, s->spokes[gone].s.peer)->is_valid = true;
	}
	hub_destroy(&s->h);
}

int main(int argc, char **argv) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_bad_packet_among_one_suite),
		cmocka_unit_test(test_one_bad_packet_among_many_suites),
		cmocka_unit_test(test_one_good_packet),
		cmocka_unit_test(test_one_that_cannot_be_sent),
	};

	return stage_main(argc, argv) ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
