// SPDX-License-Identifier: BSD-3-Clause
// What a worker's punt policer is made of; made and freed by control (datapath_policer.c), used by its worker (punt.c).
#pragma once

#include <stdint.h>

#include "ike_wire.h"
#include "ring_msg.h"
#include "token_bucket.h"

#define STRANGER_BUCKETS 8192 // senders that are not registered, or not heard through a tunnel

// A token bucket of which the rate is kept once for all: when it is full again.
struct bucket_row {
	uint64_t full_at[PUNT_CLASSES];
};

// Each rank of IKE has buckets of its own for its senders. The rate of the class is common: the lower ranks get a part
// of it, the highest one, which a responder SPI out of the air is enough for, all of it.
#define IKE_BUCKETS 8192

struct ike_row {
	uint64_t full_at[IKE_RANKS];
};

struct ike_policer {
	struct token_bucket one_port, one_address; // full_at is put in per sender
	struct token_bucket of_rank[IKE_RANKS]; // all senders together
	struct ike_row ports[IKE_BUCKETS], addresses[IKE_BUCKETS]; // by hash
};

struct punt_policer {
	struct token_bucket of_class[PUNT_CLASSES];
	struct token_bucket per_source[PUNT_CLASSES]; // full_at is put in per sender
	struct token_bucket strangers_nhrp; // all of them together: whoever invents addresses is many
	uint32_t max_peers;
	struct bucket_row *peers; // [max_peers]
	struct bucket_row *strangers; // [STRANGER_BUCKETS]
	struct ike_policer *ike;
};
