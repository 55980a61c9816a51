// SPDX-License-Identifier: BSD-3-Clause
// The inside of the console, for its own files.
#pragma once

#include "console.h"
#include "grammar.h"
#include "session.h"

#define CONSOLE_SESSIONS_MAX 12 // fewer than the cursors of the NHRP cache: each may list it
#define CONSOLE_COMMANDS_MAX 256
#define CONSOLE_PROMPT "nave> "

struct console_counters {
	uint64_t sessions, refused, overflows, commands, errors;
};

struct console {
	struct nave *nave;
	unsigned n_cmds;
	const struct console_cmd *cmds[CONSOLE_COMMANDS_MAX];
	struct session *sessions[CONSOLE_SESSIONS_MAX];
	unsigned next_session; // whose slice is next
	int listen_fd; // -1: none
	char socket[108];
	struct console_counters counters;
};

// Adds a session, or refuses: -EMFILE and others; both fds are still the caller's then.
int console_add_session(struct console *c, enum session_kind kind, int in_fd, int out_fd);
void console_close_socket(struct console *c);
// The command of a line; NULL after the error went to out, or, out untouched, for an empty line.
const struct console_cmd *console_find(
	struct console *c, const char *line, struct grammar_words *words, struct out *out);
// A line that may hold a key is repeated nowhere: one that begins as a secret command does, however it goes on, and one
// with a word as long as a key: letters and digits, or hex digits with something between them. An address is no key.
bool console_line_is_secret(const struct console *c, const char *line);
// One slice of it.
void console_run(struct console *c, const struct console_cmd *cmd, const struct grammar_words *words, struct out *out);
