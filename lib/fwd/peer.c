// SPDX-License-Identifier: BSD-3-Clause
#include "peer.h"

#include <errno.h>

#include <rte_ip.h>
#include <rte_malloc.h>
#include <rte_udp.h>

#define NATT_PORT 4500 // RFC 3948
#define NBMA_HOPS 64 // TTL or hop limit of tunnel packets

static void free_push(struct peer_table *t, uint32_t index) {
	rcu_publish(&peer_at(t, index)->nh, t->free_head);
	t->free_head = index;
}

int peer_table_init(struct peer_table *t, uint32_t max) {
	*t = (struct peer_table){.max = max};
	t->stride_bytes = sizeof(struct peer);
	t->memory = rte_zmalloc("peer", max * t->stride_bytes, RTE_CACHE_LINE_SIZE);
	t->lines = t->memory;
	t->by_nbma = idx_hash_create("peer_by_nbma", max);
	if (t->memory == NULL || t->by_nbma == NULL) {
		peer_table_fini(t);
		return -ENOMEM;
	}
	for (uint32_t i = max; i-- > 1;) {
		peer_at(t, i)->gen = GEN_DEAD;
		free_push(t, i);
	}
	return 0;
}

void peer_table_fini(struct peer_table *t) {
	idx_hash_free(t->by_nbma);
	rte_free(t->memory);
	*t = (struct peer_table){0};
}

void peer_table_move(struct peer_table *t, void *lines, size_t stride_bytes) {
	struct peer_table to = {.lines = lines, .stride_bytes = stride_bytes};

	for (uint32_t i = 0; i < t->max; i++)
		*peer_at(&to, i) = *peer_at(t, i);
	rte_free(t->memory);
	t->memory = NULL;
	t->lines = lines;
	t->stride_bytes = stride_bytes;
}

uint32_t peer_alloc(struct peer_table *t) {
	uint32_t index = t->free_head;

	if (index == 0)
		return 0;
	t->free_head = peer_at(t, index)->nh;
	t->used++;
	rcu_publish(&peer_at(t, index)->nh, 0);
	gen_next(&peer_at(t, index)->gen);
	return index;
}

static void peer_reclaim(void *table, uint64_t index) {
	struct peer_table *t = table;
	struct peer *p = peer_at(t, index);

	memset(&p->endpoint, 0, sizeof(*p) - offsetof(struct peer, endpoint));
	free_push(t, index);
	t->used--;
}

int peer_free(struct peer_table *t, struct rcu *r, uint32_t index) {
	gen_end(&peer_at(t, index)->gen);
	return rcu_defer(r, peer_reclaim, t, index);
}

uint32_t peer_hash(uint16_t endpoint, const struct addr *nbma) {
	uint64_t hi, lo;
	uint32_t v4;

	if (nbma->family == ADDR_IPV4) {
		memcpy(&v4, nbma->bytes, sizeof(v4));
		return peer_hash_ipv4(endpoint, v4);
	}
	memcpy(&hi, nbma->bytes, sizeof(hi));
	memcpy(&lo, nbma->bytes + sizeof(hi), sizeof(lo));
	return idx_hash_mix_ipv6(hi, lo, endpoint);
}

bool peer_matches(const struct peer *p, uint16_t endpoint, const struct addr *nbma) {
	if (p->endpoint != endpoint || p->family != nbma->family)
		return false;
	if (p->family == ADDR_IPV4)
		return memcmp(p->hdr + offsetof(struct rte_ipv4_hdr, dst_addr), nbma->bytes, 4) == 0;
	return memcmp(p->hdr + offsetof(struct rte_ipv6_hdr, dst_addr), nbma->bytes, 16) == 0;
}

struct peer_key {
	uint16_t endpoint;
	const struct addr *nbma;
};

static bool peer_match(const void *table, uint32_t index, const void *key) {
	const struct peer_key *k = key;

	return peer_matches(peer_at(table, index), k->endpoint, k->nbma);
}

uint32_t peer_lookup(const struct peer_table *t, uint16_t endpoint, const struct addr *nbma) {
	struct peer_key key = {endpoint, nbma};

	return idx_hash_lookup(t->by_nbma, peer_hash(endpoint, nbma), peer_match, t, &key);
}

static void template_ipv4(struct peer *p, const struct addr *local, const struct addr *nbma) {
	struct rte_ipv4_hdr h = {
		.version_ihl = RTE_IPV4_VHL_DEF,
		.total_length = rte_cpu_to_be_16(sizeof(h)),
		.fragment_offset = rte_cpu_to_be_16(RTE_IPV4_HDR_DF_FLAG),
		.time_to_live = NBMA_HOPS,
		.next_proto_id = IPPROTO_GRE,
	};

	memcpy(&h.src_addr, local->bytes, sizeof(h.src_addr));
	memcpy(&h.dst_addr, nbma->bytes, sizeof(h.dst_addr));
	h.hdr_checksum = rte_ipv4_cksum(&h);
	memcpy(p->hdr, &h, sizeof(h));
	p->hdr_len_bytes = sizeof(h);
}

static void template_ipv6(struct peer *p, const struct addr *local, const struct addr *nbma) {
	struct rte_ipv6_hdr h = {
		.vtc_flow = rte_cpu_to_be_32(6u << 28),
		.proto = IPPROTO_GRE,
		.hop_limits = NBMA_HOPS,
	};

	memcpy(h.src_addr, local->bytes, sizeof(h.src_addr));
	memcpy(h.dst_addr, nbma->bytes, sizeof(h.dst_addr));
	memcpy(p->hdr, &h, sizeof(h));
	p->hdr_len_bytes = sizeof(h);
}

void peer_template(struct peer *p, const struct addr *local, const struct addr *nbma) {
	memset(p->hdr, 0, sizeof(p->hdr));
	p->family = nbma->family;
	if (nbma->family == ADDR_IPV4)
		template_ipv4(p, local, nbma);
	else
		template_ipv6(p, local, nbma);
}

static void template_protocol(struct peer *p, uint8_t protocol) {
	struct rte_ipv4_hdr ip;

	if (p->family == ADDR_IPV6) {
		p->hdr[offsetof(struct rte_ipv6_hdr, proto)] = protocol;
		return;
	}
	memcpy(&ip, p->hdr, sizeof(ip));
	ip.next_proto_id = protocol;
	ip.hdr_checksum = 0;
	ip.hdr_checksum = rte_ipv4_cksum(&ip);
	memcpy(p->hdr, &ip, sizeof(ip));
}

void peer_template_esp(struct peer *p, const struct addr *local, const struct addr *nbma, uint16_t port) {
	struct rte_udp_hdr udp = {.src_port = rte_cpu_to_be_16(NATT_PORT), .dst_port = rte_cpu_to_be_16(port)};

	peer_template(p, local, nbma);
	template_protocol(p, port ? IPPROTO_UDP : IPPROTO_ESP);
	if (!port)
		return;
	memcpy(p->hdr + p->hdr_len_bytes, &udp, sizeof(udp));
	p->hdr_len_bytes += sizeof(udp);
}

struct addr peer_nbma(const struct peer *p) {
	if (p->family == ADDR_IPV4)
		return addr_from_bytes(ADDR_IPV4, p->hdr + offsetof(struct rte_ipv4_hdr, dst_addr));
	if (p->family == ADDR_IPV6)
		return addr_from_bytes(ADDR_IPV6, p->hdr + offsetof(struct rte_ipv6_hdr, dst_addr));
	return (struct addr){0};
}

int nh_table_init(struct nh_table *t, uint32_t max) {
	*t = (struct nh_table){.max = max};
	t->words = rte_zmalloc("nh", (size_t)max * sizeof(*t->words), RTE_CACHE_LINE_SIZE);
	return t->words ? 0 : -ENOMEM;
}

void nh_table_fini(struct nh_table *t) {
	rte_free(t->words);
	*t = (struct nh_table){0};
}
