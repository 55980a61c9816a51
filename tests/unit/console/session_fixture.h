// SPDX-License-Identifier: BSD-3-Clause
// A person or a program at the other end of a session, turned by the real control core.
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "console_priv.h"
#include "control.h"
#include "nave.h"

#define TURNS_MAX 20000

static struct nave nave;

struct client { // our end of a session
	int fd;
	size_t len;
	char got[8 * 1024 * 1024];
};

static inline struct client *attach(void) {
	struct client *p = calloc(1, sizeof(*p));
	int fds[2];

	assert_non_null(p);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	assert_int_equal(console_add_session(nave.console, SESSION_SOCKET, fds[1], fds[1]), 0);
	p->fd = fds[0];
	return p;
}

static inline void detach(struct client *p) {
	close(p->fd);
	free(p);
}

static inline void say(struct client *p, const char *text) {
	assert_int_equal(write(p->fd, text, strlen(text)), strlen(text));
}

// rdline erases to the end of the line behind every key.
static inline void without_erasing(struct client *p) {
	char *at;

	while (p->len < 4096 && (at = strstr(p->got, "\x1b[0K"))) {
		memmove(at, at + 4, strlen(at + 4) + 1);
		p->len -= 4;
	}
}

static inline bool hear(struct client *p) { // false: end
	ssize_t n = read(p->fd, p->got + p->len, sizeof(p->got) - p->len - 1);

	if (n > 0)
		p->len += n;
	p->got[p->len] = '\0';
	without_erasing(p);
	return n > 0 || (n < 0 && errno == EAGAIN);
}

static inline void expect(struct client *p, const char *end) {
	for (unsigned i = 0; i < TURNS_MAX; i++) {
		size_t n = strlen(end);

		control_turn(nave.control, 0);
		hear(p);
		if (p->len >= n && strcmp(p->got + p->len - n, end) == 0)
			return;
	}
	fail_msg("got:\n%s\nwanted at its end:\n%s", p->got, end);
}

static inline void expect_end(struct client *p) {
	for (unsigned i = 0; i < TURNS_MAX; i++) {
		control_turn(nave.control, 0);
		if (!hear(p))
			return;
	}
	fail_msg("the session did not end");
}

static inline void forget(struct client *p) {
	p->len = 0;
	p->got[0] = '\0';
}
