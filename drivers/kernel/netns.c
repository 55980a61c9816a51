// SPDX-License-Identifier: BSD-3-Clause
#include "netns.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"

int netns_open(const char *name) {
	char path[256];
	int fd;

	if (snprintf(path, sizeof(path), "%s%s", strchr(name, '/') ? "" : "/run/netns/", name) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int netns_enter(int fd) {
	int previous, rc;

	if (fd < 0)
		return -1;
	previous = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	if (previous < 0)
		return -errno;
	if (setns(fd, CLONE_NEWNET)) {
		rc = -errno;
		close(previous);
		return rc;
	}
	return previous;
}

void netns_leave(int previous) {
	if (previous < 0)
		return;
	if (setns(previous, CLONE_NEWNET)) {
		// Going on would open sockets and devices in somebody else's namespace.
		log_error("cannot return to the network namespace left before: %s", strerror(errno));
		abort();
	}
	close(previous);
}
