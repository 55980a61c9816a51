// SPDX-License-Identifier: BSD-3-Clause
#include "datapath.h"

#include <errno.h>
#include <stdio.h>

#include <rte_errno.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_malloc.h>

#include "ipsec.h"
#include "port_tx.h"
#include "punt.h"
#include "worker.h"

#define CONTROL_POOL_MBUFS 8192
#define POOL_CACHE 128
// Lcores may share a CPU: with the default ring a preempted one would stop the others (recipes: 74,000 cycles an
// operation).
#define POOL_OPS "ring_mt_rts"
#define EGRESS_DATA_RING 1024
#define EGRESS_CONTROL_RING 1024
#define WORKER_CONTROL_RING 256
#define ESP_RING 1024

struct datapath {
	struct fwd *fwd;
	uint16_t n_workers;
	unsigned lcores[FWD_WORKERS_MAX];
	struct worker *workers[FWD_WORKERS_MAX];
	struct rte_mempool *punt_pool, *control_pool;
	struct spoke_counters *spoke_base; // [peers.max]: what earlier users of a slot left
	uint16_t punt_turn[PUNT_CLASSES]; // the worker whose ring is read first
	bool running;
	volatile uint32_t stop __attribute__((aligned(64)));
};

static struct rte_ring *ring_create(const char *what, unsigned a, unsigned b, unsigned size) {
	char name[RTE_RING_NAMESIZE];

	snprintf(name, sizeof(name), "%s.%u.%u", what, a, b);
	return rte_ring_create(name, size, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
}

static void ring_drain_free(struct rte_ring *r) {
	void *one;

	if (!r)
		return;
	while (rte_ring_sc_dequeue(r, &one) == 0) {
		struct rte_mbuf *m = one;

		if (pkt_meta(m)->way == WAY_SA)
			esp_wipe(rte_pktmbuf_mtod(m, void *), sizeof(struct sa_message));
		rte_pktmbuf_free(m);
	}
	rte_ring_free(r);
}

static void worker_free(struct worker *w) {
	struct lcore_ctx *lc = &w->lc;

	for (unsigned c = 0; c < PUNT_CLASSES; c++)
		ring_drain_free(lc->punt[c]);
	for (unsigned p = 0; p < EGRESS_PRIORITIES; p++) {
		ring_drain_free(lc->from_control[p]);
		for (unsigned from = 0; from < FWD_WORKERS_MAX; from++)
			ring_drain_free(lc->from_worker[from][p]);
	}
	for (unsigned from = 0; from < FWD_WORKERS_MAX; from++)
		ring_drain_free(lc->esp_from[from]);
	if (lc->crypto)
		lc->fwd->ipsec->ops->lcore_free(lc->crypto);
	rte_free(lc->events);
	punt_policer_free(lc->punt_policer);
	rte_free(lc->spokes);
	rte_free(lc->counters);
	rte_free(w);
}

static int worker_rings(struct lcore_ctx *lc) {
	for (unsigned c = 0; c < PUNT_CLASSES; c++) {
		lc->punt[c] = ring_create("punt", c, lc->id, punt_ring_size(c, lc->n_workers));
		if (!lc->punt[c])
			return -ENOMEM;
	}
	lc->from_control[EGRESS_CONTROL] = ring_create("egress_c", lc->id, EGRESS_CONTROL, EGRESS_CONTROL_RING);
	lc->from_control[EGRESS_DATA] = ring_create("egress_c", lc->id, EGRESS_DATA, EGRESS_DATA_RING);
	return lc->from_control[EGRESS_CONTROL] && lc->from_control[EGRESS_DATA] ? 0 : -ENOMEM;
}

static int worker_crypto(struct lcore_ctx *lc) {
	if (!lc->fwd->ipsec)
		return 0;
	lc->events = rte_zmalloc("events", LCORE_EVENTS_MAX * sizeof(*lc->events), RTE_CACHE_LINE_SIZE);
	lc->crypto = lc->fwd->ipsec->ops->lcore_create();
	return lc->events && lc->crypto ? 0 : -ENOMEM;
}

static struct worker *worker_create(struct datapath *dp, const struct datapath_conf *conf, uint16_t id) {
	struct worker *w = rte_zmalloc("worker", sizeof(*w), RTE_CACHE_LINE_SIZE);
	uint32_t max_peers = dp->fwd->peers.max;
	struct lcore_ctx *lc;

	if (!w)
		return NULL;
	w->idle = conf->idle;
	w->accounting = conf->stage_accounting;
	lc = &w->lc;
	lc->fwd = dp->fwd;
	lc->id = id;
	lc->n_workers = dp->n_workers;
	lc->punt_pool = dp->punt_pool;
	lc->stop = &dp->stop;
	lc->spokes = rte_zmalloc("spokes", (size_t)max_peers * sizeof(*lc->spokes), RTE_CACHE_LINE_SIZE);
	lc->counters = rte_zmalloc("counters", sizeof(*lc->counters), RTE_CACHE_LINE_SIZE);
	lc->punt_policer = punt_policer_create(max_peers, conf->punt_per_source_pps);
	if (lc->spokes && lc->counters && lc->punt_policer && worker_rings(lc) == 0 && worker_crypto(lc) == 0)
		return w;
	worker_free(w);
	return NULL;
}

// The reading end owns the ring; the writing end only points at it.
static int pair_rings(struct datapath *dp) {
	static const unsigned sizes[EGRESS_PRIORITIES] = {
		[EGRESS_CONTROL] = WORKER_CONTROL_RING, [EGRESS_DATA] = EGRESS_DATA_RING};

	for (unsigned p = 0; p < EGRESS_PRIORITIES; p++) {
		const char *what = p == EGRESS_CONTROL ? "handoff_c" : "handoff_d";

		for (uint16_t from = 0; from < dp->n_workers; from++) {
			for (uint16_t to = 0; to < dp->n_workers; to++) {
				struct rte_ring *r = from == to ? NULL : ring_create(what, from, to, sizes[p]);

				if (from != to && !r)
					return -ENOMEM;
				dp->workers[from]->lc.to_worker[to][p] = r;
				dp->workers[to]->lc.from_worker[from][p] = r;
			}
		}
	}
	return 0;
}

// Room for the largest frame of any port.
static uint16_t data_room(const struct fwd *fwd) {
	unsigned room = RTE_MBUF_DEFAULT_DATAROOM;

	for (uint16_t i = 0; i < fwd->n_ports; i++)
		room = RTE_MAX(room, fwd->ports[i].mtu + 64u);
	return RTE_MIN(room + RTE_PKTMBUF_HEADROOM, (unsigned)UINT16_MAX);
}

static struct rte_mempool *pool_create(const struct datapath *dp, const char *name, uint32_t mbufs) {
	return rte_pktmbuf_pool_create_by_ops(
		name, mbufs, POOL_CACHE, PKT_PRIV_SIZE, data_room(dp->fwd), SOCKET_ID_ANY, POOL_OPS);
}

static int esp_rings(struct datapath *dp) {
	for (uint16_t from = 0; dp->fwd->ipsec && from < dp->n_workers; from++) {
		for (uint16_t to = 0; to < dp->n_workers; to++) {
			struct rte_ring *r = from == to ? NULL : ring_create("esp", from, to, ESP_RING);

			if (from != to && !r)
				return -ENOMEM;
			dp->workers[from]->lc.esp_to[to] = r;
			dp->workers[to]->lc.esp_from[from] = r;
		}
	}
	return 0;
}

struct datapath *datapath_create(const struct datapath_conf *conf) {
	struct datapath *dp;

	if (!conf->n_workers || conf->n_workers > FWD_WORKERS_MAX) {
		rte_errno = EINVAL;
		return NULL;
	}
	dp = rte_zmalloc("datapath", sizeof(*dp), RTE_CACHE_LINE_SIZE);
	if (!dp)
		goto err;
	dp->fwd = conf->fwd;
	dp->n_workers = conf->n_workers;
	memcpy(dp->lcores, conf->lcores, sizeof(dp->lcores));
	dp->spoke_base = rte_zmalloc("spoke_base", (size_t)dp->fwd->peers.max * sizeof(*dp->spoke_base), 0);
	if (!dp->spoke_base)
		goto err_free;
	dp->punt_pool =
		pool_create(dp, "punt", conf->punt_pool_mbufs ? conf->punt_pool_mbufs : punt_pool_size(dp->n_workers));
	dp->control_pool = pool_create(dp, "control", CONTROL_POOL_MBUFS);
	if (!dp->punt_pool || !dp->control_pool)
		goto err_free;
	for (uint16_t i = 0; i < dp->n_workers; i++) {
		dp->workers[i] = worker_create(dp, conf, i);
		if (!dp->workers[i])
			goto err_free;
	}
	if (pair_rings(dp) == 0 && esp_rings(dp) == 0)
		return dp;
err_free:
	datapath_free(dp);
err:
	rte_errno = ENOMEM;
	return NULL;
}

int datapath_start(struct datapath *dp) {
	dp->stop = 0;
	dp->running = true;
	for (uint16_t i = 0; i < dp->n_workers; i++) {
		int rc = rte_eal_remote_launch(worker_main, dp->workers[i], dp->lcores[i]);

		if (rc) {
			datapath_stop(dp);
			return rc;
		}
	}
	return 0;
}

void datapath_stop(struct datapath *dp) {
	if (!dp->running)
		return;
	__atomic_store_n(&dp->stop, 1, __ATOMIC_RELAXED);
	for (uint16_t i = 0; i < dp->n_workers; i++)
		rte_eal_wait_lcore(dp->lcores[i]);
	dp->running = false;
}

void datapath_free(struct datapath *dp) {
	if (!dp)
		return;
	datapath_stop(dp);
	for (uint16_t i = 0; i < dp->n_workers; i++)
		if (dp->workers[i])
			worker_free(dp->workers[i]);
	rte_mempool_free(dp->control_pool);
	rte_mempool_free(dp->punt_pool);
	rte_free(dp->spoke_base);
	rte_free(dp);
}

unsigned datapath_poll_once(struct datapath *dp, uint16_t worker) {
	struct lcore_ctx *lc = &dp->workers[worker]->lc;
	unsigned n;

	rcu_reader_online(dp->fwd->rcu, worker);
	n = worker_poll(lc);
	rcu_reader_offline(dp->fwd->rcu, worker);
	return n;
}

struct lcore_ctx *datapath_lcore(struct datapath *dp, uint16_t worker) {
	return &dp->workers[worker]->lc;
}

static uint16_t worker_of_peer(const struct datapath *dp, uint32_t peer) {
	uint16_t owner = peer < dp->fwd->peers.max ? peer_at(&dp->fwd->peers, peer)->owner : PEER_OWNER_ANY;

	return owner < dp->n_workers ? owner : peer % dp->n_workers; // always the same one: order is kept
}

static uint16_t worker_of_way(const struct datapath *dp, const struct pkt_meta *meta) {
	const struct fwd *fwd = dp->fwd;

	switch (meta->way) {
	case WAY_ADJ:
		if (meta->adj < fwd->adjs.max) {
			struct adj_state st = adj_state_load(&fwd->adjs.adjs[meta->adj]);

			if (st.kind == ADJ_TUNNEL)
				return worker_of_peer(dp, st.target);
		}
		return meta->adj % dp->n_workers;
	case WAY_PEER:
		return worker_of_peer(dp, meta->peer_out);
	case WAY_NBMA:
		return addr_hash(&meta->nbma, 0) % dp->n_workers;
	default:
		return meta->port < fwd->n_ports ? port_tx_worker(&fwd->ports[meta->port], 0) : 0;
	}
}

int datapath_send(struct datapath *dp, struct rte_mbuf *m, enum egress_priority priority) {
	struct pkt_meta *meta = pkt_meta(m);
	uint16_t to = worker_of_way(dp, meta);

	meta->priority = priority == EGRESS_CONTROL;
	meta->iface_in = IFACE_NONE;
	meta->peer_in = 0;
	return rte_ring_sp_enqueue(dp->workers[to]->lc.from_control[priority], m);
}

int datapath_send_sa(struct datapath *dp, uint16_t worker, uint32_t peer, const struct sa_message *msg) {
	struct rte_mbuf *m = rte_pktmbuf_alloc(dp->control_pool);
	struct sa_message *copy = m ? (struct sa_message *)rte_pktmbuf_append(m, sizeof(*msg)) : NULL;
	int rc = -ENOBUFS;

	if (copy && worker < dp->n_workers) {
		*copy = *msg;
		*pkt_meta(m) = (struct pkt_meta){
			.way = WAY_SA,
			.peer_out = peer,
			.peer_out_gen = peer_at(&dp->fwd->peers, peer)->gen,
			.iface_in = IFACE_NONE,
			.priority = 1,
		};
		rc = rte_ring_sp_enqueue(dp->workers[worker]->lc.from_control[EGRESS_CONTROL], m);
	}
	if (rc == 0)
		return 0;
	if (copy)
		esp_wipe(copy, sizeof(*copy));
	rte_pktmbuf_free(m);
	return rc;
}

unsigned datapath_punted(struct datapath *dp, enum punt_class c, struct rte_mbuf **pkts, unsigned n) {
	uint16_t first = dp->punt_turn[c];
	unsigned got = 0;

	for (uint16_t i = 0; i < dp->n_workers && got < n; i++) {
		struct rte_ring *r = dp->workers[(first + i) % dp->n_workers]->lc.punt[c];

		got += rte_ring_sc_dequeue_burst(r, (void **)(pkts + got), n - got, NULL);
	}
	dp->punt_turn[c] = first + 1u < dp->n_workers ? first + 1 : 0;
	return got;
}

struct rte_mempool *datapath_control_pool(struct datapath *dp) {
	return dp->control_pool;
}

// Counters are plain 8-byte words that one worker stores and anybody may load: all of them are added up alike.
_Static_assert(sizeof(struct lcore_counters) % sizeof(uint64_t) == 0, "only 64-bit words");
_Static_assert(sizeof(struct spoke_counters) % sizeof(uint64_t) == 0, "only 64-bit words");

static void words_add(void *sum, const void *of, size_t len_bytes) {
	const uint64_t *from = of;
	uint64_t *to = sum;

	for (size_t i = 0; i < len_bytes / sizeof(uint64_t); i++)
		to[i] += __atomic_load_n(&from[i], __ATOMIC_RELAXED);
}

void datapath_worker_counters(const struct datapath *dp, uint16_t worker, struct lcore_counters *out) {
	memset(out, 0, sizeof(*out));
	words_add(out, dp->workers[worker]->lc.counters, sizeof(*out));
}

void datapath_counters(const struct datapath *dp, struct lcore_counters *sum) {
	memset(sum, 0, sizeof(*sum));
	for (uint16_t i = 0; i < dp->n_workers; i++)
		words_add(sum, dp->workers[i]->lc.counters, sizeof(*sum));
}

static void spoke_total(const struct datapath *dp, uint32_t peer, struct spoke_counters *sum) {
	memset(sum, 0, sizeof(*sum));
	for (uint16_t i = 0; i < dp->n_workers; i++)
		words_add(sum, &dp->workers[i]->lc.spokes[peer], sizeof(*sum));
}

void datapath_spoke_counters(const struct datapath *dp, uint32_t peer, struct spoke_counters *sum) {
	const struct spoke_counters *base = &dp->spoke_base[peer];

	spoke_total(dp, peer, sum);
	sum->rx_packets -= base->rx_packets;
	sum->rx_bytes -= base->rx_bytes;
	sum->tx_packets -= base->tx_packets;
	sum->tx_bytes -= base->tx_bytes;
}

void datapath_spoke_taken(struct datapath *dp, uint32_t peer) {
	spoke_total(dp, peer, &dp->spoke_base[peer]);
}
