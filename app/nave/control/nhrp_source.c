// SPDX-License-Identifier: BSD-3-Clause
// Who sent an NHRP message: address, port, and the IKE identity of the SAs that it came through.
#include "conf.h"
#include "identity.h"
#include "log.h"
#include "nhrp_state.h"
#include "pkt_meta.h"
#include "publish.h"
#include "sa_ctl.h"
#include "clock.h" // after DPDK

// 0: the message came in clear, or its SA is gone: whoever has the peer's place by now did not send it.
static uint32_t peer_of(const struct nhrp_ctl *n, const struct pkt_meta *meta) {
	const struct peer_table *peers = &n->nave->fwd.peers;

	return meta->is_esp && gen_is_current(&peer_at(peers, meta->peer_in)->gen, meta->peer_in_gen) &&
			       sa_ctl_has_in(n->nave->sas, meta->peer_in, meta->spi_in)
		       ? meta->peer_in
		       : 0;
}

static void identity_fill(struct nhrp_ctl *n, uint16_t tunnel, struct nhs_source *src) {
	const struct identities *ids = n->nave->identities;
	const struct conf_identity *entry = identities_entry(ids, src->identity, tunnel);

	src->may_not_use = n->nave->conf->tunnels[tunnel].protection == CONF_PROTECTION_IKE &&
			   !identities_may_use(ids, src->identity, tunnel);
	if (!entry)
		return;
	n->allowed = (struct nhs_allowed){
		.protocol = entry->protocol,
		.prefixes = entry->prefixes,
		.n_protocol = entry->n_protocol,
		.n_prefixes = entry->n_prefixes,
	};
	src->allowed = &n->allowed;
}

// Through an SA the sender is its peer, wherever a NAT has moved it to since control heard of it last.
bool nhrp_source(struct nhrp_ctl *n, const struct pkt_meta *meta, struct nhs_source *src) {
	uint32_t peer = peer_of(n, meta);
	struct publish_peer at;

	*src = (struct nhs_source){.nbma = meta->nbma, .nbma_port = meta->nbma_port};
	if (peer && publish_peer_where(n->nave->publish, peer, &at)) {
		*src = (struct nhs_source){.nbma = at.nbma, .nbma_port = at.nbma_port};
		src->identity = sa_ctl_peer_identity(n->nave->sas, peer);
	}
	if (!src->identity && n->nave->conf->tunnels[meta->tunnel].protection == CONF_PROTECTION_IKE)
		return false;
	identity_fill(n, meta->tunnel, src);
	return true;
}

void nhrp_refusal_log(struct nhrp_ctl *n, uint16_t tunnel, const struct nhs_source *src, uint64_t now_ns) {
	const struct identities *ids = n->nave->identities;
	const struct nhs_refusal *refusal = &n->result.refusal;
	const struct conf_tunnel *t = &n->nave->conf->tunnels[tunnel];
	const struct conf_identity *entry = identities_entry(ids, src->identity, tunnel);
	const char *who = src->identity ? identities_text(ids, src->identity) : "(none)";
	char what[PREFIX_STRLEN];

	if (!token_bucket_take(&n->refusal_limit, now_ns))
		return;
	prefix_format(&refusal->prefix, what);
	switch (refusal->kind) {
	case NHS_REFUSAL_TUNNEL:
		log_warning("tunnel %s: registration of %s refused: no entry of protection.identities is for identity "
			    "'%s'",
			t->name, what, who);
		break;
	case NHS_REFUSAL_PREFIX:
		log_warning("tunnel %s: registration of %s refused: not allowed to identity '%s' by line %u of %s",
			t->name, what, who, entry ? entry->mark.line : 0, n->nave->conf->file);
		break;
	case NHS_REFUSAL_OWNER:
		log_warning("tunnel %s: registration of %s by identity '%s' refused: identity '%s' has it", t->name,
			what, who, identities_text(ids, refusal->owner));
		break;
	case NHS_REFUSAL_NONE:
		break;
	}
}

void nhrp_identity_follow(struct nhrp_ctl *n, struct binding *b) {
	if (b->held == b->identity)
		return;
	identities_release(n->nave->identities, b->held);
	b->held = b->identity ? identities_hold(n->nave->identities, identities_text(n->nave->identities, b->identity))
			      : 0;
}

void nhrp_identity_leave(struct nhrp_ctl *n, struct binding *b) {
	identities_release(n->nave->identities, b->held);
	b->held = 0;
}
