// SPDX-License-Identifier: GPL-2.0-or-later
#include "plugin_socket.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int plugin_socket_connect(const char *path) {
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd, rc;

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	memcpy(address.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	rc = -errno;
	close(fd);
	return rc;
}

int plugin_socket_send(int fd, const void *message) {
	const struct nave_ike_header *h = message;
	struct pollfd writable = {.fd = fd, .events = POLLOUT};

	for (;;) {
		if (send(fd, message, h->len_bytes, MSG_NOSIGNAL) >= 0)
			return 0;
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN)
			return -errno;
		if (poll(&writable, 1, PLUGIN_ANSWER_MS) == 0)
			return -ETIMEDOUT;
	}
}

ssize_t plugin_socket_receive(int fd, int stop_fd, union nave_ike_message *m, int timeout_ms) {
	struct pollfd readable[] = {{.fd = fd, .events = POLLIN}, {.fd = stop_fd, .events = POLLIN}};
	ssize_t len;
	int n;

	do {
		n = poll(readable, 2, timeout_ms);
	} while (n < 0 && errno == EINTR);
	if (n == 0)
		return -ETIMEDOUT;
	if (readable[1].revents)
		return -ECANCELED;
	memset(m, 0, sizeof(*m));
	len = recv(fd, m, sizeof(*m), MSG_TRUNC);
	return len >= 0 ? len : -errno;
}

void plugin_socket_pause(int stop_fd, int ms) {
	struct pollfd stop = {.fd = stop_fd, .events = POLLIN};

	poll(&stop, 1, ms);
}
