// SPDX-License-Identifier: BSD-3-Clause
// The console's commands, one table beside each feature (<feature>_cmd.c), and what telemetry shares with them: an
// endpoint runs the same function, so that table, JSON and telemetry are one description. All run on the control core.
#pragma once

#include "console.h"
#include "lcore_ctx.h"

struct nave;

int commands_add(struct console *c); // every feature's; -ENOSPC

extern const struct console_cmd hub_cmds[], port_cmds[], tunnel_cmds[], spoke_cmds[], nhrp_cmds[], route_cmds[],
	worker_cmds[], ipsec_cmds[], ike_cmds[], later_cmds[];

int show_summary(struct nave *nave, const struct console_args *args, struct out *out);
int show_ports(struct nave *nave, const struct console_args *args, struct out *out);
int show_tunnels(struct nave *nave, const struct console_args *args, struct out *out);
int show_spokes(struct nave *nave, const struct console_args *args, struct out *out);
int show_nhrp_statistics(struct nave *nave, const struct console_args *args, struct out *out);
int show_workers(struct nave *nave, const struct console_args *args, struct out *out);
int show_stages(struct nave *nave, const struct console_args *args, struct out *out);
int show_drops(struct nave *nave, const struct console_args *args, struct out *out); // all, for people those above 0
int show_neighbours(struct nave *nave, const struct console_args *args, struct out *out);
int show_ipsec_sas(struct nave *nave, const struct console_args *args, struct out *out);
int show_ipsec_statistics(struct nave *nave, const struct console_args *args, struct out *out);
int show_ike(struct nave *nave, const struct console_args *args, struct out *out);
int show_ike_peers(struct nave *nave, const struct console_args *args, struct out *out);
int show_ike_statistics(struct nave *nave, const struct console_args *args, struct out *out);
int show_host(struct nave *nave, const struct console_args *args, struct out *out);

// Since "clear counters" was last given.
void counters_of_worker(const struct nave *nave, uint16_t worker, struct lcore_counters *out);
void counters_of_all(const struct nave *nave, struct lcore_counters *out);

const char *tunnel_name(const struct nave *nave, uint16_t tunnel); // "?" when there is no such tunnel
int tunnel_find(const struct nave *nave, const char *name); // its number, or -ENOENT
const char *iface_name(const struct nave *nave, uint16_t iface);
const char *vrf_name(const struct nave *nave, uint16_t vrf); // "default" for the default VRF

void out_mac(struct out *out, const char *column, const uint8_t mac[6], bool known); // not known: "-"
