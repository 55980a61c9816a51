// SPDX-License-Identifier: BSD-3-Clause
// A packet from the IKE daemon's plugin. The length is made right as well, else few inputs would pass.
#include "fuzz.h"
#include "ike_msg.h"

static void name_check(const struct nave_ike_sa_name *n) {
	FUZZ_CHECK(n->direction == NAVE_IKE_INBOUND || n->direction == NAVE_IKE_OUTBOUND);
	FUZZ_CHECK(n->src.family == n->dst.family && (n->src.family == 4 || n->src.family == 6));
}

static void check(const uint8_t *bytes, size_t len) {
	union nave_ike_message *m = aligned_alloc(8, sizeof(*m)); // as large as what the hub receives into

	FUZZ_CHECK(m);
	memcpy(m, bytes, len);
	if (ike_msg_check(m, len) != IKE_MSG_NONE)
		goto done;
	FUZZ_CHECK(len == nave_ike_len_bytes(m->h.type) && len <= sizeof(*m));
	switch (m->h.type) {
	case NAVE_IKE_SYNC:
		FUZZ_CHECK(m->sync.n_sas <= NAVE_IKE_SYNC_MAX);
		for (unsigned i = 0; i < m->sync.n_sas; i++)
			name_check(&m->sync.sas[i]);
		break;
	case NAVE_IKE_ADD_SA:
		name_check(&m->add_sa.sa);
		FUZZ_CHECK(m->add_sa.enc_key_bytes <= sizeof(m->add_sa.enc_key));
		FUZZ_CHECK(m->add_sa.auth_key_bytes <= sizeof(m->add_sa.auth_key));
		FUZZ_CHECK(strnlen(m->add_sa.identity, sizeof(m->add_sa.identity)) < sizeof(m->add_sa.identity));
		FUZZ_CHECK(strnlen(m->add_sa.connection, sizeof(m->add_sa.connection)) < sizeof(m->add_sa.connection));
		break;
	case NAVE_IKE_UPDATE_SA:
	case NAVE_IKE_QUERY_SA:
	case NAVE_IKE_DEL_SA:
		name_check(&m->name_sa.sa);
		break;
	default:
		FUZZ_CHECK(m->h.type >= NAVE_IKE_HELLO && m->h.type <= NAVE_IKE_FLUSH);
	}
done:
	free(m);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len) {
	union nave_ike_message mended = {0};
	uint16_t len_bytes;

	if (len > NAVE_IKE_MESSAGE_MAX)
		len = NAVE_IKE_MESSAGE_MAX;
	check(bytes, len);
	if (len < sizeof(mended.h))
		return 0;
	memcpy(&mended, bytes, len);
	len_bytes = nave_ike_len_bytes(mended.h.type);
	mended.h.version = NAVE_IKE_VERSION;
	mended.h.len_bytes = len_bytes;
	mended.h.id = mended.h.type > NAVE_IKE_SYNC ? 1 : 0;
	check(mended.bytes, len_bytes);
	return 0;
}
