// SPDX-License-Identifier: BSD-3-Clause
// One person or program at the console. An interactive session edits lines with DPDK's rdline (history, TAB, "?"); a
// batch session reads lines. Both run one command at a time, one slice a turn of the control core, and never block:
// what cannot be written waits in a bounded buffer.
//
// The protocol on the UNIX socket: a client whose first line is "nave-console 1 json" or "nave-console 1 text" is a
// batch session; it sends command lines and gets, for each, any number of "data N\n" + N bytes (for standard output)
// and "error N\n" + N bytes (for standard error), then "end RC\n", RC 0 or a positive errno. A client whose first line
// is "nave-console 1 interactive", or whose first byte begins no such line, gets the prompt.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define SESSION_OUTPUT_MAX (1024 * 1024) // then it is closed and counted
#define SESSION_OUTPUT_ENOUGH (64 * 1024) // a long list waits for its reader

struct console;
struct session;

enum session_kind {
	SESSION_SOCKET,
	SESSION_TERMINAL, // stdin of the hub; its end is the hub's
	SESSION_PIPE, // the same, but not a terminal: lines in, text out
};

// Takes both fds over, to close them (SESSION_SOCKET: one fd, given twice). NULL, errno: they are still the caller's.
struct session *session_create(struct console *c, enum session_kind kind, int in_fd, int out_fd);
void session_free(struct session *s);

// Takes input and writes what waits; once a turn. Returns whether there is more to do at once.
bool session_turn(struct session *s);
// A line waits to be run, or to be run on, and its reader keeps up.
bool session_wants_slice(const struct session *s);
void session_slice(struct session *s);
bool session_is_over(const struct session *s); // to be freed
bool session_ends_hub(const struct session *s); // it is over, and the hub with it
