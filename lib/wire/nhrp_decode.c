// SPDX-License-Identifier: BSD-3-Clause
#include "nhrp_wire.h"

#include "checksum.h"

// What a decoder needs of the header beside what it keeps in the message.
struct nhrp_fixed {
	uint16_t afn, protocol_type, len_bytes, ext_off;
	uint8_t version, nbma_tl, subaddr_tl;
};

static void header_pull(struct cursor *c, struct nhrp_msg *out, struct nhrp_fixed *f) {
	f->afn = cursor_pull_u16(c);
	f->protocol_type = cursor_pull_u16(c);
	cursor_pull(c, 5); // ar$pro.snap: no meaning unless ar$pro.type is 0x0080, which nobody sends for IP
	out->hop_count = cursor_pull_u8(c);
	f->len_bytes = cursor_pull_u16(c);
	cursor_pull_u16(c); // checksum
	f->ext_off = cursor_pull_u16(c);
	f->version = cursor_pull_u8(c);
	out->type = cursor_pull_u8(c);
	f->nbma_tl = cursor_pull_u8(c);
	f->subaddr_tl = cursor_pull_u8(c);
	out->nbma_family = f->afn == NHRP_AFN_IPV4 ? ADDR_IPV4 : f->afn == NHRP_AFN_IPV6 ? ADDR_IPV6 : ADDR_NONE;
	out->protocol_family = f->protocol_type == NHRP_PRO_IPV4   ? ADDR_IPV4
			       : f->protocol_type == NHRP_PRO_IPV6 ? ADDR_IPV6
								   : ADDR_NONE;
}

// Version before checksum: another version may have another one. Type after it, so that damage is not called a new
// type.
static enum nhrp_decode_error header_judge(
	const uint8_t *bytes, size_t len, const struct nhrp_msg *out, const struct nhrp_fixed *f) {
	if (f->version != 1)
		return NHRP_ERR_VERSION;
	if (f->len_bytes < NHRP_PACKET_MIN || f->len_bytes > len)
		return NHRP_ERR_TRUNCATED;
	if (checksum(bytes, f->len_bytes) != 0)
		return NHRP_ERR_CHECKSUM;
	if (out->type < NHRP_RESOLUTION_REQUEST || out->type > NHRP_TRAFFIC_INDICATION)
		return NHRP_ERR_TYPE;
	if (out->nbma_family == ADDR_NONE || out->protocol_family == ADDR_NONE)
		return NHRP_ERR_PROTOCOL;
	if (f->ext_off != 0 && (f->ext_off < NHRP_PACKET_MIN || f->ext_off >= f->len_bytes))
		return NHRP_ERR_EXTENSION_OFFSET;
	return NHRP_ERR_NONE;
}

// The mandatory part up to and with the destination protocol address: of one layout in all types.
static enum nhrp_decode_error mandatory_pull(struct cursor *c, struct nhrp_msg *out, const struct nhrp_fixed *f) {
	uint8_t src_len = cursor_pull_u8(c), dst_len = cursor_pull_u8(c);

	if (nhrp_type_has_payload(out->type)) {
		out->error_unused = cursor_pull_u16(c);
		out->error_code = cursor_pull_u16(c);
		out->error_offset = cursor_pull_u16(c);
	} else {
		out->flags = cursor_pull_u16(c);
		out->request_id = cursor_pull_u32(c);
	}
	if ((f->nbma_tl | f->subaddr_tl) & NHRP_TL_ZERO || !nhrp_len_fits(f->nbma_tl & NHRP_TL_LEN, out->nbma_family) ||
		src_len != addr_len_bytes(out->protocol_family) || dst_len != src_len)
		return NHRP_ERR_ADDRESS_LENGTH;
	out->src_nbma_tl = f->nbma_tl & NHRP_TL_TYPE;
	out->src_subaddr_tl = f->subaddr_tl & NHRP_TL_TYPE;
	nhrp_addr_pull(c, out->nbma_family, f->nbma_tl & NHRP_TL_LEN, &out->src_nbma);
	out->src_subaddr_len = nhrp_subaddr_pull(c, f->subaddr_tl & NHRP_TL_LEN, out->src_subaddr);
	nhrp_addr_pull(c, out->protocol_family, src_len, &out->src_protocol);
	nhrp_addr_pull(c, out->protocol_family, dst_len, &out->dst_protocol);
	return c->failed ? NHRP_ERR_TRUNCATED : NHRP_ERR_NONE;
}

// Senders differ in what they put behind End (OpenNHRP: 16 zero bytes), and some end the list with the packet.
static enum nhrp_decode_error extensions_pull(struct cursor *c, struct nhrp_msg *out) {
	while (cursor_left(c)) {
		uint16_t head = cursor_pull_u16(c), len = cursor_pull_u16(c);
		const uint8_t *value = cursor_pull(c, len);

		if (c->failed)
			return NHRP_ERR_EXTENSION;
		if ((head & NHRP_EXT_TYPE) == NHRP_EXT_END) {
			out->has_end = true;
			break;
		}
		if (out->n_exts == NHRP_EXT_MAX)
			return NHRP_ERR_TOO_MANY_CIES;
		out->exts[out->n_exts++] = (struct nhrp_ext){
			.type = head & NHRP_EXT_TYPE,
			.compulsory = head & NHRP_EXT_C,
			.u_bit = head & NHRP_EXT_U,
			.len_bytes = len,
			.value = value,
		};
	}
	return NHRP_ERR_NONE;
}

// CIEs or quoted packet: what lies between the addresses and the extensions.
static enum nhrp_decode_error content_pull(struct cursor *c, struct nhrp_msg *out) {
	enum nhrp_decode_error e;
	unsigned n;

	if (nhrp_type_has_payload(out->type)) {
		out->payload_len_bytes = (uint16_t)cursor_left(c);
		out->payload = cursor_pull(c, out->payload_len_bytes);
		return NHRP_ERR_NONE;
	}
	e = nhrp_cie_list_pull(c, out->nbma_family, out->protocol_family, out->cies, NHRP_CIE_MAX, &n);
	out->n_cies = (uint8_t)n;
	return e;
}

enum nhrp_decode_error nhrp_msg_decode(const uint8_t *bytes, size_t len, struct nhrp_msg *out) {
	struct cursor c = cursor_of(bytes, len);
	enum nhrp_decode_error e;
	struct nhrp_fixed f;

	nhrp_msg_init(out, 0, ADDR_NONE, ADDR_NONE);
	if (len < NHRP_HEADER_LEN)
		return NHRP_ERR_TRUNCATED;
	header_pull(&c, out, &f);
	e = header_judge(bytes, len, out, &f);
	if (e)
		return e;
	c.end = bytes + f.len_bytes;
	e = mandatory_pull(&c, out, &f);
	if (e)
		return e;
	if (f.ext_off) {
		if (c.at > bytes + f.ext_off)
			return NHRP_ERR_EXTENSION_OFFSET;
		c.end = bytes + f.ext_off;
	}
	e = content_pull(&c, out);
	if (e || !f.ext_off)
		return e;
	out->has_extensions = true;
	c.end = bytes + f.len_bytes;
	return extensions_pull(&c, out);
}
