// SPDX-License-Identifier: BSD-3-Clause
#include "conf_node.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "conf_reader.h"

struct anchor {
	char *name;
	const struct conf_node *node;
};

struct builder {
	struct conf_tree *tree;
	struct conf_reader *reader;
	const char *text;
	unsigned depth, n_anchors;
	struct conf_node *open[CONF_DEPTH_MAX];
	struct anchor anchors[CONF_ANCHORS_MAX];
	bool seen_document;
};

static struct conf_mark mark_of(const yaml_mark_t *m) {
	return (struct conf_mark){m->line + 1, m->column + 1};
}

static int refuse(struct builder *b, const yaml_event_t *e, const char *what) {
	conf_error(b->reader, mark_of(&e->start_mark), "%s", what);
	return -EINVAL;
}

static struct conf_node *node_new(
	struct builder *b, enum conf_node_kind kind, const yaml_event_t *e, const char *text, size_t len) {
	struct conf_node *n = calloc(1, sizeof(*n) + len + 1);

	if (!n)
		return NULL;
	if (len)
		memcpy(n + 1, text, len);
	n->kind = kind;
	n->text = (const char *)(n + 1);
	n->mark = mark_of(&e->start_mark);
	n->next = b->tree->nodes;
	b->tree->nodes = n;
	b->tree->n_nodes++;
	return n;
}

// Into the innermost open list or map, or as the root.
static int node_attach(struct builder *b, const struct conf_node *n) {
	struct conf_node *parent = b->depth ? b->open[b->depth - 1] : NULL;

	if (!parent) {
		b->tree->root = n;
		return 0;
	}
	if (parent->n_items == parent->max_items) {
		unsigned max = parent->max_items ? 2 * parent->max_items : 8;
		const struct conf_node **items = realloc(parent->items, max * sizeof(*items));

		if (!items)
			return -ENOMEM;
		parent->items = items;
		parent->max_items = max;
	}
	parent->items[parent->n_items++] = n;
	return 0;
}

static int anchor_add(struct builder *b, const yaml_event_t *e, const yaml_char_t *name, const struct conf_node *n) {
	struct anchor *a = &b->anchors[b->n_anchors];

	if (!name)
		return 0;
	if (b->n_anchors == CONF_ANCHORS_MAX)
		return refuse(b, e, "too many anchors: at most 64; write the values out");
	a->name = strdup((const char *)name);
	if (!a->name)
		return -ENOMEM;
	a->node = n;
	b->n_anchors++;
	return 0;
}

static int alias_attach(struct builder *b, const yaml_event_t *e) {
	const char *name = (const char *)e->data.alias.anchor;

	for (unsigned i = b->n_anchors; i-- > 0;) { // the latest of that name
		if (strcmp(b->anchors[i].name, name) != 0)
			continue;
		for (unsigned d = 0; d < b->depth; d++) {
			if (b->open[d] == b->anchors[i].node)
				return refuse(b, e, "this alias contains itself: write the values out");
		}
		return node_attach(b, b->anchors[i].node);
	}
	return refuse(b, e, "no anchor of this name before here: write &name at the value first");
}

static int node_open(struct builder *b, const yaml_event_t *e, enum conf_node_kind kind, const yaml_char_t *anchor,
	const yaml_char_t *tag) {
	struct conf_node *n;
	int rc;

	if (tag)
		return refuse(b, e, "tags (!...) mean nothing here: leave it out");
	if (b->depth == CONF_DEPTH_MAX)
		return refuse(b, e, "nested too deep: no key of this file needs more than 8 levels");
	n = node_new(b, kind, e, NULL, 0);
	if (!n)
		return -ENOMEM;
	rc = node_attach(b, n);
	if (rc == 0)
		rc = anchor_add(b, e, anchor, n);
	b->open[b->depth++] = n;
	return rc;
}

static int scalar_attach(struct builder *b, const yaml_event_t *e) {
	const char *text = (const char *)e->data.scalar.value;
	struct conf_node *n;
	int rc;

	if (e->data.scalar.tag)
		return refuse(b, e, "tags (!...) mean nothing here: leave it out");
	if (memchr(text, '\0', e->data.scalar.length))
		return refuse(b, e, "a zero byte in a value: leave it out");
	n = node_new(b, CONF_NODE_SCALAR, e, text, e->data.scalar.length);
	if (!n)
		return -ENOMEM;
	n->is_plain = e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	rc = node_attach(b, n);
	return rc < 0 ? rc : anchor_add(b, e, e->data.scalar.anchor, n);
}

static int event_take(struct builder *b, const yaml_event_t *e) {
	if (b->tree->n_nodes >= CONF_NODES_MAX)
		return refuse(b, e, "the file has too many values: at most 4 million");
	switch (e->type) {
	case YAML_DOCUMENT_START_EVENT:
		if (b->seen_document)
			return refuse(b, e, "a second document: write one file for each hub");
		b->seen_document = true;
		return 0;
	case YAML_SCALAR_EVENT:
		return scalar_attach(b, e);
	case YAML_ALIAS_EVENT:
		return alias_attach(b, e);
	case YAML_SEQUENCE_START_EVENT:
		return node_open(b, e, CONF_NODE_LIST, e->data.sequence_start.anchor, e->data.sequence_start.tag);
	case YAML_MAPPING_START_EVENT:
		return node_open(b, e, CONF_NODE_MAP, e->data.mapping_start.anchor, e->data.mapping_start.tag);
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		b->depth--;
		return 0;
	default:
		return 0;
	}
}

// libyaml gives only a byte offset when the text is not UTF-8.
static struct conf_mark mark_at(const char *text, size_t offset) {
	struct conf_mark m = {1, 1};

	for (size_t i = 0; i < offset; i++) {
		m.column++;
		if (text[i] == '\n')
			m = (struct conf_mark){m.line + 1, 1};
	}
	return m;
}

static int syntax_error(struct builder *b, const yaml_parser_t *p, size_t len_bytes) {
	const char *problem = p->problem ? p->problem : "not YAML";

	if (p->error == YAML_MEMORY_ERROR)
		return -ENOMEM;
	if (p->error == YAML_READER_ERROR) {
		size_t at = p->problem_offset < len_bytes ? p->problem_offset : len_bytes;

		conf_error(b->reader, mark_at(b->text, at), "%s: write the file as UTF-8", problem);
	} else if (strstr(problem, "cannot start any token"))
		conf_error(b->reader, mark_of(&p->problem_mark),
			"this character cannot start a value: indent with spaces, not tabs, and quote words "
			"that begin with @, ` or %%");
	else if (p->context)
		conf_error(b->reader, mark_of(&p->problem_mark), "%s (%s that began at line %zu)", problem, p->context,
			p->context_mark.line + 1);
	else
		conf_error(b->reader, mark_of(&p->problem_mark), "%s", problem);
	return -EINVAL;
}

static int events_read(struct builder *b, yaml_parser_t *p, size_t len_bytes) {
	bool at_end = false;
	yaml_event_t e;
	int rc = 0;

	while (rc == 0 && !at_end) {
		if (!yaml_parser_parse(p, &e))
			return syntax_error(b, p, len_bytes);
		at_end = e.type == YAML_STREAM_END_EVENT;
		rc = event_take(b, &e);
		if (e.type == YAML_SCALAR_EVENT)
			explicit_bzero(e.data.scalar.value, e.data.scalar.length);
		yaml_event_delete(&e);
	}
	return rc;
}

// What libyaml has of the text may hold keys.
static void parser_delete(yaml_parser_t *p) {
	explicit_bzero(p->raw_buffer.start, (size_t)(p->raw_buffer.end - p->raw_buffer.start));
	explicit_bzero(p->buffer.start, (size_t)(p->buffer.end - p->buffer.start));
	yaml_parser_delete(p);
}

int conf_tree_build(struct conf_tree *t, struct conf_reader *r, const char *text, size_t len_bytes) {
	struct builder b = {.tree = t, .reader = r, .text = text};
	yaml_parser_t p;
	int rc;

	*t = (struct conf_tree){0};
	if (!yaml_parser_initialize(&p))
		return -ENOMEM;
	yaml_parser_set_input_string(&p, (const unsigned char *)text, len_bytes);
	rc = events_read(&b, &p, len_bytes);
	parser_delete(&p);
	for (unsigned i = 0; i < b.n_anchors; i++)
		free(b.anchors[i].name);
	if (rc < 0)
		t->root = NULL;
	return rc;
}

void conf_tree_free(struct conf_tree *t) {
	struct conf_node *n = t->nodes;

	while (n) {
		struct conf_node *next = n->next;

		free(n->items);
		explicit_bzero((char *)(n + 1), strlen(n->text));
		free(n);
		n = next;
	}
	*t = (struct conf_tree){0};
}

bool conf_node_is_null(const struct conf_node *n) {
	return n->kind == CONF_NODE_SCALAR && n->is_plain &&
	       (n->text[0] == '\0' || strcmp(n->text, "~") == 0 || strcmp(n->text, "null") == 0);
}

unsigned conf_list_len(const struct conf_node *n) {
	return n->kind == CONF_NODE_LIST ? n->n_items : !conf_node_is_null(n);
}

const struct conf_node *conf_list_item(const struct conf_node *n, unsigned i) {
	return n->kind == CONF_NODE_LIST ? n->items[i] : n;
}

const struct conf_node *conf_map_value(const struct conf_node *n, const char *key) {
	if (n->kind != CONF_NODE_MAP)
		return n;
	for (unsigned i = 0; i + 1 < n->n_items; i += 2) {
		if (strcmp(n->items[i]->text, key) == 0)
			return n->items[i + 1];
	}
	return n;
}
