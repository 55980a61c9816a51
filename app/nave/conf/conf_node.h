// SPDX-License-Identifier: BSD-3-Clause
// The YAML text as a tree whose nodes remember where they stood. Built from libyaml's events, so that size, depth,
// anchors and aliases are bounded while reading and no cycle can come about.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "conf.h"

#define CONF_FILE_BYTES_MAX (32u << 20)
#define CONF_NODES_MAX (4u << 20)
#define CONF_DEPTH_MAX 32
#define CONF_ANCHORS_MAX 64

enum conf_node_kind {
	CONF_NODE_SCALAR,
	CONF_NODE_LIST,
	CONF_NODE_MAP,
};

struct conf_node {
	enum conf_node_kind kind;
	bool is_plain; // a scalar without quotes
	struct conf_mark mark;
	const char *text; // scalar; else ""
	unsigned n_items, max_items; // of a map: key, value, key, value
	const struct conf_node **items;
	struct conf_node *next; // all nodes of the tree
};

struct conf_tree {
	const struct conf_node *root; // NULL: empty, or an error
	struct conf_node *nodes;
	unsigned n_nodes;
};

struct conf_reader;

// The first syntax error is reported through conf_error() and leaves root NULL. -errno: -EINVAL, -ENOMEM.
int conf_tree_build(struct conf_tree *t, struct conf_reader *r, const char *text, size_t len_bytes);
void conf_tree_free(struct conf_tree *t);

bool conf_node_is_null(const struct conf_node *n); // ~, null or nothing
// A scalar or a mapping counts as a list of one; null as none.
unsigned conf_list_len(const struct conf_node *n);
const struct conf_node *conf_list_item(const struct conf_node *n, unsigned i);
// The value of key; n itself when it has no such key, so that its mark is still near.
const struct conf_node *conf_map_value(const struct conf_node *n, const char *key);
