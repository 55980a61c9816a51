// SPDX-License-Identifier: BSD-3-Clause
// ESP of nave-lab's spokes against libcrypto: what they seal, what they open, and what they must refuse.
#include "esp_packet.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>

#include "crypto_ipsec_mb.h"
#include "crypto_null.h"
#include "spoke_esp.h"

#define HUB_NBMA 0xc0000201u
#define HUB_WINDOW 64
#define HUB_SPI 0x12345678u
#define N_SPOKES 3
#define ROOM 256

static uint32_t nbma_of(uint32_t spoke) {
	return 0xc6120100u + spoke;
}

static struct spoke_esp_conf conf_of(enum esp_suite suite) {
	return (struct spoke_esp_conf){.ops = suite == ESP_NULL ? &crypto_null_ops : &crypto_ipsec_mb_ops,
		.suite = suite,
		.window = 32,
		.hub_window = HUB_WINDOW,
		.count = N_SPOKES,
		.hub_nbma = HUB_NBMA,
		.nbma = nbma_of,
		.seed = 7};
}

static struct spoke_esp *spokes_new(const struct spoke_esp_conf *conf) {
	struct spoke_esp *e = spoke_esp_create(conf);

	assert_non_null(e);
	for (uint32_t i = 0; i < N_SPOKES; i++)
		spoke_esp_hub_spi_set(e, i, HUB_SPI + i);
	return e;
}

// The same packet for libcrypto: this spoke's keys, this text.
static void reference_init(struct esp_packet *ref, const struct spoke_esp *e, const struct spoke_esp_conf *conf,
	uint32_t spoke, enum spoke_esp_way way, uint64_t seq, uint32_t text_bytes) {
	uint32_t header[2] = {
		htonl(way == SPOKE_ESP_TO_HUB ? HUB_SPI + spoke : spoke_esp_spi(e, spoke)), htonl((uint32_t)seq)};
	struct sa_keys keys;

	packet_init(ref, conf->suite, conf->esn, text_bytes);
	spoke_esp_keys(e, spoke, way, &keys);
	memcpy(ref->enc, keys.enc, sizeof(ref->enc));
	memcpy(ref->auth, keys.auth, sizeof(ref->auth));
	memcpy(ref->salt, &keys.salt, sizeof(ref->salt));
	ref->seq_high = (uint32_t)(seq >> 32);
	memcpy(ref->spi, header, sizeof(header));
}

// A payload with padding of pad bytes and the trailer.
static uint32_t text_write(uint8_t *text, const uint8_t *payload, uint32_t payload_bytes, uint8_t pad, uint8_t next) {
	memcpy(text, payload, payload_bytes);
	for (unsigned i = 0; i < pad; i++)
		text[payload_bytes + i] = (uint8_t)(i + 1);
	text[payload_bytes + pad] = pad;
	text[payload_bytes + pad + 1] = next;
	return payload_bytes + pad + 2;
}

static uint8_t pad_of(enum esp_suite suite, uint32_t payload_bytes) {
	uint32_t block = esp_suites[suite].block_bytes;

	return (uint8_t)((block - (payload_bytes + 2) % block) % block);
}

// What the hub would send: sealed by libcrypto (of backend null: by nobody). Returns the length; out begins at ESP.
static uint32_t from_hub(struct spoke_esp *e, const struct spoke_esp_conf *conf, uint32_t spoke, uint64_t seq,
	const uint8_t *payload, uint32_t payload_bytes, uint8_t next_header, uint8_t *out) {
	uint8_t pad = pad_of(conf->suite, payload_bytes);
	struct esp_packet ref;

	reference_init(&ref, e, conf, spoke, SPOKE_ESP_FROM_HUB, seq, payload_bytes + pad + 2);
	text_write(ref.text, payload, payload_bytes, pad, next_header);
	if (conf->suite != ESP_NULL)
		packet_seal_reference(&ref);
	memcpy(out, ref.spi, (size_t)(ref.end - ref.spi));
	return (uint32_t)(ref.end - ref.spi);
}

static enum spoke_esp_verdict open_one(struct spoke_esp *e, uint32_t spoke, uint8_t *at, uint32_t len_bytes) {
	struct spoke_esp_packet p = {.spoke = spoke, .at = at, .len_bytes = len_bytes};

	spoke_esp_open(e, &p, 1);
	return p.verdict;
}

static enum spoke_esp_verdict open_seq(
	struct spoke_esp *e, const struct spoke_esp_conf *conf, uint32_t spoke, uint64_t seq) {
	uint8_t payload[72] = {0}, bytes[ROOM];
	uint32_t n = from_hub(e, conf, spoke, seq, payload, sizeof(payload), IPPROTO_GRE, bytes);

	return open_one(e, spoke, bytes, n);
}

// Seals one payload of a spoke and compares all of it with what libcrypto makes of the same text and IV.
static void sealed_as_libcrypto_does(
	struct spoke_esp *e, const struct spoke_esp_conf *conf, uint32_t spoke, uint64_t seq, uint32_t payload_bytes) {
	uint8_t buf[ROOM + 1500 + ROOM], payload[1500];
	struct spoke_esp_packet p = {.spoke = spoke, .at = buf + ROOM, .len_bytes = payload_bytes};
	uint8_t pad = pad_of(conf->suite, payload_bytes);
	struct esp_packet ref;

	random_bytes(payload, sizeof(payload));
	memcpy(p.at, payload, payload_bytes);
	spoke_esp_seal(e, &p, 1);
	reference_init(&ref, e, conf, spoke, SPOKE_ESP_TO_HUB, seq, payload_bytes + pad + 2);
	memcpy(ref.iv, p.at + 8, esp_suites[conf->suite].iv_bytes);
	text_write(ref.text, payload, payload_bytes, pad, IPPROTO_GRE);
	if (conf->suite != ESP_NULL)
		packet_seal_reference(&ref);
	assert_int_equal(p.len_bytes, ref.end - ref.spi);
	assert_memory_equal(p.at, ref.spi, p.len_bytes);
}

// --- numbered as they are read ---

static void every_suite_seals_as_libcrypto_does(void **state) {
	(void)state;
	for (unsigned suite = 0; suite < ESP_SUITE_COUNT; suite++) {
		for (unsigned esn = 0; esn < 2; esn++) {
			struct spoke_esp_conf conf = conf_of(suite);
			struct spoke_esp *e;
			uint64_t first = esn ? ((uint64_t)1 << 32) - HUB_WINDOW - 15 : 1;

			conf.esn = esn;
			e = spokes_new(&conf);
			for (uint32_t len = 40; len < 80; len++)
				sealed_as_libcrypto_does(e, &conf, 1, first + len - 40, len);
			sealed_as_libcrypto_does(e, &conf, 2, first, 1408);
			spoke_esp_free(e);
		}
	}
}

static void every_suite_opens_what_libcrypto_sealed(void **state) {
	(void)state;
	for (unsigned suite = 0; suite < ESP_SUITE_COUNT; suite++) {
		struct spoke_esp_conf conf = conf_of(suite);
		struct spoke_esp *e = spokes_new(&conf);

		for (uint32_t len = 40; len < 80; len++) {
			uint8_t payload[80], bytes[ROOM];
			struct spoke_esp_packet p = {.spoke = 1, .at = bytes};

			random_bytes(payload, sizeof(payload));
			p.len_bytes = from_hub(e, &conf, 1, len, payload, len, IPPROTO_GRE, bytes);
			spoke_esp_open(e, &p, 1);
			assert_int_equal(p.verdict, SPOKE_ESP_OK);
			assert_int_equal(p.len_bytes, len);
			assert_memory_equal(p.at, payload, len);
		}
		spoke_esp_free(e);
	}
}

static void with_esn_the_first_numbers_cross_2_to_the_32(void **state) {
	struct spoke_esp_conf conf = conf_of(ESP_AES_GCM_128_16);
	uint64_t first = ((uint64_t)1 << 32) - HUB_WINDOW - 15;
	struct spoke_esp *e;

	(void)state;
	conf.esn = true;
	e = spokes_new(&conf);
	for (uint64_t seq = first; seq < ((uint64_t)1 << 32) + 20; seq++)
		sealed_as_libcrypto_does(e, &conf, 0, seq, 72);
	// And from the hub: beyond 2^32 the spoke finds the high half by its window.
	for (uint64_t seq = 1; seq < ((uint64_t)3 << 32); seq += (uint64_t)1 << 30)
		assert_int_equal(open_seq(e, &conf, 0, seq), SPOKE_ESP_OK);
	spoke_esp_free(e);
}

static void window_of_32(void **state) {
	static const struct {
		uint64_t seq;
		enum spoke_esp_verdict wanted;
	} cases[] = {
		{0, SPOKE_ESP_REPLAYED}, // never sent
		{1, SPOKE_ESP_OK},
		{1, SPOKE_ESP_REPLAYED},
		{3, SPOKE_ESP_OK},
		{2, SPOKE_ESP_LATE},
		{2, SPOKE_ESP_REPLAYED},
		{40, SPOKE_ESP_OK},
		{9, SPOKE_ESP_LATE}, // 31 behind: the last of the window
		{8, SPOKE_ESP_REPLAYED}, // 32 behind
		{39, SPOKE_ESP_LATE},
		{41, SPOKE_ESP_OK},
		{1000000, SPOKE_ESP_OK},
		{41, SPOKE_ESP_REPLAYED},
	};
	struct spoke_esp_conf conf = conf_of(ESP_AES_GCM_128_16);
	struct spoke_esp *e = spokes_new(&conf);

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(open_seq(e, &conf, 0, cases[i].seq), cases[i].wanted);
	assert_int_equal(open_seq(e, &conf, 1, 1), SPOKE_ESP_OK); // each spoke has a window of its own
	spoke_esp_free(e);
}

static void twice_in_one_burst_is_replayed_once(void **state) {
	struct spoke_esp_conf conf = conf_of(ESP_AES_GCM_128_16);
	struct spoke_esp *e = spokes_new(&conf);
	uint8_t payload[72] = {0}, bytes[4][ROOM];
	static const uint64_t seqs[4] = {5, 5, 4, 6};
	static const enum spoke_esp_verdict wanted[4] = {
		SPOKE_ESP_OK, SPOKE_ESP_REPLAYED, SPOKE_ESP_LATE, SPOKE_ESP_OK};
	struct spoke_esp_packet p[4];

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		p[i] = (struct spoke_esp_packet){.spoke = 0, .at = bytes[i]};
		p[i].len_bytes = from_hub(e, &conf, 0, seqs[i], payload, sizeof(payload), IPPROTO_GRE, bytes[i]);
	}
	spoke_esp_open(e, p, 4);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(p[i].verdict, wanted[i]);
	spoke_esp_free(e);
}

static void forged_and_broken(void **state) {
	struct spoke_esp_conf conf = conf_of(ESP_AES_GCM_128_16);
	struct spoke_esp *e = spokes_new(&conf);
	uint8_t payload[72] = {0}, bytes[ROOM];
	uint32_t n;

	(void)state;
	n = from_hub(e, &conf, 0, 1, payload, sizeof(payload), IPPROTO_GRE, bytes);
	assert_int_equal(open_one(e, 1, bytes, n), SPOKE_ESP_SPI); // another spoke's
	bytes[n - 1] ^= 1;
	assert_int_equal(open_one(e, 0, bytes, n), SPOKE_ESP_ICV);
	assert_int_equal(open_seq(e, &conf, 0, 1), SPOKE_ESP_OK); // what was forged moved no window
	n = from_hub(e, &conf, 0, 2, payload, sizeof(payload), IPPROTO_GRE, bytes);
	bytes[7] ^= 1; // sequence number: it is authenticated
	assert_int_equal(open_one(e, 0, bytes, n), SPOKE_ESP_ICV);
	for (uint32_t cut = 0; cut < 8 + 8 + 16 + 2; cut++)
		assert_int_equal(open_one(e, 0, bytes, cut), SPOKE_ESP_SHORT);
	assert_int_equal(open_one(e, 0, bytes, n - 1), SPOKE_ESP_SHORT);
	n = from_hub(e, &conf, 0, 3, payload, sizeof(payload), IPPROTO_IPV6, bytes);
	assert_int_equal(open_one(e, 0, bytes, n), SPOKE_ESP_NEXT_HEADER);
	spoke_esp_free(e);
}

static enum spoke_esp_verdict open_text(struct spoke_esp *e, const struct spoke_esp_conf *conf, uint64_t seq,
	const uint8_t *text, uint32_t text_bytes) {
	struct esp_packet ref;

	reference_init(&ref, e, conf, 0, SPOKE_ESP_FROM_HUB, seq, text_bytes);
	memcpy(ref.text, text, text_bytes);
	packet_seal_reference(&ref);
	return open_one(e, 0, ref.spi, (uint32_t)(ref.end - ref.spi));
}

static void padding_must_be_1_2_3(void **state) {
	struct spoke_esp_conf conf = conf_of(ESP_AES_GCM_128_16);
	struct spoke_esp *e = spokes_new(&conf);
	uint8_t payload[64] = {0}, text[128];
	uint32_t n = text_write(text, payload, 64, 6, IPPROTO_GRE);

	(void)state;
	assert_int_equal(open_text(e, &conf, 1, text, n), SPOKE_ESP_OK); // more than is needed is in order
	text[65] = 0;
	assert_int_equal(open_text(e, &conf, 2, text, n), SPOKE_ESP_PAD);
	text[65] = 2;
	text[n - 2] = (uint8_t)(n - 1); // longer than the text
	assert_int_equal(open_text(e, &conf, 3, text, n), SPOKE_ESP_PAD);
	spoke_esp_free(e);
}

// Sealed in tunnel mode by a spoke, opened as if the hub had sent it: only the addresses tell the two apart.
static void tunnel_mode_has_an_ip_header_between(void **state) {
	struct spoke_esp_conf conf = conf_of(ESP_AES_GCM_128_16);
	uint8_t buf[ROOM + 1500], bytes[ROOM], gre[52];
	struct spoke_esp_packet p = {.spoke = 1, .at = buf + ROOM, .len_bytes = sizeof(gre)};
	uint8_t header[20] = {0x45, 0, 0, 72, 0, 0, 0x40, 0, 64, 47, 0, 0, 198, 18, 1, 1, 192, 0, 2, 1};
	struct esp_packet ref;
	struct spoke_esp *e;
	uint32_t n;

	(void)state;
	conf.tunnel_mode = true;
	e = spokes_new(&conf);
	random_bytes(gre, sizeof(gre));
	memcpy(p.at, gre, sizeof(gre));
	spoke_esp_seal(e, &p, 1);
	reference_init(&ref, e, &conf, 1, SPOKE_ESP_TO_HUB, 1, 72 + 4);
	memcpy(ref.iv, p.at + 8, 8);
	header[10] = 0xb1; // ones' complement of the other words' sum, 0x4e8d
	header[11] = 0x72;
	memcpy(buf, header, 20);
	memcpy(buf + 20, gre, sizeof(gre));
	text_write(ref.text, buf, 72, 2, IPPROTO_IPIP);
	packet_seal_reference(&ref);
	assert_int_equal(p.len_bytes, ref.end - ref.spi);
	assert_memory_equal(p.at, ref.spi, p.len_bytes);

	n = from_hub(e, &conf, 1, 1, buf, 72, IPPROTO_IPIP, bytes);
	assert_int_equal(open_one(e, 1, bytes, n), SPOKE_ESP_INNER_HEADER); // from the spoke, not to it
	memcpy(buf + 12, (uint8_t[]){192, 0, 2, 1, 198, 18, 1, 1}, 8);
	p = (struct spoke_esp_packet){.spoke = 1, .at = bytes};
	p.len_bytes = from_hub(e, &conf, 1, 2, buf, 72, IPPROTO_IPIP, bytes);
	spoke_esp_open(e, &p, 1);
	assert_int_equal(p.verdict, SPOKE_ESP_OK);
	assert_int_equal(p.len_bytes, sizeof(gre));
	assert_memory_equal(p.at, gre, sizeof(gre));
	spoke_esp_free(e);
}

static void spokes_and_directions_have_keys_of_their_own(void **state) {
	struct spoke_esp_conf conf = conf_of(ESP_AES_CBC_256_SHA512_256);
	struct spoke_esp *e = spokes_new(&conf);
	struct sa_keys keys[2 * N_SPOKES];

	(void)state;
	for (uint32_t i = 0; i < 2 * N_SPOKES; i++) {
		spoke_esp_keys(e, i / 2, i % 2 ? SPOKE_ESP_FROM_HUB : SPOKE_ESP_TO_HUB, &keys[i]);
		assert_int_equal(keys[i].enc_bytes, 32);
		assert_int_equal(keys[i].auth_bytes, 64);
		for (uint32_t j = 0; j < i; j++) {
			assert_memory_not_equal(keys[i].enc, keys[j].enc, 32);
			assert_memory_not_equal(keys[i].auth, keys[j].auth, 64);
		}
	}
	assert_int_not_equal(spoke_esp_spi(e, 0), spoke_esp_spi(e, 1));
	spoke_esp_free(e);
}

static uint32_t seal_one(struct spoke_esp *e, uint32_t spoke, uint8_t *buf) {
	struct spoke_esp_packet p = {.spoke = spoke, .at = buf + ROOM, .len_bytes = 72};

	memset(buf, 0, 2 * ROOM);
	spoke_esp_seal(e, &p, 1);
	memmove(buf, p.at, p.len_bytes);
	return p.len_bytes;
}

// Spoke 0 gets what spoke 1 has: the two are one from there on.
static void a_negotiated_sa_takes_the_place_of_the_seeds(void **state) {
	struct spoke_esp_conf conf = conf_of(ESP_AES_GCM_128_16);
	uint8_t payload[72] = {0}, a[2 * ROOM], b[2 * ROOM];
	struct spoke_esp *e = spokes_new(&conf);
	struct sa_keys keys;
	uint32_t n;

	(void)state;
	seal_one(e, 0, a);
	assert_int_equal(open_seq(e, &conf, 0, 9), SPOKE_ESP_OK);
	spoke_esp_keys(e, 1, SPOKE_ESP_TO_HUB, &keys);
	assert_int_equal(spoke_esp_set(e, 0, SPOKE_ESP_TO_HUB, HUB_SPI + 1, &keys), 0);
	n = seal_one(e, 0, a); // its first packet again
	assert_int_equal(seal_one(e, 1, b), n);
	assert_memory_equal(a, b, n);

	spoke_esp_keys(e, 1, SPOKE_ESP_FROM_HUB, &keys);
	assert_int_equal(spoke_esp_set(e, 0, SPOKE_ESP_FROM_HUB, spoke_esp_spi(e, 1), &keys), 0);
	n = from_hub(e, &conf, 1, 9, payload, sizeof(payload), IPPROTO_GRE, a); // 9 is new to this SA
	assert_int_equal(open_one(e, 0, a, n), SPOKE_ESP_OK);
	keys.enc_bytes = 3;
	assert_int_equal(spoke_esp_set(e, 0, SPOKE_ESP_FROM_HUB, HUB_SPI, &keys), -EINVAL);
	spoke_esp_free(e);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_suite_seals_as_libcrypto_does),
		cmocka_unit_test(every_suite_opens_what_libcrypto_sealed),
		cmocka_unit_test(with_esn_the_first_numbers_cross_2_to_the_32),
		cmocka_unit_test(window_of_32),
		cmocka_unit_test(twice_in_one_burst_is_replayed_once),
		cmocka_unit_test(forged_and_broken),
		cmocka_unit_test(padding_must_be_1_2_3),
		cmocka_unit_test(tunnel_mode_has_an_ip_header_between),
		cmocka_unit_test(spokes_and_directions_have_keys_of_their_own),
		cmocka_unit_test(a_negotiated_sa_takes_the_place_of_the_seeds),
	};

	random_seed(1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
