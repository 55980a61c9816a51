// SPDX-License-Identifier: BSD-3-Clause
// A hub's tables as publish.c fills them: wan0 192.0.2.1/24 with gateway .254, lan0 172.16.0.1/24, dmvpn0 with key 1001
// and 10.255.0.1/16, 2001:db8:ff::1/64; with a crypto backend dmvpn1 too, key 1002 and 10.254.0.1/16, protected.
#pragma once

#include "eal.h"

#include <errno.h>
#include <string.h>

#include "fwd.h"
#include "ipsec.h"
#include "publish.h"

enum { WAN, LAN };

struct hub {
	struct fwd fwd;
	struct publish *publish;
	unsigned asked; // next hops that the kernel was asked for
	struct addr asked_last;
};

static inline struct addr ip(const char *text) {
	struct addr a;

	assert_int_equal(addr_parse(text, &a), 0);
	return a;
}

static inline struct prefix net(const char *text) {
	struct prefix p;

	assert_int_equal(prefix_parse(text, &p), 0);
	return p;
}

static inline struct binding binding_of(const char *protocol, const char *nbma) {
	return (struct binding){.prefix = net(protocol), .nbma = ip(nbma), .kind = BINDING_REGISTERED};
}

static inline uint32_t looked_up(const struct hub *h, const char *dst) {
	struct addr a = ip(dst);
	const struct vrf *v = &h->fwd.vrfs[0];

	return fib_lookup(a.family == ADDR_IPV4 ? v->fib_ipv4 : v->fib_ipv6, &a);
}

static inline struct adj_state state_of(const struct hub *h, uint32_t adj) {
	return adj_state_load(&h->fwd.adjs.adjs[adj]);
}

static inline const struct peer *peer_line(const struct hub *h, uint32_t peer) {
	return peer_at(&h->fwd.peers, peer);
}

static inline int route_via(struct hub *h, const char *prefix, const char *next_hop, uint16_t iface) {
	struct publish_next_hop via = {.next_hop = ip(next_hop), .iface = iface, .weight = 1};
	struct prefix p = net(prefix);

	return publish_route(h->publish, 0, &p, PUBLISH_UNICAST, &via, 1);
}

static void on_resolve(void *arg, uint16_t port, const struct addr *next_hop) {
	struct hub *h = arg;

	(void)port;
	h->asked++;
	h->asked_last = *next_hop;
}

static inline void ports_up(struct publish *p) {
	struct fwd_port wan = {.present = true, .mtu = 1500, .n_rx_queues = 1, .n_tx_queues = 1, .name = "wan0"};
	struct fwd_port lan = {
		.present = true, .mtu = 1500, .n_rx_queues = 1, .n_tx_queues = 1, .is_lan = true, .name = "lan0"};
	struct addr own = ip("192.0.2.1"), gateway = ip("192.0.2.254"), lan_own = ip("172.16.0.1");

	assert_int_equal(publish_vrf(p, 0, "", 1000, 1000), 0);
	assert_int_equal(publish_port(p, WAN, &wan), 0);
	assert_int_equal(publish_port(p, LAN, &lan), 0);
	assert_int_equal(publish_port_addr(p, WAN, &own, 24), 0);
	assert_int_equal(publish_gateway(p, WAN, &gateway), 0);
	assert_int_equal(publish_port_addr(p, LAN, &lan_own, 24), 0);
}

static inline void tunnel_up(struct publish *p) {
	struct publish_tunnel t = {
		.rt = {.id = 0, .mtu = 1400, .key = 1001, .has_key = true, .name = "dmvpn0"},
		.subnet = {net("10.255.0.0/16"), net("2001:db8:ff::/64")},
		.protocol = {ip("10.255.0.1"), ip("2001:db8:ff::1")},
	};
	struct addr own = ip("192.0.2.1");
	int endpoint = publish_endpoint(p, &own, WAN);

	assert_true(endpoint >= 0);
	t.rt.endpoint = endpoint;
	assert_int_equal(publish_tunnel(p, &t), 0);
}

static inline void protected_tunnel_up(struct publish *p) {
	struct publish_tunnel t = {
		.rt = {.id = 1, .mtu = 1400, .key = 1002, .has_key = true, .is_protected = true, .name = "dmvpn1"},
		.subnet = {net("10.254.0.0/16")},
		.protocol = {ip("10.254.0.1")},
	};

	assert_int_equal(publish_tunnel(p, &t), 0);
}

// crypto NULL: no tunnel is protected.
static inline int hub_up_with(void **state, const struct fwd_sizes *sizes, const struct esp_crypto_ops *crypto) {
	static struct hub h;

	memset(&h, 0, sizeof(h));
	*state = &h;
	assert_int_equal(fwd_init(&h.fwd, sizes), 0);
	if (crypto)
		h.fwd.ipsec = ipsec_create(
			&(struct ipsec_conf){crypto, h.fwd.peers.max, REPLAY_WINDOW_DEFAULT, &h.fwd.peers});
	h.publish = publish_create(&h.fwd);
	assert_non_null(h.publish);
	publish_on_resolve(h.publish, on_resolve, &h);
	ports_up(h.publish);
	tunnel_up(h.publish);
	if (crypto)
		protected_tunnel_up(h.publish);
	return 0;
}

static inline int hub_up_sized(void **state, const struct fwd_sizes *sizes) {
	return hub_up_with(state, sizes, NULL);
}

static inline int hub_up(void **state) {
	struct fwd_sizes sizes = {.max_spokes = 64, .n_workers = 2};

	return hub_up_sized(state, &sizes);
}

static inline int hub_down(void **state) {
	struct hub *h = *state;

	publish_free(h->publish);
	ipsec_free(h->fwd.ipsec);
	fwd_fini(&h->fwd);
	return 0;
}
