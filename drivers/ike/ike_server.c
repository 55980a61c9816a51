// SPDX-License-Identifier: BSD-3-Clause
#include "ike_server.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ike_listen.h"
#include "ike_msg.h"
#include "log.h"

#define MESSAGES_PER_TURN 64 // some 0.5 ms of SAs added
#define QUEUE_LEN 4096 // power of two; nothing is read while answers wait, so that only events fill it
#define QUEUE_ITEM_BYTES sizeof(struct nave_ike_result)

_Static_assert(sizeof(struct nave_ike_expire) <= QUEUE_ITEM_BYTES &&
		       sizeof(struct nave_ike_mapping) <= QUEUE_ITEM_BYTES &&
		       sizeof(struct nave_ike_hello) <= QUEUE_ITEM_BYTES,
	"all that the hub says");

static const char *const counter_names[] = {
#define X(name, counter, help) [IKE_SERVER_##name] = counter,
	IKE_SERVER_COUNTERS(X)
#undef X
};

static const char *const counter_helps[] = {
#define X(name, counter, help) [IKE_SERVER_##name] = help,
	IKE_SERVER_COUNTERS(X)
#undef X
};

struct ike_server {
	const struct ike_server_ops *ops;
	void *arg;
	char *path;
	uint64_t boot_id;
	int epoll_fd, listen_fd;
	int fd; // of the plugin that said HELLO; -1: none
	int newcomer_fd; // has not said HELLO; -1: none
	bool is_broken; // to be closed at the next turn
	uint32_t head, tail; // of the queue, free-running
	uint64_t counters[IKE_SERVER_COUNT];
	union nave_ike_message in; // wiped after each message
	uint8_t queue[QUEUE_LEN][QUEUE_ITEM_BYTES];
};

const char *ike_server_counter_name(enum ike_server_counter c) {
	return counter_names[c];
}

const char *ike_server_counter_help(enum ike_server_counter c) {
	return counter_helps[c];
}

const uint64_t *ike_server_counters(const struct ike_server *s) {
	return s->counters;
}

void ike_server_clear(struct ike_server *s) {
	memset(s->counters, 0, sizeof(s->counters));
}

int ike_server_fd(const struct ike_server *s) {
	return s->epoll_fd;
}

uint64_t ike_server_boot_id(const struct ike_server *s) {
	return s->boot_id;
}

bool ike_server_is_connected(const struct ike_server *s) {
	return s->fd >= 0 && !s->is_broken;
}

// --- set-up ---
static int watch(struct ike_server *s, int op, int fd, uint32_t events) {
	struct epoll_event ev = {.events = events, .data.fd = fd};

	return epoll_ctl(s->epoll_fd, op, fd, &ev) < 0 ? -errno : 0;
}

static uint64_t boot_id_new(void) {
	uint64_t id = 0;

	while (id == 0 && getrandom(&id, sizeof(id), 0) == sizeof(id))
		;
	return id;
}

static int open_at(struct ike_server *s, const char *path, const char **why) {
	s->path = strdup(path);
	s->boot_id = boot_id_new();
	s->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (!s->path || !s->boot_id || s->epoll_fd < 0) {
		*why = strerror(errno);
		return -errno;
	}
	s->listen_fd = ike_listen(path, why);
	if (s->listen_fd < 0)
		return s->listen_fd;
	return watch(s, EPOLL_CTL_ADD, s->listen_fd, EPOLLIN);
}

struct ike_server *ike_server_open(const char *path, const struct ike_server_ops *ops, void *arg, const char **why) {
	struct ike_server *s = calloc(1, sizeof(*s));
	int rc;

	*why = strerror(ENOMEM);
	if (!s)
		return NULL;
	s->ops = ops;
	s->arg = arg;
	s->epoll_fd = s->listen_fd = s->fd = s->newcomer_fd = -1;
	rc = open_at(s, path, why);
	if (rc == 0)
		return s;
	ike_server_close(s);
	errno = -rc;
	return NULL;
}

static void close_fd(int *fd) {
	if (*fd >= 0)
		close(*fd); // which ends its watch
	*fd = -1;
}

void ike_server_close(struct ike_server *s) {
	if (!s)
		return;
	if (s->listen_fd >= 0)
		unlink(s->path);
	close_fd(&s->newcomer_fd);
	close_fd(&s->fd);
	close_fd(&s->listen_fd);
	close_fd(&s->epoll_fd);
	free(s->path);
	free(s);
}

// --- output ---
static void end(struct ike_server *s) {
	if (s->fd < 0)
		return;
	close_fd(&s->fd);
	s->head = s->tail = 0;
	s->is_broken = false;
	s->ops->gone(s->arg);
}

static uint32_t queued(const struct ike_server *s) {
	return s->tail - s->head;
}

// Reads nothing while something waits to be written: a plugin that does not read is not served.
static void interest(struct ike_server *s) {
	if (s->fd >= 0)
		watch(s, EPOLL_CTL_MOD, s->fd, queued(s) ? EPOLLOUT : EPOLLIN);
}

static const struct nave_ike_header *item_header(const uint8_t *item) {
	return (const struct nave_ike_header *)item;
}

static void flush_queue(struct ike_server *s) {
	while (queued(s)) {
		const uint8_t *item = s->queue[s->head % QUEUE_LEN];
		ssize_t n = send(s->fd, item, item_header(item)->len_bytes, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno != EAGAIN && errno != EINTR && errno != ENOBUFS)
			s->is_broken = true;
		if (n < 0)
			return;
		s->head++;
		s->counters[IKE_SERVER_SENT]++;
	}
}

// false: it has been disconnected.
static bool enqueue(struct ike_server *s, const void *message) {
	bool was_idle = !queued(s);

	if (s->fd < 0 || s->is_broken)
		return false;
	if (queued(s) == QUEUE_LEN) {
		s->counters[IKE_SERVER_NOT_READ]++;
		log_warning("IKE plugin: it has not read %u messages: disconnected", QUEUE_LEN);
		s->is_broken = true;
		watch(s, EPOLL_CTL_MOD, s->fd, EPOLLIN | EPOLLOUT);
		shutdown(s->fd, SHUT_RDWR); // readable from now on, so that a turn comes
		return false;
	}
	memcpy(s->queue[s->tail % QUEUE_LEN], message, ((const struct nave_ike_header *)message)->len_bytes);
	s->tail++;
	if (!was_idle)
		return true;
	flush_queue(s);
	interest(s);
	return !s->is_broken;
}

static void header_fill(struct nave_ike_header *h, uint8_t type, uint32_t id) {
	*h = (struct nave_ike_header){
		.version = NAVE_IKE_VERSION, .type = type, .len_bytes = nave_ike_len_bytes(type), .id = id};
}

bool ike_server_send(struct ike_server *s, union nave_ike_message *m, uint8_t type) {
	header_fill(&m->h, type, 0);
	return enqueue(s, m);
}

// --- input ---
static void say_hello(struct ike_server *s) {
	struct nave_ike_hello m = {.boot_id = s->boot_id, .name = "nave " NAVE_VERSION};

	header_fill(&m.h, NAVE_IKE_HELLO, 0);
	enqueue(s, &m);
}

// The newcomer has said HELLO.
static void take_over(struct ike_server *s) {
	if (s->fd >= 0) {
		s->counters[IKE_SERVER_TAKEN_OVER]++;
		log_warning("IKE plugin: another one has connected and takes its place");
		end(s);
	}
	s->fd = s->newcomer_fd;
	s->newcomer_fd = -1;
	s->counters[IKE_SERVER_CONNECTED]++;
	s->ops->hello(s->arg, &s->in.hello);
	say_hello(s);
}

static void request(struct ike_server *s) {
	const union nave_ike_message *m = &s->in;
	struct nave_ike_result r = {.status = NAVE_IKE_OK};

	header_fill(&r.h, NAVE_IKE_RESULT, m->h.id);
	switch (m->h.type) {
	case NAVE_IKE_GET_SPI:
		s->ops->get_spi(s->arg, &m->get_spi, &r);
		break;
	case NAVE_IKE_ADD_SA:
		s->ops->add_sa(s->arg, &m->add_sa, &r);
		break;
	case NAVE_IKE_UPDATE_SA:
		s->ops->update_sa(s->arg, &m->update_sa, &r);
		break;
	case NAVE_IKE_QUERY_SA:
		s->ops->query_sa(s->arg, &m->name_sa, &r);
		break;
	case NAVE_IKE_DEL_SA:
		s->ops->del_sa(s->arg, &m->name_sa, &r);
		break;
	default:
		s->ops->flush(s->arg, &r);
		break;
	}
	enqueue(s, &r);
}

// Why the connection cannot go on; NULL: it can.
static const char *dispatch(struct ike_server *s, int fd, size_t len) {
	enum ike_msg_error e = ike_msg_check(&s->in, len);
	bool is_hello = s->in.h.type == NAVE_IKE_HELLO;

	s->counters[IKE_SERVER_MESSAGES]++;
	if (e != IKE_MSG_NONE) {
		s->counters[IKE_SERVER_MALFORMED]++;
		return ike_msg_error_words(e);
	}
	if (is_hello == (fd == s->fd)) {
		s->counters[IKE_SERVER_OUT_OF_ORDER]++;
		return is_hello ? "that is a second HELLO" : "before HELLO";
	}
	if (is_hello)
		take_over(s);
	else if (s->in.h.type == NAVE_IKE_SYNC)
		s->ops->sync(s->arg, &s->in.sync);
	else
		request(s);
	return NULL;
}

static void drop(struct ike_server *s, int fd) {
	if (fd == s->fd)
		end(s);
	else
		close_fd(&s->newcomer_fd);
}

// false: nothing more is to be read from it now, or it is closed.
static bool receive(struct ike_server *s, int fd) {
	ssize_t n = recv(fd, &s->in, sizeof(s->in), MSG_DONTWAIT | MSG_TRUNC);
	const char *why = NULL;
	uint8_t type = 0;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (n > 0) {
		type = s->in.h.type;
		why = dispatch(s, fd, (size_t)n);
	}
	explicit_bzero(&s->in, sizeof(s->in));
	if (why)
		log_warning("IKE plugin: disconnected: a message of %zd octets, type %u, %s", n, type, why);
	if (n > 0 && !why)
		return true;
	drop(s, fd);
	return false;
}

static bool is_open(const struct ike_server *s, int fd) {
	return fd >= 0 && (fd == s->fd || fd == s->newcomer_fd);
}

static void serve(struct ike_server *s, int fd) {
	if (fd == s->fd && !s->is_broken && queued(s))
		flush_queue(s);
	if (fd == s->fd && s->is_broken) {
		end(s);
		return;
	}
	for (unsigned i = 0; i < MESSAGES_PER_TURN && is_open(s, fd) && (fd != s->fd || !queued(s)); i++)
		if (!receive(s, fd))
			break;
	interest(s);
}

static void accept_one(struct ike_server *s) {
	int fd = accept4(s->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd < 0)
		return;
	close_fd(&s->newcomer_fd); // one that connected and said nothing
	if (watch(s, EPOLL_CTL_ADD, fd, EPOLLIN) < 0)
		close(fd);
	else
		s->newcomer_fd = fd;
}

void ike_server_turn(struct ike_server *s) {
	struct epoll_event events[3];
	int n = epoll_wait(s->epoll_fd, events, 3, 0);

	for (int i = 0; i < n; i++)
		if (is_open(s, events[i].data.fd))
			serve(s, events[i].data.fd);
	// Last: a descriptor that was closed above may come again.
	for (int i = 0; i < n; i++)
		if (events[i].data.fd == s->listen_fd)
			accept_one(s);
}
