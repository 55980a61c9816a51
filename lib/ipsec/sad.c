// SPDX-License-Identifier: BSD-3-Clause
#include "sad.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "esp_wire.h"
#include "ipsec.h"
#include "clock.h" // after DPDK

#define REST_NS (5 * NS_PER_S) // longer than a packet is under way

struct sad_slot {
	uint64_t rests_until_ns;
	uint32_t next; // of those that rest
	uint16_t gen; // 0: never used
	bool is_foreign, is_reserved;
};

struct sad {
	uint32_t n_slots, used;
	uint32_t high; // slots from here on were never used
	uint32_t first, last; // those that rest, the longest first; 0: none
	struct sad_slot slots[];
};

struct sad *sad_create(uint32_t n_slots) {
	struct sad *s = calloc(1, sizeof(*s) + (size_t)n_slots * sizeof(s->slots[0]));

	if (!s)
		return NULL;
	s->n_slots = n_slots;
	s->high = 1;
	return s;
}

void sad_free(struct sad *s) {
	free(s);
}

size_t sad_slot_bytes(void) {
	return sizeof(struct sad_slot);
}

uint32_t sad_used(const struct ipsec *ip) {
	return ip->sad->used;
}

static void rest(struct sad *s, uint32_t slot) {
	s->slots[slot].next = 0;
	if (s->last)
		s->slots[s->last].next = slot;
	else
		s->first = slot;
	s->last = slot;
}

// One that rested long enough, so that the memory in use stays dense; else a fresh one.
static uint32_t slot_take(struct sad *s, uint64_t now_ns) {
	uint32_t slot = s->first;

	if (slot && s->slots[slot].rests_until_ns <= now_ns) {
		s->first = s->slots[slot].next;
		if (!s->first)
			s->last = 0;
	} else if (s->high < s->n_slots) {
		slot = s->high++;
	} else {
		return 0;
	}
	s->used++;
	return slot;
}

// A random start, so that a hub that was restarted does not meet the SPIs of its last life; then one more each time.
static uint16_t gen_take(struct sad_slot *slot) {
	if (slot->gen == 0 && getrandom(&slot->gen, sizeof(slot->gen), 0) < 0)
		slot->gen = 0;
	slot->gen = (uint16_t)(slot->gen % SPI_GEN_MAX + 1);
	return slot->gen;
}

uint32_t sad_alloc(struct ipsec *ip, uint64_t now_ns, uint32_t *spi) {
	uint32_t slot = slot_take(ip->sad, now_ns);

	if (!slot)
		return 0;
	ip->sad->slots[slot].is_foreign = false;
	*spi = (uint32_t)gen_take(&ip->sad->slots[slot]) << SPI_INDEX_BITS | slot;
	// Somebody else chose the same number for an SA of theirs: the next generation.
	if (sad_lookup(ip, *spi))
		*spi = (uint32_t)gen_take(&ip->sad->slots[slot]) << SPI_INDEX_BITS | slot;
	return slot;
}

uint32_t sad_reserve(struct ipsec *ip, uint64_t now_ns, uint32_t *spi) {
	uint32_t slot = sad_alloc(ip, now_ns, spi);

	if (slot)
		ip->sad->slots[slot].is_reserved = true;
	return slot;
}

uint32_t sad_reserved(const struct ipsec *ip, uint32_t spi) {
	uint32_t slot = spi & SPI_INDEX_MAX;
	const struct sad_slot *s = &ip->sad->slots[slot < ip->n_in ? slot : 0]; // 0 is never used

	return s->is_reserved && s->gen == spi >> SPI_INDEX_BITS ? slot : 0;
}

static int foreign_create(struct ipsec *ip) {
	struct idx_hash *h;

	if (ip->foreign)
		return 0;
	h = idx_hash_create("sad_foreign", ip->n_in);
	if (!h)
		return -ENOMEM;
	rcu_publish(&ip->foreign, h);
	rcu_publish(&ip->has_foreign, true);
	return 0;
}

int64_t sad_alloc_foreign(struct ipsec *ip, uint64_t now_ns, uint32_t spi) {
	uint32_t slot;
	int rc;

	if (spi < ESP_SPI_MIN)
		return -EINVAL;
	if (sad_lookup(ip, spi) || sad_reserved(ip, spi))
		return -EEXIST;
	rc = foreign_create(ip);
	if (rc < 0)
		return rc;
	slot = slot_take(ip->sad, now_ns);
	if (!slot)
		return -ENOSPC;
	ip->sad->slots[slot].is_foreign = true;
	return slot;
}

static uint32_t foreign_hash(uint32_t spi) {
	return idx_hash_mix(spi);
}

static bool foreign_match(const void *table, uint32_t slot, const void *key) {
	return rcu_read(&sa_in_at(table, slot)->spi) == *(const uint32_t *)key;
}

uint32_t sad_lookup_foreign(const struct ipsec *ip, uint32_t spi) {
	if (spi < ESP_SPI_MIN)
		return 0;
	return idx_hash_lookup(rcu_read(&ip->foreign), foreign_hash(spi), foreign_match, ip, &spi);
}

int sad_publish(struct ipsec *ip, uint32_t slot, uint32_t spi) {
	struct sa_in *sa = sa_in_at(ip, slot);
	int rc = 0;

	ip->sad->slots[slot].is_reserved = false;
	memset(ip->cold[slot].drops, 0, sizeof(ip->cold[slot].drops));
	rcu_publish(&sa->spi, spi);
	if (ip->sad->slots[slot].is_foreign)
		rc = idx_hash_insert(ip->foreign, foreign_hash(spi), slot);
	if (rc < 0)
		rcu_publish(&sa->spi, 0u);
	return rc;
}

static void slot_freed(void *arg, uint64_t slot) {
	struct ipsec *ip = arg;

	esp_wipe(sa_in_at(ip, (uint32_t)slot), ip->in_stride);
	ip->sad->used--;
	rest(ip->sad, (uint32_t)slot);
}

int sad_withdraw(struct ipsec *ip, struct rcu *rcu, uint32_t slot, uint64_t now_ns) {
	struct sa_in *sa = sa_in_at(ip, slot);

	if (!rcu_room(rcu, 1))
		return -ENOSPC;
	if (ip->sad->slots[slot].is_foreign)
		idx_hash_remove(ip->foreign, foreign_hash(sa->spi), slot);
	rcu_publish(&sa->spi, 0u);
	ip->sad->slots[slot].rests_until_ns = now_ns + REST_NS;
	return rcu_defer(rcu, slot_freed, ip, slot);
}

void sad_cancel(struct ipsec *ip, uint32_t slot, uint64_t now_ns) {
	ip->sad->slots[slot].rests_until_ns = now_ns;
	ip->sad->slots[slot].is_reserved = false;
	slot_freed(ip, slot);
}
