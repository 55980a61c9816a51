// SPDX-License-Identifier: BSD-3-Clause
// ESP as the spokes speak it: keys, sequence numbers and receive windows of each. Written apart from the hub's ESP, so
// that the two do not share a mistake: what they share is the crypto backend and struct replay, which have judges of
// their own.
//
// One thread, the generator's; keys and SPIs may be read by another before it runs.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "esp_crypto.h"
#include "sa.h"

// Bytes that sealing may put in front of a packet and behind it.
#define SPOKE_ESP_FRONT (8 + ESP_IV_MAX + 20)
#define SPOKE_ESP_BEHIND (16 + 2 + ESP_ICV_MAX)

struct spoke_esp_conf {
	const struct esp_crypto_ops *ops;
	enum esp_suite suite;
	bool esn, tunnel_mode;
	uint16_t window; // of the spokes
	uint16_t hub_window; // with ESN the first numbers lie as close before 2^32 as it allows: the high half is used
	uint32_t count;
	uint32_t hub_nbma; // host order; of tunnel mode's header
	uint32_t (*nbma)(uint32_t spoke);
	uint64_t seed; // of keys and SPIs
};

struct spoke_esp;

struct spoke_esp *spoke_esp_create(const struct spoke_esp_conf *conf); // NULL with errno: ENOMEM, ENOTSUP
void spoke_esp_free(struct spoke_esp *e);

enum spoke_esp_way {
	SPOKE_ESP_TO_HUB,
	SPOKE_ESP_FROM_HUB,
};
void spoke_esp_keys(const struct spoke_esp *e, uint32_t spoke, enum spoke_esp_way way, struct sa_keys *keys);
uint32_t spoke_esp_spi(const struct spoke_esp *e, uint32_t spoke); // that the hub is to use
uint32_t spoke_esp_hub_spi(const struct spoke_esp *e, uint32_t spoke); // that the hub chose
void spoke_esp_hub_spi_set(struct spoke_esp *e, uint32_t spoke, uint32_t spi);
// An SA that was negotiated, in place of the seed's: from its first packet on. -errno of the backend's key_init.
int spoke_esp_set(
	struct spoke_esp *e, uint32_t spoke, enum spoke_esp_way way, uint32_t spi, const struct sa_keys *keys);

#define SPOKE_ESP_VERDICTS(X) \
	X(OK, "in order") \
	X(LATE, "in the window, but behind a packet with a higher sequence number") \
	X(REPLAYED, "sequence number seen before, or left of the spoke's window") \
	X(SHORT, "ESP shorter than its headers, or not whole blocks") \
	X(SPI, "ESP with an SPI that is not the spoke's") \
	X(ICV, "ESP whose ICV is wrong") \
	X(PAD, "ESP whose padding is not 1, 2, 3, or longer than the text") \
	X(NEXT_HEADER, "ESP with another next header than GRE (tunnel mode: IPv4)") \
	X(INNER_HEADER, "tunnel mode's IP header is not GRE from the hub to the spoke")

enum spoke_esp_verdict {
#define X(name, help) SPOKE_ESP_##name,
	SPOKE_ESP_VERDICTS(X)
#undef X
};
const char *spoke_esp_verdict_help(enum spoke_esp_verdict v);

struct spoke_esp_packet {
	uint32_t spoke;
	uint32_t len_bytes;
	uint8_t *at; // clear: the GRE header; sealed: the ESP header
	uint8_t verdict; // of opening; at and len_bytes are of the GRE packet when OK or LATE
};

// In place. n is at most ESP_BURST_MAX. Sealing needs SPOKE_ESP_FRONT and SPOKE_ESP_BEHIND bytes of room.
void spoke_esp_seal(struct spoke_esp *e, struct spoke_esp_packet *pkts, unsigned n);
void spoke_esp_open(struct spoke_esp *e, struct spoke_esp_packet *pkts, unsigned n);
