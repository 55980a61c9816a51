// SPDX-License-Identifier: BSD-3-Clause
// testpmd-style prompt on DPDK's cmdline: on the terminal (-i) and over a UNIX socket (nave-console). Sessions live in
// control's epoll; cmdline prints into a memfd, which goes into a bounded non-blocking buffer, so that a hung client
// hurts nobody.
//
// A feature declares its commands in <feature>_cmd.c as a table of struct console_cmd and adds it in
// console_commands.c.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "out.h"

struct nave;
struct console;

// Words of a command: fixed words, choices ("a|b"), and arguments in capitals: ADDRESS, NUMBER, WORD, PREFIX. "show
// spoke ADDRESS". The syntax string is the grammar, the help and the completion.
struct console_args {
	unsigned n;
	const char *word[16]; // as typed, by position in the syntax
};

struct console_cmd {
	const char *syntax; // "show ports"
	const char *help;
	// Writes its answer to out, as a table or (out_is_json) as JSON. Returns 0 or -errno after out_error().
	int (*run)(struct nave *nave, const struct console_args *args, struct out *out);
	bool admin; // changes something
	bool secret; // its line holds keys: kept out of log, errors and history
};

struct console *console_create(struct nave *nave); // registers with control; NULL, errno
int console_open_socket(struct console *c, const char *path, const char *admin_group); // -errno
int console_open_terminal(struct console *c); // -i: stdin and stdout, raw mode restored at close
void console_free(struct console *c);
// Runs one line, as a session would; for tests. Returns the command's.
int console_run_line(struct console *c, const char *line, bool json, struct out *out);
int console_add(struct console *c, const struct console_cmd *cmds); // ends with syntax NULL
