// SPDX-License-Identifier: BSD-3-Clause
// tunnels: source, NHRP, and the presets of the phases.
#include <string.h>

#include "conf_reader.h"

static const struct conf_key source_keys[] = {
	{"port", &conf_port_ref, CONF_FIELD(struct conf_tunnel, port), .required = true,
		.help = "the port that the tunnel's packets use"},
	{"address", &conf_address, CONF_FIELD(struct conf_tunnel, source), .required = true,
		.help = "our NBMA address: one of the port's addresses"},
	{0},
};

static void key_number_read(struct conf_reader *r, const struct conf_key *k, const struct conf_node *n, void *base) {
	unsigned n_errors = r->n_errors;

	conf_number.read(r, k, n, base);
	((struct conf_tunnel *)base)->has_key = r->n_errors == n_errors;
}

static const struct conf_type gre_key = {key_number_read, "number", CONF_ARG_RANGE};

// What each phase stands for. 2: a spoke asks for a registered protocol address, which the hub serves and so answers
// (RFC 2332 section 5.2.2). 3: it asks for what is behind another spoke, which that spoke answers.
static void phase_read(struct conf_reader *r, const struct conf_key *k, const struct conf_node *n, void *base) {
	static const struct {
		uint8_t resolution;
		bool redirect;
	} presets[] = {
		[1] = {CONF_RESOLUTION_REFUSE, false},
		[2] = {CONF_RESOLUTION_ANSWER, false},
		[3] = {CONF_RESOLUTION_FORWARD, true},
	};
	struct conf_tunnel *t = base;

	conf_number.read(r, k, n, base);
	t->resolution = presets[t->phase].resolution;
	t->redirect = presets[t->phase].redirect;
}

static const struct conf_type phase_type = {phase_read, "number", CONF_ARG_RANGE};

static const struct conf_key redirect_keys[] = {
	{"enabled", &conf_bool, CONF_FIELD(struct conf_tunnel, redirect), .shown = "by phase",
		.help = "tell a spoke when there is a shorter way (Traffic Indication)"},
	{"interval", &conf_milliseconds, CONF_FIELD(struct conf_tunnel, redirect_interval_ms),
		&(const struct conf_range){100, 3600000}, .fallback = "8s",
		.help = "at most one in this time for each spoke and destination prefix"},
	{0},
};

static const struct conf_shape redirect_shape = {.keys = redirect_keys};

static void redirect_read(struct conf_reader *r, const struct conf_key *k, const struct conf_node *n, void *base) {
	const struct conf_key enabled = {
		"redirect", .offset = offsetof(struct conf_tunnel, redirect), .size = sizeof(bool)};

	if (n->kind == CONF_NODE_MAP) {
		conf_map_read(r, redirect_keys, n, base);
		return;
	}
	conf_map_read(r, redirect_keys, conf_node_empty(), base);
	if (n->mark.line)
		conf_bool.read(r, &enabled, n, base);
	(void)k;
}

static const struct conf_type redirect_type = {redirect_read, "true, false or a mapping", CONF_ARG_SHAPE};

static const struct conf_key nhs_keys[] = {
	{"protocol", &conf_address, CONF_FIELD(struct conf_nhs, protocol), .required = true,
		.help = "protocol address of the NHS"},
	{"nbma", &conf_address, CONF_FIELD(struct conf_nhs, nbma), .required = true, .help = "NBMA address of the NHS"},
	{"priority", &conf_number, CONF_FIELD(struct conf_nhs, priority), &(const struct conf_range){0, 255},
		.fallback = "0", .help = "the lowest is tried first"},
	{0},
};

static const struct conf_shape nhs_shape = {
	.keys = nhs_keys,
	.mark_offset = offsetof(struct conf_nhs, mark),
	.item_size = sizeof(struct conf_nhs),
	CONF_COUNT(struct conf_tunnel, n_nhs),
	.max = 16,
};

static const struct conf_key static_keys[] = {
	{"protocol", &conf_address, CONF_FIELD(struct conf_static_map, protocol), .required = true,
		.help = "protocol address of the spoke"},
	{"nbma", &conf_address, CONF_FIELD(struct conf_static_map, nbma), .required = true,
		.help = "NBMA address of the spoke"},
	{"multicast", &conf_bool, CONF_FIELD(struct conf_static_map, multicast), .fallback = "false",
		.help = "send it our multicast too"},
	{0},
};

static const struct conf_shape static_shape = {
	.keys = static_keys,
	.mark_offset = offsetof(struct conf_static_map, mark),
	.item_size = sizeof(struct conf_static_map),
	CONF_COUNT(struct conf_tunnel, n_static),
	.max = 65535,
};

static const struct conf_word resolution_words[] = {
	{"forward", CONF_RESOLUTION_FORWARD},
	{"answer", CONF_RESOLUTION_ANSWER},
	{"refuse", CONF_RESOLUTION_REFUSE},
	{0},
};

static const struct conf_key nhrp_keys[] = {
	{"authentication", &conf_secret, CONF_FIELD(struct conf_tunnel, authentication),
		.help = "1 to 8 characters that every NHRP message must carry"},
	{"holding-time", &conf_seconds, CONF_FIELD(struct conf_tunnel, holding_time_s),
		&(const struct conf_range){1, 65535}, .fallback = "600",
		.help = "how long others may keep what we say, and a registration that names no time of its own"},
	{"resolution", &conf_choice, CONF_FIELD(struct conf_tunnel, resolution), resolution_words, .shown = "by phase",
		.help = "Resolution Requests: `forward` to the spoke that routes the destination, `answer` from the "
			"cache "
			"what is registered, `refuse`"},
	{"redirect", &redirect_type, .arg = &redirect_shape, .fallback = "", .shown = "by phase",
		.help = "Traffic Indications"},
	{"shortcut", &conf_bool, CONF_FIELD(struct conf_tunnel, shortcut), .is_later = true, .fallback = "false",
		.help = "follow other hubs' redirects, as a spoke does"},
	{"max-registrations", &conf_number, CONF_FIELD(struct conf_tunnel, max_registrations),
		&(const struct conf_range){0, 1000000}, .fallback = "0", .shown = "hub.max-spokes",
		.help = "protocol addresses that may be registered on the tunnel; by default each spoke may have one "
			"of "
			"IPv4, and one global and one link-local of IPv6, as far as the tunnel has the family"},
	{"nhs", &conf_mappings, CONF_FIELD(struct conf_tunnel, nhs), &nhs_shape, .is_later = true,
		.help = "Next Hop Servers where this hub registers as a client"},
	{"static", &conf_mappings, CONF_FIELD(struct conf_tunnel, statics), &static_shape,
		.help = "spokes that do not register"},
	{0},
};

static const struct conf_shape address_shape = {CONF_COUNT(struct conf_tunnel, n_addresses), .max = CONF_LIST_MAX};
static const struct conf_word multicast_words[] = {{"none", false}, {"dynamic", true}, {0}};
static const struct conf_word mss_words[] = {{"off", 0}, {0}};

static const struct conf_key tunnel_keys[] = {
	{"source", &conf_section, .arg = &(const struct conf_shape){.keys = source_keys}, .required = true,
		.help = "write {port: NAME, address: ADDRESS}"},
	{"key", &gre_key, CONF_FIELD(struct conf_tunnel, key), &(const struct conf_range){0, UINT32_MAX},
		.help = "GRE key; none is not the same as 0"},
	{"checksum", &conf_bool, CONF_FIELD(struct conf_tunnel, checksum), .fallback = "false",
		.help = "send GRE checksums; those received are always verified"},
	{"address", &conf_interface_addresses, CONF_FIELD(struct conf_tunnel, addresses), &address_shape,
		.required = true,
		.help = "our protocol addresses with the tunnel's prefix lengths, at most one global address of each "
			"family"},
	{"network-id", &conf_number, CONF_FIELD(struct conf_tunnel, network_id),
		&(const struct conf_range){1, UINT32_MAX},
		.help = "tunnels of one id are one DMVPN: redirects go between them"},
	{"phase", &phase_type, CONF_FIELD(struct conf_tunnel, phase), &(const struct conf_range){1, 3}, .fallback = "3",
		.help = "DMVPN phase, a preset: 1: resolution refuse, redirect off; 2: resolution answer, redirect "
			"off; "
			"3: resolution forward, redirect on"},
	{"mtu", &conf_number, CONF_FIELD(struct conf_tunnel, mtu), &(const struct conf_range){576, 9176},
		.fallback = "1400", .help = "longest IP packet in the tunnel, in bytes"},
	{"tcp-mss", &conf_number, CONF_FIELD(struct conf_tunnel, tcp_mss),
		&(const struct conf_range){500, 9136, mss_words}, .fallback = "off",
		.help = "clamp TCP's maximum segment size to this"},
	{"vrf", &conf_vrf_ref, CONF_FIELD(struct conf_tunnel, vrf), .fallback = "", .shown = "default",
		.help = "VRF of the packets inside"},
	{"multicast", &conf_choice, CONF_FIELD(struct conf_tunnel, multicast_dynamic), multicast_words,
		.fallback = "none", .help = "`dynamic`: our multicast goes to every registered spoke"},
	{"host", &conf_bool, CONF_FIELD(struct conf_tunnel, host), .fallback = "true",
		.help = "make a TUN, so that the host is reached through the tunnel"},
	{"protection", &conf_protection, .arg = &conf_protection_shape, .required = true,
		.help = "write none, ike, or {mode: manual, sas: [...]}"},
	{"nhrp", &conf_section, .arg = &(const struct conf_shape){.keys = nhrp_keys}, .help = "the Next Hop Server"},
	{0},
};

static void source_check(struct conf_reader *r, const struct conf_node *n, const struct conf_tunnel *t) {
	const struct conf_node *source = conf_map_value(conf_map_value(n, "source"), "address");
	const struct conf_port *p = &r->conf->ports[t->port];
	char buf[ADDR_STRLEN], own[ADDR_STRLEN];

	if (conf_is_bad(r, p))
		return;
	if (!conf_is_own(p->addresses, p->n_addresses, &t->source))
		conf_error(r, source->mark, "source: port '%s' does not have %s: write one of its addresses%s%s",
			p->name, addr_format(&t->source, buf), p->n_addresses ? ", as " : "",
			p->n_addresses ? addr_format(&p->addresses[0].addr, own) : "");
	for (const struct conf_tunnel *o = r->conf->tunnels; o < t; o++) {
		if (!conf_is_bad(r, o) && r->conf->ports[o->port].vrf == p->vrf && addr_eq(&o->source, &t->source) &&
			o->has_key == t->has_key && o->key == t->key)
			conf_error(r, conf_map_value(n, "key")->mark,
				"tunnel '%s' has the same source address and key: write another key", o->name);
	}
}

static void addresses_check(struct conf_reader *r, const struct conf_node *n, const struct conf_tunnel *t) {
	bool seen[ADDR_IPV6 + 1] = {false};

	for (unsigned i = 0; i < t->n_addresses; i++) {
		const struct conf_addr *a = &t->addresses[i];

		if (a->addr.family == ADDR_IPV6 && t->mtu < 1280)
			conf_error(r, conf_map_value(n, "mtu")->mark, "mtu: %u is too small for IPv6: at least 1280",
				t->mtu);
		conf_address_is_taken(r, t->vrf, a, t);
		if (addr_is_link_local(&a->addr))
			continue;
		if (seen[a->addr.family])
			conf_error(r, a->mark,
				"address: a second one of the same family: spokes know one NHS address of each");
		seen[a->addr.family] = true;
	}
}

static void static_check(struct conf_reader *r, const struct conf_tunnel *t, const struct conf_static_map *m) {
	const char *refusal = conf_nbma_refusal(t, &m->nbma);
	char buf[ADDR_STRLEN];

	addr_format(&m->protocol, buf);
	if (conf_is_own(t->addresses, t->n_addresses, &m->protocol))
		conf_error(r, m->mark, "static: %s is the tunnel's own address: write the spoke's", buf);
	else if (!conf_is_on_link(t->addresses, t->n_addresses, &m->protocol))
		conf_error(r, m->mark, "static: %s is in no subnet of the tunnel's addresses", buf);
	if (refusal)
		conf_error(r, m->mark, "static: nbma %s %s", addr_format(&m->nbma, buf), refusal);
}

static void tunnel_check(struct conf_reader *r, const struct conf_node *n, void *item) {
	struct conf_tunnel *t = item;

	for (unsigned i = 0; i < r->conf->n_ports; i++) {
		const struct conf_port *p = &r->conf->ports[i];

		if (strcmp(p->name, t->name) == 0)
			conf_error(r, t->mark,
				"tunnels: '%s' is already the name of a port: TUN and TAP cannot share it", p->name);
	}
	source_check(r, n, t);
	addresses_check(r, n, t);
	if (t->tcp_mss > t->mtu - 40)
		conf_error(r, conf_map_value(n, "tcp-mss")->mark, "tcp-mss: %u does not fit into mtu %u: at most %u",
			t->tcp_mss, t->mtu, t->mtu - 40);
	for (unsigned i = 0; i < t->n_static; i++)
		static_check(r, t, &t->statics[i]);
	conf_sas_nbma_check(r, t);
	conf_identities_subnet_check(r, n, t);
	for (unsigned i = 0; i < t->n_nhs; i++) {
		if (t->nhs[i].nbma.family != t->source.family)
			conf_error(r, t->nhs[i].mark, "nhs: nbma is not of the family of the tunnel's source");
	}
}

const struct conf_shape conf_tunnel_shape = {
	.keys = tunnel_keys,
	.mark_offset = offsetof(struct conf_tunnel, mark),
	.item_size = sizeof(struct conf_tunnel),
	CONF_COUNT(struct conf, n_tunnels),
	.max = 256,
	.check = tunnel_check,
};
