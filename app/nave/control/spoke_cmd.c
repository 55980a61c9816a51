// SPDX-License-Identifier: BSD-3-Clause
// Bindings: spokes, the whole NHRP cache, the story of one.
#include "commands.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cache.h"
#include "conf.h"
#include "datapath.h"
#include "identity.h"
#include "ike_ctl.h"
#include "nave.h"
#include "nhrp_ctl.h"
#include "sa_ctl.h"
#include "clock.h" // after DPDK

static const char *const kinds[] = {
	[BINDING_STATIC] = "static", [BINDING_REGISTERED] = "registered", [BINDING_CACHED] = "cached"};

static bool is_host(const struct prefix *p) {
	return p->len_bits == addr_len_bytes(p->addr.family) * 8;
}

static void out_addr(struct out *out, const char *column, const struct addr *a) {
	char text[ADDR_STRLEN];

	out_str(out, column, a->family == ADDR_NONE ? NULL : addr_format(a, text));
}

static void out_since(struct out *out, const char *column, uint64_t then_ns, uint64_t now_ns) {
	if (then_ns)
		out_u64(out, column, (now_ns - then_ns) / NS_PER_S);
	else
		out_null_u64(out, column);
}

static void binding_cells(const struct nave *nave, const struct binding *b, uint64_t now_ns, struct out *out) {
	char text[PREFIX_STRLEN];

	out_str(out, "protocol",
		is_host(&b->prefix) ? addr_format(&b->prefix.addr, text) : prefix_format(&b->prefix, text));
	out_addr(out, "nbma", &b->nbma);
	out_str(out, "tunnel", tunnel_name(nave, b->tunnel));
	out_str(out, "type", kinds[b->kind]);
	if (b->expires_ns) // rounded up: 0 only when it is due
		out_u64(out, "expires_in_s",
			b->expires_ns > now_ns ? (b->expires_ns - now_ns + NS_PER_S - 1) / NS_PER_S : 0);
	else
		out_null_u64(out, "expires_in_s");
	out_bool(out, "unique", b->unique);
	out_bool(out, "behind_nat", b->behind_nat);
}

static void identity_cells(const struct nave *nave, const struct binding *b, struct out *out) {
	const struct conf_identity *entry = identities_entry(nave->identities, b->identity, b->tunnel);

	out_str(out, "identity", b->identity ? identities_text(nave->identities, b->identity) : NULL);
	out_str(out, "group", entry && entry->group[0] ? entry->group : NULL);
}

static void binding_details(const struct nave *nave, const struct binding *b, uint64_t now_ns, struct out *out) {
	identity_cells(nave, b, out);
	out_u64(out, "holding_time_s", b->holding_time_s);
	out_addr(out, "claimed_nbma", &b->claimed_nbma);
	out_u64(out, "nbma_port", b->nbma_port);
	out_bool(out, "multicast", b->multicast);
	out_u64(out, "mtu", b->mtu);
	out_u64(out, "refreshes", b->refreshes);
	out_since(out, "age_s", b->created_ns, now_ns);
	out_since(out, "refreshed_ago_s", b->refreshed_ns, now_ns);
}

// Counted by its SAs.
static bool is_protected(const struct nave *nave, uint32_t peer) {
	return nave->sas && peer && peer_at(&nave->fwd.peers, peer)->is_protected;
}

static void counter_cells(const struct nave *nave, const struct binding *b, struct out *out) {
	struct spoke_counters c = {0};

	if (is_protected(nave, b->peer))
		sa_ctl_peer_counters(nave->sas, b->peer, &c);
	else if (nave->datapath && b->peer)
		datapath_spoke_counters(nave->datapath, b->peer, &c);
	out_u64(out, "rx_packets", c.rx_packets);
	out_u64(out, "tx_packets", c.tx_packets);
	out_detail(out);
	out_u64(out, "rx_bytes", c.rx_bytes);
	out_u64(out, "tx_bytes", c.tx_bytes);
}

// --- lists, a slice at a time ---
static void cursor_free(void *cursor, void *arg) {
	nhrp_cache_cursor_close(arg, cursor);
	free(cursor);
}

static struct binding_cursor *cursor_of(struct nave *nave, const char *list, struct out *out) {
	struct binding_cursor *cur = out_cursor(out);

	if (cur)
		return cur;
	out_list(out, list);
	if (!nave->nhrp)
		return NULL;
	cur = calloc(1, sizeof(*cur));
	if (!cur) {
		out_error(out, -ENOMEM, "out of memory");
		return NULL;
	}
	if (!nhrp_cache_cursor_open(nhrp_ctl_cache(nave->nhrp), cur)) {
		free(cur);
		out_error(out, -EBUSY, "too many lists are being read at once: try again");
		return NULL;
	}
	out_set_cursor(out, cur, nhrp_ctl_cache(nave->nhrp), cursor_free);
	return cur;
}

static int list_bindings(struct nave *nave, struct out *out, const char *list, bool spokes) {
	struct binding_cursor *cur = cursor_of(nave, list, out);
	uint64_t now_ns = clock_now_ns();

	while (cur && !out_full(out)) {
		const struct binding *b = nhrp_cache_cursor_next(nhrp_ctl_cache(nave->nhrp), cur);

		if (!b) {
			out_end(out);
			break;
		}
		if ((spokes && b->kind == BINDING_CACHED) || out_skip_row(out))
			continue;
		out_row(out);
		binding_cells(nave, b, now_ns, out);
		if (spokes)
			counter_cells(nave, b, out);
		out_detail(out);
		binding_details(nave, b, now_ns, out);
	}
	return out_rc(out);
}

int show_spokes(struct nave *nave, const struct console_args *args, struct out *out) {
	(void)args;
	return list_bindings(nave, out, "spokes", true);
}

static int show_nhrp_cache(struct nave *nave, const struct console_args *args, struct out *out) {
	(void)args;
	return list_bindings(nave, out, "bindings", false);
}

// --- one ---
// Tunnels on which the address is bound, the one that the operator named or all. The last of them in *found.
static unsigned find_bindings(struct nave *nave, const struct addr *addr, int only, struct binding **found) {
	struct prefix host = prefix_host(addr);
	unsigned n = 0;

	for (unsigned i = 0; nave->nhrp && i < FWD_TUNNELS_MAX; i++) {
		struct binding *b;

		if (!nave->fwd.tunnels[i] || (only >= 0 && (unsigned)only != i))
			continue;
		b = nhrp_cache_find(nhrp_ctl_cache(nave->nhrp), i, &host);
		if (b) {
			*found = b;
			n++;
		}
	}
	return n;
}

// "show spoke ADDRESS [TUNNEL]", "evict spoke ADDRESS [TUNNEL]": NULL after an error.
static struct binding *the_spoke(struct nave *nave, const struct console_args *args, struct out *out) {
	int tunnel = args->n > 3 ? tunnel_find(nave, args->word[3]) : -1;
	struct binding *b = NULL;
	struct addr addr;
	unsigned n;

	if (args->n > 3 && tunnel < 0) {
		out_error(out, -ENOENT, "no tunnel %s", args->word[3]);
		return NULL;
	}
	if (addr_parse(args->word[2], &addr) < 0) {
		out_error(out, -EINVAL, "%s is no address", args->word[2]);
		return NULL;
	}
	n = find_bindings(nave, &addr, tunnel, &b);
	if (n == 1)
		return b;
	if (n == 0)
		out_error(out, -ENOENT, "no spoke %s", args->word[2]);
	else
		out_error(out, -ENOTUNIQ, "%s is a spoke of %u tunnels: name one of them behind it", args->word[2], n);
	return NULL;
}

static const char *adj_state_name(uint8_t kind) {
	return kind == ADJ_TUNNEL ? "complete" : kind == ADJ_INCOMPLETE ? "incomplete" : "other";
}

static void forwarding_cells(const struct fwd *fwd, const struct binding *b, struct out *out) {
	bool has_adj = b->adj && b->adj < fwd->adjs.max;
	const struct peer *p = b->peer && b->peer < fwd->peers.max ? peer_at(&fwd->peers, b->peer) : NULL;

	out_u64(out, "adjacency", b->adj);
	if (has_adj) {
		struct adj_state state = adj_state_load(&fwd->adjs.adjs[b->adj]);

		out_str(out, "adjacency_state", adj_state_name(state.kind));
		out_u64(out, "effective_mtu", state.mtu);
	} else {
		out_str(out, "adjacency_state", NULL);
		out_null_u64(out, "effective_mtu");
	}
	out_u64(out, "peer", b->peer);
	if (p && rcu_read(&p->owner) < fwd->n_workers)
		out_u64(out, "owner_worker", p->owner);
	else
		out_null_u64(out, "owner_worker");
	if (p) {
		struct nh nh = nh_load(&fwd->nhs, p->nh);

		out_str(out, "port", nh.port < fwd->n_ports ? fwd->ports[nh.port].name : NULL);
		out_bool(out, "underlay_neighbour_resolved", nh.resolved);
		out_mac(out, "underlay_mac", nh.mac, nh.resolved);
	} else {
		out_str(out, "port", NULL);
		out_bool(out, "underlay_neighbour_resolved", false);
		out_str(out, "underlay_mac", NULL);
	}
}

static void protection_cells(const struct nave *nave, const struct binding *b, struct out *out) {
	uint32_t n_in = 0, n_out = 0;

	if (is_protected(nave, b->peer))
		sa_ctl_peer_count(nave->sas, b->peer, &n_in, &n_out);
	out_bool(out, "protected", is_protected(nave, b->peer));
	out_u64(out, "sas_in", n_in);
	out_u64(out, "sas_out", n_out);
}

static int show_spoke(struct nave *nave, const struct console_args *args, struct out *out) {
	const struct binding *b = the_spoke(nave, args, out);
	uint64_t now_ns = clock_now_ns();

	if (!b)
		return out_rc(out);
	out_record(out, "spoke");
	binding_cells(nave, b, now_ns, out);
	binding_details(nave, b, now_ns, out);
	out_u64(out, "preference", b->preference);
	out_u64(out, "request_id", b->request_id);
	counter_cells(nave, b, out);
	forwarding_cells(&nave->fwd, b, out);
	protection_cells(nave, b, out);
	return 0;
}

static int evict_spoke(struct nave *nave, const struct console_args *args, struct out *out) {
	struct binding *b = the_spoke(nave, args, out);
	struct addr addr;
	uint32_t peer;
	int n, rc;

	if (!b)
		return out_rc(out);
	if (b->kind == BINDING_STATIC)
		return out_error(
			out, -EPERM, "%s is static: it goes with its line in the configuration", args->word[2]);
	addr = b->prefix.addr;
	peer = b->peer;
	n = nhrp_ctl_evict(nave->nhrp, b->tunnel, &addr);
	if (n < 0)
		return out_error(out, n, "%s could not be withdrawn: %s", args->word[2], strerror(-n));
	rc = nave->ike ? ike_ctl_evict(nave->ike, peer) : -ENOENT;
	if (rc < 0 && rc != -ENOENT && rc != -ENOTCONN)
		return out_error(
			out, rc, "%s is forgotten, but not its IKE SA: %s: try again", args->word[2], strerror(-rc));
	out_text(out, "%s is forgotten%s; it may register again", args->word[2],
		rc == 0 ? ", and charon is asked to end its IKE SA"
		: rc == -ENOTCONN
			? ", its SAs are deleted; an IKE SA that it has stays: charon was not asked (ike.vici)"
			: "");
	return 0;
}

const struct console_cmd spoke_cmds[] = {
	{"show spokes", "registered and static spokes, with their counters", show_spokes, false},
	{"show spoke ADDRESS", "the whole story of one spoke, by its protocol address", show_spoke, false},
	{"show spoke ADDRESS TUNNEL", "the same, where several tunnels know the address", show_spoke, false},
	{"show nhrp cache", "every binding of a protocol address to an NBMA address", show_nhrp_cache, false},
	{"evict spoke ADDRESS", "withdraw and forget a registered spoke", evict_spoke, true},
	{"evict spoke ADDRESS TUNNEL", "the same, where several tunnels know the address", evict_spoke, true},
	{0},
};
