// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>

#include <rte_mbuf.h>

#include "datapath.h"
#include "gre_wire.h"
#include "nhrp_state.h"
#include "pkt_meta.h"
#include "publish.h"
#include "clock.h" // after DPDK

#define WAIT_NS NS_PER_S
#define WAIT_LOOK_NS NS_PER_MS

static void count(struct nhrp_ctl *n, enum nhrp_ctl_counter c) {
	n->stats.counters[c]++;
}

static void lose(struct nhrp_ctl *n, struct rte_mbuf *m, enum nhrp_ctl_counter why) {
	count(n, why);
	rte_pktmbuf_free(m);
}

static struct rte_mbuf *encode(struct nhrp_ctl *n, const struct nhrp_msg *msg) {
	struct rte_mbuf *m = rte_pktmbuf_alloc(datapath_control_pool(n->nave->datapath));
	int len;

	if (!m) {
		count(n, NHRP_CTL_NO_MBUF);
		return NULL;
	}
	len = nhrp_msg_encode(msg, rte_pktmbuf_mtod(m, uint8_t *), rte_pktmbuf_tailroom(m));
	if (len < 0) {
		lose(n, m, NHRP_CTL_ENCODE_FAILED);
		return NULL;
	}
	rte_pktmbuf_append(m, (uint16_t)len);
	return m;
}

// On a protected tunnel the peer is who has the SAs, registered or not, and there is no other way.
static uint32_t peer_of(const struct nhrp_ctl *n, const struct tunnel *t, const struct pkt_meta *meta) {
	struct publish_peer where = {.endpoint = t->endpoint, .nbma = meta->nbma, .nbma_port = meta->nbma_port};

	return t->is_protected ? publish_peer_find(n->nave->publish, &where)
			       : peer_lookup(&n->nave->fwd.peers, t->endpoint, &meta->nbma);
}

// Registered: over its peer. Else by NBMA address, on tunnels in clear only.
// Returns 0, -EAGAIN while the neighbour is not known, -EHOSTUNREACH.
static int choose_way(struct nhrp_ctl *n, const struct tunnel *t, struct pkt_meta *meta) {
	const struct fwd *f = &n->nave->fwd;
	uint32_t peer = peer_of(n, t, meta);
	int nh;

	if (peer) {
		const struct peer *p = peer_at(&f->peers, peer);

		meta->way = WAY_PEER;
		meta->peer_out = peer;
		meta->peer_out_gen = p->gen;
		if (!p->nh)
			return -EHOSTUNREACH;
		return nh_load(&f->nhs, p->nh).resolved ? 0 : -EAGAIN;
	}
	if (t->is_protected)
		return -EHOSTUNREACH;
	nh = publish_nbma_nh(n->nave->publish, f->endpoints[t->endpoint].port, &meta->nbma);
	if (nh < 0)
		return nh;
	meta->way = WAY_NBMA;
	meta->peer_out = (uint32_t)nh;
	return 0;
}

// One for each client and type of answer: the newest is the one worth sending. A client may have several protocol
// addresses, and its NBMA address may be that of others too.
static bool is_same(const struct nhrp_waiting *a, const struct nhrp_waiting *b) {
	return addr_eq(&a->nbma, &b->nbma) && addr_eq(&a->client, &b->client) && a->port == b->port &&
	       a->type == b->type && pkt_meta(a->m)->tunnel == pkt_meta(b->m)->tunnel;
}

static struct nhrp_waiting *waiting_slot(struct nhrp_ctl *n, const struct nhrp_waiting *wants) {
	struct nhrp_waiting *idle = NULL;

	for (unsigned i = 0; i < NHRP_WAIT_MAX; i++) {
		struct nhrp_waiting *w = &n->waiting[i];

		if (!w->m)
			idle = idle ? idle : w;
		else if (is_same(w, wants))
			return w;
	}
	return idle;
}

static void wait_for_neighbour(struct nhrp_ctl *n, const struct nhrp_waiting *wants) {
	struct nhrp_waiting *w = waiting_slot(n, wants);

	if (!w) {
		lose(n, wants->m, NHRP_CTL_WAIT_FULL);
		return;
	}
	if (w->m)
		lose(n, w->m, NHRP_CTL_WAIT_REPLACED);
	else
		n->stats.waiting++;
	*w = *wants;
	count(n, NHRP_CTL_WAITED);
}

static void give_to_worker(struct nhrp_ctl *n, struct rte_mbuf *m) {
	if (datapath_send(n->nave->datapath, m, EGRESS_CONTROL) < 0)
		lose(n, m, NHRP_CTL_RING_FULL);
	else
		count(n, NHRP_CTL_SENT);
}

void nhrp_send(struct nhrp_ctl *n, uint16_t tunnel, const struct nhs_source *src, const struct nhrp_msg *msg,
	uint64_t now_ns) {
	const struct tunnel *t = n->nave->fwd.tunnels[tunnel];
	struct rte_mbuf *m = encode(n, msg);
	int rc;

	if (!m)
		return;
	*pkt_meta(m) = (struct pkt_meta){
		.tunnel = tunnel,
		.gre_protocol = GRE_PROTO_NHRP,
		.iface_in = IFACE_NONE,
		.priority = 1,
		.nbma = src->nbma,
		.nbma_port = src->nbma_port,
	};
	rc = choose_way(n, t, pkt_meta(m));
	if (rc == 0)
		give_to_worker(n, m);
	else if (rc == -EAGAIN)
		wait_for_neighbour(
			n, &(struct nhrp_waiting){
				   .m = m,
				   .nbma = src->nbma,
				   .client = msg->type == NHRP_ERROR_INDICATION ? msg->dst_protocol : msg->src_protocol,
				   .type = msg->type,
				   .port = n->nave->fwd.endpoints[t->endpoint].port,
				   .deadline_ns = now_ns + WAIT_NS,
			   });
	else
		lose(n, m, NHRP_CTL_NO_WAY);
}

// What the message waited for may be gone: its way is chosen anew.
static void waiting_look(struct nhrp_ctl *n, struct nhrp_waiting *w, uint64_t now_ns) {
	struct pkt_meta *meta = pkt_meta(w->m);
	const struct tunnel *t = n->nave->fwd.tunnels[meta->tunnel];
	int rc = t ? choose_way(n, t, meta) : -EHOSTUNREACH;

	if (rc == -EAGAIN && now_ns < w->deadline_ns)
		return;
	if (rc == 0)
		give_to_worker(n, w->m);
	else
		lose(n, w->m, rc == -EAGAIN ? NHRP_CTL_WAIT_TIMEOUT : NHRP_CTL_NO_WAY);
	w->m = NULL;
	n->stats.waiting--;
}

void nhrp_waiting_turn(struct nhrp_ctl *n, uint64_t now_ns) {
	if (!n->stats.waiting || now_ns - n->waiting_looked_ns < WAIT_LOOK_NS)
		return;
	n->waiting_looked_ns = now_ns;
	for (unsigned i = 0; i < NHRP_WAIT_MAX; i++)
		if (n->waiting[i].m)
			waiting_look(n, &n->waiting[i], now_ns);
}

void nhrp_waiting_drop(struct nhrp_ctl *n) {
	for (unsigned i = 0; i < NHRP_WAIT_MAX; i++) {
		rte_pktmbuf_free(n->waiting[i].m);
		n->waiting[i].m = NULL;
	}
	n->stats.waiting = 0;
}
