// SPDX-License-Identifier: BSD-3-Clause
#include "sealed.h"

#include <stdlib.h>
#include <string.h>

#include <rte_ether.h>
#include <rte_ip.h>

#include "esp_frame.h"
#include "hub.h"

#define ESP_AT (sizeof(struct rte_ether_hdr) + sizeof(struct rte_ipv4_hdr))
#define IV_BYTES 8
#define ICV_BYTES 16

struct sender senders[SPOKES_MAX];

static const struct esp_crypto_ops *crypto;
static void *generator;
static uint64_t seed = 88172645463325252ull;

void sealed_init(const struct esp_crypto_ops *ops) {
	crypto = ops;
	generator = ops->lcore_create();
	if (!generator)
		abort();
}

static uint32_t draw(uint32_t below) {
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (uint32_t)((seed >> 32) * below >> 32);
}

static uint16_t inner_size(enum inner inner) {
	uint32_t k = draw(12);

	return inner != INNER_IMIX ? inner_sizes[inner] : inner_sizes[k < 7 ? 0 : k < 11 ? 1 : 2];
}

static void ipv4_put(uint8_t *at, uint32_t src_be, uint32_t dst_be, uint8_t protocol, uint16_t len) {
	struct rte_ipv4_hdr ip = {.version_ihl = 0x45,
		.total_length = rte_cpu_to_be_16(len),
		.time_to_live = 64,
		.next_proto_id = protocol,
		.src_addr = src_be,
		.dst_addr = dst_be};

	ip.hdr_checksum = rte_ipv4_cksum(&ip);
	memcpy(at, &ip, sizeof(ip));
}

// Clear text of one packet, its ESP header and trailer; the job that seals it.
static struct esp_job packet_write(struct stored *s, struct sender *from, const struct sender *to, uint16_t inner) {
	static const struct esp_lengths gcm = {IV_BYTES, ICV_BYTES, 4};
	uint8_t *esp = s->bytes + ESP_AT, *gre = esp + ESP_HEADER_BYTES + IV_BYTES, *ip = gre + GRE_BYTES;
	const uint32_t key_be = rte_cpu_to_be_32(1001), spi_be = rte_cpu_to_be_32(from->spi);
	uint32_t payload = GRE_BYTES + inner, pad = esp_pad_bytes(payload, 4), seq_be;
	uint64_t iv = rte_cpu_to_be_64(++from->seq);
	struct esp_job j = {.key = from->key, .aad_bytes = 8};
	struct rte_ether_hdr eth = {.ether_type = RTE_BE16(RTE_ETHER_TYPE_IPV4)};

	memcpy(&eth.dst_addr, hub_mac[WAN], 6);
	memcpy(&eth.src_addr, gateway_mac, 6);
	memcpy(s->bytes, &eth, sizeof(eth));
	s->len = (uint16_t)(ESP_AT + esp_packet_bytes(&gcm, payload));
	ipv4_put(s->bytes + sizeof(eth), from->nbma_be, RTE_BE32(0xc0000201), IPPROTO_ESP,
		(uint16_t)(s->len - sizeof(eth)));
	seq_be = rte_cpu_to_be_32((uint32_t)from->seq);
	memcpy(esp, &spi_be, 4);
	memcpy(esp + 4, &seq_be, 4);
	memcpy(esp + 8, &iv, 8);
	memcpy(gre, "\x20\x00\x08\x00", 4);
	memcpy(gre + 4, &key_be, 4);
	ipv4_put(ip, from->lan_be, to->lan_be, IPPROTO_UDP, inner);
	memset(ip + 20, 0xa5, inner - 20u);
	esp_trailer_write(ip + inner, pad, IPPROTO_GRE);
	j.iv = esp + ESP_HEADER_BYTES;
	j.text = gre;
	j.text_bytes = esp_text_bytes(payload, 4);
	j.icv = gre + j.text_bytes;
	memcpy(j.aad, esp, 8);
	memcpy(j.nonce, &from->salt, 4);
	memcpy(j.nonce + 4, &iv, 8);
	return j;
}

void store_fill(struct stored *store, unsigned n_spokes, enum inner inner, unsigned n) {
	struct esp_job jobs[BURST_MAX];

	for (unsigned i = 0; i < n; i++) {
		unsigned from = n_spokes == 1 ? 0 : draw(n_spokes),
			 to = n_spokes == 1 ? 1 : (from + 1 + draw(n_spokes - 1)) % n_spokes;

		jobs[i % BURST_MAX] = packet_write(&store[i], &senders[from], &senders[to], inner_size(inner));
		if (i % BURST_MAX == BURST_MAX - 1)
			crypto->seal(generator, ESP_AES_GCM_128_16, jobs, BURST_MAX);
	}
}
