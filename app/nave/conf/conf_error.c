// SPDX-License-Identifier: BSD-3-Clause
// Errors kept until all are known, and the nearest word to a wrong one.
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "conf_reader.h"

#define NEAR_MAX 3 // edits
#define KEY_DIGITS_MIN 24
#define KEY_GROUPED_DIGITS_MIN 20 // of 32, cut short, or without the zeros that addr_format() leaves out
#define HEX_DIGITS "0123456789abcdefABCDEF"

struct conf_error {
	struct conf_mark mark;
	unsigned order;
	char *text;
};

static unsigned digits_of(const char *text, size_t len) {
	unsigned n = 0;

	for (size_t i = 0; i < len; i++)
		n += text[i] != ':' && text[i] != '-';
	return n;
}

// A key that stands where another value belongs is not repeated: no other value has as many hex digits in a row, and
// none as many in groups but an address written out, whose place the error has.
static void keys_hide(char *text) {
	for (size_t n; *text; text += n ? n : 1) {
		size_t grouped;

		n = strspn(text, HEX_DIGITS);
		grouped = n ? strspn(text, HEX_DIGITS ":-") : 0;
		if (digits_of(text, grouped) >= KEY_GROUPED_DIGITS_MIN)
			n = grouped;
		else if (n < KEY_DIGITS_MIN)
			continue;
		memset(text, '*', n);
	}
}

void conf_error(struct conf_reader *r, struct conf_mark mark, const char *fmt, ...) {
	struct conf_error *e;
	va_list ap;

	r->n_errors++;
	if (r->is_over || r->n_kept == CONF_ERRORS_MAX)
		return;
	if (!r->errors)
		r->errors = calloc(CONF_ERRORS_MAX, sizeof(*r->errors));
	if (!r->errors)
		return;
	e = &r->errors[r->n_kept];
	va_start(ap, fmt);
	if (vasprintf(&e->text, fmt, ap) < 0)
		e->text = NULL;
	else
		keys_hide(e->text);
	va_end(ap);
	e->mark = mark;
	e->order = r->n_kept++;
}

static int error_compare(const void *pa, const void *pb) {
	const struct conf_error *a = pa, *b = pb;

	if (a->mark.line != b->mark.line)
		return a->mark.line < b->mark.line ? -1 : 1;
	if (a->mark.column != b->mark.column)
		return a->mark.column < b->mark.column ? -1 : 1;
	return a->order < b->order ? -1 : a->order > b->order;
}

void conf_errors_print(struct conf_reader *r, FILE *out) {
	if (r->n_kept)
		qsort(r->errors, r->n_kept, sizeof(*r->errors), error_compare);
	for (unsigned i = 0; i < r->n_kept; i++) {
		conf_complain(r->conf, r->errors[i].mark, out, "%s", r->errors[i].text ? r->errors[i].text : "error");
		free(r->errors[i].text);
	}
	if (r->n_errors > CONF_ERRORS_MAX && !r->is_over)
		fprintf(out, "%s: more than %u errors: mend these first\n", r->conf->file, r->n_kept);
	free(r->errors);
	r->errors = NULL;
	r->n_kept = 0;
}

void conf_bad_add(struct conf_reader *r, const void *item) {
	if (r->n_bad < CONF_ERRORS_MAX)
		r->bad[r->n_bad++] = item;
}

bool conf_is_bad(const struct conf_reader *r, const void *item) {
	for (unsigned i = 0; i < r->n_bad; i++) {
		if (r->bad[i] == item)
			return true;
	}
	return r->n_errors > CONF_ERRORS_MAX;
}

// Levenshtein's.
static unsigned distance(const char *a, const char *b) {
	size_t la = strlen(a), lb = strlen(b);
	unsigned row[32];

	if (la >= 32 || lb >= 32)
		return UINT32_MAX;
	for (unsigned j = 0; j <= lb; j++)
		row[j] = j;
	for (unsigned i = 1; i <= la; i++) {
		unsigned diagonal = row[0];

		row[0] = i;
		for (unsigned j = 1; j <= lb; j++) {
			unsigned best = diagonal + (a[i - 1] != b[j - 1]);

			diagonal = row[j];
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			row[j] = best;
		}
	}
	return row[lb];
}

// "aes128-gcm" begins "aes128gcm16".
static bool is_begun(const char *word, const char *candidate) {
	for (; *word; word++) {
		if (*word == '-')
			continue;
		while (*candidate == '-')
			candidate++;
		if (*word != *candidate++)
			return false;
	}
	return true;
}

// What the word begins comes before what is nearer, and the first such before others.
void conf_nearest_offer(struct conf_nearest *n, const char *candidate) {
	unsigned d = distance(n->word, candidate), len = strlen(candidate);

	if (d > 1 && d <= NEAR_MAX && is_begun(n->word, candidate))
		d = 1;
	// Of a short word, not every letter may be wrong.
	if (len && d <= NEAR_MAX && d < (len < 2 ? 2 : len) && (!n->best || d < n->distance)) {
		n->best = candidate;
		n->distance = d;
	}
}
