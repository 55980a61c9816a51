// SPDX-License-Identifier: BSD-3-Clause
#include "terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

// Signals that end a program which does not handle them.
static const int deadly[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};

static struct {
	int fd;
	volatile sig_atomic_t is_raw;
	bool armed;
	struct termios before;
	struct sigaction old[sizeof(deadly) / sizeof(deadly[0])];
} terminal = {.fd = -1};

void terminal_restore(void) {
	int saved = errno;

	if (terminal.is_raw) {
		terminal.is_raw = 0;
		tcsetattr(terminal.fd, TCSANOW, &terminal.before);
		close(terminal.fd);
	}
	errno = saved;
}

static void on_deadly(int sig) {
	terminal_restore();
	for (unsigned i = 0; i < sizeof(deadly) / sizeof(deadly[0]); i++)
		if (deadly[i] == sig)
			sigaction(sig, &terminal.old[i], NULL);
	raise(sig);
}

// Handlers that somebody else set for an orderly end (SIGTERM) stay: they lead to terminal_restore by themselves.
static void arm(void) {
	struct sigaction act = {.sa_handler = on_deadly};

	if (terminal.armed)
		return;
	terminal.armed = true;
	atexit(terminal_restore);
	for (unsigned i = 0; i < sizeof(deadly) / sizeof(deadly[0]); i++) {
		sigaction(deadly[i], NULL, &terminal.old[i]);
		if (terminal.old[i].sa_handler == SIG_DFL)
			sigaction(deadly[i], &act, NULL);
	}
}

int terminal_raw(int fd) {
	struct termios raw;

	if (tcgetattr(fd, &terminal.before) < 0)
		return -ENOTTY;
	terminal.fd = fcntl(fd, F_DUPFD_CLOEXEC, 3); // the caller may close his before it is put back
	if (terminal.fd < 0)
		return -errno;
	raw = terminal.before;
	raw.c_lflag &= ~(ICANON | ECHO | ISIG);
	raw.c_cc[VMIN] = 1;
	raw.c_cc[VTIME] = 0;
	arm();
	terminal.is_raw = 1;
	return tcsetattr(fd, TCSANOW, &raw) < 0 ? -errno : 0;
}
