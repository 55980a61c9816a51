// SPDX-License-Identifier: BSD-3-Clause
// Ports and tunnels and the Linux host behind them: a TAP per port, a TUN per tunnel, rtnetlink per namespace. Control
// core only.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "addr.h"
#include "port.h"

struct nave;
struct tunnel_ctl;

#define TUNNEL_CTL_COUNTERS(X) \
	X(TO_HOST, "to_host", "packets given to the host") \
	X(FROM_HOST, "from_host", "packets taken from the host") \
	X(HOST_BUSY, "host_busy", "packets lost because the kernel's queue was full") \
	X(NO_HOST, "no_host", "packets for the host where it has no device") \
	X(NO_MBUF, "no_mbuf", "packets from the host lost because the pool was empty") \
	X(RING_FULL, "ring_full", "packets from the host lost because the ring to the worker was full") \
	X(HOST_MALFORMED, "host_malformed", "packets from the host that are no IP packet") \
	X(HOST_MULTICAST, "host_multicast", "multicast from the host: not in this build") \
	X(HOST_NO_ROUTE, "host_no_route", "packets from the host without a route") \
	X(HOST_NOT_REGISTERED, "host_not_registered", "packets from the host to a next hop that is not registered") \
	X(NEIGHBOUR_ASKED, "neighbour_asked", "underlay neighbours that the kernel was asked for") \
	X(NEIGHBOUR_CHANGED, "neighbour_changed", "neighbour changes taken from the kernel")

enum tunnel_ctl_counter {
#define X(name, counter, help) TUNNEL_CTL_##name,
	TUNNEL_CTL_COUNTERS(X)
#undef X
		TUNNEL_CTL_COUNT
};

const char *tunnel_ctl_counter_name(enum tunnel_ctl_counter c);
const char *tunnel_ctl_counter_help(enum tunnel_ctl_counter c);

// Opens everything that nave->conf names, in its order (port and tunnel numbers are those of the configuration), and
// publishes it. Needs nave->fwd, rx_pool, datapath, publish, control. NULL with errno, after one sentence per trouble
// on errors, with its place in the file.
struct tunnel_ctl *tunnel_ctl_create(struct nave *nave, FILE *errors);
void tunnel_ctl_free(struct tunnel_ctl *t); // after the workers have stopped

const struct port *tunnel_ctl_port(const struct tunnel_ctl *t, uint16_t port); // NULL: no such port
const char *tunnel_ctl_tap_name(const struct tunnel_ctl *t, uint16_t port); // NULL: has none
const char *tunnel_ctl_tun_name(const struct tunnel_ctl *t, uint16_t tunnel); // NULL: has none
const uint64_t *tunnel_ctl_counters(const struct tunnel_ctl *t); // [TUNNEL_CTL_COUNT]
void tunnel_ctl_clear(struct tunnel_ctl *t);
