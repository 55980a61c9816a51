// SPDX-License-Identifier: BSD-3-Clause
// One hub of a name at a time: a locked file that holds the pid. The lock goes with the process, whatever ends it.
#pragma once

#include <sys/types.h>

#define NAVE_RUN_DIR "/run/nave"

// Makes the folder when it is not there. Returns a descriptor to keep, or -errno; -EEXIST: *other is the pid of the one
// that runs.
int pidfile_take(const char *dir, const char *name, pid_t *other);
void pidfile_drop(int fd, const char *dir, const char *name); // removes the file, then the lock; fd -1: nothing
