// SPDX-License-Identifier: BSD-3-Clause
// Entering and leaving network namespaces. The calling thread's, not the process's.
#pragma once

#include <stdint.h>

// Opens /run/netns/NAME, or a path when it has a slash. -errno.
int netns_open(const char *name);
// Enters fd; returns a descriptor of the namespace left, for netns_leave(), or -errno. fd -1: does nothing, returns -1.
int netns_enter(int fd);
void netns_leave(int previous);
