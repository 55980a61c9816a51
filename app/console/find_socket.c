// SPDX-License-Identifier: BSD-3-Clause
#include "find_socket.h"

#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEFAULT_SOCKET SOCKET_FOLDER "/console.sock"
#define IKE_SOCKET SOCKET_FOLDER "/ipsec.sock" // of the hub too, but not a console

static int put_path(const char *from, char path[static SOCKET_PATH_LEN], char *error, size_t error_len) {
	if (snprintf(path, SOCKET_PATH_LEN, "%s", from) < SOCKET_PATH_LEN)
		return 0;
	snprintf(error, error_len, "%s: longer than a socket's name may be (%d characters)", from, SOCKET_PATH_LEN - 1);
	return -ENAMETOOLONG;
}

static int the_only_one(char path[static SOCKET_PATH_LEN], char *error, size_t error_len) {
	const char *found = NULL;
	unsigned n = 0;
	size_t used;
	glob_t g;
	int rc;

	if (glob(SOCKET_FOLDER "/*.sock", 0, NULL, &g) != 0) {
		snprintf(error, error_len,
			"no hub runs here: there is no socket in " SOCKET_FOLDER "; -s names one elsewhere");
		return -ENOENT;
	}
	used = snprintf(error, error_len, "several hubs run here, name one with -n:");
	for (size_t i = 0; i < g.gl_pathc; i++) {
		if (strcmp(g.gl_pathv[i], IKE_SOCKET) == 0)
			continue;
		found = g.gl_pathv[i];
		n++;
		if (used < error_len) {
			const char *name = found + strlen(SOCKET_FOLDER) + 1;

			used += snprintf(
				error + used, error_len - used, " %.*s", (int)(strlen(name) - strlen(".sock")), name);
		}
	}
	if (n == 0)
		snprintf(error, error_len, "no hub's console is in " SOCKET_FOLDER "; -s names one elsewhere");
	rc = n == 1 ? put_path(found, path, error, error_len) : n ? -ENOTUNIQ : -ENOENT;
	globfree(&g);
	return rc;
}

int find_socket(
	const char *name, const char *socket, char path[static SOCKET_PATH_LEN], char *error, size_t error_len) {
	char by_name[256];
	struct stat st;

	if (socket)
		return put_path(socket, path, error, error_len);
	if (name) {
		snprintf(by_name, sizeof(by_name), SOCKET_FOLDER "/%s.sock", name);
		return put_path(by_name, path, error, error_len);
	}
	if (stat(DEFAULT_SOCKET, &st) == 0 && S_ISSOCK(st.st_mode))
		return put_path(DEFAULT_SOCKET, path, error, error_len);
	return the_only_one(path, error, error_len);
}
