// SPDX-License-Identifier: BSD-3-Clause
#include "nhs_parts.h"

#include <string.h>

#include "auth.h"

#define HOP_COUNT 255

// The reply's new extension values, one behind the other in out->scratch.
struct scratch {
	uint8_t *at, *end;
};

static bool observed_elsewhere(const struct nhs_call *call) {
	return call->msg->src_nbma.family != ADDR_NONE && !addr_eq(&call->msg->src_nbma, &call->src->nbma);
}

// Section 5.3.1: the responder fills exactly one CIE with its own addresses.
static void answer_responder(struct nhs_call *call, struct nhrp_ext *ext, struct scratch *s) {
	const struct nhrp_cie self = {
		.holding_time_s = call->conf->holding_time_s,
		.nbma = call->conf->nbma,
		.protocol = *nhs_own_protocol(call),
	};
	int len = nhrp_cies_encode(&call->out->reply, &self, 1, s->at, (size_t)(s->end - s->at));

	if (len < 0) // our NBMA address is of another family than ar$afn: nothing that could be said
		return;
	ext->value = s->at;
	ext->len_bytes = (uint16_t)len;
	s->at += len;
}

// The client learns from the CIE behind its own how the world sees it.
static void answer_nat(struct nhs_call *call, struct nhrp_ext *ext, struct scratch *s) {
	const struct nhrp_cie seen = {
		.prefix_len = (uint8_t)(addr_len_bytes(call->msg->protocol_family) * 8),
		.nbma = call->src->nbma,
		.protocol = call->msg->src_protocol,
	};
	size_t room = (size_t)(s->end - s->at);
	int len;

	if (ext->len_bytes > room)
		return;
	len = nhrp_cies_encode(&call->out->reply, &seen, 1, s->at + ext->len_bytes, room - ext->len_bytes);
	if (len < 0)
		return;
	if (ext->len_bytes)
		memcpy(s->at, ext->value, ext->len_bytes);
	ext->value = s->at;
	ext->len_bytes += (uint16_t)len;
	s->at += ext->len_bytes;
}

void nhs_reply_start(struct nhs_call *call, enum nhrp_type type) {
	struct nhs_result *out = call->out;
	struct nhrp_msg *reply = &out->reply;
	struct scratch s = {out->scratch + NHRP_AUTH_MAX, out->scratch + sizeof(out->scratch)};
	bool nat_answered = !observed_elsewhere(call) || type != NHRP_REGISTRATION_REPLY;

	nhrp_msg_copy(reply, call->msg);
	reply->type = type;
	reply->hop_count = HOP_COUNT;
	for (unsigned i = 0; i < reply->n_exts; i++) {
		struct nhrp_ext *ext = &reply->exts[i];

		if (ext->type == NHRP_EXT_RESPONDER_ADDRESS) {
			answer_responder(call, ext, &s);
		} else if (nhrp_ext_is_nat(ext) && !nat_answered) {
			answer_nat(call, ext, &s);
			nat_answered = true;
		}
	}
	out->send = nhrp_auth_set(reply, call->conf->authentication, out->scratch) == 0;
}
