// SPDX-License-Identifier: BSD-3-Clause
// The IKE header as far as a hub looks into it before it hands the packet to charon, RFC 7296 section 3.1.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define IKE_HEADER_LEN 28

struct ike_header {
	uint64_t initiator_spi, responder_spi; // host order; responder 0: first message of an exchange
	uint8_t next_payload, exchange_type;
	bool is_response;
	uint32_t message_id;
	uint32_t len_bytes;
};

// bytes: UDP payload on port 500, or behind the non-ESP marker on 4500. Returns 0 or -EINVAL: too short, version not 2,
// initiator SPI 0, or a length that is not the datagram's; then out is not to be used.
int ike_parse(const uint8_t *bytes, size_t len, struct ike_header *out);

// Who sent it, as far as the header tells: in the order in which messages are given up when there are too many.
enum ike_rank {
	IKE_NEW, // responder SPI 0: the first message of an initiator; and what ike_parse() refuses
	IKE_NEW_WITH_COOKIE, // again, with the cookie that it was sent (section 2.6)
	IKE_KNOWN, // names the SPI of a responder, which is ours to judge
	IKE_RANKS
};

enum ike_rank ike_rank_of(const uint8_t *bytes, size_t len); // bytes as for ike_parse()
