// SPDX-License-Identifier: BSD-3-Clause
#include "lab.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <rte_ethdev.h>

#include "capture.h"

#define WAN_MTU 1500
#define WAN_MTU_PROTECTED 1600 // 1,400 bytes inner with any suite, in UDP and tunnel mode too

static void ports_print(FILE *f, const struct scenario *s) {
	fprintf(f,
		"ports:\n  wan0: {device: net_ring_hub0, host: false, mtu: %u, address: 192.0.2.1/24, gateway: "
		"192.0.2.254,\n"
		"    neighbours: [{address: 192.0.2.254, mac: \"02:00:00:00:00:fe\"}]}\n",
		scenario_is_protected(s) ? WAN_MTU_PROTECTED : WAN_MTU);
	if (scenario_has_lan(s))
		fprintf(f, "  lan0: {device: net_ring_hub1, host: false, address: 192.168.0.1/24,\n"
			   "    neighbours: [{address: 192.168.0.2, mac: \"02:00:00:00:00:fd\"}]}\n");
}

// Of mode manual: the SAs come by sa_ctl_add(), when the ladder is up.
static void protection_print(FILE *f, const struct scenario *s) {
	if (scenario_is_protected(s))
		fprintf(f, "    protection: {mode: manual, replay-window: %u, anti-spoof: %s}\n",
			s->hub_replay_window, s->anti_spoof ? "strict" : "off");
	else
		fprintf(f, "    protection: none\n");
}

static void tunnel_print(FILE *f, const struct scenario *s) {
	fprintf(f, "tunnels:\n  dmvpn0:\n    source: {port: wan0, address: 192.0.2.1}\n");
	if (s->spokes.has_key)
		fprintf(f, "    key: %u\n", s->spokes.key);
	fprintf(f,
		"    checksum: %s\n    address: 172.16.0.1/%u\n    network-id: 1\n    phase: 3\n    mtu: 1400\n    "
		"host: false\n",
		s->spokes.checksum ? "true" : "false", LAB_TUNNEL_LEN_BITS);
	protection_print(f, s);
	fprintf(f, "    nhrp: {holding-time: %u", s->spokes.holding_time_s);
	if (s->spokes.authentication[0])
		fprintf(f, ", authentication: \"%s\"", s->spokes.authentication);
	fprintf(f, "}\n");
}

static void routes_print(FILE *f, const struct scenario *s) {
	fprintf(f, "routes:\n");
	if (scenario_has_lan(s))
		fprintf(f, "  - {prefix: 192.168.128.0/17, via: [{next-hop: 192.168.0.2, port: lan0}]}\n");
	for (uint32_t i = 0; i < s->spokes.count; i++) {
		uint32_t lan = spoke_lan(i), p = spoke_protocol(i);

		fprintf(f, "  - {prefix: %u.%u.%u.0/24, via: [{next-hop: %u.%u.%u.%u, tunnel: dmvpn0}]}\n", lan >> 24,
			lan >> 16 & 255, lan >> 8 & 255, p >> 24, p >> 16 & 255, p >> 8 & 255, p & 255);
	}
}

char *lab_hub_config(const struct scenario *s, const char *hub_name) {
	char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);

	if (!f)
		return NULL;
	fprintf(f, "version: 1\nhub: {name: %s, control-cpu: 0, worker-cpus: [", hub_name);
	for (uint16_t w = 0; w < s->workers; w++)
		fprintf(f, "%s%u", w ? ", " : "", w + 1);
	fprintf(f, "], hugepages: auto, idle: poll, max-spokes: %u}\nconsole: {socket: /run/nave/%s.console}\n",
		s->max_spokes, hub_name);
	ports_print(f, s);
	tunnel_print(f, s);
	routes_print(f, s);
	fclose(f);
	return text;
}

unsigned lab_send(struct lab *lab, unsigned port, struct rte_mbuf **frames, const uint32_t *spokes, unsigned n) {
	struct lab_port *p = &lab->ports[port];

	if (lab->capture && port == LAB_WAN)
		capture_frames(lab->capture, frames, n, true);
	if (lab->n_queues == 1)
		return rte_ring_enqueue_burst(p->to_hub[0], (void **)frames, n, NULL);
	for (unsigned i = 0; i < n; i++) // as RSS would: by spoke, so that a spoke's packets keep their order
		if (rte_ring_enqueue(p->to_hub[spokes[i] % lab->n_queues], frames[i]) < 0)
			return i;
	return n;
}

unsigned lab_receive(struct lab *lab, unsigned port, struct rte_mbuf **frames, unsigned n) {
	struct lab_port *p = &lab->ports[port];
	unsigned got = 0;

	for (uint16_t q = 0; q < lab->n_queues && got < n; q++)
		got += rte_ring_dequeue_burst(p->from_hub[q], (void **)frames + got, n - got, NULL);
	if (lab->capture && port == LAB_WAN && got)
		capture_frames(lab->capture, frames, got, false);
	return got;
}

void lab_progress(const struct lab *lab, const char *fmt, ...) {
	va_list ap;

	if (!lab->progress)
		return;
	va_start(ap, fmt);
	fprintf(stderr, "\r\033[K");
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fflush(stderr);
}
