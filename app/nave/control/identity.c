// SPDX-License-Identifier: BSD-3-Clause
#include "identity.h"

#include <stdlib.h>
#include <string.h>

#include "identity_match.h"
#include "clock.h"

#define ENTRY_NONE UINT32_MAX
#define FOUND_MAX 4 // tunnels of an identity whose entry is remembered
#define BUCKETS_MIN 64

struct found {
	uint16_t tunnel;
	uint32_t entry; // or ENTRY_NONE
};

struct identity {
	char *text; // NULL: a free number
	uint32_t hash, refs;
	uint32_t next; // in the bucket, or of the free numbers; 0: the last
	uint8_t n_found, next_found;
	struct found found[FOUND_MAX];
};

struct pattern {
	struct identity_form form;
	uint32_t entry; // of the tunnel's list
};

// The list of one tunnel. Exact patterns by hash; the others, in their order.
struct list {
	uint32_t n_exact, n_wild, bucket_mask;
	uint32_t *buckets; // open addressing: index of exact + 1
	struct pattern *exact, *wild;
};

struct identities {
	const struct conf *conf;
	uint32_t seed;
	uint32_t max, used, first_free; // numbers; 0 is none
	struct identity *slots;
	uint32_t bucket_mask;
	uint32_t *buckets;
	struct list *lists; // by tunnel
};

// --- what the configuration allows ---
static uint32_t power_of_two(uint32_t at_least) {
	uint32_t n = BUCKETS_MIN;

	while (n < at_least)
		n <<= 1;
	return n;
}

static uint32_t *exact_bucket(const struct identities *ids, const struct list *l, const struct identity_form *f) {
	uint32_t at = identity_hash(f, ids->seed) & l->bucket_mask;

	while (l->buckets[at] && identity_compare(&l->exact[l->buckets[at] - 1].form, f) != 0)
		at = (at + 1) & l->bucket_mask;
	return &l->buckets[at];
}

static void pattern_add(struct identities *ids, struct list *l, const struct identity_form *f, uint32_t entry) {
	uint32_t *slot;

	if (f->is_wild) {
		l->wild[l->n_wild++] = (struct pattern){*f, entry};
		return;
	}
	slot = exact_bucket(ids, l, f);
	if (*slot)
		return; // the first counts
	l->exact[l->n_exact] = (struct pattern){*f, entry};
	*slot = ++l->n_exact;
}

static bool list_build(struct identities *ids, struct list *l, const struct conf_tunnel *t) {
	uint32_t n_wild = 0, n = t->n_identities;
	struct identity_form f;

	for (uint32_t i = 0; i < n; i++) {
		identity_pattern_read(t->identities[i].match, &f);
		n_wild += f.is_wild;
	}
	l->bucket_mask = power_of_two(2 * (n - n_wild)) - 1;
	l->buckets = calloc((size_t)l->bucket_mask + 1, sizeof(*l->buckets));
	l->exact = calloc(n - n_wild + 1, sizeof(*l->exact));
	l->wild = calloc(n_wild + 1, sizeof(*l->wild));
	if (!l->buckets || !l->exact || !l->wild)
		return false;
	for (uint32_t i = 0; i < n; i++) {
		identity_pattern_read(t->identities[i].match, &f);
		pattern_add(ids, l, &f, i);
	}
	return true;
}

static void list_free(struct list *l) {
	free(l->buckets);
	free(l->exact);
	free(l->wild);
}

// An exact entry counts only when no other before it matches.
static uint32_t list_find(const struct identities *ids, const struct list *l, const struct identity_form *f) {
	uint32_t slot = *exact_bucket(ids, l, f);
	uint32_t entry = slot ? l->exact[slot - 1].entry : ENTRY_NONE;

	for (uint32_t i = 0; i < l->n_wild && l->wild[i].entry < entry; i++)
		if (identity_match(&l->wild[i].form, f))
			return l->wild[i].entry;
	return entry;
}

// --- numbers ---
static uint32_t text_hash(const struct identities *ids, const char *text) {
	uint32_t h = ids->seed ^ 0x811c9dc5u;

	for (; *text; text++)
		h = (h ^ (uint8_t)*text) * 0x01000193u;
	return h;
}

static bool buckets_grow(struct identities *ids, uint32_t n) {
	uint32_t *buckets = calloc(n, sizeof(*buckets));

	if (!buckets)
		return false;
	for (uint32_t i = 1; i < ids->used; i++) {
		struct identity *id = &ids->slots[i];
		uint32_t *bucket = &buckets[id->hash & (n - 1)];

		if (!id->text)
			continue;
		id->next = *bucket;
		*bucket = i;
	}
	free(ids->buckets);
	ids->buckets = buckets;
	ids->bucket_mask = n - 1;
	return true;
}

static bool slots_grow(struct identities *ids) {
	uint32_t max = ids->max ? 2 * ids->max : BUCKETS_MIN;
	struct identity *slots;

	if (max > 1u << 30 || !buckets_grow(ids, max))
		return false;
	slots = realloc(ids->slots, max * sizeof(*slots));
	if (!slots)
		return false;
	ids->slots = slots;
	ids->max = max;
	return true;
}

static uint32_t number_take(struct identities *ids) {
	uint32_t number = ids->first_free;

	if (number) {
		ids->first_free = ids->slots[number].next;
		return number;
	}
	if (ids->used == ids->max && !slots_grow(ids))
		return 0;
	return ids->used++;
}

static uint32_t number_make(struct identities *ids, const char *text, uint32_t hash) {
	char *copy = strdup(text);
	uint32_t number = copy ? number_take(ids) : 0, *bucket;

	if (!number) {
		free(copy);
		return 0;
	}
	bucket = &ids->buckets[hash & ids->bucket_mask];
	ids->slots[number] = (struct identity){.text = copy, .hash = hash, .refs = 1, .next = *bucket};
	*bucket = number;
	return number;
}

uint32_t identities_hold(struct identities *ids, const char *text) {
	uint32_t hash = text_hash(ids, text);

	if (!*text)
		return 0;
	for (uint32_t i = ids->buckets[hash & ids->bucket_mask]; i; i = ids->slots[i].next) {
		if (ids->slots[i].hash != hash || strcmp(ids->slots[i].text, text) != 0)
			continue;
		ids->slots[i].refs++;
		return i;
	}
	return number_make(ids, text, hash);
}

static struct identity *slot_of(const struct identities *ids, uint32_t number) {
	return ids && number && number < ids->used && ids->slots[number].text ? &ids->slots[number] : NULL;
}

void identities_release(struct identities *ids, uint32_t number) {
	struct identity *id = slot_of(ids, number);
	uint32_t *at;

	if (!id || --id->refs)
		return;
	at = &ids->buckets[id->hash & ids->bucket_mask];
	while (*at != number)
		at = &ids->slots[*at].next;
	*at = id->next;
	free(id->text);
	*id = (struct identity){.next = ids->first_free};
	ids->first_free = number;
}

const char *identities_text(const struct identities *ids, uint32_t number) {
	const struct identity *id = slot_of(ids, number);

	return id ? id->text : "";
}

// --- both together ---
static uint32_t entry_search(const struct identities *ids, const struct identity *id, uint16_t tunnel) {
	struct identity_form f;

	return identity_read(id->text, &f) ? list_find(ids, &ids->lists[tunnel], &f) : ENTRY_NONE;
}

static uint32_t entry_of(const struct identities *ids, struct identity *id, uint16_t tunnel) {
	struct found *f;

	for (unsigned i = 0; i < id->n_found; i++)
		if (id->found[i].tunnel == tunnel)
			return id->found[i].entry;
	f = &id->found[id->next_found];
	*f = (struct found){tunnel, entry_search(ids, id, tunnel)};
	id->next_found = (id->next_found + 1) % FOUND_MAX;
	id->n_found += id->n_found < FOUND_MAX;
	return f->entry;
}

const struct conf_identity *identities_entry(const struct identities *ids, uint32_t number, uint16_t tunnel) {
	struct identity *id = slot_of(ids, number);
	uint32_t entry;

	if (!id || tunnel >= ids->conf->n_tunnels || !ids->conf->tunnels[tunnel].n_identities)
		return NULL;
	entry = entry_of(ids, id, tunnel);
	return entry == ENTRY_NONE ? NULL : &ids->conf->tunnels[tunnel].identities[entry];
}

bool identities_may_use(const struct identities *ids, uint32_t number, uint16_t tunnel) {
	const struct conf_tunnel *t;

	if (!ids || tunnel >= ids->conf->n_tunnels)
		return false;
	t = &ids->conf->tunnels[tunnel];
	return t->protection == CONF_PROTECTION_IKE &&
	       (t->n_identities == 0 || identities_entry(ids, number, tunnel) != NULL);
}

struct identities *identities_create(const struct conf *conf) {
	struct identities *ids = calloc(1, sizeof(*ids));

	if (!ids)
		return NULL;
	ids->conf = conf;
	ids->seed = (uint32_t)clock_now_ns(); // the texts are the peers'
	ids->used = 1;
	ids->lists = calloc(conf->n_tunnels + 1, sizeof(*ids->lists));
	if (!ids->lists || !slots_grow(ids))
		goto err;
	for (uint16_t i = 0; i < conf->n_tunnels; i++)
		if (conf->tunnels[i].n_identities && !list_build(ids, &ids->lists[i], &conf->tunnels[i]))
			goto err;
	return ids;

err:
	identities_free(ids);
	return NULL;
}

void identities_free(struct identities *ids) {
	if (!ids)
		return;
	for (uint32_t i = 1; i < ids->used; i++)
		free(ids->slots[i].text);
	for (uint16_t i = 0; ids->lists && i < ids->conf->n_tunnels; i++)
		list_free(&ids->lists[i]);
	free(ids->lists);
	free(ids->slots);
	free(ids->buckets);
	free(ids);
}
