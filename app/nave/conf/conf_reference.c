// SPDX-License-Identifier: BSD-3-Clause
// docs/config.md, from the tables that read the file.
#include <string.h>

#include "conf_reader.h"

static void words_print(const struct conf_word *words, FILE *out) {
	for (unsigned i = 0; words && words[i].word; i++)
		fprintf(out, "%s`%s`", i == 0 ? "" : words[i + 1].word ? ", " : " or ", words[i].word);
}

static void type_print(const struct conf_key *k, FILE *out) {
	const struct conf_range *range = k->arg;

	if (k->type->arg == CONF_ARG_WORDS) {
		words_print(k->arg, out);
		return;
	}
	fprintf(out, "%s", k->type->words);
	if (k->type->arg != CONF_ARG_RANGE)
		return;
	fprintf(out, ", %lld to %lld%s", (long long)range->min, (long long)range->max,
		k->type == &conf_milliseconds ? " ms"
		: k->type == &conf_seconds    ? " s"
					      : "");
	if (range->words) {
		fprintf(out, "; ");
		words_print(range->words, out);
	}
}

static void default_print(const struct conf_key *k, FILE *out) {
	if (k->required)
		fprintf(out, "**required**");
	else if (k->shown)
		fprintf(out, "%s", k->shown);
	else if (k->fallback && *k->fallback)
		fprintf(out, "`%s`", k->fallback);
	else
		fprintf(out, "-");
}

static void table_print(const char *path, const struct conf_key *keys, FILE *out) {
	fprintf(out, "\n## %s\n\n| key | value | default | |\n|---|---|---|---|\n", *path ? path : "The file");
	for (const struct conf_key *k = keys; k->name; k++) {
		fprintf(out, "| `%s` | ", k->name);
		type_print(k, out);
		fprintf(out, " | ");
		default_print(k, out);
		fprintf(out, " | %s%s |\n", k->help, k->is_later ? " (not in this build)" : "");
	}
}

static void shape_print(const char *path, const struct conf_key *keys, FILE *out) {
	table_print(path, keys, out);
	for (const struct conf_key *k = keys; k->name; k++) {
		char deeper[128];

		if (k->type->arg != CONF_ARG_SHAPE)
			continue;
		snprintf(deeper, sizeof(deeper), "%s%s%s%s", path, *path ? "." : "", k->name,
			k->type == &conf_named                    ? ".NAME"
			: strncmp(k->type->words, "list", 4) == 0 ? "[]"
								  : "");
		shape_print(deeper, ((const struct conf_shape *)k->arg)->keys, out);
	}
}

void conf_print_reference(FILE *out) {
	fprintf(out,
		"# Configuration\n\n"
		"Generated from the tables of `app/nave/conf` (`build/app/nave/conf/config-reference`): do not "
		"edit.\n\n"
		"One YAML file describes a hub; `nave -c FILE --check` reads it and says what is wrong. One value may "
		"stand for\n"
		"a list of one. `~` is the same as leaving the key out. Anchors and aliases work within limits; tags "
		"do not.\n"
		"An IPv6 address inside `[ ]` or `{ }` wants quotes. Keys marked \"not in this build\" are checked, "
		"and named\n"
		"when the hub is started with them.\n");
	shape_print("", conf_top_keys, out);
}
