// SPDX-License-Identifier: BSD-3-Clause
#include "nhs_parts.h"

// A client purges what it registered, from where it registered it or as whom; the configuration's maps are not its to
// remove.
static bool may_purge(const struct nhs_call *call, const struct nhrp_cie *cie, const struct binding *b) {
	if (b->kind == BINDING_STATIC || !nhs_is_senders(call, b))
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

// The equivalence class that a CIE names; false: none, section 5.2.5 has the protocol address mandatory.
static bool class_of(const struct nhs_call *call, const struct nhrp_cie *cie, struct prefix *class) {
	int bits = nhrp_cie_prefix_bits(cie, call->msg->protocol_family);

	if (cie->protocol.family == ADDR_NONE || bits < 0)
		return false;
	*class = prefix_of(&cie->protocol, (uint8_t)bits);
	return true;
}

static bool is_host(const struct prefix *p) {
	return p->len_bits == addr_len_bytes(p->addr.family) * 8;
}

static bool purges_only_hosts(const struct nhs_call *call) {
	struct prefix class;

	for (unsigned i = 0; i < call->msg->n_cies; i++)
		if (class_of(call, &call->msg->cies[i], &class) && !is_host(&class))
			return false;
	return true;
}

static bool purge_hosts(struct nhs_call *call) {
	bool all = true;

	for (unsigned i = 0; all && i < call->msg->n_cies; i++) {
		const struct nhrp_cie *cie = &call->msg->cies[i];
		struct prefix class;
		struct binding *b;

		if (!class_of(call, cie, &class))
			continue;
		b = nhrp_cache_find(call->nhs->cache, call->conf->tunnel, &class);
		all = !b || purge_binding(call, cie, b);
	}
	return all;
}

static bool purge_if_named(struct nhs_call *call, struct binding *b) {
	bool all = true;

	for (unsigned i = 0; all && i < call->msg->n_cies; i++) {
		const struct nhrp_cie *cie = &call->msg->cies[i];
		struct prefix class;

		if (class_of(call, cie, &class) && b->prefix.len_bits >= class.len_bits &&
			prefix_contains(&class, &b->prefix.addr))
			all = purge_binding(call, cie, b);
	}
	return all;
}

// One walk for all CIEs. Nothing is removed on the way, so that the cursor needs no place in the cache (console lists
// may have them all).
static bool purge_classes(struct nhs_call *call) {
	struct binding_cursor cur = {0};
	struct binding *b;
	bool all = true;

	while (all && (b = nhrp_cache_cursor_next(call->nhs->cache, &cur)))
		if (b->tunnel == call->conf->tunnel && nhs_is_senders(call, b))
			all = purge_if_named(call, b);
	return all;
}

void nhs_purge_request(struct nhs_call *call) {
	const struct nhrp_msg *msg = call->msg;
	const struct addr *own = nhs_own_protocol(call);
	bool all;

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
	if (purges_only_hosts(call)) {
		all = purge_hosts(call);
	} else if (token_bucket_take(&call->nhs->walk_limit, call->now_ns)) {
		all = purge_classes(call);
	} else {
		nhs_count(call, NHS_COUNT_PURGE_RATE_LIMITED);
		all = false;
	}
	// A reply says that all of it is gone. Without one the client repeats its request, and gets the rest purged.
	if (!all || msg->flags & NHRP_PURGE_N)
		return;
	nhs_reply_start(call, NHRP_PURGE_REPLY);
	call->out->to_source = true;
	if (call->out->send)
		nhs_count(call, NHS_COUNT_TX_PURGE_REPLY);
}
