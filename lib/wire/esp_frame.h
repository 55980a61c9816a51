// SPDX-License-Identifier: BSD-3-Clause
// What ESP puts around a payload, but for the cipher: lengths, padding, trailer (RFC 4303 sections 2.4 to 2.7).
//
//   SPI, sequence number | IV | payload, TFC padding | 1 2 3 ... | pad length | next header | ICV
//                               \------------- the text: whole blocks ------------------/
//
// Per packet, on workers. Nothing here reads outside the bytes it is given.
#pragma once

#include <stddef.h>
#include <stdint.h>

#define ESP_HEADER_BYTES 8
#define ESP_TRAILER_BYTES 2 // pad length and next header
#define ESP_PAD_MAX 255
#define ESP_NEXT_NONE 59 // a dummy packet, RFC 4303 section 2.6

struct esp_lengths { // of a suite
	uint8_t iv_bytes; // on the wire
	uint8_t icv_bytes;
	uint8_t block_bytes; // power of two, at least 4: the text ends on 4 bytes with any cipher (section 2.4)
};

// The least padding that fills the last block.
static inline uint32_t esp_pad_bytes(uint32_t payload_bytes, uint32_t block_bytes) {
	return -(payload_bytes + ESP_TRAILER_BYTES) & (block_bytes - 1);
}

static inline uint32_t esp_text_bytes(uint32_t payload_bytes, uint32_t block_bytes) {
	return payload_bytes + esp_pad_bytes(payload_bytes, block_bytes) + ESP_TRAILER_BYTES;
}

// SPI to ICV.
static inline uint32_t esp_packet_bytes(const struct esp_lengths *l, uint32_t payload_bytes) {
	return ESP_HEADER_BYTES + l->iv_bytes + esp_text_bytes(payload_bytes, l->block_bytes) + l->icv_bytes;
}

// The longest payload, least padding, whose packet has at most packet_bytes. Negative: not even an empty one.
static inline int32_t esp_payload_max(const struct esp_lengths *l, uint32_t packet_bytes) {
	uint32_t around = ESP_HEADER_BYTES + (uint32_t)l->iv_bytes + l->icv_bytes;

	if (packet_bytes < around)
		return -1;
	return (int32_t)((packet_bytes - around) & ~(l->block_bytes - 1u)) - ESP_TRAILER_BYTES;
}

// Bytes of the text in a received packet, SPI to ICV. 0: cut short, or not whole blocks.
static inline uint32_t esp_text_received(const struct esp_lengths *l, uint32_t packet_bytes) {
	uint32_t around = ESP_HEADER_BYTES + (uint32_t)l->iv_bytes + l->icv_bytes;
	uint32_t text_bytes = packet_bytes - around;

	return packet_bytes < around || text_bytes & (l->block_bytes - 1u) ? 0 : text_bytes;
}

// Right behind the payload: pad_bytes + ESP_TRAILER_BYTES are written. pad_bytes at most ESP_PAD_MAX.
static inline void esp_trailer_write(uint8_t *at, uint32_t pad_bytes, uint8_t next_header) {
	for (uint32_t i = 0; i < pad_bytes; i++)
		at[i] = (uint8_t)(i + 1);
	at[pad_bytes] = (uint8_t)pad_bytes;
	at[pad_bytes + 1] = next_header;
}

enum esp_trailer {
	ESP_TRAILER_OK,
	ESP_TRAILER_DUMMY, // to be discarded without prejudice, whatever else it holds (section 2.6)
	ESP_TRAILER_LONG, // pad length says more than there is
	ESP_TRAILER_PAD, // padding is not 1, 2, 3, ... (section 2.4)
};

// Of a text whose ICV was right. More padding than needed is in order, up to 255. TFC padding (section 2.7) is left on
// the payload: its own header tells where it ends. *payload_bytes and *next_header are set when ESP_TRAILER_OK only.
static inline enum esp_trailer esp_trailer_read(
	const uint8_t *text, uint32_t text_bytes, uint32_t *payload_bytes, uint8_t *next_header) {
	const uint8_t *pad;
	uint32_t pad_bytes, wrong = 0;

	if (text_bytes < ESP_TRAILER_BYTES)
		return ESP_TRAILER_LONG;
	if (text[text_bytes - 1] == ESP_NEXT_NONE)
		return ESP_TRAILER_DUMMY;
	pad_bytes = text[text_bytes - 2];
	if (pad_bytes > text_bytes - ESP_TRAILER_BYTES)
		return ESP_TRAILER_LONG;
	pad = text + text_bytes - ESP_TRAILER_BYTES - pad_bytes;
	for (uint32_t i = 0; i < pad_bytes; i++)
		wrong |= pad[i] ^ (i + 1);
	if (wrong)
		return ESP_TRAILER_PAD;
	*payload_bytes = text_bytes - ESP_TRAILER_BYTES - pad_bytes;
	*next_header = text[text_bytes - 1];
	return ESP_TRAILER_OK;
}
