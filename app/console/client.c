// SPDX-License-Identifier: BSD-3-Clause
#include "client.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "terminal.h"

#define KEY_LEAVE 0x1d // Ctrl-]: the way out when the hub does not answer
#define FRAME_LEN_MAX (16u * 1024 * 1024)

static int write_all(int fd, const char *bytes, size_t n) {
	while (n) {
		ssize_t done = write(fd, bytes, n);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return -errno;
		bytes += done;
		n -= done;
	}
	return 0;
}

static int lost(void) {
	fflush(stdout);
	fprintf(stderr, "nave-console: the hub closed the connection\n");
	return 2;
}

static int copy_frame(FILE *from, FILE *to, size_t n) {
	char bytes[4096];

	while (n) {
		size_t got = fread(bytes, 1, n < sizeof(bytes) ? n : sizeof(bytes), from);

		if (got == 0)
			return -EPIPE;
		fwrite(bytes, 1, got, to);
		n -= got;
	}
	return 0;
}

// The answer to one command: 0, 1 when it failed, 2 when the connection did.
static int take_answer(FILE *from) {
	char head[64], what[8];
	unsigned long n;

	while (fgets(head, sizeof(head), from)) {
		if (sscanf(head, "%7s %lu", what, &n) != 2 || n > FRAME_LEN_MAX)
			break;
		if (strcmp(what, "end") == 0) {
			fflush(stdout);
			return n ? 1 : 0;
		}
		if (copy_frame(from, strcmp(what, "error") == 0 ? stderr : stdout, n) < 0)
			break;
	}
	return lost();
}

static int ask(int fd, FILE *from, const char *command) {
	if (write_all(fd, command, strcspn(command, "\n")) < 0 || write_all(fd, "\n", 1) < 0)
		return lost();
	return take_answer(from);
}

static FILE *begin(int fd, bool json) {
	const char *header = json ? "nave-console 1 json\n" : "nave-console 1 text\n";
	FILE *from = fdopen(fd, "r");

	if (!from || write_all(fd, header, strlen(header)) < 0)
		return NULL;
	return from;
}

int client_command(int fd, const char *command, bool json) {
	FILE *from = begin(fd, json);

	return from ? ask(fd, from, command) : lost();
}

int client_lines(int fd, FILE *in, bool json) {
	FILE *from = begin(fd, json);
	char *line = NULL;
	size_t cap = 0;
	int worst = 0;

	while (from && worst < 2 && getline(&line, &cap, in) > 0) {
		int rc;

		if (strcmp(line, "quit\n") == 0)
			break;
		rc = ask(fd, from, line);
		worst = rc > worst ? rc : worst;
	}
	free(line);
	return from ? worst : lost();
}

// Bytes from one descriptor to another: how many, 0 at the end of either. On the way to the hub Ctrl-] is the end.
static ssize_t pump(int from, int to, bool keys) {
	char bytes[4096];
	ssize_t n = read(from, bytes, sizeof(bytes));

	if (n < 0 && errno == EINTR)
		return 1;
	if (n <= 0 || (keys && memchr(bytes, KEY_LEAVE, n)))
		return 0;
	return write_all(to, bytes, n) == 0 ? n : 0;
}

int client_interactive(int fd) {
	static const char header[] = "nave-console 1 interactive\n";
	struct pollfd p[] = {{.fd = STDIN_FILENO, .events = POLLIN}, {.fd = fd, .events = POLLIN}};
	int rc = 0;

	if (write_all(fd, header, sizeof(header) - 1) < 0)
		return lost();
	terminal_raw(STDIN_FILENO);
	for (;;) {
		if (poll(p, 2, -1) < 0) {
			if (errno == EINTR)
				continue;
			rc = 2;
			break;
		}
		if (p[1].revents && pump(fd, STDOUT_FILENO, false) == 0)
			break;
		if (p[0].revents && pump(STDIN_FILENO, fd, true) == 0)
			break;
	}
	terminal_restore();
	fputs("\n", stdout);
	close(fd);
	return rc;
}
