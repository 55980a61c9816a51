// SPDX-License-Identifier: BSD-3-Clause
// IKE on its way to the control core: what passes, what is given up first when there is too much of it, and fragments.
//
//   initiators ── wan0 [hub] 192.0.2.1, 2001:db8::1
//                   ▼ punt rings
//                 control (the test)
#include "stage.h"

#define SPI 0x1122334455667788
#define RING 1024u

enum { SA_INIT = 34, AUTH = 35, INFORMATIONAL = 37, NOTIFY = 41, ENCRYPTED = 46, SA_PAYLOAD = 33 };

static void on_the_wire(struct frame *f, const struct addr *from, uint16_t port, uint16_t to_port) {
	struct addr us = addr_of(from->family == ADDR_IPV4 ? "192.0.2.1" : "2001:db8::1");

	if (to_port == 4500)
		memset(frame_front(f, 4), 0, 4); // non-ESP marker
	frame_udp(f, port, to_port);
	if (from->family == ADDR_IPV6)
		frame_udp_checksum(f, from, &us);
	frame_ip(f, from, &us, 17, 64, 0);
	frame_ether(f, hub_mac[WAN], gateway_mac, from->family == ADDR_IPV4 ? 0x0800 : 0x86dd);
}

static void init_from(struct frame *f, const struct addr *from, uint16_t port, bool has_cookie) {
	frame_ike(f, 0, has_cookie ? NOTIFY : SA_PAYLOAD, SA_INIT, 300);
	on_the_wire(f, from, port, 500);
}

static void auth_from(struct frame *f, const struct addr *from, uint16_t port) {
	frame_ike(f, SPI, ENCRYPTED, AUTH, 200);
	on_the_wire(f, from, port, 4500);
}

static void inject(struct hub *h, struct frame *f) {
	hub_inject(h, WAN, 0, f);
	datapath_poll_once(h->dp, 0);
}

// How many wait, and how many of them are from the address.
static unsigned take(struct hub *h, unsigned max, const struct addr *of) {
	struct rte_mbuf *m;
	unsigned n = 0;

	for (unsigned i = 0; i < max && (m = hub_punted(h, PUNT_IKE)) != NULL; i++) {
		n += !of || addr_eq(&pkt_meta(m)->nbma, of);
		rte_pktmbuf_free(m);
	}
	return n;
}

static void test_both_ports_and_families(void **state) {
	static const char *const froms[] = {"192.0.2.99", "2001:db8::99"};
	struct hub *h = *state;
	struct rte_mbuf *m;
	struct frame f;

	for (unsigned i = 0; i < 4; i++) {
		struct addr from = addr_of(froms[i & 1]);

		frame_ike(&f, 0, SA_PAYLOAD, SA_INIT, 300);
		on_the_wire(&f, &from, 31000, i & 2 ? 4500 : 500);
		inject(h, &f);
		m = hub_punted(h, PUNT_IKE);
		assert_non_null(m);
		mbuf_expect(m, &f); // the whole frame
		assert_int_equal(pkt_meta(m)->punt_class, PUNT_IKE);
		rte_pktmbuf_free(m);
	}
	hub_expect_no_drops(h);
}

static void test_keepalives_end_here(void **state) {
	struct addr from = addr_of("192.0.2.99"), us = addr_of("192.0.2.1");
	struct hub *h = *state;
	struct frame f;

	for (unsigned len = 0; len < 3; len++) {
		frame_payload(&f, (uint16_t)len, 0xff);
		frame_udp(&f, 4500, 4500);
		frame_ip(&f, &from, &us, 17, 64, 0);
		frame_ether(&f, hub_mac[WAN], gateway_mac, 0x0800);
		inject(h, &f);
		hub_expect_dropped(h, len == 1 ? DROP_NATT_KEEPALIVE : DROP_NATT_MALFORMED, 1);
	}
	assert_null(hub_punted(h, PUNT_IKE));
}

// Other initiators behind the same NAT, and the SAs that one already has, go on.
static void test_one_initiator_floods(void **state) {
	struct addr nat = addr_of("192.0.2.99");
	struct hub *h = *state;
	struct frame f;
	unsigned passed;

	init_from(&f, &nat, 500, false);
	for (unsigned i = 0; i < 200; i++)
		inject(h, &f);
	passed = take(h, UINT32_MAX, NULL);
	assert_true(passed >= 60 && passed < 150);
	hub_expect_dropped(h, DROP_IKE_POLICED, 200 - passed);
	auth_from(&f, &nat, 500);
	inject(h, &f);
	for (uint16_t port = 1; port <= 100; port++) {
		init_from(&f, &nat, 30000 + port, false);
		inject(h, &f);
	}
	assert_int_equal(take(h, UINT32_MAX, NULL), 101);
	hub_expect_no_drops(h);
}

// All ports of one address together.
static void test_one_address_floods(void **state) {
	struct addr nat = addr_of("192.0.2.99"), other = addr_of("192.0.2.98");
	struct hub *h = *state;
	unsigned passed = 0;
	struct frame f;

	for (unsigned i = 0; i < 2000; i++) {
		init_from(&f, &nat, (uint16_t)(1024 + i), false);
		inject(h, &f);
		passed += take(h, UINT32_MAX, NULL);
	}
	assert_true(passed >= 400 && passed < 2000);
	hub_expect_dropped(h, DROP_IKE_POLICED, 2000 - passed);
	init_from(&f, &other, 500, false);
	inject(h, &f);
	auth_from(&f, &nat, 1024);
	inject(h, &f);
	auth_from(&f, &other, 4500);
	inject(h, &f);
	assert_int_equal(take(h, UINT32_MAX, NULL), 3);
	hub_expect_no_drops(h);
}

// Control does not read: first new initiators stay outside, then those with a cookie, then all.
static void test_the_backlog_grows(void **state) {
	struct hub *h = *state;
	struct addr from;
	struct frame f;
	unsigned n = 0;

	for (unsigned i = 0; i < RING; i++) {
		from = addr_ipv4(0xcb000000 + n++);
		init_from(&f, &from, 500, false);
		inject(h, &f);
	}
	hub_expect_dropped(h, DROP_IKE_BACKLOG, RING - RING / 4);
	for (unsigned i = 0; i < RING; i++) {
		from = addr_ipv4(0xcb000000 + n++);
		init_from(&f, &from, 500, true);
		inject(h, &f);
	}
	hub_expect_dropped(h, DROP_IKE_BACKLOG, RING - RING / 4);
	for (unsigned i = 0; i < RING; i++) {
		from = addr_ipv4(0xcb000000 + n++);
		auth_from(&f, &from, 4500);
		inject(h, &f);
	}
	hub_expect_dropped(h, DROP_PUNT_RING_FULL, RING / 2 + 1);
	assert_int_equal(take(h, UINT32_MAX, NULL), RING - 1);
	from = addr_ipv4(0xcb000000 + n); // there is room again
	init_from(&f, &from, 500, false);
	inject(h, &f);
	assert_int_equal(take(h, UINT32_MAX, &from), 1);
}

// 10,000 initiators that nobody knows, their addresses invented, and control takes less than they send.
static void test_a_flood_of_new_initiators_leaves_the_known_alone(void **state) {
	struct addr known = addr_of("192.0.2.77"), from;
	struct hub *h = *state;
	unsigned sent = 0, of_known = 0;
	struct frame f;

	for (unsigned i = 0; i < 10000; i++) {
		from = addr_ipv4(0xcb000000 + i * 2654435761u % 0xffffff);
		init_from(&f, &from, (uint16_t)(1024 + i), i & 1);
		inject(h, &f);
		if (i % 200 == 199) {
			auth_from(&f, &known, 4500);
			inject(h, &f);
			sent++;
		}
		if (i % 4 == 0)
			of_known += take(h, 1, &known);
	}
	of_known += take(h, UINT32_MAX, &known);
	assert_int_equal(of_known, sent);
	hub_forget_drops(h);
}

// f begins at UDP. One of its fragments: [at, at + len).
static void fragment(struct frame *f, const struct addr *from, uint16_t at, uint16_t len, bool more) {
	struct addr us = addr_of(from->family == ADDR_IPV4 ? "192.0.2.1" : "2001:db8::1");
	static uint8_t part[FRAME_MAX];
	uint8_t *p;

	memcpy(part, frame_bytes(f) + at, len);
	frame_bytes_are(f, part, len);
	if (from->family == ADDR_IPV4) {
		frame_ip(f, from, &us, 17, 64, 0);
		put_u16(frame_bytes(f) + 6, (uint16_t)(at / 8 | (more ? 0x2000 : 0)));
		ipv4_checksum_again(frame_bytes(f));
	} else {
		p = frame_front(f, 8);
		memset(p, 0, 8);
		p[0] = 17;
		put_u16(p + 2, (uint16_t)(at | more));
		frame_ip(f, from, &us, 44, 64, 0);
	}
	frame_ether(f, hub_mac[WAN], gateway_mac, from->family == ADDR_IPV4 ? 0x0800 : 0x86dd);
}

static void udp_text(struct frame *f, bool is_ike, uint16_t to_port) {
	frame_ike(f, SPI, ENCRYPTED, AUTH, 1200);
	if (to_port == 4500 && is_ike)
		memset(frame_front(f, 4), 0, 4);
	frame_udp(f, 4500, to_port);
}

// A long IKE message in fragments is for the host to put together, the first and the others.
static void test_fragments_of_ike_go_to_the_host(void **state) {
	static const char *const froms[] = {"192.0.2.99", "2001:db8::99"};
	struct hub *h = *state;
	struct frame f;

	for (unsigned i = 0; i < 8; i++) {
		struct addr from = addr_of(froms[i & 1]);
		bool is_first = i & 2;
		struct rte_mbuf *m;

		udp_text(&f, true, i & 4 ? 4500 : 500);
		fragment(&f, &from, is_first ? 0 : 800, is_first ? 800 : 400, is_first);
		inject(h, &f);
		m = hub_punted(h, PUNT_UNDERLAY);
		assert_non_null(m);
		mbuf_expect(m, &f);
		rte_pktmbuf_free(m);
	}
	assert_null(hub_punted(h, PUNT_IKE));
	hub_expect_no_drops(h);
}

// Those of ESP in UDP are no SA's packets: no more is opened than came, and the host gets no first one.
static void test_fragments_of_esp_in_udp(void **state) {
	static const char *const froms[] = {"192.0.2.99", "2001:db8::99"};
	struct hub *h = *state;
	struct frame f;

	for (unsigned i = 0; i < 2; i++) {
		struct addr from = addr_of(froms[i]);

		udp_text(&f, false, 4500);
		fragment(&f, &from, 0, 800, true);
		inject(h, &f);
		hub_expect_dropped(h, DROP_OUTER_FRAGMENT, 1);
		udp_text(&f, false, 4500);
		fragment(&f, &from, 800, 400, false);
		inject(h, &f);
		hub_expect_no_drops(h);
		rte_pktmbuf_free(hub_punted(h, PUNT_UNDERLAY));
		for (uint16_t len = 0; len < 24; len++) { // cut short everywhere in the headers
			udp_text(&f, false, 4500);
			fragment(&f, &from, 0, len, true);
			inject(h, &f);
			rte_pktmbuf_free(hub_punted(h, PUNT_UNDERLAY));
			hub_forget_drops(h);
		}
	}
}

// A flood of fragments is policed like everything for the host.
static void test_a_flood_of_fragments(void **state) {
	struct addr from = addr_of("192.0.2.99");
	struct hub *h = *state;
	unsigned passed = 0;
	struct rte_mbuf *m;
	struct frame f;

	for (unsigned i = 0; i < 900; i++) {
		udp_text(&f, true, 4500);
		fragment(&f, &from, 800, 400, false);
		inject(h, &f);
	}
	for (; (m = hub_punted(h, PUNT_UNDERLAY)) != NULL; passed++)
		rte_pktmbuf_free(m);
	assert_true(passed >= 200 && passed < 900);
	hub_expect_dropped(h, DROP_POLICED, 900 - passed);
}

int main(int argc, char **argv) {
	const struct CMUnitTest tests[] = {
		stage_test(test_both_ports_and_families),
		stage_test(test_keepalives_end_here),
		stage_test(test_one_initiator_floods),
		stage_test(test_one_address_floods),
		stage_test(test_the_backlog_grows),
		stage_test(test_a_flood_of_new_initiators_leaves_the_known_alone),
		stage_test(test_fragments_of_ike_go_to_the_host),
		stage_test(test_fragments_of_esp_in_udp),
		stage_test(test_a_flood_of_fragments),
	};

	return stage_main(argc, argv) ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
