// SPDX-License-Identifier: BSD-3-Clause
#include "esp_in.h"

#include <netinet/in.h>

#include <rte_byteorder.h>
#include <rte_ip.h>
#include <rte_prefetch.h>

#include "esp_frame.h"
#include "ipsec.h"
#include "key_prefetch.h"

#define SEQ_OFF 4

// A burst on its way through the cipher.
struct opening {
	struct esp_job jobs[BURST_MAX];
	struct rte_mbuf *pkts[BURST_MAX];
	struct sa_in *sas[BURST_MAX];
	uint64_t seqs[BURST_MAX];
	uint8_t suites[BURST_MAX];
	unsigned n;
	uint8_t differ; // not 0: of several suites
};

static __rte_always_inline uint32_t load_be32(const uint8_t *at) {
	uint32_t v;

	memcpy(&v, at, sizeof(v));
	return rte_be_to_cpu_32(v);
}

void esp_in_prefetch(const struct lcore_ctx *lc, const uint8_t *esp, uint16_t len_bytes) {
	const struct ipsec *ip = lc->fwd->ipsec;
	uint32_t slot = load_be32(esp) & SPI_INDEX_MAX;
	const uint8_t *sa = (const uint8_t *)sa_in_at(ip, slot);
	uint32_t word = load_be32(esp + SEQ_OFF) / 64 & ip->window_mask;

	if (unlikely(slot >= ip->n_in))
		return;
	rte_prefetch0(sa);
	rte_prefetch0(sa + sizeof(struct sa_in) + word * sizeof(uint64_t));
	key_prefetch(ip, lc->suite_hint, sa + ip->key_off, len_bytes);
}

static __rte_noinline void drop_of_sa(
	struct lcore_ctx *lc, struct rte_mbuf *m, const struct sa_in *sa, enum sa_drop what, enum drop_reason why) {
	struct ipsec *ip = lc->fwd->ipsec;

	ip->drops[sa_in_slot(ip, sa)].of[what]++;
	pkt_drop(lc, m, why);
}

static __rte_noinline void drop_replayed(
	struct lcore_ctx *lc, struct rte_mbuf *m, const struct sa_in *sa, enum replay_verdict v) {
	drop_of_sa(lc, m, sa, v == REPLAY_OLD ? SA_DROP_REPLAY_OLD : SA_DROP_REPLAY_SEEN, DROP_ESP_REPLAY);
}

// Not this worker's by what it remembers: the peer says. true: it is, from now on.
static __rte_noinline bool claim_or_hand_over(struct lcore_ctx *lc, struct rte_mbuf *m, struct sa_in *sa) {
	struct peer *p = &lc->fwd->peers.peers[sa->peer];
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
		       memcmp(lc->fwd->peers.peers[sa->peer].hdr + offsetof(struct rte_ipv6_hdr, dst_addr),
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
	j->salt = sa->salt;
	memcpy(j->aad, esp, 8);
	j->aad_bytes = 8;
	if (unlikely(sa->flags & SA_ESN)) { // RFC 4106 section 5: SPI, high half, low half
		uint32_t high = rte_cpu_to_be_32((uint32_t)(seq >> 32));

		memcpy(j->aad + 8, esp + SEQ_OFF, 4);
		memcpy(j->aad + 4, &high, sizeof(high));
		j->aad_bytes = 12;
	}
}

// SA, owner, source, length, window: all that costs less than the cipher.
static __rte_always_inline void admit(struct lcore_ctx *lc, struct rte_mbuf *m, struct opening *o) {
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
	o->differ |= o->suites[o->n] ^ o->suites[0];
	o->n++;
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

static __rte_noinline void mapping_event(struct lcore_ctx *lc, const struct sa_in *sa, const struct pkt_meta *meta) {
	lc->events[lc->n_events++] = (struct sa_event){
		.kind = SA_EVENT_MAPPING,
		.port = meta->nbma_port,
		.spi = meta->spi_in,
		.peer = sa->peer,
		.peer_gen = sa->peer_gen,
		.seq = sa->replay.top,
		.nbma = meta->nbma,
	};
}

// Up to three octets of padding in one compare; more of them as they come.
static __rte_always_inline enum esp_trailer trailer_read(const struct esp_job *j, uint32_t *payload, uint8_t *next) {
	const uint8_t *end = j->text + j->text_bytes;
	uint32_t pad = end[-2], shift = 8 * (4 - pad), last;

	if (unlikely(pad > 3 || j->text_bytes < 6 || end[-1] == ESP_NEXT_NONE))
		return esp_trailer_read(j->text, j->text_bytes, payload, next);
	memcpy(&last, end - 6, sizeof(last));
	if (unlikely((uint64_t)(last ^ (uint32_t)(0x04030201ull << shift)) >> shift))
		return ESP_TRAILER_PAD;
	*payload = j->text_bytes - ESP_TRAILER_BYTES - pad;
	*next = end[-1];
	return ESP_TRAILER_OK;
}

static __rte_always_inline void cut(struct rte_mbuf *m, uint16_t from, uint16_t len_bytes) {
	m->data_off += from;
	m->data_len = len_bytes;
	m->pkt_len = len_bytes;
}

// Tunnel mode: the IP header between ESP and GRE goes too (RFC 4303 section 3.1.2). Its source is known where the SA
// names it; what congestion marks it has are those of the spoke's own host.
static __rte_noinline bool inner_ip_take(const struct sa_in *sa, struct rte_mbuf *m, uint8_t next) {
	const uint8_t *p = rte_pktmbuf_mtod(m, const uint8_t *);
	uint16_t hdr_bytes = sizeof(struct rte_ipv6_hdr), total, len = m->data_len;
	uint8_t protocol;

	if (next == IPPROTO_IPIP) {
		const struct rte_ipv4_hdr *ip = (const struct rte_ipv4_hdr *)p;

		if (len < sizeof(*ip) || ip->version_ihl != RTE_IPV4_VHL_DEF ||
			(ip->fragment_offset & RTE_BE16(RTE_IPV4_HDR_OFFSET_MASK | RTE_IPV4_HDR_MF_FLAG)))
			return false;
		if (sa->inner_nbma && ip->src_addr != sa->inner_nbma)
			return false;
		hdr_bytes = sizeof(*ip);
		total = rte_be_to_cpu_16(ip->total_length);
		protocol = ip->next_proto_id;
	} else {
		const struct rte_ipv6_hdr *ip = (const struct rte_ipv6_hdr *)p;

		if (next != IPPROTO_IPV6 || len < sizeof(*ip) || p[0] >> 4 != 6)
			return false;
		total = (uint16_t)RTE_MIN(rte_be_to_cpu_16(ip->payload_len) + sizeof(*ip), (size_t)UINT16_MAX);
		protocol = ip->proto;
	}
	if (protocol != IPPROTO_GRE || total < hdr_bytes || total > len)
		return false;
	cut(m, hdr_bytes, total - hdr_bytes);
	return true;
}

static __rte_always_inline bool unwrap(struct lcore_ctx *lc, struct rte_mbuf *m, struct sa_in *sa,
	const struct esp_job *j, uint32_t payload_bytes, uint8_t next) {
	cut(m, (uint16_t)(j->text - rte_pktmbuf_mtod(m, uint8_t *)), (uint16_t)payload_bytes);
	if (unlikely(sa->flags & SA_TUNNEL_MODE ? !inner_ip_take(sa, m, next) : next != IPPROTO_GRE)) {
		drop_of_sa(lc, m, sa, SA_DROP_MALFORMED, DROP_ESP_MALFORMED);
		return false;
	}
	return true;
}

// What the cipher gave back: ICV, window, trailer. true: the packet goes on.
static __rte_always_inline bool take(struct lcore_ctx *lc, struct opening *o, unsigned i) {
	struct rte_mbuf *m = o->pkts[i];
	struct pkt_meta *meta = pkt_meta(m);
	struct sa_in *sa = o->sas[i];
	uint32_t payload_bytes = 0;
	uint8_t next = 0;
	enum esp_trailer t;

	if (unlikely(!o->jobs[i].ok)) {
		drop_of_sa(lc, m, sa, SA_DROP_ICV, DROP_ESP_ICV);
		return false;
	}
	// This burst may have had the number, or have moved the window past it.
	if (unlikely(!replay_update(&sa->replay, o->seqs[i]))) {
		drop_replayed(lc, m, sa, replay_check(&sa->replay, o->seqs[i]));
		return false;
	}
	meta->spi_in = load_be32(o->jobs[i].aad); // as it was found: control may withdraw the SA at any moment
	if (unlikely((sa->flags & SA_UDP) && o->seqs[i] == sa->replay.top &&
		     rcu_read(&sa->from) != sa_from_word(&meta->nbma, meta->nbma_port, meta->endpoint)))
		mapping_event(lc, sa, meta);
	t = trailer_read(&o->jobs[i], &payload_bytes, &next);
	if (unlikely(t == ESP_TRAILER_DUMMY)) {
		pkt_drop(lc, m, DROP_ESP_DUMMY);
		return false;
	}
	if (unlikely(t != ESP_TRAILER_OK)) {
		drop_of_sa(lc, m, sa, SA_DROP_MALFORMED, DROP_ESP_MALFORMED);
		return false;
	}
	sa->packets++;
	sa->bytes += payload_bytes;
	meta->peer_in = sa->peer;
	meta->peer_in_gen = sa->peer_gen;
	meta->is_esp = true;
	return unwrap(lc, m, sa, &o->jobs[i], payload_bytes, next);
}

uint16_t esp_in_burst(struct lcore_ctx *lc, struct rte_mbuf **pkts, uint16_t n) {
	struct opening o;
	uint16_t kept = 0;

	o.n = 0;
	o.differ = 0;
	for (uint16_t i = 0; i < n; i++)
		admit(lc, pkts[i], &o);
	if (unlikely(!o.n))
		return 0;
	lc->suite_hint = o.suites[0];
	if (likely(!o.differ))
		lc->fwd->ipsec->ops->open(lc->crypto, o.suites[0], o.jobs, o.n);
	else
		open_by_suite(lc, &o);
	for (unsigned i = 0; i < o.n; i++)
		if (likely(take(lc, &o, i)))
			pkts[kept++] = o.pkts[i];
	return kept;
}
