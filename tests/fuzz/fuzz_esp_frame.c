// SPDX-License-Identifier: BSD-3-Clause
// A received ESP packet, without its cipher. The first two bytes choose the lengths of a suite.
#include "esp_frame.h"
#include "fuzz.h"

// Least padding: no shorter packet holds the payload, and the longest that fits into this one is at least as long.
static void lengths_check(const struct esp_lengths *l, uint32_t packet_bytes, uint32_t payload_bytes) {
	int32_t max = esp_payload_max(l, packet_bytes);

	FUZZ_CHECK(max >= (int32_t)payload_bytes);
	FUZZ_CHECK(esp_packet_bytes(l, (uint32_t)max) == packet_bytes);
	FUZZ_CHECK(esp_packet_bytes(l, payload_bytes) <= packet_bytes);
	FUZZ_CHECK(esp_text_received(l, esp_packet_bytes(l, payload_bytes)) ==
		   esp_text_bytes(payload_bytes, l->block_bytes));
}

// What was accepted is what would be written.
static void trailer_check(const uint8_t *text, uint32_t text_bytes, uint32_t payload_bytes, uint8_t next) {
	uint8_t again[ESP_PAD_MAX + ESP_TRAILER_BYTES];
	uint32_t pad_bytes;

	FUZZ_CHECK(payload_bytes <= text_bytes - ESP_TRAILER_BYTES);
	pad_bytes = text_bytes - ESP_TRAILER_BYTES - payload_bytes;
	FUZZ_CHECK(pad_bytes <= ESP_PAD_MAX && next != ESP_NEXT_NONE);
	esp_trailer_write(again, pad_bytes, next);
	FUZZ_CHECK(memcmp(again, text + payload_bytes, pad_bytes + ESP_TRAILER_BYTES) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len) {
	struct esp_lengths l;
	uint32_t text_bytes, payload_bytes;
	const uint8_t *text;
	uint8_t next;

	if (len < 2)
		return 0;
	l.block_bytes = bytes[0] & 1 ? 16 : 4;
	l.iv_bytes = bytes[0] >> 1 & 0x1f;
	l.icv_bytes = bytes[1] & 0x3f;
	bytes += 2;
	len -= 2;
	text_bytes = esp_text_received(&l, (uint32_t)len);
	if (text_bytes == 0)
		return 0;
	FUZZ_CHECK(ESP_HEADER_BYTES + l.iv_bytes + text_bytes + l.icv_bytes == len);
	text = bytes + ESP_HEADER_BYTES + l.iv_bytes;
	switch (esp_trailer_read(text, text_bytes, &payload_bytes, &next)) {
	case ESP_TRAILER_OK:
		lengths_check(&l, (uint32_t)len, payload_bytes);
		trailer_check(text, text_bytes, payload_bytes, next);
		break;
	case ESP_TRAILER_DUMMY:
		FUZZ_CHECK(text[text_bytes - 1] == ESP_NEXT_NONE);
		break;
	case ESP_TRAILER_LONG:
		FUZZ_CHECK(text[text_bytes - 2] + ESP_TRAILER_BYTES > (int)text_bytes);
		break;
	case ESP_TRAILER_PAD:
		FUZZ_CHECK(text[text_bytes - 2] != 0);
		break;
	}
	return 0;
}
