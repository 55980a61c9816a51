// SPDX-License-Identifier: BSD-3-Clause
// What the files of the NHS share with each other; nobody else includes this.
#pragma once

#include "nhs.h"

// One message on its way through the NHS.
struct nhs_call {
	struct nhs *nhs;
	const struct nhs_config *conf;
	const struct nhrp_msg *msg;
	const uint8_t *bytes; // what msg was decoded from
	uint16_t len_bytes;
	const struct nhs_source *src;
	uint64_t now_ns;
	struct nhs_result *out;
};

static inline void nhs_count(const struct nhs_call *call, enum nhs_counter c) {
	call->nhs->counters[c]++;
}

// Our own protocol address of the message's family; NULL when this tunnel has none.
static inline const struct addr *nhs_own_protocol(const struct nhs_call *call) {
	const struct addr *own = &call->conf->protocol[call->msg->protocol_family == ADDR_IPV6];

	return own->family == ADDR_NONE ? NULL : own;
}

// An identity's binding is its own wherever it comes from. Without one, the NBMA address is all that tells clients
// apart.
static inline bool nhs_is_senders(const struct nhs_call *call, const struct binding *b) {
	return b->identity ? b->identity == call->src->identity : addr_eq(&b->nbma, &call->src->nbma);
}

void nhs_registration_request(struct nhs_call *call);
void nhs_purge_request(struct nhs_call *call);

// True when the message has an extension that a responder must know and we do not; an Error Indication is on its way
// then (section 5.3: compulsory).
bool nhs_refuses_extensions(struct nhs_call *call);
// Error Indication about the message, unless the rate limit or section 5.2.7 forbids it.
void nhs_send_error(struct nhs_call *call, enum nhrp_error_code code, uint16_t offset);

// Starts out->reply as a copy of the request with another type, its extensions answered (Responder Address,
// NAT, authentication), and marks it to be sent.
void nhs_reply_start(struct nhs_call *call, enum nhrp_type type);
