// SPDX-License-Identifier: BSD-3-Clause
// The MTU of an adjacency is the largest inner packet that the underlay takes, for every suite and every way of
// framing: packets of one octet less, as much, and one more are framed here octet by octet (RFC 2784, RFC 2890, RFC
// 3948, RFC 4303) and measured.
#include "publish_fixture.h"

#include "crypto_null.h"
#include "sa_fixture.h"

enum gre { NO_KEY, KEY, KEY_AND_CHECKSUM, GRE_KINDS };

struct framing {
	enum esp_suite suite;
	uint8_t family;
	enum gre gre;
	bool udp, tunnel_mode;
};

static const uint8_t ivs[] = {
#define X(id, word, enc, salt, auth, iv, icv, block, aead) [ESP_##id] = (iv),
	ESP_SUITES(X)
#undef X
};
static const uint8_t icvs[] = {
#define X(id, word, enc, salt, auth, iv, icv, block, aead) [ESP_##id] = (icv),
	ESP_SUITES(X)
#undef X
};
static const uint8_t blocks[] = {
#define X(id, word, enc, salt, auth, iv, icv, block, aead) [ESP_##id] = (block),
	ESP_SUITES(X)
#undef X
};

static unsigned ip_bytes(uint8_t family) {
	return family == ADDR_IPV4 ? 20 : 40;
}

// Octets on the underlay of an inner packet.
static unsigned framed(const struct framing *f, unsigned inner_bytes) {
	static const unsigned gre_bytes[] = {[NO_KEY] = 4, [KEY] = 8, [KEY_AND_CHECKSUM] = 12};
	unsigned text = inner_bytes + gre_bytes[f->gre];

	if (f->tunnel_mode)
		text += ip_bytes(f->family);
	while ((text + 2) % blocks[f->suite]) // padding, so that pad length and next header end the last block
		text++;
	text += 2;
	return ip_bytes(f->family) + (f->udp ? 8 : 0) + 8 + ivs[f->suite] + text + icvs[f->suite];
}

static const char *const nbma_of[2] = {"198.51.100.11", "2001:db8:1::11"};

static uint16_t tunnel_of(const struct framing *f) {
	return (f->family == ADDR_IPV6 ? GRE_KINDS : 0) + f->gre;
}

static void tunnels_make(struct hub *h) {
	struct addr own = ip("2001:db8::1"), gateway = ip("2001:db8::fe");

	assert_int_equal(publish_port_addr(h->publish, WAN, &own, 64), 0);
	assert_int_equal(publish_gateway(h->publish, WAN, &gateway), 0);
	for (unsigned i = 0; i < 2 * GRE_KINDS; i++) {
		struct addr source = i < GRE_KINDS ? ip("192.0.2.9") : own;
		struct publish_tunnel t = {
			.rt = {.id = 10 + i, .mtu = 9000, .key = i, .is_protected = true},
			.protocol = {addr_ipv4(0x0a000001 + (i << 16))},
		};

		t.subnet[0] = prefix_of(&t.protocol[0], 16);
		t.rt.has_key = i % GRE_KINDS != NO_KEY;
		t.rt.checksum = i % GRE_KINDS == KEY_AND_CHECKSUM;
		t.rt.endpoint = publish_endpoint(h->publish, &source, WAN);
		assert_int_equal(publish_tunnel(h->publish, &t), 0);
	}
}

// One adjacency for each peer and each kind of tunnel, and SAs of every suite one after the other.
static void bind(struct hub *h, const struct framing *f, const struct publish_peer *where, struct binding *b) {
	struct sa_keys keys = keys_of(ESP_NULL, 0);
	struct sa_params params = {.suite = ESP_NULL};
	uint32_t spi = 0, peer;

	assert_int_equal(publish_sa_in(h->publish, where, &params, &keys, &spi, &peer), 0);
	*b = (struct binding){.tunnel = 10 + tunnel_of(f), .nbma = where->nbma, .nbma_port = where->nbma_port};
	b->prefix.addr = addr_ipv4(0x0a00000b + ((uint32_t)tunnel_of(f) << 16) + f->udp);
	b->prefix.len_bits = 32;
	assert_int_equal(publish_binding(h->publish, b), 0);
	assert_int_equal(b->peer, peer);
}

static void check(struct hub *h, const struct framing *f, const struct publish_peer *where, const struct binding *b) {
	struct sa_params params = {.suite = f->suite, .tunnel_mode = f->tunnel_mode};
	struct sa_keys keys = keys_of(f->suite, 1);
	uint32_t peer;

	for (uint16_t path = 1480; path <= 1500; path++) { // every length of padding
		unsigned mtu;

		h->fwd.ports[WAN].mtu = path;
		assert_int_equal(publish_sa_out(h->publish, where, &params, &keys, 0x1000, 1, &peer), 0);
		mtu = state_of(h, b->adj).mtu;
		if (framed(f, mtu - 1) > path || framed(f, mtu) > path || framed(f, mtu + 1) <= path)
			fail_msg("%s family %u gre %u udp %d tunnel %d path %u: mtu %u makes %u, %u, %u",
				esp_suites[f->suite].name, f->family, f->gre, f->udp, f->tunnel_mode, path, mtu,
				framed(f, mtu - 1), framed(f, mtu), framed(f, mtu + 1));
	}
}

static void check_suites(struct hub *h, struct framing f) {
	struct publish_peer where = {
		.endpoint = h->fwd.tunnels[10 + tunnel_of(&f)]->endpoint,
		.nbma = ip(nbma_of[f.family == ADDR_IPV6]),
		.nbma_port = f.udp ? 4500 : 0,
	};
	struct binding b;

	bind(h, &f, &where, &b);
	for (f.suite = 0; f.suite < ESP_SUITE_COUNT; f.suite++) {
		for (unsigned tunnel_mode = 0; tunnel_mode < 2; tunnel_mode++) {
			f.tunnel_mode = tunnel_mode;
			check(h, &f, &where, &b);
		}
	}
	assert_int_equal(publish_binding_withdraw(h->publish, &b), 0);
}

static void every_framing_fits_and_one_octet_more_does_not(void **state) {
	struct hub *h = *state;

	tunnels_make(h);
	for (unsigned v6 = 0; v6 < 2; v6++)
		for (unsigned gre = 0; gre < GRE_KINDS; gre++)
			for (unsigned udp = 0; udp < 2; udp++)
				check_suites(h,
					(struct framing){.family = v6 ? ADDR_IPV6 : ADDR_IPV4, .gre = gre, .udp = udp});
}

// The smallest of the three wins, and no arithmetic runs below zero.
static void tunnel_and_binding_may_want_less(void **state) {
	struct hub *h = *state;
	struct publish_peer where = {.endpoint = 0, .nbma = ip("198.51.100.11")};
	struct sa_params params = {.suite = ESP_AES_GCM_128_16};
	struct sa_keys keys = keys_of(ESP_AES_GCM_128_16, 1);
	struct binding b = {.tunnel = 1, .prefix = net("10.254.0.11"), .nbma = where.nbma, .mtu = 1200};
	uint32_t peer;

	assert_int_equal(publish_sa_out(h->publish, &where, &params, &keys, 0x1000, 1, &peer), 0);
	assert_int_equal(publish_binding(h->publish, &b), 0);
	assert_int_equal(state_of(h, b.adj).mtu, 1200);
	b.mtu = 0;
	assert_int_equal(publish_binding(h->publish, &b), 0);
	assert_int_equal(state_of(h, b.adj).mtu, 1400);
	b.mtu = 100; // not believed
	assert_int_equal(publish_binding(h->publish, &b), 0);
	assert_int_equal(state_of(h, b.adj).mtu, 1400);
	h->fwd.ports[WAN].mtu = 60;
	assert_int_equal(publish_sa_out(h->publish, &where, &params, &keys, 0x1000, 1, &peer), 0);
	assert_int_equal(state_of(h, b.adj).mtu, 0);
}

static int up(void **state) {
	struct fwd_sizes sizes = {.max_spokes = 64, .n_workers = 1};

	return hub_up_with(state, &sizes, &crypto_null_ops);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(every_framing_fits_and_one_octet_more_does_not, up, hub_down),
		cmocka_unit_test_setup_teardown(tunnel_and_binding_may_want_less, up, hub_down),
	};
	int failed;

	if (eal_start("test_effective_mtu") < 0)
		return 1;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	rte_eal_cleanup();
	return failed;
}
