// SPDX-License-Identifier: BSD-3-Clause
#include "control.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "clock.h"

#define EVENTS_PER_TURN 64
#define TURN_FNS_MAX 32
#define WAIT_MS 1 // a worker never wakes control: this bounds how long a punted packet waits

struct watch { // by descriptor
	control_fd_fn fn; // NULL: not watched
	void *arg;
	uint32_t gen; // an event fetched before an unwatch does not reach who comes next on the same descriptor
};

enum call_state {
	CALL_QUEUED,
	CALL_RUNNING,
	CALL_DONE,
	CALL_CANCELLED,
};

struct call { // on the stack of the thread that waits for it
	struct call *next;
	void (*fn)(void *arg);
	void *arg;
	enum call_state state;
};

struct control {
	int epoll_fd, wake_fd;
	struct watch *watches;
	unsigned n_watches;
	struct {
		control_turn_fn fn;
		void *arg;
	} turns[TURN_FNS_MAX];
	unsigned n_turns;
	bool more; // a turn function has more to do
	bool stop; // atomic
	pthread_t thread; // that runs the turns; read by others, to know themselves from it
	pthread_mutex_t lock; // of calls and their states
	pthread_cond_t changed;
	struct call *calls, **calls_tail;
	bool has_calls; // atomic: spares the lock on each turn
};

static void on_wake(void *arg, uint32_t events) {
	struct control *c = arg;
	uint64_t n;

	(void)events;
	while (read(c->wake_fd, &n, sizeof(n)) > 0)
		;
}

static void lock_init(struct control *c) {
	pthread_condattr_t attr;

	pthread_mutex_init(&c->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&c->changed, &attr);
	pthread_condattr_destroy(&attr);
}

struct control *control_create(struct nave *nave) {
	struct control *c = calloc(1, sizeof(*c));
	int rc;

	(void)nave;
	if (!c)
		return NULL;
	c->calls_tail = &c->calls;
	c->thread = pthread_self();
	lock_init(c);
	c->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (c->wake_fd < 0)
		goto err_eventfd;
	c->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (c->epoll_fd < 0)
		goto err_epoll;
	rc = control_watch(c, c->wake_fd, EPOLLIN, on_wake, c);
	if (rc < 0) {
		errno = -rc;
		goto err_watch;
	}
	return c;

err_watch:
	close(c->epoll_fd);
	free(c->watches);
err_epoll:
	close(c->wake_fd);
err_eventfd:
	free(c);
	return NULL;
}

static void calls_cancel(struct control *c) {
	pthread_mutex_lock(&c->lock);
	for (struct call *call = c->calls; call; call = call->next)
		call->state = CALL_CANCELLED;
	c->calls = NULL;
	c->calls_tail = &c->calls;
	pthread_cond_broadcast(&c->changed);
	pthread_mutex_unlock(&c->lock);
}

void control_free(struct control *c) {
	if (!c)
		return;
	calls_cancel(c);
	close(c->epoll_fd);
	close(c->wake_fd);
	free(c->watches);
	pthread_cond_destroy(&c->changed);
	pthread_mutex_destroy(&c->lock);
	free(c);
}

// Async-signal-safe.
void control_stop(struct control *c) {
	uint64_t one = 1;
	int saved = errno;

	__atomic_store_n(&c->stop, true, __ATOMIC_RELEASE);
	if (write(c->wake_fd, &one, sizeof(one)) < 0)
		errno = saved; // the counter is full: awake anyway
}

static int watches_grow(struct control *c, unsigned want) {
	unsigned n = c->n_watches ? c->n_watches : 64;
	struct watch *w;

	while (n <= want)
		n *= 2;
	w = reallocarray(c->watches, n, sizeof(*w));
	if (!w)
		return -ENOMEM;
	for (unsigned i = c->n_watches; i < n; i++)
		w[i] = (struct watch){0};
	c->watches = w;
	c->n_watches = n;
	return 0;
}

static int epoll_set(struct control *c, int op, int fd, uint32_t events) {
	struct epoll_event ev = {.events = events, .data.u64 = (uint64_t)c->watches[fd].gen << 32 | (uint32_t)fd};

	return epoll_ctl(c->epoll_fd, op, fd, &ev) < 0 ? -errno : 0;
}

int control_watch(struct control *c, int fd, uint32_t events, control_fd_fn fn, void *arg) {
	int rc;

	if (fd < 0 || !fn)
		return -EINVAL;
	if ((unsigned)fd >= c->n_watches) {
		rc = watches_grow(c, fd);
		if (rc < 0)
			return rc;
	}
	if (c->watches[fd].fn)
		return -EEXIST;
	rc = epoll_set(c, EPOLL_CTL_ADD, fd, events);
	if (rc < 0)
		return rc;
	c->watches[fd].fn = fn;
	c->watches[fd].arg = arg;
	return 0;
}

static bool is_watched(const struct control *c, int fd) {
	return fd >= 0 && (unsigned)fd < c->n_watches && c->watches[fd].fn;
}

int control_watch_change(struct control *c, int fd, uint32_t events) {
	return is_watched(c, fd) ? epoll_set(c, EPOLL_CTL_MOD, fd, events) : -ENOENT;
}

void control_unwatch(struct control *c, int fd) {
	if (!is_watched(c, fd))
		return;
	epoll_ctl(c->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
	c->watches[fd].fn = NULL;
	c->watches[fd].gen++;
}

int control_on_turn(struct control *c, control_turn_fn fn, void *arg) {
	if (c->n_turns == TURN_FNS_MAX)
		return -ENOSPC;
	c->turns[c->n_turns].fn = fn;
	c->turns[c->n_turns].arg = arg;
	c->n_turns++;
	return 0;
}

void control_off_turn(struct control *c, control_turn_fn fn, void *arg) {
	for (unsigned i = 0; i < c->n_turns; i++) {
		if (c->turns[i].fn != fn || c->turns[i].arg != arg)
			continue;
		c->n_turns--;
		for (; i < c->n_turns; i++)
			c->turns[i] = c->turns[i + 1];
		return;
	}
}

static void dispatch(struct control *c, const struct epoll_event *events, int n) {
	for (int i = 0; i < n; i++) {
		struct watch *w = &c->watches[(uint32_t)events[i].data.u64];

		if (w->fn && w->gen == events[i].data.u64 >> 32)
			w->fn(w->arg, events[i].events);
	}
}

static struct call *call_take(struct control *c) {
	struct call *call;

	pthread_mutex_lock(&c->lock);
	call = c->calls;
	if (call) {
		c->calls = call->next;
		if (!c->calls)
			c->calls_tail = &c->calls;
		call->state = CALL_RUNNING;
	}
	__atomic_store_n(&c->has_calls, c->calls != NULL, __ATOMIC_RELEASE);
	pthread_mutex_unlock(&c->lock);
	return call;
}

// One a turn: a hundred telemetry clients do not make a turn long.
static bool calls_run(struct control *c) {
	struct call *call;

	if (!__atomic_load_n(&c->has_calls, __ATOMIC_ACQUIRE))
		return false;
	call = call_take(c);
	if (!call)
		return false;
	call->fn(call->arg);
	pthread_mutex_lock(&c->lock);
	call->state = CALL_DONE;
	pthread_cond_broadcast(&c->changed);
	pthread_mutex_unlock(&c->lock);
	return true;
}

void control_turn(struct control *c, int timeout_ms) {
	struct epoll_event events[EVENTS_PER_TURN];
	int wait_ms = c->more || __atomic_load_n(&c->stop, __ATOMIC_ACQUIRE) ? 0 : timeout_ms;
	uint64_t now_ns;
	bool more;
	int n;

	__atomic_store_n(&c->thread, pthread_self(), __ATOMIC_RELAXED);
	n = epoll_wait(c->epoll_fd, events, EVENTS_PER_TURN, wait_ms);
	dispatch(c, events, n);
	more = n == EVENTS_PER_TURN;
	more |= calls_run(c);
	now_ns = clock_now_ns();
	for (unsigned i = 0; i < c->n_turns; i++)
		more |= c->turns[i].fn(c->turns[i].arg, now_ns);
	c->more = more;
}

void control_run(struct control *c) {
	while (!__atomic_load_n(&c->stop, __ATOMIC_ACQUIRE))
		control_turn(c, WAIT_MS);
}

bool control_stopping(const struct control *c) {
	return __atomic_load_n(&c->stop, __ATOMIC_ACQUIRE);
}

static void call_unlink(struct control *c, struct call *call) {
	for (struct call **p = &c->calls; *p; p = &(*p)->next) {
		if (*p != call)
			continue;
		*p = call->next;
		if (!*p)
			c->calls_tail = p;
		return;
	}
}

static void call_queue(struct control *c, struct call *call) {
	uint64_t one = 1;

	*c->calls_tail = call;
	c->calls_tail = &call->next;
	__atomic_store_n(&c->has_calls, true, __ATOMIC_RELEASE);
	if (write(c->wake_fd, &one, sizeof(one)) < 0)
		return; // the counter is full: awake anyway
}

// Waits until the call is done; past the deadline only one that runs already is still waited for.
static int call_wait(struct control *c, struct call *call, const struct timespec *deadline) {
	while (call->state == CALL_QUEUED)
		if (pthread_cond_timedwait(&c->changed, &c->lock, deadline) == ETIMEDOUT &&
			call->state == CALL_QUEUED) {
			call_unlink(c, call);
			return -ETIMEDOUT;
		}
	while (call->state == CALL_RUNNING)
		pthread_cond_wait(&c->changed, &c->lock);
	return call->state == CALL_DONE ? 0 : -ETIMEDOUT;
}

int control_call(struct control *c, void (*fn)(void *arg), void *arg, unsigned timeout_ms) {
	struct call call = {.fn = fn, .arg = arg, .state = CALL_QUEUED};
	uint64_t end_ns = clock_now_ns() + timeout_ms * NS_PER_MS;
	struct timespec deadline = {.tv_sec = end_ns / NS_PER_S, .tv_nsec = end_ns % NS_PER_S};
	int rc;

	if (pthread_equal(pthread_self(), __atomic_load_n(&c->thread, __ATOMIC_RELAXED))) {
		fn(arg);
		return 0;
	}
	pthread_mutex_lock(&c->lock);
	call_queue(c, &call);
	rc = call_wait(c, &call, &deadline);
	pthread_mutex_unlock(&c->lock);
	return rc;
}
