// SPDX-License-Identifier: BSD-3-Clause
// routes: static routes, their next hops, and that no prefix comes twice.
#include <stdlib.h>
#include <string.h>

#include "conf_reader.h"

static const struct conf_key via_keys[] = {
	{"next-hop", &conf_address, CONF_FIELD(struct conf_next_hop, next_hop), .required = true,
		.help = "protocol address of a spoke, or address of a router behind a port"},
	{"tunnel", &conf_tunnel_ref, CONF_FIELD(struct conf_next_hop, tunnel), .fallback = "", .shown = "-",
		.help = "tunnel of the next hop"},
	{"port", &conf_port_ref, CONF_FIELD(struct conf_next_hop, port), .fallback = "", .shown = "-",
		.help = "port of the next hop, instead of a tunnel"},
	{"weight", &conf_number, CONF_FIELD(struct conf_next_hop, weight), &(const struct conf_range){1, 255},
		.fallback = "1", .help = "share among several next hops"},
	{0},
};

static void via_check(struct conf_reader *r, const struct conf_node *n, void *item) {
	struct conf_next_hop *hop = item;

	if ((hop->tunnel == CONF_NONE) == (hop->port == CONF_NONE))
		conf_error(r, n->mark, "via: write either tunnel or port");
}

static const struct conf_shape via_shape = {
	.keys = via_keys,
	.mark_offset = offsetof(struct conf_next_hop, mark),
	.item_size = sizeof(struct conf_next_hop),
	CONF_COUNT(struct conf_route, n_via),
	.max = CONF_LIST_MAX,
	.is_inline = true,
	.check = via_check,
};

static const struct conf_key route_keys[] = {
	{"vrf", &conf_vrf_ref, CONF_FIELD(struct conf_route, vrf), .fallback = "", .shown = "default",
		.help = "VRF of the route"},
	{"prefix", &conf_prefix, CONF_FIELD(struct conf_route, prefix), .required = true,
		.help = "destination, of either family"},
	{"blackhole", &conf_bool, CONF_FIELD(struct conf_route, blackhole), .fallback = "false",
		.help = "drop, instead of via"},
	{"via", &conf_mappings, CONF_FIELD(struct conf_route, via), &via_shape,
		.help = "next hops: several share the packets by flow"},
	{0},
};

// The tunnel or port of a next hop, in one form.
struct out {
	const char *what, *name;
	const struct conf_addr *addresses;
	unsigned n_addresses;
	uint16_t vrf;
	bool is_bad;
};

static struct out out_of(const struct conf_reader *r, const struct conf_next_hop *hop) {
	if (hop->tunnel != CONF_NONE) {
		const struct conf_tunnel *t = &r->conf->tunnels[hop->tunnel];

		return (struct out){"tunnel", t->name, t->addresses, t->n_addresses, t->vrf, conf_is_bad(r, t)};
	}
	const struct conf_port *p = &r->conf->ports[hop->port];

	return (struct out){"port", p->name, p->addresses, p->n_addresses, p->vrf, conf_is_bad(r, p)};
}

static void hop_check(
	struct conf_reader *r, const struct conf_route *route, const struct conf_next_hop *hop, struct conf_mark mark) {
	struct out o = out_of(r, hop);
	char buf[ADDR_STRLEN];

	if (o.is_bad)
		return;
	addr_format(&hop->next_hop, buf);
	if (hop->next_hop.family != route->prefix.addr.family)
		conf_error(r, mark, "next-hop: %s is not of the prefix's family", buf);
	else if (conf_is_own(o.addresses, o.n_addresses, &hop->next_hop))
		conf_error(r, mark, "next-hop: %s is our own address on %s '%s'", buf, o.what, o.name);
	else if (!conf_is_on_link(o.addresses, o.n_addresses, &hop->next_hop) && !addr_is_link_local(&hop->next_hop))
		conf_error(r, mark, "next-hop: %s is in no subnet of %s '%s'", buf, o.what, o.name);
	if (o.vrf != route->vrf)
		conf_error(r, mark, "next-hop: %s '%s' is in vrf '%s', the route in vrf '%s': write the route there",
			o.what, o.name, o.vrf ? r->conf->vrfs[o.vrf].name : "default",
			route->vrf ? r->conf->vrfs[route->vrf].name : "default");
}

static void route_check(struct conf_reader *r, const struct conf_node *n, void *item) {
	const struct conf_node *via = conf_map_value(n, "via");
	struct conf_route *route = item;

	if (route->blackhole == (route->n_via > 0)) {
		conf_error(r, n->mark, "routes: write either via: [{next-hop: ...}] or blackhole: true");
		return;
	}
	for (unsigned i = 0; i < route->n_via; i++)
		hop_check(r, route, &route->via[i], conf_map_value(conf_list_item(via, i), "next-hop")->mark);
}

const struct conf_shape conf_route_shape = {
	.keys = route_keys,
	.mark_offset = offsetof(struct conf_route, mark),
	.item_size = sizeof(struct conf_route),
	CONF_COUNT(struct conf, n_routes),
	.max = 1000000,
	.check = route_check,
};

static int prefix_compare(const struct conf_route *a, const struct conf_route *b) {
	if (a->vrf != b->vrf)
		return a->vrf < b->vrf ? -1 : 1;
	if (a->prefix.len_bits != b->prefix.len_bits)
		return a->prefix.len_bits < b->prefix.len_bits ? -1 : 1;
	return memcmp(&a->prefix.addr, &b->prefix.addr, sizeof(a->prefix.addr));
}

static int route_compare(const void *pa, const void *pb) {
	const struct conf_route *a = *(const struct conf_route *const *)pa, *b = *(const struct conf_route *const *)pb;
	int d = prefix_compare(a, b);

	return d ? d : a < b ? -1 : a > b;
}

void conf_routes_check(struct conf_reader *r) {
	uint32_t n = r->conf->n_routes;
	const struct conf_route **sorted;
	char buf[PREFIX_STRLEN];

	if (n < 2)
		return;
	sorted = calloc(n, sizeof(*sorted));
	if (!sorted) {
		conf_error(r, r->conf->routes[0].mark, "out of memory");
		return;
	}
	for (uint32_t i = 0; i < n; i++)
		sorted[i] = &r->conf->routes[i];
	qsort(sorted, n, sizeof(*sorted), route_compare);
	for (uint32_t i = 1; i < n; i++) {
		if (prefix_compare(sorted[i - 1], sorted[i]) == 0 && !conf_is_bad(r, sorted[i - 1]) &&
			!conf_is_bad(r, sorted[i]))
			conf_error(r, sorted[i]->mark, "routes: %s is given twice: put all next hops into one via list",
				prefix_format(&sorted[i]->prefix, buf));
	}
	free(sorted);
}
