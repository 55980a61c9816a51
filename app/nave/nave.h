// SPDX-License-Identifier: BSD-3-Clause
// Every long-lived thing the process owns. main.c builds it up the ladder and takes it down in reverse; nave-lab builds
// the same from a scenario.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "fwd.h"

struct conf;
struct console;
struct control;
struct datapath;
struct identities;
struct ike_ctl;
struct ike_vici;
struct nhrp_ctl;
struct publish;
struct route_ctl;
struct sa_ctl;
struct telemetry;
struct tunnel_ctl;

struct nave {
	struct conf *conf;
	struct fwd fwd;
	struct rte_mempool *rx_pool;
	struct datapath *datapath;
	struct control *control;
	struct publish *publish;
	struct tunnel_ctl *tunnels; // ports, TAPs, TUNs, neighbours
	struct identities *identities; // NULL: no tunnel has mode ike
	struct sa_ctl *sas;
	struct nhrp_ctl *nhrp;
	struct route_ctl *routes;
	struct ike_ctl *ike; // NULL, as identities: no tunnel has mode ike
	struct ike_vici *ike_vici; // NULL: not wanted
	struct console *console;
	struct telemetry *telemetry;
	bool interactive;
	uint64_t started_ns;
};
