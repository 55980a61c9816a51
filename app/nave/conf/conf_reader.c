// SPDX-License-Identifier: BSD-3-Clause
#include "conf_reader.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define STEPS_MAX CONF_NODES_MAX // without aliases there are never more steps than nodes

static size_t path_enter(struct conf_reader *r, const char *name) {
	size_t len = strlen(r->path);

	snprintf(r->path + len, sizeof(r->path) - len, "%s%s", len ? "." : "", name);
	return len;
}

static void path_leave(struct conf_reader *r, size_t len) {
	r->path[len] = '\0';
}

void conf_later_add(struct conf_reader *r, const char *key, struct conf_mark mark) {
	struct conf *c = r->conf;
	struct conf_later *later;
	size_t len;

	if (c->n_later == UINT16_MAX)
		return;
	later = realloc(c->later, (c->n_later + 1) * sizeof(*later));
	if (!later) {
		conf_error(r, mark, "out of memory");
		return;
	}
	c->later = later;
	len = path_enter(r, key);
	if (!*key)
		path_leave(r, len);
	later[c->n_later] = (struct conf_later){.mark = mark};
	snprintf(later[c->n_later].key, sizeof(later->key), "%.*s", (int)sizeof(later->key) - 1, r->path);
	c->n_later++;
	path_leave(r, len);
}

static void unknown_key_error(
	struct conf_reader *r, const struct conf_key *keys, const struct conf_node *n, const char *near) {
	char known[256] = "";
	size_t len = 0;

	for (unsigned i = 0; keys[i].name && len < sizeof(known); i++)
		len += snprintf(known + len, sizeof(known) - len, "%s%s", i ? ", " : "", keys[i].name);
	if (near)
		conf_error(r, n->mark, "unknown key '%.40s': did you mean '%s'?", n->text, near);
	else
		conf_error(r, n->mark, "unknown key '%.40s': the keys here are %s", n->text, known);
}

// Index of the key in the table, or -1 after an error; the key that was meant, if one is near, is then not missing.
static int key_find(struct conf_reader *r, const struct conf_key *keys, const struct conf_node *n, bool *is_meant) {
	struct conf_nearest near = {.word = n->text};
	int meant = -1;

	if (n->kind != CONF_NODE_SCALAR) {
		conf_error(r, n->mark, "a key must be a word");
		return -1;
	}
	for (int i = 0; keys[i].name; i++) {
		if (strcmp(keys[i].name, n->text) == 0)
			return i;
		conf_nearest_offer(&near, keys[i].name);
		if (near.best == keys[i].name)
			meant = i;
	}
	if (meant >= 0)
		is_meant[meant] = true;
	unknown_key_error(r, keys, n, near.best);
	return -1;
}

static bool step(struct conf_reader *r, const struct conf_node *n) {
	if (!r->is_over && ++r->n_steps == STEPS_MAX) {
		conf_error(r, n->mark, "the aliases make the file too large: at most 4 million values");
		r->is_over = true;
	}
	return !r->is_over && r->n_errors <= CONF_ERRORS_MAX;
}

// Null is what a key has that is left out; of one that must be given, the plain word may be meant.
static bool is_value(const struct conf_key *k, const struct conf_node *n) {
	if (!conf_node_is_null(n))
		return true;
	return k->required && k->type->arg == CONF_ARG_WORDS && strcmp(n->text, "null") == 0;
}

static void missing_error(
	struct conf_reader *r, const struct conf_key *k, const struct conf_node *map, const struct conf_node *name) {
	if (name)
		conf_error(r, name->mark, "%s: no value (so YAML reads ~, null and nothing): %s", k->name, k->help);
	else
		conf_error(r, map->mark, "key '%s' is missing: %s", k->name, k->help);
}

// Sorts the pairs of n into values, by the rows of the table.
static void map_sort(struct conf_reader *r, const struct conf_key *keys, const struct conf_node *n,
	const struct conf_node **names, const struct conf_node **values, bool *is_meant) {
	for (unsigned p = 0; p + 1 < n->n_items && step(r, n); p += 2) {
		int i = key_find(r, keys, n->items[p], is_meant);

		if (i < 0)
			continue;
		if (names[i]) {
			conf_error(r, n->items[p]->mark, "key '%s' is given twice: first in line %u", keys[i].name,
				names[i]->mark.line);
			continue;
		}
		names[i] = n->items[p];
		if (is_value(&keys[i], n->items[p + 1]))
			values[i] = n->items[p + 1];
	}
}

static void key_read(struct conf_reader *r, const struct conf_key *k, const struct conf_node *n, void *base) {
	unsigned n_errors = r->n_errors;
	size_t len = path_enter(r, k->name);
	bool is_off = conf_list_len(n) == 0;

	k->type->read(r, k, n, base);
	if (k->type == &conf_bool)
		is_off = !*(const bool *)((const char *)base + k->offset);
	if (k->is_later && !is_off && n->mark.line && r->n_errors == n_errors)
		conf_later_add(r, "", n->mark);
	path_leave(r, len);
}

static void key_default(struct conf_reader *r, const struct conf_key *k, void *base) {
	struct conf_node n = {.kind = CONF_NODE_SCALAR, .is_plain = true, .text = k->fallback};

	if (k->type == &conf_section)
		key_read(r, k, conf_node_empty(), base);
	else if (k->fallback)
		key_read(r, k, &n, base);
}

void conf_map_read(struct conf_reader *r, const struct conf_key *keys, const struct conf_node *n, void *base) {
	const struct conf_node *names[CONF_KEYS_MAX] = {0}, *values[CONF_KEYS_MAX] = {0};
	bool is_meant[CONF_KEYS_MAX] = {false};

	if (n->kind != CONF_NODE_MAP) {
		conf_error(r, n->mark, "a mapping is wanted here: write {%s: ...}", keys[0].name);
		return;
	}
	map_sort(r, keys, n, names, values, is_meant);
	for (unsigned i = 0; keys[i].name; i++) {
		assert(i < CONF_KEYS_MAX);
		if (values[i])
			key_read(r, &keys[i], values[i], base);
		else if (keys[i].required && is_meant[i])
			continue;
		else if (keys[i].required)
			missing_error(r, &keys[i], n, names[i]);
		else
			key_default(r, &keys[i], base);
	}
}

const struct conf_node *conf_node_empty(void) {
	static const struct conf_node empty = {.kind = CONF_NODE_MAP, .text = ""};

	return &empty;
}

static void count_store(const struct conf_shape *s, void *base, uint32_t v) {
	struct conf_key k = {.offset = s->count_offset, .size = s->count_size};

	conf_store(&k, base, v);
}

static void item_read(struct conf_reader *r, const struct conf_shape *s, const struct conf_node *n,
	struct conf_mark mark, void *item) {
	unsigned n_errors = r->n_errors;

	if (s->mark_offset)
		memcpy((char *)item + s->mark_offset, &mark, sizeof(mark));
	conf_map_read(r, s->keys, n, item);
	if (r->n_errors == n_errors && s->check)
		s->check(r, n, item);
	if (r->n_errors != n_errors)
		conf_bad_add(r, item);
}

static void section_read(struct conf_reader *r, const struct conf_key *k, const struct conf_node *n, void *base) {
	item_read(r, k->arg, n, n->mark, (char *)base + k->offset);
}

const struct conf_type conf_section = {section_read, "mapping", CONF_ARG_SHAPE};

// Room for n items at the member. NULL when out of memory or more than the shape allows, said already.
static char *items_new(
	struct conf_reader *r, const struct conf_key *k, const struct conf_node *n, unsigned n_items, void *base) {
	const struct conf_shape *s = k->arg;
	void *items;

	if (n_items > s->max) {
		conf_error(r, n->mark, "%s: %u are too many: at most %u", k->name, n_items, s->max);
		return NULL;
	}
	if (s->is_inline)
		return (char *)base + k->offset;
	items = calloc(n_items ? n_items : 1, s->item_size);
	if (!items)
		conf_error(r, n->mark, "%s: out of memory", k->name);
	memcpy((char *)base + k->offset, &items, sizeof(items));
	return items;
}

static void mappings_read(struct conf_reader *r, const struct conf_key *k, const struct conf_node *n, void *base) {
	const struct conf_shape *s = k->arg;
	unsigned n_items = conf_list_len(n);
	char *items;

	if (n->kind == CONF_NODE_SCALAR) {
		conf_error(r, n->mark, "%s: a list is wanted: write [{%s: ...}]", k->name, s->keys[0].name);
		return;
	}
	items = items_new(r, k, n, n_items, base);
	for (unsigned i = 0; items && i < n_items && step(r, n); i++) {
		const struct conf_node *item = conf_list_item(n, i);

		count_store(s, base, i);
		item_read(r, s, item, item->mark, items + i * s->item_size);
		count_store(s, base, i + 1);
	}
}

const struct conf_type conf_mappings = {mappings_read, "list of mappings", CONF_ARG_SHAPE};

static bool name_is_valid(const char *name) {
	size_t len = strlen(name);

	return len > 0 && len < CONF_NAME_LEN && name[0] != '.' && name[0] != '-' &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-") == len;
}

// Where the item called name goes: NULL after an error.
static char *named_place(
	struct conf_reader *r, const struct conf_key *k, const struct conf_node *name, char *items, unsigned n_items) {
	const struct conf_shape *s = k->arg;
	char *item = items + n_items * s->item_size;
	struct conf_mark first;

	if (name->kind != CONF_NODE_SCALAR || !name_is_valid(name->text)) {
		conf_error(r, name->mark,
			"%s: a name has 1 to 15 letters, digits, '_', '-' or '.', and begins with none of the last two",
			k->name);
		return NULL;
	}
	if (s->has_default && strcmp(name->text, "default") == 0) {
		memcpy(&first, items + s->mark_offset, sizeof(first));
		if (first.line == 0)
			return items;
		conf_error(r, name->mark, "%s: 'default' is given twice: first in line %u", k->name, first.line);
		return NULL;
	}
	for (unsigned i = 0; i < n_items; i++) {
		if (strcmp(items + i * s->item_size, name->text) != 0)
			continue;
		memcpy(&first, items + i * s->item_size + s->mark_offset, sizeof(first));
		conf_error(r, name->mark, "%s: '%s' is given twice: first in line %u", k->name, name->text, first.line);
		return NULL;
	}
	snprintf(item, CONF_NAME_LEN, "%s", name->text);
	return item;
}

static void named_item_read(struct conf_reader *r, const struct conf_shape *s, const struct conf_node *name,
	const struct conf_node *value, char *item) {
	const struct conf_node empty = {.kind = CONF_NODE_MAP, .text = "", .mark = name->mark};
	size_t len = path_enter(r, name->text);

	item_read(r, s, conf_node_is_null(value) ? &empty : value, name->mark, item);
	path_leave(r, len);
}

static void named_read(struct conf_reader *r, const struct conf_key *k, const struct conf_node *n, void *base) {
	const struct conf_shape *s = k->arg;
	unsigned n_items = 0;
	char *items;

	if (n->kind != CONF_NODE_MAP && n->mark.line) {
		conf_error(r, n->mark, "%s: a mapping of names is wanted: write {NAME: {...}}", k->name);
		n = conf_node_empty();
	}
	items = items_new(r, k, n, n->n_items / 2 + s->has_default, base);
	if (!items)
		return;
	if (s->has_default) {
		item_read(r, s, conf_node_empty(), (struct conf_mark){0}, items);
		count_store(s, base, ++n_items);
	}
	for (unsigned p = 0; p + 1 < n->n_items && step(r, n); p += 2) {
		char *item = named_place(r, k, n->items[p], items, n_items);

		if (!item)
			continue;
		named_item_read(r, s, n->items[p], n->items[p + 1], item);
		if (item != items || !s->has_default)
			count_store(s, base, ++n_items);
	}
}

const struct conf_type conf_named = {named_read, "mapping of names", CONF_ARG_SHAPE};
