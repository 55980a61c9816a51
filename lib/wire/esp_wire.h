// SPDX-License-Identifier: BSD-3-Clause
// What is told apart on UDP 500 and 4500 and IP protocol 50, RFC 3948 section 2 and RFC 4303 section 2.
#pragma once

#include <stddef.h>
#include <stdint.h>

#define UDP_PORT_IKE 500
#define UDP_PORT_NATT 4500
#define NON_ESP_MARKER_BYTES 4 // RFC 3948 section 2.2
#define ESP_SPI_MIN 256 // RFC 4303 section 2.1: 1..255 reserved, 0 never on the wire

enum natt_class {
	NATT_ESP, // non-zero SPI
	NATT_IKE, // four zero bytes (non-ESP marker), then IKE
	NATT_KEEPALIVE, // one byte 0xff
	NATT_MALFORMED,
};

// bytes: UDP payload of a datagram to port 4500.
enum natt_class natt_classify(const uint8_t *bytes, size_t len);

// SPI of an ESP packet, host order; 0 when shorter than SPI and sequence number.
uint32_t esp_spi(const uint8_t *bytes, size_t len);
