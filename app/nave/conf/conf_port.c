// SPDX-License-Identifier: BSD-3-Clause
// ports, and the addresses that ports and tunnels share.
#include <string.h>

#include "conf_reader.h"

static const struct conf_key neighbour_keys[] = {
	{"address", &conf_address, CONF_FIELD(struct conf_neighbour, addr), .required = true,
		.help = "the neighbour's address"},
	{"mac", &conf_mac, CONF_FIELD(struct conf_neighbour, mac), .required = true,
		.help = "the neighbour's MAC address"},
	{0},
};

static const struct conf_shape neighbour_shape = {
	.keys = neighbour_keys,
	.mark_offset = offsetof(struct conf_neighbour, mark),
	.item_size = sizeof(struct conf_neighbour),
	CONF_COUNT(struct conf_port, n_neighbours),
	.max = 65535,
};

static const struct conf_shape address_shape = {CONF_COUNT(struct conf_port, n_addresses), .max = CONF_LIST_MAX};
static const struct conf_shape gateway_shape = {CONF_COUNT(struct conf_port, n_gateways), .max = 2};
static const struct conf_word queues_words[] = {{"auto", 0}, {0}};

static const struct conf_key port_keys[] = {
	{"device", &conf_text, CONF_FIELD(struct conf_port, device), .required = true,
		.help = "a PCI address (`\"0000:3b:00.1\"`) or a DPDK vdev with its arguments "
			"(`\"net_af_xdp0,iface=eth1\"`)"},
	{"device-netns", &conf_netns, CONF_FIELD(struct conf_port, device_netns), .shown = "nave's own",
		.help = "network namespace of the kernel device that a vdev uses"},
	{"host", &conf_bool, CONF_FIELD(struct conf_port, host), .fallback = "true",
		.help = "make a TAP, so that the host answers ARP and is reached through the port"},
	{"host-netns", &conf_netns, CONF_FIELD(struct conf_port, host_netns), .shown = "nave's own",
		.help = "network namespace where the TAP goes"},
	{"vrf", &conf_vrf_ref, CONF_FIELD(struct conf_port, vrf), .fallback = "", .shown = "default",
		.help = "VRF of what comes in; for a tunnel's source, the front-door VRF"},
	{"vlan", &conf_number, CONF_FIELD(struct conf_port, vlan), &(const struct conf_range){1, 4094},
		.is_later = true, .help = "802.1Q tag of the port's packets"},
	{"mtu", &conf_number, CONF_FIELD(struct conf_port, mtu), &(const struct conf_range){576, 9216},
		.fallback = "1500", .help = "longest IP packet, in bytes"},
	{"queues", &conf_number, CONF_FIELD(struct conf_port, queues), &(const struct conf_range){1, 32, queues_words},
		.fallback = "auto", .help = "receive queues; `auto`: one for each worker, where the device has them"},
	{"address", &conf_interface_addresses, CONF_FIELD(struct conf_port, addresses), &address_shape,
		.help = "the port's addresses with their prefix lengths, of either family"},
	{"gateway", &conf_addresses, CONF_FIELD(struct conf_port, gateways), &gateway_shape,
		.help = "next hops of the underlay's default route, one for each family"},
	{"public-address", &conf_address, CONF_FIELD(struct conf_port, public_address), .is_later = true,
		.help = "how spokes see the port, when it is behind 1:1 NAT"},
	{"neighbours", &conf_mappings, CONF_FIELD(struct conf_port, neighbours), &neighbour_shape,
		.help = "static neighbours, beside those that the kernel resolves"},
	{0},
};

static const struct conf_port *port_of(const struct conf *c, unsigned i, uint16_t vrf) {
	return c->ports[i].vrf == vrf ? &c->ports[i] : NULL;
}

// Whether another port or tunnel of the VRF, or other than except, has the address; says so.
bool conf_address_is_taken(struct conf_reader *r, uint16_t vrf, const struct conf_addr *a, const void *except) {
	const struct conf *c = r->conf;
	const char *owner = NULL;
	char buf[ADDR_STRLEN];

	if (addr_is_link_local(&a->addr))
		return false;
	for (unsigned i = 0; i < c->n_ports && !owner; i++) {
		const struct conf_port *p = port_of(c, i, vrf);

		if (p && p != except && conf_is_own(p->addresses, p->n_addresses, &a->addr))
			owner = p->name;
	}
	for (unsigned i = 0; i < c->n_tunnels && !owner; i++) {
		const struct conf_tunnel *t = &c->tunnels[i];

		if (t->vrf == vrf && t != except && conf_is_own(t->addresses, t->n_addresses, &a->addr))
			owner = t->name;
	}
	if (owner)
		conf_error(r, a->mark, "address: '%s' already has %s: one of them wants another address or vrf", owner,
			addr_format(&a->addr, buf));
	return owner;
}

static void gateways_check(struct conf_reader *r, const struct conf_port *p) {
	char buf[ADDR_STRLEN];

	for (unsigned i = 0; i < p->n_gateways; i++) {
		const struct conf_addr *g = &p->gateways[i];

		addr_format(&g->addr, buf);
		if (conf_is_own(p->addresses, p->n_addresses, &g->addr))
			conf_error(r, g->mark, "gateway: %s is the port's own address: write the router's", buf);
		else if (!conf_is_on_link(p->addresses, p->n_addresses, &g->addr) && !addr_is_link_local(&g->addr))
			conf_error(r, g->mark,
				"gateway: %s is in no subnet of the port's addresses: write a router's from there",
				buf);
		if (i && g->addr.family == p->gateways[0].addr.family)
			conf_error(r, g->mark, "gateway: a second one of the same family: write one");
	}
}

static void neighbours_check(struct conf_reader *r, const struct conf_port *p) {
	char buf[ADDR_STRLEN];

	for (unsigned i = 0; i < p->n_neighbours; i++) {
		const struct conf_neighbour *n = &p->neighbours[i];

		addr_format(&n->addr, buf);
		if (conf_is_own(p->addresses, p->n_addresses, &n->addr))
			conf_error(r, n->mark, "neighbours: %s is the port's own address", buf);
		else if (!conf_is_on_link(p->addresses, p->n_addresses, &n->addr) && !addr_is_link_local(&n->addr))
			conf_error(r, n->mark, "neighbours: %s is in no subnet of the port's addresses", buf);
	}
}

static void port_check(struct conf_reader *r, const struct conf_node *n, void *item) {
	struct conf_port *p = item;
	char buf[ADDR_STRLEN];

	for (unsigned i = 0; i < p->n_addresses; i++) {
		struct conf_addr *a = &p->addresses[i];

		if (a->addr.family == ADDR_IPV6 && p->mtu < 1280)
			conf_error(r, conf_map_value(n, "mtu")->mark,
				"mtu: %u is too small for IPv6 (%s): at least 1280", p->mtu,
				addr_format(&a->addr, buf));
		conf_address_is_taken(r, p->vrf, a, p);
	}
	for (const struct conf_port *q = r->conf->ports; q < p; q++) {
		if (strcmp(q->device, p->device) == 0)
			conf_error(r, conf_map_value(n, "device")->mark, "device: '%s' is already that of port '%s'",
				p->device, q->name);
	}
	gateways_check(r, p);
	neighbours_check(r, p);
}

const struct conf_shape conf_port_shape = {
	.keys = port_keys,
	.mark_offset = offsetof(struct conf_port, mark),
	.item_size = sizeof(struct conf_port),
	CONF_COUNT(struct conf, n_ports),
	.max = 16,
	.check = port_check,
};
