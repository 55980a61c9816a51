// SPDX-License-Identifier: BSD-3-Clause
#include "console.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "addr.h"
#include "console_priv.h"
#include "control.h"
#include "log.h"
#include "nave.h"
#include "out_cells.h"
#include "terminal.h"

#define KEY_CHARS_MIN 16 // names are shorter
#define FULL_ADDRESS_LEN 39

static int list_commands(const struct console *c, const char *first_word, struct out *out) {
	size_t len = first_word ? strlen(first_word) : 0;
	unsigned n = 0;

	for (unsigned i = 0; i < c->n_cmds; i++)
		n += !first_word ||
		     (strncmp(c->cmds[i]->syntax, first_word, len) == 0 && c->cmds[i]->syntax[len] <= ' ');
	if (n == 0)
		return out_error(out, -ENOENT, "help: no command begins with \"%s\"", first_word);
	out_list(out, "commands");
	for (unsigned i = 0; i < c->n_cmds; i++) {
		const char *syntax = c->cmds[i]->syntax;

		if (first_word && !(strncmp(syntax, first_word, len) == 0 && syntax[len] <= ' '))
			continue;
		out_row(out);
		out_str(out, "command", syntax);
		out_str(out, "what_it_does", c->cmds[i]->help);
		out_detail(out);
		out_bool(out, "changes_something", c->cmds[i]->admin);
	}
	return 0;
}

static int cmd_help(struct nave *nave, const struct console_args *args, struct out *out) {
	return list_commands(nave->console, args->n > 1 ? args->word[1] : NULL, out);
}

static int cmd_quit(struct nave *nave, const struct console_args *args, struct out *out) {
	(void)nave;
	(void)args;
	out_quit(out);
	return 0;
}

static int cmd_show_console(struct nave *nave, const struct console_args *args, struct out *out) {
	const struct console *c = nave->console;
	unsigned n = 0;

	(void)args;
	for (unsigned i = 0; i < CONSOLE_SESSIONS_MAX; i++)
		n += c->sessions[i] != NULL;
	out_record(out, "console");
	out_str(out, "socket", c->listen_fd >= 0 ? c->socket : NULL);
	out_u64(out, "sessions", n);
	out_u64(out, "sessions_ever", c->counters.sessions);
	out_u64(out, "sessions_refused", c->counters.refused);
	out_u64(out, "sessions_closed_for_not_reading", c->counters.overflows);
	out_u64(out, "commands", c->counters.commands);
	out_u64(out, "commands_failed", c->counters.errors);
	return 0;
}

static const struct console_cmd builtin_cmds[] = {
	{"help", "list all commands", cmd_help, false},
	{"help WORD", "list the commands that begin with a word", cmd_help, false},
	{"quit", "leave; on the terminal that nave -i runs on, end the hub", cmd_quit, false},
	{"show console", "sessions and commands of the console itself", cmd_show_console, false},
	{0},
};

static const char *next_word(const char *at, size_t *len) {
	at += strspn(at, " \t\r\n");
	*len = strcspn(at, " \t\r\n");
	return at;
}

// As far as the words of the syntax are fixed.
static bool begins_as(const char *line, const char *syntax) {
	for (;;) {
		size_t len, n;
		const char *word = next_word(syntax, &len), *typed = next_word(line, &n);

		if (len == 0 || isupper((unsigned char)*word) || memchr(word, '|', len))
			return true;
		if (n != len || memcmp(typed, word, len) != 0)
			return false;
		syntax = word + len;
		line = typed + n;
	}
}

// Letters and digits alone.
static bool is_long_word(const char *word) {
	size_t n = 0;

	while (isalnum((unsigned char)word[n]))
		n++;
	return word[n] == '\0' && n >= KEY_CHARS_MIN;
}

// Hex digits in a row, as others print keys: "a1:a2:...", "a1-a2-...", "0xa1,0xa2,...".
static bool has_long_hex(const char *word) {
	unsigned n = 0;

	for (; *word; word++) {
		if (word[0] == '0' && (word[1] == 'x' || word[1] == 'X'))
			word++;
		else if (isxdigit((unsigned char)*word))
			n++;
		else if (!strchr(":-.,_", *word))
			n = 0;
		if (n >= KEY_CHARS_MIN)
			return true;
	}
	return false;
}

static bool is_address(const char *word) {
	struct prefix prefix;

	return prefix_parse(word, &prefix) == 0;
}

// Eight groups of four digits are one of the ways to write an address, and a key of 16 bytes.
static bool may_be_key(const char *word, bool is_command) {
	if (is_address(word) && (is_command || strlen(word) != FULL_ADDRESS_LEN))
		return false;
	return is_long_word(word) || has_long_hex(word);
}

static bool has_key(const char *line, bool is_command) {
	char word[GRAMMAR_LINE_MAX];
	bool found = false;
	size_t len;

	for (line = next_word(line, &len); len && !found; line = next_word(line + len, &len)) {
		snprintf(word, sizeof(word), "%.*s", (int)len, line);
		found = len >= sizeof(word) || may_be_key(word, is_command);
	}
	explicit_bzero(word, sizeof(word));
	return found;
}

bool console_line_is_secret(const struct console *c, const char *line) {
	bool is_command = false;

	for (unsigned i = 0; i < c->n_cmds; i++) {
		if (!begins_as(line, c->cmds[i]->syntax))
			continue;
		if (c->cmds[i]->secret)
			return true;
		is_command = true;
	}
	return has_key(line, is_command);
}

const struct console_cmd *console_find(
	struct console *c, const char *line, struct grammar_words *words, struct out *out) {
	bool is_secret = console_line_is_secret(c, line);
	const struct console_cmd *cmd;
	char error[1024];

	if (grammar_split(line, words) < 0) {
		out_error(out, -E2BIG, "a command has at most %d characters and %d words", GRAMMAR_LINE_MAX - 1,
			GRAMMAR_WORDS_MAX);
		return NULL;
	}
	if (words->n == 0)
		return NULL;
	cmd = grammar_match(c->cmds, c->n_cmds, words, is_secret ? NULL : error, sizeof(error));
	if (!cmd && is_secret && grammar_explain_secret(c->cmds, c->n_cmds, words, error, sizeof(error)))
		out_error(out, -EINVAL, "%s", error);
	else if (!cmd && is_secret)
		out_error(out, -EINVAL,
			"no such command; the line may hold a key and is not repeated here. Try \"help\"");
	else if (!cmd)
		out_error(out, -EINVAL, "%s", error);
	return cmd;
}

void console_run(struct console *c, const struct console_cmd *cmd, const struct grammar_words *words, struct out *out) {
	struct console_args args = {.n = words->n};
	int rc;

	for (unsigned i = 0; i < words->n; i++)
		args.word[i] = words->word[i];
	out_slice_begin(out);
	rc = cmd->run(c->nave, &args, out);
	if (rc < 0 && out_rc(out) == 0)
		out_error(out, rc, "%s: %s", cmd->syntax, strerror(-rc));
}

int console_run_line(struct console *c, const char *line, bool json, struct out *out) {
	struct grammar_words words;
	const struct console_cmd *cmd = console_find(c, line, &words, out);

	(void)json; // as out was made
	while (cmd) {
		console_run(c, cmd, &words, out);
		if (!out_more(out))
			break;
	}
	explicit_bzero(&words, sizeof(words));
	return out_rc(out);
}

int console_add(struct console *c, const struct console_cmd *cmds) {
	for (; cmds->syntax; cmds++) {
		if (c->n_cmds == CONSOLE_COMMANDS_MAX)
			return -ENOSPC;
		c->cmds[c->n_cmds++] = cmds;
	}
	return 0;
}

static void reap(struct console *c) {
	for (unsigned i = 0; i < CONSOLE_SESSIONS_MAX; i++) {
		struct session *s = c->sessions[i];

		if (!s || !session_is_over(s))
			continue;
		if (session_ends_hub(s))
			control_stop(c->nave->control);
		session_free(s);
		c->sessions[i] = NULL;
	}
}

// One slice of one session a turn, in rotation: however many people list 20,000 spokes, a turn stays short.
static bool run_one_slice(struct console *c) {
	bool done = false, more = false;

	for (unsigned i = 0; i < CONSOLE_SESSIONS_MAX; i++) {
		unsigned at = (c->next_session + i) % CONSOLE_SESSIONS_MAX;
		struct session *s = c->sessions[at];

		if (!s || !session_wants_slice(s))
			continue;
		if (!done) {
			session_slice(s);
			c->next_session = at + 1;
			done = true;
		}
		more = true;
	}
	return more;
}

static bool console_turn(void *arg, uint64_t now_ns) {
	struct console *c = arg;
	bool more = run_one_slice(c);

	(void)now_ns;
	for (unsigned i = 0; i < CONSOLE_SESSIONS_MAX; i++)
		if (c->sessions[i])
			more |= session_turn(c->sessions[i]);
	reap(c);
	return more;
}

int console_add_session(struct console *c, enum session_kind kind, int in_fd, int out_fd) {
	for (unsigned i = 0; i < CONSOLE_SESSIONS_MAX; i++) {
		if (c->sessions[i])
			continue;
		c->sessions[i] = session_create(c, kind, in_fd, out_fd);
		if (!c->sessions[i])
			return -errno;
		c->counters.sessions++;
		return 0;
	}
	c->counters.refused++;
	return -EMFILE;
}

// A description of our own where writing may block, so that O_NONBLOCK does not fall upon the shell that shares ours. A
// file does not block, and its offset must stay shared with those who write there after us.
static int open_output(void) {
	struct stat st;
	int own = -1;

	if (fstat(STDOUT_FILENO, &st) == 0 && (S_ISCHR(st.st_mode) || S_ISFIFO(st.st_mode)))
		own = open("/proc/self/fd/1", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	return own >= 0 ? own : fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
}

int console_open_terminal(struct console *c) {
	bool is_tty = isatty(STDIN_FILENO);
	struct sigaction old, ignore = {.sa_handler = SIG_IGN};
	int in_fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
	int out_fd = open_output();
	int rc;

	if (in_fd < 0 || out_fd < 0) {
		rc = -errno;
		goto fail;
	}
	if (sigaction(SIGPIPE, NULL, &old) == 0 && old.sa_handler == SIG_DFL)
		sigaction(SIGPIPE, &ignore, NULL);
	rc = is_tty ? terminal_raw(in_fd) : 0;
	if (rc < 0)
		goto fail;
	rc = console_add_session(c, is_tty ? SESSION_TERMINAL : SESSION_PIPE, in_fd, out_fd);
	if (rc == 0)
		return 0;
	terminal_restore();
fail:
	if (in_fd >= 0)
		close(in_fd);
	if (out_fd >= 0)
		close(out_fd);
	return rc;
}

struct console *console_create(struct nave *nave) {
	struct console *c = calloc(1, sizeof(*c));
	int rc;

	if (!c)
		return NULL;
	c->nave = nave;
	c->listen_fd = -1;
	console_add(c, builtin_cmds);
	rc = control_on_turn(nave->control, console_turn, c);
	if (rc < 0) {
		free(c);
		errno = -rc;
		return NULL;
	}
	return c;
}

void console_free(struct console *c) {
	if (!c)
		return;
	console_close_socket(c);
	for (unsigned i = 0; i < CONSOLE_SESSIONS_MAX; i++)
		session_free(c->sessions[i]);
	terminal_restore();
	free(c);
}
