// SPDX-License-Identifier: BSD-3-Clause
#include "port.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <rte_errno.h>
#include <rte_jhash.h>
#include <rte_mbuf.h>

#include "netns.h"
#include "port_probe.h"

#define DESCRIPTORS 1024

// DPDK's ports are the process's, and it does not tell whether one is in use. Control core only.
static bool in_use[RTE_MAX_ETHPORTS];

struct plan { // what the device can do of what was asked
	struct rte_eth_dev_info info;
	struct rte_eth_conf eth;
	uint16_t n_rx, n_tx, n_rx_desc, n_tx_desc;
};

static bool is_driver(const struct plan *plan, const char *name) {
	return plan->info.driver_name && !strcmp(plan->info.driver_name, name);
}

// af_packet reports 1518 octets as its largest frame whatever its rings take: its MTU is the interface's, set before.
static int plan_mtu(const struct port_conf *c, struct plan *plan, char *error) {
	uint16_t room = rte_pktmbuf_data_room_size(c->rx_pool), needed = port_buffer_room(c->mtu);
	uint32_t largest = plan->info.max_mtu;

	if (room < needed)
		return port_fail(error, -EINVAL,
			"port %s: MTU %u does not fit packet buffers of %u octets, it needs %u", c->name, c->mtu, room,
			needed);
	if (is_driver(plan, "net_af_packet"))
		return 0;
	if (c->mtu > largest || c->mtu < plan->info.min_mtu)
		return port_fail(error, -EINVAL, "port %s: MTU %u refused, %s takes %u to %u: write mtu: %u", c->name,
			c->mtu, plan->info.driver_name, plan->info.min_mtu, largest,
			c->mtu > largest ? largest : plan->info.min_mtu);
	plan->eth.rxmode.mtu = c->mtu;
	return 0;
}

static void plan_queues(const struct port_conf *c, struct plan *plan) {
	uint16_t wanted = c->queues && c->queues < c->n_workers ? c->queues : c->n_workers;

	plan->n_rx = RTE_MIN(wanted, plan->info.max_rx_queues);
	plan->n_tx = RTE_MIN(c->n_workers, plan->info.max_tx_queues);
	plan->n_rx_desc = plan->n_tx_desc = DESCRIPTORS;
	if (plan->n_rx > 1 && plan->info.flow_type_rss_offloads & RTE_ETH_RSS_IP) {
		plan->eth.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
		plan->eth.rx_adv_conf.rss_conf.rss_hf = plan->info.flow_type_rss_offloads & RTE_ETH_RSS_IP;
	}
}

static int make_plan(const struct port_conf *c, uint16_t ethdev, struct plan *plan, char *error) {
	int rc;

	*plan = (struct plan){0};
	rc = rte_eth_dev_info_get(ethdev, &plan->info);
	if (rc)
		return port_fail(
			error, rc, "port %s: device %s does not answer: %s", c->name, c->device, strerror(-rc));
	if (!plan->info.max_rx_queues || !plan->info.max_tx_queues)
		return port_fail(error, -EINVAL, "port %s: device %s has no queues (%u to receive, %u to send)",
			c->name, c->device, plan->info.max_rx_queues, plan->info.max_tx_queues);
	plan->eth.rxmode.offloads = plan->info.rx_offload_capa & RTE_ETH_RX_OFFLOAD_IPV4_CKSUM;
	plan->eth.txmode.offloads = plan->info.tx_offload_capa & RTE_ETH_TX_OFFLOAD_IPV4_CKSUM;
	plan_queues(c, plan);
	return plan_mtu(c, plan, error);
}

static int fail_rx_queue(const struct port_conf *c, const struct plan *plan, uint16_t q, int rc, char *error) {
	if (is_driver(plan, "net_af_xdp"))
		return port_fail(error, rc,
			"port %s: the kernel refuses XDP on %s (%s): the peer of a veth may have no larger MTU than "
			"3500, a bridge "
			"member no XDP; write net_af_packet instead of net_af_xdp",
			c->name, c->device, strerror(-rc));
	return port_fail(
		error, rc, "port %s: receive queue %u of %s refused: %s", c->name, q, c->device, strerror(-rc));
}

static int set_up_queues(const struct port_conf *c, uint16_t ethdev, struct plan *plan, char *error) {
	int socket = rte_eth_dev_socket_id(ethdev), rc;

	rc = rte_eth_dev_adjust_nb_rx_tx_desc(ethdev, &plan->n_rx_desc, &plan->n_tx_desc);
	if (rc)
		return port_fail(
			error, rc, "port %s: %s refuses its queue sizes: %s", c->name, c->device, strerror(-rc));
	for (uint16_t q = 0; q < plan->n_rx; q++) {
		rc = rte_eth_rx_queue_setup(ethdev, q, plan->n_rx_desc, socket, NULL, c->rx_pool);
		if (rc)
			return fail_rx_queue(c, plan, q, rc, error);
	}
	for (uint16_t q = 0; q < plan->n_tx; q++) {
		rc = rte_eth_tx_queue_setup(ethdev, q, plan->n_tx_desc, socket, NULL);
		if (rc)
			return port_fail(error, rc, "port %s: transmit queue %u of %s refused: %s", c->name, q,
				c->device, strerror(-rc));
	}
	return 0;
}

static int configure(const struct port_conf *c, uint16_t ethdev, struct plan *plan, char *error) {
	int rc = rte_eth_dev_configure(ethdev, plan->n_rx, plan->n_tx, &plan->eth);

	if (rc)
		return port_fail(error, rc, "port %s: %s refuses %u receive and %u transmit queues at MTU %u: %s",
			c->name, c->device, plan->n_rx, plan->n_tx, c->mtu, strerror(-rc));
	rc = set_up_queues(c, ethdev, plan, error);
	if (rc)
		return rc;
	rc = rte_eth_dev_start(ethdev);
	if (rc)
		return port_fail(error, rc, "port %s: %s does not start: %s", c->name, c->device, strerror(-rc));
	rte_eth_allmulticast_enable(ethdev); // neighbour discovery of IPv6; a PMD without the notion sees all anyhow
	return 0;
}

// Ring and null ports have no address of their own: one made of the port's name, the same at every start.
static void set_mac(struct port *p) {
	uint32_t h = rte_jhash(p->name, strlen(p->name), 0);

	rte_eth_macaddr_get(p->ethdev, &p->mac);
	if (!rte_is_zero_ether_addr(&p->mac))
		return;
	p->mac = (struct rte_ether_addr){{2, 0, h >> 24, h >> 16, h >> 8, h}};
	rte_eth_dev_default_mac_addr_set(p->ethdev, &p->mac);
}

static void describe(
	const struct port_conf *c, const struct port_probe *probe, const struct plan *plan, struct port *p) {
	p->ethdev = probe->ethdev;
	p->n_rx_queues = plan->n_rx;
	p->n_tx_queues = plan->n_tx;
	p->rx_ipv4_checksum = plan->eth.rxmode.offloads & RTE_ETH_RX_OFFLOAD_IPV4_CKSUM;
	p->tx_ipv4_checksum = plan->eth.txmode.offloads & RTE_ETH_TX_OFFLOAD_IPV4_CKSUM;
	p->rss = plan->n_rx > 1 && (plan->eth.rxmode.mq_mode == RTE_ETH_MQ_RX_RSS || is_driver(plan, "net_af_packet"));
	snprintf(p->name, sizeof(p->name), "%s", c->name);
	snprintf(p->device, sizeof(p->device), "%s%s%s", probe->name, probe->iface[0] ? ",iface=" : "", probe->iface);
	snprintf(p->driver, sizeof(p->driver), "%s", plan->info.driver_name);
	if (is_driver(plan, "net_af_packet") || rte_eth_dev_get_mtu(p->ethdev, &p->mtu))
		p->mtu = c->mtu;
	set_mac(p);
}

static int open_here(const struct port_conf *c, struct port *p, char *error) {
	struct port_probe probe;
	struct plan plan;
	int rc;

	rc = port_probe(c, &probe, error);
	if (rc)
		return rc;
	if (in_use[probe.ethdev])
		return port_fail(
			error, -EBUSY, "port %s: device %s belongs to another port already", c->name, c->device);
	rc = make_plan(c, probe.ethdev, &plan, error);
	if (rc)
		goto err_unprobe;
	rc = configure(c, probe.ethdev, &plan, error);
	if (rc)
		goto err_unprobe;
	in_use[probe.ethdev] = true;
	describe(c, &probe, &plan, p);
	return 0;
err_unprobe:
	port_unprobe(probe.ethdev);
	return rc;
}

int port_open(const struct port_conf *conf, struct port *out, char error[static PORT_ERROR_LEN]) {
	int previous, rc;

	*out = (struct port){.netns_fd = -1};
	error[0] = 0;
	if (conf->device_netns) {
		rc = netns_open(conf->device_netns);
		if (rc < 0)
			return port_fail(error, rc, "port %s: no network namespace %s (%s): 'ip netns add %s' makes it",
				conf->name, conf->device_netns, strerror(-rc), conf->device_netns);
		out->netns_fd = rc;
	}
	previous = netns_enter(out->netns_fd);
	if (out->netns_fd >= 0 && previous < 0) {
		rc = port_fail(error, previous, "port %s: cannot enter network namespace %s (%s): run as root",
			conf->name, conf->device_netns, strerror(-previous));
		goto err_netns;
	}
	rc = open_here(conf, out, error);
	netns_leave(previous);
	if (rc)
		goto err_netns;
	return 0;
err_netns:
	if (out->netns_fd >= 0)
		close(out->netns_fd);
	out->netns_fd = -1;
	return rc;
}

int port_call(const struct port *p, int (*fn)(void *arg), void *arg) {
	int previous = netns_enter(p->netns_fd), rc;

	if (p->netns_fd >= 0 && previous < 0)
		return previous;
	rc = fn(arg);
	netns_leave(previous);
	return rc;
}

static int close_here(void *arg) {
	const struct port *p = arg;

	rte_eth_dev_stop(p->ethdev);
	port_unprobe(p->ethdev);
	in_use[p->ethdev] = false;
	return 0;
}

void port_close(struct port *p) {
	if (!p->device[0])
		return;
	port_call(p, close_here, p);
	if (p->netns_fd >= 0)
		close(p->netns_fd);
	*p = (struct port){.netns_fd = -1};
}

struct question { // what port_call carries in and out
	uint16_t ethdev;
	void *answer;
};

static int stats_here(void *arg) {
	struct question *q = arg;

	return rte_eth_stats_get(q->ethdev, q->answer);
}

static int link_here(void *arg) {
	struct question *q = arg;

	return rte_eth_link_get_nowait(q->ethdev, q->answer);
}

int port_stats(const struct port *p, struct rte_eth_stats *out) {
	return port_call(p, stats_here, &(struct question){p->ethdev, out});
}

int port_link(const struct port *p, struct rte_eth_link *out) {
	return port_call(p, link_here, &(struct question){p->ethdev, out});
}
