// SPDX-License-Identifier: BSD-3-Clause
// Every reason for which a packet from outside is dropped, by name; after each, a good packet still passes.
//
//   A 192.0.2.10 ─┐                    tunnel 0: endpoint 0, key 1001
//   B 192.0.2.11 ─┼── wan0 [hub] lan0  tunnel 4: endpoint 2, key 1001, checksums
//   C 192.0.2.12 ─┘                    tunnel 5: endpoint 2, key 5, protected
//
// C is in tunnel 4. Everybody else is unknown.
#include "stage.h"

struct scene {
	struct hub *h;
	struct spoke a, b, c;
	struct addr src, dst; // inner: behind A, behind B
};

static void scene_make(struct scene *s, struct hub *h) {
	s->h = h;
	hub_tunnel(h, 0, 0, 1001, 0);
	hub_tunnel(h, 4, 2, 1001, 0)->checksum = true;
	hub_tunnel(h, 5, 2, 5, 0)->is_protected = true;
	s->a = hub_spoke(h, 0, "192.0.2.10", 10);
	s->b = hub_spoke(h, 0, "192.0.2.11", 11);
	s->c = hub_spoke(h, 4, "192.0.2.12", 12);
	s->src = s->a.lan.addr;
	s->src.bytes[3] = 5;
	s->dst = s->b.lan.addr;
	s->dst.bytes[3] = 7;
}

static void good_passes(struct scene *s) {
	struct frame f;

	inner_udp(&f, &s->src, &s->dst, 36, 64, 0);
	from_spoke(&f, s->h, &s->a, 0x0800);
	hub_inject(s->h, WAN, 0, &f);
	hub_poll(s->h);
	inner_udp(&f, &s->src, &s->dst, 36, 63, 0);
	to_spoke(&f, s->h, &s->b, 0x0800, 0);
	hub_expect_sent(WAN, &f);
	hub_expect_no_drops(s->h);
}

static void dropped_at(struct scene *s, enum hub_port port, struct frame *f, enum drop_reason why) {
	hub_inject(s->h, port, 0, f);
	hub_poll(s->h);
	hub_expect_nothing_sent();
	hub_expect_dropped(s->h, why, 1);
	good_passes(s);
}

static void dropped(struct scene *s, struct frame *f, enum drop_reason why) {
	dropped_at(s, WAN, f, why);
}

// A good frame from A to B; outer IP at 14, GRE at 34, inner IP at 42.
#define OUTER 14
#define GRE 34
#define INNER 42

static uint8_t *good(struct scene *s, struct frame *f) {
	inner_udp(f, &s->src, &s->dst, 36, 64, 0);
	from_spoke(f, s->h, &s->a, 0x0800);
	return frame_bytes(f);
}

static void inner_only(struct scene *s, struct frame *f, const char *src, const char *dst, uint8_t hops) {
	struct addr from = src ? addr_of(src) : s->src, to = dst ? addr_of(dst) : s->dst;

	inner_udp(f, &from, &to, 36, hops, 0);
	from_spoke(f, s->h, &s->a, from.family == ADDR_IPV4 ? 0x0800 : 0x86dd);
}

static void test_ethernet(void **state) {
	struct scene s;
	struct frame f;

	scene_make(&s, *state);
	good(&s, &f)[5] ^= 1;
	dropped(&s, &f, DROP_NOT_OUR_MAC);
	put_u16(good(&s, &f) + 12, 0x8847);
	dropped(&s, &f, DROP_ETHERTYPE);
	good(&s, &f);
	f.len = 13;
	dropped(&s, &f, DROP_OUTER_MALFORMED);
}

// What came to everybody on the link is not routed on (RFC 1812 section 5.3.4).
static void test_link_broadcast_is_not_forwarded(void **state) {
	static const uint8_t macs[2][6] = {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, {0x01, 0, 0x5e, 0, 0, 5}};
	struct scene s;
	struct frame f;
	struct addr host = addr_of("172.16.0.9"), dst;

	scene_make(&s, *state);
	dst = s.a.lan.addr;
	for (unsigned i = 0; i < 2; i++) {
		inner_udp(&f, &host, &dst, 36, 64, 0);
		frame_ether(&f, macs[i], gateway_mac, 0x0800);
		dropped_at(&s, LAN, &f, DROP_NOT_OUR_MAC);
	}
}

// Nobody who can be answered sends from such an address, and one of ours would have the hub register with itself.
static void test_outer_source(void **state) {
	static const char *const bad[] = {
		"0.0.0.0", "127.0.0.1", "224.0.0.9", "255.255.255.255", "240.1.1.1", "192.0.2.1", "192.0.2.2"};
	static const char *const bad_ipv6[] = {"::", "::1", "ff02::1", "2001:db8::1"};
	struct spoke from = {.tunnel = 0};
	struct scene s;
	struct frame f;

	scene_make(&s, *state);
	hub_tunnel(s.h, 1, 1, NO_KEY, 0);
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		from.nbma = addr_of(bad[i]);
		frame_payload(&f, 92, 9);
		from_spoke(&f, s.h, &from, 0x2001);
		dropped(&s, &f, DROP_OUTER_SOURCE);
	}
	from.tunnel = 1;
	for (unsigned i = 0; i < sizeof(bad_ipv6) / sizeof(bad_ipv6[0]); i++) {
		from.nbma = addr_of(bad_ipv6[i]);
		frame_payload(&f, 92, 9);
		from_spoke(&f, s.h, &from, 0x2001);
		dropped(&s, &f, DROP_OUTER_SOURCE);
	}
}

static void test_outer_ipv4(void **state) {
	struct scene s;
	struct frame f;
	uint8_t *p;

	scene_make(&s, *state);
	for (uint16_t len = 14; len < 14 + 20 + 8 + 64; len += 9) { // truncated anywhere
		good(&s, &f);
		f.len = len;
		dropped(&s, &f, DROP_OUTER_MALFORMED);
	}
	p = good(&s, &f) + OUTER;
	put_u16(p + 2, 0xffff); // longer than the frame
	ipv4_checksum_again(p);
	dropped(&s, &f, DROP_OUTER_MALFORMED);
	p = good(&s, &f) + OUTER;
	put_u16(p + 2, 19); // shorter than its header
	ipv4_checksum_again(p);
	dropped(&s, &f, DROP_OUTER_MALFORMED);
	p = good(&s, &f) + OUTER;
	p[0] = 0x55;
	dropped(&s, &f, DROP_OUTER_MALFORMED);
	p = good(&s, &f) + OUTER;
	p[0] = 0x44;
	dropped(&s, &f, DROP_OUTER_MALFORMED);
	p = good(&s, &f) + OUTER;
	p[0] = 0x4f; // options past the end of the checksum
	dropped(&s, &f, DROP_OUTER_CHECKSUM);
	good(&s, &f)[OUTER + 10] ^= 1;
	dropped(&s, &f, DROP_OUTER_CHECKSUM);
	p = good(&s, &f) + OUTER;
	p[6] = 0x20; // more fragments
	ipv4_checksum_again(p);
	dropped(&s, &f, DROP_OUTER_FRAGMENT);
	p = good(&s, &f) + OUTER;
	p[7] = 1; // a later fragment
	ipv4_checksum_again(p);
	dropped(&s, &f, DROP_OUTER_FRAGMENT);
	p = good(&s, &f) + OUTER;
	p[19] = 99;
	ipv4_checksum_again(p);
	dropped(&s, &f, DROP_NOT_LOCAL);
	p = good(&s, &f) + OUTER;
	p[19] = 3; // ours, but no tunnel has it as source
	ipv4_checksum_again(p);
	dropped(&s, &f, DROP_UNKNOWN_KEY);
}

static void outer_ipv6(struct frame *f, const char *dst, uint8_t protocol) {
	struct addr from = addr_of("2001:db8::e"), to = addr_of(dst);

	frame_ip(f, &from, &to, protocol, 64, 0);
	frame_ether(f, hub_mac[WAN], gateway_mac, 0x86dd);
}

static void test_outer_ipv6(void **state) {
	struct scene s;
	struct frame f;

	scene_make(&s, *state);
	frame_payload(&f, 40, 1);
	outer_ipv6(&f, "2001:db8::1", 47);
	f.len = 14 + 39; // truncated in its header
	dropped(&s, &f, DROP_OUTER_MALFORMED);
	frame_payload(&f, 40, 1);
	outer_ipv6(&f, "2001:db8::1", 47);
	f.len--; // truncated behind it
	dropped(&s, &f, DROP_OUTER_MALFORMED);
	frame_payload(&f, 40, 1);
	outer_ipv6(&f, "2001:db8::1", 47);
	frame_bytes(&f)[OUTER] = 0x50;
	dropped(&s, &f, DROP_OUTER_MALFORMED);
	frame_payload(&f, 40, 1);
	outer_ipv6(&f, "2001:db8::99", 47);
	dropped(&s, &f, DROP_NOT_LOCAL);
	frame_payload(&f, 40, 1);
	memset(frame_front(&f, 8), 0, 8);
	frame_bytes(&f)[0] = 47; // fragment header in front of GRE
	outer_ipv6(&f, "2001:db8::1", 44);
	dropped(&s, &f, DROP_OUTER_FRAGMENT);
	frame_payload(&f, 7, 1); // shorter than a fragment header
	outer_ipv6(&f, "2001:db8::1", 44);
	dropped(&s, &f, DROP_OUTER_MALFORMED);
	frame_payload(&f, 40, 1); // no tunnel on this endpoint
	frame_gre(&f, 1001, false, 0x0800);
	outer_ipv6(&f, "2001:db8::1", 47);
	dropped(&s, &f, DROP_UNKNOWN_KEY);
}

static void test_esp_and_nat_traversal(void **state) {
	const struct {
		uint8_t payload[12];
		uint8_t len;
		enum drop_reason why;
	} cases[] = {
		{{0, 0, 1, 0, 0, 0, 0, 1}, 12, DROP_ESP_UNKNOWN},
		{{0xff}, 1, DROP_NATT_KEEPALIVE},
		{{0xfe}, 1, DROP_NATT_MALFORMED},
		{{0}, 0, DROP_NATT_MALFORMED},
	};
	struct addr to = addr_of("192.0.2.1");
	struct scene s;
	struct frame f;

	scene_make(&s, *state);
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		frame_bytes_are(&f, cases[i].payload, cases[i].len);
		frame_udp(&f, 4500, 4500);
		frame_ip(&f, &s.a.nbma, &to, 17, 64, 0);
		frame_ether(&f, hub_mac[WAN], gateway_mac, 0x0800);
		dropped(&s, &f, cases[i].why);
	}
	frame_payload(&f, 64, 1);
	frame_ip(&f, &s.a.nbma, &to, 50, 64, 0);
	frame_ether(&f, hub_mac[WAN], gateway_mac, 0x0800);
	dropped(&s, &f, DROP_ESP_UNKNOWN);
	frame_payload(&f, 7, 1); // shorter than a UDP header
	frame_ip(&f, &s.a.nbma, &to, 17, 64, 0);
	frame_ether(&f, hub_mac[WAN], gateway_mac, 0x0800);
	dropped(&s, &f, DROP_OUTER_MALFORMED);
}

static void test_gre(void **state) {
	struct scene s;
	struct frame f;
	uint8_t *p;

	scene_make(&s, *state);
	good(&s, &f)[GRE + 1] |= 1; // version 1
	dropped(&s, &f, DROP_GRE_MALFORMED);
	good(&s, &f)[GRE] |= 0x40; // routing
	dropped(&s, &f, DROP_GRE_MALFORMED);
	for (uint16_t len = 0; len < 8; len++) { // GRE cut short, outer header consistent
		p = good(&s, &f) + OUTER;
		put_u16(p + 2, 20 + len);
		ipv4_checksum_again(p);
		f.len = GRE + len;
		dropped(&s, &f, DROP_GRE_MALFORMED);
	}
	good(&s, &f)[GRE + 7] ^= 1;
	dropped(&s, &f, DROP_UNKNOWN_KEY);
	put_u16(good(&s, &f) + GRE + 2, 0x6558);
	dropped(&s, &f, DROP_GRE_PROTOCOL);
	p = good(&s, &f) + OUTER;
	p[15] = 99; // a stranger
	ipv4_checksum_again(p);
	dropped(&s, &f, DROP_UNKNOWN_PEER);
	inner_udp(&f, &s.src, &s.dst, 36, 64, 0);
	from_spoke(&f, s.h, &s.c, 0x0800);
	frame_bytes(&f)[f.len - 1] ^= 1; // payload behind a GRE checksum
	dropped(&s, &f, DROP_GRE_CHECKSUM);
	inner_udp(&f, &s.src, &s.dst, 36, 64, 0);
	frame_gre(&f, 5, false, 0x0800);
	frame_outer(&f, &s.c.nbma, &s.h->fwd.endpoints[2].addr, 0);
	frame_ether(&f, hub_mac[WAN], gateway_mac, 0x0800);
	dropped(&s, &f, DROP_CLEAR_ON_PROTECTED);
	inner_udp(&f, &s.src, &s.dst, 36, 64, 0);
	frame_gre(&f, NO_KEY, false, 0x0800); // no tunnel here is without a key
	frame_outer(&f, &s.a.nbma, &s.h->fwd.endpoints[0].addr, 0);
	frame_ether(&f, hub_mac[WAN], gateway_mac, 0x0800);
	dropped(&s, &f, DROP_UNKNOWN_KEY);
}

static void test_inner_ipv4(void **state) {
	static const char *const bad_sources[] = {"224.0.0.5", "127.0.0.1", "0.0.0.0", "255.255.255.255"};
	static const char *const bad_destinations[] = {"127.0.0.1", "0.1.2.3", "240.0.0.1", "255.255.255.255"};
	struct scene s;
	struct frame f;
	uint8_t *p;

	scene_make(&s, *state);
	good(&s, &f)[INNER + 10] ^= 1;
	dropped(&s, &f, DROP_INNER_CHECKSUM);
	good(&s, &f)[INNER] = 0x65;
	dropped(&s, &f, DROP_INNER_MALFORMED);
	good(&s, &f)[INNER] = 0x44;
	dropped(&s, &f, DROP_INNER_MALFORMED);
	p = good(&s, &f) + INNER;
	put_u16(p + 2, 65); // longer than what is there
	ipv4_checksum_again(p);
	dropped(&s, &f, DROP_INNER_MALFORMED);
	p = good(&s, &f) + INNER;
	put_u16(p + 2, 19);
	ipv4_checksum_again(p);
	dropped(&s, &f, DROP_INNER_MALFORMED);
	p = good(&s, &f) + OUTER;
	put_u16(p + 2, 20 + 8 + 19); // inner header cut short
	ipv4_checksum_again(p);
	dropped(&s, &f, DROP_INNER_MALFORMED);
	for (unsigned i = 0; i < 4; i++) {
		inner_only(&s, &f, bad_sources[i], NULL, 64);
		dropped(&s, &f, DROP_INNER_SOURCE);
		inner_only(&s, &f, NULL, bad_destinations[i], 64);
		dropped(&s, &f, DROP_INNER_SOURCE);
	}
	for (uint8_t hops = 0; hops <= 1; hops++) {
		inner_only(&s, &f, NULL, NULL, hops);
		dropped(&s, &f, DROP_TTL);
	}
}

static void test_inner_ipv6(void **state) {
	struct scene s;
	struct frame f;

	scene_make(&s, *state);
	inner_only(&s, &f, "2001:db8:0:a::5", "2001:db8:0:b::7", 1);
	dropped(&s, &f, DROP_TTL);
	inner_only(&s, &f, "2001:db8:0:a::5", "2001:db8:0:b::7", 64);
	frame_bytes(&f)[INNER] = 0x40;
	dropped(&s, &f, DROP_INNER_MALFORMED);
	inner_only(&s, &f, "2001:db8:0:a::5", "2001:db8:0:b::7", 64);
	put_u16(frame_bytes(&f) + INNER + 4, 45);
	dropped(&s, &f, DROP_INNER_MALFORMED);
	inner_only(&s, &f, "::1", "2001:db8:0:b::7", 64);
	dropped(&s, &f, DROP_INNER_SOURCE);
	inner_only(&s, &f, "ff02::5", "2001:db8:0:b::7", 64);
	dropped(&s, &f, DROP_INNER_SOURCE);
	inner_only(&s, &f, "ff02::5", "ff02::5", 1);
	dropped(&s, &f, DROP_INNER_SOURCE);
	inner_only(&s, &f, "::1", "ff02::5", 1);
	dropped(&s, &f, DROP_INNER_SOURCE);
	inner_only(&s, &f, "fe80::5", "2001:db8:0:b::7", 64); // link-local is not forwarded
	dropped(&s, &f, DROP_INNER_SOURCE);
	frame_payload(&f, 8, 133); // router solicitation
	frame_ip(&f, &(struct addr){ADDR_IPV6, {0xfe, 0x80}}, &(struct addr){ADDR_IPV6, {0xff, 0x02, [15] = 2}}, 58,
		255, 0);
	from_spoke(&f, s.h, &s.a, 0x86dd);
	dropped(&s, &f, DROP_MULTICAST);
}

static void test_ways_that_lead_nowhere(void **state) {
	const struct {
		const char *prefix;
		enum adj_kind kind;
		enum drop_reason why;
	} cases[] = {
		{"10.66.1.0/24", ADJ_BLACKHOLE, DROP_BLACKHOLE},
		{"10.66.2.0/24", ADJ_UNREACHABLE, DROP_UNREACHABLE},
		{"10.66.3.0/24", ADJ_INCOMPLETE, DROP_NOT_REGISTERED},
	};
	struct scene s;
	struct frame f;
	char dst[32];
	struct prefix p;
	struct nh nh = {.port = WAN, .resolved = false};

	scene_make(&s, *state);
	for (unsigned i = 0; i < 3; i++) {
		p = prefix_from(cases[i].prefix);
		hub_route(s.h, 0, &p, hub_adj(s.h, cases[i].kind, 0, 0));
		snprintf(dst, sizeof(dst), "10.66.%u.9", i + 1);
		inner_only(&s, &f, NULL, dst, 64);
		dropped(&s, &f, cases[i].why);
	}
	inner_only(&s, &f, NULL, "10.77.0.1", 64);
	dropped(&s, &f, DROP_NO_ROUTE);
	inner_only(&s, &f, NULL, "10.255.0.200", 64); // nobody registered it
	dropped(&s, &f, DROP_NOT_REGISTERED);
	inner_only(&s, &f, "2001:db8:0:a::5", "2001:db8:ff::200", 64);
	dropped(&s, &f, DROP_NOT_REGISTERED);
	p = prefix_from("172.16.0.0/24");
	hub_route(s.h, 0, &p, hub_adj(s.h, ADJ_GLEAN, iface_of_port(LAN), 0));
	inner_only(&s, &f, NULL, "172.16.0.9", 64); // no such neighbour
	dropped(&s, &f, DROP_NEIGHBOUR);
	inner_only(&s, &f, NULL, "10.0.10.9", 64); // behind A itself
	dropped(&s, &f, DROP_SAME_SPOKE);
	nh_store(&s.h->fwd.nhs, 40, nh);
	peer_at(&s.h->fwd.peers, s.c.peer)->nh = 40;
	inner_only(&s, &f, NULL, "10.4.12.9", 64); // behind C, whose next hop has no MAC address
	dropped(&s, &f, DROP_NEIGHBOUR);
	peer_at(&s.h->fwd.peers, s.c.peer)->nh = 1 + WAN;
	peer_at(&s.h->fwd.peers, s.c.peer)->ready = false;
	inner_only(&s, &f, NULL, "10.4.12.9", 64);
	dropped(&s, &f, DROP_NOT_REGISTERED);
	peer_at(&s.h->fwd.peers, s.c.peer)->ready = true;
	s.h->tunnels[4].is_protected = true; // out of a protected tunnel, in clear
	inner_only(&s, &f, NULL, "10.4.12.9", 64);
	dropped(&s, &f, DROP_CLEAR_ON_PROTECTED);
}

static void test_too_big_for_the_adjacency(void **state) {
	struct scene s;
	struct frame f;

	scene_make(&s, *state);
	inner_udp(&f, &s.src, &s.dst, 1400 - 28 + 1, 64, 0);
	from_spoke(&f, s.h, &s.a, 0x0800);
	dropped(&s, &f, DROP_TOO_BIG);
}

static void test_port_down_and_queue_full(void **state) {
	struct hub *h = *state;
	struct scene s;
	struct frame f;
	struct rte_mbuf *m;
	struct prefix lan = prefix_from("172.16.5.0/24");
	unsigned sent = 0;

	scene_make(&s, h);
	hub_route(h, 0, &lan, hub_adj(h, ADJ_PORT, iface_of_port(LAN), 1 + LAN));
	h->fwd.ports[LAN].present = false;
	inner_only(&s, &f, NULL, "172.16.5.5", 64);
	dropped(&s, &f, DROP_PORT_DOWN);
	good(&s, &f);
	for (unsigned i = 0; i < HUB_RING_SIZE + 63; i++) {
		hub_inject(h, WAN, 0, &f);
		datapath_poll_once(h->dp, 0);
	}
	hub_expect_dropped(h, DROP_TX_FULL, 64); // a ring holds one less than its size
	for (; (m = hub_sent(WAN)) != NULL; sent++)
		rte_pktmbuf_free(m);
	assert_int_equal(sent, HUB_RING_SIZE - 1);
}

static void test_spoofed_inner_source(void **state) {
	struct scene s;
	struct frame f;

	scene_make(&s, *state);
	s.h->tunnels[0].anti_spoof = true;
	inner_only(&s, &f, "10.0.11.5", NULL, 64); // B's
	dropped(&s, &f, DROP_SPOOFED);
	inner_only(&s, &f, "10.88.0.5", NULL, 64); // nobody's
	dropped(&s, &f, DROP_SPOOFED);
	inner_only(&s, &f, "10.255.0.11", NULL, 64); // B's protocol address
	dropped(&s, &f, DROP_SPOOFED);
	inner_only(&s, &f, "10.255.0.11", "10.255.0.1", 64); // to the host too
	dropped(&s, &f, DROP_SPOOFED);
	inner_only(&s, &f, "2001:db8:0:b::5", "2001:db8:0:b::7", 64);
	dropped(&s, &f, DROP_SPOOFED);
	inner_only(&s, &f, "10.255.0.10", NULL, 64); // its own
	hub_inject(s.h, WAN, 0, &f);
	hub_poll(s.h);
	rte_pktmbuf_free(hub_sent(WAN));
	hub_expect_no_drops(s.h);
}

int main(int argc, char **argv) {
	const struct CMUnitTest tests[] = {
		stage_test(test_ethernet),
		stage_test(test_link_broadcast_is_not_forwarded),
		stage_test(test_outer_source),
		stage_test(test_outer_ipv4),
		stage_test(test_outer_ipv6),
		stage_test(test_esp_and_nat_traversal),
		stage_test(test_gre),
		stage_test(test_inner_ipv4),
		stage_test(test_inner_ipv6),
		stage_test(test_ways_that_lead_nowhere),
		stage_test(test_too_big_for_the_adjacency),
		stage_test(test_port_down_and_queue_full),
		stage_test(test_spoofed_inner_source),
	};

	return stage_main(argc, argv) ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
