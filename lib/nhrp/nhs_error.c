// SPDX-License-Identifier: BSD-3-Clause
#include "nhs_parts.h"

#include <string.h>

#include "checksum.h"

#define HOP_COUNT 255
#define FIXED_AND_LENGTHS 28 // header, and the mandatory part up to the addresses

static uint16_t be16(const uint8_t *p) {
	return (uint16_t)(p[0] << 8 | p[1]);
}

// Where the i-th extension starts in the packet: the decoder keeps them in the order of the wire, without gaps.
static size_t ext_offset(const struct nhs_call *call, unsigned i) {
	size_t offset = be16(call->bytes + 14);

	for (unsigned k = 0; k < i; k++)
		offset += 4u + call->msg->exts[k].len_bytes;
	return offset;
}

// How much of the offending packet fits: section 5.2.7 "as much as possible".
static size_t quotable(const struct nhs_call *call, const struct nhrp_msg *e) {
	size_t addresses = addr_len_bytes(e->src_nbma.family) + 2u * addr_len_bytes(e->protocol_family);
	size_t room = call->conf->mtu && call->conf->mtu < NHRP_PACKET_MAX ? call->conf->mtu : NHRP_PACKET_MAX;
	size_t len = be16(call->bytes + 10) < call->len_bytes ? be16(call->bytes + 10) : call->len_bytes;

	room = room > FIXED_AND_LENGTHS + addresses ? room - FIXED_AND_LENGTHS - addresses : 0;
	return len < room ? len : room;
}

// A quote with blanks in it still says a right checksum, or whoever reads it would look for damage that is not there.
static void quote_mend(uint8_t *quoted, size_t len) {
	uint16_t sum;

	if (len != be16(quoted + 10))
		return;
	memset(quoted + 12, 0, sizeof(sum));
	sum = checksum(quoted, len);
	memcpy(quoted + 12, &sum, sizeof(sum));
}

// The offending packet holds a secret, ours or a neighbour's: it is quoted with that blanked, or cut in front of it
// when it is too long to be copied.
static void quote(struct nhs_call *call, struct nhrp_msg *e) {
	uint8_t *copy = call->out->scratch;
	size_t len = quotable(call, e);
	bool blanked = false;

	for (unsigned i = 0; i < call->msg->n_exts; i++) {
		size_t value = ext_offset(call, i) + 4, end = value + call->msg->exts[i].len_bytes;

		if (call->msg->exts[i].type != NHRP_EXT_AUTHENTICATION || value >= len)
			continue;
		if (len > sizeof(call->out->scratch)) {
			len = value;
			break;
		}
		if (!blanked)
			memcpy(copy, call->bytes, len);
		blanked = true;
		memset(copy + value, 0, (end < len ? end : len) - value);
	}
	if (blanked)
		quote_mend(copy, len);
	e->payload = blanked ? copy : call->bytes;
	e->payload_len_bytes = (uint16_t)len;
}

void nhs_send_error(struct nhs_call *call, enum nhrp_error_code code, uint16_t offset) {
	const struct nhrp_msg *msg = call->msg;
	const struct addr *own = nhs_own_protocol(call);
	struct nhrp_msg *e = &call->out->reply;

	if (msg->type == NHRP_ERROR_INDICATION || !own || call->len_bytes < NHRP_HEADER_LEN)
		return;
	if (addr_is_zero(&msg->src_protocol) || addr_is_multicast(&msg->src_protocol))
		return;
	if (!token_bucket_take(&call->nhs->error_limit, call->now_ns)) {
		nhs_count(call, NHS_COUNT_ERROR_RATE_LIMITED);
		return;
	}
	nhrp_msg_init(e, NHRP_ERROR_INDICATION, call->conf->nbma.family, msg->protocol_family);
	e->hop_count = HOP_COUNT;
	e->src_nbma = call->conf->nbma;
	e->src_protocol = *own;
	e->dst_protocol = msg->src_protocol;
	e->error_code = code;
	e->error_offset = offset;
	quote(call, e);
	call->out->send = true;
	call->out->to_source = true;
	nhs_count(call, NHS_COUNT_TX_ERROR_INDICATION);
}

static bool ext_known(uint16_t type) {
	switch (type) {
	case NHRP_EXT_RESPONDER_ADDRESS:
	case NHRP_EXT_FORWARD_TRANSIT:
	case NHRP_EXT_REVERSE_TRANSIT:
	case NHRP_EXT_AUTHENTICATION:
	case NHRP_EXT_VENDOR_PRIVATE:
	case NHRP_EXT_NAT_ADDRESS:
	case NHRP_EXT_MOBILE_AUTH:
		return true;
	default:
		return false;
	}
}

bool nhs_refuses_extensions(struct nhs_call *call) {
	for (unsigned i = 0; i < call->msg->n_exts; i++) {
		if (!call->msg->exts[i].compulsory || ext_known(call->msg->exts[i].type))
			continue;
		nhs_count(call, NHS_COUNT_DROP_UNSUPPORTED);
		nhs_send_error(call, NHRP_ERROR_UNKNOWN_EXTENSION, (uint16_t)ext_offset(call, i));
		return true;
	}
	return false;
}
