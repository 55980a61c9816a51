// SPDX-License-Identifier: BSD-3-Clause
#include "wire.h"

#include <rte_ether.h>

#include "gre_wire.h"
#include "spoke_esp.h"

_Static_assert(RTE_PKTMBUF_HEADROOM >= sizeof(((struct spoke_frame *)0)->outer) + SPOKE_ESP_FRONT + GRE_HEADER_MAX,
	"the generator's frames have room for all headers");

static void seal_burst(struct lab *lab, struct rte_mbuf **frames, const uint32_t *spokes, unsigned n) {
	struct spoke_esp_packet pkts[ESP_BURST_MAX];

	for (unsigned i = 0; i < n; i++)
		pkts[i] = (struct spoke_esp_packet){.spoke = spokes[i],
			.at = rte_pktmbuf_mtod(frames[i], uint8_t *),
			.len_bytes = frames[i]->data_len};
	spoke_esp_seal(lab->esp, pkts, n);
	for (unsigned i = 0; i < n; i++) {
		frames[i]->data_off = pkts[i].at - (uint8_t *)frames[i]->buf_addr;
		frames[i]->data_len = frames[i]->pkt_len = pkts[i].len_bytes;
	}
}

void wire_push(struct lab *lab, struct rte_mbuf **frames, const uint32_t *spokes, unsigned n) {
	for (unsigned i = 0; lab->esp && i < n; i += ESP_BURST_MAX)
		seal_burst(lab, frames + i, spokes + i, RTE_MIN(n - i, (unsigned)ESP_BURST_MAX));
	for (unsigned i = 0; i < n; i++)
		spoke_outer_push(&lab->frame, spokes[i], frames[i]);
}

static void verdict_take(struct lab *lab, struct wire_rx *w, const struct spoke_esp_packet *p) {
	switch (p->verdict) {
	case SPOKE_ESP_LATE:
		lab->reordered++;
		break;
	case SPOKE_ESP_OK:
		break;
	case SPOKE_ESP_REPLAYED:
		lab->replayed++;
		w->is_replayed = true;
		return;
	default:
		w->wrong = spoke_esp_verdict_help(p->verdict);
		return;
	}
	w->rx.at = p->at;
	w->rx.len_bytes = p->len_bytes;
}

static void open_burst(struct lab *lab, unsigned n, struct wire_rx *rx) {
	struct spoke_esp_packet pkts[ESP_BURST_MAX];
	struct wire_rx *of[ESP_BURST_MAX];
	unsigned n_pkts = 0;

	for (unsigned i = 0; i < n; i++) {
		if (rx[i].wrong)
			continue;
		of[n_pkts] = &rx[i];
		pkts[n_pkts++] = (struct spoke_esp_packet){
			.spoke = rx[i].rx.spoke, .at = rx[i].rx.at, .len_bytes = rx[i].rx.len_bytes};
	}
	spoke_esp_open(lab->esp, pkts, n_pkts);
	for (unsigned i = 0; i < n_pkts; i++)
		verdict_take(lab, of[i], &pkts[i]);
}

void wire_pull(struct lab *lab, struct rte_mbuf **frames, unsigned n, struct wire_rx *rx) {
	const struct scenario_spokes *s = &lab->scenario->spokes;

	for (unsigned i = 0; i < n; i++) {
		rx[i] = (struct wire_rx){.rx.spoke = UINT32_MAX};
		rx[i].wrong = spoke_outer_pull(&lab->frame, s, frames[i], &rx[i].rx);
	}
	if (lab->esp)
		open_burst(lab, n, rx);
	for (unsigned i = 0; i < n; i++)
		if (!rx[i].wrong && !rx[i].is_replayed)
			rx[i].wrong = spoke_gre_pull(&lab->frame, s, &rx[i].rx);
}

static const uint8_t router_mac[6] = LAB_LAN_ROUTER_MAC;

void lan_push(const struct lab *lab, struct rte_mbuf *m) {
	uint8_t *p = (uint8_t *)rte_pktmbuf_prepend(m, RTE_ETHER_HDR_LEN);

	memcpy(p, lab->ports[LAB_LAN].mac, 6);
	memcpy(p + 6, router_mac, 6);
	p[12] = 0x08;
	p[13] = 0;
}

const char *lan_pull(const struct lab *lab, const struct rte_mbuf *m, struct spoke_rx *rx) {
	uint8_t *p = rte_pktmbuf_mtod(m, uint8_t *);

	if (m->nb_segs != 1 || m->data_len < RTE_ETHER_HDR_LEN)
		return "frame to the LAN shorter than its header";
	if (memcmp(p, router_mac, 6) != 0 || memcmp(p + 6, lab->ports[LAB_LAN].mac, 6) != 0 || p[12] != 0x08 || p[13])
		return "Ethernet header is not from the hub to the LAN's router";
	rx->gre_protocol = GRE_PROTO_IPV4;
	rx->inner = p + RTE_ETHER_HDR_LEN;
	rx->inner_len_bytes = m->data_len - RTE_ETHER_HDR_LEN;
	return NULL;
}
