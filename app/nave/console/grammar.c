// SPDX-License-Identifier: BSD-3-Clause
#include "grammar.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "addr.h"

int grammar_split(const char *line, struct grammar_words *w) {
	char *p = w->text;

	w->n = 0;
	if (strlen(line) >= sizeof(w->text))
		return -E2BIG;
	memcpy(w->text, line, strlen(line) + 1);
	for (;;) {
		p += strspn(p, " \t\r\n");
		if (*p == '\0' || *p == '#')
			return 0;
		if (w->n == GRAMMAR_WORDS_MAX)
			return -E2BIG;
		w->word[w->n++] = p;
		p += strcspn(p, " \t\r\n");
		if (*p)
			*p++ = '\0';
	}
}

// The i-th word of a syntax string. Its length, 0: there are fewer.
static size_t syntax_word(const char *syntax, unsigned i, const char **word) {
	for (;; i--) {
		syntax += strspn(syntax, " ");
		if (i == 0)
			break;
		syntax += strcspn(syntax, " ");
	}
	*word = syntax;
	return strcspn(syntax, " ");
}

static bool is_argument_word(const char *word) {
	return isupper((unsigned char)*word);
}

static bool is_number(const char *typed) {
	size_t n = strspn(typed, "0123456789");

	return n > 0 && n < 20 && typed[n] == '\0';
}

// Whether typed fits an argument such as "ADDRESS".
static bool argument_fits(const char *word, size_t len, const char *typed) {
	struct addr addr;
	struct prefix prefix;

	if (len == 7 && memcmp(word, "ADDRESS", 7) == 0)
		return addr_parse(typed, &addr) == 0;
	if (len == 6 && memcmp(word, "PREFIX", 6) == 0)
		return prefix_parse(typed, &prefix) == 0;
	if (len == 6 && memcmp(word, "NUMBER", 6) == 0)
		return is_number(typed);
	return true;
}

// Each choice of "a|b" in turn: *at starts at the word, moves on; its length, 0 at the end.
static size_t next_choice(const char **at, const char *end, const char **choice) {
	size_t n;

	if (*at >= end)
		return 0;
	*choice = *at;
	n = strcspn(*at, "| ");
	*at += n + 1;
	return n;
}

static bool word_fits(const char *word, size_t len, const char *typed) {
	const char *at = word;
	const char *choice;
	size_t n;

	if (is_argument_word(word))
		return argument_fits(word, len, typed);
	while ((n = next_choice(&at, word + len, &choice)))
		if (strlen(typed) == n && memcmp(typed, choice, n) == 0)
			return true;
	return false;
}

// How many words of w fit the start of syntax.
static unsigned words_fitting(const char *syntax, const struct grammar_words *w, unsigned max) {
	const char *word;
	unsigned i;

	for (i = 0; i < w->n && i < max; i++) {
		size_t len = syntax_word(syntax, i, &word);

		if (len == 0 || !word_fits(word, len, w->word[i]))
			break;
	}
	return i;
}

static unsigned syntax_len(const char *syntax) {
	const char *word;
	unsigned n = 0;

	while (syntax_word(syntax, n, &word))
		n++;
	return n;
}

static unsigned min3(unsigned a, unsigned b, unsigned c) {
	return a < b ? (a < c ? a : c) : b < c ? b : c;
}

// Edit distance, a swap of neighbours counted as one (Damerau-Levenshtein, restricted).
static unsigned distance(const char *a, const char *b, size_t b_len) {
	unsigned d[3][33] = {0};
	size_t a_len = strlen(a);

	if (a_len > 32 || b_len > 32)
		return 99;
	for (unsigned j = 0; j <= b_len; j++)
		d[0][j] = j;
	for (unsigned i = 1; i <= a_len; i++) {
		unsigned *row = d[i % 3], *above = d[(i + 2) % 3], *above2 = d[(i + 1) % 3];

		row[0] = i;
		for (unsigned j = 1; j <= b_len; j++) {
			bool same = a[i - 1] == b[j - 1];

			row[j] = min3(above[j] + 1, row[j - 1] + 1, above[j - 1] + !same);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
				above2[j - 2] + 1 < row[j])
				row[j] = above2[j - 2] + 1;
		}
	}
	return d[a_len % 3][b_len];
}

static void join_words(const struct grammar_words *w, unsigned n, char *buf, size_t len) {
	size_t used = 0;

	buf[0] = '\0';
	for (unsigned i = 0; i < n && used < len; i++)
		used += snprintf(buf + used, len - used, "%s%s", i ? " " : "", w->word[i]);
}

// The word nearest to the wrong one among those that may stand there. 99: none.
static unsigned nearest_word(const struct console_cmd *const *cmds, unsigned n_cmds, const struct grammar_words *w,
	unsigned at, const char **best, size_t *best_len) {
	unsigned least = 99;

	for (unsigned i = 0; i < n_cmds; i++) {
		const char *word, *pos, *choice;
		size_t len, n;

		if (words_fitting(cmds[i]->syntax, w, at) < at)
			continue;
		len = syntax_word(cmds[i]->syntax, at, &word);
		if (len == 0 || is_argument_word(word))
			continue;
		for (pos = word; (n = next_choice(&pos, word + len, &choice));) {
			unsigned d = distance(w->word[at], choice, n);

			if (d < least) {
				least = d;
				*best = choice;
				*best_len = n;
			}
		}
	}
	return least;
}

// What may follow the first n words: "version, ports, ADDRESS".
static void list_next(const struct console_cmd *const *cmds, unsigned n_cmds, const struct grammar_words *w, unsigned n,
	char *buf, size_t len) {
	char word[64];
	const char *help;
	bool is_argument;
	size_t used = 0;

	buf[0] = '\0';
	for (unsigned i = 0; used < len; i++) {
		if (!grammar_next(cmds, n_cmds, w, n, "", i, word, sizeof(word), &is_argument, &help))
			return;
		if (word[0])
			used += snprintf(buf + used, len - used, "%s%s", used ? ", " : "", word);
	}
}

static void explain(const struct console_cmd *const *cmds, unsigned n_cmds, const struct grammar_words *w, char *error,
	size_t error_len) {
	char line[GRAMMAR_LINE_MAX], next[256];
	const struct console_cmd *best = NULL;
	const char *word, *near = NULL;
	size_t near_len = 0, len;
	unsigned fit = 0;

	for (unsigned i = 0; i < n_cmds; i++) {
		unsigned n = words_fitting(cmds[i]->syntax, w, GRAMMAR_WORDS_MAX);

		if (n > fit || (n == fit && !best)) {
			fit = n;
			best = cmds[i];
		}
	}
	join_words(w, w->n, line, sizeof(line));
	if (fit == w->n) {
		list_next(cmds, n_cmds, w, fit, next, sizeof(next));
		snprintf(error, error_len, "%s: not complete; next: %s", line, next);
		return;
	}
	if (nearest_word(cmds, n_cmds, w, fit, &near, &near_len) <= (strlen(w->word[fit]) < 5 ? 1u : 2u)) {
		join_words(w, fit, next, sizeof(next));
		snprintf(error, error_len, "%s: no such command; did you mean \"%s%s%.*s\"?", line, next,
			fit ? " " : "", (int)near_len, near);
		return;
	}
	len = best ? syntax_word(best->syntax, fit, &word) : 0;
	if (len && is_argument_word(word))
		snprintf(error, error_len, "%s: \"%s\" is not %s %.*s", line, w->word[fit],
			strchr("AEIOU", *word) ? "an" : "a", (int)len, word);
	else if (len && memchr(word, '|', len))
		snprintf(error, error_len, "%s: \"%s\" is none of %.*s", line, w->word[fit], (int)len, word);
	else if (fit && len == 0)
		snprintf(error, error_len, "%s: \"%s\" is too much; the command is \"%s\"", line, w->word[fit],
			best->syntax);
	else
		snprintf(error, error_len, "%s: no such command; try \"help\"", line);
}

bool grammar_explain_secret(const struct console_cmd *const *cmds, unsigned n_cmds, const struct grammar_words *w,
	char *error, size_t error_len) {
	const struct console_cmd *best = NULL;
	const char *word;
	unsigned fit = 0;
	size_t len;

	for (unsigned i = 0; i < n_cmds; i++) {
		unsigned n = words_fitting(cmds[i]->syntax, w, GRAMMAR_WORDS_MAX);

		if (cmds[i]->secret && n > fit) {
			fit = n;
			best = cmds[i];
		}
	}
	if (!best)
		return false;
	len = syntax_word(best->syntax, fit, &word);
	if (len == 0)
		snprintf(error, error_len, "word %u is too much", fit + 1);
	else if (fit == w->n)
		snprintf(error, error_len, "not complete: word %u, %.*s, is missing", fit + 1, (int)len, word);
	else
		snprintf(error, error_len, "word %u does not fit: %.*s is wanted", fit + 1, (int)len, word);
	snprintf(error + strlen(error), error_len - strlen(error), "; the command is \"%s\"", best->syntax);
	return true;
}

const struct console_cmd *grammar_match(const struct console_cmd *const *cmds, unsigned n_cmds,
	const struct grammar_words *w, char *error, size_t error_len) {
	for (unsigned i = 0; i < n_cmds; i++)
		if (words_fitting(cmds[i]->syntax, w, GRAMMAR_WORDS_MAX) == w->n && syntax_len(cmds[i]->syntax) == w->n)
			return cmds[i];
	if (error)
		explain(cmds, n_cmds, w, error, error_len);
	return NULL;
}

// Whether an earlier command already gave this word at this place.
static bool is_repeated(const struct console_cmd *const *cmds, unsigned upto, const struct grammar_words *w,
	unsigned n_before, const char *choice, size_t len) {
	for (unsigned i = 0; i < upto; i++) {
		const char *word, *pos, *other;
		size_t word_len, n;

		if (words_fitting(cmds[i]->syntax, w, n_before) < n_before)
			continue;
		word_len = syntax_word(cmds[i]->syntax, n_before, &word);
		if (word_len == 0 && len == 0)
			return true;
		for (pos = word; (n = next_choice(&pos, word + word_len, &other));)
			if (n == len && memcmp(other, choice, n) == 0)
				return true;
	}
	return false;
}

// Whether several commands go on with this word.
static bool is_shared(const struct console_cmd *const *cmds, unsigned n_cmds, unsigned mine,
	const struct grammar_words *w, unsigned n_before, const char *choice, size_t len) {
	return is_repeated(cmds + mine + 1, n_cmds - mine - 1, w, n_before, choice, len);
}

// Whether a choice (n 0: the end of the line) may follow what was typed of it.
static bool continues(const char *choice, size_t n, const char *begin) {
	if (n == 0)
		return *begin == '\0';
	return is_argument_word(choice) || (strlen(begin) <= n && memcmp(choice, begin, strlen(begin)) == 0);
}

bool grammar_next(const struct console_cmd *const *cmds, unsigned n_cmds, const struct grammar_words *w,
	unsigned n_before, const char *begin, unsigned i, char *out, size_t out_len, bool *is_argument,
	const char **help) {
	for (unsigned c = 0; c < n_cmds; c++) {
		const char *word, *pos, *choice = "";
		size_t len, n;

		if (words_fitting(cmds[c]->syntax, w, n_before) < n_before)
			continue;
		len = syntax_word(cmds[c]->syntax, n_before, &word);
		pos = word;
		do {
			n = next_choice(&pos, word + len, &choice);
			if ((n == 0 && len) || !continues(choice, n, begin) ||
				is_repeated(cmds, c, w, n_before, choice, n) || i-- > 0)
				continue;
			snprintf(out, out_len, "%.*s", (int)n, choice);
			*is_argument = n && is_argument_word(choice);
			*help = !*is_argument && is_shared(cmds, n_cmds, c, w, n_before, choice, n) ? NULL
												    : cmds[c]->help;
			return true;
		} while (n);
	}
	return false;
}
