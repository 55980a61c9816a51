// SPDX-License-Identifier: BSD-3-Clause
#include "nhrp_wire.h"

#include <errno.h>

enum nhrp_decode_error nhrp_cie_pull(
	struct cursor *c, uint8_t nbma_family, uint8_t protocol_family, struct nhrp_cie *out) {
	uint8_t nbma_tl, subaddr_tl, protocol_len;

	out->code = cursor_pull_u8(c);
	out->prefix_len = cursor_pull_u8(c);
	out->unused = cursor_pull_u16(c);
	out->mtu = cursor_pull_u16(c);
	out->holding_time_s = cursor_pull_u16(c);
	nbma_tl = cursor_pull_u8(c);
	subaddr_tl = cursor_pull_u8(c);
	protocol_len = cursor_pull_u8(c);
	out->preference = cursor_pull_u8(c);
	if (c->failed)
		return NHRP_ERR_CIE;
	if ((nbma_tl | subaddr_tl) & NHRP_TL_ZERO || !nhrp_len_fits(nbma_tl & NHRP_TL_LEN, nbma_family) ||
		!nhrp_len_fits(protocol_len, protocol_family))
		return NHRP_ERR_ADDRESS_LENGTH;
	out->nbma_tl = nbma_tl & NHRP_TL_TYPE;
	out->subaddr_tl = subaddr_tl & NHRP_TL_TYPE;
	nhrp_addr_pull(c, nbma_family, nbma_tl & NHRP_TL_LEN, &out->nbma);
	out->subaddr_len = nhrp_subaddr_pull(c, subaddr_tl & NHRP_TL_LEN, out->subaddr);
	nhrp_addr_pull(c, protocol_family, protocol_len, &out->protocol);
	return c->failed ? NHRP_ERR_CIE : NHRP_ERR_NONE;
}

enum nhrp_decode_error nhrp_cie_list_pull(struct cursor *c, uint8_t nbma_family, uint8_t protocol_family,
	struct nhrp_cie *out, unsigned max, unsigned *n) {
	for (*n = 0; cursor_left(c); ++*n) {
		enum nhrp_decode_error e;

		if (*n == max)
			return NHRP_ERR_TOO_MANY_CIES;
		e = nhrp_cie_pull(c, nbma_family, protocol_family, &out[*n]);
		if (e)
			return e;
	}
	return NHRP_ERR_NONE;
}

int nhrp_cie_push(struct cursor_out *c, const struct nhrp_msg *msg, const struct nhrp_cie *cie) {
	if (!nhrp_addr_fits(&cie->nbma, msg->nbma_family) || !nhrp_addr_fits(&cie->protocol, msg->protocol_family) ||
		cie->subaddr_len > NHRP_SUBADDR_MAX)
		return -EINVAL;
	cursor_push_u8(c, cie->code);
	cursor_push_u8(c, cie->prefix_len);
	cursor_push_u16(c, cie->unused);
	cursor_push_u16(c, cie->mtu);
	cursor_push_u16(c, cie->holding_time_s);
	cursor_push_u8(c, (cie->nbma_tl & NHRP_TL_TYPE) | addr_len_bytes(cie->nbma.family));
	cursor_push_u8(c, (cie->subaddr_tl & NHRP_TL_TYPE) | cie->subaddr_len);
	cursor_push_u8(c, addr_len_bytes(cie->protocol.family));
	cursor_push_u8(c, cie->preference);
	nhrp_addr_push(c, &cie->nbma);
	cursor_push(c, cie->subaddr, cie->subaddr_len);
	nhrp_addr_push(c, &cie->protocol);
	return 0;
}

int nhrp_ext_cies(const struct nhrp_msg *msg, const struct nhrp_ext *ext, struct nhrp_cie *out, unsigned max) {
	struct cursor c = cursor_of(ext->value, ext->len_bytes);
	unsigned n;

	switch (nhrp_cie_list_pull(&c, msg->nbma_family, msg->protocol_family, out, max, &n)) {
	case NHRP_ERR_NONE:
		return (int)n;
	case NHRP_ERR_TOO_MANY_CIES:
		return -E2BIG;
	default:
		return -EINVAL;
	}
}

int nhrp_cies_encode(const struct nhrp_msg *msg, const struct nhrp_cie *cies, unsigned n, uint8_t *out, size_t cap) {
	struct cursor_out c = cursor_out_of(out, cap < UINT16_MAX ? cap : UINT16_MAX);

	for (unsigned i = 0; i < n; i++)
		if (nhrp_cie_push(&c, msg, &cies[i]) < 0)
			return -EINVAL;
	return c.failed ? -ENOSPC : (int)cursor_out_len(&c);
}

int nhrp_cie_prefix_bits(const struct nhrp_cie *cie, uint8_t protocol_family) {
	unsigned host_bits = addr_len_bytes(protocol_family) * 8u;

	if (cie->prefix_len == 0 || cie->prefix_len == 0xff)
		return (int)host_bits;
	return cie->prefix_len <= host_bits ? cie->prefix_len : -EINVAL;
}
