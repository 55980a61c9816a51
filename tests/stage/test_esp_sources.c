// SPDX-License-Identifier: BSD-3-Clause
// Who may send, and through what: outer sources, tunnels that are protected and tunnels that are not, inner sources.
// What is not proved to be the peer's is not forwarded, and nothing leaves a protected tunnel in clear.
//
//   A, B ══ ESP ══ wan0 [hub] lan0      tunnel 0: protected, tunnel 2: plain, tunnel 3: plain, on tunnel 0's address
#include "esp.h"
#include "esp_packet.h"
#include "stage.h"

struct scene {
	struct hub h;
	struct esp_spoke a, b;
};

static struct scene scene;

static const struct esp_how native = {.suite = ESP_AES_GCM_128_16},
			    in_udp = {.suite = ESP_AES_GCM_128_16, .port = 40000};

static struct scene *scene_fill(const struct esp_how *how) {
	struct scene *s = &scene;

	s->a = esp_spoke(&s->h, 0, "192.0.2.10", 10, how);
	s->b = esp_spoke(&s->h, 0, "192.0.2.11", 11, how);
	return s;
}

// Both are owned and their suite was seen: the short way is open to what may take it.
static void warm_up(struct scene *s) {
	for (unsigned i = 0; i < 2; i++) {
		esp_pass(&s->h, &s->a, &s->b, false, 36);
		esp_pass(&s->h, &s->b, &s->a, false, 36);
	}
}

static int setup(void **state) {
	esp_hub_create(&scene.h, 1);
	hub_tunnel(&scene.h, 3, 0, 7, 0);
	*state = &scene;
	return 0;
}

static int teardown(void **state) {
	hub_destroy(&((struct scene *)*state)->h);
	return 0;
}

static void inject(struct scene *s, struct frame *f) {
	hub_inject(&s->h, WAN, 0, f);
	hub_poll(&s->h);
}

static void expect_no_event(struct scene *s) {
	struct sa_event e;

	assert_false(hub_event(&s->h, &e));
}

static void expect_refused(struct scene *s, struct frame *f, enum drop_reason why) {
	inject(s, f);
	hub_expect_nothing_sent();
	hub_expect_dropped(&s->h, why, 1);
	for (unsigned c = 0; c < PUNT_CLASSES; c++)
		assert_null(hub_punted(&s->h, c));
}

static void inner_a_to_b(const struct scene *s, struct frame *f, uint8_t hops) {
	struct addr src = esp_host(&s->a.s.lan, 5), dst = esp_host(&s->b.s.lan, 7);

	inner_udp(f, &src, &dst, 36, hops, 0);
}

// A's packet to B, from where a says A is.
static void sealed_a_to_b(const struct scene *s, struct frame *f, const struct esp_spoke *a, uint64_t seq) {
	inner_a_to_b(s, f, 64);
	esp_from_spoke_seq(f, &s->h, a, 0x0800, seq);
}

static void expect_at_b(struct scene *s) {
	struct frame f;

	inner_a_to_b(s, &f, 63);
	esp_expect_sent(&s->h, &s->b, &f, 0x0800, 0);
	hub_expect_no_drops(&s->h);
}

static struct esp_spoke moved(const struct esp_spoke *es, const char *nbma, uint16_t port) {
	struct esp_spoke m = *es;

	m.s.nbma = addr_of(nbma);
	m.how.port = port;
	return m;
}

static void expect_not_peer(struct scene *s, const struct esp_spoke *from) {
	uint64_t top = esp_sa_in(&s->h, &s->a.up)->replay.top;
	uint32_t before = esp_dropped(&s->h, &s->a.up, SA_DROP_NOT_PEER);
	struct frame f;

	sealed_a_to_b(s, &f, from, top + 1);
	expect_refused(s, &f, DROP_NOT_PEER);
	assert_int_equal(esp_dropped(&s->h, &s->a.up, SA_DROP_NOT_PEER), before + 1);
	assert_int_equal(esp_sa_in(&s->h, &s->a.up)->replay.top, top);
}

static void test_native_esp_only_from_the_peer(void **state) {
	struct scene *s = *state;
	struct esp_spoke from;

	scene_fill(&native);
	warm_up(s);
	from = moved(&s->a, "192.0.2.11", 0);
	expect_not_peer(s, &from);
	from = moved(&s->a, "192.0.2.138", 0);
	expect_not_peer(s, &from);
	from = moved(&s->a, "192.0.2.10", 4500); // its SA is not for ESP in UDP
	expect_not_peer(s, &from);
	esp_pass(&s->h, &s->a, &s->b, false, 36);
}

static void test_native_esp_over_ipv6_only_from_the_peer(void **state) {
	struct scene *s = *state;
	struct esp_spoke from;

	s->a = esp_spoke(&s->h, 1, "2001:db8::a", 10, &native);
	s->b = esp_spoke(&s->h, 1, "2001:db8::b", 11, &native);
	from = moved(&s->a, "2001:db8::b", 0);
	expect_not_peer(s, &from);
	from = moved(&s->a, "2001:db8:0:1::a", 0);
	expect_not_peer(s, &from);
	esp_pass(&s->h, &s->a, &s->b, false, 36);
}

static void test_esp_in_udp_is_not_native(void **state) {
	struct scene *s = *state;
	struct esp_spoke from;

	scene_fill(&in_udp);
	from = moved(&s->a, "192.0.2.10", 0);
	expect_not_peer(s, &from);
	esp_pass(&s->h, &s->a, &s->b, false, 36);
	expect_no_event(s);
}

// Right keys, right source, another address of ours.
static void test_an_sa_is_of_one_endpoint(void **state) {
	struct scene *s = *state;

	for (unsigned udp = 0; udp < 2; udp++) {
		struct frame f;

		s->a = esp_spoke(&s->h, 0, udp ? "192.0.2.13" : "192.0.2.10", 10 + 3 * udp, udp ? &in_udp : &native);
		s->b = esp_spoke(&s->h, 0, udp ? "192.0.2.14" : "192.0.2.11", 11 + 3 * udp, udp ? &in_udp : &native);
		sealed_a_to_b(s, &f, &s->a, 1);
		frame_bytes(&f)[14 + 19] = 2; // endpoint 2
		ipv4_checksum_again(frame_bytes(&f) + 14);
		expect_refused(s, &f, DROP_NOT_PEER);
		frame_bytes(&f)[14 + 19] = 3; // an address without tunnels
		ipv4_checksum_again(frame_bytes(&f) + 14);
		expect_refused(s, &f, DROP_ESP_UNKNOWN);
		esp_pass(&s->h, &s->a, &s->b, false, 36);
	}
}

static void expect_mapping(struct scene *s, const struct esp_spoke *at, uint64_t seq) {
	struct sa_event e;

	assert_true(hub_event(&s->h, &e));
	assert_int_equal(e.kind, SA_EVENT_MAPPING);
	assert_int_equal(e.port, at->how.port);
	assert_int_equal(e.spi, s->a.up.spi);
	assert_int_equal(e.peer, s->a.s.peer);
	assert_int_equal(e.peer_gen, esp_peer(&s->h, &s->a)->gen);
	assert_int_equal(e.seq, seq);
	assert_true(addr_eq(&e.nbma, &at->s.nbma));
	expect_no_event(s);
}

// RFC 3948 section 3.4 and appendix B: the NAT gave the peer another port, or the peer is behind another NAT. Who has
// the key is who it was; control is told, for the newest packet alone.
static void mapping_is_told(struct scene *s, const char *other) {
	struct esp_spoke port = s->a, address = moved(&s->a, other, 40007);
	struct frame f;

	port.how.port = 41000;
	sealed_a_to_b(s, &f, &s->a, 10);
	inject(s, &f);
	expect_at_b(s);
	expect_no_event(s);
	sealed_a_to_b(s, &f, &port, 20);
	inject(s, &f);
	expect_at_b(s);
	expect_mapping(s, &port, 20);
	sealed_a_to_b(s, &f, &address, 21);
	inject(s, &f);
	expect_at_b(s);
	expect_mapping(s, &address, 21);
	sealed_a_to_b(s, &f, &port, 19); // late, over the old path
	inject(s, &f);
	expect_at_b(s);
	expect_no_event(s);
	sealed_a_to_b(s, &f, &port, 20); // replayed from elsewhere
	expect_refused(s, &f, DROP_ESP_REPLAY);
	sealed_a_to_b(s, &f, &port, 30); // forged
	frame_bytes(&f)[f.len - 1] ^= 1;
	if (s->a.s.nbma.family == ADDR_IPV4) // the UDP checksum is not looked at: the ICV says more
		expect_refused(s, &f, DROP_ESP_ICV);
	// Control has heard it.
	rcu_publish(&esp_sa_in(&s->h, &s->a.up)->from,
		sa_from_word(&address.s.nbma, address.how.port, esp_peer(&s->h, &s->a)->endpoint));
	sealed_a_to_b(s, &f, &address, 31);
	inject(s, &f);
	expect_at_b(s);
	expect_no_event(s);
	sealed_a_to_b(s, &f, &s->a, 32); // back again
	inject(s, &f);
	expect_at_b(s);
	expect_mapping(s, &s->a, 32);
}

static void test_a_nat_that_moves_is_told_to_control(void **state) {
	struct scene *s = *state;

	scene_fill(&in_udp);
	mapping_is_told(s, "192.0.2.99");
}

static void test_a_nat_that_moves_over_ipv6(void **state) {
	struct scene *s = *state;

	s->a = esp_spoke(&s->h, 1, "2001:db8::a", 10, &in_udp);
	s->b = esp_spoke(&s->h, 1, "2001:db8::b", 11, &in_udp);
	mapping_is_told(s, "2001:db8:1::a");
}

// All packets pass, control hears of some: its ring is not for the asking.
static void test_mappings_are_policed(void **state) {
	enum { PACKETS = 8192 };
	struct scene *s = *state;
	struct esp_spoke at;
	unsigned told = 0;
	struct sa_event e;
	struct rte_mbuf *m;
	struct frame f;

	scene_fill(&in_udp);
	at = s->a;
	for (unsigned i = 0; i < PACKETS; i++) {
		at.how.port = (uint16_t)(20000 + i);
		sealed_a_to_b(s, &f, &at, i + 1);
		hub_inject(&s->h, WAN, 0, &f);
		if (i % 32 != 31)
			continue;
		hub_poll(&s->h);
		for (unsigned k = 0; k < 32; k++) {
			m = hub_sent(WAN);
			assert_non_null(m);
			rte_pktmbuf_free(m);
		}
		while (hub_event(&s->h, &e))
			told++;
	}
	hub_expect_no_drops(&s->h);
	assert_in_range(told, 1, PACKETS / 2);
}

static void clear_frame(const struct scene *s, struct frame *f, uint16_t protocol) {
	struct addr src = esp_host(&s->a.s.lan_ipv6, 5), dst = esp_host(&s->b.s.lan_ipv6, 7);

	if (protocol == 0x0800)
		inner_a_to_b(s, f, 64);
	else if (protocol == 0x86dd)
		inner_udp(f, &src, &dst, 36, 64, 0);
	else
		frame_payload(f, 92, 9);
	from_spoke(f, &s->h, &s->a.s, protocol);
}

static void test_clear_gre_on_a_protected_tunnel(void **state) {
	static const uint16_t protocols[] = {0x0800, 0x86dd, 0x2001};
	struct scene *s = *state;

	for (unsigned with_sa = 0; with_sa < 2; with_sa++) {
		s->a = esp_spoke_bare(&s->h, 0, with_sa ? "192.0.2.20" : "192.0.2.10", 10 + 10 * with_sa, &native);
		s->b = esp_spoke(&s->h, 0, with_sa ? "192.0.2.21" : "192.0.2.11", 11 + 10 * with_sa, &native);
		if (with_sa) {
			esp_up_make(&s->h, &s->a);
			esp_down_make(&s->h, &s->a);
			esp_pass(&s->h, &s->a, &s->b, false, 36);
		}
		for (unsigned i = 0; i < RTE_DIM(protocols); i++) {
			struct frame f;

			clear_frame(s, &f, protocols[i]);
			expect_refused(s, &f, DROP_CLEAR_ON_PROTECTED);
		}
	}
}

// Clear and encrypted packets of one spoke in turn: what one of them left behind in the burst helps no other.
static void test_clear_gre_between_encrypted_packets(void **state) {
	struct scene *s = *state;
	struct frame f;

	scene_fill(&native);
	warm_up(s);
	for (unsigned i = 0; i < 32; i++) {
		if (i & 1)
			clear_frame(s, &f, 0x0800);
		else
			sealed_a_to_b(s, &f, &s->a, ++s->a.up.seq);
		hub_inject(&s->h, WAN, 0, &f);
	}
	hub_poll(&s->h);
	for (unsigned i = 0; i < 16; i++) {
		inner_a_to_b(s, &f, 63);
		esp_expect_sent(&s->h, &s->b, &f, 0x0800, 0);
	}
	hub_expect_nothing_sent();
	hub_expect_dropped(&s->h, DROP_CLEAR_ON_PROTECTED, 16);
}

static void test_nothing_leaves_without_an_sa(void **state) {
	struct scene *s = *state;
	struct prefix lan = prefix_from("172.16.5.0/24");
	struct addr host = addr_of("172.16.5.5"), dst;
	struct frame f;

	s->a = esp_spoke(&s->h, 0, "192.0.2.10", 10, &native);
	s->b = esp_spoke_bare(&s->h, 0, "192.0.2.11", 11, &native);
	hub_route(&s->h, 0, &lan, hub_adj(&s->h, ADJ_PORT, iface_of_port(LAN), 1 + LAN));
	sealed_a_to_b(s, &f, &s->a, 1);
	expect_refused(s, &f, DROP_NO_SA);
	dst = esp_host(&s->b.s.lan, 7);
	inner_udp(&f, &host, &dst, 36, 64, 0);
	frame_ether(&f, hub_mac[LAN], gateway_mac, 0x0800);
	hub_inject(&s->h, LAN, 0, &f);
	hub_poll(&s->h);
	hub_expect_nothing_sent();
	hub_expect_dropped(&s->h, DROP_NO_SA, 1);
	esp_down_make(&s->h, &s->b); // it says nothing of the way in
	sealed_a_to_b(s, &f, &s->a, 2);
	inject(s, &f);
	expect_at_b(s);
}

static uint64_t drops_all(struct scene *s) {
	struct lcore_counters c;
	uint64_t n = 0;

	datapath_counters(s->h.dp, &c);
	for (unsigned why = 0; why < DROP_REASON_COUNT; why++)
		n += c.drops[why];
	return n;
}

// Whatever it is called.
static void expect_dropped_somehow(struct scene *s, struct frame *f) {
	uint64_t before = drops_all(s);

	inject(s, f);
	hub_expect_nothing_sent();
	assert_int_equal(drops_all(s), before + 1);
	hub_forget_drops(&s->h);
}

// A route that leads astray: a protected tunnel's adjacency at a peer without SAs, and the other way round.
static void test_adjacencies_that_mix_protected_and_plain(void **state) {
	struct scene *s = *state;
	struct spoke plain;
	struct adj_state st;
	struct frame f;

	scene_fill(&native);
	warm_up(s);
	plain = hub_spoke(&s->h, 2, "192.0.2.50", 50);
	st = adj_state_load(&s->h.fwd.adjs.adjs[s->b.s.adj]);
	st.target = plain.peer;
	for (unsigned ipv6 = 0; ipv6 < 2; ipv6++) // the short way and the long one
		adj_state_store(&s->h.fwd.adjs.adjs[ipv6 ? s->b.s.adj_ipv6 : s->b.s.adj], st);
	sealed_a_to_b(s, &f, &s->a, 11);
	expect_dropped_somehow(s, &f);
	inner_udp(&f, &s->a.s.protocol_ipv6, &s->b.s.protocol_ipv6, 36, 64, 0);
	esp_from_spoke_seq(&f, &s->h, &s->a, 0x86dd, 12);
	expect_refused(s, &f, DROP_CLEAR_ON_PROTECTED);
	st.target = s->b.s.peer;
	adj_state_store(&s->h.fwd.adjs.adjs[s->b.s.adj], st);
	adj_state_store(&s->h.fwd.adjs.adjs[plain.adj], st);
	inner_udp(&f, &s->a.s.protocol, &plain.protocol, 36, 64, 0);
	esp_from_spoke_seq(&f, &s->h, &s->a, 0x0800, 13);
	expect_refused(s, &f, DROP_CLEAR_TUNNEL);
	assert_int_equal(sa_out_at(s->h.fwd.ipsec, s->b.s.peer)->seq, 2); // of the warming up
}

static void test_esp_for_a_plain_tunnel(void **state) {
	static const uint16_t protocols[] = {0x0800, 0x86dd, 0x2001};
	struct scene *s = *state;
	struct esp_spoke other;

	scene_fill(&native);
	warm_up(s);
	other = s->a;
	other.s.tunnel = 3; // its key
	for (unsigned i = 0; i < RTE_DIM(protocols); i++) {
		struct frame f;

		if (protocols[i] == 0x2001)
			frame_payload(&f, 92, 9);
		else
			inner_udp(&f, i ? &s->a.s.protocol_ipv6 : &s->a.s.protocol,
				i ? &s->b.s.protocol_ipv6 : &s->b.s.protocol, 36, 64, 0);
		esp_from_spoke_seq(&f, &s->h, &other, protocols[i], ++s->a.up.seq);
		expect_refused(s, &f, DROP_CLEAR_TUNNEL);
	}
	esp_pass(&s->h, &s->a, &s->b, false, 36);
}

// The SA says who sends; where the tunnel is strict, what is inside must be theirs too.
static void test_inner_sources_must_be_the_peers(void **state) {
	struct scene *s = *state;
	struct addr src, dst;
	struct frame f;

	scene_fill(&native);
	s->h.tunnels[0].anti_spoof = true;
	warm_up(s);
	dst = esp_host(&s->b.s.lan, 7);
	src = esp_host(&s->b.s.lan, 9); // B's own
	inner_udp(&f, &src, &dst, 36, 64, 0);
	esp_from_spoke(&f, &s->h, &s->a, 0x0800);
	expect_refused(s, &f, DROP_SPOOFED);
	src = addr_of("172.31.1.1"); // nobody's
	inner_udp(&f, &src, &dst, 36, 64, 0);
	esp_from_spoke(&f, &s->h, &s->a, 0x0800);
	expect_refused(s, &f, DROP_SPOOFED);
	dst = esp_host(&s->b.s.lan_ipv6, 7);
	inner_udp(&f, &s->b.s.protocol_ipv6, &dst, 36, 64, 0);
	esp_from_spoke(&f, &s->h, &s->a, 0x86dd);
	expect_refused(s, &f, DROP_SPOOFED);
	esp_pass(&s->h, &s->a, &s->b, false, 36);
	esp_pass(&s->h, &s->a, &s->b, true, 36);
}

// Tunnel mode: the IP header inside is checked as far as it says what is behind it.
static void test_the_ip_header_of_tunnel_mode(void **state) {
	static const struct {
		uint8_t at, value;
	} changes[] = {{0, 0x46}, {0, 0x65}, {6, 0x20}, {7, 1}, {9, 4}, {9, 6}, {2, 0xff}, {3, 19}, {3, 0}};
	const struct esp_how how = {.suite = ESP_AES_GCM_128_16, .tunnel_mode = true};
	struct scene *s = *state;
	struct frame f;

	scene_fill(&how);
	for (unsigned i = 0; i < RTE_DIM(changes); i++) {
		inner_a_to_b(s, &f, 64);
		esp_inside_from_spoke(&f, &s->h, &s->a, 0x0800);
		frame_bytes(&f)[changes[i].at] = changes[i].value;
		ipv4_checksum_again(frame_bytes(&f));
		esp_seal(&f, &s->a.up, ++s->a.up.seq, 0, 4);
		esp_outer_from_spoke(&f, &s->h, &s->a, 0);
		expect_refused(s, &f, DROP_ESP_MALFORMED);
		assert_int_equal(esp_dropped(&s->h, &s->a.up, SA_DROP_MALFORMED), i + 1);
	}
	esp_pass(&s->h, &s->a, &s->b, false, 36);
}

#define source_test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(int argc, char **argv) {
	const struct CMUnitTest tests[] = {
		source_test(test_native_esp_only_from_the_peer),
		source_test(test_native_esp_over_ipv6_only_from_the_peer),
		source_test(test_esp_in_udp_is_not_native),
		source_test(test_an_sa_is_of_one_endpoint),
		source_test(test_a_nat_that_moves_is_told_to_control),
		source_test(test_a_nat_that_moves_over_ipv6),
		source_test(test_mappings_are_policed),
		source_test(test_clear_gre_on_a_protected_tunnel),
		source_test(test_clear_gre_between_encrypted_packets),
		source_test(test_nothing_leaves_without_an_sa),
		source_test(test_adjacencies_that_mix_protected_and_plain),
		source_test(test_esp_for_a_plain_tunnel),
		source_test(test_inner_sources_must_be_the_peers),
		source_test(test_the_ip_header_of_tunnel_mode),
	};

	return stage_main(argc, argv) ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
