// SPDX-License-Identifier: BSD-3-Clause
// The vici client of drivers/ike alone: says on stdout what a charon tells, a line each. usage: vici_watch SOCKET
// On stdin: "terminate ID", "list", "end".
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "clock.h"
#include "vici.h"

static struct pollfd fds[2] = {{.fd = 0, .events = POLLIN}, {.fd = -1}};

static int watch(void *arg, int fd, uint32_t events) {
	(void)arg;
	fds[1] = (struct pollfd){.fd = fd, .events = (short)events}; // EPOLLIN is POLLIN, and so on
	return 0;
}

static void unwatch(void *arg, int fd) {
	(void)arg;
	(void)fd;
	fds[1].fd = -1;
}

static void connected(void *arg, const char *version) {
	(void)arg;
	printf("connected %s\n", version);
}

static void gone(void *arg, const char *reason) {
	(void)arg;
	printf("gone: %s\n", reason);
}

static void sa_line(const char *what, const struct vici_ike_sa *sa) {
	char text[ADDR_STRLEN];

	printf("%s %u %s %s %u", what, sa->id, sa->identity, addr_format(&sa->remote, text), sa->remote_port);
	for (unsigned i = 0; i < sa->n_children && i < VICI_CHILDREN_MAX; i++)
		printf(" %s %08x %08x", sa->children[i].name, sa->children[i].spi_in, sa->children[i].spi_out);
	printf("\n");
}

static void ike_updown(void *arg, bool up, const struct vici_ike_sa *sa) {
	(void)arg;
	sa_line(up ? "ike up" : "ike down", sa);
}

static void ike_rekey(void *arg, uint32_t old_id, uint32_t new_id) {
	(void)arg;
	printf("ike rekey %u %u\n", old_id, new_id);
}

static void child_updown(void *arg, bool up, const struct vici_ike_sa *sa) {
	(void)arg;
	sa_line(up ? "child up" : "child down", sa);
}

static void list_sa(void *arg, const struct vici_ike_sa *sa) {
	(void)arg;
	sa_line("listed", sa);
}

static void list_done(void *arg, bool is_whole) {
	(void)arg;
	printf("list %s\n", is_whole ? "done" : "has holes");
}

static void terminated(void *arg, uint32_t ike_id, const char *failure) {
	(void)arg;
	printf("terminated %u %s\n", ike_id, failure ? failure : "ok");
}

static const struct vici_ops ops = {
	watch, unwatch, connected, gone, ike_updown, ike_rekey, child_updown, list_sa, list_done, terminated};

static void command(struct vici *v, char *line) {
	int rc = -EINVAL;

	if (strncmp(line, "terminate ", 10) == 0)
		rc = vici_terminate(v, (uint32_t)strtoul(line + 10, NULL, 10));
	else if (strcmp(line, "list\n") == 0)
		rc = vici_list(v);
	if (rc < 0)
		printf("refused: %s\n", strerror(-rc));
}

int main(int argc, char **argv) {
	struct vici *v = argc == 2 ? vici_create(argv[1], &ops, NULL) : NULL;
	char line[64];

	if (!v) {
		fprintf(stderr, "usage: vici_watch SOCKET\n");
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (;;) {
		vici_turn(v, clock_now_ns());
		poll(fds, 2, 100);
		if (fds[1].fd >= 0 && fds[1].revents)
			vici_ready(v, (uint32_t)fds[1].revents);
		if (!fds[0].revents)
			continue;
		if (!fgets(line, sizeof(line), stdin) || strcmp(line, "end\n") == 0)
			break;
		command(v, line);
	}
	for (unsigned i = 0; i < VICI_COUNT; i++)
		printf("counter %s %lu\n", vici_counter_name(i), vici_counters(v)[i]);
	vici_free(v);
	return 0;
}
