// SPDX-License-Identifier: BSD-3-Clause
#include "session.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/ttydefaults.h>
#include <unistd.h>

#include <cmdline_rdline.h>

#include "console_priv.h"
#include "control.h"
#include "log.h"
#include "nave.h"
#include "out_cells.h"

#define HEADER "nave-console "
#define HEADER_VERSION "1 "

enum session_mode {
	MODE_HEADER, // the first line tells
	MODE_INTERACTIVE,
	MODE_BATCH,
};

struct session {
	struct console *console;
	int in_fd, out_fd;
	uint8_t kind; // enum session_kind
	uint8_t mode; // enum session_mode
	bool json, framed;
	bool eof; // nothing more comes in
	bool quit; // over once its output is written
	bool over;
	uint32_t watched; // events that control waits for
	uint32_t uid; // of a socket's client
	struct rdline *rdl;
	unsigned in_pos, in_len;
	char in[2048];
	unsigned line_len;
	bool line_too_long;
	bool wipe; // the output has the echo of a key
	char line[GRAMMAR_LINE_MAX];
	bool running; // line is to be run
	struct out *answer; // of the command that runs; NULL before its first slice
	const struct console_cmd *cmd;
	struct grammar_words words;
	struct buffer out;
	size_t out_pos; // written up to here
};

static size_t waiting_bytes(const struct session *s) {
	return s->out.len - s->out_pos;
}

static void put(struct session *s, const char *bytes, size_t n) {
	if (s->over)
		return;
	buffer_add(&s->out, bytes, n);
	if (waiting_bytes(s) <= SESSION_OUTPUT_MAX && !s->out.failed)
		return;
	log_warning("console: a client that does not read is disconnected");
	s->console->counters.overflows++;
	s->over = true;
}

// A terminal in raw mode, here or at the other end of a socket, wants CR LF.
static void put_lines(struct session *s, const char *bytes, size_t n) {
	while (s->mode == MODE_INTERACTIVE) {
		const char *nl = memchr(bytes, '\n', n);

		if (!nl)
			break;
		put(s, bytes, nl - bytes);
		put(s, "\r\n", 2);
		n -= nl + 1 - bytes;
		bytes = nl + 1;
	}
	put(s, bytes, n);
}

static void put_answer(struct session *s, bool is_error, const char *bytes, size_t n) {
	char frame[32];

	if (s->framed && n)
		put(s, frame, snprintf(frame, sizeof(frame), "%s %zu\n", is_error ? "error" : "data", n));
	put_lines(s, bytes, n);
}

static void flush(struct session *s) {
	while (waiting_bytes(s) && !s->over) {
		const char *p = s->out.bytes + s->out_pos;
		ssize_t n = send(s->out_fd, p, waiting_bytes(s), MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno == ENOTSOCK)
			n = write(s->out_fd, p, waiting_bytes(s));
		if (n < 0 && errno == EAGAIN)
			break;
		if (n < 0 && errno != EINTR)
			s->over = true;
		s->out_pos += n > 0 ? n : 0;
	}
	if (s->out_pos && (s->out_pos == s->out.len || s->out_pos >= SESSION_OUTPUT_ENOUGH)) {
		memmove(s->out.bytes, s->out.bytes + s->out_pos, waiting_bytes(s));
		s->out.len -= s->out_pos;
		s->out_pos = 0;
	}
	if (s->wipe && s->out.len == 0) {
		explicit_bzero(s->out.bytes, s->out.cap);
		s->wipe = false;
	}
}

// Where a key went through: the line, its words, the bytes as they came, and what was echoed of them.
static void forget_line(struct session *s) {
	if (!console_line_is_secret(s->console, s->line))
		return;
	explicit_bzero(s->line, sizeof(s->line));
	explicit_bzero(&s->words, sizeof(s->words));
	explicit_bzero(s->in, s->in_pos);
	explicit_bzero(s->in + s->in_len, sizeof(s->in) - s->in_len);
	s->wipe = s->out.bytes != NULL;
}

static void prompt(struct session *s) {
	if (s->mode == MODE_INTERACTIVE)
		rdline_newline(s->rdl, CONSOLE_PROMPT);
}

static void finish_command(struct session *s) {
	char frame[32];
	int rc = out_rc(s->answer);

	s->console->counters.commands++;
	s->console->counters.errors += rc != 0;
	if (s->framed)
		put(s, frame, snprintf(frame, sizeof(frame), "end %d\n", rc < 0 ? -rc : rc));
	forget_line(s);
	s->quit |= out_wants_quit(s->answer);
	out_free(s->answer);
	s->answer = NULL;
	s->cmd = NULL;
	s->running = false;
	if (!s->quit)
		prompt(s);
}

static void begin_command(struct session *s) {
	s->answer = out_create(s->json);
	if (!s->answer) {
		s->over = true;
		return;
	}
	if (s->line_too_long)
		out_error(s->answer, -E2BIG, "a line has at most %d characters", GRAMMAR_LINE_MAX - 1);
	else
		s->cmd = console_find(s->console, s->line, &s->words, s->answer);
	s->line_too_long = false;
	if (s->cmd && s->cmd->admin)
		log_info("console: %s (uid %u)", s->cmd->secret ? s->cmd->syntax : s->line, s->uid);
}

bool session_wants_slice(const struct session *s) {
	return s->running && !s->over && waiting_bytes(s) < SESSION_OUTPUT_ENOUGH;
}

void session_slice(struct session *s) {
	static const char no_memory[] = "out of memory\n";
	const char *text;
	size_t len;

	if (!s->answer)
		begin_command(s);
	if (!s->answer)
		return;
	if (s->cmd)
		console_run(s->console, s->cmd, &s->words, s->answer);
	text = out_render(s->answer, &len);
	if (!text) {
		out_end(s->answer);
		out_error(s->answer, -ENOMEM, "out of memory");
		put_answer(s, true, no_memory, sizeof(no_memory) - 1);
	} else if (s->cmd || out_rc(s->answer)) {
		put_answer(s, out_rc(s->answer) && !s->json, text, len);
	}
	if (!out_more(s->answer))
		finish_command(s);
}

// --- lines ---
static void take_line(struct session *s) {
	s->line[s->line_len] = '\0';
	s->line_len = 0;
	s->running = true;
}

static void take_batch_byte(struct session *s, char c) {
	if (c == '\n')
		take_line(s);
	else if (s->line_len < sizeof(s->line) - 1)
		s->line[s->line_len++] = c;
	else
		s->line_too_long = true;
}

static int rdline_put(struct rdline *rdl, char c) {
	put(rdline_get_opaque(rdl), &c, 1);
	return 0;
}

static void rdline_line(struct rdline *rdl, const char *buf, unsigned int size) {
	struct session *s = rdline_get_opaque(rdl);
	size_t n = strcspn(buf, "\r\n");

	(void)size;
	s->line_len = n < sizeof(s->line) ? n : sizeof(s->line) - 1;
	memcpy(s->line, buf, s->line_len);
	take_line(s);
	if (console_line_is_secret(s->console, s->line))
		explicit_bzero((char *)buf, n); // rdline's own, and done with
}

static void take_key(struct session *s, char c) {
	int rc;

	if (c == CTRL('U')) { // every shell has it, rdline has not: to the line's begin, and cut to its end
		rdline_char_in(s->rdl, CTRL('A'));
		c = CTRL('K');
	}
	rc = rdline_char_in(s->rdl, c);
	if (rc == RDLINE_RES_EOF || rc == RDLINE_RES_EXITED) {
		put(s, "\r\n", 2);
		s->quit = true;
	} else if (rc == RDLINE_RES_VALIDATED && s->line[strspn(s->line, " \t")]) {
		const char *newest = rdline_get_history_item(s->rdl, 0);

		if (!console_line_is_secret(s->console, s->line) && (!newest || strcmp(newest, s->line) != 0))
			rdline_add_history(s->rdl, s->line);
	}
}

// --- TAB and "?" ---
// Cuts what stands left of the cursor into whole words and the begin of one.
static int split_partial(const char *left, struct grammar_words *w, const char **begin) {
	size_t n = strlen(left);

	*begin = "";
	if (grammar_split(left, w) < 0)
		return -E2BIG;
	if (w->n && n && !strchr(" \t", left[n - 1]))
		*begin = w->word[--w->n];
	return 0;
}

// What all candidates have in common beyond begin; false: nothing, or a value is wanted.
static bool complete(struct session *s, const struct grammar_words *w, const char *begin, char *dst, size_t size) {
	struct console *c = s->console;
	char common[64] = "", word[64];
	const char *help;
	bool is_argument;
	unsigned n = 0;
	size_t len;

	while (grammar_next(c->cmds, c->n_cmds, w, w->n, begin, n, word, sizeof(word), &is_argument, &help)) {
		if (is_argument || !word[0])
			return false;
		if (n++ == 0) {
			memcpy(common, word, sizeof(common));
			continue;
		}
		for (len = 0; common[len] && common[len] == word[len]; len++)
			;
		common[len] = '\0';
	}
	if (n == 0 || (n > 1 && strlen(common) == strlen(begin)))
		return false;
	snprintf(dst, size, "%s%s", common + strlen(begin), n == 1 ? " " : "");
	return true;
}

// state: 0 TAB, -1 "?"; then what we set: the next item of the list.
static int rdline_complete(struct rdline *rdl, const char *left, char *dst, unsigned int size, int *state) {
	struct session *s = rdline_get_opaque(rdl);
	struct console *c = s->console;
	struct grammar_words w;
	const char *begin, *help;
	bool is_argument;
	char word[64];

	if (split_partial(left, &w, &begin) < 0)
		return 0;
	if (*state == 0 && complete(s, &w, begin, dst, size))
		return RDLINE_RES_COMPLETE;
	if (*state < 0)
		*state = 0;
	if (!grammar_next(c->cmds, c->n_cmds, &w, w.n, begin, *state, word, sizeof(word), &is_argument, &help))
		return 0;
	snprintf(dst, size, " %-16s %s", word[0] ? word : "<Enter>", help ? help : "...");
	++*state;
	return 1;
}

// --- input ---
static void start_interactive(struct session *s) {
	s->rdl = rdline_new(rdline_put, rdline_line, rdline_complete, s);
	s->mode = MODE_INTERACTIVE;
	if (s->rdl)
		prompt(s);
	else
		s->over = true;
}

static void take_header(struct session *s) {
	static const char refusal[] = "this hub speaks version 1 of the console's protocol\n";
	const char *what = s->line + strlen(HEADER);

	s->line[s->line_len] = '\0';
	s->line_len = 0;
	if (strcmp(what, HEADER_VERSION "interactive") == 0) {
		start_interactive(s);
		return;
	}
	s->mode = MODE_BATCH;
	s->framed = true;
	s->json = strcmp(what, HEADER_VERSION "json") == 0;
	if (s->json || strcmp(what, HEADER_VERSION "text") == 0)
		return;
	put_answer(s, true, refusal, sizeof(refusal) - 1);
	put(s, "end 71\n", 7); // EPROTO
	s->quit = true;
}

static void take_header_byte(struct session *s, char c) {
	unsigned n = s->line_len;

	if (n >= strlen(HEADER) && c == '\n') {
		take_header(s);
		return;
	}
	s->line[s->line_len++] = c;
	if (n < strlen(HEADER) ? c == HEADER[n] : n < 64)
		return;
	// No header: somebody types.
	s->line_len = 0;
	start_interactive(s);
	for (unsigned i = 0; i <= n && !s->over; i++)
		take_key(s, s->line[i]);
}

static void take_input(struct session *s) {
	while (s->in_pos < s->in_len && !s->running && !s->quit && !s->over) {
		char c = s->in[s->in_pos++];

		if (s->mode == MODE_HEADER)
			take_header_byte(s, c);
		else if (s->mode == MODE_BATCH)
			take_batch_byte(s, c);
		else
			take_key(s, c);
		if (s->mode == MODE_INTERACTIVE && (c == '\t' || c == '?'))
			break; // completion costs most: one a turn
	}
	if (!s->eof || s->in_pos < s->in_len || s->running)
		return;
	if (s->mode == MODE_BATCH && s->line_len)
		take_line(s); // the last line had no newline
	else
		s->quit = true;
}

static void watch(struct session *s) {
	uint32_t want = s->in_pos == s->in_len && !s->eof && !s->quit ? EPOLLIN : 0;

	if (s->kind != SESSION_PIPE && want != s->watched &&
		control_watch_change(s->console->nave->control, s->in_fd, want) == 0)
		s->watched = want;
}

static void read_input(struct session *s) {
	ssize_t n;

	if (s->in_pos < s->in_len || s->eof || s->quit)
		return;
	n = read(s->in_fd, s->in, sizeof(s->in));
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	s->in_pos = 0;
	s->in_len = n > 0 ? n : 0;
	s->eof = n <= 0; // EIO: the terminal is gone
}

static void on_events(void *arg, uint32_t events) {
	struct session *s = arg;

	if ((events & (EPOLLHUP | EPOLLERR)) && (s->eof || s->quit))
		s->over = true; // nobody is left to read the rest
	else
		read_input(s);
	watch(s);
}

bool session_turn(struct session *s) {
	if (s->kind == SESSION_PIPE && !s->eof && s->in_pos == s->in_len) {
		struct pollfd p = {.fd = s->in_fd, .events = POLLIN}; // a file cannot be watched by epoll

		if (poll(&p, 1, 0) > 0)
			read_input(s);
	}
	take_input(s);
	flush(s);
	if (s->quit && !waiting_bytes(s))
		s->over = true;
	watch(s);
	return !s->over && !s->running && s->in_pos < s->in_len;
}

bool session_is_over(const struct session *s) {
	return s->over;
}

bool session_ends_hub(const struct session *s) {
	return s->over && s->kind != SESSION_SOCKET;
}

struct session *session_create(struct console *c, enum session_kind kind, int in_fd, int out_fd) {
	struct session *s = calloc(1, sizeof(*s));
	struct ucred peer = {.uid = geteuid()};
	socklen_t len = sizeof(peer);
	int rc;

	if (!s)
		return NULL;
	s->console = c;
	s->kind = kind;
	s->in_fd = in_fd;
	s->out_fd = out_fd;
	s->mode = kind == SESSION_PIPE ? MODE_BATCH : MODE_HEADER;
	s->watched = EPOLLIN;
	if (kind == SESSION_SOCKET)
		getsockopt(in_fd, SOL_SOCKET, SO_PEERCRED, &peer, &len);
	s->uid = peer.uid;
	if (kind == SESSION_PIPE)
		return s;
	rc = control_watch(c->nave->control, in_fd, EPOLLIN, on_events, s);
	if (rc < 0) {
		free(s);
		errno = -rc;
		return NULL;
	}
	if (kind == SESSION_TERMINAL)
		start_interactive(s);
	return s;
}

void session_free(struct session *s) {
	if (!s)
		return;
	if (s->kind != SESSION_PIPE)
		control_unwatch(s->console->nave->control, s->in_fd);
	if (s->rdl)
		rdline_free(s->rdl);
	out_free(s->answer);
	free(s->out.bytes);
	close(s->in_fd);
	if (s->out_fd != s->in_fd)
		close(s->out_fd);
	free(s);
}
