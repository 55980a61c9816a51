// SPDX-License-Identifier: BSD-3-Clause
#include "tunnel_ctl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "conf.h"
#include "control.h"
#include "datapath.h"
#include "publish.h"
#include "tunnel_state.h"

static const char *const counter_names[] = {
#define X(name, counter, help) [TUNNEL_CTL_##name] = counter,
	TUNNEL_CTL_COUNTERS(X)
#undef X
};

static const char *const counter_helps[] = {
#define X(name, counter, help) [TUNNEL_CTL_##name] = help,
	TUNNEL_CTL_COUNTERS(X)
#undef X
};

const char *tunnel_ctl_counter_name(enum tunnel_ctl_counter c) {
	return counter_names[c];
}

const char *tunnel_ctl_counter_help(enum tunnel_ctl_counter c) {
	return counter_helps[c];
}

static const char *text_or_null(const char *text) {
	return text[0] ? text : NULL;
}

static int host_open(struct tunnel_ctl *t, struct host_dev *d, const struct tuntap_conf *tc, uint16_t iface,
	struct conf_mark mark, FILE *errors) {
	char error[TUNTAP_ERROR_LEN];
	int rc = tuntap_open(tc, &d->dev, error);

	if (rc < 0) {
		conf_complain(t->nave->conf, mark, errors, "%s", error);
		return rc;
	}
	d->ctl = t;
	d->iface = iface;
	rc = control_watch(t->nave->control, d->dev.fd, EPOLLIN, host_readable, d);
	if (rc < 0) {
		conf_complain(t->nave->conf, mark, errors, "%s: %s", tc->name, strerror(-rc));
		tuntap_close(&d->dev);
		return rc;
	}
	d->is_open = true;
	return 0;
}

void host_close(struct host_dev *d) {
	if (!d->is_open)
		return;
	control_unwatch(d->ctl->nave->control, d->dev.fd);
	tuntap_close(&d->dev);
	d->is_open = false;
}

static unsigned addrs_copy(struct tuntap_addr *out, const struct conf_addr *from, unsigned n) {
	for (unsigned i = 0; i < n; i++)
		out[i] = (struct tuntap_addr){from[i].addr, from[i].len_bits};
	return n;
}

static int tap_open(struct tunnel_ctl *t, uint16_t i, FILE *errors) {
	const struct conf_port *c = &t->nave->conf->ports[i];
	struct tuntap_addr addrs[CONF_LIST_MAX];
	struct tuntap_conf tc = {
		.kind = TUNTAP_TAP,
		.name = c->name,
		.netns = text_or_null(c->host_netns),
		.mtu = t->ports[i].mtu,
		.mac = t->ports[i].mac.addr_bytes,
		.addrs = addrs,
		.n_addrs = addrs_copy(addrs, c->addresses, c->n_addresses),
	};
	int rc = host_ns_get(t, c->host_netns, &t->taps[i].ns);

	if (rc < 0) {
		conf_complain(t->nave->conf, c->mark, errors, "network namespace %s: %s: 'ip netns add %s' makes it",
			c->host_netns[0] ? c->host_netns : "of the hub", strerror(-rc), c->host_netns);
		return rc;
	}
	return host_open(t, &t->taps[i], &tc, iface_of_port(i), c->mark, errors);
}

static bool is_tunnel_source(const struct conf *conf, uint16_t port) {
	for (uint16_t i = 0; i < conf->n_tunnels; i++)
		if (conf->tunnels[i].port == port)
			return true;
	return false;
}

static int port_device(struct tunnel_ctl *t, uint16_t i, FILE *errors) {
	const struct conf_port *c = &t->nave->conf->ports[i];
	struct port *port = &t->ports[i];
	char error[PORT_ERROR_LEN];
	struct port_conf pc = {
		.name = c->name,
		.device = c->device,
		.device_netns = text_or_null(c->device_netns),
		.mtu = c->mtu,
		.queues = c->queues,
		.n_workers = t->nave->fwd.n_workers,
		.rx_pool = t->nave->rx_pool,
	};
	int rc = port_open(&pc, port, error);

	if (rc < 0) {
		conf_complain(t->nave->conf, c->mark, errors, "%s", error);
		return rc;
	}
	t->n_ports = i + 1;
	return 0;
}

static int port_publish(struct tunnel_ctl *t, uint16_t i) {
	const struct conf_port *c = &t->nave->conf->ports[i];
	const struct port *port = &t->ports[i];
	struct publish *p = t->nave->publish;
	struct fwd_port rt = {
		.ethdev = port->ethdev,
		.present = true,
		.is_lan = !is_tunnel_source(t->nave->conf, i),
		.mtu = port->mtu,
		.vrf = c->vrf,
		.n_rx_queues = port->n_rx_queues,
		.n_tx_queues = port->n_tx_queues,
		.tx_ipv4_checksum = port->tx_ipv4_checksum,
		.rx_ipv4_checksum = port->rx_ipv4_checksum,
	};
	int rc;

	memcpy(rt.mac, port->mac.addr_bytes, sizeof(rt.mac));
	memcpy(rt.name, c->name, sizeof(rt.name));
	rc = publish_port(p, i, &rt);
	for (unsigned j = 0; rc == 0 && j < c->n_addresses; j++)
		rc = publish_port_addr(p, i, &c->addresses[j].addr, c->addresses[j].len_bits);
	for (unsigned j = 0; rc == 0 && j < c->n_neighbours; j++)
		rc = publish_neighbour_static(p, i, &c->neighbours[j].addr, c->neighbours[j].mac);
	for (unsigned j = 0; rc == 0 && j < c->n_gateways; j++)
		rc = publish_gateway(p, i, &c->gateways[j].addr);
	return rc;
}

static int port_up(struct tunnel_ctl *t, uint16_t i, FILE *errors) {
	const struct conf_port *c = &t->nave->conf->ports[i];
	int rc = port_device(t, i, errors);

	if (rc < 0)
		return rc;
	rc = port_publish(t, i);
	if (rc < 0) {
		conf_complain(t->nave->conf, c->mark, errors, "port %s: %s", c->name,
			rc == -EEXIST ? "one of its addresses or prefixes is another's in the same VRF"
				      : strerror(-rc));
		return rc;
	}
	return c->host ? tap_open(t, i, errors) : 0;
}

// NHRP network-ids are any 32-bit number; workers compare small ones. 0: none.
static uint16_t network_id_idx(const struct conf *conf, uint16_t tunnel) {
	uint32_t id = conf->tunnels[tunnel].network_id;

	if (!id)
		return 0;
	for (uint16_t i = 0; i < tunnel; i++)
		if (conf->tunnels[i].network_id == id)
			return i + 1;
	return tunnel + 1;
}

static void tunnel_rt(const struct conf *conf, uint16_t i, uint16_t endpoint, struct publish_tunnel *out) {
	const struct conf_tunnel *c = &conf->tunnels[i];

	*out = (struct publish_tunnel){
		.rt =
			{
				.id = i,
				.vrf = c->vrf,
				.endpoint = endpoint,
				.mtu = c->mtu,
				.key = c->key,
				.has_key = c->has_key,
				.checksum = c->checksum,
				.is_protected = c->protection != CONF_PROTECTION_NONE,
				.anti_spoof = c->anti_spoof,
				.network_id_idx = network_id_idx(conf, i),
			},
	};
	memcpy(out->rt.name, c->name, sizeof(out->rt.name));
}

static int tunnel_publish(struct tunnel_ctl *t, uint16_t i) {
	const struct conf_tunnel *c = &t->nave->conf->tunnels[i];
	struct publish *p = t->nave->publish;
	int endpoint = publish_endpoint(p, &c->source, c->port), rc;
	struct publish_tunnel pt;

	if (endpoint < 0)
		return endpoint;
	tunnel_rt(t->nave->conf, i, (uint16_t)endpoint, &pt);
	rc = publish_tunnel(p, &pt);
	for (unsigned j = 0; rc == 0 && j < c->n_addresses; j++)
		rc = publish_tunnel_addr(p, i, &c->addresses[j].addr, c->addresses[j].len_bits);
	return rc;
}

static int tun_open(struct tunnel_ctl *t, uint16_t i, FILE *errors) {
	const struct conf_tunnel *c = &t->nave->conf->tunnels[i];
	struct tuntap_addr addrs[CONF_LIST_MAX];
	struct tuntap_conf tc = {
		.kind = TUNTAP_TUN,
		.name = c->name,
		.netns = text_or_null(t->nave->conf->vrfs[c->vrf].host_netns),
		.mtu = c->mtu,
		.addrs = addrs,
		.n_addrs = addrs_copy(addrs, c->addresses, c->n_addresses),
	};

	return host_open(t, &t->tuns[i], &tc, i, c->mark, errors);
}

static int tunnel_up(struct tunnel_ctl *t, uint16_t i, FILE *errors) {
	const struct conf_tunnel *c = &t->nave->conf->tunnels[i];
	int rc = tunnel_publish(t, i);

	if (rc < 0) {
		conf_complain(t->nave->conf, c->mark, errors, "tunnel %s: %s", c->name,
			rc == -EEXIST ? "its (source, key) or one of its prefixes is another's" : strerror(-rc));
		return rc;
	}
	t->n_tunnels = i + 1;
	return c->host ? tun_open(t, i, errors) : 0;
}

static int vrfs_publish(struct tunnel_ctl *t) {
	const struct conf *conf = t->nave->conf;
	int rc = 0;

	for (uint16_t i = 0; rc == 0 && i < conf->n_vrfs; i++)
		rc = publish_vrf(t->nave->publish, i, conf->vrfs[i].name, conf->vrfs[i].routes_max_ipv4,
			conf->vrfs[i].routes_max_ipv6);
	return rc;
}

static bool turn(void *arg, uint64_t now_ns) {
	struct tunnel_ctl *t = arg;
	bool more = host_turn(t);

	(void)now_ns;
	return host_ns_turn(t) || more;
}

static void peer_taken(void *datapath, uint32_t peer) {
	datapath_spoke_taken(datapath, peer);
}

static int start(struct tunnel_ctl *t, FILE *errors) {
	const struct conf *conf = t->nave->conf;
	int rc = vrfs_publish(t);

	if (rc < 0) {
		fprintf(errors, "%s: VRFs: %s\n", conf->file, strerror(-rc));
		return rc;
	}
	if (conf->n_ports > FWD_PORTS_MAX || conf->n_tunnels > FWD_TUNNELS_MAX) {
		fprintf(errors, "%s: at most %u ports and %u tunnels\n", conf->file, FWD_PORTS_MAX, FWD_TUNNELS_MAX);
		return -E2BIG;
	}
	publish_on_resolve(t->nave->publish, host_resolve, t);
	publish_on_peer(t->nave->publish, peer_taken, t->nave->datapath);
	for (uint16_t i = 0; rc == 0 && i < conf->n_ports; i++)
		rc = port_up(t, i, errors);
	for (uint16_t i = 0; rc == 0 && i < conf->n_tunnels; i++)
		rc = tunnel_up(t, i, errors);
	return rc == 0 ? control_on_turn(t->nave->control, turn, t) : rc;
}

struct tunnel_ctl *tunnel_ctl_create(struct nave *nave, FILE *errors) {
	struct tunnel_ctl *t = calloc(1, sizeof(*t));
	int rc = -ENOMEM;

	if (!t)
		return NULL;
	t->nave = nave;
	t->tuns = calloc(nave->conf->n_tunnels + 1, sizeof(*t->tuns));
	if (t->tuns)
		rc = start(t, errors);
	if (rc == 0)
		return t;
	tunnel_ctl_free(t);
	errno = -rc;
	return NULL;
}

void tunnel_ctl_free(struct tunnel_ctl *t) {
	if (!t)
		return;
	control_off_turn(t->nave->control, turn, t);
	publish_on_resolve(t->nave->publish, NULL, NULL);
	publish_on_peer(t->nave->publish, NULL, NULL);
	for (uint16_t i = t->n_tunnels; i-- > 0;)
		host_close(&t->tuns[i]);
	for (uint16_t i = t->n_ports; i-- > 0;) {
		host_close(&t->taps[i]);
		port_close(&t->ports[i]);
	}
	for (uint16_t i = t->n_ns; i-- > 0;)
		host_ns_close(&t->ns[i]);
	free(t->tuns);
	free(t);
}

const struct port *tunnel_ctl_port(const struct tunnel_ctl *t, uint16_t port) {
	return port < t->n_ports ? &t->ports[port] : NULL;
}

static const char *dev_name(const struct host_dev *d) {
	return d->is_open ? d->dev.name : NULL;
}

const char *tunnel_ctl_tap_name(const struct tunnel_ctl *t, uint16_t port) {
	return port < t->n_ports ? dev_name(&t->taps[port]) : NULL;
}

const char *tunnel_ctl_tun_name(const struct tunnel_ctl *t, uint16_t tunnel) {
	return tunnel < t->n_tunnels ? dev_name(&t->tuns[tunnel]) : NULL;
}

const uint64_t *tunnel_ctl_counters(const struct tunnel_ctl *t) {
	return t->counters;
}

void tunnel_ctl_clear(struct tunnel_ctl *t) {
	memset(t->counters, 0, sizeof(t->counters));
}
