// SPDX-License-Identifier: BSD-3-Clause
// How fast IKE_SAs with a CHILD_SA come up: asks one charon for connections spoke1 to spokeN, some at a time, and
// counts at the other when their CHILD_SAs are up. usage: setups HUB.vici SPOKE.vici N
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "clock.h"
#include "log.h"
#include "vici.h"

#define AT_A_TIME 32
#define STALL_NS (20 * NS_PER_S) // charon sends again after 4 s, then 7, then 13

static struct pollfd hub = {.fd = -1};
static bool is_listed;
static unsigned n_up;
static uint64_t last_ns;

static int watch(void *arg, int fd, uint32_t events) {
	(void)arg;
	hub = (struct pollfd){.fd = fd, .events = (short)events};
	return 0;
}

static void unwatch(void *arg, int fd) {
	(void)arg;
	(void)fd;
	hub.fd = -1;
}

static void list_done(void *arg, bool is_whole) {
	(void)arg;
	is_listed = is_whole;
}

static void child_updown(void *arg, bool up, const struct vici_ike_sa *sa) {
	(void)arg;
	(void)sa;
	n_up += up;
	last_ns = clock_now_ns();
}

static const struct vici_ops ops = {
	.watch = watch, .unwatch = unwatch, .list_done = list_done, .child_updown = child_updown};

static void turn(struct vici *v) {
	vici_turn(v, clock_now_ns());
	if (poll(&hub, 1, 1) > 0)
		vici_ready(v, (uint32_t)hub.revents);
}

static int connect_to(const char *path) {
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	strncpy(a.sun_path, path, sizeof(a.sun_path) - 1);
	return connect(fd, (struct sockaddr *)&a, sizeof(a)) ? -1 : fd;
}

// Answered at once: charon goes on by itself.
static bool initiate(int fd, unsigned spoke) {
	uint8_t bytes[256];
	struct vici_writer w = vici_write(bytes, sizeof(bytes), VICI_CMD_REQUEST, "initiate");
	char name[16];
	uint32_t len;

	snprintf(name, sizeof(name), "spoke%u", spoke);
	vici_put(&w, "ike", name);
	vici_put(&w, "child", "gre");
	vici_put(&w, "timeout", "-1");
	len = (uint32_t)vici_write_end(&w);
	if (send(fd, bytes, len, MSG_NOSIGNAL) != (ssize_t)len || recv(fd, bytes, 4, MSG_WAITALL) != 4)
		return false;
	len = (uint32_t)bytes[2] << 8 | bytes[3];
	return len <= sizeof(bytes) && recv(fd, bytes, len, MSG_WAITALL) == (ssize_t)len &&
	       bytes[0] == VICI_CMD_RESPONSE;
}

int main(int argc, char **argv) {
	struct vici *v = argc == 4 ? vici_create(argv[1], &ops, NULL) : NULL;
	unsigned n = argc == 4 ? (unsigned)strtoul(argv[3], NULL, 10) : 0, asked = 0;
	int fd = n ? connect_to(argv[2]) : -1;
	uint64_t begin_ns;

	if (!v || fd < 0) {
		fprintf(stderr, "usage: setups HUB.vici SPOKE.vici N\n");
		return 2;
	}
	log_level = LOG_LEVEL_WARNING;
	for (begin_ns = clock_now_ns(); !is_listed && clock_now_ns() - begin_ns < STALL_NS;)
		turn(v);
	begin_ns = last_ns = clock_now_ns();
	while (n_up < n && clock_now_ns() - last_ns < STALL_NS) {
		while (asked < n && asked - n_up < AT_A_TIME)
			if (!initiate(fd, ++asked)) {
				fprintf(stderr, "charon at %s does not take spoke%u\n", argv[2], asked);
				return 1;
			}
		turn(v);
	}
	if (n_up < n) {
		fprintf(stderr, "%u of %u came up, then none for %llu s\n", n_up, n, STALL_NS / NS_PER_S);
		return 1;
	}
	printf("%.3f\n", (double)(last_ns - begin_ns) / (double)NS_PER_S);
	vici_free(v);
	close(fd);
	return 0;
}
