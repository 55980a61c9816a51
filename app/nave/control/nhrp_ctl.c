// SPDX-License-Identifier: BSD-3-Clause
#include "nhrp_ctl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_mbuf.h>

#include "conf.h"
#include "control.h"
#include "datapath.h"
#include "log.h"
#include "nhrp_state.h"
#include "pkt_meta.h"
#include "publish.h"
#include "clock.h" // after DPDK

#define BURST 32
#define MESSAGES_PER_TURN 256 // some 0.5 ms
#define EXPIRIES_PER_TURN 64
#define REFUSALS_PER_S 1
#define REFUSALS_BURST 10

static const char *const counter_names[] = {
#define X(name, counter, help) [NHRP_CTL_##name] = counter,
	NHRP_CTL_COUNTERS(X)
#undef X
};

static const char *const counter_helps[] = {
#define X(name, counter, help) [NHRP_CTL_##name] = help,
	NHRP_CTL_COUNTERS(X)
#undef X
};

const char *nhrp_ctl_counter_name(enum nhrp_ctl_counter c) {
	return counter_names[c];
}

const char *nhrp_ctl_counter_help(enum nhrp_ctl_counter c) {
	return counter_helps[c];
}

static void log_binding(const char *what, const struct binding *b) {
	char prefix[PREFIX_STRLEN], nbma[ADDR_STRLEN];

	if (log_level >= LOG_LEVEL_DEBUG)
		log_line(LOG_LEVEL_DEBUG, "%s %s at %s", prefix_format(&b->prefix, prefix), what,
			addr_format(&b->nbma, nbma));
}

static void withdraw(struct nhrp_ctl *n, struct binding *b) {
	publish_binding_withdraw(n->nave->publish, b);
	nhrp_identity_leave(n, b);
	nhrp_cache_remove(n->nhs.cache, b);
}

// No room in a forwarding table: the client is told, with the code of a full cache, and tries again later.
static void refuse(struct nhrp_ctl *n, struct binding *b) {
	struct nhrp_msg *reply = &n->result.reply;

	n->stats.counters[NHRP_CTL_PUBLISH_FAILED]++;
	for (unsigned i = 0; n->result.send && i < reply->n_cies; i++) {
		struct nhrp_cie *cie = &reply->cies[i];
		const struct addr *protocol = cie->protocol.family ? &cie->protocol : &reply->src_protocol;
		int bits = nhrp_cie_prefix_bits(cie, reply->protocol_family);

		if (bits != b->prefix.len_bits || !prefix_contains(&b->prefix, protocol))
			continue;
		cie->code = NHRP_CODE_NO_RESOURCES;
		cie->holding_time_s = 0;
	}
	withdraw(n, b);
}

static void publish_change(struct nhrp_ctl *n, const struct nhs_change *change) {
	struct binding *b = change->binding;

	nhrp_identity_follow(n, b);
	switch (change->kind) {
	case NHS_REFRESHED:
		break;
	case NHS_REMOVED:
		log_binding("purged", b);
		withdraw(n, b);
		break;
	case NHS_ADDED:
	case NHS_CHANGED:
		log_binding(change->kind == NHS_ADDED ? "registered" : "moved", b);
		if (publish_binding(n->nave->publish, b) < 0)
			refuse(n, b);
		break;
	}
}

// Publish, then reply; withdraw, then reply.
static void receive(struct nhrp_ctl *n, struct rte_mbuf *m, uint64_t now_ns) {
	const struct pkt_meta *meta = pkt_meta(m);
	struct nhs_source src;
	const uint8_t *bytes = rte_pktmbuf_mtod(m, const uint8_t *);
	enum nhrp_decode_error error;

	n->stats.counters[NHRP_CTL_RECEIVED]++;
	if (meta->tunnel >= n->n_confs || !n->nave->fwd.tunnels[meta->tunnel]) {
		n->stats.counters[NHRP_CTL_NO_TUNNEL]++;
		return;
	}
	if (!nhrp_source(n, meta, &src)) {
		n->stats.counters[NHRP_CTL_NO_PEER]++;
		return;
	}
	error = nhrp_msg_decode(bytes, m->data_len, &n->msg);
	if (error != NHRP_ERR_NONE) {
		n->stats.decode_errors[error]++;
		return;
	}
	nhs_receive(&n->nhs, &n->confs[meta->tunnel], &n->msg, bytes, m->data_len, &src, now_ns, &n->result);
	for (unsigned i = 0; i < n->result.n_changes; i++)
		publish_change(n, &n->result.changes[i]);
	if (n->result.refusal.kind != NHS_REFUSAL_NONE)
		nhrp_refusal_log(n, meta->tunnel, &src, now_ns);
	if (n->result.send)
		nhrp_send(n, meta->tunnel, &src, &n->result.reply, now_ns);
}

static void expired(struct binding *b, uint64_t now_ns, void *arg) {
	(void)now_ns;
	log_binding("expired", b);
	withdraw(arg, b);
}

static bool turn(void *arg, uint64_t now_ns) {
	struct nhrp_ctl *n = arg;
	struct rte_mbuf *pkts[BURST];
	unsigned done = 0, got, gone;

	do {
		got = datapath_punted(n->nave->datapath, PUNT_NHRP, pkts, BURST);
		for (unsigned i = 0; i < got; i++) {
			if (i + 1 < got)
				rte_prefetch0(rte_pktmbuf_mtod(pkts[i + 1], void *));
			receive(n, pkts[i], now_ns);
		}
		rte_pktmbuf_free_bulk(pkts, got);
		done += got;
	} while (got && done < MESSAGES_PER_TURN);
	nhrp_waiting_turn(n, now_ns);
	gone = nhs_expire(&n->nhs, now_ns, EXPIRIES_PER_TURN, expired, n);
	return done >= MESSAGES_PER_TURN || gone == EXPIRIES_PER_TURN;
}

// How many addresses a spoke of the tunnel registers at most: IPv4, IPv6, IPv6 link-local. hub.max-spokes is in spokes.
static uint32_t addresses_per_spoke(const struct conf_tunnel *t) {
	bool ipv4 = false, ipv6 = false;

	for (unsigned i = 0; i < t->n_addresses; i++) {
		ipv6 |= t->addresses[i].addr.family == ADDR_IPV6;
		ipv4 |= t->addresses[i].addr.family == ADDR_IPV4;
	}
	return ipv4 + 2 * ipv6;
}

static void tunnel_conf(struct nhs_config *out, const struct conf *conf, uint16_t tunnel) {
	const struct conf_tunnel *t = &conf->tunnels[tunnel];

	*out = (struct nhs_config){
		.tunnel = tunnel,
		.nbma = t->source,
		.max_registrations = t->max_registrations ? t->max_registrations
							  : addresses_per_spoke(t) * conf->hub.max_spokes + t->n_static,
		.holding_time_s = t->holding_time_s,
		.mtu = t->mtu,
		.multicast_dynamic = t->multicast_dynamic,
	};
	memcpy(out->authentication, t->authentication, sizeof(out->authentication));
	for (unsigned i = t->n_addresses; i-- > 0;) { // the first of each family stays
		unsigned f = t->addresses[i].addr.family == ADDR_IPV6;

		out->protocol[f] = t->addresses[i].addr;
		out->subnet[f] = prefix_of(&t->addresses[i].addr, t->addresses[i].len_bits);
	}
}

static uint32_t cache_size(const struct conf *conf) {
	uint32_t per_spoke = 1, statics = 0;

	for (unsigned i = 0; i < conf->n_tunnels; i++) {
		statics += conf->tunnels[i].n_static;
		per_spoke = RTE_MAX(per_spoke, addresses_per_spoke(&conf->tunnels[i]));
	}
	return per_spoke * conf->hub.max_spokes + statics;
}

static int start(struct nhrp_ctl *n, const struct conf *conf) {
	uint64_t now_ns = clock_now_ns();
	int rc;

	n->n_confs = conf->n_tunnels;
	n->confs = calloc(conf->n_tunnels + 1, sizeof(*n->confs));
	if (!n->confs)
		return -ENOMEM;
	for (uint16_t i = 0; i < conf->n_tunnels; i++) {
		tunnel_conf(&n->confs[i], conf, i);
		rc = nhrp_static_add(n, i, now_ns);
		if (rc < 0)
			return rc;
	}
	rc = nhrp_static_index(n);
	if (rc < 0)
		return rc;
	return control_on_turn(n->nave->control, turn, n);
}

struct nhrp_ctl *nhrp_ctl_create(struct nave *nave) {
	struct nhrp_ctl *n = calloc(1, sizeof(*n));
	int rc;

	if (!n)
		return NULL;
	n->nave = nave;
	token_bucket_init(&n->refusal_limit, REFUSALS_PER_S, REFUSALS_BURST, NS_PER_S);
	rc = nhs_init(&n->nhs, cache_size(nave->conf), clock_now_ns());
	if (rc == 0)
		rc = start(n, nave->conf);
	if (rc == 0)
		return n;
	nhrp_ctl_free(n);
	errno = -rc;
	return NULL;
}

void nhrp_ctl_free(struct nhrp_ctl *n) {
	if (!n)
		return;
	control_off_turn(n->nave->control, turn, n);
	nhrp_waiting_drop(n);
	nhs_fini(&n->nhs);
	free(n->late_maps);
	free(n->confs);
	free(n);
}

const struct nhrp_ctl_stats *nhrp_ctl_stats(const struct nhrp_ctl *n) {
	return &n->stats;
}

const struct nhs *nhrp_ctl_nhs(const struct nhrp_ctl *n) {
	return &n->nhs;
}

struct nhrp_cache *nhrp_ctl_cache(struct nhrp_ctl *n) {
	return n->nhs.cache;
}

void nhrp_ctl_clear(struct nhrp_ctl *n) {
	memset(n->stats.counters, 0, sizeof(n->stats.counters));
	memset(n->stats.decode_errors, 0, sizeof(n->stats.decode_errors));
	memset(n->nhs.counters, 0, sizeof(n->nhs.counters));
}

int nhrp_ctl_evict(struct nhrp_ctl *n, uint16_t tunnel, const struct addr *protocol) {
	struct prefix host = prefix_host(protocol);
	int gone = 0;

	for (uint16_t i = 0; i < n->n_confs; i++) {
		struct binding *b;

		if (tunnel != CONF_NONE && tunnel != i)
			continue;
		b = nhrp_cache_find(n->nhs.cache, i, &host);
		if (!b || b->kind == BINDING_STATIC)
			continue;
		log_binding("evicted", b);
		withdraw(n, b);
		gone++;
	}
	return gone;
}

// Static ones stay: they are the configuration's.
static struct binding *first_to_go(struct nhrp_ctl *n, uint32_t peer) {
	struct prefix prefix;
	uint32_t cursor = 0;
	uint16_t tunnel;

	while (publish_peer_binding_next(n->nave->publish, peer, &cursor, &tunnel, &prefix)) {
		struct binding *b = nhrp_cache_find(n->nhs.cache, tunnel, &prefix);

		if (b && b->kind != BINDING_STATIC)
			return b;
	}
	return NULL;
}

unsigned nhrp_ctl_peer_gone(struct nhrp_ctl *n, uint32_t peer) {
	struct binding *b;
	unsigned gone = 0;

	for (; (b = first_to_go(n, peer)) != NULL; gone++) {
		log_binding("withdrawn with its peer", b);
		withdraw(n, b);
	}
	return gone;
}

void nhrp_ctl_peer_moved(struct nhrp_ctl *n, uint32_t peer) {
	struct publish_peer at;
	struct prefix prefix;
	uint32_t cursor = 0;
	uint16_t tunnel;

	if (!publish_peer_where(n->nave->publish, peer, &at))
		return;
	while (publish_peer_binding_next(n->nave->publish, peer, &cursor, &tunnel, &prefix)) {
		struct binding *b = nhrp_cache_find(n->nhs.cache, tunnel, &prefix);

		if (!b)
			continue;
		b->nbma = at.nbma;
		b->nbma_port = at.nbma_port;
		b->behind_nat = !addr_eq(&b->nbma, &b->claimed_nbma);
	}
}
