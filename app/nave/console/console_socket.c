// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "console_priv.h"
#include "control.h"
#include "log.h"
#include "nave.h"

static void on_accept(void *arg, uint32_t events) {
	static const char refusal[] = "error 26\ntoo many console sessions\nend 24\n";
	struct console *c = arg;
	int fd = accept4(c->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	(void)events;
	if (fd < 0)
		return;
	if (console_add_session(c, SESSION_SOCKET, fd, fd) == 0)
		return;
	if (send(fd, refusal, sizeof(refusal) - 1, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		log_warning("console: a client was refused, %u sessions are open", CONSOLE_SESSIONS_MAX);
	close(fd);
}

// A socket file that nobody listens on is left from a hub that died.
static int remove_stale(const struct sockaddr_un *addr) {
	struct stat st;
	int fd, rc;

	if (lstat(addr->sun_path, &st) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode))
		return -EEXIST;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	rc = connect(fd, (const struct sockaddr *)addr, sizeof(*addr)) == 0 || errno == EAGAIN ? -EADDRINUSE : 0;
	close(fd);
	if (rc == 0 && unlink(addr->sun_path) < 0)
		rc = -errno;
	return rc;
}

static int make_folders(const char *path) {
	char folder[108];

	for (const char *p = strchr(path + 1, '/'); p; p = strchr(p + 1, '/')) {
		snprintf(folder, sizeof(folder), "%.*s", (int)(p - path), path);
		if (mkdir(folder, 0755) < 0 && errno != EEXIST)
			return -errno;
	}
	return 0;
}

static void give_to_group(const char *path, const char *name) {
	const struct group *g = name && *name ? getgrnam(name) : NULL;

	if (!g && name && *name)
		log_info("console: no group %s: only root may use %s", name, path);
	else if (g && chown(path, -1, g->gr_gid) < 0)
		log_warning("console: %s cannot be given to group %s: %s", path, name, strerror(errno));
}

static int listen_at(const struct sockaddr_un *addr) {
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	mode_t mask;
	int rc;

	if (fd < 0)
		return -errno;
	mask = umask(0117); // 0660 from the first moment on
	rc = bind(fd, (const struct sockaddr *)addr, sizeof(*addr)) < 0 ? -errno : 0;
	umask(mask);
	if (rc == 0 && listen(fd, 8) < 0)
		rc = -errno;
	if (rc == 0)
		return fd;
	close(fd);
	return rc;
}

int console_open_socket(struct console *c, const char *path, const char *admin_group) {
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int rc;

	if (c->listen_fd >= 0)
		return -EALREADY;
	if (strlen(path) >= sizeof(addr.sun_path))
		return -ENAMETOOLONG;
	memcpy(addr.sun_path, path, strlen(path) + 1);
	rc = make_folders(path);
	if (rc == 0)
		rc = remove_stale(&addr);
	if (rc < 0)
		return rc;
	rc = listen_at(&addr);
	if (rc < 0)
		return rc;
	give_to_group(path, admin_group);
	c->listen_fd = rc;
	memcpy(c->socket, addr.sun_path, sizeof(c->socket));
	rc = control_watch(c->nave->control, c->listen_fd, EPOLLIN, on_accept, c);
	if (rc < 0)
		console_close_socket(c);
	return rc;
}

void console_close_socket(struct console *c) {
	if (c->listen_fd < 0)
		return;
	control_unwatch(c->nave->control, c->listen_fd);
	close(c->listen_fd);
	unlink(c->socket);
	c->listen_fd = -1;
}
