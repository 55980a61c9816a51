// SPDX-License-Identifier: BSD-3-Clause
// rtnetlink: links, addresses and neighbours of a namespace, followed from a dump on. One per namespace; after an
// overflow (ENOBUFS) it dumps again by itself. Routes do not come this way (a monitor loses them); those are FPM's.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "addr.h"

struct rtnl;

struct rtnl_neigh {
	int ifindex;
	struct addr addr;
	uint8_t mac[6];
	bool usable; // REACHABLE, STALE, DELAY, PROBE, PERMANENT, NOARP
	bool failed; // it does not answer, or an operator deleted it. Neither: the kernel has only forgotten it
};

struct rtnl_link {
	int ifindex;
	char name[16];
	bool up, carrier, deleted;
	uint16_t mtu;
};

struct rtnl_addr {
	int ifindex;
	struct addr addr;
	uint8_t len_bits;
	bool deleted;
};

struct rtnl_ops { // called from rtnl_poll; any may be NULL
	void (*neigh)(void *arg, const struct rtnl_neigh *n);
	void (*link)(void *arg, const struct rtnl_link *l);
	void (*addr)(void *arg, const struct rtnl_addr *a);
};

struct rtnl *rtnl_open(
	const char *netns, const struct rtnl_ops *ops, void *arg); // NULL: ours. NULL on error, errno set
void rtnl_close(struct rtnl *r);
int rtnl_fd(const struct rtnl *r); // for epoll; readable: call rtnl_poll
// Handles messages until there are none or budget is used up (a datagram is always finished). Never blocks. Number of
// messages handled, or -errno.
int rtnl_poll(struct rtnl *r, unsigned budget);
// Asks the kernel to resolve a neighbour (NTF_USE): the answer comes as ops->neigh. Does not wait.
int rtnl_neigh_use(struct rtnl *r, int ifindex, const struct addr *a);

// At set-up, synchronous, each in the caller's namespace: used by tuntap.
int rtnl_link_set(int ifindex, uint16_t mtu, const uint8_t *mac, bool up); // mtu 0, mac NULL, up false: leave as it is
int rtnl_addr_add(int ifindex, const struct addr *a, uint8_t len_bits); // 0 also when it is there
