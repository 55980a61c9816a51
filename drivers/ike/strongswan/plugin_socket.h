// SPDX-License-Identifier: GPL-2.0-or-later
// The UNIX socket to the hub: whole messages, and no call that waits without an end.
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "nave_ike.h"

#define PLUGIN_ANSWER_MS 2000 // that the hub may take for an answer

// A connection, or -errno.
int plugin_socket_connect(const char *path);

// Sends one message, of the length that its header says. 0 or -errno; -ETIMEDOUT: the hub reads nothing.
int plugin_socket_send(int fd, const void *message);

// Receives one message. Its length, which may be above sizeof(*m); 0: the hub closed the connection; else -errno:
// -ETIMEDOUT after timeout_ms (-1: never), -ECANCELED as soon as stop_fd is readable.
ssize_t plugin_socket_receive(int fd, int stop_fd, union nave_ike_message *m, int timeout_ms);

// Waits for that long, less when stop_fd is readable.
void plugin_socket_pause(int stop_fd, int ms);
