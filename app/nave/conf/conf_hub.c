// SPDX-License-Identifier: BSD-3-Clause
// hub, vrfs, ike, console, and the file as a whole.
#include <stdlib.h>
#include <string.h>

#include "conf_reader.h"

#define CPU_MAX 1023
#define WORKERS_MAX 32
#define SPOKES_MAX 87381 // the 18 index bits of our SPIs hold three inbound SAs for each

static void cpus_read(struct conf_reader *r, const struct conf_key *k, const struct conf_node *n, void *base) {
	static const struct conf_range range = {0, CPU_MAX};
	struct conf_hub *hub = base;
	uint16_t cpu;
	const struct conf_key one = {.name = k->name, .size = sizeof(cpu), .arg = &range};

	hub->n_workers = 0;
	if (conf_list_len(n) == 0 || conf_list_len(n) > WORKERS_MAX) {
		conf_error(r, n->mark, "%s: 1 to %u CPUs are wanted: write [1]", k->name, WORKERS_MAX);
		return;
	}
	for (unsigned i = 0; i < conf_list_len(n); i++) {
		const struct conf_node *item = conf_list_item(n, i);
		unsigned n_errors = r->n_errors;

		conf_number.read(r, &one, item, &cpu);
		if (r->n_errors != n_errors)
			continue;
		for (unsigned w = 0; w < hub->n_workers; w++) {
			if (hub->worker_cpus[w] == cpu)
				conf_error(
					r, item->mark, "%s: CPU %u is given twice: one worker for each", k->name, cpu);
		}
		hub->worker_cpus[hub->n_workers++] = cpu;
	}
}

static const struct conf_type cpus_type = {cpus_read, "list of CPU numbers", CONF_ARG_NONE};

static const struct conf_word hugepages_words[] = {{"auto", HUGEPAGES_AUTO}, {"off", HUGEPAGES_OFF}, {0}};
static const struct conf_word idle_words[] = {{"sleep", CONF_IDLE_SLEEP}, {"poll", CONF_IDLE_POLL}, {0}};

static const struct conf_key hub_keys[] = {
	{"name", &conf_label, CONF_FIELD(struct conf_hub, name), .fallback = "nave",
		.help = "names the hub's files: pid file, sockets, DPDK's file prefix"},
	{"control-cpu", &conf_number, CONF_FIELD(struct conf_hub, control_cpu), &(const struct conf_range){0, CPU_MAX},
		.fallback = "0", .help = "CPU of the control core"},
	{"worker-cpus", &cpus_type, CONF_FIELD(struct conf_hub, worker_cpus), .fallback = "1",
		.help = "CPUs of the workers, one worker for each"},
	{"hugepages", &conf_number, CONF_FIELD(struct conf_hub, hugepages_mib),
		&(const struct conf_range){2, 1 << 20, hugepages_words}, .fallback = "auto",
		.help = "`auto`: hugepages where the machine has them; `off`: none; a number: MiB of them. SAs are "
			"not in these: their own memory is of transparent hugepages, where the kernel has any"},
	{"idle", &conf_choice, CONF_FIELD(struct conf_hub, idle), idle_words, .fallback = "sleep",
		.help = "what a worker without packets does: `sleep` leaves the CPU to others, `poll` answers faster"},
	{"max-spokes", &conf_number, CONF_FIELD(struct conf_hub, max_spokes), &(const struct conf_range){1, SPOKES_MAX},
		.fallback = "20000",
		.help = "spokes that may be registered, or have SAs in the file, at once; sizes the tables"},
	{0},
};

const struct conf_shape conf_hub_shape = {.keys = hub_keys, .mark_offset = offsetof(struct conf_hub, mark)};

static const struct conf_key routes_max_keys[] = {
	{"ipv4", &conf_number, CONF_FIELD(struct conf_vrf, routes_max_ipv4), &(const struct conf_range){0, 4000000},
		.fallback = "100000", .help = "IPv4 routes that the VRF may hold"},
	{"ipv6", &conf_number, CONF_FIELD(struct conf_vrf, routes_max_ipv6), &(const struct conf_range){0, 2000000},
		.fallback = "50000", .help = "IPv6 routes that the VRF may hold"},
	{0},
};

static const struct conf_key vrf_keys[] = {
	{"host-netns", &conf_netns, CONF_FIELD(struct conf_vrf, host_netns), .shown = "nave's own",
		.help = "network namespace where the TUNs of the VRF's tunnels go"},
	{"fpm", &conf_text, CONF_FIELD(struct conf_vrf, fpm), .is_later = true,
		.help = "address:port where zebra's forwarding-plane connection is taken"},
	{"routes-max", &conf_section, .arg = &(const struct conf_shape){.keys = routes_max_keys},
		.help = "limits of the routing tables"},
	{0},
};

const struct conf_shape conf_vrf_shape = {
	.keys = vrf_keys,
	.mark_offset = offsetof(struct conf_vrf, mark),
	.item_size = sizeof(struct conf_vrf),
	CONF_COUNT(struct conf, n_vrfs),
	.max = 64,
	.has_default = true,
};

static const struct conf_key ike_keys[] = {
	{"socket", &conf_path, CONF_FIELD(struct conf_ike, socket), .fallback = "/run/nave/ipsec.sock",
		.help = "where strongSwan's kernel-nave plugin connects"},
	{"vici", &conf_path, CONF_FIELD(struct conf_ike, vici), .fallback = "/run/nave/charon.vici",
		.help = "charon's control socket"},
	{"orphan-grace", &conf_seconds, CONF_FIELD(struct conf_ike, orphan_grace_s),
		&(const struct conf_range){0, 86400}, .fallback = "3600",
		.help = "how long SAs forward on whose charon is gone, unless their spokes come back before"},
	{0},
};

static const struct conf_shape ike_shape = {.keys = ike_keys, .mark_offset = offsetof(struct conf_ike, mark)};

static const struct conf_key console_keys[] = {
	{"socket", &conf_path, CONF_FIELD(struct conf_console, socket), .shown = "/run/nave/NAME.sock, by hub.name",
		.help = "where nave-console connects"},
	{"admin-group", &conf_text, CONF_FIELD(struct conf_console, admin_group),
		.help = "members may also change things; without it only root may connect"},
	{0},
};

static const struct conf_shape console_shape = {.keys = console_keys};

static void version_read(struct conf_reader *r, const struct conf_key *k, const struct conf_node *n, void *base) {
	const char *text = conf_scalar(r, k, n);

	(void)base;
	if (text && strcmp(text, "1") != 0)
		conf_error(r, n->mark, "version: '%.40s' is not known: this nave reads version 1", text);
}

static const struct conf_type version_type = {version_read, "1", CONF_ARG_NONE};

// In the order of reading: names are resolved at once.
const struct conf_key conf_top_keys[] = {
	{"version", &version_type, .required = true, .help = "write version: 1"},
	{"hub", &conf_section, CONF_FIELD(struct conf, hub), &conf_hub_shape, .help = "the process"},
	{"vrfs", &conf_named, CONF_FIELD(struct conf, vrfs), &conf_vrf_shape, .fallback = "",
		.shown = "only the default VRF",
		.help = "routing tables; `default` names the one that is always there"},
	{"ports", &conf_named, CONF_FIELD(struct conf, ports), &conf_port_shape, .fallback = "",
		.help = "network ports; the name is also that of the TAP, where the host reaches the port"},
	{"tunnels", &conf_named, CONF_FIELD(struct conf, tunnels), &conf_tunnel_shape, .fallback = "",
		.help = "DMVPN tunnels; the name is also that of the TUN, where the host reaches the tunnel"},
	{"routes", &conf_mappings, CONF_FIELD(struct conf, routes), &conf_route_shape, .help = "static routes"},
	{"ike", &conf_section, CONF_FIELD(struct conf, ike), &ike_shape, .help = "the IKE daemon"},
	{"console", &conf_section, CONF_FIELD(struct conf, console), &console_shape, .help = "the operator's prompt"},
	{0},
};
