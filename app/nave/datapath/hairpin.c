// SPDX-License-Identifier: BSD-3-Clause
#include "hairpin.h"

#include <rte_byteorder.h>
#include <rte_ip.h>
#include <rte_prefetch.h>

#include "esp_in.h"
#include "esp_plain.h"
#include "esp_prefetch.h"
#include "express.h"
#include "gre_wire.h"
#include "inner.h"

// The tunnel of the burst's first good packet, and its GRE header as a number.
struct lane {
	bool is_open;
	const struct tunnel *t;
	uint64_t gre, mask; // of the header's first 8 octets
	uint16_t gre_len_bytes;
	uint16_t id; // of t
	bool anti_spoof;
};

// A burst on its way: mbufs and their meta stay as received until a packet leaves, here or for the long way.
struct flight {
	struct esp_job jobs[BURST_MAX];
	struct rte_mbuf *m[BURST_MAX];
	struct sa_in *sa[BURST_MAX];
	uint64_t seq[BURST_MAX], from[BURST_MAX];
	uint8_t *esp[BURST_MAX]; // then the GRE header
	uint32_t len[BURST_MAX]; // of ESP; then of GRE and what is in it
	uint32_t dst_be[BURST_MAX], src_be[BURST_MAX];
	uint32_t adj[BURST_MAX], back[BURST_MAX]; // of destination and source
	uint32_t peer[BURST_MAX];
	unsigned n;
};

// --- one: which are plain ESP, and which SAs they will need ---

static __rte_always_inline bool frame_take(
	const struct express *e, const struct esp_prefetch *pf, struct rte_mbuf *m, struct flight *f) {
	const uint8_t *frame = rte_pktmbuf_mtod(m, const uint8_t *);
	const struct rte_ipv4_hdr *ip = (const struct rte_ipv4_hdr *)(frame + RTE_ETHER_HDR_LEN);
	const uint32_t len = m->data_len;
	uint32_t total;

	rte_prefetch0(frame + 64); // what is inside begins in the first line and goes on in the next
	rte_prefetch0(frame + len - 1);
	if (unlikely(!is_express(e, m, frame) || ip->next_proto_id != IPPROTO_ESP))
		return false;
	total = rte_be_to_cpu_16(ip->total_length);
	if (unlikely(total - sizeof(*ip) - ESP_HEADER_BYTES > len - EXPRESS_LEN_BYTES - ESP_HEADER_BYTES ||
		     len < EXPRESS_LEN_BYTES + ESP_HEADER_BYTES || !outer_checksum_ok(m, ip, sizeof(*ip))))
		return false;
	f->m[f->n] = m;
	f->esp[f->n] = rte_pktmbuf_mtod_offset(m, uint8_t *, EXPRESS_LEN_BYTES);
	f->len[f->n] = total - sizeof(*ip);
	f->from[f->n] = plain_from(ip->src_addr, 0, e->meta.endpoint);
	esp_in_prefetch(pf, f->esp[f->n]);
	if (unlikely(f->n < KEYS_FIRST))
		key_prefetch(sa_in_key_of_spi(pf, f->esp[f->n]), f->len[f->n]);
	f->n++;
	return true;
}

static void frames_sort(struct lcore_ctx *lc, const struct express *e, struct rte_mbuf **pkts, uint16_t n,
	struct flight *f, struct hairpin_rest *rest) {
	const struct esp_prefetch pf = esp_prefetch_in(lc);

	f->n = 0;
	for (uint16_t i = 0; i < n; i++)
		if (unlikely(!frame_take(e, &pf, pkts[i], f)))
			rest->frames[rest->n_frames++] = pkts[i];
}

// --- two: admitted by their SAs, and opened ---

static void admit(struct lcore_ctx *lc, struct flight *f, struct hairpin_rest *rest) {
	const struct plain_in g = plain_in_of(lc);
	unsigned k = 0;

	for (unsigned i = 0; i < f->n; i++) {
		struct sa_in *sa = plain_admit(&g, f->esp[i], f->len[i], f->from[i], &f->jobs[k], &f->seq[k]);

		if (unlikely(!sa)) {
			rest->frames[rest->n_frames++] = f->m[i];
			continue;
		}
		f->sa[k] = sa;
		f->m[k] = f->m[i];
		f->from[k++] = f->from[i];
	}
	f->n = k;
}

// --- three: what is inside ---

static bool lane_open(struct lane *l, const struct fwd *fwd, uint16_t endpoint, const uint8_t *gre, uint32_t len) {
	const struct endpoint *e = &fwd->endpoints[endpoint];
	unsigned n = rcu_read(&e->n_tunnels);
	struct gre_header h;

	if (len < 8 || gre_parse(gre, len, &h) != GRE_OK || (h.flags & ~GRE_FLAG_KEY) || h.protocol != GRE_PROTO_IPV4)
		return false;
	memcpy(&l->gre, gre, sizeof(l->gre));
	l->mask = h.flags ? UINT64_MAX : UINT32_MAX;
	l->gre &= l->mask;
	l->gre_len_bytes = h.len_bytes;
	for (unsigned i = 0; i < n; i++) {
		const struct tunnel *t = rcu_read(&fwd->tunnels[rcu_read(&e->tunnels[i])]);

		if (!t || t->has_key != !!h.flags || t->key != h.key)
			continue;
		l->t = t;
		l->id = t->id;
		l->anti_spoof = t->anti_spoof;
		return t->is_protected && !t->checksum;
	}
	return false;
}

// RFC 1812 section 5.2.2, as inner_check_ipv4() and inner_ttl_take() in one. len: of GRE and what is in it.
static __rte_always_inline bool is_plain(const struct lane *l, const uint8_t *gre, uint32_t len) {
	const struct rte_ipv4_hdr *ip = (const struct rte_ipv4_hdr *)(gre + l->gre_len_bytes);
	const uint32_t total = rte_be_to_cpu_16(ip->total_length), least = sizeof(*ip);
	uint64_t differ;

	memcpy(&differ, gre, sizeof(differ));
	differ = ((differ & l->mask) ^ l->gre) | (ip->version_ihl ^ RTE_IPV4_VHL_DEF);
	return !differ && total - least <= len - l->gre_len_bytes - least && ip->time_to_live > 1 &&
	       ipv4_checksum_ok(ip, least) && inner_ipv4_is_plain((const uint8_t *)&ip->src_addr) &&
	       inner_ipv4_is_plain((const uint8_t *)&ip->dst_addr);
}

// The packet as classify would have left it, at the ESP header.
static void land(const struct express *e, struct rte_mbuf *m, uint64_t from) {
	uint16_t total = rte_be_to_cpu_16(
		rte_pktmbuf_mtod_offset(m, const struct rte_ipv4_hdr *, RTE_ETHER_HDR_LEN)->total_length);
	struct pkt_meta *meta = pkt_meta(m);

	*meta = e->meta;
	memcpy(meta->nbma.bytes, &from, 4);
	m->data_off += EXPRESS_LEN_BYTES;
	m->data_len = m->pkt_len = total - sizeof(struct rte_ipv4_hdr);
}

// Opened and not plain inside: esp_in goes on with it.
static __rte_noinline void land_closed(
	struct lcore_ctx *lc, const struct express *e, const struct flight *f, unsigned i, struct hairpin_rest *rest) {
	land(e, f->m[i], f->from[i]);
	if (esp_in_take(lc, f->m[i], f->sa[i], &f->jobs[i], f->seq[i]))
		rest->opened[rest->n_opened++] = f->m[i];
}

// Opened, its number taken, and not for here.
static __rte_noinline void land_opened(const struct lcore_ctx *lc, const struct express *e, const struct flight *f,
	unsigned i, struct hairpin_rest *rest) {
	struct rte_mbuf *m = f->m[i];
	struct pkt_meta *meta = pkt_meta(m);
	const struct sa_in *sa = f->sa[i];

	land(e, m, f->from[i]);
	meta->peer_in = sa->peer;
	meta->peer_in_gen = sa_in_cold(lc->fwd->ipsec, sa)->peer_gen;
	meta->spi_in = rte_be_to_cpu_32(load_u32(f->esp[i] - PLAIN_IV_BYTES - ESP_HEADER_BYTES)); // as in esp_in
	meta->is_esp = true;
	m->data_off += ESP_HEADER_BYTES + PLAIN_IV_BYTES;
	m->data_len = m->pkt_len = f->len[i];
	rest->opened[rest->n_opened++] = m;
}

static __rte_noinline void lane_find(
	struct lane *l, const struct lcore_ctx *lc, const struct express *e, const struct flight *f) {
	unsigned i = 0;

	while (i < f->n && !f->jobs[i].ok)
		i++;
	if (i == f->n)
		return;
	l->is_open = lane_open(l, lc->fwd, e->meta.endpoint, f->jobs[i].text, f->jobs[i].text_bytes);
}

static void opened_sort(
	struct lcore_ctx *lc, const struct express *e, struct lane *l, struct flight *f, struct hairpin_rest *rest) {
	unsigned k = 0;

	lane_find(l, lc, e, f);
	for (unsigned i = 0; i < f->n; i++) {
		const uint32_t len = plain_opened(&f->jobs[i]);
		uint8_t *gre = f->jobs[i].text;
		struct sa_in *sa = f->sa[i];
		const struct rte_ipv4_hdr *ip;

		if (unlikely(!l->is_open || len < 8 + sizeof(*ip) || !is_plain(l, gre, len) ||
			     !plain_replay_update(&sa->replay, f->seq[i]))) {
			land_closed(lc, e, f, i, rest);
			continue;
		}
		sa->packets++;
		sa->bytes += len;
		ip = (const struct rte_ipv4_hdr *)(gre + l->gre_len_bytes);
		f->m[k] = f->m[i];
		f->sa[k] = sa;
		f->from[k] = f->from[i];
		f->esp[k] = gre;
		f->len[k] = len;
		f->dst_be[k++] = ip->dst_addr;
	}
	f->n = k;
}

// --- four: where to ---

static void lookup(const struct fwd *fwd, const struct lane *l, struct flight *f) {
	const struct adj *adjs = fwd->adjs.adjs;
	const struct fib *fib;

	if (unlikely(!f->n))
		return;
	fib = rcu_read(&fwd->vrfs[l->t->vrf].fib_ipv4);
	fib_lookup_ipv4(fib, f->dst_be, f->n, f->adj);
	for (unsigned i = 0; i < f->n; i++)
		rte_prefetch0(&adjs[f->adj[i]]);
	if (!l->anti_spoof)
		return;
	for (unsigned i = 0; i < f->n; i++)
		f->src_be[i] = ((const struct rte_ipv4_hdr *)(f->esp[i] + l->gre_len_bytes))->src_addr;
	fib_lookup_ipv4(fib, f->src_be, f->n, f->back);
	for (unsigned i = 0; i < f->n; i++)
		rte_prefetch0(&adjs[f->back[i]]);
}

static __rte_always_inline bool leads_to(const struct adj *a, uint32_t peer) {
	struct adj_state st = adj_state_load(a);

	return st.kind == ADJ_TUNNEL && st.target == peer;
}

// The peer that the packet may go to inside the tunnel; 0: it goes the long way.
static __rte_always_inline uint32_t peer_of(
	const struct lane *l, const struct adj *adjs, const struct flight *f, unsigned i) {
	const struct rte_ipv4_hdr *ip = (const struct rte_ipv4_hdr *)(f->esp[i] + l->gre_len_bytes);
	const struct adj *a = &adjs[f->adj[i]];
	const struct adj_state st = adj_state_load(a);
	const uint32_t peer_in = f->sa[i]->peer;

	if (unlikely(st.kind != ADJ_TUNNEL || a->iface != l->id || st.target == peer_in ||
		     rte_be_to_cpu_16(ip->total_length) > st.mtu))
		return 0;
	if (unlikely(l->anti_spoof && !leads_to(&adjs[f->back[i]], peer_in)))
		return 0;
	return st.target;
}

static void peers_find(struct lcore_ctx *lc, const struct lane *l, struct flight *f) {
	const struct esp_prefetch pf = esp_prefetch_out(lc);
	const struct peer_table *peers = &lc->fwd->peers;
	const struct adj *adjs = lc->fwd->adjs.adjs;

	for (unsigned i = 0; i < f->n; i++) {
		f->peer[i] = peer_of(l, adjs, f, i);
		rte_prefetch0(peer_at(peers, f->peer[i]));
		esp_out_prefetch(&pf, f->peer[i]);
		if (unlikely(i < KEYS_FIRST))
			key_prefetch(pf.objects + (size_t)f->peer[i] * pf.stride + pf.key_off, f->len[i]);
	}
}

// --- five: a hop less, and sealed ---

static __rte_always_inline uint32_t hop(struct rte_ipv4_hdr *ip) {
	uint32_t sum = (uint32_t)ip->hdr_checksum + RTE_BE16(0x0100);

	ip->time_to_live--;
	ip->hdr_checksum = (uint16_t)(sum + (sum >= 0xffff));
	return rte_be_to_cpu_16(ip->total_length);
}

static __rte_always_inline bool leave(struct lcore_ctx *lc, const struct plain_out *q, const struct lane *l,
	struct flight *f, unsigned i, struct esp_job *j) {
	const struct fwd *fwd = lc->fwd;
	struct rte_mbuf *m = f->m[i];
	uint8_t *gre = f->esp[i], tos = gre[l->gre_len_bytes + 1];
	const struct peer *p = peer_at(&fwd->peers, f->peer[i]);
	struct sa_out *sa = (struct sa_out *)(q->out + (size_t)f->peer[i] * q->out_stride);
	const uint64_t nh = rcu_read(&fwd->nhs.words[rcu_read(&p->nh)]);
	const uint32_t off = (uint32_t)(gre - (uint8_t *)m->buf_addr);
	uint32_t payload, frame_bytes;

	if (unlikely(!f->peer[i] || !nh_of_word(nh).resolved || !plain_may_seal(q, p, sa) ||
		     !plain_has_room(off, f->len[i], q->icv_bytes, m->buf_len) || !p->is_protected || !p->ready))
		return false;
	payload = l->gre_len_bytes + hop((struct rte_ipv4_hdr *)(gre + l->gre_len_bytes));
	f->len[i] = payload;
	frame_bytes = plain_seal_prepare(q, fwd, p, sa, nh, gre, payload, tos, j);
	m->data_off = (uint16_t)(off - PLAIN_HEAD_BYTES);
	m->data_len = (uint16_t)frame_bytes;
	m->pkt_len = frame_bytes;
	pkt_meta(m)->port = nh_of_word(nh).port;
	pkt_meta(m)->priority = 0; // a port without a queue for this worker: by the ring for data
	return true;
}

static void count(struct lcore_ctx *lc, const struct lane *l, uint64_t packets, uint64_t bytes) {
	struct tunnel_counters *c = &lc->counters->tunnels[l->id]; // of no packets: any

	c->rx_packets += packets;
	c->tx_packets += packets;
	c->rx_bytes += bytes;
	c->tx_bytes += bytes;
}

// Headers and trailers of all that go; f->n is how many, their frames in out.
static void leave_burst(struct lcore_ctx *lc, const struct express *e, const struct lane *l, struct flight *f,
	struct rte_mbuf **out, struct hairpin_rest *rest) {
	const struct plain_out q = plain_out_of(lc);
	struct esp_job *jobs = f->jobs; // those of opening are done with
	uint64_t bytes = 0;
	uint16_t k = 0;

	for (unsigned i = 0; i < f->n; i++) {
		if (unlikely(!leave(lc, &q, l, f, i, &jobs[k]))) {
			land_opened(lc, e, f, i, rest);
			continue;
		}
		bytes += f->len[i] - l->gre_len_bytes;
		out[k++] = f->m[i];
	}
	count(lc, l, k, bytes);
	f->n = k;
}

static __rte_always_inline void open_all(struct lcore_ctx *lc, struct flight *f) {
	if (likely(f->n))
		lc->fwd->ipsec->ops->open(lc->crypto, lc->suite_hint, f->jobs, f->n);
}

static __rte_always_inline void seal_all(struct lcore_ctx *lc, struct flight *f) {
	if (likely(f->n))
		lc->fwd->ipsec->ops->seal(lc->crypto, lc->suite_hint, f->jobs, f->n);
}

uint16_t hairpin_burst(
	struct lcore_ctx *lc, uint16_t port, struct rte_mbuf **pkts, uint16_t n, struct hairpin_rest *rest) {
	struct lane l = {.is_open = false};
	struct express e;
	struct flight f;

	if (unlikely(!plain_suite(lc->suite_hint))) {
		memcpy(rest->frames, pkts, n * sizeof(*pkts));
		rest->n_frames = n;
		return 0;
	}
	express_init(&e, lc->fwd, &lc->fwd->ports[port], port);
	frames_sort(lc, &e, pkts, n, &f, rest);
	admit(lc, &f, rest);
	open_all(lc, &f);
	opened_sort(lc, &e, &l, &f, rest);
	lookup(lc->fwd, &l, &f);
	peers_find(lc, &l, &f);
	leave_burst(lc, &e, &l, &f, pkts, rest);
	seal_all(lc, &f);
	return (uint16_t)f.n;
}
