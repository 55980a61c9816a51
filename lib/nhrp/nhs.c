// SPDX-License-Identifier: BSD-3-Clause
#include "nhs.h"

#include <errno.h>
#include <string.h>

#include "auth.h"
#include "clock.h"
#include "nhs_parts.h"

// Enough for every spoke of a hub to learn of a wrong secret within its retries, too little to be worth a reflection.
#define ERRORS_PER_S 100
#define ERRORS_BURST 100
// Through the whole cache, some 0.3 ms with 20,000 bindings.
#define WALKS_PER_S 50
#define WALKS_BURST 2

static const char *const counter_names[] = {
#define X(name, counter, help) [NHS_COUNT_##name] = counter,
	NHS_COUNTERS(X)
#undef X
};

static const char *const counter_helps[] = {
#define X(name, counter, help) [NHS_COUNT_##name] = help,
	NHS_COUNTERS(X)
#undef X
};

const char *nhs_counter_name(enum nhs_counter c) {
	return counter_names[c];
}

const char *nhs_counter_help(enum nhs_counter c) {
	return counter_helps[c];
}

int nhs_init(struct nhs *n, uint32_t max_entries, uint64_t now_ns) {
	memset(n, 0, sizeof(*n));
	token_bucket_init(&n->error_limit, ERRORS_PER_S, ERRORS_BURST, NS_PER_S);
	token_bucket_init(&n->walk_limit, WALKS_PER_S, WALKS_BURST, NS_PER_S);
	n->cache = nhrp_cache_create(max_entries, now_ns);
	return n->cache ? 0 : -ENOMEM;
}

void nhs_fini(struct nhs *n) {
	nhrp_cache_free(n->cache);
	n->cache = NULL;
}

static void drop_unsupported(struct nhs_call *call) {
	nhs_count(call, NHS_COUNT_DROP_UNSUPPORTED);
}

// Section 5.2.7: an Error Indication is never answered, and it carries no extensions that could be checked.
static void error_indication(struct nhs_call *call) {
	(void)call; // counted as received; there is nothing of ours that it could be about
}

struct nhs_type {
	uint8_t type;
	enum nhs_counter received;
	void (*handler)(struct nhs_call *call);
	bool authenticated; // carries the authentication extension
};

static const struct nhs_type nhs_types[] = {
	{NHRP_RESOLUTION_REQUEST, NHS_COUNT_RX_RESOLUTION_REQUEST, drop_unsupported, true},
	{NHRP_RESOLUTION_REPLY, NHS_COUNT_RX_RESOLUTION_REPLY, drop_unsupported, true},
	{NHRP_REGISTRATION_REQUEST, NHS_COUNT_RX_REGISTRATION_REQUEST, nhs_registration_request, true},
	{NHRP_REGISTRATION_REPLY, NHS_COUNT_RX_REGISTRATION_REPLY, drop_unsupported, true},
	{NHRP_PURGE_REQUEST, NHS_COUNT_RX_PURGE_REQUEST, nhs_purge_request, true},
	{NHRP_PURGE_REPLY, NHS_COUNT_RX_PURGE_REPLY, drop_unsupported, true},
	{NHRP_ERROR_INDICATION, NHS_COUNT_RX_ERROR_INDICATION, error_indication, false},
	{NHRP_TRAFFIC_INDICATION, NHS_COUNT_RX_TRAFFIC_INDICATION, drop_unsupported, true},
};

static const struct nhs_type *type_find(uint8_t type) {
	for (unsigned i = 0; i < sizeof(nhs_types) / sizeof(nhs_types[0]); i++)
		if (nhs_types[i].type == type)
			return &nhs_types[i];
	return NULL;
}

void nhs_receive(struct nhs *n, const struct nhs_config *conf, const struct nhrp_msg *msg, const uint8_t *bytes,
	uint16_t len_bytes, const struct nhs_source *src, uint64_t now_ns, struct nhs_result *out) {
	struct nhs_call call = {n, conf, msg, bytes, len_bytes, src, now_ns, out};
	const struct nhs_type *t = type_find(msg->type);

	out->send = false;
	out->to_source = false;
	out->n_changes = 0;
	out->refusal.kind = NHS_REFUSAL_NONE;
	if (!t) {
		nhs_count(&call, NHS_COUNT_DROP_UNSUPPORTED);
		return;
	}
	nhs_count(&call, t->received);
	if (t->authenticated && !nhrp_auth_ok(msg, conf->authentication)) {
		nhs_count(&call, NHS_COUNT_DROP_AUTHENTICATION);
		nhs_send_error(&call, NHRP_ERROR_AUTHENTICATION, 0);
		return;
	}
	if (src->may_not_use && msg->type != NHRP_REGISTRATION_REQUEST) {
		nhs_count(&call, NHS_COUNT_DROP_IDENTITY);
		return;
	}
	t->handler(&call);
}

unsigned nhs_expire(struct nhs *n, uint64_t now_ns, unsigned budget, binding_fn fn, void *arg) {
	unsigned expired = nhrp_cache_expire(n->cache, now_ns, budget, fn, arg);

	n->counters[NHS_COUNT_EXPIRED] += expired;
	return expired;
}

struct binding *nhs_add_static(struct nhs *n, const struct nhs_config *conf, const struct addr *protocol,
	const struct addr *nbma, bool multicast, uint64_t now_ns) {
	struct prefix prefix = prefix_host(protocol);
	struct binding *b = NULL;

	if (!nhrp_cache_find(n->cache, conf->tunnel, &prefix))
		b = nhrp_cache_add(n->cache, conf->tunnel, &prefix);
	if (!b)
		return NULL;
	b->kind = BINDING_STATIC;
	b->nbma = *nbma;
	b->claimed_nbma = *nbma;
	b->multicast = multicast;
	b->created_ns = now_ns;
	b->refreshed_ns = now_ns;
	return b;
}
