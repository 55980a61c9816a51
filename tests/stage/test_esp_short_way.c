// SPDX-License-Identifier: BSD-3-Clause
// What is plain in everything but one thing must not take the hairpin's short way (hairpin.h): owners are there and the
// suite was seen, so that it is open to all that is plain.
//
//   A, B, C ══ ESP ══ wan0 [hub]     tunnel 0: protected, tunnel 3: plain, on the same address
#include "esp.h"
#include "stage.h"

struct pair {
	struct esp_spoke a, b;
};

static struct hub hub;

static int setup(void **state) {
	esp_hub_create(&hub, 1);
	*state = &hub;
	return 0;
}

// A packet of A's in a burst of good ones, all plain enough for the short way but for one thing.
static void refuse_among_good(struct hub *h, struct pair *p, struct frame *bad, enum drop_reason why) {
	struct addr src = esp_host(&p->a.s.lan, 5), dst = esp_host(&p->b.s.lan, 7);
	struct frame f;

	for (unsigned i = 0; i < 8; i++) {
		if (i == 3)
			hub_inject(h, WAN, 0, bad);
		inner_udp(&f, &src, &dst, 36, 64, 0);
		esp_from_spoke(&f, h, &p->a, 0x0800);
		hub_inject(h, WAN, 0, &f);
	}
	hub_poll(h);
	hub_expect_dropped(h, why, 1);
	for (unsigned i = 0; i < 8; i++) {
		inner_udp(&f, &src, &dst, 36, 63, 0);
		esp_expect_sent(h, &p->b, &f, 0x0800, 0);
	}
	hub_expect_nothing_sent();
}

static struct pair pair_warm(struct hub *h) {
	struct esp_how how = {.suite = ESP_AES_GCM_128_16};
	struct pair p;

	p.a = esp_spoke(h, 0, "192.0.2.10", 10, &how);
	p.b = esp_spoke(h, 0, "192.0.2.11", 11, &how);
	for (unsigned i = 0; i < 2; i++) {
		esp_pass(h, &p.a, &p.b, false, 36);
		esp_pass(h, &p.b, &p.a, false, 36);
	}
	return p;
}

// On a number behind those that the burst's good packets will have.
static void data_late(struct hub *h, struct pair *p, struct frame *f, struct addr dst, uint8_t hops) {
	struct addr src = esp_host(&p->a.s.lan, 5);

	inner_udp(f, &src, &dst, 36, hops, 0);
	esp_from_spoke_seq(f, h, &p->a, 0x0800, p->a.up.seq + 20);
	p->a.up.seq += 30;
}

static void test_what_must_not_take_the_short_way(void **state) {
	struct hub *h = *state;
	struct pair p = pair_warm(h);
	struct esp_spoke c = esp_spoke(h, 0, "192.0.2.20", 20, &p.a.how);
	struct frame f;

	esp_pass(h, &p.a, &c, false, 36);
	data_late(h, &p, &f, esp_host(&c.s.lan, 7), 1);
	refuse_among_good(h, &p, &f, DROP_TTL);
	data_late(h, &p, &f, esp_host(&p.a.s.lan, 7), 64);
	refuse_among_good(h, &p, &f, DROP_SAME_SPOKE);
	esp_peer(h, &c)->ready = false;
	data_late(h, &p, &f, esp_host(&c.s.lan, 7), 64);
	refuse_among_good(h, &p, &f, DROP_NOT_REGISTERED);
	esp_peer(h, &c)->ready = true;
	esp_peer(h, &c)->is_protected = false;
	data_late(h, &p, &f, esp_host(&c.s.lan, 7), 64);
	refuse_among_good(h, &p, &f, DROP_CLEAR_ON_PROTECTED);
}

// The tunnel without protection, though its adjacency leads to a peer with SAs, and all else is plain.
static void test_the_short_way_is_for_protected_tunnels(void **state) {
	struct hub *h = *state;
	struct esp_spoke other;
	struct pair p;
	struct frame f;

	hub_tunnel(h, 3, 0, 7, 0);
	p = pair_warm(h);
	other = p.b;
	other.s = hub_spoke_of_peer(h, 3, &p.b.s.nbma, 200, p.b.s.peer);
	for (unsigned i = 0; i < 4; i++) {
		struct esp_spoke from = p.a;
		struct addr dst = esp_host(&other.s.lan, 7);

		from.s.tunnel = 3;
		inner_udp(&f, &p.a.s.protocol, &dst, 36, 64, 0);
		esp_from_spoke_seq(&f, h, &from, 0x0800, ++p.a.up.seq);
		hub_inject(h, WAN, 0, &f);
	}
	hub_poll(h);
	hub_expect_nothing_sent();
	hub_expect_dropped(h, DROP_CLEAR_TUNNEL, 4);
}

// A tunnel that sends GRE checksums sends them for those too that came without (RFC 2784 section 2.2: as configured).
static void test_gre_checksums_are_put_on(void **state) {
	struct hub *h = *state;
	struct pair p = pair_warm(h);
	struct addr src = esp_host(&p.a.s.lan, 5), dst = esp_host(&p.b.s.lan, 7);
	struct frame f;

	for (unsigned i = 0; i < 2; i++) {
		h->fwd.adjs.adjs[p.b.s.adj].gre[0] |= 0x80;
		h->fwd.adjs.adjs[p.b.s.adj].gre_len_bytes = 12;
		memcpy(h->fwd.adjs.adjs[p.b.s.adj].gre + 4, (uint8_t[8]){0, 0, 0, 0, 0, 0, 1001 >> 8, 1001 & 0xff}, 8);
		h->fwd.adjs.adjs[p.b.s.adj].gre_checksum = true;
		inner_udp(&f, &src, &dst, 36, 64, 0);
		esp_from_spoke(&f, h, &p.a, 0x0800);
		h->tunnels[0].checksum = true;
		hub_inject(h, WAN, 0, &f);
		hub_poll(h);
		inner_udp(&f, &src, &dst, 36, 63, 0);
		esp_expect_sent(h, &p.b, &f, 0x0800, 0);
		h->tunnels[0].checksum = false;
		hub_expect_no_drops(h);
	}
}

// SPIs that a configuration or another key manager chose, one of which says no slot at all.
static void test_spis_chosen_elsewhere_take_the_short_way(void **state) {
	const uint32_t spis[] = {256, 1000, 0x12345678, 0xffffffff};
	struct hub *h = *state;
	struct pair p = pair_warm(h);
	struct lcore_counters before, after;

	for (unsigned i = 0; i < RTE_DIM(spis); i++) {
		esp_up_make_foreign(h, &p.a, spis[i]);
		esp_pass(h, &p.a, &p.b, false, 36); // its owner is looked up
		datapath_counters(h->dp, &before);
		esp_pass(h, &p.a, &p.b, false, 36);
		datapath_counters(h->dp, &after);
		assert_int_equal(after.stage_packets[STAGE_HAIRPIN], before.stage_packets[STAGE_HAIRPIN] + 1);
	}
}

#define short_test(f) cmocka_unit_test_setup_teardown(f, setup, stage_teardown)

int main(int argc, char **argv) {
	const struct CMUnitTest tests[] = {
		short_test(test_what_must_not_take_the_short_way),
		short_test(test_the_short_way_is_for_protected_tunnels),
		short_test(test_gre_checksums_are_put_on),
		short_test(test_spis_chosen_elsewhere_take_the_short_way),
	};

	return stage_main(argc, argv) ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
