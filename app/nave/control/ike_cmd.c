// SPDX-License-Identifier: BSD-3-Clause
// The IKE daemon, what it asked for, and the peers that it has SAs with.
#include "commands.h"

#include <errno.h>
#include <stdlib.h>

#include "conf.h"
#include "identity.h"
#include "ike_ctl.h"
#include "ike_server.h"
#include "nave.h"
#include "publish.h"
#include "sa_ctl.h"
#include "clock.h" // after DPDK

int show_ike(struct nave *nave, const struct console_args *args, struct out *out) {
	struct ike_info info = {0};

	(void)args;
	if (nave->ike)
		ike_ctl_info(nave->ike, &info);
	out_record(out, "ike");
	out_bool(out, "enabled", nave->ike != NULL);
	out_str(out, "socket", nave->ike ? nave->conf->ike.socket : NULL);
	out_bool(out, "connected", info.is_connected);
	out_str(out, "daemon", info.plugin[0] ? info.plugin : NULL);
	if (info.since_ns)
		out_u64(out, "since_s", (clock_now_ns() - info.since_ns) / NS_PER_S);
	else
		out_null_u64(out, "since_s");
	out_u64(out, "sas", info.sas);
	out_u64(out, "orphans", info.orphans);
	out_u64(out, "reserved_spis", info.reserved_spis);
	return 0;
}

static void counter_row(struct out *out, const char *name, uint64_t count, const char *help) {
	out_row(out);
	out_str(out, "name", name);
	out_u64(out, "count", count);
	out_str(out, "help", help);
}

int show_ike_statistics(struct nave *nave, const struct console_args *args, struct out *out) {
	(void)args;
	out_list(out, "ike counters");
	for (unsigned i = 0; i < IKE_CTL_COUNT; i++)
		counter_row(out, ike_ctl_counter_name(i), nave->ike ? ike_ctl_counters(nave->ike)[i] : 0,
			ike_ctl_counter_help(i));
	for (unsigned i = 0; i < IKE_SERVER_COUNT; i++)
		counter_row(out, ike_server_counter_name(i), nave->ike ? ike_ctl_server_counters(nave->ike)[i] : 0,
			ike_server_counter_help(i));
	return 0;
}

// --- peers ---
#define STEPS_PER_SLICE 4096 // peers without an SA are stepped over

struct peer_cursor {
	uint32_t peer;
};

static void cursor_free(void *cursor, void *arg) {
	(void)arg;
	free(cursor);
}

struct peer_sas {
	uint32_t n_in, n_out, n_orphans, first;
};

// first 0: none is of IKE.
static struct peer_sas sas_of(const struct nave *nave, uint32_t peer) {
	struct peer_sas found = {0};
	struct sa_info info;

	for (uint32_t n = 0; (n = sa_ctl_peer_next(nave->sas, peer, n)) != 0;) {
		if (!sa_ctl_get(nave->sas, n, &info) || info.origin != SA_FROM_IKE)
			continue;
		found.first = n;
		found.n_in += info.direction == SA_INBOUND;
		found.n_out += info.direction == SA_OUTBOUND;
		found.n_orphans += ike_ctl_is_orphan(nave->ike, n);
	}
	return found;
}

static void peer_row(const struct nave *nave, uint32_t peer, const struct peer_sas *sas, struct out *out) {
	uint32_t identity = sa_ctl_peer_identity(nave->sas, peer);
	struct publish_peer at = {0};
	char text[ADDR_STRLEN];
	struct sa_info info;

	publish_peer_where(nave->publish, peer, &at);
	sa_ctl_get(nave->sas, sas->first, &info);
	out_row(out);
	out_str(out, "identity", identities_text(nave->identities, identity));
	out_str(out, "nbma", addr_format(&at.nbma, text));
	out_u64(out, "nbma_port", at.nbma_port);
	out_str(out, "tunnel", tunnel_name(nave, info.tunnel));
	out_u64(out, "ike_id", ike_ctl_peer_ike_id(nave->ike, peer));
	out_u64(out, "sas_in", sas->n_in);
	out_u64(out, "sas_out", sas->n_out);
	out_u64(out, "orphans", sas->n_orphans);
	out_detail(out);
	out_u64(out, "peer", peer);
}

int show_ike_peers(struct nave *nave, const struct console_args *args, struct out *out) {
	struct peer_cursor *cur = out_cursor(out);

	(void)args;
	if (!cur) {
		out_list(out, "peers");
		cur = nave->ike ? calloc(1, sizeof(*cur)) : NULL;
		if (!cur)
			return nave->ike ? -ENOMEM : 0;
		out_set_cursor(out, cur, NULL, cursor_free);
	}
	for (unsigned steps = 0; steps < STEPS_PER_SLICE && !out_full(out); steps++) {
		struct peer_sas sas;

		if (++cur->peer >= nave->fwd.peers.max) {
			out_end(out);
			break;
		}
		sas = sas_of(nave, cur->peer);
		if (sas.first && !out_skip_row(out))
			peer_row(nave, cur->peer, &sas, out);
	}
	return 0;
}

const struct console_cmd ike_cmds[] = {
	{"show ike", "the IKE daemon: connected or not, its SAs", show_ike, false},
	{"show ike peers", "peers with SAs of IKE, by the identity that they proved", show_ike_peers, false},
	{"show ike statistics", "what the IKE daemon asked for, and what the hub told it", show_ike_statistics, false},
	{0},
};
