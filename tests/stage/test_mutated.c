// SPDX-License-Identifier: BSD-3-Clause
// 200,000 damaged frames through one worker. Whatever comes of each: it was sent, punted or dropped by name, exactly
// once; every buffer is back in its pool; what was sent is well formed; and good packets still pass.
//
//   A 192.0.2.10 ─┐                    tunnel 0: endpoint 0, key 1001     tunnel 1: endpoint 1, no key
//   B 192.0.2.11 ─┼── wan0 [hub] lan0  tunnel 4: endpoint 2, key 1001, checksums, anti-spoof
//   E 2001:db8::e ┘             └── 172.16.0.0/24
//
// C 192.0.2.12 is in tunnel 4. The seed is fixed: a failure names its batch, and comes again.
#include <stdlib.h>

#include "stage.h"

#define FRAMES 200000
#define BATCH 256
#define TEMPLATES_MAX 96

struct template { // a good frame
	struct frame f;
	enum hub_port port;
	uint16_t outer, inner; // offsets of IPv4 headers whose checksum may be made good again; 0: none
};

static struct {
	struct hub *h;
	struct spoke a, b, c, e;
	struct template *templates;
	unsigned n_templates;
	uint64_t seed;
} scene;

static uint32_t draw(uint32_t below) {
	scene.seed ^= scene.seed << 13;
	scene.seed ^= scene.seed >> 7;
	scene.seed ^= scene.seed << 17;
	return (uint32_t)((scene.seed >> 32) * below >> 32);
}

static void keep(const struct frame *f, enum hub_port port, uint16_t outer, uint16_t inner) {
	assert_true(scene.n_templates < TEMPLATES_MAX);
	scene.templates[scene.n_templates++] = (struct template){.f = *f, .port = port, .outer = outer, .inner = inner};
}

static void keep_from(struct frame *inner, const struct spoke *s, uint16_t gre_protocol) {
	struct frame f = *inner;
	bool outer_is_ipv4 = s->nbma.family == ADDR_IPV4;
	uint16_t inner_at;

	from_spoke(&f, scene.h, s, gre_protocol);
	inner_at = f.len - inner->len;
	keep(&f, WAN, outer_is_ipv4 ? 14 : 0, gre_protocol == 0x0800 ? inner_at : 0);
}

static void data_make(const struct spoke *from, const char *dst, const char *dst_ipv6, uint8_t protocol) {
	struct addr to = addr_of(dst), to_ipv6 = addr_of(dst_ipv6);
	struct frame f;

	for (uint16_t n = 0; n < 200; n += 67) {
		frame_payload(&f, n, 7);
		if (protocol == 17)
			frame_udp(&f, 4000, 179);
		frame_ip(&f, &from->protocol, &to, protocol, 64, 0);
		keep_from(&f, from, 0x0800);
		frame_payload(&f, n, 7);
		frame_ip(&f, &from->protocol_ipv6, &to_ipv6, protocol, 64, 0);
		keep_from(&f, from, 0x86dd);
	}
}

static unsigned hex_of_line(char *line, uint8_t *out, unsigned cap) {
	char *p = strchr(line, ' ');
	unsigned n = 0, byte;
	int used;

	if (line[0] == '#' || !p)
		return 0;
	for (p++; n < cap && sscanf(p, "%2x%n", &byte, &used) == 1; p += used)
		out[n++] = (uint8_t)byte;
	return n;
}

static void nhrp_make(const char *path) {
	FILE *vectors = fopen(path, "r");
	char line[4096];
	uint8_t bytes[1500];
	struct frame f;
	unsigned n, kept = 0;

	if (!vectors)
		fail_msg("no vectors at %s", path);
	while (kept < 16 && fgets(line, sizeof(line), vectors)) {
		n = hex_of_line(line, bytes, sizeof(bytes));
		if (!n)
			continue;
		frame_bytes_are(&f, bytes, n);
		keep_from(&f, kept & 1 ? &scene.a : &scene.e, 0x2001);
		kept++;
	}
	fclose(vectors);
	assert_true(kept >= 4);
}

static void underlay_make(void) {
	struct addr us = addr_of("192.0.2.1"), us_ipv6 = addr_of("2001:db8::1"), host = addr_of("172.16.0.9");
	const uint16_t ports[] = {500, 4500, 4789};
	struct frame f;

	frame_payload(&f, 46, 1);
	frame_ether(&f, hub_mac[WAN], gateway_mac, 0x0806);
	keep(&f, WAN, 0, 0);
	for (unsigned i = 0; i < 3; i++) {
		frame_payload(&f, 40, i == 1 ? 0 : 9);
		frame_udp(&f, 500, ports[i]);
		frame_ip(&f, &scene.a.nbma, &us, 17, 64, 0);
		frame_ether(&f, hub_mac[WAN], gateway_mac, 0x0800);
		keep(&f, WAN, 14, 0);
	}
	frame_payload(&f, 64, 1);
	memset(frame_front(&f, 8), 0, 8); // destination options or fragment, as the mutation will have it
	frame_bytes(&f)[0] = 47;
	frame_ip(&f, &scene.e.nbma, &us_ipv6, 60, 64, 0);
	frame_ether(&f, hub_mac[WAN], gateway_mac, 0x86dd);
	keep(&f, WAN, 0, 0);
	inner_udp(&f, &host, &scene.a.protocol, 30, 64, 0);
	frame_ether(&f, hub_mac[LAN], gateway_mac, 0x0800);
	keep(&f, LAN, 14, 0);
	host.bytes[3] = 10;
	inner_udp(&f, &scene.a.nbma, &host, 30, 2, 0);
	frame_ether(&f, hub_mac[LAN], gateway_mac, 0x0800);
	keep(&f, LAN, 14, 0);
}

static void scene_make(struct hub *h, const char *vectors) {
	struct prefix lan = prefix_from("172.16.0.0/24"), far = prefix_from("172.17.0.0/16");

	scene.h = h;
	scene.seed = 88172645463325252ull;
	scene.n_templates = 0;
	hub_tunnel(h, 0, 0, 1001, 0);
	hub_tunnel(h, 1, 1, NO_KEY, 0);
	hub_tunnel(h, 4, 2, 1001, 0)->checksum = true;
	h->tunnels[4].anti_spoof = true;
	scene.a = hub_spoke(h, 0, "192.0.2.10", 10);
	scene.b = hub_spoke(h, 0, "192.0.2.11", 11);
	scene.c = hub_spoke(h, 4, "192.0.2.12", 12);
	scene.e = hub_spoke(h, 1, "2001:db8::e", 14);
	hub_route(h, 0, &lan, hub_adj(h, ADJ_GLEAN, iface_of_port(LAN), 0));
	hub_route(h, 0, &far, hub_adj(h, ADJ_PORT, iface_of_port(LAN), 1 + LAN));
	data_make(&scene.a, "10.0.11.7", "2001:db8:0:b::7", 17);
	data_make(&scene.c, "10.0.10.7", "2001:db8:1:e::7", 17);
	data_make(&scene.e, "10.4.12.7", "2001:db8:4:c::7", 6);
	data_make(&scene.a, "10.255.0.1", "2001:db8:ff::1", 89);
	data_make(&scene.b, "224.0.0.5", "ff02::5", 89);
	data_make(&scene.b, "172.17.3.3", "2001:db8:1:e::9", 1);
	data_make(&scene.e, "172.16.0.3", "fe80::9", 58);
	nhrp_make(vectors);
	underlay_make();
}

static uint16_t odd_length(uint16_t len) {
	const uint16_t odd[] = {0, 1, 19, 20, 21, 39, 40, 0x7fff, 0xffff, len - 1, len + 1, len};

	return odd[draw(sizeof(odd) / sizeof(odd[0]))];
}

static void length_spoil(struct frame *f, uint16_t at) {
	if (at && f->len >= at + 4)
		put_u16(frame_bytes(f) + at + 2, odd_length(f->len - at));
}

static void checksum_mend(struct frame *f, uint16_t at) {
	if (at && f->len >= at + 20 && at + (frame_bytes(f)[at] & 0xf) * 4 <= f->len)
		ipv4_checksum_again(frame_bytes(f) + at);
}

static void mutate(const struct template *t, struct frame *f) {
	uint8_t *p = frame_bytes(f);
	unsigned damages = draw(4);

	for (unsigned d = 0; d < damages; d++) {
		unsigned at = draw(4) ? 12 + draw(RTE_MIN(f->len - 12u, 80u)) : draw(f->len);

		if (draw(2))
			p[at] ^= 1u << draw(8);
		else
			p[at] = (uint8_t)draw(256);
	}
	if (!draw(8))
		length_spoil(f, t->outer);
	if (!draw(8))
		length_spoil(f, t->inner);
	if (!draw(6))
		f->len = 1 + draw(f->len);
	if (!draw(8)) {
		unsigned more = 1 + draw(60);

		memset(p + f->len, 0xee, more);
		f->len += more;
	}
	if (draw(4))
		checksum_mend(f, t->inner);
	if (draw(8))
		checksum_mend(f, t->outer);
}

// An IP packet of exactly len octets, as the receiver of a frame would check it.
static void ip_judge(const uint8_t *p, unsigned len) {
	if (p[0] >> 4 == 4) {
		unsigned header = (p[0] & 0xf) * 4;

		assert_true(len >= 20 && header >= 20 && header <= len);
		assert_int_equal(p[2] << 8 | p[3], len);
		assert_int_equal(plain_checksum(p, header), 0);
		assert_true(p[8] > 0);
		return;
	}
	assert_int_equal(p[0] >> 4, 6);
	assert_true(len >= 40);
	assert_int_equal(p[4] << 8 | p[5], len - 40);
	assert_true(p[7] > 0);
}

static void sent_judge(enum hub_port port, const struct rte_mbuf *m) {
	const uint8_t *p = rte_pktmbuf_mtod(m, const uint8_t *);
	unsigned len = m->data_len, outer, gre;

	assert_int_equal(m->pkt_len, len);
	assert_true(len >= 34);
	assert_memory_equal(p, gateway_mac, 6);
	assert_memory_equal(p + 6, hub_mac[port], 6);
	ip_judge(p + 14, len - 14);
	if (port == LAN)
		return;
	outer = p[12] == 0x08 ? 20 : 40;
	assert_int_equal(p[12] == 0x08 ? p[14 + 9] : p[14 + 6], 47);
	p += 14 + outer;
	len -= 14 + outer;
	gre = 4 + (p[0] & 0x80 ? 4 : 0) + (p[0] & 0x20 ? 4 : 0);
	if (p[0] & 0x80)
		assert_int_equal(plain_checksum(p, len), 0);
	assert_true(len > gre);
	ip_judge(p + gre, len - gre);
}

static uint64_t drops(void) {
	struct lcore_counters c;
	uint64_t n = 0;

	datapath_counters(scene.h->dp, &c);
	for (unsigned r = 0; r < DROP_REASON_COUNT; r++)
		n += c.drops[r];
	return n;
}

static unsigned sent_take(void) {
	struct rte_mbuf *m;
	unsigned n = 0;

	for (unsigned port = 0; port < HUB_PORTS; port++)
		for (; (m = hub_sent(port)) != NULL; n++) {
			sent_judge(port, m);
			rte_pktmbuf_free(m);
		}
	return n;
}

static unsigned punted_take(void) { // a sample is of a packet that was dropped or sent as well
	struct rte_mbuf *m;
	unsigned n = 0;

	for (unsigned c = 0; c < PUNT_CLASSES; c++)
		for (; (m = hub_punted(scene.h, c)) != NULL; n += c != PUNT_RESOLVE && c != PUNT_REDIRECT) {
			assert_int_equal(pkt_meta(m)->punt_class, c);
			rte_pktmbuf_free(m);
		}
	return n;
}

struct outcome {
	uint64_t sent, punted, dropped;
};

static void batch_run(unsigned batch, struct outcome *o) {
	uint64_t dropped = drops();
	unsigned sent, punted;

	for (unsigned i = 0; i < BATCH; i++) {
		const struct template *t = &scene.templates[draw(scene.n_templates)];
		struct frame f = t->f;

		mutate(t, &f);
		hub_inject(scene.h, t->port, 0, &f);
	}
	hub_poll(scene.h);
	sent = sent_take();
	punted = punted_take();
	dropped = drops() - dropped;
	if (sent + punted + dropped != BATCH)
		fail_msg("batch %u: %u sent, %u punted, %lu dropped of %u", batch, sent, punted, dropped, BATCH);
	if (rte_mempool_avail_count(hub_rx_pool()) != hub_rx_pool()->size)
		fail_msg("batch %u: a buffer is missing", batch);
	o->sent += sent;
	o->punted += punted;
	o->dropped += dropped;
}

static void expect_many_reasons(void) {
	struct lcore_counters c;
	unsigned seen = 0;

	datapath_counters(scene.h->dp, &c);
	for (unsigned r = 0; r < DROP_REASON_COUNT; r++)
		seen += c.drops[r] != 0;
	assert_true(seen >= 22);
}

static const char *vectors_path;

static void test_every_frame_has_one_fate(void **state) {
	struct outcome o = {0};
	struct frame f;

	scene.templates = calloc(TEMPLATES_MAX, sizeof(*scene.templates));
	assert_non_null(scene.templates);
	scene_make(*state, vectors_path);
	for (unsigned i = 0; i < FRAMES / BATCH; i++)
		batch_run(i, &o);
	assert_true(o.sent > FRAMES / 10); // damage that nobody looks at, and much that somebody does
	assert_true(o.punted > FRAMES / 100);
	assert_true(o.dropped > FRAMES / 10);
	expect_many_reasons();
	hub_forget_drops(scene.h);
	f = scene.templates[0].f;
	hub_inject(scene.h, WAN, 0, &f);
	hub_poll(scene.h);
	assert_int_equal(sent_take(), 1);
	hub_expect_no_drops(scene.h);
	print_message("%lu sent, %lu punted, %lu dropped\n", o.sent, o.punted, o.dropped);
	free(scene.templates);
}

static struct hub hub;

static int setup(void **state) {
	hub_create(&hub, &(struct hub_conf){.per_source_pps = 10000000}); // the policer has tests of its own
	*state = &hub;
	return 0;
}

int main(int argc, char **argv) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_every_frame_has_one_fate, setup, stage_teardown),
	};

	vectors_path = argv[argc - 1];
	return stage_main(argc - 1, argv) ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
