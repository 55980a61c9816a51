// SPDX-License-Identifier: BSD-3-Clause
#include "commands.h"

#include <errno.h>
#include <unistd.h>

#include <rte_version.h>

#include "cache.h"
#include "conf.h"
#include "datapath.h"
#include "log.h"
#include "nave.h"
#include "nhrp_ctl.h"
#include "ipsec.h"
#include "sa_ctl.h"
#include "clock.h" // after DPDK

static int show_version(struct nave *nave, const struct console_args *args, struct out *out) {
	(void)args;
	out_record(out, "version");
	out_str(out, "version", NAVE_VERSION);
	out_str(out, "hub", nave->conf ? nave->conf->hub.name : NULL);
	out_str(out, "configuration", nave->conf ? nave->conf->file : NULL);
	out_u64(out, "pid", getpid());
	out_u64(out, "uptime_s", (clock_now_ns() - nave->started_ns) / NS_PER_S);
	out_u64(out, "workers", nave->fwd.n_workers);
	out_str(out, "dpdk", rte_version());
	out_str(out, "compiler", __VERSION__);
	out_str(out, "log", log_level_name(log_level));
	return 0;
}

int show_summary(struct nave *nave, const struct console_args *args, struct out *out) {
	const struct nhrp_cache *cache = nave->nhrp ? nhrp_ctl_cache(nave->nhrp) : NULL;
	const struct nhs *nhs = nave->nhrp ? nhrp_ctl_nhs(nave->nhrp) : NULL;
	struct lcore_counters sum;
	uint64_t drops = 0;

	(void)args;
	counters_of_all(nave, &sum);
	for (unsigned i = 0; i < DROP_REASON_COUNT; i++)
		drops += sum.drops[i];
	out_record(out, "summary");
	out_str(out, "hub", nave->conf ? nave->conf->hub.name : NULL);
	out_u64(out, "uptime_s", (clock_now_ns() - nave->started_ns) / NS_PER_S);
	out_u64(out, "workers", nave->fwd.n_workers);
	out_u64(out, "ports", nave->fwd.n_ports);
	out_u64(out, "tunnels", nave->conf ? nave->conf->n_tunnels : 0);
	out_u64(out, "bindings", cache ? nhrp_cache_count(cache) : 0);
	out_u64(out, "peers", nave->fwd.peers.used);
	out_u64(out, "peers_max", nave->fwd.peers.max);
	out_u64(out, "adjacencies", nave->fwd.adjs.used);
	out_u64(out, "adjacencies_max", nave->fwd.adjs.max);
	out_u64(out, "registrations", nhs ? nhs->counters[NHS_COUNT_RX_REGISTRATION_REQUEST] : 0);
	out_u64(out, "expired", nhs ? nhs->counters[NHS_COUNT_EXPIRED] : 0);
	out_u64(out, "rx_packets", sum.stage_packets[STAGE_RX]);
	out_u64(out, "tx_packets", sum.stage_packets[STAGE_TX]);
	out_u64(out, "drops", drops);
	out_u64(out, "forwarding_memory_bytes", fwd_bytes(&nave->fwd));
	out_u64(out, "sas", nave->sas ? sa_ctl_count(nave->sas) : 0);
	out_u64(out, "ipsec_memory_bytes", nave->fwd.ipsec ? ipsec_bytes(nave->fwd.ipsec) : 0);
	out_u64(out, "nhrp_memory_bytes", cache ? nhrp_cache_bytes(cache) : 0);
	return 0;
}

static int set_log(struct nave *nave, const struct console_args *args, struct out *out) {
	int level = log_level_parse(args->word[2]);

	(void)nave;
	if (level < 0)
		return out_error(out, level, "%s is no log level", args->word[2]);
	log_level = level;
	out_text(out, "log level is %s", log_level_name(log_level));
	return 0;
}

const struct console_cmd hub_cmds[] = {
	{"show version", "what runs here, and since when", show_version, false},
	{"show summary", "the hub in one look: spokes, packets, drops, memory", show_summary, false},
	{"set log error|warning|info|debug", "how much the hub writes to its log", set_log, true},
	{0},
};
