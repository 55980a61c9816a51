// SPDX-License-Identifier: BSD-3-Clause
#include "nhrp_wire.h"

#include "checksum.h"

#include <errno.h>

static bool sayable(const struct nhrp_msg *m) {
	return m->type >= NHRP_RESOLUTION_REQUEST && m->type <= NHRP_TRAFFIC_INDICATION &&
	       addr_len_bytes(m->nbma_family) && addr_len_bytes(m->protocol_family) &&
	       nhrp_addr_fits(&m->src_nbma, m->nbma_family) && m->src_protocol.family == m->protocol_family &&
	       m->dst_protocol.family == m->protocol_family && m->src_subaddr_len <= NHRP_SUBADDR_MAX &&
	       m->n_cies <= NHRP_CIE_MAX && m->n_exts <= NHRP_EXT_MAX;
}

// pktsz, checksum and extoff are zero until the end.
static void header_push(struct cursor_out *c, const struct nhrp_msg *m) {
	static const uint8_t snap[5];

	cursor_push_u16(c, m->nbma_family == ADDR_IPV4 ? NHRP_AFN_IPV4 : NHRP_AFN_IPV6);
	cursor_push_u16(c, m->protocol_family == ADDR_IPV4 ? NHRP_PRO_IPV4 : NHRP_PRO_IPV6);
	cursor_push(c, snap, sizeof(snap));
	cursor_push_u8(c, m->hop_count);
	cursor_push_u16(c, 0);
	cursor_push_u16(c, 0);
	cursor_push_u16(c, 0);
	cursor_push_u8(c, 1);
	cursor_push_u8(c, m->type);
	cursor_push_u8(c, (m->src_nbma_tl & NHRP_TL_TYPE) | addr_len_bytes(m->src_nbma.family));
	cursor_push_u8(c, (m->src_subaddr_tl & NHRP_TL_TYPE) | m->src_subaddr_len);
}

static void mandatory_push(struct cursor_out *c, const struct nhrp_msg *m) {
	cursor_push_u8(c, addr_len_bytes(m->protocol_family));
	cursor_push_u8(c, addr_len_bytes(m->protocol_family));
	if (nhrp_type_has_payload(m->type)) {
		cursor_push_u16(c, m->error_unused);
		cursor_push_u16(c, m->error_code);
		cursor_push_u16(c, m->error_offset);
	} else {
		cursor_push_u16(c, m->flags);
		cursor_push_u32(c, m->request_id);
	}
	nhrp_addr_push(c, &m->src_nbma);
	cursor_push(c, m->src_subaddr, m->src_subaddr_len);
	nhrp_addr_push(c, &m->src_protocol);
	nhrp_addr_push(c, &m->dst_protocol);
}

static int content_push(struct cursor_out *c, const struct nhrp_msg *m) {
	if (nhrp_type_has_payload(m->type)) {
		cursor_push(c, m->payload, m->payload_len_bytes);
		return 0;
	}
	for (unsigned i = 0; i < m->n_cies; i++)
		if (nhrp_cie_push(c, m, &m->cies[i]) < 0)
			return -EINVAL;
	return 0;
}

// Section 5.3: the list ends with End whenever there is one.
static void extensions_push(struct cursor_out *c, const struct nhrp_msg *m) {
	for (unsigned i = 0; i < m->n_exts; i++) {
		const struct nhrp_ext *x = &m->exts[i];
		uint16_t bits = (x->compulsory ? NHRP_EXT_C : 0) | (x->u_bit ? NHRP_EXT_U : 0);

		cursor_push_u16(c, bits | (x->type & NHRP_EXT_TYPE));
		cursor_push_u16(c, x->len_bytes);
		cursor_push(c, x->value, x->len_bytes);
	}
	cursor_push_u16(c, NHRP_EXT_C | NHRP_EXT_END);
	cursor_push_u16(c, 0);
}

static void patch_u16(uint8_t *at, size_t v) {
	at[0] = (uint8_t)(v >> 8);
	at[1] = (uint8_t)v;
}

int nhrp_msg_encode(const struct nhrp_msg *msg, uint8_t *out, size_t cap) {
	struct cursor_out c = cursor_out_of(out, cap < UINT16_MAX ? cap : UINT16_MAX);
	size_t ext_off = 0;
	uint16_t sum;

	if (!sayable(msg))
		return -EINVAL;
	header_push(&c, msg);
	mandatory_push(&c, msg);
	if (content_push(&c, msg) < 0)
		return -EINVAL;
	if (msg->has_extensions || msg->n_exts) {
		ext_off = cursor_out_len(&c);
		extensions_push(&c, msg);
	}
	if (c.failed)
		return -ENOSPC;
	patch_u16(out + NHRP_OFF_PKTSZ, cursor_out_len(&c));
	patch_u16(out + NHRP_OFF_EXTOFF, ext_off);
	sum = checksum(out, cursor_out_len(&c));
	memcpy(out + NHRP_OFF_CHECKSUM, &sum, sizeof(sum));
	return (int)cursor_out_len(&c);
}
