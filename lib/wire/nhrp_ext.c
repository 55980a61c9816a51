// SPDX-License-Identifier: BSD-3-Clause
#include "nhrp_wire.h"

#include <errno.h>

void nhrp_msg_init(struct nhrp_msg *msg, uint8_t type, uint8_t nbma_family, uint8_t protocol_family) {
	memset(msg, 0, offsetof(struct nhrp_msg, cies));
	msg->type = type;
	msg->nbma_family = nbma_family;
	msg->protocol_family = protocol_family;
}

void nhrp_msg_copy(struct nhrp_msg *to, const struct nhrp_msg *from) {
	memcpy(to, from, offsetof(struct nhrp_msg, cies));
	memcpy(to->cies, from->cies, from->n_cies * sizeof(from->cies[0]));
	memcpy(to->exts, from->exts, from->n_exts * sizeof(from->exts[0]));
}

const struct nhrp_ext *nhrp_ext_find(const struct nhrp_msg *msg, uint16_t type) {
	for (unsigned i = 0; i < msg->n_exts; i++)
		if (msg->exts[i].type == type)
			return &msg->exts[i];
	return NULL;
}

bool nhrp_ext_is_nat(const struct nhrp_ext *ext) {
	return ext->type == NHRP_EXT_NAT_ADDRESS && ext->len_bytes != 8;
}

int nhrp_ext_add(struct nhrp_msg *msg, uint16_t type, bool compulsory, const uint8_t *value, uint16_t len_bytes) {
	if (msg->n_exts == NHRP_EXT_MAX)
		return -ENOSPC;
	msg->exts[msg->n_exts++] = (struct nhrp_ext){
		.type = type,
		.compulsory = compulsory,
		.len_bytes = len_bytes,
		.value = value,
	};
	msg->has_extensions = true;
	return 0;
}

void nhrp_ext_remove(struct nhrp_msg *msg, uint16_t type) {
	unsigned kept = 0;

	for (unsigned i = 0; i < msg->n_exts; i++)
		if (msg->exts[i].type != type)
			msg->exts[kept++] = msg->exts[i];
	msg->n_exts = (uint8_t)kept;
}
