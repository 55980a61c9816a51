// SPDX-License-Identifier: BSD-3-Clause
// What charon sends on a connection, cut into reads anyhow: the first byte says into how large ones.
#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fuzz.h"
#include "log.h"
#include "vici_state.h"

static unsigned n_connected, n_gone, n_watched, n_terminated;

static int watch(void *arg, int fd, uint32_t events) {
	(void)arg;
	(void)fd;
	(void)events;
	n_watched = 1;
	return 0;
}

static void unwatch(void *arg, int fd) {
	(void)arg;
	(void)fd;
	FUZZ_CHECK(n_watched == 1);
	n_watched = 0;
}

static void connected(void *arg, const char *version) {
	(void)arg;
	FUZZ_CHECK(version[0] && n_connected == n_gone);
	n_connected++;
}

static void gone(void *arg, const char *reason) {
	(void)arg;
	FUZZ_CHECK(reason && n_connected == n_gone + 1);
	n_gone++;
}

static void list_sa(void *arg, const struct vici_ike_sa *sa) {
	struct vici **v = arg;

	FUZZ_CHECK(n_connected == n_gone + 1 && sa->is_established);
	FUZZ_CHECK(vici_terminate(*v, sa->id) != -EINVAL);
}

static void terminated(void *arg, uint32_t ike_id, const char *failure) {
	(void)arg;
	(void)failure;
	FUZZ_CHECK(ike_id);
	n_terminated++;
}

static const struct vici_ops ops = {.watch = watch,
	.unwatch = unwatch,
	.connected = connected,
	.gone = gone,
	.list_sa = list_sa,
	.terminated = terminated};

static void give(struct vici *v, int far, const uint8_t *bytes, size_t len) {
	static uint8_t asked[4096];

	FUZZ_CHECK(send(far, bytes, len, MSG_NOSIGNAL) == (ssize_t)len);
	vici_ready(v, EPOLLIN);
	FUZZ_CHECK(v->rx_len <= sizeof(v->rx) && v->rx_at == 0 && v->tx_at <= v->tx_len);
	while (recv(far, asked, sizeof(asked), MSG_DONTWAIT) > 0)
		;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len) {
	size_t piece = len ? bytes[0] + 1u : 1;
	struct vici *v;
	int ends[2];

	log_level = LOG_LEVEL_ERROR;
	n_connected = n_gone = n_terminated = 0;
	n_watched = 1;
	v = vici_create("/nowhere", &ops, &v);
	FUZZ_CHECK(v && socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) == 0);
	v->fd = ends[0];
	vici_start(v);
	vici_ask(v);
	for (size_t at = 1; at < len && v->fd >= 0; at += piece)
		give(v, ends[1], bytes + at, len - at < piece ? len - at : piece);
	close(ends[1]);
	if (v->fd >= 0)
		vici_ready(v, EPOLLHUP);
	FUZZ_CHECK(v->fd < 0 && n_watched == 0 && n_connected == n_gone && v->n_terminates == 0);
	FUZZ_CHECK(n_terminated == v->counters[VICI_TERMINATED_COUNTER] + v->counters[VICI_TERMINATE_FAILED_COUNTER]);
	vici_free(v);
	return 0;
}
