// SPDX-License-Identifier: BSD-3-Clause
#include "esp_in.h"

#include <netinet/in.h>

#include <rte_byteorder.h>
#include <rte_ip.h>

#include "esp_frame.h"
#include "esp_plain.h"
#include "ipsec.h"

#define SEQ_OFF 4

// A burst on its way through the cipher.
struct opening {
	struct esp_job jobs[BURST_MAX];
	struct rte_mbuf *pkts[BURST_MAX];
	struct sa_in *sas[BURST_MAX];
	uint64_t seqs[BURST_MAX];
	uint8_t suites[BURST_MAX];
	unsigned n;
};

static __rte_always_inline uint32_t load_be32(const uint8_t *at) {
	uint32_t v;

	memcpy(&v, at, sizeof(v));
	return rte_be_to_cpu_32(v);
}

static __rte_noinline void drop_of_sa(
	struct lcore_ctx *lc, struct rte_mbuf *m, const struct sa_in *sa, enum sa_drop what, enum drop_reason why) {
	struct ipsec *ip = lc->fwd->ipsec;

	sa_in_cold(ip, sa)->drops[what]++;
	pkt_drop(lc, m, why);
}

static __rte_noinline void drop_replayed(
	struct lcore_ctx *lc, struct rte_mbuf *m, const struct sa_in *sa, enum replay_verdict v) {
	drop_of_sa(lc, m, sa, v == REPLAY_OLD ? SA_DROP_REPLAY_OLD : SA_DROP_REPLAY_SEEN, DROP_ESP_REPLAY);
}

// Not this worker's by what it remembers: the peer says. true: it is, from now on.
static __rte_noinline bool claim_or_hand_over(struct lcore_ctx *lc, struct rte_mbuf *m, struct sa_in *sa) {
	struct peer *p = peer_at(&lc->fwd->peers, sa->peer);
	uint16_t owner;

	if (peer_claim(p, lc->id)) {
		rcu_publish(&sa->owner, lc->id);
		return true;
	}
	owner = rcu_read(&p->owner);
	if (owner >= lc->n_workers || !lc->esp_to[owner])
		pkt_drop(lc, m, DROP_STALE); // control writes the peer at this moment
	else if (rte_ring_sp_enqueue(lc->esp_to[owner], m) < 0)
		pkt_drop(lc, m, DROP_OWNER_RING_FULL);
	else
		lc->counters->stage_packets[STAGE_ESP_HANDOFF]++;
	return false;
}

// The source that the SA's packets have, or, of ESP in UDP, one that is to be proved by the ICV.
static __rte_noinline bool source_may_differ(const struct sa_in *sa, const struct pkt_meta *meta, uint64_t from) {
	struct sa_from had;

	memcpy(&had, &from, sizeof(had));
	return (sa->flags & SA_UDP) && meta->nbma_port && had.endpoint == meta->endpoint;
}

static __rte_always_inline bool source_is_peers(
	const struct lcore_ctx *lc, const struct sa_in *sa, const struct pkt_meta *meta) {
	uint64_t from = rcu_read(&sa->from);

	if (unlikely(from != sa_from_word(&meta->nbma, meta->nbma_port, meta->endpoint)))
		return source_may_differ(sa, meta, from);
	if (unlikely(meta->nbma.family == ADDR_IPV6)) // the word has a hash of it
		return (sa->flags & SA_UDP) ||
		       memcmp(peer_at(&lc->fwd->peers, sa->peer)->hdr + offsetof(struct rte_ipv6_hdr, dst_addr),
			       meta->nbma.bytes, 16) == 0;
	return true;
}

static __rte_always_inline void job_fill(struct esp_job *j, const struct ipsec *ip, struct sa_in *sa, uint8_t *esp,
	uint32_t text_bytes, uint64_t seq, uint8_t iv_bytes) {
	j->key = sa_in_key(ip, sa);
	j->iv = esp + ESP_HEADER_BYTES;
	j->text = j->iv + iv_bytes;
	j->icv = j->text + text_bytes;
	j->text_bytes = text_bytes;
	memcpy(j->nonce, &sa->salt, 4);
	memcpy(j->nonce + 4, j->iv, 8); // AEADs; of a shorter IV what follows it
	memcpy(j->aad, esp, 8);
	j->aad_bytes = 8;
	if (unlikely(sa->flags & SA_ESN)) { // RFC 4106 section 5: SPI, high half, low half
		uint32_t high = rte_cpu_to_be_32((uint32_t)(seq >> 32));

		memcpy(j->aad + 8, esp + SEQ_OFF, 4);
		memcpy(j->aad + 4, &high, sizeof(high));
		j->aad_bytes = 12;
	}
}

// SA, owner, source, length, window: all that costs less than the cipher. Says why not.
static __rte_noinline void admit_any(struct lcore_ctx *lc, struct rte_mbuf *m, struct opening *o) {
	struct ipsec *ip = lc->fwd->ipsec;
	uint8_t *esp = rte_pktmbuf_mtod(m, uint8_t *);
	const struct pkt_meta *meta = pkt_meta(m);
	const struct esp_suite_info *info;
	uint32_t slot, text_bytes;
	enum replay_verdict v;
	struct sa_in *sa;
	uint64_t seq;

	slot = likely(m->data_len >= ESP_HEADER_BYTES) ? sad_lookup(ip, load_be32(esp)) : 0;
	if (unlikely(!slot)) {
		pkt_drop(lc, m, DROP_ESP_UNKNOWN);
		return;
	}
	sa = sa_in_at(ip, slot);
	if (unlikely(rcu_read(&sa->owner) != lc->id) && !claim_or_hand_over(lc, m, sa))
		return;
	if (unlikely(!source_is_peers(lc, sa, meta))) {
		drop_of_sa(lc, m, sa, SA_DROP_NOT_PEER, DROP_NOT_PEER);
		return;
	}
	info = &esp_suites[sa->suite];
	text_bytes = esp_text_received(
		&(struct esp_lengths){info->iv_bytes, info->icv_bytes, info->block_bytes}, m->data_len);
	if (unlikely(!text_bytes)) {
		drop_of_sa(lc, m, sa, SA_DROP_MALFORMED, DROP_ESP_MALFORMED);
		return;
	}
	seq = load_be32(esp + SEQ_OFF);
	if (unlikely(sa->flags & SA_ESN))
		seq = replay_esn(&sa->replay, (uint32_t)seq);
	v = replay_check(&sa->replay, seq);
	if (unlikely(v != REPLAY_OK)) {
		drop_replayed(lc, m, sa, v);
		return;
	}
	job_fill(&o->jobs[o->n], ip, sa, esp, text_bytes, seq, info->iv_bytes);
	o->pkts[o->n] = m;
	o->sas[o->n] = sa;
	o->seqs[o->n] = seq;
	o->suites[o->n] = sa->suite;
	o->n++;
}

static __rte_always_inline bool admit_plain(const struct plain_in *g, struct rte_mbuf *m, struct opening *o) {
	const struct pkt_meta *meta = pkt_meta(m);
	uint32_t nbma_be;

	if (unlikely(meta->nbma.family != ADDR_IPV4))
		return false;
	memcpy(&nbma_be, meta->nbma.bytes, sizeof(nbma_be));
	o->sas[o->n] = plain_admit(g, rte_pktmbuf_mtod(m, uint8_t *), m->data_len,
		plain_from(nbma_be, meta->nbma_port, meta->endpoint), &o->jobs[o->n], &o->seqs[o->n]);
	if (unlikely(!o->sas[o->n]))
		return false;
	o->suites[o->n] = (uint8_t)g->kind;
	o->pkts[o->n++] = m;
	return true;
}

// The backend takes one suite a call.
static __rte_noinline void open_by_suite(struct lcore_ctx *lc, struct opening *o) {
	uint32_t left = o->n == 32 ? UINT32_MAX : (1u << o->n) - 1;

	while (left) {
		uint8_t suite = o->suites[__builtin_ctz(left)], at[BURST_MAX];
		struct esp_job jobs[BURST_MAX];
		unsigned k = 0;

		for (uint32_t rest = left; rest; rest &= rest - 1) {
			unsigned i = (unsigned)__builtin_ctz(rest);

			if (o->suites[i] != suite)
				continue;
			jobs[k] = o->jobs[i];
			at[k++] = (uint8_t)i;
			left &= ~(1u << i);
		}
		lc->fwd->ipsec->ops->open(lc->crypto, suite, jobs, k);
		for (unsigned i = 0; i < k; i++)
			o->jobs[at[i]].ok = jobs[i].ok;
	}
}

// As it was found: control may withdraw the SA at any moment.
static __rte_always_inline uint32_t spi_of(const struct esp_job *j) {
	return load_be32(j->aad);
}

static __rte_noinline void mapping_event(struct lcore_ctx *lc, const struct sa_in *sa, const struct pkt_meta *meta) {
	lc->events[lc->n_events++] = (struct sa_event){
		.kind = SA_EVENT_MAPPING,
		.port = meta->nbma_port,
		.spi = meta->spi_in,
		.peer = sa->peer,
		.peer_gen = sa_in_cold(lc->fwd->ipsec, sa)->peer_gen,
		.seq = sa->replay.top,
		.nbma = meta->nbma,
	};
}

static __rte_always_inline void cut(struct rte_mbuf *m, uint16_t from, uint16_t len_bytes) {
	m->data_off += from;
	m->data_len = len_bytes;
	m->pkt_len = len_bytes;
}

// The IP header of tunnel mode, between ESP and GRE.
struct inner_ip {
	uint16_t hdr_bytes, total_bytes;
	uint8_t protocol;
	struct addr src, dst;
};

static bool inner_ip_read(struct inner_ip *in, const uint8_t *p, uint32_t len, uint8_t next) {
	const struct rte_ipv4_hdr *ip = (const struct rte_ipv4_hdr *)p;
	const struct rte_ipv6_hdr *ip6 = (const struct rte_ipv6_hdr *)p;

	if (next == IPPROTO_IPIP) {
		if (len < sizeof(*ip) || ip->version_ihl != RTE_IPV4_VHL_DEF ||
			(ip->fragment_offset & RTE_BE16(RTE_IPV4_HDR_OFFSET_MASK | RTE_IPV4_HDR_MF_FLAG)))
			return false;
		in->hdr_bytes = sizeof(*ip);
		in->total_bytes = rte_be_to_cpu_16(ip->total_length);
		in->protocol = ip->next_proto_id;
		in->src = addr_from_bytes(ADDR_IPV4, (const uint8_t *)&ip->src_addr);
		in->dst = addr_from_bytes(ADDR_IPV4, (const uint8_t *)&ip->dst_addr);
	} else {
		if (next != IPPROTO_IPV6 || len < sizeof(*ip6) || p[0] >> 4 != 6)
			return false;
		in->hdr_bytes = sizeof(*ip6);
		in->total_bytes =
			(uint16_t)RTE_MIN(rte_be_to_cpu_16(ip6->payload_len) + sizeof(*ip6), (size_t)UINT16_MAX);
		in->protocol = ip6->proto;
		in->src = addr_from_bytes(ADDR_IPV6, ip6->src_addr);
		in->dst = addr_from_bytes(ADDR_IPV6, ip6->dst_addr);
	}
	return in->protocol == IPPROTO_GRE && in->total_bytes >= in->hdr_bytes && in->total_bytes <= len;
}

// RFC 4301 section 5.2: what is inside must match the SA's selectors, from the peer to us. Behind a NAT the peer's own
// address is known only where the SA names it.
static bool inner_ip_is_peers(
	const struct lcore_ctx *lc, const struct sa_in *sa, const struct pkt_meta *meta, const struct inner_ip *in) {
	uint32_t inner_nbma = sa_in_cold(lc->fwd->ipsec, sa)->inner_nbma;

	if (!addr_eq(&in->dst, &lc->fwd->endpoints[meta->endpoint].addr))
		return false;
	if (inner_nbma)
		return memcmp(in->src.bytes, &inner_nbma, sizeof(inner_nbma)) == 0;
	return (sa->flags & SA_UDP) || addr_eq(&in->src, &meta->nbma);
}

static __rte_always_inline void take(const struct lcore_ctx *lc, struct rte_mbuf *m, struct sa_in *sa,
	const struct esp_job *j, uint32_t payload_bytes) {
	struct pkt_meta *meta = pkt_meta(m);

	sa->packets++;
	sa->bytes += payload_bytes;
	meta->peer_in = sa->peer;
	meta->peer_in_gen = sa_in_cold(lc->fwd->ipsec, sa)->peer_gen;
	meta->spi_in = spi_of(j);
	meta->is_esp = true;
	cut(m, (uint16_t)(j->text - rte_pktmbuf_mtod(m, uint8_t *)), (uint16_t)payload_bytes);
}

bool esp_in_take(struct lcore_ctx *lc, struct rte_mbuf *m, struct sa_in *sa, const struct esp_job *j, uint64_t seq) {
	struct pkt_meta *meta = pkt_meta(m);
	uint32_t payload_bytes = 0;
	struct inner_ip inner = {.hdr_bytes = 0};
	uint8_t next = 0;
	enum esp_trailer t;
	bool is_good;

	if (!j->ok) {
		drop_of_sa(lc, m, sa, SA_DROP_ICV, DROP_ESP_ICV);
		return false;
	}
	// This burst may have had the number, or have moved the window past it.
	if (!replay_update(&sa->replay, seq)) {
		drop_replayed(lc, m, sa, replay_check(&sa->replay, seq));
		return false;
	}
	meta->spi_in = spi_of(j);
	if ((sa->flags & SA_UDP) && seq == sa->replay.top &&
		rcu_read(&sa->from) != sa_from_word(&meta->nbma, meta->nbma_port, meta->endpoint))
		mapping_event(lc, sa, meta);
	t = esp_trailer_read(j->text, j->text_bytes, &payload_bytes, &next);
	if (t == ESP_TRAILER_DUMMY) {
		pkt_drop(lc, m, DROP_ESP_DUMMY);
		return false;
	}
	is_good = t == ESP_TRAILER_OK;
	if (is_good && (sa->flags & SA_TUNNEL_MODE))
		is_good = inner_ip_read(&inner, j->text, payload_bytes, next);
	else
		is_good = is_good && next == IPPROTO_GRE;
	if (!is_good) {
		drop_of_sa(lc, m, sa, SA_DROP_MALFORMED, DROP_ESP_MALFORMED);
		return false;
	}
	if (inner.hdr_bytes && !inner_ip_is_peers(lc, sa, meta, &inner)) {
		drop_of_sa(lc, m, sa, SA_DROP_INNER, DROP_ESP_INNER);
		return false;
	}
	take(lc, m, sa, j, payload_bytes);
	if (inner.hdr_bytes) // it goes too (RFC 4303 section 3.1.2); marks on it are those of the spoke's own host
		cut(m, inner.hdr_bytes, inner.total_bytes - inner.hdr_bytes);
	return true;
}

// Of a packet that was admitted as plain. false: it is not, and nothing was done.
static __rte_always_inline bool take_plain(const struct lcore_ctx *lc, const struct opening *o, unsigned i) {
	const struct esp_job *j = &o->jobs[i];
	uint32_t payload_bytes = plain_opened(j);

	if (unlikely(!payload_bytes || !plain_replay_update(&o->sas[i]->replay, o->seqs[i])))
		return false;
	take(lc, o->pkts[i], o->sas[i], j, payload_bytes);
	return true;
}

static bool is_of_several_suites(const struct opening *o) {
	uint8_t differ = 0;

	for (unsigned i = 1; i < o->n; i++)
		differ |= o->suites[i] ^ o->suites[0];
	return differ;
}

uint16_t esp_in_burst(struct lcore_ctx *lc, struct rte_mbuf **pkts, uint16_t n) {
	const struct plain_in g = plain_in_of(lc);
	const bool may_be_plain = plain_suite(lc->suite_hint);
	bool all_plain = may_be_plain;
	uint16_t kept = 0;
	struct opening o;

	o.n = 0;
	for (uint16_t i = 0; i < n; i++) {
		if (likely(may_be_plain && admit_plain(&g, pkts[i], &o)))
			continue;
		admit_any(lc, pkts[i], &o);
		all_plain = false;
	}
	if (unlikely(!o.n))
		return 0;
	if (likely(all_plain || !is_of_several_suites(&o)))
		lc->fwd->ipsec->ops->open(lc->crypto, o.suites[0], o.jobs, o.n);
	else
		open_by_suite(lc, &o);
	lc->suite_hint = o.suites[0];
	for (unsigned i = 0; i < o.n; i++)
		if (likely((all_plain && take_plain(lc, &o, i)) ||
			    esp_in_take(lc, o.pkts[i], o.sas[i], &o.jobs[i], o.seqs[i])))
			pkts[kept++] = o.pkts[i];
	return kept;
}
