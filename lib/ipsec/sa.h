// SPDX-License-Identifier: BSD-3-Clause
// An SA as it was negotiated or configured: control's view. What workers need of it is in sa_rt.h.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "addr.h"
#include "esp_suite.h"

#define SA_ENC_KEY_MAX 32
#define SA_AUTH_KEY_MAX 64

// Key material on its way into an SA. Whoever fills one wipes it (esp_wipe).
struct sa_keys {
	uint8_t enc[SA_ENC_KEY_MAX], auth[SA_AUTH_KEY_MAX];
	uint8_t enc_bytes, auth_bytes; // without the salt
	uint32_t salt; // AEADs: 4 bytes as in the key material, as in memory
};

// What both directions have.
struct sa_params {
	enum esp_suite suite;
	bool esn, tunnel_mode;
	uint16_t replay_window; // inbound; 0: default
	struct addr inner_nbma; // tunnel mode behind NAT: the spoke's own address inside; ADDR_NONE: as outside
	uint64_t seq_end; // outbound; 0: 2^32 - 1, with ESN 2^64 - 1
};

// The largest GRE packet (GRE header and on) that fits into an underlay packet of path_mtu bytes (RFC 4303 section 2.4:
// padding counts), negative: none.
int32_t sa_gre_max(const struct sa_params *p, uint8_t family, bool udp, uint16_t path_mtu);
