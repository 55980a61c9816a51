// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>
#include <sys/epoll.h>

#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_mbuf.h>

#include "conf.h"
#include "datapath.h"
#include "gre_wire.h"
#include "log.h"
#include "pkt_meta.h"
#include "publish.h"
#include "tunnel_state.h"

#define BURST 32
#define PACKETS_PER_TURN 32 // of each class: some 7 us each, and the next turn comes at once
#define READS_PER_TURN 32 // of each device: a flood from the host leaves time for the workers' packets
#define PRECEDENCE_CONTROL 6 // CS6 and CS7

static const struct rte_ether_addr host_source = {{0x02, 0, 0, 0, 0, 1}}; // of frames made for a TAP

static void lose(struct tunnel_ctl *t, struct rte_mbuf *m, enum tunnel_ctl_counter why) {
	host_count(t, why);
	rte_pktmbuf_free(m);
}

static void host_write(struct tunnel_ctl *t, struct host_dev *d, struct rte_mbuf *m) {
	int rc;

	if (!d || !d->is_open) {
		lose(t, m, TUNNEL_CTL_NO_HOST);
		return;
	}
	rc = tuntap_write(&d->dev, rte_pktmbuf_mtod(m, const void *), m->data_len);
	lose(t, m, rc < 0 ? TUNNEL_CTL_HOST_BUSY : TUNNEL_CTL_TO_HOST);
}

static struct host_dev *tap_of(struct tunnel_ctl *t, uint16_t port) {
	return port < t->n_ports ? &t->taps[port] : NULL;
}

static void frame_to_host(struct tunnel_ctl *t, struct rte_mbuf *m) {
	host_write(t, tap_of(t, pkt_meta(m)->port), m);
}

static bool is_multicast(const struct rte_mbuf *m) {
	const uint8_t *ip = rte_pktmbuf_mtod(m, const uint8_t *);

	if (ip[0] >> 4 == 4)
		return m->data_len >= sizeof(struct rte_ipv4_hdr) && (ip[16] & 0xf0) == 0xe0;
	return m->data_len >= sizeof(struct rte_ipv6_hdr) && ip[24] == 0xff;
}

// Multicast is for where it came in; else for the interface that has the address.
static uint16_t host_iface(const struct fwd *f, const struct rte_mbuf *m, const struct pkt_meta *meta) {
	if (meta->way != WAY_ADJ || meta->adj == 0 || meta->adj >= f->adjs.max || is_multicast(m))
		return meta->iface_in;
	return f->adjs.adjs[meta->adj].iface;
}

// A port's own address reached through a tunnel: the host gets a frame, as if it had come by the port.
static bool frame_make(struct tunnel_ctl *t, struct rte_mbuf *m, uint16_t port) {
	bool is_ipv6 = *rte_pktmbuf_mtod(m, const uint8_t *) >> 4 == 6;
	struct rte_ether_hdr *eth = (struct rte_ether_hdr *)rte_pktmbuf_prepend(m, sizeof(*eth));

	if (!eth || port >= t->n_ports)
		return false;
	eth->dst_addr = t->ports[port].mac;
	eth->src_addr = host_source;
	eth->ether_type = rte_cpu_to_be_16(is_ipv6 ? RTE_ETHER_TYPE_IPV6 : RTE_ETHER_TYPE_IPV4);
	return true;
}

static void packet_to_host(struct tunnel_ctl *t, struct rte_mbuf *m) {
	uint16_t iface = host_iface(&t->nave->fwd, m, pkt_meta(m));

	if (iface < t->n_tunnels)
		host_write(t, &t->tuns[iface], m);
	else if (iface_is_port(iface) && frame_make(t, m, iface_port(iface)))
		host_write(t, tap_of(t, iface_port(iface)), m);
	else
		lose(t, m, TUNNEL_CTL_NO_HOST);
}

static void redirect_forget(struct tunnel_ctl *t, struct rte_mbuf *m) {
	(void)t;
	rte_pktmbuf_free(m);
}

struct inner { // of an inner packet
	struct addr dst;
	uint8_t precedence;
	uint16_t gre_protocol;
};

static bool inner_read(const struct rte_mbuf *m, struct inner *out) {
	const uint8_t *ip = rte_pktmbuf_mtod(m, const uint8_t *);

	if (m->data_len >= sizeof(struct rte_ipv4_hdr) && ip[0] >> 4 == 4) {
		out->dst = addr_from_bytes(ADDR_IPV4, ip + 16);
		out->precedence = ip[1] >> 5;
		out->gre_protocol = GRE_PROTO_IPV4;
		return true;
	}
	if (m->data_len >= sizeof(struct rte_ipv6_hdr) && ip[0] >> 4 == 6) {
		out->dst = addr_from_bytes(ADDR_IPV6, ip + 24);
		out->precedence = (ip[0] & 0xf) >> 1;
		out->gre_protocol = GRE_PROTO_IPV6;
		return true;
	}
	return false;
}

static void neighbour_wanted(struct tunnel_ctl *t, struct rte_mbuf *m) {
	struct inner inner;

	if (inner_read(m, &inner))
		publish_wanted(t->nave->publish, pkt_meta(m)->port, &inner.dst);
	rte_pktmbuf_free(m);
}

static bool drain(struct tunnel_ctl *t, enum punt_class c, void (*give)(struct tunnel_ctl *t, struct rte_mbuf *m)) {
	struct rte_mbuf *pkts[BURST];
	unsigned got, done = 0;

	do {
		got = datapath_punted(t->nave->datapath, c, pkts, BURST);
		for (unsigned i = 0; i < got; i++)
			give(t, pkts[i]);
		done += got;
	} while (got && done < PACKETS_PER_TURN);
	return done >= PACKETS_PER_TURN;
}

bool host_turn(struct tunnel_ctl *t) {
	bool more = drain(t, PUNT_IKE, frame_to_host);

	more |= drain(t, PUNT_UNDERLAY, frame_to_host);
	more |= drain(t, PUNT_ROUTING, packet_to_host);
	more |= drain(t, PUNT_HOST, packet_to_host);
	more |= drain(t, PUNT_REDIRECT, redirect_forget);
	more |= drain(t, PUNT_RESOLVE, neighbour_wanted);
	return more;
}

static void give_to_worker(struct tunnel_ctl *t, struct rte_mbuf *m, enum egress_priority priority) {
	if (datapath_send(t->nave->datapath, m, priority) < 0)
		lose(t, m, TUNNEL_CTL_RING_FULL);
	else
		host_count(t, TUNNEL_CTL_FROM_HOST);
}

// The kernel knows only "dev dmvpn0": which spoke is behind it, our own tables say. *lost: why there is no adjacency.
static uint32_t host_lookup(
	const struct fwd *f, uint16_t tunnel, const struct addr *dst, enum tunnel_ctl_counter *lost) {
	const struct vrf *v = &f->vrfs[f->tunnels[tunnel]->vrf];
	uint32_t adj;

	*lost = TUNNEL_CTL_HOST_NOT_REGISTERED;
	if (dst->family == ADDR_IPV6 && addr_is_link_local(dst))
		return neigh_lookup(&f->neigh, tunnel, dst);
	adj = fib_lookup(dst->family == ADDR_IPV4 ? v->fib_ipv4 : v->fib_ipv6, dst);
	if (adj == FIB_MISS)
		*lost = TUNNEL_CTL_HOST_NO_ROUTE;
	if (adj == FIB_MISS || adj_state_load(&f->adjs.adjs[adj]).kind != ADJ_GLEAN)
		return adj;
	return neigh_lookup(&f->neigh, f->adjs.adjs[adj].iface, dst);
}

static bool packet_way(struct tunnel_ctl *t, uint16_t tunnel, struct rte_mbuf *m, const struct inner *inner) {
	const struct fwd *f = &t->nave->fwd;
	enum tunnel_ctl_counter lost;
	uint32_t i = host_lookup(f, tunnel, &inner->dst, &lost);
	const struct adj *a = &f->adjs.adjs[i];
	struct adj_state s = i ? adj_state_load(a) : (struct adj_state){.kind = ADJ_INCOMPLETE};

	if (s.kind != ADJ_TUNNEL && s.kind != ADJ_PORT) {
		lose(t, m, s.kind == ADJ_INCOMPLETE ? lost : TUNNEL_CTL_HOST_NO_ROUTE);
		return false;
	}
	*pkt_meta(m) = (struct pkt_meta){
		.way = WAY_ADJ,
		.gre_protocol = inner->gre_protocol,
		.iface_in = IFACE_NONE,
		.tunnel = tunnel,
		.adj = i,
		.adj_gen = a->gen,
	};
	return true;
}

static void packet_from_host(struct tunnel_ctl *t, uint16_t tunnel, struct rte_mbuf *m) {
	struct inner inner;

	if (!inner_read(m, &inner))
		lose(t, m, TUNNEL_CTL_HOST_MALFORMED);
	else if (addr_is_multicast(&inner.dst))
		lose(t, m, TUNNEL_CTL_HOST_MULTICAST);
	else if (packet_way(t, tunnel, m, &inner))
		give_to_worker(t, m, inner.precedence >= PRECEDENCE_CONTROL ? EGRESS_CONTROL : EGRESS_DATA);
}

static void frame_from_host(struct tunnel_ctl *t, uint16_t port, struct rte_mbuf *m) {
	*pkt_meta(m) = (struct pkt_meta){.way = WAY_FRAME, .port = port, .iface_in = IFACE_NONE};
	give_to_worker(t, m, EGRESS_CONTROL);
}

// false: nothing more to read.
static bool read_one(struct host_dev *d) {
	struct tunnel_ctl *t = d->ctl;
	struct rte_mbuf *m = rte_pktmbuf_alloc(datapath_control_pool(t->nave->datapath));
	int len;

	if (!m) {
		host_count(t, TUNNEL_CTL_NO_MBUF); // what waits stays with the kernel until there are buffers again
		return false;
	}
	len = tuntap_read(&d->dev, rte_pktmbuf_mtod(m, void *), rte_pktmbuf_tailroom(m));
	if (len <= 0) {
		rte_pktmbuf_free(m);
		return false;
	}
	rte_pktmbuf_append(m, (uint16_t)len);
	if (iface_is_port(d->iface))
		frame_from_host(t, iface_port(d->iface), m);
	else
		packet_from_host(t, d->iface, m);
	return true;
}

void host_readable(void *dev, uint32_t events) {
	struct host_dev *d = dev;

	if (events & (EPOLLERR | EPOLLHUP)) { // the device is no more, and would be readable for ever
		log_error("%s was deleted: nothing goes to or from the host by it until the hub is started again",
			d->dev.name);
		host_close(d);
		return;
	}
	for (unsigned i = 0; i < READS_PER_TURN && read_one(d); i++)
		;
}
