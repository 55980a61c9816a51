// SPDX-License-Identifier: BSD-3-Clause
// Protected packets and their surroundings: room in the buffer, MTU, DSCP and ECN, padding against traffic analysis,
// UDP checksums.
//
//   A, B ══ ESP ══ wan0 [hub] lan0 ── 172.16.5.0/24
#include "crypto_null.h"
#include "esp.h"
#include "esp_packet.h"
#include "mbuf_guard.h"
#include "stage.h"

#define HEADERS_MAX 64 // GRE and the IP header of tunnel mode are put where they are, without a move

static struct hub hub;

static int setup(void **state) {
	struct prefix lan = prefix_from("172.16.5.0/24");

	esp_hub_create(&hub, 1);
	hub_route(&hub, 0, &lan, hub_adj(&hub, ADJ_PORT, iface_of_port(LAN), 1 + LAN));
	*state = &hub;
	return 0;
}

static struct esp_how how_of(enum esp_suite suite, unsigned bits) {
	return (struct esp_how){.suite = suite, .esn = bits & 1, .tunnel_mode = bits & 2, .port = bits & 4 ? 40000 : 0};
}

static void next_hop_mtu(struct hub *h, const struct spoke *s, uint16_t mtu) {
	struct adj_state st = adj_state_load(&h->fwd.adjs.adjs[s->adj]);

	st.mtu = mtu;
	adj_state_store(&h->fwd.adjs.adjs[s->adj], st);
}

// A frame of a buffer of 2,176 octets at any place in it: moved where that makes room, else dropped by name, and the
// SA does not lose a number.
static void place_frame(struct frame *f, uint16_t at) {
	struct rte_mbuf *m = rte_pktmbuf_alloc(hub_rx_pool());

	assert_non_null(m);
	mbuf_guard_open(m);
	m->data_off = at;
	m->data_len = m->pkt_len = f->len;
	assert_true(at + f->len <= m->buf_len);
	memcpy(rte_pktmbuf_mtod(m, void *), frame_bytes(f), f->len);
	memset(pkt_meta(m), 0xa5, sizeof(struct pkt_meta));
	hub_queue(LAN, 0, m);
}

struct tally {
	unsigned sent, dropped;
};

static void dropped_by_name(struct hub *h) {
	struct lcore_counters c;

	datapath_counters(h->dp, &c);
	assert_int_equal(
		c.drops[DROP_HEADROOM] + c.drops[DROP_TAILROOM] - h->dropped[DROP_HEADROOM] - h->dropped[DROP_TAILROOM],
		1);
	hub_forget_drops(h);
}

// need: octets that the packet grows by. The trailer may want four octets more than it takes.
static void place_and_expect(
	struct hub *h, struct esp_spoke *to, uint16_t n, uint16_t at, unsigned need, struct tally *t) {
	struct addr host = addr_of("172.16.5.5"), dst = esp_host(&to->s.lan, 7);
	unsigned room = hub_rx_pool()->elt_size - sizeof(struct rte_mbuf) - PKT_PRIV_SIZE;
	struct frame f;

	inner_udp(&f, &host, &dst, n, 64, 0);
	frame_ether(&f, hub_mac[LAN], gateway_mac, 0x0800);
	room -= f.len - 14;
	place_frame(&f, at);
	hub_poll(h);
	if (hub_sent_on(WAN, 0) == 0) {
		assert_true(room < need + 4 || at < HEADERS_MAX);
		dropped_by_name(h);
		t->dropped++;
		return;
	}
	assert_true(room >= need);
	inner_udp(&f, &host, &dst, n, 63, 0);
	esp_expect_sent(h, to, &f, 0x0800, 0);
	hub_expect_no_drops(h);
	t->sent++;
}

static void test_anywhere_in_the_buffer(void **state) {
	struct hub *h = *state;
	struct tally t = {0, 0};

	for (unsigned i = 0; i < 16; i++) {
		struct esp_how how = how_of(i & 1 ? ESP_AES_CBC_256_SHA512_256 : ESP_AES_GCM_128_8, i >> 1);
		const struct esp_suite_info *info = &esp_suites[how.suite];
		struct esp_spoke to;
		char nbma[32];

		snprintf(nbma, sizeof(nbma), "192.0.2.%u", 10 + i);
		to = esp_spoke(h, 0, nbma, 10 + i, &how);
		next_hop_mtu(h, &to.s, 2200);
		for (uint16_t len = 1980; len <= 2160; len += 10) { // of the inner packet
			unsigned inside = len + 8 + (how.tunnel_mode ? 20 : 0), block = info->block_bytes;
			unsigned text = (inside + 2 + block - 1) / block * block;
			unsigned need =
				text - len + 14 + 20 + (how.port ? 8 : 0) + 8 + info->iv_bytes + info->icv_bytes;

			for (unsigned at = 0; at + 14 + len <= 2176; at += 8)
				place_and_expect(h, &to, len - 28, (uint16_t)at, need, &t);
			place_and_expect(h, &to, len - 28, 2176 - 14 - len, need, &t); // to the very end
		}
	}
	assert_in_range(t.sent, 500, 100000);
	assert_in_range(t.dropped, 500, 100000);
}

static void test_chained_buffers(void **state) {
	struct hub *h = *state;
	struct esp_how how = how_of(ESP_AES_GCM_128_16, 0);
	struct esp_spoke a = esp_spoke(h, 0, "192.0.2.10", 10, &how), b = esp_spoke(h, 0, "192.0.2.11", 11, &how);
	struct rte_mbuf *m;
	struct frame f, rest;

	frame_payload(&rest, 40, 1);
	inner_udp(&f, &a.s.protocol, &b.s.protocol, 36, 64, 0);
	esp_from_spoke_seq(&f, h, &a, 0x0800, 1);
	m = hub_mbuf(hub_rx_pool(), &f);
	assert_int_equal(rte_pktmbuf_chain(m, hub_mbuf(hub_rx_pool(), &rest)), 0);
	hub_queue(WAN, 0, m);
	hub_poll(h);
	hub_expect_nothing_sent();
	hub_expect_dropped(h, DROP_OUTER_MALFORMED, 1);
	frame_payload(&f, 92, 3);
	m = esp_answer(h, &b, &f);
	assert_int_equal(rte_pktmbuf_chain(m, hub_mbuf(datapath_control_pool(h->dp), &rest)), 0);
	assert_int_equal(datapath_send(h->dp, m, EGRESS_CONTROL), 0);
	hub_poll(h);
	hub_expect_nothing_sent();
	dropped_by_name(h);
	esp_pass(h, &a, &b, false, 36);
}

static void test_larger_than_the_mtu(void **state) {
	struct hub *h = *state;
	struct esp_how how = how_of(ESP_AES_GCM_128_16, 0);
	struct esp_spoke a = esp_spoke(h, 0, "192.0.2.10", 10, &how), b = esp_spoke(h, 0, "192.0.2.11", 11, &how);
	struct addr src = esp_host(&a.s.lan, 5), dst = esp_host(&b.s.lan, 7);
	struct frame f;

	next_hop_mtu(h, &b.s, 1300);
	esp_pass(h, &a, &b, false, 1300 - 28);
	inner_udp(&f, &src, &dst, 1301 - 28, 64, 0);
	esp_from_spoke(&f, h, &a, 0x0800);
	hub_inject(h, WAN, 0, &f);
	hub_poll(h);
	hub_expect_nothing_sent();
	hub_expect_dropped(h, DROP_TOO_BIG, 1);
	esp_pass(h, &a, &b, false, 36); // on the very next number
}

static void pass_tos(struct hub *h, struct esp_spoke *a, struct esp_spoke *b, bool ipv6, uint8_t tos) {
	struct addr src = esp_host(ipv6 ? &a->s.lan_ipv6 : &a->s.lan, 5),
		    dst = esp_host(ipv6 ? &b->s.lan_ipv6 : &b->s.lan, 7);
	struct frame f;

	inner_udp(&f, &src, &dst, 36, 64, tos);
	esp_from_spoke(&f, h, a, gre_protocol_of(&src));
	hub_inject(h, WAN, 0, &f);
	hub_poll(h);
	inner_udp(&f, &src, &dst, 36, 63, tos);
	esp_expect_sent(h, b, &f, gre_protocol_of(&src), tos);
	hub_expect_no_drops(h);
}

// RFC 6040 section 4.1, RFC 4301 section 5.1.2: every value of the octet, into the outer header and that of tunnel
// mode.
static void test_dscp_and_ecn_are_copied_outwards(void **state) {
	struct hub *h = *state;

	for (unsigned bits = 0; bits < 16; bits++) {
		struct esp_how how = how_of(ESP_AES_GCM_128_16, bits);
		struct esp_spoke a, b;
		char nbma[32];

		snprintf(nbma, sizeof(nbma), bits & 8 ? "2001:db8::%x" : "192.0.2.%u", 10 + 2 * bits);
		a = esp_spoke(h, bits >> 3, nbma, 10 + 2 * bits, &how);
		snprintf(nbma, sizeof(nbma), bits & 8 ? "2001:db8::%x" : "192.0.2.%u", 11 + 2 * bits);
		b = esp_spoke(h, bits >> 3, nbma, 11 + 2 * bits, &how);
		for (unsigned tos = 0; tos < 256; tos++)
			pass_tos(h, &a, &b, tos & 1, (uint8_t)tos);
	}
}

// RFC 6040 section 4.2: congestion that ESP's outer header met is passed on, or the packet is dropped.
static void congestion(struct hub *h, struct esp_spoke *a, struct esp_spoke *b, bool ipv6, uint8_t ecn) {
	static const uint8_t seen[4] = {0, 3, 3, 3}; // inner Not-ECT, ECT(1), ECT(0), CE
	struct addr src = esp_host(ipv6 ? &a->s.lan_ipv6 : &a->s.lan, 5),
		    dst = esp_host(ipv6 ? &b->s.lan_ipv6 : &b->s.lan, 7);
	struct frame f;

	inner_udp(&f, &src, &dst, 36, 64, 0x48 | ecn);
	esp_inside_from_spoke(&f, h, a, gre_protocol_of(&src));
	esp_seal(&f, &a->up, ++a->up.seq, 0, esp_next_header(a));
	esp_outer_from_spoke(&f, h, a, 0x48 | 3);
	hub_inject(h, WAN, 0, &f);
	hub_poll(h);
	if (!ecn) {
		hub_expect_nothing_sent();
		hub_expect_dropped(h, DROP_CONGESTION, 1);
		return;
	}
	inner_udp(&f, &src, &dst, 36, 63, 0x48 | seen[ecn]);
	esp_expect_sent(h, b, &f, gre_protocol_of(&src), 0x48 | seen[ecn]);
	hub_expect_no_drops(h);
}

static void test_congestion_marks_of_the_underlay_are_passed_on(void **state) {
	struct hub *h = *state;

	for (unsigned bits = 0; bits < 16; bits++) {
		struct esp_how how = how_of(ESP_AES_GCM_128_16, bits);
		struct esp_spoke a, b;
		char nbma[32];

		snprintf(nbma, sizeof(nbma), bits & 8 ? "2001:db8::%x" : "192.0.2.%u", 10 + 2 * bits);
		a = esp_spoke(h, bits >> 3, nbma, 10 + 2 * bits, &how);
		snprintf(nbma, sizeof(nbma), bits & 8 ? "2001:db8::%x" : "192.0.2.%u", 11 + 2 * bits);
		b = esp_spoke(h, bits >> 3, nbma, 11 + 2 * bits, &how);
		for (unsigned i = 0; i < 8; i++)
			congestion(h, &a, &b, i & 4, i & 3);
	}
}

// RFC 4303 section 2.7: noise behind the packet inside, and the trailer's own padding behind that.
static void test_padding_against_traffic_analysis(void **state) {
	struct hub *h = *state;

	for (unsigned bits = 0; bits < 4; bits++) {
		struct esp_how how = how_of(bits & 1 ? ESP_AES_CBC_128_SHA256_128 : ESP_AES_GCM_128_16, bits & 2);
		struct esp_spoke a, b;
		char nbma[32];

		snprintf(nbma, sizeof(nbma), "192.0.2.%u", 10 + 2 * bits);
		a = esp_spoke(h, 0, nbma, 10 + 2 * bits, &how);
		snprintf(nbma, sizeof(nbma), "192.0.2.%u", 11 + 2 * bits);
		b = esp_spoke(h, 0, nbma, 11 + 2 * bits, &how);
		for (uint16_t more = 1; more < 400; more += 3) {
			struct addr src = esp_host(more & 1 ? &a.s.lan_ipv6 : &a.s.lan, 5),
				    dst = esp_host(more & 1 ? &b.s.lan_ipv6 : &b.s.lan, 7);
			struct frame f;

			inner_udp(&f, &src, &dst, 36, 64, 0);
			esp_inside_from_spoke(&f, h, &a, gre_protocol_of(&src));
			random_bytes(frame_back(&f, more), more);
			esp_seal(&f, &a.up, ++a.up.seq, 16 * (more & 7), esp_next_header(&a));
			esp_outer_from_spoke(&f, h, &a, 0);
			hub_inject(h, WAN, 0, &f);
			hub_poll(h);
			inner_udp(&f, &src, &dst, 36, 63, 0);
			esp_expect_sent(h, &b, &f, gre_protocol_of(&src), 0);
			hub_expect_no_drops(h);
		}
	}
}

// RFC 8200 section 8.1: a checksum that comes out as zero is sent as ones. Without cipher a test can bring it about.
static void test_udp_checksum_of_zero_over_ipv6(void **state) {
	struct hub *h = *state;
	struct esp_how how = how_of(ESP_NULL, 4);
	struct esp_spoke a;
	uint16_t word = 0;
	struct frame f;

	hub_destroy(h);
	esp_hub_create_with(h, &(struct hub_conf){.crypto = &crypto_null_ops});
	a = esp_spoke(h, 1, "2001:db8::a", 10, &how);
	for (unsigned i = 0; i < 8; i++) {
		struct rte_mbuf *m;
		uint16_t sum;

		frame_payload(&f, 92, 3);
		put_u16(frame_bytes(&f), word);
		assert_int_equal(datapath_send(h->dp, esp_answer(h, &a, &f), EGRESS_CONTROL), 0);
		hub_poll(h);
		m = hub_sent(WAN);
		assert_non_null(m);
		sum = rte_pktmbuf_mtod(m, uint8_t *)[60] << 8 | rte_pktmbuf_mtod(m, uint8_t *)[61];
		frame_payload(&f, 92, 3);
		put_u16(frame_bytes(&f), word);
		esp_expect(m, h, &a, &f, 0x2001, 0xc0);
		assert_int_not_equal(sum, 0);
		if (i)
			assert_int_equal(sum, 0xffff);
		// Next time the sum of all words is to be ones: what lacks, less the one that the sequence number grows
		// by.
		word += (sum == 0xffff ? 0 : sum) - 1;
	}
	hub_expect_no_drops(h);
}

#define room_test(f) cmocka_unit_test_setup_teardown(f, setup, stage_teardown)

int main(int argc, char **argv) {
	const struct CMUnitTest tests[] = {
		room_test(test_anywhere_in_the_buffer),
		room_test(test_chained_buffers),
		room_test(test_larger_than_the_mtu),
		room_test(test_dscp_and_ecn_are_copied_outwards),
		room_test(test_congestion_marks_of_the_underlay_are_passed_on),
		room_test(test_padding_against_traffic_analysis),
		room_test(test_udp_checksum_of_zero_over_ipv6),
	};

	return stage_main(argc, argv) ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
