// SPDX-License-Identifier: BSD-3-Clause
// Which hub is meant.
#pragma once

#include <stddef.h>

#define SOCKET_FOLDER "/run/nave"
#define SOCKET_PATH_LEN 108

// path: where to connect, by name, by socket, or the only hub there is. -errno, with one sentence in error.
int find_socket(const char *name, const char *socket, char path[static SOCKET_PATH_LEN], char *error, size_t error_len);
