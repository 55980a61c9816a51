// SPDX-License-Identifier: BSD-3-Clause
// A whole hub in this process, on a port that sends nowhere, with its one worker standing still: tests put NHRP into
// the worker's punt ring and take the answers out of the ring from control.
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <rte_mbuf.h>

#include "conf.h"
#include "control.h"
#include "datapath.h"
#include "eal.h"
#include "gre_wire.h"
#include "ladder.h"
#include "nhrp_ctl.h"
#include "nhrp_msg.h"
#include "publish.h"

static struct nave hub;

static inline struct conf *hub_conf(const char *name, const char *more_port, const char *more_tunnel) {
	char text[2048];

	snprintf(text, sizeof(text),
		"version: 1\n"
		"hub: {name: %s, control-cpu: 0, worker-cpus: [0], hugepages: off, max-spokes: 20000}\n"
		"ports:\n"
		"  wan0: {device: \"net_null_%s,no-rx=1\", host: false, address: 10.0.0.1/24, gateway: 10.0.0.254%s}\n"
		"tunnels:\n"
		"  dmvpn0: {source: {port: wan0, address: 10.0.0.1}, key: 42, network-id: 1,\n"
		"    address: [172.16.0.1/12, \"2001:db8::1/64\"], phase: 1, host: false, protection: none%s}\n",
		name, name, more_port, more_tunnel);
	return conf_load_text(name, text, stderr);
}

static inline int hub_eal(const char *name) {
	struct eal_options eo = {.no_telemetry = true};
	struct conf *conf = hub_conf(name, "", "");
	int rc = conf ? nave_eal_init(conf, &eo, stderr) : -1;

	conf_free(conf);
	return rc;
}

static inline int hub_up(const char *name, const char *more_port, const char *more_tunnel) {
	struct conf *conf = hub_conf(name, more_port, more_tunnel);

	return conf ? nave_up(&hub, conf, &(struct ladder_options){.rx_mbufs = 4095}, stderr) : -1;
}

#define GATEWAY_KNOWN ", neighbours: [{address: 10.0.0.254, mac: \"02:00:00:00:00:fe\"}]"

static inline struct addr ip(const char *text) {
	struct addr a = {0};

	addr_parse(text, &a);
	return a;
}

static inline struct nhrp_msg nhrp_request(uint8_t type, struct addr protocol, struct addr nbma) {
	return (struct nhrp_msg){
		.nbma_family = ADDR_IPV4,
		.protocol_family = ADDR_IPV4,
		.hop_count = 16,
		.type = type,
		.request_id = 7,
		.src_nbma = nbma,
		.src_protocol = protocol,
		.dst_protocol = ip("172.16.0.1"),
		.n_cies = 1,
		.cies = {{.prefix_len = 0xff, .holding_time_s = 600}},
		.has_extensions = true,
		.has_end = true,
	};
}

// false: no room.
static inline bool hub_punt(const uint8_t *bytes, uint16_t len, struct addr seen_from) {
	struct lcore_ctx *lc = datapath_lcore(hub.datapath, 0);
	struct rte_mbuf *m = rte_pktmbuf_alloc(lc->punt_pool);

	if (!m)
		return false;
	memcpy(rte_pktmbuf_append(m, len), bytes, len);
	*pkt_meta(m) = (struct pkt_meta){.gre_protocol = GRE_PROTO_NHRP, .nbma = seen_from};
	if (rte_ring_sp_enqueue(lc->punt[PUNT_NHRP], m) == 0)
		return true;
	rte_pktmbuf_free(m);
	return false;
}

static inline unsigned hub_answers(struct rte_mbuf **pkts, unsigned n) {
	return rte_ring_sc_dequeue_burst(
		datapath_lcore(hub.datapath, 0)->from_control[EGRESS_CONTROL], (void **)pkts, n, NULL);
}
