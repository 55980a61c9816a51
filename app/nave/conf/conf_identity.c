// SPDX-License-Identifier: BSD-3-Clause
// tunnels.NAME.protection.identities: what each IKE identity may do.
#include <stdlib.h>
#include <string.h>

#include "conf_reader.h"
#include "identity_match.h"

#define PREFIXES_MAX 1024 // of one entry

static void match_read(struct conf_reader *r, const struct conf_key *k, const struct conf_node *n, void *base) {
	unsigned n_errors = r->n_errors;
	struct identity_form form;
	const char *refusal;

	conf_text.read(r, k, n, base);
	if (r->n_errors != n_errors)
		return;
	refusal = identity_pattern_read(n->text, &form);
	if (refusal)
		conf_error(r, n->mark, "%s: '%.60s' %s", k->name, n->text, refusal);
}

static const struct conf_type match_type = {match_read, "text", CONF_ARG_NONE};
static const struct conf_shape protocol_shape = {CONF_COUNT(struct conf_identity, n_protocol), .max = PREFIXES_MAX};
static const struct conf_shape prefixes_shape = {CONF_COUNT(struct conf_identity, n_prefixes), .max = PREFIXES_MAX};

static const struct conf_key identity_keys[] = {
	{"match", &match_type, CONF_FIELD(struct conf_identity, match), .required = true,
		.help = "IKE identity as strongSwan writes it: a name or an e-mail address, with `*` at its beginning "
			"for any; an address or a prefix; `@#` and a key id in hex; a DN, with `*` for any value, as "
			"in `C=DE, O=Example, CN=*`; `*` for all"},
	{"protocol", &conf_prefixes, CONF_FIELD(struct conf_identity, protocol), &protocol_shape,
		.shown = "the tunnel's subnets",
		.help = "where its protocol addresses must be; IPv6 link-local ones may be any, unless the list has "
			"such"},
	{"prefixes", &conf_prefixes, CONF_FIELD(struct conf_identity, prefixes), &prefixes_shape,
		.help = "where prefixes that it registers may be besides, also outside of the tunnel's subnets"},
	{"group", &conf_text, CONF_FIELD(struct conf_identity, group), .help = "QoS group that it belongs to"},
	{0},
};

const struct conf_shape conf_identity_shape = {
	.keys = identity_keys,
	.mark_offset = offsetof(struct conf_identity, mark),
	.item_size = sizeof(struct conf_identity),
	CONF_COUNT(struct conf_tunnel, n_identities),
	.max = CONF_IDENTITIES_MAX,
};

// --- against each other ---
struct sorted_identity {
	const struct conf_identity *entry;
	struct identity_form form;
};

static int sorted_compare(const void *pa, const void *pb) {
	const struct sorted_identity *a = pa, *b = pb;
	int d = identity_compare(&a->form, &b->form);

	return d ? d : a->entry < b->entry ? -1 : a->entry > b->entry;
}

// Everything is IDENTITY_ANY, and sorted first.
static void never_matches(
	struct conf_reader *r, const struct sorted_identity *first, const struct sorted_identity *entry) {
	if (first->form.kind == IDENTITY_ANY && entry->entry > first->entry)
		conf_error(r, entry->entry->mark,
			"identities: '%.60s' never matches: in line %u, '%s' matches all: write that one last",
			entry->entry->match, first->entry->mark.line, first->entry->match);
	else if (identity_compare(&entry[-1].form, &entry->form) == 0)
		conf_error(r, entry->entry->mark, "identities: '%.60s' never matches: it is '%.60s' of line %u again",
			entry->entry->match, entry[-1].entry->match, entry[-1].entry->mark.line);
}

void conf_identities_check(struct conf_reader *r, const struct conf_tunnel *t) {
	struct sorted_identity *sorted;
	uint32_t n = 0;

	if (t->n_identities < 2)
		return;
	sorted = calloc(t->n_identities, sizeof(*sorted));
	if (!sorted) {
		conf_error(r, t->identities[0].mark, "out of memory");
		return;
	}
	for (uint32_t i = 0; i < t->n_identities; i++) {
		if (conf_is_bad(r, &t->identities[i]))
			continue;
		sorted[n].entry = &t->identities[i];
		identity_pattern_read(t->identities[i].match, &sorted[n++].form);
	}
	qsort(sorted, n, sizeof(*sorted), sorted_compare);
	for (uint32_t i = 1; i < n; i++)
		never_matches(r, &sorted[0], &sorted[i]);
	free(sorted);
}

// --- against the tunnel's addresses ---
static bool overlap(const struct prefix *a, const struct prefix *b) {
	return prefix_contains(a, &b->addr) || prefix_contains(b, &a->addr);
}

static bool is_in_subnets(const struct conf_tunnel *t, const struct prefix *p) {
	bool found = addr_is_link_local(&p->addr) && p->addr.family == ADDR_IPV6;

	for (unsigned i = 0; i < t->n_addresses && !found; i++) {
		struct prefix subnet = prefix_of(&t->addresses[i].addr, t->addresses[i].len_bits);

		found = overlap(&subnet, p);
	}
	return found;
}

void conf_identities_subnet_check(struct conf_reader *r, const struct conf_node *n, const struct conf_tunnel *t) {
	const struct conf_node *list = conf_map_value(conf_map_value(n, "protection"), "identities");
	char buf[PREFIX_STRLEN];

	for (uint32_t i = 0; i < t->n_identities; i++) {
		const struct conf_identity *e = &t->identities[i];

		for (unsigned p = 0; p < e->n_protocol; p++) {
			const struct conf_node *protocol = conf_map_value(conf_list_item(list, i), "protocol");

			if (!is_in_subnets(t, &e->protocol[p]))
				conf_error(r, conf_list_item(protocol, p)->mark,
					"protocol: %s is in no subnet of the tunnel's addresses",
					prefix_format(&e->protocol[p], buf));
		}
	}
}
