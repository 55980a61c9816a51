// SPDX-License-Identifier: BSD-3-Clause
#include "lab.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "netns.h"

char lab_ns[32];

void lab_need_root(void) {
	if (geteuid() == 0)
		return;
	fprintf(stderr, "skipped: makes network namespaces, needs root\n");
	exit(77);
}

static int run(const char *command) {
	int status = system(command);

	return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

int lab_up(void **state) {
	char command[128];

	(void)state;
	snprintf(lab_ns, sizeof(lab_ns), "navetest-%d", getpid());
	snprintf(command, sizeof(command), "ip netns add %s && ip -n %s link set lo up", lab_ns, lab_ns);
	return run(command);
}

int lab_down(void **state) {
	char command[64];

	(void)state;
	snprintf(command, sizeof(command), "ip netns del %s", lab_ns);
	return run(command);
}

static void command_line(char *out, size_t size, const char *fmt, va_list args) {
	int n = snprintf(out, size, "ip netns exec %s ", lab_ns);

	vsnprintf(out + n, size - n, fmt, args);
}

int lab_run(const char *fmt, ...) {
	char command[512];
	va_list args;

	va_start(args, fmt);
	command_line(command, sizeof(command), fmt, args);
	va_end(args);
	return run(command);
}

bool lab_finds(const char *text, const char *fmt, ...) {
	char command[512], out[16384];
	va_list args;
	size_t n;
	FILE *f;

	va_start(args, fmt);
	command_line(command, sizeof(command), fmt, args);
	va_end(args);
	f = popen(command, "r");
	if (!f)
		return false;
	n = fread(out, 1, sizeof(out) - 1, f);
	out[n] = 0;
	return pclose(f) == 0 && strstr(out, text);
}

int lab_enter(void) {
	int fd = netns_open(lab_ns), previous = netns_enter(fd);

	close(fd);
	return previous;
}
