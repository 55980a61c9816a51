// SPDX-License-Identifier: BSD-3-Clause
#include "vici.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "clock.h"
#include "log.h"
#include "vici_state.h"

#define BACKOFF_MIN_NS NS_PER_S
#define BACKOFF_MAX_NS (30 * NS_PER_S)
#define ANSWER_NS (30 * NS_PER_S) // charon answers from memory; a list is heard SA by SA
#define READ_MAX (16 << 10) // a turn's share: some 20 IKE_SAs of a list

struct vici *vici_create(const char *path, const struct vici_ops *ops, void *arg) {
	struct vici *v;

	if (strlen(path) >= sizeof(v->path)) {
		errno = ENAMETOOLONG;
		return NULL;
	}
	v = calloc(1, sizeof(*v));
	if (!v)
		return NULL;
	memcpy(v->path, path, strlen(path));
	v->ops = ops;
	v->arg = arg;
	v->fd = -1;
	v->backoff_ns = BACKOFF_MIN_NS;
	return v;
}

void vici_free(struct vici *v) {
	if (!v)
		return;
	if (v->fd >= 0) {
		v->ops->unwatch(v->arg, v->fd);
		close(v->fd);
	}
	free(v);
}

// --- the connection ---
static void retry_later(struct vici *v) {
	v->retry_ns = v->now_ns + v->backoff_ns;
	v->backoff_ns = v->backoff_ns * 2 > BACKOFF_MAX_NS ? BACKOFF_MAX_NS : v->backoff_ns * 2;
}

// Once per outage, not once per attempt.
static void connect_failed(struct vici *v, const char *reason) {
	if (v->backoff_ns == BACKOFF_MIN_NS)
		log_warning("ike.vici %s: %s: is charon running, with charon.plugins.vici.socket = unix://%s? Trying "
			    "again until it answers",
			v->path, reason, v->path);
	v->counters[VICI_CONNECT_FAILED_COUNTER]++;
	retry_later(v);
}

void vici_drop(struct vici *v, enum vici_counter why, const char *reason) {
	bool was_greeted = v->is_greeted;

	v->ops->unwatch(v->arg, v->fd);
	close(v->fd);
	v->fd = -1;
	v->is_watching_out = v->is_greeted = false;
	v->tx_at = v->tx_len = v->rx_at = v->rx_len = v->skip = 0;
	if (why != VICI_GONE_COUNTER)
		v->counters[why]++;
	if (was_greeted) {
		v->counters[VICI_GONE_COUNTER]++;
		retry_later(v);
		log_warning("ike.vici %s: %s: nothing is heard of IKE_SAs until it is back", v->path, reason);
	} else {
		connect_failed(v, reason);
	}
	vici_stop(v, reason);
	if (was_greeted && v->ops->gone)
		v->ops->gone(v->arg, reason);
}

// A UNIX socket connects at once, or not: EAGAIN is a full backlog.
static int connect_to(const char *path) {
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), rc;

	if (fd < 0)
		return -errno;
	memcpy(to.sun_path, path, strlen(path) + 1);
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0)
		return fd;
	rc = -errno;
	close(fd);
	return rc;
}

static void try_connect(struct vici *v) {
	int fd = connect_to(v->path), rc;

	if (fd < 0) {
		connect_failed(v, strerror(-fd));
		return;
	}
	rc = v->ops->watch(v->arg, fd, EPOLLIN);
	if (rc < 0) {
		close(fd);
		connect_failed(v, strerror(-rc));
		return;
	}
	v->fd = fd;
	vici_start(v);
	vici_ask(v);
}

void vici_turn(struct vici *v, uint64_t now_ns) {
	v->now_ns = now_ns;
	if (v->fd < 0) {
		if (now_ns >= v->retry_ns)
			try_connect(v);
	} else if (v->asked && now_ns - v->heard_ns >= ANSWER_NS) {
		vici_drop(v, VICI_SILENT_COUNTER, "charon has not answered for 30 s");
	}
}

// --- out ---
static void watch_out(struct vici *v, bool want) {
	int rc;

	if (v->is_watching_out == want)
		return;
	rc = v->ops->watch(v->arg, v->fd, want ? EPOLLIN | EPOLLOUT : EPOLLIN);
	if (rc < 0)
		vici_drop(v, VICI_GONE_COUNTER, strerror(-rc));
	else
		v->is_watching_out = want;
}

static void flush(struct vici *v) {
	while (v->tx_at < v->tx_len) {
		ssize_t n = send(v->fd, v->tx + v->tx_at, v->tx_len - v->tx_at, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			break;
		if (n < 0) {
			vici_drop(v, VICI_GONE_COUNTER, strerror(errno));
			return;
		}
		v->tx_at += (uint32_t)n;
	}
	watch_out(v, v->tx_at < v->tx_len);
}

int vici_send(struct vici *v, size_t len) {
	v->tx_at = 0;
	v->tx_len = (uint32_t)len;
	v->heard_ns = v->now_ns;
	flush(v);
	return v->fd < 0 ? -ENOTCONN : 0;
}

// --- in ---
static bool skip(struct vici *v) {
	uint32_t left = v->rx_len - v->rx_at, n = v->skip < left ? v->skip : left;

	v->rx_at += n;
	v->skip -= n;
	return v->skip == 0;
}

static uint32_t be32(const uint8_t *p) {
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

// An answer that is too large is none that was asked for.
static bool large_packet(struct vici *v, uint32_t len) {
	if (len > VICI_PACKET_MAX || v->rx[v->rx_at + 4] != VICI_EVENT) {
		vici_drop(v, VICI_BAD_PACKET_COUNTER, "a packet from charon is too large");
		return false;
	}
	v->counters[VICI_LARGE_EVENT_COUNTER]++;
	v->list_is_whole = false;
	v->rx_at += 4;
	v->skip = len;
	return true;
}

// One packet of what was read. false: the rest of it has not come, or the connection is gone.
static bool take(struct vici *v) {
	uint32_t len, at;

	if (!skip(v) || v->rx_len - v->rx_at < 5)
		return false;
	len = be32(v->rx + v->rx_at);
	if (len > VICI_EVENT_MAX)
		return large_packet(v, len);
	if (v->rx_len - v->rx_at < 4 + len)
		return false;
	at = v->rx_at + 4;
	v->rx_at = at + len;
	vici_packet(v, v->rx + at, len);
	return v->fd >= 0;
}

static void receive(struct vici *v) {
	uint32_t room = sizeof(v->rx) - v->rx_len;
	ssize_t n = recv(v->fd, v->rx + v->rx_len, room < READ_MAX ? room : READ_MAX, 0);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		vici_drop(v, VICI_GONE_COUNTER, n < 0 ? strerror(errno) : "charon closed the connection");
		return;
	}
	v->heard_ns = v->now_ns;
	v->rx_len += (uint32_t)n;
	while (take(v))
		;
	memmove(v->rx, v->rx + v->rx_at, v->rx_len - v->rx_at);
	v->rx_len -= v->rx_at;
	v->rx_at = 0;
}

void vici_ready(struct vici *v, uint32_t events) {
	if (v->fd >= 0 && (events & EPOLLOUT))
		flush(v);
	if (v->fd >= 0 && (events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
		receive(v);
	if (v->fd >= 0)
		vici_ask(v);
}

// --- state ---
bool vici_is_connected(const struct vici *v) {
	return v->is_greeted;
}

const char *vici_version(const struct vici *v) {
	return v->version;
}

const char *vici_path(const struct vici *v) {
	return v->path;
}

static const struct {
	const char *name, *help;
} counter_texts[] = {
#define X(name, counter, help) {counter, help},
	VICI_COUNTERS(X)
#undef X
};

const char *vici_counter_name(enum vici_counter c) {
	return counter_texts[c].name;
}

const char *vici_counter_help(enum vici_counter c) {
	return counter_texts[c].help;
}

const uint64_t *vici_counters(const struct vici *v) {
	return v->counters;
}

void vici_clear(struct vici *v) {
	memset(v->counters, 0, sizeof(v->counters));
}
