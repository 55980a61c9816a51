// SPDX-License-Identifier: BSD-3-Clause
// From spoke to spoke through the hub, byte for byte.
//
//   A 192.0.2.10 ─┐                    tunnel 0: endpoint 0, key 1001     tunnel 3: endpoint 0, no key, VRF 1
//   B 192.0.2.11 ─┼── wan0 [hub] lan0  tunnel 1: endpoint 1, key 1001     tunnel 4: endpoint 2, key 1001, checksums
//   E 2001:db8::e ┘                    tunnel 2: endpoint 0, key 0, VRF 1
//
// A and B are in tunnel 0, E and F in tunnel 1 (IPv6 underlay); LANs behind spoke n of tunnel t: 10.t.n.0/24.
#include "stage.h"

static struct addr in_prefix(const struct prefix *p, uint8_t last) {
	struct addr a = p->addr;

	a.bytes[a.family == ADDR_IPV4 ? 3 : 15] = last;
	return a;
}

static uint16_t gre_protocol_of(const struct addr *a) {
	return a->family == ADDR_IPV4 ? 0x0800 : 0x86dd;
}

// One packet from spoke to spoke.
static void pass_tos(struct hub *h, const struct spoke *from, const struct spoke *to, struct addr src, struct addr dst,
	uint16_t n, uint8_t tos) {
	struct frame f;

	inner_udp(&f, &src, &dst, n, 64, tos);
	from_spoke(&f, h, from, gre_protocol_of(&src));
	hub_inject(h, WAN, 0, &f);
	hub_poll(h);
	inner_udp(&f, &src, &dst, n, 63, tos);
	to_spoke(&f, h, to, gre_protocol_of(&src), tos);
	hub_expect_sent(WAN, &f);
	hub_expect_no_drops(h);
}

static void pass(
	struct hub *h, const struct spoke *from, const struct spoke *to, struct addr src, struct addr dst, uint16_t n) {
	pass_tos(h, from, to, src, dst, n, 0);
}

static void pass_both_families(struct hub *h, const struct spoke *from, const struct spoke *to) {
	pass(h, from, to, in_prefix(&from->lan, 5), in_prefix(&to->lan, 7), 36);
	pass(h, from, to, in_prefix(&from->lan, 5), in_prefix(&to->lan, 7), 1371);
	pass(h, from, to, in_prefix(&from->lan_ipv6, 5), in_prefix(&to->lan_ipv6, 7), 36);
	pass(h, from, to, in_prefix(&from->lan_ipv6, 5), in_prefix(&to->lan_ipv6, 7), 1351);
	pass(h, from, to, from->protocol, to->protocol, 36); // next hops of the tunnel's own subnet
	pass(h, from, to, from->protocol_ipv6, to->protocol_ipv6, 36);
}

static void test_both_families_over_ipv4(void **state) {
	struct hub *h = *state;
	struct spoke a, b;

	hub_tunnel(h, 0, 0, 1001, 0);
	a = hub_spoke(h, 0, "192.0.2.10", 10);
	b = hub_spoke(h, 0, "192.0.2.11", 11);
	pass_both_families(h, &a, &b);
	pass_both_families(h, &b, &a);
}

static void test_both_families_over_ipv6(void **state) {
	struct hub *h = *state;
	struct spoke e, f;

	hub_tunnel(h, 1, 1, 1001, 0);
	e = hub_spoke(h, 1, "2001:db8::e", 14);
	f = hub_spoke(h, 1, "2001:db8::f", 15);
	pass_both_families(h, &e, &f);
}

// Linux puts a Tunnel Encapsulation Limit before GRE over IPv6, unless told not to (RFC 2473 section 4.1.1).
static void test_destination_options_before_gre(void **state) {
	static const uint8_t options[] = {47, 0, 4, 1, 4, 1, 0, 0}; // limit 4, PadN
	struct hub *h = *state;
	struct addr src, dst;
	struct spoke e, to;
	struct frame f;

	hub_tunnel(h, 1, 1, NO_KEY, 0);
	e = hub_spoke(h, 1, "2001:db8::e", 14);
	to = hub_spoke(h, 1, "2001:db8::f", 15);
	src = in_prefix(&e.lan, 5);
	dst = in_prefix(&to.lan, 7);
	for (unsigned n = 0; n < 3; n++) { // two are more than anybody sends
		inner_udp(&f, &src, &dst, 36, 64, 0);
		frame_gre(&f, NO_KEY, false, 0x0800);
		for (unsigned i = 0; i < n; i++) {
			memcpy(frame_front(&f, sizeof(options)), options, sizeof(options));
			if (i)
				frame_bytes(&f)[0] = 60;
		}
		frame_ip(&f, &e.nbma, &h->fwd.endpoints[1].addr, n ? 60 : 47, 64, 0);
		frame_ether(&f, hub_mac[WAN], gateway_mac, 0x86dd);
		hub_inject(h, WAN, 0, &f);
		hub_poll(h);
		if (n == 2)
			break;
		inner_udp(&f, &src, &dst, 36, 63, 0);
		to_spoke(&f, h, &to, 0x0800, 0);
		hub_expect_sent(WAN, &f);
		hub_expect_no_drops(h);
	}
	hub_expect_nothing_sent();
	hub_expect_dropped(h, DROP_OUTER_MALFORMED, 1);
}

static void test_destination_options_that_lie(void **state) {
	struct hub *h = *state;
	struct addr from = addr_of("2001:db8::e");
	struct frame f;

	hub_tunnel(h, 1, 1, NO_KEY, 0);
	for (unsigned units = 1; units < 256; units += 127) { // longer than the packet, or than any of use
		for (unsigned payload = 7; payload < 2000; payload += 640) {
			frame_payload(&f, (uint16_t)payload, 47);
			frame_bytes(&f)[1] = (uint8_t)units;
			frame_ip(&f, &from, &h->fwd.endpoints[1].addr, 60, 64, 0);
			frame_ether(&f, hub_mac[WAN], gateway_mac, 0x86dd);
			hub_inject(h, WAN, 0, &f);
			hub_poll(h);
			hub_expect_nothing_sent();
			if (units == 1 && payload > 7)
				hub_forget_drops(h); // what is behind 16 octets of options is noise
			else
				hub_expect_dropped(h, DROP_OUTER_MALFORMED, 1);
		}
	}
}

// RFC 6040 section 4.2: congestion that the underlay marked is passed on, or the packet is dropped.
static void test_congestion_marks_of_the_underlay_are_passed_on(void **state) {
	static const uint8_t seen[4] = {0, 3, 3, 3}; // inner Not-ECT, ECT(1), ECT(0), CE
	struct hub *h = *state;
	struct spoke a, b, e;

	hub_tunnel(h, 0, 0, 1001, 0);
	hub_tunnel(h, 1, 1, NO_KEY, 0);
	a = hub_spoke(h, 0, "192.0.2.10", 10);
	b = hub_spoke(h, 0, "192.0.2.11", 11);
	e = hub_spoke(h, 1, "2001:db8::e", 14);
	for (unsigned i = 0; i < 16; i++) {
		const struct spoke *from = i & 4 ? &e : &a;
		bool is_ipv6 = i & 8;
		struct addr src = in_prefix(is_ipv6 ? &from->lan_ipv6 : &from->lan, 5),
			    dst = in_prefix(is_ipv6 ? &b.lan_ipv6 : &b.lan, 7);
		uint8_t *ip, ecn = i & 3;
		struct frame f;

		inner_udp(&f, &src, &dst, 36, 64, 0x48 | ecn);
		from_spoke(&f, h, from, gre_protocol_of(&src));
		ip = frame_bytes(&f) + 14;
		if (i & 4) {
			ip[1] |= 3 << 4;
		} else {
			ip[1] |= 3;
			ipv4_checksum_again(ip);
		}
		hub_inject(h, WAN, 0, &f);
		hub_poll(h);
		if (!ecn) {
			hub_expect_nothing_sent();
			hub_expect_dropped(h, DROP_CONGESTION, 1);
			continue;
		}
		inner_udp(&f, &src, &dst, 36, 63, 0x48 | seen[ecn]);
		to_spoke(&f, h, &b, gre_protocol_of(&src), 0x48 | seen[ecn]);
		hub_expect_sent(WAN, &f);
		hub_expect_no_drops(h);
	}
}

static void test_between_underlays(void **state) {
	struct hub *h = *state;
	struct spoke a, e;

	hub_tunnel(h, 0, 0, 1001, 0);
	hub_tunnel(h, 1, 1, 1001, 0);
	a = hub_spoke(h, 0, "192.0.2.10", 10);
	e = hub_spoke(h, 1, "2001:db8::e", 14);
	pass_both_families(h, &a, &e);
	pass_both_families(h, &e, &a);
}

static void test_dscp_and_ecn_are_copied_outwards(void **state) {
	struct hub *h = *state;
	struct spoke a, b, e;

	hub_tunnel(h, 0, 0, 1001, 0);
	hub_tunnel(h, 1, 1, NO_KEY, 0);
	a = hub_spoke(h, 0, "192.0.2.10", 10);
	b = hub_spoke(h, 0, "192.0.2.11", 11);
	e = hub_spoke(h, 1, "2001:db8::e", 14);
	for (unsigned tos = 0; tos < 256; tos += 17) {
		pass_tos(h, &a, &b, in_prefix(&a.lan, 5), in_prefix(&b.lan, 7), 36, (uint8_t)tos);
		pass_tos(h, &a, &e, in_prefix(&a.lan_ipv6, 5), in_prefix(&e.lan_ipv6, 7), 36, (uint8_t)tos);
	}
}

static void test_no_key_differs_from_key_zero(void **state) {
	struct hub *h = *state;
	struct spoke zero[2], none[2], keyed[2];

	hub_tunnel(h, 0, 0, 1001, 0);
	hub_tunnel(h, 2, 0, 0, 1);
	hub_tunnel(h, 3, 0, NO_KEY, 1);
	for (unsigned i = 0; i < 2; i++) {
		keyed[i] = hub_spoke(h, 0, i ? "192.0.2.11" : "192.0.2.10", 10 + i);
		zero[i] = hub_spoke(h, 2, i ? "192.0.2.21" : "192.0.2.20", 20 + i);
		none[i] = hub_spoke(h, 3, i ? "192.0.2.31" : "192.0.2.30", 30 + i);
	}
	pass_both_families(h, &keyed[0], &keyed[1]);
	pass_both_families(h, &zero[0], &zero[1]);
	pass_both_families(h, &none[0], &none[1]);
	pass_both_families(h, &none[0], &zero[1]); // one VRF, two tunnels
}

static void test_checksums_verified_and_sent(void **state) {
	struct hub *h = *state;
	struct spoke c, d;

	hub_tunnel(h, 4, 2, 1001, 0)->checksum = true;
	c = hub_spoke(h, 4, "192.0.2.12", 12);
	d = hub_spoke(h, 4, "192.0.2.13", 13);
	pass_both_families(h, &c, &d);
	pass(h, &c, &d, in_prefix(&c.lan, 5), in_prefix(&d.lan, 7), 35); // odd length
}

static void test_link_padding_is_cut(void **state) {
	struct hub *h = *state;
	struct addr src, dst;
	struct spoke a, b;
	struct frame f;

	hub_tunnel(h, 0, 0, 1001, 0);
	a = hub_spoke(h, 0, "192.0.2.10", 10);
	b = hub_spoke(h, 0, "192.0.2.11", 11);
	src = in_prefix(&a.lan, 5);
	dst = in_prefix(&b.lan, 7);
	inner_udp(&f, &src, &dst, 1, 64, 0);
	from_spoke(&f, h, &a, 0x0800);
	memset(frame_bytes(&f) + f.len, 0xee, 9);
	f.len += 9;
	hub_inject(h, WAN, 0, &f);
	hub_poll(h);
	inner_udp(&f, &src, &dst, 1, 63, 0);
	to_spoke(&f, h, &b, 0x0800, 0);
	hub_expect_sent(WAN, &f);
}

// A burst of both families and two VRFs: nothing is lost or swapped.
static void test_mixed_burst_keeps_its_order(void **state) {
	struct hub *h = *state;
	struct spoke s[32];
	struct frame f;
	char nbma[32];

	hub_tunnel(h, 0, 0, 1001, 0);
	hub_tunnel(h, 2, 0, 0, 1);
	for (unsigned i = 0; i < 32; i++) {
		snprintf(nbma, sizeof(nbma), "192.0.2.%u", 100 + i);
		s[i] = hub_spoke(h, i & 2, nbma, 100 + i);
	}
	for (unsigned i = 0; i < 32; i++) {
		const struct spoke *to = &s[(i + 4) % 32];
		struct addr src = i & 1 ? s[i].protocol_ipv6 : s[i].protocol,
			    dst = in_prefix(i & 1 ? &to->lan_ipv6 : &to->lan, 7);

		inner_udp(&f, &src, &dst, 36, 64, 0);
		from_spoke(&f, h, &s[i], gre_protocol_of(&src));
		hub_inject(h, WAN, 0, &f);
	}
	assert_int_equal(datapath_poll_once(h->dp, 0), 32);
	for (unsigned i = 0; i < 32; i++) {
		const struct spoke *to = &s[(i + 4) % 32];
		struct addr src = i & 1 ? s[i].protocol_ipv6 : s[i].protocol,
			    dst = in_prefix(i & 1 ? &to->lan_ipv6 : &to->lan, 7);

		inner_udp(&f, &src, &dst, 36, 63, 0);
		to_spoke(&f, h, to, gre_protocol_of(&src), 0);
		hub_expect_sent(WAN, &f);
	}
	hub_expect_no_drops(h);
}

static void test_between_spoke_and_lan(void **state) {
	struct hub *h = *state;
	struct prefix lan = prefix_from("172.16.5.0/24");
	struct addr host = addr_of("172.16.5.5"), dst;
	struct spoke a;
	struct frame f;

	hub_tunnel(h, 0, 0, 1001, 0);
	a = hub_spoke(h, 0, "192.0.2.10", 10);
	dst = in_prefix(&a.lan, 7);
	hub_route(h, 0, &lan, hub_adj(h, ADJ_PORT, iface_of_port(LAN), 1 + LAN));
	inner_udp(&f, &host, &dst, 36, 64, 0);
	frame_ether(&f, hub_mac[LAN], gateway_mac, 0x0800);
	hub_inject(h, LAN, 0, &f);
	hub_poll(h);
	inner_udp(&f, &host, &dst, 36, 63, 0);
	to_spoke(&f, h, &a, 0x0800, 0);
	hub_expect_sent(WAN, &f);
	inner_udp(&f, &dst, &host, 36, 64, 0);
	from_spoke(&f, h, &a, 0x0800);
	hub_inject(h, WAN, 0, &f);
	hub_poll(h);
	inner_udp(&f, &dst, &host, 36, 63, 0);
	frame_ether(&f, gateway_mac, hub_mac[LAN], 0x0800);
	hub_expect_sent(LAN, &f);
	hub_expect_no_drops(h);
}

static void test_counters_of_spoke_and_tunnel(void **state) {
	struct hub *h = *state;
	struct spoke_counters sa, sb;
	struct lcore_counters c;
	struct spoke a, b;

	hub_tunnel(h, 0, 0, 1001, 0);
	a = hub_spoke(h, 0, "192.0.2.10", 10);
	b = hub_spoke(h, 0, "192.0.2.11", 11);
	for (unsigned i = 0; i < 5; i++)
		pass(h, &a, &b, in_prefix(&a.lan, 5), in_prefix(&b.lan, 7), 36);
	datapath_spoke_counters(h->dp, a.peer, &sa);
	datapath_spoke_counters(h->dp, b.peer, &sb);
	datapath_counters(h->dp, &c);
	assert_int_equal(sa.rx_packets, 5);
	assert_int_equal(sa.rx_bytes, 5 * 64);
	assert_int_equal(sa.tx_packets, 0);
	assert_int_equal(sb.tx_packets, 5);
	assert_int_equal(sb.tx_bytes, 5 * 64);
	assert_int_equal(c.tunnels[0].rx_packets, 5);
	assert_int_equal(c.tunnels[0].tx_bytes, 5 * 64);
	assert_int_equal(c.stage_packets[STAGE_ROUTE], 5);
	datapath_spoke_taken(h->dp, a.peer);
	datapath_spoke_counters(h->dp, a.peer, &sa);
	assert_int_equal(sa.rx_packets, 0);
}

int main(int argc, char **argv) {
	const struct CMUnitTest tests[] = {
		stage_test(test_both_families_over_ipv4),
		stage_test(test_both_families_over_ipv6),
		stage_test(test_between_underlays),
		stage_test(test_destination_options_before_gre),
		stage_test(test_destination_options_that_lie),
		stage_test(test_congestion_marks_of_the_underlay_are_passed_on),
		stage_test(test_dscp_and_ecn_are_copied_outwards),
		stage_test(test_no_key_differs_from_key_zero),
		stage_test(test_checksums_verified_and_sent),
		stage_test(test_link_padding_is_cut),
		stage_test(test_mixed_burst_keeps_its_order),
		stage_test(test_between_spoke_and_lan),
		stage_test(test_counters_of_spoke_and_tunnel),
	};

	return stage_main(argc, argv) ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
