// SPDX-License-Identifier: BSD-3-Clause
// nave-console: a running hub's prompt, or one command. No DPDK here: it starts in milliseconds.
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "client.h"
#include "find_socket.h"

static const char usage[] =
	"usage: nave-console [-n NAME | -s SOCKET] [-c 'COMMAND' [--json]]\n"
	"\n"
	"Attaches to the prompt of a running hub, or runs one command and prints its answer. Commands that come "
	"through\n"
	"a pipe are run one after another.\n"
	"\n"
	"  -n, --name NAME        the hub's name (hub.name in its configuration): " SOCKET_FOLDER "/NAME.sock\n"
	"  -s, --socket SOCKET    the hub's console socket itself (console.socket in its configuration)\n"
	"  -c, --command COMMAND  run this and leave\n"
	"  -j, --json             answers as JSON\n"
	"  -h, --help             this text\n"
	"\n"
	"Without -n and -s: " SOCKET_FOLDER
	"/console.sock, or the only hub that runs. At the prompt, TAB completes, ? helps,\n"
	"quit, Ctrl-D and Ctrl-] leave.\n"
	"Exit status: 0 done, 1 the command failed, 2 wrong usage or no hub.\n";

struct options {
	const char *name, *socket, *command;
	bool json;
};

static int parse_options(int argc, char **argv, struct options *o) {
	static const struct option longs[] = {
		{"name", required_argument, NULL, 'n'},
		{"socket", required_argument, NULL, 's'},
		{"command", required_argument, NULL, 'c'},
		{"json", no_argument, NULL, 'j'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	int c;

	while ((c = getopt_long(argc, argv, "n:s:c:jh", longs, NULL)) != -1) {
		if (c == 'n')
			o->name = optarg;
		else if (c == 's')
			o->socket = optarg;
		else if (c == 'c')
			o->command = optarg;
		else if (c == 'j')
			o->json = true;
		else if (c == 'h')
			return 0;
		else
			return -EINVAL;
	}
	return optind == argc && !(o->name && o->socket) ? 1 : -EINVAL;
}

static int connect_to(const char *path) {
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int fd;

	if (strlen(path) >= sizeof(addr.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(addr.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&addr, sizeof(addr)) == 0)
		return fd;
	close(fd);
	return -1;
}

static const char *advice(int error) {
	return error == EACCES         ? "; be root, or in the hub's console.admin-group"
	       : error == ECONNREFUSED ? "; the hub that made it is gone"
	       : error == ENOENT       ? "; is the hub running, and is this its console.socket?"
				       : "";
}

int main(int argc, char **argv) {
	struct options o = {0};
	char path[SOCKET_PATH_LEN], error[512];
	int rc = parse_options(argc, argv, &o);
	int fd;

	if (rc <= 0) {
		fputs(usage, rc == 0 ? stdout : stderr);
		return rc == 0 ? 0 : 2;
	}
	if (find_socket(o.name, o.socket, path, error, sizeof(error)) < 0) {
		fprintf(stderr, "nave-console: %s\n", error);
		return 2;
	}
	fd = connect_to(path);
	if (fd < 0) {
		fprintf(stderr, "nave-console: %s: %s%s\n", path, strerror(errno), advice(errno));
		return 2;
	}
	if (o.command)
		return client_command(fd, o.command, o.json);
	if (isatty(STDIN_FILENO) && !o.json)
		return client_interactive(fd);
	return client_lines(fd, stdin, o.json);
}
