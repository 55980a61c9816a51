// SPDX-License-Identifier: BSD-3-Clause
#include "pidfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_LEN 256

static pid_t pid_read(int fd) {
	char text[16] = "";

	return pread(fd, text, sizeof(text) - 1, 0) > 0 ? (pid_t)strtol(text, NULL, 10) : 0;
}

static int pid_write(int fd) {
	if (ftruncate(fd, 0) < 0 || dprintf(fd, "%d\n", (int)getpid()) < 0)
		return -errno;
	return 0;
}

// The one before may have removed the file between our open and our lock.
static bool is_still_named(int fd, const char *path) {
	struct stat by_fd, by_name;

	return fstat(fd, &by_fd) == 0 && stat(path, &by_name) == 0 && by_fd.st_ino == by_name.st_ino &&
	       by_fd.st_dev == by_name.st_dev;
}

static int take_once(const char *path, pid_t *other) {
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644), rc;

	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		*other = pid_read(fd);
		rc = errno == EWOULDBLOCK ? -EEXIST : -errno;
	} else if (!is_still_named(fd, path)) {
		rc = -EAGAIN;
	} else {
		rc = pid_write(fd);
	}
	if (rc == 0)
		return fd;
	close(fd);
	return rc;
}

int pidfile_take(const char *dir, const char *name, pid_t *other) {
	char path[PATH_LEN];
	int rc;

	if (mkdir(dir, 0755) < 0 && errno != EEXIST)
		return -errno;
	if (snprintf(path, sizeof(path), "%s/%s.pid", dir, name) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	do
		rc = take_once(path, other);
	while (rc == -EAGAIN);
	return rc;
}

void pidfile_drop(int fd, const char *dir, const char *name) {
	char path[PATH_LEN];

	if (fd < 0)
		return;
	snprintf(path, sizeof(path), "%s/%s.pid", dir, name);
	unlink(path);
	close(fd);
}
