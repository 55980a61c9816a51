// SPDX-License-Identifier: BSD-3-Clause
// Real peers' ESP, native and in UDP, through classify and esp_in with the keys that they had negotiated: what comes
// out is what tshark finds inside (tests/vectors/esp.txt).
//
//   strongSwan on Linux ── ESP ── [hub], which has the address of whoever it was sent to
#include "classify.h"
#include "esp.h"
#include "esp_in.h"
#include "stage.h"

#define LINE_MAX_BYTES 8192

static const char *vectors_path;

struct capture {
	uint8_t frame[2048], inside[2048];
	unsigned frame_bytes, inside_bytes;
};

static unsigned hex_of(const char **at, uint8_t *out, unsigned cap) {
	unsigned n = 0, byte;
	int used;

	while (**at == ' ')
		(*at)++;
	for (; n < cap && sscanf(*at, "%2x%n", &byte, &used) == 1 && **at != ' '; *at += used)
		out[n++] = (uint8_t)byte;
	return n;
}

static uint16_t endpoint_of(struct hub *h, const uint8_t *ipv4) {
	struct addr a = addr_from_bytes(ADDR_IPV4, ipv4);
	uint16_t n = h->fwd.n_endpoints;

	for (uint16_t i = 0; i < n; i++)
		if (addr_eq(&h->fwd.endpoints[i].addr, &a))
			return i;
	h->fwd.endpoints[n].addr = a;
	h->fwd.ports[WAN].endpoints[h->fwd.ports[WAN].n_endpoints++] = n;
	h->fwd.n_endpoints = n + 1;
	return n;
}

#define SAS_MAX 64

static struct sa_in *sas[SAS_MAX];
static unsigned n_sas;

// The SA is known, and whose it is when its first packet is seen.
static void sa_line(struct hub *h, const char *line) {
	struct ipsec *ip = h->fwd.ipsec;
	uint8_t spi_be[4], key[16];
	struct sa_in *sa;
	int64_t slot;
	uint32_t spi;

	assert_int_equal(hex_of(&line, spi_be, 4), 4);
	assert_int_equal(hex_of(&line, key, 16), 16);
	spi = (uint32_t)spi_be[0] << 24 | spi_be[1] << 16 | spi_be[2] << 8 | spi_be[3];
	slot = sad_alloc_foreign(ip, 0, spi);
	assert_true(slot > 0);
	sa = sa_in_at(ip, (uint32_t)slot);
	assert_int_equal(hex_of(&line, (uint8_t *)&sa->salt, 4), 4);
	sa->suite = ESP_AES_GCM_128_16;
	sa->owner = PEER_OWNER_NONE;
	replay_init(&sa->replay, 32);
	assert_int_equal(ip->ops->key_init(sa_in_key(ip, sa), sa->suite, key, 16, NULL, 0), 0);
	assert_int_equal(sad_publish(ip, (uint32_t)slot, spi), 0);
	assert_true(n_sas < SAS_MAX);
	sas[n_sas++] = sa;
}

static uint16_t port_of(const struct capture *c) {
	return c->frame[14 + 9] == 17 ? c->frame[34] << 8 | c->frame[35] : 0;
}

static void sa_of_sender(struct hub *h, struct sa_in *sa, const struct capture *c) {
	struct addr from = addr_from_bytes(ADDR_IPV4, c->frame + 26);
	uint16_t endpoint = endpoint_of(h, c->frame + 30);
	struct peer *p;

	sa->peer = peer_alloc(&h->fwd.peers);
	assert_int_not_equal(sa->peer, 0);
	p = peer_at(&h->fwd.peers, sa->peer);
	p->endpoint = endpoint;
	p->is_protected = true;
	p->owner = PEER_OWNER_NONE;
	peer_template_esp(p, &h->fwd.endpoints[endpoint].addr, &from, port_of(c));
	sa_in_cold(h->fwd.ipsec, sa)->peer_gen = p->gen;
	sa->flags = port_of(c) ? SA_UDP : 0;
	sa->from = sa_from_word(&from, port_of(c), endpoint);
}

static struct sa_in *sa_of(const struct capture *c) {
	const uint8_t *spi = c->frame + (port_of(c) ? 42 : 34);

	for (unsigned i = 0; i < n_sas; i++)
		if (sas[i]->spi == ((uint32_t)spi[0] << 24 | spi[1] << 16 | spi[2] << 8 | spi[3]))
			return sas[i];
	fail_msg("no SA for a packet");
	return NULL;
}

static void packet_check(struct hub *h, const struct sa_in *sa, const struct capture *c) {
	struct lcore_ctx *lc = datapath_lcore(h->dp, 0);
	uint64_t before = sa->packets;
	struct classified out;
	struct frame f, inside;
	struct rte_mbuf *m;

	frame_bytes_are(&f, c->frame, (uint16_t)c->frame_bytes);
	memcpy(frame_bytes(&f), hub_mac[WAN], 6);
	m = hub_mbuf(hub_rx_pool(), &f);
	out.n_gre = out.n_esp = out.n_clear = 0;
	classify_burst(lc, WAN, &m, 1, &out);
	assert_int_equal(out.n_gre + out.n_clear, 0);
	assert_int_equal(out.n_esp, 1);
	assert_int_equal(esp_in_burst(lc, out.esp, 1), 1);
	frame_bytes_are(&inside, c->inside, (uint16_t)c->inside_bytes);
	mbuf_expect(out.esp[0], &inside);
	assert_int_equal(pkt_meta(out.esp[0])->peer_in, sa->peer);
	assert_int_equal(pkt_meta(out.esp[0])->spi_in, sa->spi);
	assert_int_equal(pkt_meta(out.esp[0])->nbma_port, port_of(c));
	rte_pktmbuf_free(out.esp[0]);
	assert_int_equal(sa->packets, before + 1);
	hub_expect_no_drops(h);
}

static void test_real_peers_packets_open(void **state) {
	FILE *vectors = fopen(vectors_path, "r");
	unsigned packets = 0, in_udp = 0;
	struct hub *h = *state;
	struct sa_in *sa;
	char line[LINE_MAX_BYTES];
	struct capture c;

	assert_non_null(vectors);
	while (fgets(line, sizeof(line), vectors)) {
		const char *at = strchr(line, ' ');

		if (strncmp(line, "sa ", 3) == 0) {
			sa_line(h, at);
		} else if (strncmp(line, "packet ", 7) == 0) {
			c.frame_bytes = hex_of(&at, c.frame, sizeof(c.frame));
			c.inside_bytes = hex_of(&at, c.inside, sizeof(c.inside));
			sa = sa_of(&c);
			if (!sa->peer)
				sa_of_sender(h, sa, &c);
			packet_check(h, sa, &c);
			packets++;
			in_udp += port_of(&c) != 0;
		}
	}
	fclose(vectors);
	assert_true(n_sas >= 16 && packets >= 40 && in_udp >= 6);
}

static struct hub hub;

static int setup(void **state) {
	hub_create(&hub, &(struct hub_conf){.crypto = hub_crypto});
	*state = &hub;
	return 0;
}

int main(int argc, char **argv) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_real_peers_packets_open, setup, stage_teardown),
	};

	vectors_path = argv[argc - 1];
	return stage_main(argc - 1, argv) ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
