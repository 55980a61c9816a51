// SPDX-License-Identifier: BSD-3-Clause
// A hub without SAs at the socket of the IKE daemon's plugin: says yes to everything and keeps nothing. What charon
// does with it is what charon costs alone. usage: null_hub SOCKET
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "nave_ike.h"

static size_t answer(const union nave_ike_message *m, union nave_ike_message *out) {
	static uint32_t spi = 0x1000;

	memset(out, 0, sizeof(*out));
	out->h = (struct nave_ike_header){.version = NAVE_IKE_VERSION, .id = m->h.id};
	if (m->h.type == NAVE_IKE_SYNC)
		return 0;
	out->h.type = m->h.type == NAVE_IKE_HELLO ? NAVE_IKE_HELLO : NAVE_IKE_RESULT;
	out->h.len_bytes = nave_ike_len_bytes(out->h.type);
	if (m->h.type == NAVE_IKE_HELLO) {
		out->hello.boot_id = (uint64_t)getpid();
		snprintf(out->hello.name, sizeof(out->hello.name), "null hub");
	} else {
		out->result.status = NAVE_IKE_OK;
		out->result.spi = m->h.type == NAVE_IKE_GET_SPI ? spi++ : 0;
	}
	return out->h.len_bytes;
}

static void serve(int fd) {
	union nave_ike_message m, out;

	for (;;) {
		ssize_t n = recv(fd, &m, sizeof(m), 0);
		size_t len;

		if (n < (ssize_t)sizeof(m.h) || n != nave_ike_len_bytes(m.h.type))
			return;
		len = answer(&m, &out);
		if (len && send(fd, &out, len, MSG_NOSIGNAL) != (ssize_t)len)
			return;
	}
}

int main(int argc, char **argv) {
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0), client;

	if (argc != 2 || strlen(argv[1]) >= sizeof(a.sun_path)) {
		fprintf(stderr, "usage: null_hub SOCKET\n");
		return 2;
	}
	memcpy(a.sun_path, argv[1], strlen(argv[1]));
	if (bind(fd, (struct sockaddr *)&a, sizeof(a)) || listen(fd, 4)) {
		perror(argv[1]);
		return 1;
	}
	while ((client = accept(fd, NULL, NULL)) >= 0) {
		serve(client);
		close(client);
	}
	perror("accept");
	return 1;
}
