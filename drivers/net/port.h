// SPDX-License-Identifier: BSD-3-Clause
// Ports: any DPDK PMD, brought up with RSS over the workers, in the network namespace of its kernel device.
// Control core only; workers touch nothing here but rte_eth_rx_burst and rte_eth_tx_burst.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <rte_ethdev.h>

#define PORT_ERROR_LEN 256
// Data room, with headroom, that the buffers of rx_pool need for ports of this MTU, whichever the PMD. af_xdp also
// wants the whole pool in one piece of memory (one rte_mempool chunk: IOVA as VA, or --no-huge).
uint16_t port_buffer_room(uint16_t mtu);

struct port_conf {
	const char *name; // ours: "wan0"
	const char *device; // PCI address, vdev with arguments, or the name of an ethdev that exists already
	const char *device_netns; // NULL: ours
	uint16_t mtu;
	uint16_t queues; // wanted, at most this many; 0: one per worker
	uint16_t n_workers;
	struct rte_mempool *rx_pool;
};

struct port {
	uint16_t ethdev;
	uint16_t n_rx_queues, n_tx_queues; // tx: one per worker, or shared by fewer
	uint16_t mtu; // got
	struct rte_ether_addr mac; // of a PMD without one (ring): made of the port's name, locally administered
	bool rx_ipv4_checksum, tx_ipv4_checksum;
	bool rss; // several rx queues, and the device spreads flows over them
	int netns_fd; // -1: ours
	char name[32];
	char device[128]; // as DPDK names it
	char driver[32];
};

// Probe, configure, start. On failure a negative errno and one sentence in error, with the command that mends it:
// missing NIC, no permission, device bound to a kernel driver, too few queues, MTU refused.
int port_open(const struct port_conf *conf, struct port *out, char error[static PORT_ERROR_LEN]);
// Stops it, closes it and takes its device off the bus, also if that was there before; no XDP program stays behind. An
// af_xdp interface is free again only when the process ends: the PMD of 22.11 keeps its socket.
void port_close(struct port *p);

// Runs fn(arg) in the port's network namespace and returns (design rule: every ethdev control call).
int port_call(const struct port *p, int (*fn)(void *arg), void *arg);
int port_stats(const struct port *p, struct rte_eth_stats *out);
int port_link(const struct port *p, struct rte_eth_link *out);
