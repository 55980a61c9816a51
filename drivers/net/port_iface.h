// SPDX-License-Identifier: BSD-3-Clause
// The kernel interface under an af_packet or af_xdp port. All in the caller's network namespace.
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct port_iface {
	int ifindex;
	uint32_t mtu;
	uint16_t combined_queues; // 0: the driver does not say
	bool has_ipv4; // the kernel would answer beside us
};

int port_iface_read(const char *name, struct port_iface *out); // 0; -ENODEV when there is none; -errno
int port_iface_set_mtu(const struct port_iface *i, uint16_t mtu);
// Up, without receive offloads: the kernel would hand over frames larger than the MTU (GRO, LRO), which the ring
// truncates. An interface without IPv4 address gets rp_filter 1: the kernel takes no IPv4 packet from it.
int port_iface_prepare(const char *name, const struct port_iface *i);
