// SPDX-License-Identifier: BSD-3-Clause
// Routes and underlay neighbours.
#include "commands.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fib.h"
#include "nave.h"
#include "publish.h"
#include "route_ctl.h"

// --- show routes ---
struct route_cursor {
	uint16_t vrf;
	bool ipv6, started;
	struct prefix last;
};

static void plain_free(void *cursor, void *arg) {
	(void)arg;
	free(cursor);
}

static bool next_route(const struct fwd *fwd, struct route_cursor *cur, uint32_t *adj) {
	while (cur->vrf < fwd->n_vrfs) {
		const struct vrf *v = &fwd->vrfs[cur->vrf];
		const struct fib *fib = cur->ipv6 ? v->fib_ipv6 : v->fib_ipv4;
		struct prefix next;

		if (fib && fib_next(fib, cur->started ? &cur->last : NULL, &next, adj) == 0) {
			cur->last = next;
			cur->started = true;
			return true;
		}
		cur->started = false;
		cur->vrf += cur->ipv6;
		cur->ipv6 = !cur->ipv6;
	}
	return false;
}

static const char *route_type(uint8_t kind) {
	switch ((enum adj_kind)kind) {
	case ADJ_GLEAN:
		return "connected";
	case ADJ_LOCAL:
		return "local";
	case ADJ_BLACKHOLE:
		return "blackhole";
	case ADJ_UNREACHABLE:
		return "unreachable";
	case ADJ_INCOMPLETE:
	case ADJ_TUNNEL:
	case ADJ_PORT:
		break;
	}
	return "unicast";
}

static void route_row(const struct nave *nave, const struct route_cursor *cur, uint32_t index, struct out *out) {
	const struct adj *adj = index < nave->fwd.adjs.max ? &nave->fwd.adjs.adjs[index] : NULL;
	struct adj_state state = adj ? adj_state_load(adj) : (struct adj_state){.kind = ADJ_UNREACHABLE};
	bool to_someone = state.kind == ADJ_INCOMPLETE || state.kind == ADJ_TUNNEL || state.kind == ADJ_PORT;
	char text[PREFIX_STRLEN];

	out_row(out);
	out_str(out, "vrf", vrf_name(nave, cur->vrf));
	out_str(out, "prefix", prefix_format(&cur->last, text));
	out_str(out, "type", route_type(state.kind));
	out_str(out, "next_hop", adj && to_someone ? addr_format(&adj->protocol, text) : NULL);
	out_str(out, "interface",
		adj && adj->iface != IFACE_NONE && (to_someone || state.kind == ADJ_GLEAN || state.kind == ADJ_LOCAL)
			? iface_name(nave, adj->iface)
			: NULL);
	out_bool(out, "usable", state.kind != ADJ_INCOMPLETE && state.kind != ADJ_UNREACHABLE);
	out_detail(out);
	out_u64(out, "adjacency", index);
	out_u64(out, "mtu", state.mtu);
}

static int show_routes(struct nave *nave, const struct console_args *args, struct out *out) {
	struct route_cursor *cur = out_cursor(out);
	uint32_t adj;

	(void)args;
	if (!cur) {
		cur = calloc(1, sizeof(*cur));
		if (!cur)
			return -ENOMEM;
		out_list(out, "routes");
		out_set_cursor(out, cur, NULL, plain_free);
	}
	while (!out_full(out)) {
		if (!next_route(&nave->fwd, cur, &adj)) {
			out_end(out);
			break;
		}
		if (!out_skip_row(out))
			route_row(nave, cur, adj, out);
	}
	return 0;
}

// --- show neighbours ---
struct neighbour_cursor {
	uint32_t next;
};

int show_neighbours(struct nave *nave, const struct console_args *args, struct out *out) {
	struct neighbour_cursor *cur = out_cursor(out);
	struct publish_nh_info info;
	char text[ADDR_STRLEN];

	(void)args;
	if (!cur) {
		cur = calloc(1, sizeof(*cur));
		if (!cur)
			return -ENOMEM;
		out_list(out, "neighbours");
		out_set_cursor(out, cur, NULL, plain_free);
	}
	while (!out_full(out)) {
		if (!nave->publish || !publish_nh_next(nave->publish, &cur->next, &info)) {
			out_end(out);
			break;
		}
		if (out_skip_row(out))
			continue;
		out_row(out);
		out_str(out, "port", info.port < nave->fwd.n_ports ? nave->fwd.ports[info.port].name : "?");
		out_str(out, "address", addr_format(&info.addr, text));
		out_mac(out, "mac", info.nh.mac, info.nh.resolved);
		out_bool(out, "resolved", info.nh.resolved);
		out_bool(out, "static", info.is_static);
		out_u64(out, "users", info.users);
	}
	return 0;
}

// --- route add, route del ---
static int find_vrf(const struct nave *nave, const char *name) {
	for (uint16_t i = 0; i < nave->fwd.n_vrfs; i++)
		if (strcmp(vrf_name(nave, i), name) == 0)
			return i;
	return -ENOENT;
}

// The word behind keyword, or NULL.
static const char *word_after(const struct console_args *args, const char *keyword) {
	for (unsigned i = 0; i + 1 < args->n; i++)
		if (strcmp(args->word[i], keyword) == 0)
			return args->word[i + 1];
	return NULL;
}

static int find_iface(const struct nave *nave, const char *name, uint16_t *vrf) {
	for (unsigned i = 0; i < FWD_TUNNELS_MAX; i++) {
		const struct tunnel *t = nave->fwd.tunnels[i];

		if (t && strcmp(t->name, name) == 0) {
			*vrf = t->vrf;
			return i;
		}
	}
	for (uint16_t i = 0; i < nave->fwd.n_ports; i++) {
		if (nave->fwd.ports[i].present && strcmp(nave->fwd.ports[i].name, name) == 0) {
			*vrf = nave->fwd.ports[i].vrf;
			return iface_of_port(i);
		}
	}
	return -ENOENT;
}

static int explain_route(struct out *out, int rc, const char *prefix) {
	const char *why = rc == -EEXIST   ? "it is connected, or an address of this hub"
			  : rc == -ENOSPC ? "the table is full"
			  : rc == -EINVAL ? "no interface leads to its next hop, or the families differ"
			  : rc == -ENOENT ? "there is no such route"
			  : rc == -EPERM  ? "it is not a static route"
					  : strerror(-rc);

	return out_error(out, rc, "%s: %s", prefix, why);
}

static int route_add(struct nave *nave, const struct console_args *args, struct out *out) {
	struct publish_next_hop via = {.weight = 1};
	const char *iface = word_after(args, "interface"), *vrf_word = word_after(args, "vrf");
	uint16_t vrf = 0;
	struct prefix prefix;
	int rc;

	if (!nave->routes || prefix_parse(args->word[2], &prefix) < 0)
		return out_error(out, -EINVAL, "%s is no prefix", args->word[2]);
	if (vrf_word) {
		rc = find_vrf(nave, vrf_word);
		if (rc < 0)
			return out_error(out, rc, "no VRF %s", vrf_word);
		vrf = rc;
	}
	if (strcmp(args->word[3], "blackhole") == 0) {
		rc = route_ctl_add(nave->routes, vrf, &prefix, PUBLISH_BLACKHOLE, NULL, 0);
		return rc < 0 ? explain_route(out, rc, args->word[2]) : 0;
	}
	rc = find_iface(nave, iface, &vrf);
	if (rc < 0)
		return out_error(out, rc, "no tunnel or port %s", iface);
	via.iface = rc;
	if (addr_parse(args->word[4], &via.next_hop) < 0)
		return out_error(out, -EINVAL, "%s is no address", args->word[4]);
	rc = route_ctl_add(nave->routes, vrf, &prefix, PUBLISH_UNICAST, &via, 1);
	return rc < 0 ? explain_route(out, rc, args->word[2]) : 0;
}

static int route_del(struct nave *nave, const struct console_args *args, struct out *out) {
	const char *vrf_word = word_after(args, "vrf");
	int vrf = vrf_word ? find_vrf(nave, vrf_word) : 0;
	struct prefix prefix;
	int rc;

	if (vrf < 0)
		return out_error(out, vrf, "no VRF %s", vrf_word);
	if (!nave->routes || prefix_parse(args->word[2], &prefix) < 0)
		return out_error(out, -EINVAL, "%s is no prefix", args->word[2]);
	rc = route_ctl_del(nave->routes, vrf, &prefix);
	return rc < 0 ? explain_route(out, rc, args->word[2]) : 0;
}

const struct console_cmd route_cmds[] = {
	{"show routes", "routes of all VRFs, as workers see them", show_routes, false},
	{"show neighbours", "underlay next hops and their MAC addresses", show_neighbours, false},
	{"route add PREFIX via ADDRESS interface INTERFACE", "add or replace a static route over a tunnel or port",
		route_add, true},
	{"route add PREFIX blackhole", "drop what goes there", route_add, true},
	{"route add PREFIX blackhole vrf VRF", "the same in a VRF", route_add, true},
	{"route del PREFIX", "remove a static route", route_del, true},
	{"route del PREFIX vrf VRF", "the same in a VRF", route_del, true},
	{0},
};
