// SPDX-License-Identifier: BSD-3-Clause
// The syntax strings of struct console_cmd are the grammar: matching a typed line, saying what is wrong with it, and
// what may come next (completion and "?").
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "console.h"

#define GRAMMAR_LINE_MAX 512 // DPDK's rdline reads no longer line
#define GRAMMAR_WORDS_MAX 16

struct grammar_words {
	unsigned n;
	char *word[GRAMMAR_WORDS_MAX]; // into text
	char text[GRAMMAR_LINE_MAX];
};

// Cuts line at blanks; '#' at the start of a word begins a comment. -E2BIG: too long or too many words.
int grammar_split(const char *line, struct grammar_words *w);
// The command that the words are, or NULL: then error, unless it is NULL, says what is wrong with them and what might
// be meant.
const struct console_cmd *grammar_match(const struct console_cmd *const *cmds, unsigned n_cmds,
	const struct grammar_words *w, char *error, size_t error_len);
// What is wrong with a line that no command is and that may hold a key, by the syntax of the secret command which it
// begins as: no word of the line is in error. false: it begins as none.
bool grammar_explain_secret(const struct console_cmd *const *cmds, unsigned n_cmds, const struct grammar_words *w,
	char *error, size_t error_len);
// The i-th distinct word that may follow the n_before first words of w and begins with begin, in order of the commands.
// false: there is none. *is_argument: the word stands for a value ("ADDRESS"); *help: of the command, or NULL when
// several begin so. An end of line is "" (is_argument false).
bool grammar_next(const struct console_cmd *const *cmds, unsigned n_cmds, const struct grammar_words *w,
	unsigned n_before, const char *begin, unsigned i, char *word, size_t word_len, bool *is_argument,
	const char **help);
