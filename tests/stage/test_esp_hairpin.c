// SPDX-License-Identifier: BSD-3-Clause
// Protected spokes through the hub, octet for octet: what leaves is what libcrypto makes of the inner packet.
//
//   spokes ══ ESP ══ wan0 [hub] lan0 ── 172.16.0.0/16     tunnel 0: IPv4 underlay, tunnel 1: IPv6 underlay
//
// Every suite, transport and tunnel mode, native and in UDP, with and without extended sequence numbers.
#include "crypto_null.h"
#include "esp.h"
#include "esp_packet.h"
#include "stage.h"

static struct hub hub;

static int setup(void **state) {
	esp_hub_create(&hub, 1);
	*state = &hub;
	return 0;
}

struct pair {
	struct esp_spoke a, b;
};

static struct pair pair_make(struct hub *h, uint16_t tunnel, unsigned n, const struct esp_how *how) {
	struct esp_how of_b = *how;
	struct pair p;
	char nbma[32];

	snprintf(nbma, sizeof(nbma), tunnel ? "2001:db8::%x" : "192.0.2.%u", n);
	p.a = esp_spoke(h, tunnel, nbma, n, how);
	snprintf(nbma, sizeof(nbma), tunnel ? "2001:db8::%x" : "192.0.2.%u", n + 1);
	if (of_b.port)
		of_b.port++;
	p.b = esp_spoke(h, tunnel, nbma, n + 1, &of_b);
	return p;
}

// Lengths around every block border, the largest, and next hops of the tunnel's own subnet.
static void pass_lengths(struct hub *h, struct pair *p) {
	for (uint16_t n = 0; n < 18; n++) {
		esp_pass(h, &p->a, &p->b, false, n);
		esp_pass(h, &p->b, &p->a, true, n);
	}
	esp_pass(h, &p->a, &p->b, false, 1372);
	esp_pass(h, &p->a, &p->b, true, 1352);
}

static struct esp_how how_of(enum esp_suite suite, unsigned bits) {
	return (struct esp_how){.suite = suite, .esn = bits & 1, .tunnel_mode = bits & 2, .port = bits & 4 ? 40000 : 0};
}

// Of all suites that the backend has. tunnel_bit: the underlay's family.
static void all_ways(const struct esp_crypto_ops *ops, enum esp_suite suite) {
	struct hub *h = &hub;

	esp_hub_create_with(h, &(struct hub_conf){.crypto = ops});
	for (unsigned bits = 0; bits < 16; bits++) {
		struct esp_how how = how_of(suite, bits);
		struct pair p = pair_make(h, bits >> 3, 10 + 2 * bits, &how);

		pass_lengths(h, &p);
	}
	hub_destroy(h);
}

static void test_every_suite_in_every_way(void **state) {
	unsigned suites = 0;

	(void)state;
	for (unsigned s = 0; s < ESP_SUITE_COUNT; s++) {
		if (!hub_crypto->key_bytes(s))
			continue;
		all_ways(hub_crypto, s);
		suites++;
	}
	assert_int_equal(suites, ESP_SUITE_COUNT - 1); // all but NULL without integrity
}

static void test_no_cipher_and_no_integrity(void **state) {
	(void)state;
	all_ways(&crypto_null_ops, ESP_NULL);
}

// A burst of all suites and ways at once: one call of the backend for each suite, and each packet is sealed for its own
// peer.
static void test_a_burst_of_many_suites(void **state) {
	struct hub *h = *state;
	struct esp_spoke s[32];
	struct addr src, dst;
	struct frame f;
	char nbma[32];

	for (unsigned i = 0; i < 32; i++) {
		struct esp_how how = how_of(1 + i * 7 % (ESP_SUITE_COUNT - 1), i);

		snprintf(nbma, sizeof(nbma), i & 8 ? "2001:db8::%x" : "192.0.2.%u", 100 + i);
		s[i] = esp_spoke(h, i >> 3 & 1, nbma, 100 + i, &how);
	}
	for (unsigned round = 0; round < 3; round++) {
		for (unsigned i = 0; i < 32; i++) {
			src = esp_host(round & 1 ? &s[i].s.lan_ipv6 : &s[i].s.lan, 5);
			dst = esp_host(round & 1 ? &s[(i + 5) % 32].s.lan_ipv6 : &s[(i + 5) % 32].s.lan, 7);
			inner_udp(&f, &src, &dst, 3 * i, 64, 0);
			esp_from_spoke(&f, h, &s[i], gre_protocol_of(&src));
			hub_inject(h, WAN, 0, &f);
		}
		assert_int_equal(datapath_poll_once(h->dp, 0), 32);
		for (unsigned i = 0; i < 32; i++) {
			src = esp_host(round & 1 ? &s[i].s.lan_ipv6 : &s[i].s.lan, 5);
			dst = esp_host(round & 1 ? &s[(i + 5) % 32].s.lan_ipv6 : &s[(i + 5) % 32].s.lan, 7);
			inner_udp(&f, &src, &dst, 3 * i, 63, 0);
			esp_expect_sent_to(h, &s[(i + 5) % 32], &f, gre_protocol_of(&src), 0);
		}
		esp_expect_nothing_left();
		hub_expect_no_drops(h);
	}
}

// One of a suite, and behind it those of another: whichever suite was seen last, and whichever takes the long way.
static void test_the_first_of_another_suite(void **state) {
	struct hub *h = *state;
	struct esp_spoke s[4];
	struct frame f;
	char nbma[32];

	for (unsigned i = 0; i < 4; i++) {
		struct esp_how how = how_of(i & 1 ? ESP_AES_CBC_128_SHA256_128 : ESP_AES_GCM_128_16, i & 2 ? 4 : 0);

		snprintf(nbma, sizeof(nbma), "192.0.2.%u", 100 + i);
		s[i] = esp_spoke(h, 0, nbma, 100 + i, &how);
	}
	for (unsigned seen = 0; seen < 256; seen++) { // two bits for each of four packets: where it goes
		for (unsigned last = 0; last < 4; last++) {
			esp_pass(h, &s[last ^ 1], &s[last], false, 20); // the suite seen last
			for (unsigned i = 0; i < 4; i++) {
				unsigned to = seen >> 2 * i & 3;
				struct addr src = esp_host(&s[to ^ 1].s.lan, 5), dst = esp_host(&s[to].s.lan, 7);

				inner_udp(&f, &src, &dst, 36, 64, 0);
				esp_from_spoke(&f, h, &s[to ^ 1], 0x0800);
				hub_inject(h, WAN, 0, &f);
			}
			hub_poll(h);
			hub_expect_no_drops(h);
			for (unsigned i = 0; i < 4; i++) {
				unsigned to = seen >> 2 * i & 3;
				struct addr src = esp_host(&s[to ^ 1].s.lan, 5), dst = esp_host(&s[to].s.lan, 7);

				inner_udp(&f, &src, &dst, 36, 63, 0);
				esp_expect_sent_to(h, &s[to], &f, 0x0800, 0);
			}
			esp_expect_nothing_left();
		}
	}
}

// The hop is taken from the IPv4 header in place: its checksum comes out right for every sum that there is.
static void test_every_checksum_of_the_inner_header(void **state) {
	struct hub *h = *state;
	struct esp_how how = how_of(ESP_AES_GCM_128_16, 0);
	struct pair p = pair_make(h, 0, 10, &how);
	struct addr src = esp_host(&p.a.s.lan, 5), dst = esp_host(&p.b.s.lan, 7);
	struct frame f;

	for (unsigned id = 0; id < 65536; id++) {
		inner_udp(&f, &src, &dst, 8, 64, 0);
		put_u16(frame_bytes(&f) + 4, (uint16_t)id);
		ipv4_checksum_again(frame_bytes(&f));
		esp_from_spoke(&f, h, &p.a, 0x0800);
		hub_inject(h, WAN, 0, &f);
		if (id % 32 != 31)
			continue;
		hub_poll(h);
		for (unsigned k = id - 31; k <= id; k++) {
			inner_udp(&f, &src, &dst, 8, 63, 0);
			put_u16(frame_bytes(&f) + 4, (uint16_t)k);
			ipv4_checksum_again(frame_bytes(&f));
			esp_expect_sent(h, &p.b, &f, 0x0800, 0);
		}
	}
	hub_expect_no_drops(h);
}

// Protected, plain and LAN in one burst.
static void test_protected_and_plain_tunnels_side_by_side(void **state) {
	struct hub *h = *state;
	struct esp_how how = how_of(ESP_AES_GCM_128_16, 0);
	struct pair p = pair_make(h, 0, 10, &how);
	struct spoke c = hub_spoke(h, 2, "192.0.2.50", 50), d = hub_spoke(h, 2, "192.0.2.51", 51);
	struct addr of_a = esp_host(&p.a.s.lan, 5), of_b = esp_host(&p.b.s.lan, 5), of_c = esp_host(&c.lan, 5),
		    of_d = esp_host(&d.lan, 5);
	struct frame f;

	for (unsigned i = 0; i < 8; i++) {
		inner_udp(&f, &of_a, i & 1 ? &of_b : &of_c, 36, 64, 0);
		esp_from_spoke(&f, h, &p.a, 0x0800);
		hub_inject(h, WAN, 0, &f);
		inner_udp(&f, &of_c, i & 1 ? &of_d : &of_b, 36, 64, 0);
		from_spoke(&f, h, &c, 0x0800);
		hub_inject(h, WAN, 0, &f);
	}
	hub_poll(h);
	hub_expect_no_drops(h);
	for (unsigned i = 0; i < 8; i++) {
		inner_udp(&f, &of_a, i & 1 ? &of_b : &of_c, 36, 63, 0);
		if (i & 1) {
			esp_expect_sent_to(h, &p.b, &f, 0x0800, 0);
		} else {
			to_spoke(&f, h, &c, 0x0800, 0);
			esp_expect_sent_plain(&f);
		}
	}
	for (unsigned i = 0; i < 8; i++) {
		inner_udp(&f, &of_c, i & 1 ? &of_d : &of_b, 36, 63, 0);
		if (i & 1) {
			to_spoke(&f, h, &d, 0x0800, 0);
			esp_expect_sent_plain(&f);
		} else {
			esp_expect_sent_to(h, &p.b, &f, 0x0800, 0);
		}
	}
	esp_expect_nothing_left();
}

static void test_between_spoke_and_lan(void **state) {
	struct hub *h = *state;
	struct prefix lan = prefix_from("172.16.5.0/24");
	struct addr host = addr_of("172.16.5.5"), dst;
	struct frame f;

	hub_route(h, 0, &lan, hub_adj(h, ADJ_PORT, iface_of_port(LAN), 1 + LAN));
	for (unsigned bits = 0; bits < 16; bits++) {
		struct esp_how how = how_of(bits & 1 ? ESP_AES_CBC_256_SHA512_256 : ESP_CHACHA20_POLY1305, bits);
		struct pair p = pair_make(h, bits >> 3, 10 + 2 * bits, &how);

		dst = esp_host(&p.a.s.lan, 7);
		inner_udp(&f, &host, &dst, 36, 64, 0);
		frame_ether(&f, hub_mac[LAN], gateway_mac, 0x0800);
		hub_inject(h, LAN, 0, &f);
		hub_poll(h);
		inner_udp(&f, &host, &dst, 36, 63, 0);
		esp_expect_sent(h, &p.a, &f, 0x0800, 0);
		inner_udp(&f, &dst, &host, 36, 64, 0);
		esp_from_spoke(&f, h, &p.a, 0x0800);
		hub_inject(h, WAN, 0, &f);
		hub_poll(h);
		inner_udp(&f, &dst, &host, 36, 63, 0);
		frame_ether(&f, gateway_mac, hub_mac[LAN], 0x0800);
		hub_expect_sent(LAN, &f);
		hub_expect_no_drops(h);
	}
}

// What m brought: its family and tunnel, as a number of four; the whole frame is what it should be.
static unsigned kind_of(struct rte_mbuf *m, struct hub *h, struct pair *p, struct esp_spoke *second, uint64_t seq) {
	for (unsigned kind = 0; kind < 4; kind++) {
		struct esp_spoke *to = kind & 2 ? second : &p->b;
		struct addr src = esp_host(kind & 1 ? &p->a.s.lan_ipv6 : &p->a.s.lan, 5),
			    dst = esp_host(kind & 1 ? &to->s.lan_ipv6 : &to->s.lan, 7);
		struct frame f;

		inner_udp(&f, &src, &dst, 36, 63, 0);
		esp_to_spoke(&f, h, to, gre_protocol_of(&src), 0, seq, esp_look(m).iv);
		if (f.len == m->data_len && memcmp(frame_bytes(&f), rte_pktmbuf_mtod(m, void *), f.len) == 0)
			return kind;
	}
	fail_msg("number %lu is none of the four", seq);
	return 0;
}

// Adjacencies of two families and two tunnels, one peer, one SA: its sequence numbers leave strictly rising.
static void test_one_sa_for_both_families_and_two_tunnels(void **state) {
	struct hub *h = *state;
	struct esp_how how = how_of(ESP_AES_GCM_128_16, 0);
	unsigned of_kind[4] = {0};
	struct esp_spoke second;
	struct pair p;
	struct frame f;

	hub_tunnel(h, 3, 0, 1003, 0)->is_protected = true;
	p = pair_make(h, 0, 10, &how);
	second = p.b;
	second.s = hub_spoke_of_peer(h, 3, &p.b.s.nbma, 200, p.b.s.peer);
	for (unsigned i = 0; i < 96; i++) {
		const struct spoke *to = i & 2 ? &second.s : &p.b.s;
		struct addr src = esp_host(i & 1 ? &p.a.s.lan_ipv6 : &p.a.s.lan, 5),
			    dst = esp_host(i & 1 ? &to->lan_ipv6 : &to->lan, 7);

		inner_udp(&f, &src, &dst, 36, 64, 0);
		esp_from_spoke(&f, h, &p.a, gre_protocol_of(&src));
		hub_inject(h, WAN, 0, &f);
	}
	hub_poll(h);
	hub_expect_no_drops(h);
	for (unsigned i = 1; i <= 96; i++) {
		struct rte_mbuf *m = hub_sent(WAN);

		assert_non_null(m);
		assert_int_equal(esp_look(m).seq, i);
		of_kind[kind_of(m, h, &p, &second, i)]++;
		rte_pktmbuf_free(m);
	}
	for (unsigned kind = 0; kind < 4; kind++)
		assert_int_equal(of_kind[kind], 24);
	assert_int_equal(sa_out_at(h->fwd.ipsec, p.b.s.peer)->seq, 96);
}

static int iv_compare(const void *a, const void *b) {
	return memcmp(a, b, 16);
}

// A nonce that comes twice under one key gives GCM away (RFC 4106 section 3.1); CBC's IV must not be foreseen (RFC 3602
// section 3), so it is not a counter in clear.
static void no_iv_twice(struct hub *h, enum esp_suite suite, unsigned n) {
	enum { PACKETS = 2048 };
	static uint8_t ivs[PACKETS][16];
	struct esp_how how = how_of(suite, 0);
	struct pair p = pair_make(h, 0, n, &how);
	unsigned iv_bytes = esp_suites[suite].iv_bytes, same_octets = 0;
	struct addr src = esp_host(&p.a.s.lan, 5), dst = esp_host(&p.b.s.lan, 7);
	struct rte_mbuf *m;
	struct frame f;

	memset(ivs, 0, sizeof(ivs));
	for (unsigned i = 0; i < PACKETS; i++) {
		inner_udp(&f, &src, &dst, 8, 64, 0);
		esp_from_spoke(&f, h, &p.a, 0x0800);
		hub_inject(h, WAN, 0, &f);
		if (i % 32 == 31)
			hub_poll(h);
		if (i % 32 != 31)
			continue;
		for (unsigned k = i - 31; k <= i; k++) {
			m = hub_sent(WAN);
			assert_non_null(m);
			memcpy(ivs[k], esp_look(m).iv, iv_bytes);
			rte_pktmbuf_free(m);
		}
	}
	for (unsigned i = 1; i < PACKETS; i++)
		for (unsigned o = 0; o < iv_bytes; o++)
			same_octets += ivs[i][o] == ivs[i - 1][o];
	if (iv_bytes == 16) // 2047 x 16 / 256 = 128 by chance
		assert_in_range(same_octets, 60, 200);
	qsort(ivs, PACKETS, sizeof(ivs[0]), iv_compare);
	for (unsigned i = 1; i < PACKETS; i++)
		assert_memory_not_equal(ivs[i], ivs[i - 1], 16);
	hub_expect_no_drops(h);
}

static void test_no_iv_twice_under_one_key(void **state) {
	no_iv_twice(*state, ESP_AES_GCM_256_16, 10);
	no_iv_twice(*state, ESP_CHACHA20_POLY1305, 12);
	no_iv_twice(*state, ESP_AES_GMAC_128, 14);
	no_iv_twice(*state, ESP_AES_CBC_128_SHA256_128, 16);
	no_iv_twice(*state, ESP_AES_CBC_256_SHA1_96, 18);
}

static void test_counters_of_sas(void **state) {
	struct hub *h = *state;
	struct esp_how how = how_of(ESP_AES_GCM_128_16, 0);
	struct pair p = pair_make(h, 0, 10, &how);
	const struct sa_out *out = sa_out_at(h->fwd.ipsec, p.b.s.peer);

	for (unsigned i = 0; i < 5; i++)
		esp_pass(h, &p.a, &p.b, false, 36);
	assert_int_equal(esp_sa_in(h, &p.a.up)->packets, 5);
	assert_int_equal(esp_sa_in(h, &p.a.up)->bytes, 5 * (8 + 20 + 8 + 36)); // GRE with key, IP, UDP
	assert_int_equal(esp_sa_in(h, &p.a.up)->replay.top, 5);
	assert_int_equal(out->packets, 5);
	assert_int_equal(out->bytes, 5 * (8 + 20 + 8 + 36));
	assert_int_equal(out->seq, 5);
	assert_int_equal(esp_sa_in(h, &p.b.up)->packets, 0);
}

#define esp_test(f) cmocka_unit_test_setup_teardown(f, setup, stage_teardown)

int main(int argc, char **argv) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_suite_in_every_way),
		cmocka_unit_test(test_no_cipher_and_no_integrity),
		esp_test(test_a_burst_of_many_suites),
		esp_test(test_the_first_of_another_suite),
		esp_test(test_every_checksum_of_the_inner_header),
		esp_test(test_protected_and_plain_tunnels_side_by_side),
		esp_test(test_between_spoke_and_lan),
		esp_test(test_one_sa_for_both_families_and_two_tunnels),
		esp_test(test_no_iv_twice_under_one_key),
		esp_test(test_counters_of_sas),
	};

	return stage_main(argc, argv) ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
