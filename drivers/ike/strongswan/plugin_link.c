// SPDX-License-Identifier: GPL-2.0-or-later
#include "plugin_link.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include <threading/condvar.h>
#include <threading/mutex.h>
#include <threading/thread.h>

#include "plugin_check.h"
#include "plugin_socket.h"
#include "plugin_wire.h"

#define RETRY_MS 100 // a hub that restarts is found again at once
#define RETRY_SHORT_MAX_MS 1000 // one that hangs up at once
#define RETRY_MAX_MS 30000 // one that talks nonsense, and answers nothing

struct pending { // on the stack of the thread that waits
	struct pending *next;
	uint32_t id;
	bool is_done, is_lost; // lost: its connection ended before
	struct nave_ike_result *result;
};

struct plugin_link {
	struct plugin_link_handlers handlers;
	char *path;
	uint64_t boot_id; // of this plugin
	int stop_fd;
	thread_t *thread;
	int retry_ms; // link's thread alone, as the next two
	uint64_t hub_boot_id; // of the hub last seen
	bool said_away;

	mutex_t *mutex; // for all below
	condvar_t *changed;
	int fd; // -1: no hub
	uint32_t hub; // number of the hub last seen
	uint32_t last_id;
	timeval_t wait_until; // of calls that may wait for a hub
	bool is_stopping;
	struct pending *pending;
};

static timeval_t after_ms(int ms) {
	timeval_t now, more = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};

	time_monotonic(&now);
	timeradd(&now, &more, &now);
	return now;
}

// --- calls, on charon's threads ---

uint32_t plugin_link_hub(plugin_link_t *link, bool may_wait) {
	uint32_t hub;

	link->mutex->lock(link->mutex);
	while (may_wait && link->fd < 0 && !link->is_stopping) {
		if (link->changed->timed_wait_abs(link->changed, link->mutex, link->wait_until))
			break;
	}
	hub = link->fd < 0 ? 0 : link->hub;
	link->mutex->unlock(link->mutex);
	return hub;
}

// With the mutex held.
static int send_request(plugin_link_t *link, uint32_t hub, struct nave_ike_header *request) {
	int rc;

	if (link->fd < 0)
		return -ENOTCONN;
	if (link->hub != hub)
		return -EAGAIN;
	link->last_id += link->last_id == UINT32_MAX ? 2 : 1;
	request->id = link->last_id;
	rc = plugin_socket_send(link->fd, request);
	if (rc)
		shutdown(link->fd, SHUT_RDWR);
	return rc;
}

static void forget_pending(plugin_link_t *link, struct pending *p) {
	struct pending **at = &link->pending;

	while (*at && *at != p)
		at = &(*at)->next;
	if (*at)
		*at = p->next;
}

// With the mutex held. A hub that does not answer one call is not waited for in the next: charon must not hang.
static int await_result(plugin_link_t *link, struct pending *p) {
	const timeval_t until = after_ms(PLUGIN_ANSWER_MS);

	while (!p->is_done && !p->is_lost && !link->is_stopping) {
		if (link->changed->timed_wait_abs(link->changed, link->mutex, until))
			break;
	}
	if (p->is_done)
		return 0;
	if (p->is_lost || link->is_stopping)
		return -ECONNRESET;
	DBG1(DBG_KNL, "kernel-nave: the hub did not answer for %d ms: connecting anew", PLUGIN_ANSWER_MS);
	shutdown(link->fd, SHUT_RDWR);
	return -ETIMEDOUT;
}

int plugin_link_call(plugin_link_t *link, uint32_t hub, void *request, struct nave_ike_result *result) {
	struct pending p = {.result = result};
	int rc;

	link->mutex->lock(link->mutex);
	rc = send_request(link, hub, request);
	if (!rc) {
		p.id = link->last_id;
		p.next = link->pending;
		link->pending = &p;
		rc = await_result(link, &p);
		forget_pending(link, &p);
	}
	link->mutex->unlock(link->mutex);
	return rc;
}

void plugin_link_tell(plugin_link_t *link, uint32_t hub, void *request) {
	link->mutex->lock(link->mutex);
	send_request(link, hub, request);
	link->mutex->unlock(link->mutex);
}

// --- the link's thread ---

static void answer_pending(plugin_link_t *link, const struct nave_ike_result *result) {
	link->mutex->lock(link->mutex);
	for (struct pending *p = link->pending; p; p = p->next) {
		if (p->id == result->h.id && !p->is_done) {
			*p->result = *result;
			p->is_done = true;
			link->retry_ms = RETRY_MS; // it does its work
		}
	}
	link->changed->broadcast(link->changed);
	link->mutex->unlock(link->mutex);
}

// A message that passed the checks. 0 or -errno.
static ssize_t receive(plugin_link_t *link, int fd, union nave_ike_message *m, int timeout_ms) {
	ssize_t len = plugin_socket_receive(fd, link->stop_fd, m, timeout_ms);
	const char *fault;

	if (len == 0)
		return -ECONNRESET;
	if (len < 0)
		return len;
	fault = plugin_check(m, len);
	if (!fault)
		return 0;
	DBG1(DBG_KNL, "kernel-nave: the hub at %s sent %s: connection closed", link->path, fault);
	return -EPROTO;
}

static int exchange_hello(plugin_link_t *link, int fd, struct nave_ike_hello *hub) {
	struct nave_ike_hello hello = {.boot_id = link->boot_id, .name = "strongSwan " PLUGIN_CHARON_VERSION};
	union nave_ike_message m;
	int rc;

	plugin_wire_header(&hello.h, NAVE_IKE_HELLO);
	rc = plugin_socket_send(fd, &hello);
	if (rc)
		return rc;
	rc = receive(link, fd, &m, PLUGIN_ANSWER_MS);
	if (rc)
		return rc;
	if (m.h.type != NAVE_IKE_HELLO) {
		DBG1(DBG_KNL, "kernel-nave: the hub at %s did not begin with HELLO: connection closed", link->path);
		return -EPROTO;
	}
	*hub = m.hello;
	return 0;
}

// Under the mutex, so that a deletion is either not in the list or comes after it.
static int open_to_calls(plugin_link_t *link, int fd, const struct nave_ike_hello *hub) {
	bool is_same = hub->boot_id == link->hub_boot_id;
	int rc = 0;

	link->mutex->lock(link->mutex);
	if (is_same)
		rc = link->handlers.send_sync(link->handlers.ctx, link->hub, fd);
	else
		link->handlers.on_new_hub(link->handlers.ctx, ++link->hub);
	if (!rc) {
		link->hub_boot_id = hub->boot_id;
		link->fd = fd;
		link->changed->broadcast(link->changed);
	}
	link->mutex->unlock(link->mutex);
	if (!rc)
		DBG1(DBG_KNL, "kernel-nave: connected to %s at %s%s", hub->name, link->path,
			is_same ? ", the same as before" : "");
	return rc;
}

static int serve(plugin_link_t *link, int fd) {
	union nave_ike_message m;
	int rc;

	while ((rc = receive(link, fd, &m, -1)) == 0) {
		if (m.h.type == NAVE_IKE_HELLO) {
			DBG1(DBG_KNL, "kernel-nave: the hub at %s sent a second HELLO: connection closed", link->path);
			return -EPROTO;
		}
		if (m.h.type == NAVE_IKE_RESULT)
			answer_pending(link, &m.result);
		else
			link->handlers.on_event(link->handlers.ctx, &m);
	}
	return rc;
}

static void close_to_calls(plugin_link_t *link) {
	link->mutex->lock(link->mutex);
	link->fd = -1;
	for (struct pending *p = link->pending; p; p = p->next)
		p->is_lost = true;
	link->wait_until = after_ms(PLUGIN_ANSWER_MS);
	link->changed->broadcast(link->changed);
	link->mutex->unlock(link->mutex);
}

static int use_connection(plugin_link_t *link, int fd) {
	struct nave_ike_hello hub;
	int rc = exchange_hello(link, fd, &hub);

	if (!rc)
		rc = open_to_calls(link, fd, &hub);
	if (rc)
		return rc;
	link->said_away = false;
	rc = serve(link, fd);
	close_to_calls(link);
	return rc;
}

static void say_away(plugin_link_t *link, int rc) {
	if (!link->said_away && rc != -ECANCELED)
		DBG1(DBG_KNL, "kernel-nave: no hub at %s (%s): no SA can be installed until it is there", link->path,
			strerror(-rc));
	link->said_away = true;
}

static int connect_and_use(plugin_link_t *link) {
	const timeval_t short_lived = after_ms(RETRY_SHORT_MAX_MS);
	int fd = plugin_socket_connect(link->path), rc;
	timeval_t now;

	if (fd < 0)
		return fd;
	rc = use_connection(link, fd);
	close(fd);
	time_monotonic(&now);
	if (rc == -EPROTO)
		link->retry_ms = min(2 * link->retry_ms, RETRY_MAX_MS);
	else if (timercmp(&now, &short_lived, <))
		link->retry_ms = min(2 * link->retry_ms, RETRY_SHORT_MAX_MS);
	else
		link->retry_ms = RETRY_MS;
	return rc;
}

static void *run(plugin_link_t *link) {
	bool is_stopping = false;

	while (!is_stopping) {
		say_away(link, connect_and_use(link));
		plugin_socket_pause(link->stop_fd, link->retry_ms);
		link->mutex->lock(link->mutex);
		is_stopping = link->is_stopping;
		link->mutex->unlock(link->mutex);
	}
	return NULL;
}

plugin_link_t *plugin_link_create(const char *path, const struct plugin_link_handlers *handlers) {
	plugin_link_t *link = malloc_thing(plugin_link_t);

	*link = (plugin_link_t){
		.handlers = *handlers,
		.path = strdup(path),
		.retry_ms = RETRY_MS,
		.stop_fd = eventfd(0, EFD_CLOEXEC),
		.mutex = mutex_create(MUTEX_TYPE_DEFAULT),
		.changed = condvar_create(CONDVAR_TYPE_DEFAULT),
		.fd = -1,
		.wait_until = after_ms(PLUGIN_ANSWER_MS),
	};
	while (link->boot_id == 0) {
		if (getrandom(&link->boot_id, sizeof(link->boot_id), 0) < 0)
			break;
	}
	link->thread = link->boot_id && link->stop_fd >= 0 ? thread_create((thread_main_t)run, link) : NULL;
	if (link->thread)
		return link;
	plugin_link_destroy(link);
	return NULL;
}

void plugin_link_destroy(plugin_link_t *link) {
	link->mutex->lock(link->mutex);
	link->is_stopping = true;
	link->changed->broadcast(link->changed);
	link->mutex->unlock(link->mutex);
	if (link->thread) {
		eventfd_write(link->stop_fd, 1);
		link->thread->join(link->thread);
	}
	if (link->stop_fd >= 0)
		close(link->stop_fd);
	link->changed->destroy(link->changed);
	link->mutex->destroy(link->mutex);
	free(link->path);
	free(link);
}
