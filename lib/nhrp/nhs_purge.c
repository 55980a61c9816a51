// SPDX-License-Identifier: BSD-3-Clause
#include "nhs_parts.h"

// A client purges what it registered, from where it registered it; the configuration's maps are not its to remove.
static bool may_purge(const struct nhs_call *call, const struct nhrp_cie *cie, const struct binding *b) {
	if (b->kind == BINDING_STATIC || !addr_eq(&b->nbma, &call->src->nbma))
		return false;
	return cie->nbma.family == ADDR_NONE || addr_eq(&cie->nbma, &b->nbma) || addr_eq(&cie->nbma, &b->claimed_nbma);
}

static bool already_noted(const struct nhs_result *out, const struct binding *b) {
	for (unsigned i = 0; i < out->n_changes; i++)
		if (out->changes[i].binding == b)
			return true;
	return false;
}

// False when the list of changes is full.
static bool purge_binding(struct nhs_call *call, const struct nhrp_cie *cie, struct binding *b) {
	struct nhs_result *out = call->out;

	if (!may_purge(call, cie, b) || already_noted(out, b))
		return true;
	if (out->n_changes == NHS_CHANGES_MAX)
		return false;
	out->changes[out->n_changes++] = (struct nhs_change){NHS_REMOVED, b, b->nbma};
	nhs_count(call, NHS_COUNT_PURGED);
	return true;
}

// All bindings inside the CIE's equivalence class.
static bool purge_class(struct nhs_call *call, const struct nhrp_cie *cie, const struct prefix *class) {
	struct nhrp_cache *cache = call->nhs->cache;
	struct binding_cursor cur;
	struct binding *b;
	bool all = true;

	nhrp_cache_cursor_open(cache, &cur);
	while (all && (b = nhrp_cache_cursor_next(cache, &cur)))
		if (b->tunnel == call->conf->tunnel && b->prefix.len_bits >= class->len_bits &&
			prefix_contains(class, &b->prefix.addr))
			all = purge_binding(call, cie, b);
	nhrp_cache_cursor_close(cache, &cur);
	return all;
}

static bool purge_cie(struct nhs_call *call, const struct nhrp_cie *cie) {
	int bits = nhrp_cie_prefix_bits(cie, call->msg->protocol_family);
	struct prefix class;
	struct binding *b;

	if (cie->protocol.family == ADDR_NONE || bits < 0) // section 5.2.5: the protocol address is mandatory
		return true;
	class = prefix_of(&cie->protocol, (uint8_t)bits);
	if (bits != addr_len_bytes(cie->protocol.family) * 8)
		return purge_class(call, cie, &class);
	b = nhrp_cache_find(call->nhs->cache, call->conf->tunnel, &class);
	return !b || purge_binding(call, cie, b);
}

void nhs_purge_request(struct nhs_call *call) {
	const struct nhrp_msg *msg = call->msg;
	const struct addr *own = nhs_own_protocol(call);
	bool all = true;

	if (!own || !addr_eq(&msg->dst_protocol, own)) {
		nhs_count(call, NHS_COUNT_DROP_UNSUPPORTED);
		return;
	}
	if (nhs_refuses_extensions(call))
		return;
	if (msg->n_cies == 0) {
		nhs_count(call, NHS_COUNT_DROP_MALFORMED);
		return;
	}
	for (unsigned i = 0; all && i < msg->n_cies; i++)
		all = purge_cie(call, &msg->cies[i]);
	// A reply says that all of it is gone. Without one the client repeats its request, and gets the rest purged.
	if (!all || msg->flags & NHRP_PURGE_N)
		return;
	nhs_reply_start(call, NHRP_PURGE_REPLY);
	call->out->to_source = true;
	if (call->out->send)
		nhs_count(call, NHS_COUNT_TX_PURGE_REPLY);
}
