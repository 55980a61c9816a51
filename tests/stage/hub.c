// SPDX-License-Identifier: BSD-3-Clause
#include "hub.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <rte_errno.h>
#include <rte_eth_ring.h>
#include <rte_ethdev.h>

#include "gre_wire.h"
#include "mbuf_guard.h"

#define RX_POOL_MBUFS 16383

bool mbuf_guard_open_for_esp;

const uint8_t hub_mac[HUB_PORTS][6] = {{0x02, 0, 0, 0, 0, 0x01}, {0x02, 0, 0, 0, 0, 0x02}};
const uint8_t gateway_mac[6] = {0x02, 0, 0, 0, 0xee, 0xfe};

static const char *const endpoint_addrs[] = {"192.0.2.1", "2001:db8::1", "192.0.2.2"};

static struct rte_mempool *rx_pool;
static struct rte_ring *rx_rings[HUB_PORTS][HUB_QUEUES_MAX], *tx_rings[HUB_PORTS][HUB_QUEUES_MAX];
static uint16_t ethdevs[HUB_PORTS];

static struct rte_ring *ring_of(const char *what, unsigned port, unsigned queue) {
	char name[RTE_RING_NAMESIZE];
	struct rte_ring *r;

	snprintf(name, sizeof(name), "%s%u.%u", what, port, queue);
	r = rte_ring_create(name, HUB_RING_SIZE, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
	assert_non_null(r);
	return r;
}

static uint16_t ethdev_create(unsigned port) {
	struct rte_eth_conf conf = {0};
	char name[16];
	int id;

	for (unsigned q = 0; q < HUB_QUEUES_MAX; q++) {
		rx_rings[port][q] = ring_of("rx", port, q);
		tx_rings[port][q] = ring_of("tx", port, q);
	}
	snprintf(name, sizeof(name), "port%u", port);
	id = rte_eth_from_rings(name, rx_rings[port], HUB_QUEUES_MAX, tx_rings[port], HUB_QUEUES_MAX, 0);
	assert_true(id >= 0);
	assert_int_equal(rte_eth_dev_configure(id, HUB_QUEUES_MAX, HUB_QUEUES_MAX, &conf), 0);
	for (unsigned q = 0; q < HUB_QUEUES_MAX; q++) {
		assert_int_equal(rte_eth_rx_queue_setup(id, q, HUB_RING_SIZE, 0, NULL, rx_pool), 0);
		assert_int_equal(rte_eth_tx_queue_setup(id, q, HUB_RING_SIZE, 0, NULL), 0);
	}
	assert_int_equal(rte_eth_dev_start(id), 0);
	return id;
}

void hub_ports_create(void) {
	rx_pool = rte_pktmbuf_pool_create_by_ops(
		"rx", RX_POOL_MBUFS, 128, PKT_PRIV_SIZE, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY, "ring_mt_rts");
	assert_non_null(rx_pool);
	for (unsigned p = 0; p < HUB_PORTS; p++)
		ethdevs[p] = ethdev_create(p);
}

struct rte_mempool *hub_rx_pool(void) {
	return rx_pool;
}

struct addr addr_of(const char *text) {
	struct addr a;

	assert_int_equal(addr_parse(text, &a), 0);
	return a;
}

struct prefix prefix_from(const char *text) {
	struct prefix p;

	assert_int_equal(prefix_parse(text, &p), 0);
	return p;
}

uint32_t hub_adj(struct hub *h, enum adj_kind kind, uint16_t iface, uint32_t target) {
	uint32_t index = adj_alloc(&h->fwd.adjs);

	assert_int_not_equal(index, 0);
	h->fwd.adjs.adjs[index].iface = iface;
	adj_state_store(&h->fwd.adjs.adjs[index], (struct adj_state){.target = target, .mtu = 1400, .kind = kind});
	return index;
}

void hub_route(struct hub *h, uint16_t vrf, const struct prefix *p, uint32_t adj) {
	struct fib *f = p->addr.family == ADDR_IPV4 ? h->fwd.vrfs[vrf].fib_ipv4 : h->fwd.vrfs[vrf].fib_ipv6;

	assert_int_equal(fib_add(f, p, adj), 0);
}

static void vrf_create(struct hub *h, uint16_t vrf, uint32_t max_routes) {
	h->fwd.vrfs[vrf].fib_ipv4 = fib_create(ADDR_IPV4, max_routes, h->fwd.rcu);
	h->fwd.vrfs[vrf].fib_ipv6 = fib_create(ADDR_IPV6, max_routes, h->fwd.rcu);
	assert_non_null(h->fwd.vrfs[vrf].fib_ipv4);
	assert_non_null(h->fwd.vrfs[vrf].fib_ipv6);
	h->fwd.n_vrfs = vrf + 1;
}

static void ports_fill(struct hub *h, const struct hub_conf *conf, uint16_t n_workers) {
	h->fwd.n_ports = HUB_PORTS;
	for (unsigned p = 0; p < HUB_PORTS; p++) {
		struct fwd_port *port = &h->fwd.ports[p];

		port->ethdev = ethdevs[p];
		port->present = true;
		port->mtu = 1500;
		port->n_rx_queues = conf->n_rx_queues ? conf->n_rx_queues : n_workers;
		port->n_tx_queues = conf->n_tx_queues ? conf->n_tx_queues : n_workers;
		memcpy(port->mac, hub_mac[p], sizeof(port->mac));
	}
	h->fwd.ports[WAN].n_addrs = 1;
	h->fwd.ports[WAN].addrs[0] = addr_of("192.0.2.3");
	h->fwd.ports[LAN].is_lan = true;
	h->fwd.ports[LAN].n_addrs = 1;
	h->fwd.ports[LAN].addrs[0] = addr_of("172.16.0.1");
	for (unsigned i = 0; i < RTE_DIM(endpoint_addrs); i++) {
		h->fwd.endpoints[i].addr = addr_of(endpoint_addrs[i]);
		h->fwd.endpoints[i].port = WAN;
		h->fwd.ports[WAN].endpoints[h->fwd.ports[WAN].n_endpoints++] = i;
	}
	h->fwd.n_endpoints = RTE_DIM(endpoint_addrs);
}

static void next_hop_fill(struct hub *h, uint32_t index, uint8_t port) {
	struct nh nh = {.port = port, .resolved = true};

	memcpy(nh.mac, gateway_mac, sizeof(nh.mac));
	nh_store(&h->fwd.nhs, index, nh);
}

static void ipsec_make(struct hub *h, const struct hub_conf *conf) {
	struct ipsec_conf c = {.ops = conf->crypto,
		.max_peers = h->fwd.peers.max,
		.peers = &h->fwd.peers,
		.window_max = conf->window ? conf->window : REPLAY_WINDOW_MAX};

	if (!conf->crypto)
		return;
	h->fwd.ipsec = ipsec_create(&c);
	assert_non_null(h->fwd.ipsec);
}

void hub_create(struct hub *h, const struct hub_conf *conf) {
	uint16_t n_workers = conf->n_workers ? conf->n_workers : 1;
	uint32_t max_spokes = conf->max_spokes ? conf->max_spokes : 256;
	struct fwd_sizes sizes = {.max_spokes = max_spokes, .n_workers = n_workers};
	struct datapath_conf dc = {
		.fwd = &h->fwd,
		.n_workers = n_workers,
		.idle = conf->sleeps ? IDLE_SLEEP : IDLE_POLL,
		.stage_accounting = conf->accounting,
		.punt_per_source_pps = conf->per_source_pps,
		.punt_pool_mbufs = conf->punt_pool_mbufs,
	};

	memset(h, 0, sizeof(*h));
	assert_int_equal(fwd_init(&h->fwd, &sizes), 0);
	vrf_create(h, 0, 2 * max_spokes + 256);
	vrf_create(h, 1, 2 * max_spokes + 256);
	ports_fill(h, conf, n_workers);
	next_hop_fill(h, 1 + WAN, WAN);
	next_hop_fill(h, 1 + LAN, LAN);
	ipsec_make(h, conf);
	for (unsigned i = 0, lcore = rte_get_next_lcore(-1, 1, 0); i < n_workers && lcore < RTE_MAX_LCORE; i++) {
		dc.lcores[i] = lcore;
		lcore = rte_get_next_lcore(lcore, 1, 0);
	}
	h->local_adj = hub_adj(h, ADJ_LOCAL, IFACE_NONE, 0);
	h->dp = datapath_create(&dc);
	assert_non_null(h->dp);
}

static void pool_expect_full(const struct rte_mempool *p) {
	assert_int_equal(rte_mempool_avail_count(p), p->size);
}

void hub_destroy(struct hub *h) {
	struct rte_mbuf *m;

	for (unsigned p = 0; p < HUB_PORTS; p++)
		assert_null(hub_sent(p));
	for (unsigned c = 0; c < PUNT_CLASSES; c++)
		while (datapath_punted(h->dp, c, &m, 1))
			rte_pktmbuf_free(m);
	pool_expect_full(rx_pool);
	pool_expect_full(datapath_lcore(h->dp, 0)->punt_pool);
	pool_expect_full(datapath_control_pool(h->dp));
	mbuf_guard_open_all(datapath_control_pool(h->dp));
	mbuf_guard_open_for_esp = false;
	datapath_free(h->dp);
	while (rcu_reclaim(h->fwd.rcu, UINT32_MAX))
		;
	assert_int_equal(rcu_deferred(h->fwd.rcu), 0);
	ipsec_free(h->fwd.ipsec);
	fwd_fini(&h->fwd);
}

struct tunnel *hub_tunnel(struct hub *h, uint16_t id, uint16_t endpoint, int64_t key, uint16_t vrf) {
	struct tunnel *t = &h->tunnels[id];
	struct endpoint *e = &h->fwd.endpoints[endpoint];
	uint32_t glean = hub_adj(h, ADJ_GLEAN, id, 0);
	char text[PREFIX_STRLEN];
	struct prefix p;

	*t = (struct tunnel){
		.id = id,
		.vrf = vrf,
		.endpoint = endpoint,
		.mtu = 1400,
		.key = key == NO_KEY ? 0 : (uint32_t)key,
		.has_key = key != NO_KEY,
		.adj_local = h->local_adj,
	};
	e->tunnels[e->n_tunnels++] = id;
	h->fwd.tunnels[id] = t;
	snprintf(text, sizeof(text), "10.255.%u.0/24", id);
	p = prefix_from(text);
	hub_route(h, vrf, &p, glean);
	snprintf(text, sizeof(text), "2001:db8:ff:%u::/64", id);
	p = prefix_from(text);
	hub_route(h, vrf, &p, glean);
	snprintf(text, sizeof(text), "10.255.%u.1/32", id);
	p = prefix_from(text);
	hub_route(h, vrf, &p, h->local_adj);
	snprintf(text, sizeof(text), "2001:db8:ff:%u::1/128", id);
	p = prefix_from(text);
	hub_route(h, vrf, &p, h->local_adj);
	return t;
}

static uint32_t spoke_adj(struct hub *h, const struct tunnel *t, uint32_t peer, const struct addr *protocol) {
	uint32_t index = hub_adj(h, ADJ_TUNNEL, t->id, peer);
	struct gre_header g = {
		.flags = (t->has_key ? GRE_FLAG_KEY : 0) | (t->checksum ? GRE_FLAG_CHECKSUM : 0), .key = t->key};
	struct adj *a = &h->fwd.adjs.adjs[index];

	a->gre_len_bytes = gre_write(&g, a->gre);
	a->gre_checksum = t->checksum;
	a->protocol = *protocol;
	assert_int_equal(neigh_add(&h->fwd.neigh, index), 0);
	return index;
}

struct spoke hub_spoke_of_peer(struct hub *h, uint16_t tunnel, const struct addr *nbma, unsigned n, uint32_t peer) {
	const struct tunnel *t = &h->tunnels[tunnel];
	struct spoke s = {.tunnel = tunnel, .peer = peer, .nbma = *nbma};
	char text[PREFIX_STRLEN];

	// Beyond one octet the protocol addresses need no next hop table: perf runs use the LANs.
	snprintf(text, sizeof(text), "10.%u.%u.%u", 255 - (n >> 16), tunnel + (n >> 8), n & 0xff);
	s.protocol = addr_of(text);
	snprintf(text, sizeof(text), "2001:db8:ff:%u::%x", tunnel, n);
	s.protocol_ipv6 = addr_of(text);
	s.adj = spoke_adj(h, t, peer, &s.protocol);
	s.adj_ipv6 = spoke_adj(h, t, peer, &s.protocol_ipv6);
	snprintf(text, sizeof(text), "10.%u.%u.0/24", tunnel + (n >> 8), n & 0xff);
	s.lan = prefix_from(text);
	hub_route(h, t->vrf, &s.lan, s.adj);
	snprintf(text, sizeof(text), "2001:db8:%u:%x::/64", tunnel, n);
	s.lan_ipv6 = prefix_from(text);
	hub_route(h, t->vrf, &s.lan_ipv6, s.adj_ipv6);
	return s;
}

struct spoke hub_spoke_at(struct hub *h, uint16_t tunnel, const struct addr *nbma, unsigned n) {
	const struct tunnel *t = &h->tunnels[tunnel];
	uint32_t index = peer_alloc(&h->fwd.peers);
	struct peer *peer = peer_at(&h->fwd.peers, index);

	assert_int_not_equal(index, 0);
	peer->endpoint = t->endpoint;
	peer->nh = 1 + WAN;
	peer->owner = PEER_OWNER_ANY;
	peer_template(peer, &h->fwd.endpoints[t->endpoint].addr, nbma);
	peer->ready = true;
	assert_int_equal(idx_hash_insert(h->fwd.peers.by_nbma, peer_hash(t->endpoint, nbma), index), 0);
	datapath_spoke_taken(h->dp, index);
	return hub_spoke_of_peer(h, tunnel, nbma, n, index);
}

struct spoke hub_spoke(struct hub *h, uint16_t tunnel, const char *nbma, unsigned n) {
	struct addr a = addr_of(nbma);

	return hub_spoke_at(h, tunnel, &a, n);
}

struct rte_mbuf *hub_mbuf(struct rte_mempool *pool, struct frame *f) {
	struct rte_mbuf *m = rte_pktmbuf_alloc(pool);

	assert_non_null(m);
	mbuf_guard_open(m);
	memcpy(rte_pktmbuf_append(m, f->len), frame_bytes(f), f->len);
	memset(pkt_meta(m), 0xa5, sizeof(struct pkt_meta)); // of the packet before
	mbuf_guard_close(m);
	assert_true(mbuf_guard_holds(m));
	return m;
}

void hub_queue(enum hub_port port, uint16_t queue, struct rte_mbuf *m) {
	assert_int_equal(rte_ring_sp_enqueue(rx_rings[port][queue], m), 0);
}

void hub_inject(struct hub *h, enum hub_port port, uint16_t queue, struct frame *f) {
	(void)h;
	hub_queue(port, queue, hub_mbuf(rx_pool, f));
}

void hub_poll(struct hub *h) {
	uint16_t n_workers = h->fwd.n_workers;
	unsigned n;

	do {
		n = 0;
		for (uint16_t w = 0; w < n_workers; w++)
			n += datapath_poll_once(h->dp, w);
	} while (n);
}

unsigned hub_sent_on(enum hub_port port, uint16_t queue) {
	return rte_ring_count(tx_rings[port][queue]);
}

struct rte_mbuf *hub_sent_from(enum hub_port port, uint16_t queue) {
	void *m;

	return rte_ring_sc_dequeue(tx_rings[port][queue], &m) == 0 ? m : NULL;
}

struct rte_mbuf *hub_sent(enum hub_port port) {
	struct rte_mbuf *m = NULL;

	for (unsigned q = 0; q < HUB_QUEUES_MAX && !m; q++)
		m = hub_sent_from(port, q);
	return m;
}

void mbuf_expect(struct rte_mbuf *m, struct frame *f) {
	assert_non_null(m);
	assert_int_equal(rte_pktmbuf_pkt_len(m), f->len);
	assert_int_equal(rte_pktmbuf_data_len(m), f->len);
	assert_memory_equal(rte_pktmbuf_mtod(m, uint8_t *), frame_bytes(f), f->len);
}

void hub_expect_sent(enum hub_port port, struct frame *f) {
	struct rte_mbuf *m = hub_sent(port);

	mbuf_expect(m, f);
	rte_pktmbuf_free(m);
}

void hub_expect_nothing_sent(void) {
	for (unsigned p = 0; p < HUB_PORTS; p++)
		assert_null(hub_sent(p));
}

void hub_expect_dropped(struct hub *h, enum drop_reason why, uint64_t n) {
	struct lcore_counters c;

	datapath_counters(h->dp, &c);
	for (unsigned r = 0; r < DROP_REASON_COUNT; r++) {
		uint64_t now = c.drops[r] - h->dropped[r], wanted = r == why ? n : 0;

		if (now != wanted)
			fail_msg("%s: %lu dropped instead of %lu", drop_reason_name(r), now, wanted);
		h->dropped[r] = c.drops[r];
	}
}

void hub_forget_drops(struct hub *h) {
	struct lcore_counters c;

	datapath_counters(h->dp, &c);
	memcpy(h->dropped, c.drops, sizeof(h->dropped));
}

void hub_expect_no_drops(struct hub *h) {
	hub_expect_dropped(h, DROP_REASON_COUNT, 0);
}

struct rte_mbuf *hub_punted(struct hub *h, enum punt_class c) {
	struct rte_mbuf *m;

	return datapath_punted(h->dp, c, &m, 1) ? m : NULL;
}

static uint16_t ether_type(const struct addr *a) {
	return a->family == ADDR_IPV4 ? 0x0800 : 0x86dd;
}

static void tunnel_gre(struct frame *f, const struct tunnel *t, uint16_t protocol) {
	frame_gre(f, t->has_key ? (int64_t)t->key : NO_KEY, t->checksum, protocol);
}

void from_spoke(struct frame *f, const struct hub *h, const struct spoke *s, uint16_t gre_protocol) {
	const struct tunnel *t = &h->tunnels[s->tunnel];

	tunnel_gre(f, t, gre_protocol);
	frame_outer(f, &s->nbma, &h->fwd.endpoints[t->endpoint].addr, 0);
	frame_ether(f, hub_mac[WAN], gateway_mac, ether_type(&s->nbma));
}

void to_spoke(struct frame *f, const struct hub *h, const struct spoke *s, uint16_t gre_protocol, uint8_t tos) {
	const struct tunnel *t = &h->tunnels[s->tunnel];

	tunnel_gre(f, t, gre_protocol);
	frame_outer(f, &h->fwd.endpoints[t->endpoint].addr, &s->nbma, tos);
	frame_ether(f, gateway_mac, hub_mac[WAN], ether_type(&s->nbma));
}

void inner_udp(struct frame *f, const struct addr *src, const struct addr *dst, uint16_t n, uint8_t hops, uint8_t tos) {
	frame_payload(f, n, (uint8_t)(dst->bytes[2] + 1));
	frame_udp(f, 4000, 5000);
	frame_ip(f, src, dst, 17, hops, tos);
}
