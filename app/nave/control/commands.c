// SPDX-License-Identifier: BSD-3-Clause
#include "commands.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "nave.h"

static int not_in_this_build(struct nave *nave, const struct console_args *args, struct out *out) {
	char line[128] = "";

	(void)nave;
	for (unsigned i = 0; i < args->n; i++)
		snprintf(line + strlen(line), sizeof(line) - strlen(line), "%s%s", i ? " " : "", args->word[i]);
	return out_error(out, -ENOTSUP, "%s: not in this build", line);
}

// Names that scripts may already use; what they show is not there yet.
const struct console_cmd later_cmds[] = {
	{"show multicast", "who gets the hub's multicast (not in this build)", not_in_this_build, false},
	{"show redirects", "Traffic Indications sent and suppressed (not in this build)", not_in_this_build, false},
	{"reload", "read the configuration again (not in this build)", not_in_this_build, true},
	{0},
};

static const struct console_cmd *const tables[] = {
	hub_cmds,
	port_cmds,
	worker_cmds,
	tunnel_cmds,
	spoke_cmds,
	nhrp_cmds,
	ipsec_cmds,
	ike_cmds,
	route_cmds,
	later_cmds,
};

int commands_add(struct console *c) {
	int rc = 0;

	for (unsigned i = 0; i < sizeof(tables) / sizeof(tables[0]) && rc == 0; i++)
		rc = console_add(c, tables[i]);
	return rc;
}

const char *tunnel_name(const struct nave *nave, uint16_t tunnel) {
	const struct tunnel *t = tunnel < FWD_TUNNELS_MAX ? nave->fwd.tunnels[tunnel] : NULL;

	return t ? t->name : "?";
}

int tunnel_find(const struct nave *nave, const char *name) {
	for (unsigned i = 0; i < FWD_TUNNELS_MAX; i++)
		if (nave->fwd.tunnels[i] && strcmp(nave->fwd.tunnels[i]->name, name) == 0)
			return (int)i;
	return -ENOENT;
}

const char *iface_name(const struct nave *nave, uint16_t iface) {
	if (!iface_is_port(iface))
		return tunnel_name(nave, iface);
	return iface_port(iface) < nave->fwd.n_ports ? nave->fwd.ports[iface_port(iface)].name : "?";
}

void out_mac(struct out *out, const char *column, const uint8_t mac[6], bool known) {
	if (known)
		out_fmt(out, column, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
	else
		out_str(out, column, NULL);
}

const char *vrf_name(const struct nave *nave, uint16_t vrf) {
	if (vrf >= nave->fwd.n_vrfs)
		return "?";
	return nave->fwd.vrfs[vrf].name[0] ? nave->fwd.vrfs[vrf].name : "default";
}
