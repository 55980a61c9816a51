// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>

#include "control.h"
#include "publish.h"
#include "tunnel_state.h"

#define MESSAGES_PER_TURN 128

static void on_neigh(void *arg, const struct rtnl_neigh *n) {
	struct host_ns *ns = arg;
	struct tunnel_ctl *t = ns->ctl;

	for (uint16_t i = 0; i < t->n_ports; i++) {
		if (t->taps[i].ns != ns || t->taps[i].dev.ifindex != n->ifindex)
			continue;
		host_count(t, TUNNEL_CTL_NEIGHBOUR_CHANGED);
		if (n->usable || n->failed)
			publish_neighbour(t->nave->publish, i, &n->addr, n->mac, n->usable);
		else
			publish_neighbour_forgotten(t->nave->publish, i, &n->addr);
	}
}

static const struct rtnl_ops ops = {.neigh = on_neigh};

static bool ns_poll(struct host_ns *ns) {
	ns->more = rtnl_poll(ns->rtnl, MESSAGES_PER_TURN) >= MESSAGES_PER_TURN;
	return ns->more;
}

static void on_readable(void *arg, uint32_t events) {
	(void)events;
	ns_poll(arg);
}

int host_ns_get(struct tunnel_ctl *t, const char *name, struct host_ns **out) {
	struct host_ns *ns = t->ns;
	int rc;

	while (ns < t->ns + t->n_ns && strcmp(ns->name, name) != 0)
		ns++;
	*out = ns;
	if (ns < t->ns + t->n_ns)
		return 0;
	*ns = (struct host_ns){.ctl = t, .more = true};
	snprintf(ns->name, sizeof(ns->name), "%s", name);
	ns->rtnl = rtnl_open(name[0] ? name : NULL, &ops, ns);
	if (!ns->rtnl)
		return -errno;
	rc = control_watch(t->nave->control, rtnl_fd(ns->rtnl), EPOLLIN, on_readable, ns);
	if (rc < 0) {
		rtnl_close(ns->rtnl);
		return rc;
	}
	t->n_ns++;
	return 0;
}

void host_ns_close(struct host_ns *ns) {
	control_unwatch(ns->ctl->nave->control, rtnl_fd(ns->rtnl));
	rtnl_close(ns->rtnl);
}

bool host_ns_turn(struct tunnel_ctl *t) {
	bool more = false;

	for (uint16_t i = 0; i < t->n_ns; i++)
		if (t->ns[i].more)
			more |= ns_poll(&t->ns[i]);
	return more;
}

void host_resolve(void *ctl, uint16_t port, const struct addr *next_hop) {
	struct tunnel_ctl *t = ctl;
	const struct host_dev *tap = &t->taps[port];

	if (port >= t->n_ports || !tap->is_open)
		return; // no host behind the port: its neighbours are those of the configuration
	host_count(t, TUNNEL_CTL_NEIGHBOUR_ASKED);
	rtnl_neigh_use(tap->ns->rtnl, tap->dev.ifindex, next_hop);
}
