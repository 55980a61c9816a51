// SPDX-License-Identifier: BSD-3-Clause
// Reads scenarios with the tables and the error manners of the hub's own configuration.
#include "scenario.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf_reader.h"
#include "replay.h"

#define SET_TREES_MAX 32
#define INNER_MIN 64
#define INNER_MAX 1400

struct scenario_file { // what the tables read into
	uint16_t version;
	int64_t key;
	struct scenario s;
};

static void expect_read(struct conf_reader *r, const struct conf_key *k, const struct conf_node *n, void *base) {
	struct scenario *s = &((struct scenario_file *)base)->s;

	(void)k;
	for (unsigned i = 0; i < conf_list_len(n); i++) {
		const struct conf_node *item = conf_list_item(n, i);

		if (item->kind != CONF_NODE_SCALAR)
			conf_error(r, item->mark, "expect: write PATH OP NUMBER, as in traffic.*.lost == 0");
		else if (s->n_expect == SCENARIO_EXPECT_MAX)
			conf_error(r, item->mark, "expect: at most %u lines", SCENARIO_EXPECT_MAX);
		else if ((s->expect[s->n_expect] = strdup(item->text)))
			s->n_expect++;
	}
}

static const struct conf_type expect_list = {expect_read, "list of PATH OP NUMBER", CONF_ARG_NONE};

#define RANGE(...) \
	&(const struct conf_range) { \
		__VA_ARGS__ \
	}
#define TOP(member) CONF_FIELD(struct scenario_file, member)

static const struct conf_word key_words[] = {{"none", -1}, {NULL, 0}};
static const struct conf_word inner_words[] = {{"imix", 0}, {NULL, 0}};
static const struct conf_word all_words[] = {{"all", 0}, {NULL, 0}};
static const struct conf_word crypto_words[] = {
	{"ipsec-mb", HUB_CRYPTO_IPSEC_MB}, {"null", HUB_CRYPTO_NULL}, {NULL, 0}};
static const struct conf_word path_words[] = {
	{"hairpin", PATH_HAIRPIN}, {"spoke-to-lan", PATH_SPOKE_TO_LAN}, {"lan-to-spoke", PATH_LAN_TO_SPOKE}, {NULL, 0}};
static const struct conf_word protection_words[] = {
	{"none", PROTECTION_NONE},
#define X(name, word, ...) {word, ESP_##name},
	ESP_SUITES(X)
#undef X
		{NULL, 0},
};

static const struct conf_key hub_keys[] = {
	{"workers", &conf_number, TOP(s.workers), RANGE(1, 8), .fallback = "1", .help = "worker cores of the hub"},
	{"max-spokes", &conf_number, TOP(s.max_spokes), RANGE(0, SCENARIO_SPOKES_MAX), .fallback = "0",
		.help = "what its tables are sized for; 0: the number of spokes"},
	{"crypto", &conf_choice, TOP(s.crypto), crypto_words, .fallback = "ipsec-mb",
		.help = "null: hub and spokes leave the cipher out, to measure everything else"},
	{"replay-window", &conf_number, TOP(s.hub_replay_window), RANGE(REPLAY_WINDOW_MIN, REPLAY_WINDOW_MAX),
		.fallback = "1024", .help = "of the hub"},
	{"anti-spoof", &conf_bool, TOP(s.anti_spoof), .fallback = "true",
		.help = "the hub looks every packet's source up too"},
	{NULL},
};
static const struct conf_shape hub_shape = {.keys = hub_keys};

static const struct conf_key spokes_keys[] = {
	{"count", &conf_number, TOP(s.spokes.count), RANGE(1, SCENARIO_SPOKES_MAX), .required = true,
		.help = "how many"},
	{"holding-time", &conf_seconds, TOP(s.spokes.holding_time_s), RANGE(1, 65535), .fallback = "600",
		.help = "that they ask for"},
	{"unique", &conf_bool, TOP(s.spokes.unique), .fallback = "false", .help = "register with the unique bit"},
	{"key", &conf_number, TOP(key), RANGE(0, UINT32_MAX, key_words), .fallback = "none", .help = "GRE key"},
	{"checksum", &conf_bool, TOP(s.spokes.checksum), .fallback = "false", .help = "GRE checksums both ways"},
	{"authentication", &conf_secret, TOP(s.spokes.authentication), .help = "NHRP authentication string"},
	{"protection", &conf_choice, TOP(s.spokes.protection), protection_words, .fallback = "none",
		.help = "ESP, by the name of its suite"},
	{"esn", &conf_bool, TOP(s.spokes.esn), .fallback = "false", .help = "64-bit sequence numbers"},
	{"replay-window", &conf_number, TOP(s.spokes.replay_window), RANGE(REPLAY_WINDOW_MIN, REPLAY_WINDOW_MAX),
		.fallback = "32", .help = "of the spokes"},
	{"nat-t", &conf_bool, TOP(s.spokes.nat_t), .fallback = "false", .help = "ESP in UDP"},
	{"tunnel-mode", &conf_bool, TOP(s.spokes.tunnel_mode), .fallback = "false",
		.help = "an IP header between ESP and GRE"},
	{NULL},
};
static const struct conf_shape spokes_shape = {.keys = spokes_keys};

static const struct conf_key registration_keys[] = {
	{"window", &conf_number, TOP(s.registration.window), RANGE(1, 4096), .fallback = "512",
		.help = "requests under way at once"},
	{"refresh-rounds", &conf_number, TOP(s.registration.refresh_rounds), RANGE(0, 100000), .fallback = "0",
		.help = "every spoke registers again, so many times"},
	{"with-traffic", &conf_bool, TOP(s.registration.with_traffic), .fallback = "false",
		.help = "hairpin traffic during the refresh rounds"},
	{NULL},
};
static const struct conf_shape registration_shape = {.keys = registration_keys};

static const struct conf_key traffic_keys[] = {
	{"name", &conf_text, CONF_FIELD(struct scenario_traffic, name), .required = true, .help = "of the row"},
	{"inner", &conf_number, CONF_FIELD(struct scenario_traffic, inner_bytes),
		RANGE(INNER_MIN, INNER_MAX, inner_words), .required = true,
		.help = "bytes of the inner IP packet, or imix (7:4:1 of 64, 594 and 1400)"},
	{"spokes", &conf_number, CONF_FIELD(struct scenario_traffic, spokes), RANGE(1, SCENARIO_SPOKES_MAX, all_words),
		.fallback = "all", .help = "how many of them take part"},
	{"path", &conf_choice, CONF_FIELD(struct scenario_traffic, path), path_words, .fallback = "hairpin",
		.help = "between spokes, or between a spoke and the LAN behind the hub"},
	{NULL},
};
static const struct conf_shape traffic_shape = {.keys = traffic_keys,
	.item_size = sizeof(struct scenario_traffic),
	.count_offset = offsetof(struct scenario_file, s.n_traffic),
	.count_size = sizeof(unsigned),
	.max = SCENARIO_TRAFFIC_MAX,
	.is_inline = true};

static const struct conf_key top_keys[] = {
	{"version", &conf_number, TOP(version), RANGE(1, 1), .required = true, .help = "of this format: 1"},
	{"name", &conf_text, TOP(s.name), .required = true, .help = "of the scenario"},
	{"description", &conf_text, TOP(s.description), .help = "one line"},
	{"seed", &conf_number, TOP(s.seed), RANGE(0, INT64_MAX), .fallback = "1", .help = "of all that is random"},
	{"hub", &conf_section, .arg = &hub_shape, .help = "the hub"},
	{"spokes", &conf_section, .arg = &spokes_shape, .required = true, .help = "the simulated spokes"},
	{"registration", &conf_section, .arg = &registration_shape, .help = "how they register"},
	{"rounds", &conf_number, TOP(s.rounds), RANGE(1, 1000), .fallback = "9",
		.help = "of each traffic, interleaved with the others"},
	{"gates", &conf_number, TOP(s.gates), RANGE(1, 10000), .fallback = "32", .help = "of each round"},
	{"packets", &conf_number, TOP(s.packets), RANGE(1, 4096), .fallback = "1024", .help = "of each gate"},
	{"traffic", &conf_mappings, TOP(s.traffic), &traffic_shape, .help = "what is sent"},
	{"expect", &expect_list, .help = "what must hold of the report"},
	{NULL},
};

// --- --set KEY=VALUE ---

// A node that the tree owns, with room for text behind it.
static struct conf_node *node_add(struct conf_tree *owner, enum conf_node_kind kind, size_t text_bytes) {
	struct conf_node *n = calloc(1, sizeof(*n) + text_bytes);

	if (!n)
		return NULL;
	n->kind = kind;
	n->is_plain = true;
	n->text = "";
	n->next = owner->nodes;
	owner->nodes = n;
	return n;
}

// The place of key in a map, or of a number in a list; NULL when it is not there and cannot be made.
static const struct conf_node **slot(struct conf_tree *owner, struct conf_node *n, const char *key, size_t len) {
	const struct conf_node **items;
	struct conf_node *name, *value;
	unsigned step = n->kind == CONF_NODE_MAP ? 2 : 1, index;
	char *end;

	if (n->kind == CONF_NODE_MAP) {
		for (unsigned i = 0; i + 1 < n->n_items; i += 2) {
			if (strlen(n->items[i]->text) == len && !strncmp(n->items[i]->text, key, len))
				return &n->items[i + 1];
		}
	} else {
		index = strtoul(key, &end, 10);
		if (end != key + len || end == key || index > n->n_items)
			return NULL;
		if (index < n->n_items)
			return &n->items[index];
	}
	items = realloc(n->items, (n->n_items + step) * sizeof(*items));
	if (!items)
		return NULL;
	n->items = items;
	name = node_add(owner, CONF_NODE_SCALAR, len + 1);
	value = node_add(owner, CONF_NODE_MAP, 0);
	if (!name || !value)
		return NULL;
	memcpy(name + 1, key, len);
	name->text = (char *)(name + 1);
	if (step == 2)
		items[n->n_items] = name;
	items[n->n_items + step - 1] = value;
	n->n_items += step;
	n->max_items = n->n_items;
	return &items[n->n_items - 1];
}

static int set_apply(struct conf_tree *tree, struct conf_tree *value, struct conf_reader *r, const char *set) {
	const char *equals = strchr(set, '='), *key = set;
	const struct conf_node **at = &tree->root;

	if (!equals) {
		conf_error(r, (struct conf_mark){0}, "--set %s: write KEY=VALUE, as in spokes.count=5000", set);
		return -EINVAL;
	}
	while (key < equals) {
		size_t len = strcspn(key, ".=");

		// Every node of this tree came from calloc; only the reader sees them as const.
		at = (*at)->kind == CONF_NODE_SCALAR ? NULL : slot(tree, (struct conf_node *)(uintptr_t)*at, key, len);
		if (!at || *at == NULL) {
			conf_error(r, (struct conf_mark){0}, "--set %s: no such place: '%.*s'", set, (int)len, key);
			return -EINVAL;
		}
		key += len + 1;
	}
	if (conf_tree_build(value, r, equals + 1, strlen(equals + 1)) < 0 || !value->root)
		return -EINVAL;
	for (struct conf_node *n = value->nodes; n; n = n->next)
		n->mark = (struct conf_mark){0}; // a place in the value would be taken for one in the file
	*at = value->root;
	return 0;
}

// --- the file ---

static char *file_read(const char *path, size_t *len) {
	char *text = malloc(CONF_FILE_BYTES_MAX);
	FILE *f = fopen(path, "r");

	if (!f || !text) {
		fprintf(stderr, "nave-lab: %s: %s\n", path, strerror(errno));
		goto err;
	}
	*len = fread(text, 1, CONF_FILE_BYTES_MAX, f);
	if (*len == CONF_FILE_BYTES_MAX || ferror(f)) {
		fprintf(stderr, "nave-lab: %s: cannot be read, or is larger than %u MiB\n", path,
			CONF_FILE_BYTES_MAX >> 20);
		goto err;
	}
	fclose(f);
	return text;
err:
	if (f)
		fclose(f);
	free(text);
	return NULL;
}

// The plain word null is a value of these keys, and not YAML's "left out": the one read as the other would measure
// something else than was asked for. Every node of the tree came from calloc; only the reader sees them as const.
static void null_is_a_word(const struct conf_node *root, const char *section, const char *key) {
	const struct conf_node *in = conf_map_value(root, section), *n = conf_map_value(in, key);

	if (in != root && n != in && !strcmp(n->text, "null"))
		((struct conf_node *)(uintptr_t)n)->is_plain = false;
}

static void protection_check(struct conf_reader *r, const struct conf_node *root, const struct scenario *s) {
	struct conf_mark mark = conf_map_value(root, "spokes")->mark;

	if (s->spokes.protection == ESP_NULL && s->crypto != HUB_CRYPTO_NULL)
		conf_error(r, mark, "protection: null has neither cipher nor integrity: write hub.crypto: null, too");
	if (!scenario_is_protected(s) && (s->spokes.nat_t || s->spokes.tunnel_mode || s->spokes.esn))
		conf_error(r, mark, "esn, nat-t and tunnel-mode are of ESP: write protection: aes128gcm16, too");
}

bool scenario_has_lan(const struct scenario *s) {
	for (unsigned k = 0; k < s->n_traffic; k++)
		if (s->traffic[k].path != PATH_HAIRPIN)
			return true;
	return false;
}

static void scenario_finish(struct conf_reader *r, const struct conf_node *root, struct scenario_file *f) {
	struct scenario *s = &f->s;

	s->spokes.has_key = f->key >= 0;
	s->spokes.key = f->key >= 0 ? f->key : 0;
	if (s->max_spokes == 0)
		s->max_spokes = s->spokes.count;
	if (s->max_spokes < s->spokes.count)
		conf_error(r, conf_map_value(root, "hub")->mark, "max-spokes: %u are fewer than spokes.count, %u",
			s->max_spokes, s->spokes.count);
	protection_check(r, root, s);
	for (unsigned k = 0; k < s->n_traffic; k++) {
		s->traffic[k].mix = s->traffic[k].inner_bytes ? INNER_FIXED : INNER_IMIX;
		if (s->traffic[k].spokes > s->spokes.count)
			conf_error(r, conf_map_value(root, "traffic")->mark, "%s: %u spokes, but there are %u",
				s->traffic[k].name, s->traffic[k].spokes, s->spokes.count);
	}
}

struct scenario *scenario_load(const char *file, char *const *sets, unsigned n_sets) {
	struct conf conf = {.file = (char *)(uintptr_t)file};
	struct conf_reader r = {.conf = &conf};
	struct conf_tree tree = {0}, values[SET_TREES_MAX] = {0};
	struct scenario_file *f = calloc(1, sizeof(*f));
	size_t len;
	char *text = file_read(file, &len);
	unsigned n_errors;

	if (!text || !f)
		goto err;
	if (conf_tree_build(&tree, &r, text, len) == 0 && !tree.root)
		conf_error(&r, (struct conf_mark){1, 1}, "the file is empty: a scenario begins with version: 1");
	for (unsigned i = 0; i < n_sets && i < SET_TREES_MAX && tree.root; i++)
		set_apply(&tree, &values[i], &r, sets[i]);
	if (tree.root) {
		null_is_a_word(tree.root, "hub", "crypto");
		null_is_a_word(tree.root, "spokes", "protection");
	}
	if (tree.root && !r.n_errors)
		conf_map_read(&r, top_keys, tree.root, f);
	if (tree.root && !r.n_errors)
		scenario_finish(&r, tree.root, f);
	n_errors = r.n_errors;
	conf_errors_print(&r, stderr);
	for (unsigned i = 0; i < SET_TREES_MAX; i++)
		conf_tree_free(&values[i]);
	conf_tree_free(&tree);
	free(text);
	if (n_errors) {
		scenario_free(&f->s);
		return NULL;
	}
	f->s.file = file;
	return &f->s;
err:
	free(text);
	free(f);
	return NULL;
}

void scenario_free(struct scenario *s) {
	if (!s)
		return;
	for (unsigned i = 0; i < s->n_expect; i++)
		free(s->expect[i]);
	free((char *)s - offsetof(struct scenario_file, s));
}
