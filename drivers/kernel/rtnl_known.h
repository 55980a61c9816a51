// SPDX-License-Identifier: BSD-3-Clause
// What rtnl has told its caller exists: after an overflow, whatever the new dump does not name again has gone unheard.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "addr.h"

enum known_kind {
	KNOWN_LINK,
	KNOWN_ADDR,
	KNOWN_NEIGH,
};

struct known {
	struct known *next;
	struct addr addr; // zero for links
	int ifindex;
	uint8_t kind; // enum known_kind
	uint8_t len_bits; // of addresses
	bool fresh; // named since the last known_age()
};

struct known_set {
	struct known **buckets;
	uint32_t n_buckets, count;
};

int known_init(struct known_set *s); // 0 or -ENOMEM
void known_free(struct known_set *s);
int known_add(struct known_set *s, enum known_kind kind, int ifindex, const struct addr *a, uint8_t len_bits);
bool known_remove(struct known_set *s, enum known_kind kind, int ifindex, const struct addr *a, uint8_t len_bits);
void known_age(struct known_set *s); // nothing is fresh any more
// Takes one that is not fresh out of the set and copies it; false when there is none left. *at: 0 at first.
bool known_sweep(struct known_set *s, uint32_t *at, struct known *out);
