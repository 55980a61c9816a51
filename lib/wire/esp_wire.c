// SPDX-License-Identifier: BSD-3-Clause
#include "esp_wire.h"

#include "cursor.h"
#include "ike_wire.h"

#define ESP_HEADER_LEN 8

enum natt_class natt_classify(const uint8_t *bytes, size_t len) {
	struct cursor c = cursor_of(bytes, len);

	if (len == 1 && bytes[0] == 0xff)
		return NATT_KEEPALIVE;
	if (len < ESP_HEADER_LEN)
		return NATT_MALFORMED;
	if (cursor_pull_u32(&c) != 0)
		return NATT_ESP;
	return cursor_left(&c) >= IKE_HEADER_LEN ? NATT_IKE : NATT_MALFORMED;
}

uint32_t esp_spi(const uint8_t *bytes, size_t len) {
	struct cursor c = cursor_of(bytes, len);

	return len < ESP_HEADER_LEN ? 0 : cursor_pull_u32(&c);
}
