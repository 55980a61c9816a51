// SPDX-License-Identifier: BSD-3-Clause
// tunnels.NAME.protection: a word or a mapping.
#include "conf_reader.h"

// After mode, which stands above.
static void identities_read(struct conf_reader *r, const struct conf_key *k, const struct conf_node *n, void *base) {
	struct conf_tunnel *t = base;

	if (t->protection != CONF_PROTECTION_IKE) {
		conf_error(r, n->mark, "identities: only with mode ike");
		return;
	}
	conf_mappings.read(r, k, n, base);
	conf_identities_check(r, t);
}

static const struct conf_type identities_type = {identities_read, "list of mappings", CONF_ARG_SHAPE};

static void sas_read(struct conf_reader *r, const struct conf_key *k, const struct conf_node *n, void *base) {
	if (((const struct conf_tunnel *)base)->protection == CONF_PROTECTION_MANUAL)
		conf_mappings.read(r, k, n, base);
	else
		conf_error(r, n->mark, "sas: only with mode manual");
}

static const struct conf_type sas_type = {sas_read, "list of mappings", CONF_ARG_SHAPE};

static const struct conf_word mode_words[] = {
	{"none", CONF_PROTECTION_NONE},
	{"ike", CONF_PROTECTION_IKE},
	{"manual", CONF_PROTECTION_MANUAL},
	{0},
};

static void mode_read(struct conf_reader *r, const struct conf_key *k, const struct conf_node *n, void *base) {
	struct conf_tunnel *t = base;
	int64_t mode;

	if (!conf_word_read(r, k, n, mode_words, &mode))
		return;
	t->protection = mode;
	t->anti_spoof = mode != CONF_PROTECTION_NONE;
}

static const struct conf_type mode_type = {mode_read, "none, ike or manual", CONF_ARG_NONE};
static const struct conf_word spoof_words[] = {{"strict", true}, {"off", false}, {0}};

static const struct conf_key protection_keys[] = {
	{"mode", &mode_type, .required = true, .help = "write none, ike or manual"},
	{"replay-window", &conf_number, CONF_FIELD(struct conf_tunnel, replay_window),
		&(const struct conf_range){32, 4096}, .fallback = "1024",
		.help = "packets that may come late on an inbound SA"},
	{"anti-spoof", &conf_choice, CONF_FIELD(struct conf_tunnel, anti_spoof), spoof_words,
		.shown = "strict; off with mode none",
		.help = "`strict`: the source of what a spoke sends must be routed to that spoke"},
	{"identities", &identities_type, CONF_FIELD(struct conf_tunnel, identities), &conf_identity_shape,
		.help = "with mode ike: who may use the tunnel, and what they may register; the first entry that "
			"matches counts; without a list, everybody whom the IKE daemon lets in"},
	{"sas", &sas_type, CONF_FIELD(struct conf_tunnel, sas), &conf_sa_shape,
		.help = "with mode manual: the peers, each with an SA for either direction; more of them by the "
			"console"},
	{0},
};

const struct conf_shape conf_protection_shape = {.keys = protection_keys};

static void protection_read(struct conf_reader *r, const struct conf_key *k, const struct conf_node *n, void *base) {
	static const struct conf_node mode = {.kind = CONF_NODE_SCALAR, .text = "mode"};
	static const struct conf_node none = {.kind = CONF_NODE_SCALAR, .text = "none"};
	static const struct conf_node *pair[2] = {&mode, &none};
	static const struct conf_node unprotected = {.kind = CONF_NODE_MAP, .text = "", .n_items = 2, .items = pair};

	if (n->kind == CONF_NODE_LIST)
		conf_error(r, n->mark, "protection: write none, ike, or {mode: manual, sas: [...]}");
	else if (n->kind == CONF_NODE_MAP)
		conf_map_read(r, protection_keys, n, base);
	else {
		conf_map_read(r, protection_keys, &unprotected, base); // for its defaults
		mode_read(r, k, n, base);
	}
}

const struct conf_type conf_protection = {protection_read, "none, ike, manual or a mapping", CONF_ARG_SHAPE};
