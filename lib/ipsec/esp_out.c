// SPDX-License-Identifier: BSD-3-Clause
#include "esp_out.h"

#include <netinet/in.h>

#include <rte_udp.h>

#include "esp_frame.h"
#include "esp_plain.h"
#include "ipsec.h"
#include "outer_write.h"

#define INNER_HOPS 64 // of the IP header of tunnel mode
#define TRAILER_STORE 6 // octets that a trailer may be written over

struct sealing {
	struct esp_job jobs[BURST_MAX];
	uint8_t suites[BURST_MAX];
	struct rte_mbuf *ipv6_udp[BURST_MAX]; // their UDP checksum comes after the cipher
	unsigned n, n_ipv6_udp;
	bool is_mixed; // several suites
};

static void event(struct lcore_ctx *lc, const struct sa_out *sa, uint32_t peer, enum sa_event_kind kind) {
	lc->events[lc->n_events++] = (struct sa_event){
		.kind = kind,
		.spi = rte_be_to_cpu_32(sa->spi_be),
		.peer = peer,
		.peer_gen = peer_at(&lc->fwd->peers, peer)->gen,
		.seq = sa->seq,
	};
}

// Near the end of the sequence numbers, or at it. RFC 4303 section 3.3.3: the counter never cycles.
static __rte_noinline bool seq_is_left(struct lcore_ctx *lc, struct sa_out *sa, uint32_t peer) {
	if (sa->seq >= sa->seq_end) {
		lc->fwd->ipsec->out_base[peer].expired++;
		if (sa->told < SA_TOLD_HARD)
			event(lc, sa, peer, SA_EVENT_HARD);
		sa->told = SA_TOLD_HARD; // unless punt_events() has no room
		return false;
	}
	if (sa->told < SA_TOLD_SOFT)
		event(lc, sa, peer, SA_EVENT_SOFT);
	sa->told = RTE_MAX(sa->told, SA_TOLD_SOFT);
	return true;
}

// Tunnel mode: an IP header between ESP and GRE. NULL: no room.
static __rte_noinline uint8_t *inner_ip_push(
	struct rte_mbuf *m, const struct peer *p, const struct sa_out *sa, uint8_t tos) {
	uint16_t len = m->data_len,
		 hdr = p->family == ADDR_IPV4 ? sizeof(struct rte_ipv4_hdr) : sizeof(struct rte_ipv6_hdr);
	uint8_t *out = outer_prepend(m, hdr);

	if (!out)
		return NULL;
	if (p->family == ADDR_IPV4) {
		struct rte_ipv4_hdr ip;

		memcpy(&ip, p->hdr, sizeof(ip)); // addresses, DF
		ip.type_of_service = tos;
		ip.total_length = rte_cpu_to_be_16(hdr + len);
		ip.time_to_live = INNER_HOPS;
		ip.next_proto_id = IPPROTO_GRE;
		if (sa->inner_nbma)
			ip.dst_addr = sa->inner_nbma;
		ip.hdr_checksum = 0;
		ip.hdr_checksum = rte_ipv4_cksum(&ip);
		memcpy(out, &ip, sizeof(ip));
	} else {
		outer_ipv6_write(out, p, len, tos);
		out[offsetof(struct rte_ipv6_hdr, proto)] = IPPROTO_GRE;
	}
	return out;
}

static __rte_always_inline void trailer_write(uint8_t *at, uint32_t pad_bytes, uint8_t next) {
	const uint32_t pad = 0x00030201;

	if (unlikely(pad_bytes > 3)) {
		esp_trailer_write(at, pad_bytes, next);
		return;
	}
	memcpy(at, &pad, sizeof(pad));
	at[pad_bytes] = (uint8_t)pad_bytes;
	at[pad_bytes + 1] = next;
}

// A packet that ends where its buffer ends is moved towards the front, where the buffer has room.
static __rte_noinline bool tail_make(struct rte_mbuf *m, uint32_t need, uint32_t head) {
	uint32_t has = rte_pktmbuf_tailroom(m), move = need - has;
	uint8_t *data = rte_pktmbuf_mtod(m, uint8_t *);

	if (m->data_off < head + move)
		return false;
	memmove(data - move, data, m->data_len);
	m->data_off -= (uint16_t)move;
	return true;
}

// And one before which the longest headers do not fit (control's own are made with the usual headroom) towards the end.
static __rte_noinline bool head_make(struct rte_mbuf *m, uint32_t need, uint32_t tail) {
	uint32_t move = need - m->data_off;
	uint8_t *data = rte_pktmbuf_mtod(m, uint8_t *);

	if (rte_pktmbuf_tailroom(m) < tail + move)
		return false;
	memmove(data + move, data, m->data_len);
	m->data_off += (uint16_t)move;
	return true;
}

static __rte_always_inline void udp_write(uint8_t *out, const struct peer *p, uint16_t ip_bytes, uint16_t len) {
	memcpy(out, p->hdr + ip_bytes, sizeof(struct rte_udp_hdr));
	outer_u16_write(out, offsetof(struct rte_udp_hdr, dgram_len), len);
}

// Ethernet, outer IP, UDP; behind it ESP's own header.
static __rte_always_inline uint8_t *outer_push(struct lcore_ctx *lc, uint8_t *out, const struct peer *p, uint64_t nh,
	struct pkt_meta *meta, uint16_t esp_bytes) {
	const bool is_ipv4 = p->family == ADDR_IPV4;
	const uint16_t ip_bytes = is_ipv4 ? sizeof(struct rte_ipv4_hdr) : sizeof(struct rte_ipv6_hdr);
	const uint16_t udp_bytes = p->hdr_len_bytes - ip_bytes;

	meta->port = nh_of_word(nh).port;
	outer_ether_write(out, nh, lc->fwd->ports[meta->port].mac, is_ipv4 ? RTE_ETHER_TYPE_IPV4 : RTE_ETHER_TYPE_IPV6);
	out += RTE_ETHER_HDR_LEN;
	if (likely(is_ipv4))
		outer_ipv4_write(out, p, esp_bytes + udp_bytes, meta->tos);
	else
		outer_ipv6_write(out, p, esp_bytes + udp_bytes, meta->tos);
	out += ip_bytes;
	if (udp_bytes)
		udp_write(out, p, ip_bytes, esp_bytes + udp_bytes);
	return out + udp_bytes;
}

static __rte_always_inline void job_fill(
	struct esp_job *j, struct sa_out *sa, uint8_t *esp, uint8_t iv_bytes, uint32_t text_bytes, uint64_t seq) {
	uint32_t low = rte_cpu_to_be_32((uint32_t)seq);
	uint64_t seq_be = rte_cpu_to_be_64(seq), iv_be = seq_be ^ sa->iv_high;

	memcpy(esp, &sa->spi_be, 4);
	memcpy(esp + 4, &low, 4);
	j->iv = esp + ESP_HEADER_BYTES;
	j->text = j->iv + iv_bytes;
	j->icv = j->text + text_bytes;
	j->text_bytes = text_bytes;
	j->key = sa_out_key(sa);
	memcpy(j->nonce, &sa->salt, 4);
	memcpy(j->nonce + 4, &iv_be, 8);
	memcpy(j->aad, &sa->spi_be, 4);
	if (likely(!(sa->flags & SA_ESN))) {
		memcpy(j->aad + 4, &low, 4);
		j->aad_bytes = 8;
	} else {
		memcpy(j->aad + 4, &seq_be, 8);
		j->aad_bytes = 12;
	}
	// The sequence number never repeats in an SA, and so is the AEADs' IV (RFC 4106 section 3.1) and what CBC's
	// is made of.
	if (likely(iv_bytes >= 8))
		memcpy(j->iv, &iv_be, 8);
	if (unlikely(iv_bytes == 16))
		memset(j->iv + 8, 0, 8);
}

// Everything but the cipher, whatever the SA is. DROP_REASON_COUNT: in the burst.
static __rte_noinline enum drop_reason prepare_any(
	struct lcore_ctx *lc, struct rte_mbuf *m, struct pkt_meta *meta, struct sealing *s) {
	const struct fwd *fwd = lc->fwd;
	struct peer *p = peer_at(&fwd->peers, meta->peer_out);
	struct sa_out *sa = sa_out_at(fwd->ipsec, meta->peer_out);
	const struct esp_suite_info *info;
	const uint64_t nh = rcu_read(&fwd->nhs.words[rcu_read(&p->nh)]);
	uint32_t pad_bytes, text_bytes, head_bytes, tail_bytes, esp_bytes;
	uint8_t next = IPPROTO_GRE, *out;

	if (unlikely(!peer_claim(p, lc->id)))
		return DROP_STALE;
	if (unlikely(!sa->is_valid))
		return DROP_NO_SA;
	if (unlikely(!nh_of_word(nh).resolved))
		return DROP_NEIGHBOUR;
	info = &esp_suites[sa->suite];
	if (unlikely(sa->flags & SA_TUNNEL_MODE)) {
		next = p->family == ADDR_IPV4 ? IPPROTO_IPIP : IPPROTO_IPV6;
		if (!inner_ip_push(m, p, sa, meta->tos))
			return DROP_HEADROOM;
	}
	pad_bytes = esp_pad_bytes(m->data_len, info->block_bytes);
	text_bytes = m->data_len + pad_bytes + ESP_TRAILER_BYTES;
	esp_bytes = ESP_HEADER_BYTES + info->iv_bytes + text_bytes + info->icv_bytes;
	head_bytes = RTE_ETHER_HDR_LEN + p->hdr_len_bytes + ESP_HEADER_BYTES + info->iv_bytes;
	tail_bytes = pad_bytes + TRAILER_STORE + info->icv_bytes;
	if (unlikely(m->nb_segs != 1 || rte_pktmbuf_tailroom(m) < tail_bytes) &&
		(m->nb_segs != 1 || !tail_make(m, tail_bytes, head_bytes)))
		return DROP_TAILROOM;
	if (unlikely(m->data_off < head_bytes) && !head_make(m, head_bytes, tail_bytes))
		return DROP_HEADROOM;
	if (unlikely(sa->seq >= sa->seq_soft) && !seq_is_left(lc, sa, meta->peer_out))
		return DROP_SA_EXPIRED;
	sa->packets++;
	sa->bytes += m->data_len;
	trailer_write(rte_pktmbuf_mtod_offset(m, uint8_t *, m->data_len), pad_bytes, next);
	m->data_len += (uint16_t)(text_bytes - m->data_len + info->icv_bytes);
	m->pkt_len = m->data_len;
	out = outer_prepend(m, (uint16_t)head_bytes);
	out = outer_push(lc, out, p, nh, meta, (uint16_t)esp_bytes);
	job_fill(&s->jobs[s->n], sa, out, info->iv_bytes, text_bytes, ++sa->seq);
	s->suites[s->n] = sa->suite;
	s->is_mixed |= s->suites[s->n] != s->suites[0];
	s->n++;
	if (unlikely(p->hdr_len_bytes == sizeof(struct rte_ipv6_hdr) + sizeof(struct rte_udp_hdr)))
		s->ipv6_udp[s->n_ipv6_udp++] = m;
	return DROP_REASON_COUNT;
}

// false: not plain, and nothing was done.
static __rte_always_inline bool prepare_plain(const struct fwd *fwd, const struct plain_out *q, struct rte_mbuf *m,
	struct pkt_meta *meta, struct sealing *s) {
	const struct peer *p = peer_at(&fwd->peers, meta->peer_out);
	struct sa_out *sa = (struct sa_out *)(q->out + (size_t)meta->peer_out * q->out_stride);
	const uint64_t nh = rcu_read(&fwd->nhs.words[rcu_read(&p->nh)]);
	uint32_t frame_bytes;

	if (unlikely(!nh_of_word(nh).resolved || !plain_may_seal(q, p, sa) || m->nb_segs != 1 ||
		     !plain_has_room(m->data_off, m->data_len, q->icv_bytes, m->buf_len)))
		return false;
	frame_bytes = plain_seal_prepare(
		q, fwd, p, sa, nh, rte_pktmbuf_mtod(m, uint8_t *), m->data_len, meta->tos, &s->jobs[s->n]);
	m->data_off -= PLAIN_HEAD_BYTES;
	m->data_len = (uint16_t)frame_bytes;
	m->pkt_len = frame_bytes;
	meta->port = nh_of_word(nh).port;
	s->suites[s->n++] = (uint8_t)q->kind;
	return true;
}

static __rte_always_inline void seal(struct lcore_ctx *lc, uint8_t suite, struct esp_job *jobs, unsigned n) {
	const struct esp_crypto_ops *ops = lc->fwd->ipsec->ops;

	if (unlikely(esp_suites[suite].iv_bytes == 16) && ops->iv_make)
		ops->iv_make(lc->crypto, suite, jobs, n);
	ops->seal(lc->crypto, suite, jobs, n);
}

static __rte_noinline void seal_by_suite(struct lcore_ctx *lc, const struct sealing *s) {
	uint32_t left = s->n == 32 ? UINT32_MAX : (1u << s->n) - 1;

	while (left) {
		uint8_t suite = s->suites[__builtin_ctz(left)];
		struct esp_job jobs[BURST_MAX];
		unsigned k = 0;

		for (uint32_t rest = left; rest; rest &= rest - 1) {
			unsigned i = (unsigned)__builtin_ctz(rest);

			if (s->suites[i] != suite)
				continue;
			jobs[k++] = s->jobs[i];
			left &= ~(1u << i);
		}
		seal(lc, suite, jobs, k);
	}
}

// RFC 8200 section 8.1: over IPv6 there must be one.
static __rte_noinline void udp_checksums(const struct sealing *s) {
	for (unsigned i = 0; i < s->n_ipv6_udp; i++) {
		struct rte_ipv6_hdr *ip =
			rte_pktmbuf_mtod_offset(s->ipv6_udp[i], struct rte_ipv6_hdr *, RTE_ETHER_HDR_LEN);
		struct rte_udp_hdr *udp = (struct rte_udp_hdr *)(ip + 1);

		udp->dgram_cksum = 0;
		udp->dgram_cksum = rte_ipv6_udptcp_cksum(ip, udp);
	}
}

uint16_t esp_out_burst(struct lcore_ctx *lc, struct rte_mbuf **pkts, uint16_t n) {
	const struct plain_out q = plain_out_of(lc);
	const bool may_be_plain = plain_suite(lc->suite_hint);
	struct sealing s;
	uint16_t kept = 0;

	s.n = s.n_ipv6_udp = 0;
	s.is_mixed = false;
	for (uint16_t i = 0; i < n; i++) {
		struct rte_mbuf *m = pkts[i];
		struct pkt_meta *meta = pkt_meta(m);
		enum drop_reason why = DROP_REASON_COUNT;

		if (unlikely(!meta->is_esp)) {
			pkts[kept++] = m;
			continue;
		}
		if (likely(may_be_plain && prepare_plain(lc->fwd, &q, m, meta, &s))) {
			s.is_mixed |= s.suites[s.n - 1] != s.suites[0];
			pkts[kept++] = m;
			continue;
		}
		why = prepare_any(lc, m, meta, &s);
		if (likely(why == DROP_REASON_COUNT))
			pkts[kept++] = m;
		else
			pkt_drop(lc, m, why);
	}
	if (unlikely(!s.n))
		return kept;
	lc->suite_hint = s.suites[0];
	if (likely(!s.is_mixed))
		seal(lc, s.suites[0], s.jobs, s.n);
	else
		seal_by_suite(lc, &s);
	if (unlikely(s.n_ipv6_udp))
		udp_checksums(&s);
	return kept;
}
