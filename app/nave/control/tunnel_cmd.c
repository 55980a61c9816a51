// SPDX-License-Identifier: BSD-3-Clause
#include "commands.h"

#include <stdio.h>
#include <string.h>

#include "cache.h"
#include "conf.h"
#include "nave.h"
#include "nhrp_ctl.h"
#include "tunnel_ctl.h"

static void addresses(struct out *out, const struct conf_tunnel *t) {
	char text[CONF_LIST_MAX * (PREFIX_STRLEN + 1)] = "";
	char one[ADDR_STRLEN];

	for (unsigned i = 0; i < t->n_addresses && i < CONF_LIST_MAX; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s/%u", i ? "," : "",
			addr_format(&t->addresses[i].addr, one), t->addresses[i].len_bits);
	out_str(out, "addresses", text[0] ? text : NULL);
}

static const char *protection_name(uint8_t protection) {
	return protection == CONF_PROTECTION_IKE ? "ike" : protection == CONF_PROTECTION_MANUAL ? "manual" : "none";
}

static void tunnel_row(struct nave *nave, uint16_t i, const struct lcore_counters *sum, struct out *out) {
	const struct conf_tunnel *t = &nave->conf->tunnels[i];
	const struct tunnel *rt = i < FWD_TUNNELS_MAX ? nave->fwd.tunnels[i] : NULL;
	const struct tunnel_counters *c = &sum->tunnels[i];
	char source[ADDR_STRLEN];

	out_row(out);
	out_str(out, "name", t->name);
	out_str(out, "port", t->port < nave->conf->n_ports ? nave->conf->ports[t->port].name : NULL);
	out_str(out, "source", addr_format(&t->source, source));
	if (t->has_key)
		out_u64(out, "key", t->key);
	else
		out_null_u64(out, "key");
	addresses(out, t);
	out_u64(out, "spokes", nave->nhrp ? nhrp_cache_count_tunnel(nhrp_ctl_cache(nave->nhrp), i) : 0);
	out_u64(out, "rx_packets", c->rx_packets);
	out_u64(out, "tx_packets", c->tx_packets);
	out_detail(out);
	out_u64(out, "rx_bytes", c->rx_bytes);
	out_u64(out, "tx_bytes", c->tx_bytes);
	out_str(out, "state", rt ? "up" : "down");
	out_str(out, "vrf", vrf_name(nave, t->vrf));
	out_u64(out, "network_id", t->network_id);
	out_u64(out, "phase", t->phase);
	out_u64(out, "mtu", t->mtu);
	out_u64(out, "tcp_mss", t->tcp_mss);
	out_bool(out, "checksum", t->checksum);
	out_str(out, "protection", protection_name(t->protection));
	out_bool(out, "authentication", t->authentication[0] != '\0'); // never the string itself
	out_u64(out, "holding_time_s", t->holding_time_s);
	out_u64(out, "max_registrations", t->max_registrations);
	out_str(out, "tun", nave->tunnels ? tunnel_ctl_tun_name(nave->tunnels, i) : NULL);
}

int show_tunnels(struct nave *nave, const struct console_args *args, struct out *out) {
	struct lcore_counters sum;

	(void)args;
	counters_of_all(nave, &sum);
	out_list(out, "tunnels");
	for (uint16_t i = 0; nave->conf && i < nave->conf->n_tunnels; i++)
		tunnel_row(nave, i, &sum, out);
	return 0;
}

const struct console_cmd tunnel_cmds[] = {
	{"show tunnels", "tunnels, their spokes and counters", show_tunnels, false},
	{0},
};
