// SPDX-License-Identifier: BSD-3-Clause
// Tunnel mode: the IP header between ESP and GRE says from whom to whom, and must be right.
//
//   A ══ wan0 [hub] ══ B     tunnel 0; only A has an inbound SA
#include "esp.h"
#include "stage.h"

struct scene {
	struct hub h;
	struct esp_spoke a, b;
	bool is_made;
};

static struct scene scene;

static struct scene *scene_make(const struct esp_how *how) {
	struct scene *s = &scene;

	esp_hub_create(&s->h, 1);
	s->is_made = true;
	s->a = esp_spoke(&s->h, 0, "192.0.2.10", 10, how);
	s->b = esp_spoke_bare(&s->h, 0, "192.0.2.11", 11, how);
	esp_down_make(&s->h, &s->b);
	return s;
}

static void scene_end(struct scene *s) {
	s->is_made = false;
	hub_destroy(&s->h);
}

static int teardown(void **state) {
	(void)state;
	if (scene.is_made)
		scene_end(&scene);
	return 0;
}

static void inner_data(const struct scene *s, struct frame *f, uint8_t hops) {
	struct addr src = esp_host(&s->a.s.lan, 5), dst = esp_host(&s->b.s.lan, 7);

	inner_udp(f, &src, &dst, 36, hops, 0);
}

static void inject(struct scene *s, struct frame *f) {
	hub_inject(&s->h, WAN, 0, f);
	hub_poll(&s->h);
}

static void expect_passed(struct scene *s) {
	struct frame f;

	inner_data(s, &f, 63);
	esp_expect_sent(&s->h, &s->b, &f, 0x0800, 0);
}

// A packet of tunnel mode from src to dst; NULL: as it should be.
static void tunnel_mode_text(struct scene *s, struct frame *f, const char *src, const char *dst) {
	struct addr from = src ? addr_of(src) : s->a.s.nbma, to = dst ? addr_of(dst) : addr_of("192.0.2.1");

	inner_data(s, f, 64);
	frame_gre(f, 1001, false, 0x0800);
	frame_outer(f, &from, &to, 0);
	esp_seal(f, &s->a.up, ++s->a.up.seq, 0, from.family == ADDR_IPV4 ? 4 : 41);
	esp_outer_from_spoke(f, &s->h, &s->a, 0);
}

// RFC 4301 section 5.2: from the peer to us, or refused, and not among what the SA has received.
static void test_inside_of_tunnel_mode_is_from_the_peer_to_us(void **state) {
	static const struct {
		const char *src, *dst;
		uint16_t port; // ESP in UDP
		bool is_named; // the SA says what the source is
		bool good;
	} cases[] = {
		{NULL, NULL, 0, true, true},
		{NULL, NULL, 0, false, true},
		{"192.0.2.11", NULL, 0, true, false},
		{"192.0.2.11", NULL, 0, false, false},
		{NULL, "192.0.2.2", 0, true, false}, // ours, but not the SA's
		{NULL, "198.51.100.1", 0, false, false},
		{"2001:db8::10", "2001:db8::1", 0, false, false},
		{"2001:db8::10", "2001:db8::1", 40000, false, false},
		{"10.1.1.1", NULL, 40000, false, true}, // behind a NAT, and nobody knows as what
		{"10.1.1.1", NULL, 40000, true, false},
		{"10.1.1.1", "192.0.2.2", 40000, false, false},
	};

	(void)state;
	for (unsigned i = 0; i < RTE_DIM(cases); i++) {
		struct esp_how how = {.suite = ESP_AES_GCM_128_16, .tunnel_mode = true, .port = cases[i].port};
		struct scene *s = scene_make(&how);
		const struct sa_in *sa = esp_sa_in(&s->h, &s->a.up);
		struct frame f;

		if (!cases[i].is_named)
			sa_in_cold(s->h.fwd.ipsec, sa)->inner_nbma = 0;
		tunnel_mode_text(s, &f, cases[i].src, cases[i].dst);
		if (cases[i].good) {
			inject(s, &f);
			hub_expect_no_drops(&s->h);
			expect_passed(s);
		} else {
			inject(s, &f);
			hub_expect_nothing_sent();
			hub_expect_dropped(&s->h, DROP_ESP_INNER, 1);
			assert_int_equal(s->h.fwd.ipsec->cold[s->a.up.slot].drops[SA_DROP_INNER], 1);
			assert_int_equal(sa->replay.top, s->a.up.seq); // its number is spent
		}
		assert_int_equal(sa->packets, cases[i].good);
		assert_int_equal(sa->bytes != 0, cases[i].good);
		scene_end(s);
	}
}

static void test_inside_of_tunnel_mode_over_ipv6(void **state) {
	struct esp_how how = {.suite = ESP_AES_GCM_128_16, .tunnel_mode = true};
	static const char *const froms[] = {"2001:db8::10", "2001:db8::11"};

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct addr from = addr_of(froms[i]), us = addr_of("2001:db8::1");
		struct scene *s = scene_make(&how);
		struct esp_spoke c = esp_spoke(&s->h, 1, "2001:db8::10", 12, &how);
		struct frame f;

		inner_data(s, &f, 64);
		frame_gre(&f, s->h.tunnels[1].has_key ? (int64_t)s->h.tunnels[1].key : NO_KEY, false, 0x0800);
		frame_outer(&f, &from, &us, 0);
		esp_seal(&f, &c.up, ++c.up.seq, 0, 41);
		esp_outer_from_spoke(&f, &s->h, &c, 0);
		inject(s, &f);
		if (i)
			hub_expect_dropped(&s->h, DROP_ESP_INNER, 1);
		else
			assert_int_equal(s->h.fwd.ipsec->cold[c.up.slot].drops[SA_DROP_INNER], 0);
		assert_int_equal(esp_sa_in(&s->h, &c.up)->packets, i ? 0 : 1);
		hub_forget_drops(&s->h);
		while (hub_sent_on(WAN, 0))
			rte_pktmbuf_free(hub_sent(WAN));
		scene_end(s);
	}
}

#define inner_test(f) cmocka_unit_test_teardown(f, teardown)

int main(int argc, char **argv) {
	const struct CMUnitTest tests[] = {
		inner_test(test_inside_of_tunnel_mode_is_from_the_peer_to_us),
		inner_test(test_inside_of_tunnel_mode_over_ipv6),
	};

	return stage_main(argc, argv) ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
