// SPDX-License-Identifier: BSD-3-Clause
#include "ike_listen.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 4

static int failed(const char **why, const char *words, int rc) {
	*why = words;
	return rc;
}

static int socket_new(void) {
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	return fd < 0 ? -errno : fd;
}

// A socket file that nobody listens on is left from a hub that died.
static int remove_stale(const struct sockaddr_un *at, const char **why) {
	struct stat st;
	int fd, rc;

	if (lstat(at->sun_path, &st) < 0)
		return errno == ENOENT ? 0 : failed(why, strerror(errno), -errno);
	if (!S_ISSOCK(st.st_mode))
		return failed(why, "is there and is no socket: give another path", -EEXIST);
	fd = socket_new();
	if (fd < 0)
		return failed(why, strerror(-fd), fd);
	rc = connect(fd, (const struct sockaddr *)at, sizeof(*at)) == 0 || errno != ECONNREFUSED ? -EADDRINUSE : 0;
	close(fd);
	if (rc < 0)
		return failed(why, "another process listens there: give each hub a path of its own", rc);
	if (unlink(at->sun_path) < 0)
		return failed(why, strerror(errno), -errno);
	return 0;
}

static int listen_at(const struct sockaddr_un *at, const char **why) {
	mode_t mask = umask(0177); // 0600 from the first moment on
	int fd = socket_new(), rc = fd;

	if (fd >= 0)
		rc = bind(fd, (const struct sockaddr *)at, sizeof(*at)) < 0 || listen(fd, BACKLOG) < 0 ? -errno : 0;
	umask(mask);
	if (rc == 0)
		return fd;
	if (fd >= 0)
		close(fd);
	return failed(
		why, rc == -ENOENT ? "its folder is not there: make it, or give another path" : strerror(-rc), rc);
}

int ike_listen(const char *path, const char **why) {
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	int rc;

	if (strlen(path) >= sizeof(at.sun_path))
		return failed(why, "is too long for a socket: at most 107 characters", -ENAMETOOLONG);
	memcpy(at.sun_path, path, strlen(path) + 1);
	rc = remove_stale(&at, why);
	return rc < 0 ? rc : listen_at(&at, why);
}
