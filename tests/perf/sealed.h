// SPDX-License-Identifier: BSD-3-Clause
// Packets as spokes send them, sealed ahead of what is measured: AES-128-GCM in transport mode over IPv4, GRE with key
// 1001, between spokes drawn at random.
#pragma once

#include <stdint.h>

#include "esp_crypto.h"

#define SPOKES_MAX 10000
#define FRAME_ROOM_BYTES 1536
#define GRE_BYTES 8 // with a key
#define N_SIZES 3

enum inner {
	INNER_64,
	INNER_IMIX, // 64, 594 and 1400 as 7 : 4 : 1
	INNER_1400,
};
static const uint16_t inner_sizes[N_SIZES] = {64, 594, 1400}; // and those of imix

struct sender { // a spoke's side of its SA
	void *key;
	uint32_t spi, salt, nbma_be, lan_be;
	uint64_t seq;
};

struct stored {
	uint16_t len;
	uint8_t bytes[FRAME_ROOM_BYTES];
};

extern struct sender senders[SPOKES_MAX]; // the caller's to fill

void sealed_init(const struct esp_crypto_ops *ops); // ends the program when there is no memory
// One spoke is two, one to the other. n: of whole bursts.
void store_fill(struct stored *store, unsigned n_spokes, enum inner inner, unsigned n);
