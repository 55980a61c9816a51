// SPDX-License-Identifier: BSD-3-Clause
// The forwarding state of a hub: all that crosses threads, in one place. Control (publish.c) writes, workers read.
#pragma once

#include "adj.h"
#include "fib.h"
#include "iface.h"
#include "neigh.h"
#include "peer.h"
#include "rcu.h"
#include "tunnel.h"

struct ipsec;

struct fwd_sizes {
	uint32_t max_spokes; // registered at once
	uint32_t max_adjs; // 0: 3 x max_spokes + 4096
	uint32_t max_nh; // underlay next hops; 0: max_spokes + 4096
	uint16_t n_workers;
};

struct fwd {
	struct rcu *rcu; // reader id = worker index
	uint16_t n_workers;
	struct adj_table adjs;
	struct peer_table peers;
	struct nh_table nhs;
	struct neigh_table neigh;
	const struct tunnel *tunnels[FWD_TUNNELS_MAX]; // published pointers; NULL: none
	uint16_t n_endpoints;
	struct endpoint endpoints[FWD_ENDPOINTS_MAX];
	uint16_t n_ports;
	struct fwd_port ports[FWD_PORTS_MAX];
	uint16_t n_vrfs; // 0 is the default VRF
	struct vrf vrfs[FWD_VRFS_MAX];
	struct ipsec *ipsec; // NULL: no tunnel is protected. Made and freed by who made fwd (ipsec.h)
};

int fwd_init(struct fwd *f, const struct fwd_sizes *sizes); // -ENOMEM
void fwd_fini(struct fwd *f);
uint64_t fwd_bytes(const struct fwd *f); // memory of all tables, for bytes per spoke
