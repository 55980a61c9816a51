// SPDX-License-Identifier: BSD-3-Clause
#include "ike_msg.h"

#include <stdbool.h>
#include <string.h>

static const char *const words[] = {
#define X(name, text) [IKE_MSG_##name] = text,
	IKE_MSG_ERRORS(X)
#undef X
};

const char *ike_msg_error_words(enum ike_msg_error e) {
	return words[e];
}

// --- fields ---
static bool is_zero(const void *bytes, size_t n) {
	const uint8_t *b = bytes;

	for (size_t i = 0; i < n; i++)
		if (b[i])
			return false;
	return true;
}

static bool is_text(const char *text, size_t size) {
	return memchr(text, 0, size) != NULL;
}

static uint8_t family_bits(uint8_t family) {
	return family == 4 ? 32 : family == 6 ? 128 : 0;
}

// Of packets: one address, of the family of the other end.
static bool are_ends(const struct nave_ike_host *src, const struct nave_ike_host *dst) {
	uint8_t bits = family_bits(src->family);

	return bits && dst->family == src->family && src->len_bits == bits && dst->len_bits == bits;
}

static bool is_selector(const struct nave_ike_host *h) {
	return (h->family == 0 || family_bits(h->family)) && h->len_bits <= family_bits(h->family);
}

static enum ike_msg_error name_check(const struct nave_ike_sa_name *n) {
	if (!is_zero(n->reserved, sizeof(n->reserved)))
		return IKE_MSG_RESERVED;
	if (n->direction != NAVE_IKE_INBOUND && n->direction != NAVE_IKE_OUTBOUND)
		return IKE_MSG_RANGE;
	return are_ends(&n->src, &n->dst) ? IKE_MSG_NONE : IKE_MSG_ADDRESS;
}

// --- messages ---
static enum ike_msg_error hello_check(const struct nave_ike_hello *m) {
	if (m->boot_id == 0)
		return IKE_MSG_RANGE;
	return is_text(m->name, sizeof(m->name)) ? IKE_MSG_NONE : IKE_MSG_TEXT;
}

static enum ike_msg_error sync_check(const struct nave_ike_sync *m) {
	enum ike_msg_error e = IKE_MSG_NONE;

	if (m->is_last > 1 || m->n_sas > NAVE_IKE_SYNC_MAX)
		return IKE_MSG_RANGE;
	if (!is_zero(m->reserved, sizeof(m->reserved)) ||
		!is_zero(&m->sas[m->n_sas], (NAVE_IKE_SYNC_MAX - m->n_sas) * sizeof(m->sas[0])))
		return IKE_MSG_RESERVED;
	for (unsigned i = 0; i < m->n_sas && e == IKE_MSG_NONE; i++)
		e = name_check(&m->sas[i]);
	return e;
}

static enum ike_msg_error get_spi_check(const struct nave_ike_get_spi *m) {
	return are_ends(&m->src, &m->dst) ? IKE_MSG_NONE : IKE_MSG_ADDRESS;
}

static bool are_udp_ports(uint8_t is_udp, const struct nave_ike_host *src, const struct nave_ike_host *dst) {
	return !is_udp || (src->port && dst->port);
}

static enum ike_msg_error add_sa_check(const struct nave_ike_add_sa *m) {
	enum ike_msg_error e = name_check(&m->sa);

	if (e != IKE_MSG_NONE)
		return e;
	if (m->reserved || m->reserved2)
		return IKE_MSG_RESERVED;
	if (m->is_tunnel_mode > 1 || m->is_udp > 1 || m->is_esn > 1 || m->is_initiator > 1 ||
		m->enc_key_bytes > NAVE_IKE_ENC_KEY_MAX || m->auth_key_bytes > NAVE_IKE_AUTH_KEY_MAX ||
		!are_udp_ports(m->is_udp, &m->sa.src, &m->sa.dst))
		return IKE_MSG_RANGE;
	if (!is_selector(&m->local_ts) || !is_selector(&m->remote_ts))
		return IKE_MSG_ADDRESS;
	if (!is_text(m->connection, sizeof(m->connection)) || !is_text(m->identity, sizeof(m->identity)))
		return IKE_MSG_TEXT;
	return IKE_MSG_NONE;
}

static enum ike_msg_error update_sa_check(const struct nave_ike_update_sa *m) {
	enum ike_msg_error e = name_check(&m->sa);

	if (e != IKE_MSG_NONE)
		return e;
	if (!is_zero(m->reserved, sizeof(m->reserved)))
		return IKE_MSG_RESERVED;
	if (m->is_udp > 1 || !are_udp_ports(m->is_udp, &m->new_src, &m->new_dst))
		return IKE_MSG_RANGE;
	return are_ends(&m->new_src, &m->new_dst) ? IKE_MSG_NONE : IKE_MSG_ADDRESS;
}

// Requests have an id, what is not answered by a RESULT has none.
static bool id_is_right(const struct nave_ike_header *h) {
	return (h->type == NAVE_IKE_HELLO || h->type == NAVE_IKE_SYNC) == (h->id == 0);
}

enum ike_msg_error ike_msg_check(const union nave_ike_message *m, size_t len_bytes) {
	if (len_bytes < sizeof(m->h) || m->h.len_bytes != len_bytes)
		return IKE_MSG_LENGTH;
	if (m->h.version != NAVE_IKE_VERSION)
		return IKE_MSG_VERSION;
	if (m->h.type < NAVE_IKE_HELLO || m->h.type > NAVE_IKE_FLUSH)
		return IKE_MSG_TYPE;
	if (nave_ike_len_bytes(m->h.type) != len_bytes)
		return IKE_MSG_LENGTH;
	if (!id_is_right(&m->h))
		return IKE_MSG_ID;
	switch (m->h.type) {
	case NAVE_IKE_HELLO:
		return hello_check(&m->hello);
	case NAVE_IKE_SYNC:
		return sync_check(&m->sync);
	case NAVE_IKE_GET_SPI:
		return get_spi_check(&m->get_spi);
	case NAVE_IKE_ADD_SA:
		return add_sa_check(&m->add_sa);
	case NAVE_IKE_UPDATE_SA:
		return update_sa_check(&m->update_sa);
	case NAVE_IKE_QUERY_SA:
	case NAVE_IKE_DEL_SA:
		return name_check(&m->name_sa.sa);
	default:
		return IKE_MSG_NONE;
	}
}
