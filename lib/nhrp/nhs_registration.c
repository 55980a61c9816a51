// SPDX-License-Identifier: BSD-3-Clause
#include "nhs_parts.h"

#include "clock.h"

#define HOLDING_TIME_DEFAULT_S 7200

// One CIE of the request, with what it left out taken from the header (section 5.2.3).
struct registration {
	struct prefix prefix;
	struct addr claimed_nbma;
	const struct nhrp_cie *cie;
	bool unique;
	bool multicast;
	bool behind_nat;
};

static uint8_t refuse(struct nhs_call *call, enum nhs_counter counter, enum nhrp_code code) {
	nhs_count(call, counter);
	return code;
}

static void note_refusal(struct nhs_call *call, const struct nhs_refusal *refusal) {
	if (call->out->refusal.kind == NHS_REFUSAL_NONE)
		call->out->refusal = *refusal;
}

// One change for a binding, also when the message names it twice: the caller may remove a binding that it cannot
// publish, and must not meet it again.
static void note_change(struct nhs_call *call, enum nhs_change_kind kind, struct binding *b, const struct addr *old) {
	struct nhs_result *out = call->out;

	for (unsigned i = 0; i < out->n_changes; i++) {
		if (out->changes[i].binding != b)
			continue;
		if (out->changes[i].kind == NHS_REFRESHED)
			out->changes[i].kind = kind;
		return;
	}
	out->changes[out->n_changes++] = (struct nhs_change){kind, b, *old};
}

static bool is_inside(const struct prefix *p, const struct prefix *list, unsigned n) {
	for (unsigned i = 0; i < n; i++)
		if (p->len_bits >= list[i].len_bits && prefix_contains(&list[i], &p->addr))
			return true;
	return false;
}

static bool has_link_local(const struct nhs_allowed *a) {
	for (unsigned i = 0; i < a->n_protocol; i++)
		if (a->protocol[i].addr.family == ADDR_IPV6 && addr_is_link_local(&a->protocol[i].addr))
			return true;
	return false;
}

// A prefix, not a host, that the configuration has behind this identity.
static bool is_behind(const struct nhs_call *call, const struct prefix *p) {
	const struct nhs_allowed *a = call->src->allowed;

	return a && p->len_bits < addr_len_bytes(p->addr.family) * 8 && is_inside(p, a->prefixes, a->n_prefixes);
}

static bool identity_allows(const struct nhs_call *call, const struct prefix *p, bool link_local) {
	const struct nhs_allowed *a = call->src->allowed;

	if (!a || a->n_protocol == 0 || is_inside(p, a->protocol, a->n_protocol) || is_behind(call, p))
		return true;
	return link_local && !has_link_local(a);
}

// Section 5.2.3 knows codes 4, 5 and 14 in a Registration Reply; 13 belongs to resolution. So 4 for what may not be
// registered: a prefix length past the family, an equivalence class with U set (its prefix length MUST be 0xFF), what
// lies outside the tunnel's subnet, and what would cover the NHS itself or another client. IPv6 link-local addresses
// are in no configured subnet and belong to whoever uses them on the tunnel.
static uint8_t judge_prefix(struct nhs_call *call, const struct addr *protocol, struct registration *r) {
	const struct prefix *subnet = &call->conf->subnet[protocol->family == ADDR_IPV6];
	int bits = nhrp_cie_prefix_bits(r->cie, call->msg->protocol_family);
	int host_bits = addr_len_bytes(protocol->family) * 8;
	bool link_local = protocol->family == ADDR_IPV6 && addr_is_link_local(protocol) && bits == host_bits;

	if (addr_is_zero(protocol) || addr_is_multicast(protocol) || addr_is_loopback(protocol))
		return refuse(call, NHS_COUNT_REFUSED_PROHIBITED, NHRP_CODE_ADMIN_PROHIBITED);
	if (bits < 0 || (r->unique && bits != host_bits))
		return refuse(call, NHS_COUNT_REFUSED_PREFIX, NHRP_CODE_ADMIN_PROHIBITED);
	r->prefix = prefix_of(protocol, (uint8_t)bits);
	if (!link_local && !is_behind(call, &r->prefix) &&
		(bits < subnet->len_bits || !prefix_contains(subnet, protocol)))
		return refuse(call, NHS_COUNT_REFUSED_PREFIX, NHRP_CODE_ADMIN_PROHIBITED);
	if (prefix_contains(&r->prefix, nhs_own_protocol(call)))
		return refuse(call, NHS_COUNT_REFUSED_PROHIBITED, NHRP_CODE_ADMIN_PROHIBITED);
	if (identity_allows(call, &r->prefix, link_local))
		return NHRP_CODE_OK;
	note_refusal(call, &(struct nhs_refusal){NHS_REFUSAL_PREFIX, r->prefix, 0});
	return refuse(call, NHS_COUNT_REFUSED_IDENTITY, NHRP_CODE_ADMIN_PROHIBITED);
}

// A CIE may name the sender's NBMA address, as the sender knows it or as we see it; a third party's would turn the
// hub's traffic on somebody who never asked.
static uint8_t judge_nbma(struct nhs_call *call, struct registration *r) {
	const struct addr *own = &call->msg->src_nbma, *seen = &call->src->nbma;

	r->claimed_nbma = own->family == ADDR_NONE ? *seen : *own;
	r->behind_nat = !addr_eq(&r->claimed_nbma, seen);
	if (r->cie->nbma.family == ADDR_NONE || addr_eq(&r->cie->nbma, own) || addr_eq(&r->cie->nbma, seen))
		return NHRP_CODE_OK;
	return refuse(call, NHS_COUNT_REFUSED_PROHIBITED, NHRP_CODE_ADMIN_PROHIBITED);
}

static bool same_client(const struct nhs_call *call, const struct registration *r, const struct binding *b) {
	return addr_eq(&b->nbma, &call->src->nbma) && addr_eq(&b->claimed_nbma, &r->claimed_nbma);
}

// True when the forwarding side has to hear of it.
static bool binding_update(const struct nhs_call *call, const struct registration *r, struct binding *b) {
	uint16_t hold_s = r->cie->holding_time_s ? r->cie->holding_time_s : call->conf->holding_time_s;
	bool changed = !same_client(call, r, b) || b->nbma_port != call->src->nbma_port || b->mtu != r->cie->mtu ||
		       b->multicast != r->multicast || b->kind != BINDING_REGISTERED;

	b->kind = BINDING_REGISTERED;
	b->nbma = call->src->nbma;
	b->nbma_port = call->src->nbma_port;
	b->claimed_nbma = r->claimed_nbma;
	b->identity = call->src->identity;
	b->behind_nat = r->behind_nat;
	b->mtu = r->cie->mtu;
	b->preference = r->cie->preference;
	b->unique = r->unique;
	b->multicast = r->multicast;
	b->holding_time_s = hold_s ? hold_s : HOLDING_TIME_DEFAULT_S;
	b->request_id = call->msg->request_id;
	b->refreshed_ns = call->now_ns;
	nhrp_cache_set_expiry(call->nhs->cache, b, call->now_ns + b->holding_time_s * NS_PER_S);
	return changed;
}

static uint8_t register_new(struct nhs_call *call, const struct registration *r) {
	struct nhrp_cache *cache = call->nhs->cache;
	uint32_t max = call->conf->max_registrations;
	struct binding *b = NULL;

	if (max == 0 || nhrp_cache_count_tunnel(cache, call->conf->tunnel) < max)
		b = nhrp_cache_add(cache, call->conf->tunnel, &r->prefix);
	if (!b)
		return refuse(call, NHS_COUNT_REFUSED_RESOURCES, NHRP_CODE_NO_RESOURCES);
	b->created_ns = call->now_ns;
	binding_update(call, r, b);
	nhs_count(call, NHS_COUNT_REGISTERED);
	note_change(call, NHS_ADDED, b, &(struct addr){0});
	return NHRP_CODE_OK;
}

// Behind one NAT, identities are told apart by the port alone.
static bool is_moved(const struct nhs_call *call, const struct registration *r, const struct binding *b) {
	return !same_client(call, r, b) || (b->identity && b->nbma_port != call->src->nbma_port);
}

static uint8_t register_again(struct nhs_call *call, const struct registration *r, struct binding *b) {
	struct addr old_nbma = b->nbma;
	bool moved = is_moved(call, r, b);
	bool was_registered = b->kind == BINDING_REGISTERED;

	// Section 5.2.3 lets a registration without U be replaced by anybody's, since its NHS cannot know who asks.
	// Here IKE proved who it is: another may not draw that client's packets to itself, with U or without, while the
	// holding time runs.
	if (was_registered && b->identity && b->identity != call->src->identity) {
		note_refusal(call, &(struct nhs_refusal){NHS_REFUSAL_OWNER, b->prefix, b->identity});
		return refuse(call, NHS_COUNT_REFUSED_UNIQUE, NHRP_CODE_UNIQUE_REGISTERED);
	}
	// Section 5.2.3 read literally would refuse a refresh too; and a registration without U must not take what
	// another client holds with U. The same identity is the same client, from wherever it comes.
	if (was_registered && !same_client(call, r, b) && b->unique && !b->identity)
		return refuse(call, NHS_COUNT_REFUSED_UNIQUE, NHRP_CODE_UNIQUE_REGISTERED);
	if (!moved && was_registered)
		b->refreshes++;
	nhs_count(call, !was_registered ? NHS_COUNT_REGISTERED : moved ? NHS_COUNT_MOVED : NHS_COUNT_REFRESHED);
	note_change(call, binding_update(call, r, b) ? NHS_CHANGED : NHS_REFRESHED, b, &old_nbma);
	return NHRP_CODE_OK;
}

// A class leads past what is registered inside of it, so that all of it must be the client's own.
static bool covers_another_client(const struct nhs_call *call, const struct prefix *class) {
	struct binding_cursor cur = {0};
	const struct binding *b;

	while ((b = nhrp_cache_cursor_next(call->nhs->cache, &cur)))
		if (b->tunnel == call->conf->tunnel && b->prefix.len_bits > class->len_bits &&
			!nhs_is_senders(call, b) && prefix_contains(class, &b->prefix.addr))
			return true;
	return false;
}

static uint8_t judge_class(struct nhs_call *call, const struct registration *r) {
	if (r->prefix.len_bits == addr_len_bytes(r->prefix.addr.family) * 8)
		return NHRP_CODE_OK;
	if (!token_bucket_take(&call->nhs->walk_limit, call->now_ns))
		return refuse(call, NHS_COUNT_REFUSED_RESOURCES, NHRP_CODE_NO_RESOURCES);
	if (covers_another_client(call, &r->prefix))
		return refuse(call, NHS_COUNT_REFUSED_PREFIX, NHRP_CODE_ADMIN_PROHIBITED);
	return NHRP_CODE_OK;
}

static uint8_t register_cie(struct nhs_call *call, const struct nhrp_cie *cie) {
	const struct nhrp_msg *msg = call->msg;
	const struct addr *protocol = cie->protocol.family == ADDR_NONE ? &msg->src_protocol : &cie->protocol;
	struct registration r = {.cie = cie, .unique = msg->flags & NHRP_REGISTRATION_U};
	struct binding *b;
	uint8_t code;

	if (call->src->may_not_use) {
		note_refusal(call, &(struct nhs_refusal){NHS_REFUSAL_TUNNEL, prefix_host(protocol), 0});
		return refuse(call, NHS_COUNT_REFUSED_IDENTITY, NHRP_CODE_ADMIN_PROHIBITED);
	}
	code = judge_prefix(call, protocol, &r);
	if (code == NHRP_CODE_OK)
		code = judge_nbma(call, &r);
	if (code != NHRP_CODE_OK)
		return code;
	r.multicast = call->conf->multicast_dynamic && r.prefix.len_bits == addr_len_bytes(protocol->family) * 8;
	b = nhrp_cache_find(call->nhs->cache, call->conf->tunnel, &r.prefix);
	if (!b || !same_client(call, &r, b))
		code = judge_class(call, &r);
	if (code != NHRP_CODE_OK)
		return code;
	if (!b)
		return register_new(call, &r);
	if (b->kind != BINDING_STATIC)
		return register_again(call, &r, b);
	if (!nhs_is_senders(call, b))
		return refuse(call, NHS_COUNT_REFUSED_PROHIBITED, NHRP_CODE_ADMIN_PROHIBITED);
	nhs_count(call, NHS_COUNT_REFRESHED); // the map says the same already, and for ever
	return NHRP_CODE_OK;
}

// Destination: the NHS, or the client's own address when it does not know the NHS (section 5.2.3).
static bool addressed_to_us(const struct nhs_call *call) {
	const struct addr *own = nhs_own_protocol(call), *dst = &call->msg->dst_protocol;

	return own && (addr_eq(dst, own) || addr_eq(dst, &call->msg->src_protocol));
}

void nhs_registration_request(struct nhs_call *call) {
	const struct nhrp_msg *msg = call->msg;
	struct nhrp_msg *reply = &call->out->reply;

	if (!addressed_to_us(call)) {
		nhs_count(call, NHS_COUNT_DROP_UNSUPPORTED);
		return;
	}
	if (nhs_refuses_extensions(call))
		return;
	if (msg->n_cies == 0) {
		nhs_count(call, NHS_COUNT_DROP_MALFORMED);
		return;
	}
	nhs_reply_start(call, NHRP_REGISTRATION_REPLY);
	reply->flags = msg->flags & (NHRP_REGISTRATION_U | NHRP_FLAG_NAT);
	reply->dst_protocol = *nhs_own_protocol(call);
	for (unsigned i = 0; i < msg->n_cies; i++) {
		reply->cies[i].code = register_cie(call, &msg->cies[i]);
		if (reply->cies[i].code != NHRP_CODE_OK)
			reply->cies[i].holding_time_s = 0; // section 5.2.0.1
	}
	call->out->to_source = call->out->n_changes == 0;
	if (call->out->send)
		nhs_count(call, NHS_COUNT_TX_REGISTRATION_REPLY);
}
