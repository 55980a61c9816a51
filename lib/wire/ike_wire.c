// SPDX-License-Identifier: BSD-3-Clause
#include "ike_wire.h"

#include "cursor.h"

#include <errno.h>

#define IKE_MAJOR_VERSION(v) ((v) >> 4)
#define IKE_FLAG_RESPONSE 0x20
#define IKE_PAYLOAD_NOTIFY 41

int ike_parse(const uint8_t *bytes, size_t len, struct ike_header *out) {
	struct cursor c = cursor_of(bytes, len);
	uint8_t version;

	out->initiator_spi = cursor_pull_u64(&c);
	out->responder_spi = cursor_pull_u64(&c);
	out->next_payload = cursor_pull_u8(&c);
	version = cursor_pull_u8(&c);
	out->exchange_type = cursor_pull_u8(&c);
	out->is_response = cursor_pull_u8(&c) & IKE_FLAG_RESPONSE;
	out->message_id = cursor_pull_u32(&c);
	out->len_bytes = cursor_pull_u32(&c);
	if (c.failed || IKE_MAJOR_VERSION(version) != 2 || out->initiator_spi == 0 || out->len_bytes != len)
		return -EINVAL;
	return 0;
}

// A cookie is the first payload, and no other notification is that of a first message.
enum ike_rank ike_rank_of(const uint8_t *bytes, size_t len) {
	struct ike_header h;

	if (ike_parse(bytes, len, &h) < 0)
		return IKE_NEW;
	if (h.responder_spi)
		return IKE_KNOWN;
	return h.next_payload == IKE_PAYLOAD_NOTIFY ? IKE_NEW_WITH_COOKIE : IKE_NEW;
}
