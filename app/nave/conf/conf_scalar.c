// SPDX-License-Identifier: BSD-3-Clause
// Readers of numbers, words, texts and times.
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "conf_reader.h"

void conf_store(const struct conf_key *k, void *base, int64_t v) {
	char *out = (char *)base + k->offset;
	uint8_t v8 = v;
	uint16_t v16 = v;
	uint32_t v32 = v;

	switch (k->size) {
	case 1:
		memcpy(out, &v8, 1);
		break;
	case 2:
		memcpy(out, &v16, 2);
		break;
	case 4:
		memcpy(out, &v32, 4);
		break;
	default:
		memcpy(out, &v, 8);
	}
}

const char *conf_scalar(struct conf_reader *r, const struct conf_key *k, const struct conf_node *n) {
	if (n->kind == CONF_NODE_SCALAR)
		return n->text;
	conf_error(r, n->mark, "%s: one value is wanted, not a %s", k->name,
		n->kind == CONF_NODE_LIST ? "list: leave out [ ]" : "mapping: leave out { }");
	return NULL;
}

// "a, b or c"
static void words_list(const struct conf_word *words, char *out, size_t size) {
	size_t len = 0;

	out[0] = '\0';
	for (unsigned i = 0; words && words[i].word && len < size; i++)
		len += snprintf(out + len, size - len, "%s%s",
			i == 0              ? ""
			: words[i + 1].word ? ", "
					    : " or ",
			words[i].word);
}

static bool word_find(const struct conf_word *words, const char *text, int64_t *v) {
	for (; words && words->word; words++) {
		if (strcmp(words->word, text) == 0) {
			*v = words->value;
			return true;
		}
	}
	return false;
}

bool conf_word_read(struct conf_reader *r, const struct conf_key *k, const struct conf_node *n,
	const struct conf_word *words, int64_t *v) {
	const char *text = conf_scalar(r, k, n);
	struct conf_nearest near = {.word = text};
	char known[320];

	if (!text)
		return false;
	if (word_find(words, text, v))
		return true;
	for (const struct conf_word *w = words; w->word; w++)
		conf_nearest_offer(&near, w->word);
	words_list(words, known, sizeof(known));
	if (near.best)
		conf_error(r, n->mark, "%s: unknown value '%.40s': did you mean '%s'? (%s)", k->name, text, near.best,
			known);
	else
		conf_error(r, n->mark, "%s: unknown value '%.40s': write %s", k->name, text, known);
	return false;
}

static void choice_read(struct conf_reader *r, const struct conf_key *k, const struct conf_node *n, void *base) {
	int64_t v;

	if (conf_word_read(r, k, n, k->arg, &v))
		conf_store(k, base, v);
}

static const struct conf_word bool_words[] = {
	{"true", 1},
	{"false", 0},
	{"yes", 1},
	{"no", 0},
	{"on", 1},
	{"off", 0},
	{0},
};

static void bool_read(struct conf_reader *r, const struct conf_key *k, const struct conf_node *n, void *base) {
	const char *text = conf_scalar(r, k, n);
	int64_t v;

	if (!text)
		return;
	if (word_find(bool_words, text, &v))
		conf_store(k, base, v);
	else
		conf_error(r, n->mark, "%s: '%.40s' is not a yes or no: write true or false", k->name, text);
}

// Decimal or 0x; nothing else that strtoull takes (signs, blanks, octal).
static bool digits_parse(const char *text, char **end, uint64_t *v) {
	bool is_hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X') && isxdigit((unsigned char)text[2]);

	if (!isdigit((unsigned char)text[0]) || strlen(text) > 20)
		return false;
	*v = strtoull(text, end, is_hex ? 16 : 10);
	return *v <= INT64_MAX;
}

static void range_error(struct conf_reader *r, const struct conf_key *k, const struct conf_node *n, const char *what,
	const char *unit) {
	const struct conf_range *range = k->arg;
	char words[80];

	words_list(range->words, words, sizeof(words));
	conf_error(r, n->mark, "%s: '%.40s' is not a %s from %lld to %lld%s%s%s", k->name, n->text, what,
		(long long)range->min, (long long)range->max, unit, words[0] ? ", nor " : "", words);
}

static void number_read(struct conf_reader *r, const struct conf_key *k, const struct conf_node *n, void *base) {
	const struct conf_range *range = k->arg;
	const char *text = conf_scalar(r, k, n);
	uint64_t v = 0;
	int64_t word;
	char *end;

	if (!text)
		return;
	if (word_find(range->words, text, &word))
		conf_store(k, base, word);
	else if (!digits_parse(text, &end, &v) || *end || (int64_t)v < range->min || (int64_t)v > range->max)
		range_error(r, k, n, "number", "");
	else
		conf_store(k, base, v);
}

static int64_t unit_ms(const char *unit) {
	static const struct conf_word units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {0}};
	int64_t ms = 0;

	word_find(units, unit, &ms);
	return ms;
}

// The range is in the unit of the member.
static void milliseconds_read(struct conf_reader *r, const struct conf_key *k, const struct conf_node *n, void *base) {
	const struct conf_range *range = k->arg;
	const char *text = conf_scalar(r, k, n);
	uint64_t v = 0;
	char *end;

	if (!text)
		return;
	if (!digits_parse(text, &end, &v) || !unit_ms(end) || v > UINT32_MAX) {
		conf_error(r, n->mark, "%s: '%.40s' is not a time: write 8s or 500ms", k->name, text);
		return;
	}
	v *= unit_ms(end);
	if ((int64_t)v < range->min || (int64_t)v > range->max)
		range_error(r, k, n, "time", " ms");
	else
		conf_store(k, base, v);
}

static void seconds_read(struct conf_reader *r, const struct conf_key *k, const struct conf_node *n, void *base) {
	const struct conf_range *range = k->arg;
	const char *text = conf_scalar(r, k, n);
	uint64_t v = 0;
	char *end;

	if (!text)
		return;
	if (!digits_parse(text, &end, &v) || (*end && !unit_ms(end)) || v > UINT32_MAX ||
		(*end && v * unit_ms(end) % 1000)) {
		conf_error(r, n->mark, "%s: '%.40s' is not a time in whole seconds: write 600, 600s or 10m", k->name,
			text);
		return;
	}
	if (*end)
		v = v * unit_ms(end) / 1000;
	if ((int64_t)v < range->min || (int64_t)v > range->max)
		range_error(r, k, n, "time", " s");
	else
		conf_store(k, base, v);
}

static void text_store(const struct conf_key *k, const char *text, void *base) {
	snprintf((char *)base + k->offset, k->size, "%s", text);
}

static bool text_fits(struct conf_reader *r, const struct conf_key *k, const struct conf_node *n) {
	const char *text = conf_scalar(r, k, n);

	if (!text)
		return false;
	for (const char *p = text; *p; p++) {
		if (iscntrl((unsigned char)*p)) {
			conf_error(r, n->mark, "%s: a control character: leave it out", k->name);
			return false;
		}
	}
	if (strlen(text) >= k->size || (!*text && n->mark.line)) {
		conf_error(
			r, n->mark, "%s: wants 1 to %zu characters, here are %zu", k->name, k->size - 1, strlen(text));
		return false;
	}
	return true;
}

static void text_read(struct conf_reader *r, const struct conf_key *k, const struct conf_node *n, void *base) {
	if (text_fits(r, k, n))
		text_store(k, n->text, base);
}

static void path_read(struct conf_reader *r, const struct conf_key *k, const struct conf_node *n, void *base) {
	if (!text_fits(r, k, n))
		return;
	if (n->text[0] == '/')
		text_store(k, n->text, base);
	else
		conf_error(r, n->mark, "%s: '%.40s' is not a full path: begin it with /", k->name, n->text);
}

static void netns_read(struct conf_reader *r, const struct conf_key *k, const struct conf_node *n, void *base) {
	if (!text_fits(r, k, n))
		return;
	if (n->text[0] == '/' || (!strpbrk(n->text, "/ \t") && strcmp(n->text, ".") != 0 && strcmp(n->text, "..") != 0))
		text_store(k, n->text, base);
	else
		conf_error(r, n->mark, "%s: '%.40s' is neither a name in /run/netns nor a full path", k->name, n->text);
}

static void label_read(struct conf_reader *r, const struct conf_key *k, const struct conf_node *n, void *base) {
	if (!text_fits(r, k, n))
		return;
	if (strspn(n->text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") == strlen(n->text))
		text_store(k, n->text, base);
	else
		conf_error(r, n->mark, "%s: '%.40s': only letters, digits, '_' and '-'", k->name, n->text);
}

static void secret_read(struct conf_reader *r, const struct conf_key *k, const struct conf_node *n, void *base) {
	const char *text = conf_scalar(r, k, n);
	bool is_printable = true;

	if (!text)
		return;
	for (const char *p = text; *p; p++)
		is_printable = is_printable && *p > ' ' && *p < 0x7f;
	if (!is_printable || !*text || strlen(text) >= k->size)
		conf_error(r, n->mark, "%s: wants 1 to %zu printable ASCII characters without blanks", k->name,
			k->size - 1);
	else
		text_store(k, text, base);
}

const struct conf_type conf_number = {number_read, "number", CONF_ARG_RANGE};
const struct conf_type conf_bool = {bool_read, "true or false", CONF_ARG_NONE};
const struct conf_type conf_choice = {choice_read, NULL, CONF_ARG_WORDS};
const struct conf_type conf_milliseconds = {milliseconds_read, "time with a unit (8s, 500ms)", CONF_ARG_RANGE};
const struct conf_type conf_seconds = {seconds_read, "time in seconds, or with a unit (10m)", CONF_ARG_RANGE};
const struct conf_type conf_text = {text_read, "text", CONF_ARG_NONE};
const struct conf_type conf_path = {path_read, "full path", CONF_ARG_NONE};
const struct conf_type conf_netns = {netns_read, "name in /run/netns, or full path", CONF_ARG_NONE};
const struct conf_type conf_label = {label_read, "word", CONF_ARG_NONE};
const struct conf_type conf_secret = {secret_read, "word", CONF_ARG_NONE};
