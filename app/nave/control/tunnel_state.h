// SPDX-License-Identifier: BSD-3-Clause
// What tunnel_ctl.c, tunnel_host.c and tunnel_neigh.c share. Nobody else includes this.
#pragma once

#include "iface.h"
#include "nave.h"
#include "rtnl.h"
#include "tuntap.h"
#include "tunnel_ctl.h"

struct host_ns { // a namespace in which ports have TAPs
	struct tunnel_ctl *ctl;
	char name[64]; // "": ours
	struct rtnl *rtnl;
	bool more; // rtnl_poll used its budget up
};

struct host_dev { // a TAP or a TUN
	struct tunnel_ctl *ctl;
	uint16_t iface; // iface.h
	bool is_open;
	struct tuntap dev;
	struct host_ns *ns; // of a TAP
};

struct tunnel_ctl {
	struct nave *nave;
	uint64_t counters[TUNNEL_CTL_COUNT];
	uint16_t n_ports, n_tunnels;
	struct port ports[FWD_PORTS_MAX];
	struct host_dev taps[FWD_PORTS_MAX];
	struct host_dev *tuns; // [n_tunnels]
	uint16_t n_ns;
	struct host_ns ns[FWD_PORTS_MAX];
};

static inline void host_count(struct tunnel_ctl *t, enum tunnel_ctl_counter c) {
	t->counters[c]++;
}

void host_close(struct host_dev *d); // tunnel_ctl.c; also of one that is closed

// tunnel_host.c: packets.
void host_readable(void *dev, uint32_t events); // control_fd_fn of a struct host_dev
bool host_turn(struct tunnel_ctl *t); // what workers punted

// tunnel_neigh.c: namespaces and neighbours.
int host_ns_get(struct tunnel_ctl *t, const char *name, struct host_ns **out); // opens rtnetlink there once
void host_ns_close(struct host_ns *ns);
bool host_ns_turn(struct tunnel_ctl *t);
void host_resolve(void *ctl, uint16_t port, const struct addr *next_hop); // publish_resolve_fn
