// SPDX-License-Identifier: BSD-3-Clause
// What workers read of tunnels, local endpoints, ports and VRFs. Control writes them before the workers start, or
// publishes a fresh copy.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "addr.h"
#include "fib.h"
#include "iface.h"

// A tunnel as workers see it: one cache line.
struct tunnel {
	uint16_t id; // also its iface
	uint16_t vrf; // of the inner packets
	uint16_t endpoint; // local endpoint of its source address
	uint16_t mtu;
	uint32_t key; // host order
	bool has_key; // no key differs from key 0
	bool checksum; // sent; on receipt any present checksum is verified
	bool is_protected; // GRE in clear is dropped both ways
	bool anti_spoof;
	uint16_t network_id_idx; // 0: none
	uint32_t adj_local; // ADJ_LOCAL of its TUN
	char name[16];
} __attribute__((aligned(64)));

// A local NBMA address that tunnels have as source.
struct endpoint {
	struct addr addr;
	uint8_t port; // index into fwd.ports that owns it
	uint8_t n_tunnels;
	uint16_t tunnels[14]; // ids; told apart by key
};

struct fwd_port {
	uint16_t ethdev; // rte_ethdev port id
	bool present;
	bool is_lan; // packets that are not for us are routed in vrf
	uint8_t mac[6];
	uint16_t mtu;
	uint16_t vrf;
	// Worker w receives from queue w and sends on queue w, where there is one; who has none to send on hands its
	// frames to worker w % n_tx_queues. Either number may be the smaller.
	uint16_t n_rx_queues, n_tx_queues;
	bool tx_ipv4_checksum; // PMD does it
	bool rx_ipv4_checksum; // PMD says good or bad in ol_flags
	uint32_t adj_local; // ADJ_LOCAL of its TAP
	uint8_t n_endpoints, n_addrs;
	uint16_t endpoints[16]; // local endpoints of tunnels on this port
	struct addr addrs[16]; // all local addresses of the port
	char name[16];
};

struct vrf {
	struct fib *fib_ipv4, *fib_ipv6; // NULL: no routes of the family; published
	char name[16];
};
