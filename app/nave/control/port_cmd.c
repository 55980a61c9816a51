// SPDX-License-Identifier: BSD-3-Clause
// Ports, and the Linux host behind them.
#include "commands.h"

#include <stdio.h>
#include <string.h>

#include "conf.h"
#include "nave.h"
#include "port.h"
#include "tunnel_ctl.h"

static void addresses(struct out *out, const struct fwd_port *rt) {
	char text[16 * (ADDR_STRLEN + 1)] = "";
	char one[ADDR_STRLEN];

	for (unsigned i = 0; i < rt->n_addrs && i < 16; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s", i ? "," : "",
			addr_format(&rt->addrs[i], one));
	out_str(out, "addresses", text[0] ? text : NULL);
}

static void port_row(struct nave *nave, uint16_t i, struct out *out) {
	const struct fwd_port *rt = &nave->fwd.ports[i];
	const struct port *p = nave->tunnels ? tunnel_ctl_port(nave->tunnels, i) : NULL;
	struct rte_eth_stats st = {0};
	struct rte_eth_link link = {0};
	bool has_link = p && port_link(p, &link) == 0;

	if (p)
		port_stats(p, &st);
	out_row(out);
	out_str(out, "name", rt->name);
	out_str(out, "link", !has_link ? "?" : link.link_status ? "up" : "down");
	addresses(out, rt);
	out_mac(out, "mac", rt->mac, true);
	out_u64(out, "mtu", rt->mtu);
	out_u64(out, "rx_packets", st.ipackets);
	out_u64(out, "tx_packets", st.opackets);
	out_u64(out, "rx_missed", st.imissed);
	out_u64(out, "errors", st.ierrors + st.oerrors + st.rx_nombuf);
	out_detail(out);
	out_str(out, "device", p ? p->device : NULL);
	out_str(out, "driver", p ? p->driver : NULL);
	out_str(out, "tap", nave->tunnels ? tunnel_ctl_tap_name(nave->tunnels, i) : NULL);
	out_str(out, "vrf", vrf_name(nave, rt->vrf));
	out_bool(out, "lan", rt->is_lan);
	out_u64(out, "queues", rt->n_rx_queues);
	out_u64(out, "speed_mbps", has_link && link.link_speed != UINT32_MAX ? link.link_speed : 0);
	out_u64(out, "rx_bytes", st.ibytes);
	out_u64(out, "tx_bytes", st.obytes);
	out_u64(out, "rx_errors", st.ierrors);
	out_u64(out, "tx_errors", st.oerrors);
	out_u64(out, "rx_no_mbuf", st.rx_nombuf);
	out_bool(out, "rx_checksum_offload", rt->rx_ipv4_checksum);
	out_bool(out, "tx_checksum_offload", rt->tx_ipv4_checksum);
}

int show_ports(struct nave *nave, const struct console_args *args, struct out *out) {
	(void)args;
	out_list(out, "ports");
	for (uint16_t i = 0; i < nave->fwd.n_ports; i++)
		if (nave->fwd.ports[i].present)
			port_row(nave, i, out);
	return 0;
}

int show_host(struct nave *nave, const struct console_args *args, struct out *out) {
	const uint64_t *counters = nave->tunnels ? tunnel_ctl_counters(nave->tunnels) : NULL;

	(void)args;
	out_list(out, "host");
	for (unsigned i = 0; counters && i < TUNNEL_CTL_COUNT; i++) {
		out_row(out);
		out_str(out, "name", tunnel_ctl_counter_name(i));
		out_u64(out, "count", counters[i]);
		out_str(out, "help", tunnel_ctl_counter_help(i));
	}
	return 0;
}

const struct console_cmd port_cmds[] = {
	{"show ports", "ports, their addresses, link and counters", show_ports, false},
	{"show host", "packets to and from the Linux host, and why some were lost", show_host, false},
	{0},
};
