// SPDX-License-Identifier: BSD-3-Clause
#include "ipsec.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "sad.h"

#define HUGE_PAGE ((size_t)2 << 20)
#define LINE 64u

const char *sa_drop_name(enum sa_drop d) {
	static const char *const names[] = {
#define X(name, counter, help) [SA_DROP_##name] = counter,
		SA_DROPS(X)
#undef X
	};

	return (unsigned)d < SA_DROP_COUNT ? names[d] : "unknown";
}

const char *sa_drop_help(enum sa_drop d) {
	static const char *const helps[] = {
#define X(name, counter, help) [SA_DROP_##name] = help,
		SA_DROPS(X)
#undef X
	};

	return (unsigned)d < SA_DROP_COUNT ? helps[d] : "unknown";
}

static size_t arena_bytes(size_t bytes) {
	return (bytes + HUGE_PAGE - 1) & ~(HUGE_PAGE - 1);
}

// Address space: what is not touched costs nothing, and slots are taken from the front. Aligned, so that the kernel can
// back it by huge pages.
static void *arena_map(size_t bytes) {
	size_t room = arena_bytes(bytes) + HUGE_PAGE;
	uint8_t *map = mmap(NULL, room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	uint8_t *at;

	if (map == MAP_FAILED)
		return NULL;
	at = (uint8_t *)(((uintptr_t)map + HUGE_PAGE - 1) & ~(HUGE_PAGE - 1));
	if (at > map)
		munmap(map, (size_t)(at - map));
	munmap(at + arena_bytes(bytes), HUGE_PAGE - (size_t)(at - map));
	madvise(at, arena_bytes(bytes), MADV_HUGEPAGE);
	if (madvise(at, arena_bytes(bytes), MADV_DONTDUMP) < 0) {
		munmap(at, arena_bytes(bytes));
		return NULL;
	}
	return at;
}

static void arena_unmap(void *at, size_t bytes) {
	if (at)
		munmap(at, arena_bytes(bytes));
}

static uint32_t lines_up(size_t bytes) {
	return (uint32_t)((bytes + LINE - 1) / LINE * LINE);
}

static void strides_set(struct ipsec *ip, const struct ipsec_conf *conf) {
	ip->key_off = lines_up(replay_bytes(conf->window_max) + offsetof(struct sa_in, replay));
	ip->in_stride = ip->key_off + SA_KEY_BYTES;
	ip->out_stride = sizeof(struct peer) + SA_OUT_BYTES;
	ip->window_max = conf->window_max;
}

static bool out_create(struct ipsec *ip, struct peer_table *peers) {
	uint8_t *objects = arena_map((size_t)ip->max_peers * ip->out_stride);

	if (!objects)
		return false;
	ip->out = objects + sizeof(struct peer);
	if (peers)
		peer_table_move(peers, objects, ip->out_stride);
	return true;
}

struct ipsec *ipsec_create(const struct ipsec_conf *conf) {
	uint64_t n_in = (uint64_t)conf->max_peers * SAD_PER_PEER + 1;
	struct ipsec *ip;

	if (n_in > SPI_INDEX_MAX + 1) {
		errno = E2BIG;
		return NULL;
	}
	ip = aligned_alloc(LINE, lines_up(sizeof(*ip)));
	if (!ip)
		return NULL;
	memset(ip, 0, sizeof(*ip));
	ip->ops = conf->ops;
	ip->max_peers = conf->max_peers;
	ip->n_in = (uint32_t)n_in;
	strides_set(ip, conf);
	ip->in = arena_map(n_in * ip->in_stride);
	ip->cold = calloc(n_in, sizeof(*ip->cold));
	ip->out_base = calloc(ip->max_peers, sizeof(*ip->out_base));
	ip->sad = sad_create(ip->n_in);
	if (ip->in && ip->cold && ip->out_base && ip->sad && out_create(ip, conf->peers))
		return ip;
	ipsec_free(ip);
	errno = ENOMEM;
	return NULL;
}

// Only the slots that were ever taken hold anything; pages that go back to the kernel are zeroed before anybody else
// has them.
void ipsec_free(struct ipsec *ip) {
	if (!ip)
		return;
	arena_unmap(ip->in, (size_t)ip->n_in * ip->in_stride);
	if (ip->out)
		arena_unmap(ip->out - sizeof(struct peer), (size_t)ip->max_peers * ip->out_stride);
	sad_free(ip->sad);
	idx_hash_free(ip->foreign);
	free(ip->out_base);
	free(ip->cold);
	free(ip);
}

uint64_t ipsec_bytes(const struct ipsec *ip) {
	uint64_t per_in = ip->in_stride + sizeof(struct sa_in_cold) + sad_slot_bytes();
	uint64_t per_out = ip->out_stride + sizeof(struct sa_out_base);

	return sizeof(*ip) + sad_used(ip) * per_in + ip->max_peers * per_out +
	       (ip->foreign ? idx_hash_bytes(ip->foreign) : 0);
}

void sa_message_apply(struct ipsec *ip, struct peer *p, uint32_t peer, const struct sa_message *msg) {
	struct sa_out *sa = sa_out_at(ip, peer);

	if (msg->has_hdr) {
		memcpy(p->hdr, msg->hdr, sizeof(p->hdr));
		p->family = msg->family;
		p->hdr_len_bytes = msg->hdr_len_bytes;
	}
	if (msg->has_sa) {
		struct sa_out_base base = {.packets = sa->packets, .bytes = sa->bytes};

		memcpy(sa, &msg->sa, sizeof(*sa));
		memcpy(sa_out_key(sa), msg->key, sizeof(msg->key));
		sa->packets = base.packets;
		sa->bytes = base.bytes;
		ip->out_base[peer] = base;
	}
}

void sa_out_wipe(struct ipsec *ip, uint32_t peer) {
	esp_wipe(sa_out_at(ip, peer), SA_OUT_BYTES);
	ip->out_base[peer] = (struct sa_out_base){0};
}
