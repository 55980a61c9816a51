// SPDX-License-Identifier: BSD-3-Clause
// Interface numbers: tunnels from 0, ports from IFACE_PORT_BASE, in one space, so that neigh and adj can name either.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define FWD_TUNNELS_MAX 256
#define FWD_PORTS_MAX 16
#define FWD_VRFS_MAX 64
#define FWD_ENDPOINTS_MAX 256
#define FWD_WORKERS_MAX 32
#define IFACE_PORT_BASE 0x8000
#define IFACE_NONE 0xffff

static inline bool iface_is_port(uint16_t iface) {
	return iface >= IFACE_PORT_BASE && iface != IFACE_NONE;
}
static inline uint16_t iface_of_port(uint16_t port) {
	return IFACE_PORT_BASE + port;
}
static inline uint16_t iface_port(uint16_t iface) {
	return iface - IFACE_PORT_BASE;
}
