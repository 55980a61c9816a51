// SPDX-License-Identifier: BSD-3-Clause
// Writes what esp_out sends, for tshark to judge (judge_esp.py): FOLDER/esp.pcap, the keys as FOLDER/wireshark/esp_sa,
// and to stdout a line for each frame: number, SPI, sequence number and what is inside, in hex.
//
// usage: write_esp EAL... FOLDER
#include "esp.h"
#include "stage.h"

#define INNER_PROTOCOL 253 // RFC 3692: for experiments, so that nobody takes the payload for something

static FILE *pcap, *sas;
static unsigned n_frames;

// Those that tshark 4.0 knows: neither ChaCha20-Poly1305 nor GMAC, and no extended sequence numbers.
static const struct {
	enum esp_suite suite;
	const char *cipher, *integrity;
} known[] = {
	{ESP_AES_GCM_128_16, "AES-GCM with 16 octet ICV [RFC4106]", "NULL"},
	{ESP_AES_GCM_128_12, "AES-GCM with 12 octet ICV [RFC4106]", "NULL"},
	{ESP_AES_GCM_128_8, "AES-GCM with 8 octet ICV [RFC4106]", "NULL"},
	{ESP_AES_GCM_256_16, "AES-GCM with 16 octet ICV [RFC4106]", "NULL"},
	{ESP_AES_GCM_256_12, "AES-GCM with 12 octet ICV [RFC4106]", "NULL"},
	{ESP_AES_GCM_256_8, "AES-GCM with 8 octet ICV [RFC4106]", "NULL"},
	{ESP_AES_CBC_128_SHA1_96, "AES-CBC [RFC3602]", "HMAC-SHA-1-96 [RFC2404]"},
	{ESP_AES_CBC_256_SHA1_96, "AES-CBC [RFC3602]", "HMAC-SHA-1-96 [RFC2404]"},
	{ESP_AES_CBC_128_SHA256_128, "AES-CBC [RFC3602]", "HMAC-SHA-256-128 [RFC4868]"},
	{ESP_AES_CBC_256_SHA256_128, "AES-CBC [RFC3602]", "HMAC-SHA-256-128 [RFC4868]"},
	{ESP_AES_CBC_128_SHA384_192, "AES-CBC [RFC3602]", "HMAC-SHA-384-192 [RFC4868]"},
	{ESP_AES_CBC_256_SHA384_192, "AES-CBC [RFC3602]", "HMAC-SHA-384-192 [RFC4868]"},
	{ESP_AES_CBC_128_SHA512_256, "AES-CBC [RFC3602]", "HMAC-SHA-512-256 [RFC4868]"},
	{ESP_AES_CBC_256_SHA512_256, "AES-CBC [RFC3602]", "HMAC-SHA-512-256 [RFC4868]"},
	{ESP_NULL_SHA1_96, "NULL", "HMAC-SHA-1-96 [RFC2404]"},
	{ESP_NULL_SHA256_128, "NULL", "HMAC-SHA-256-128 [RFC4868]"},
	{ESP_NULL_SHA384_192, "NULL", "HMAC-SHA-384-192 [RFC4868]"},
	{ESP_NULL_SHA512_256, "NULL", "HMAC-SHA-512-256 [RFC4868]"},
};

static void hex_put(FILE *out, const uint8_t *bytes, unsigned n) {
	for (unsigned i = 0; i < n; i++)
		fprintf(out, "%02x", bytes[i]);
}

static void sa_write(const struct esp_spoke *es, unsigned i) {
	const struct sa_keys *k = &es->down.keys;
	bool is_gcm = esp_suites[known[i].suite].is_aead;

	fprintf(sas, "\"%s\",\"*\",\"*\",\"0x%08x\",\"%s\",\"", es->s.nbma.family == ADDR_IPV4 ? "IPv4" : "IPv6",
		es->down.spi, known[i].cipher);
	if (k->enc_bytes)
		fprintf(sas, "0x");
	hex_put(sas, k->enc, k->enc_bytes);
	if (is_gcm)
		hex_put(sas, (const uint8_t *)&k->salt, 4);
	fprintf(sas, "\",\"%s\",\"", known[i].integrity);
	if (k->auth_bytes)
		fprintf(sas, "0x");
	hex_put(sas, k->auth, k->auth_bytes);
	fprintf(sas, "\"\n");
}

static void frame_write(const struct rte_mbuf *m) {
	const uint32_t head[4] = {n_frames, 0, m->data_len, m->data_len};

	fwrite(head, sizeof(head), 1, pcap);
	fwrite(rte_pktmbuf_mtod(m, void *), m->data_len, 1, pcap);
	n_frames++;
}

static void inner(struct frame *f, const struct esp_spoke *from, const struct esp_spoke *to, uint16_t n, uint8_t hops) {
	struct addr src = esp_host(&from->s.lan, 5), dst = esp_host(&to->s.lan, 7);

	frame_payload(f, n, (uint8_t)n);
	frame_ip(f, &src, &dst, INNER_PROTOCOL, hops, 0);
}

static void pass(struct hub *h, struct esp_spoke *from, struct esp_spoke *to, uint16_t n) {
	struct rte_mbuf *m;
	struct frame f;

	inner(&f, from, to, n, 64);
	esp_from_spoke(&f, h, from, 0x0800);
	hub_inject(h, WAN, 0, &f);
	hub_poll(h);
	m = hub_sent(WAN);
	assert_non_null(m);
	frame_write(m);
	rte_pktmbuf_free(m);
	inner(&f, from, to, n, 63);
	esp_inside_to_spoke(&f, h, to, 0x0800, 0);
	to->down.seq++;
	printf("%u|0x%08x|%lu|", n_frames, to->down.spi, to->down.seq);
	hex_put(stdout, frame_bytes(&f), f.len);
	printf("\n");
}

static void suite_write(unsigned i) {
	static struct hub h;

	esp_hub_create(&h, 1);
	for (unsigned bits = 0; bits < 8; bits++) {
		struct esp_how how = {
			.suite = known[i].suite, .tunnel_mode = bits & 1, .port = bits & 2 ? 40000 + i : 0};
		struct esp_spoke a, b;
		char nbma[32];

		snprintf(nbma, sizeof(nbma), bits & 4 ? "2001:db8::%x" : "192.0.2.%u", 10 + 2 * bits);
		a = esp_spoke(&h, bits >> 2, nbma, 10 + 2 * bits, &how);
		snprintf(nbma, sizeof(nbma), bits & 4 ? "2001:db8::%x" : "192.0.2.%u", 11 + 2 * bits);
		b = esp_spoke(&h, bits >> 2, nbma, 11 + 2 * bits, &how);
		sa_write(&b, i);
		for (uint16_t n = 1; n < 20; n += 3)
			pass(&h, &a, &b, n);
		pass(&h, &a, &b, 1380);
	}
	hub_destroy(&h);
}

static FILE *open_in(const char *folder, const char *name) {
	char path[4096];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	f = fopen(path, "w");
	if (!f)
		fprintf(stderr, "write_esp: cannot write %s\n", path);
	return f;
}

static void test_write(void **state) {
	(void)state;
	for (unsigned i = 0; i < RTE_DIM(known); i++)
		suite_write(i);
}

int main(int argc, char **argv) {
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_write)};
	const uint32_t head[6] = {0xa1b2c3d4, 2 | 4 << 16, 0, 0, 65535, 1};
	const char *folder = argv[argc - 1];

	if (stage_main(argc - 1, argv))
		return 1;
	pcap = open_in(folder, "esp.pcap");
	sas = open_in(folder, "wireshark/esp_sa");
	if (!pcap || !sas)
		return 1;
	fwrite(head, sizeof(head), 1, pcap);
	if (cmocka_run_group_tests(tests, NULL, NULL))
		return 1;
	return fclose(pcap) || fclose(sas);
}
