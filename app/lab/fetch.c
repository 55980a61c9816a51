// SPDX-License-Identifier: BSD-3-Clause
#include "fetch.h"

#include <errno.h>

#include <rte_branch_prediction.h>
#include <rte_cycles.h>
#include <rte_ethdev.h>
#include <rte_pause.h>

#include "pkt_meta.h"

#define LINE 64

static void line_own(uint8_t *at) {
	volatile uint64_t *word = (volatile uint64_t *)RTE_PTR_ALIGN_FLOOR(at, LINE);

	*word = *word;
}

// The mbuf, its meta, and from there to the packet's end: headers may grow, and what the hub writes behind the packet
// is where an ICV was.
static void frame_own(struct rte_mbuf *m) {
	uint8_t *end = rte_pktmbuf_mtod(m, uint8_t *) + m->data_len;

	for (unsigned i = 0; i < sizeof(*m) + PKT_PRIV_SIZE; i += LINE)
		line_own((uint8_t *)m + i);
	for (uint8_t *at = rte_pktmbuf_mtod(m, uint8_t *); at < end; at += LINE)
		line_own(at);
	line_own(end - 1);
}

static uint16_t on_receive(
	uint16_t ethdev, uint16_t queue, struct rte_mbuf **pkts, uint16_t n, uint16_t max, void *arg) {
	struct lab_fetch *f = arg;

	(void)ethdev, (void)queue, (void)pkts, (void)max;
	if (n || likely(!__atomic_load_n(&f->wanted, __ATOMIC_ACQUIRE)))
		return n;
	for (uint32_t i = 0; i < f->n; i++)
		if (f->spokes[i] % f->n_queues == f->queue)
			frame_own(f->frames[i]);
	__atomic_store_n(&f->wanted, 0, __ATOMIC_RELEASE);
	return 0;
}

// Callbacks stay until the port is closed.
int fetch_install(struct lab *lab) {
	for (unsigned port = 0; port < lab->n_ports; port++) {
		for (uint16_t q = 0; q < lab->n_queues; q++) {
			struct lab_fetch *f = &lab->ports[port].fetch[q];

			f->queue = q;
			f->n_queues = lab->n_queues;
			if (!rte_eth_add_rx_callback(lab->ports[port].ethdev, q, on_receive, f))
				return -ENOMEM;
		}
	}
	return 0;
}

void fetch_frames(struct lab *lab, unsigned port, struct rte_mbuf **frames, const uint32_t *spokes, uint32_t n) {
	uint64_t end = rte_rdtsc() + rte_get_tsc_hz();
	struct lab_fetch *f = lab->ports[port].fetch;

	for (uint16_t q = 0; q < lab->n_queues; q++) {
		f[q].frames = frames;
		f[q].spokes = spokes;
		f[q].n = n;
		__atomic_store_n(&f[q].wanted, 1, __ATOMIC_RELEASE);
	}
	for (uint16_t q = 0; q < lab->n_queues; q++)
		while (__atomic_load_n(&f[q].wanted, __ATOMIC_ACQUIRE) && rte_rdtsc() < end)
			rte_pause();
}
