// SPDX-License-Identifier: BSD-3-Clause
// What charon says of its SAs: the messages of list-sa, ike-updown, ike-rekey and child-updown. No socket, no malloc.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "addr.h"
#include "vici_msg.h"

// One CHILD_SA in use, during its rekeying two, with old inbound ones waiting a few seconds more.
#define VICI_CHILDREN_MAX 8
#define VICI_NAME_MAX 64
#define VICI_IDENTITY_MAX 256

struct vici_child_sa {
	char name[VICI_NAME_MAX]; // in swanctl.conf
	uint32_t id; // unique
	uint32_t spi_in, spi_out; // host order; 0: not yet
};

struct vici_ike_sa {
	char connection[VICI_NAME_MAX]; // in swanctl.conf
	uint32_t id; // unique in this charon's life: above 0
	bool is_established; // false: the identity is a claim, or another IKE_SA has taken the place of this one
	char identity[VICI_IDENTITY_MAX]; // the peer's, as swanctl writes it; "": none, or it is longer
	struct addr remote; // ADDR_NONE: %any
	uint16_t remote_port;
	uint16_t n_children; // that charon told of: the first VICI_CHILDREN_MAX are below
	struct vici_child_sa children[VICI_CHILDREN_MAX];
};

// Each: -EINVAL when the message is malformed, or has no SA with a unique id.
int vici_sa_read(const struct vici_reader *message, struct vici_ike_sa *sa); // list-sa
int vici_updown_read(const struct vici_reader *message, bool *up, struct vici_ike_sa *sa); // ike-updown, child-updown
int vici_rekey_read(const struct vici_reader *message, uint32_t *old_id, uint32_t *new_id); // ike-rekey
