// SPDX-License-Identifier: BSD-3-Clause
#include "telemetry.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <rte_telemetry.h>

#include "control.h"
#include "nave.h"
#include "out_cells.h"
#include "page.h"

#define CALL_TIMEOUT_MS 500

struct telemetry {
	struct nave *nave;
	pthread_mutex_t lock; // of the orphans
	struct orphan *orphans;
};

// An answer that could not be freed on the control core in time; its cursor may only be freed there.
struct orphan {
	struct orphan *next;
	struct out *out;
};

// rte_telemetry cannot unregister an endpoint, and gives it no argument. Clients' threads hold the lock for reading
// while they answer; NULL: shutting down.
static struct telemetry *the_telemetry;
static pthread_rwlock_t the_lock = PTHREAD_RWLOCK_INITIALIZER;
static bool is_stopping; // atomic: clients that never cease to ask do not keep the lock from telemetry_free

struct page_call { // of one client, filled on the control core
	struct telemetry *telemetry;
	const struct telemetry_endpoint *endpoint;
	struct out *out;
	uint64_t offset;
};

static void run_slice(void *arg) {
	struct page_call *p = arg;
	struct console_args args = {0};
	int rc;

	if (!p->out) {
		p->out = out_create(true);
		if (!p->out)
			return;
		p->out->skip = p->offset;
	}
	out_slice_begin(p->out);
	rc = p->endpoint->run(p->telemetry->nave, &args, p->out);
	if (rc < 0 && out_rc(p->out) == 0)
		out_error(p->out, rc, "%s", strerror(-rc));
}

static void free_answer(void *arg) {
	struct page_call *p = arg;

	out_free(p->out);
}

// A list that does not step over rows by itself is cut here.
static void drop_skipped(struct out *o) {
	unsigned n = o->skip < out_n_rows(o) ? o->skip : out_n_rows(o);

	if (n == 0)
		return;
	o->skip -= n;
	o->rows.len -= n * sizeof(struct row);
	memmove(o->rows.bytes, o->rows.bytes + n * sizeof(struct row), o->rows.len);
}

// Slices until a page is full or the answer has ended: each is one call, so that a long list holds nobody up.
static int collect(struct page_call *p) {
	do {
		int rc = control_call(p->telemetry->nave->control, run_slice, p, CALL_TIMEOUT_MS);

		if (rc < 0)
			return rc;
		if (!p->out)
			return -ENOMEM;
		drop_skipped(p->out);
	} while (out_more(p->out) && page_rows(p->out) == out_n_rows(p->out) && out_n_rows(p->out) < PAGE_ROWS_MAX);
	return 0;
}

static int error_reply(struct rte_tel_data *d, const char *text) {
	rte_tel_data_start_dict(d);
	rte_tel_data_add_dict_string(d, "error", text);
	return 0;
}

static int reply(const struct page_call *p, struct rte_tel_data *d) {
	const struct out *o = p->out;
	unsigned n = page_rows(o);

	if (o->rc || o->kind == OUT_TEXT)
		return error_reply(d, o->message.bytes ? o->message.bytes : "nothing to say");
	if (o->kind == OUT_RECORD)
		return page_record(o, d);
	if (p->endpoint->shape == TELEMETRY_NAMES)
		return page_names(o, d);
	return page_columns(o, p->offset, n, out_more(o) || n < out_n_rows(o), d);
}

static void dispose(struct page_call *p) {
	struct orphan *orphan;

	if (!p->out || control_call(p->telemetry->nave->control, free_answer, p, CALL_TIMEOUT_MS) == 0)
		return;
	orphan = malloc(sizeof(*orphan));
	if (!orphan)
		return; // leaked: nobody else may free it here
	pthread_mutex_lock(&p->telemetry->lock);
	*orphan = (struct orphan){p->telemetry->orphans, p->out};
	p->telemetry->orphans = orphan;
	pthread_mutex_unlock(&p->telemetry->lock);
}

static int answer(
	struct telemetry *t, const struct telemetry_endpoint *ep, const char *params, struct rte_tel_data *d) {
	struct page_call p = {.telemetry = t, .endpoint = ep};
	char *end = NULL;
	int rc;

	if (params && *params) {
		p.offset = strtoull(params, &end, 10);
		if (*params < '0' || *params > '9' || *end)
			return error_reply(d, "the parameter is an offset: the row to begin with");
	}
	rc = collect(&p);
	if (rc == 0)
		rc = reply(&p, d);
	else
		rc = error_reply(d, rc == -ETIMEDOUT ? "the control core does not answer" : strerror(-rc));
	dispose(&p);
	return rc;
}

static int on_request(const char *cmd, const char *params, struct rte_tel_data *d) {
	const struct telemetry_endpoint *ep = telemetry_endpoints;
	int rc;

	while (ep->path && strcmp(ep->path, cmd) != 0)
		ep++;
	if (__atomic_load_n(&is_stopping, __ATOMIC_ACQUIRE))
		return error_reply(d, "shutting down");
	pthread_rwlock_rdlock(&the_lock);
	if (!the_telemetry)
		rc = error_reply(d, "shutting down");
	else if (!ep->path)
		rc = error_reply(d, "no such endpoint");
	else
		rc = answer(the_telemetry, ep, params, d);
	pthread_rwlock_unlock(&the_lock);
	return rc;
}

struct telemetry *telemetry_create(struct nave *nave) {
	struct telemetry *t;
	int rc;

	if (the_telemetry) {
		errno = EEXIST;
		return NULL;
	}
	t = calloc(1, sizeof(*t));
	if (!t)
		return NULL;
	t->nave = nave;
	pthread_mutex_init(&t->lock, NULL);
	for (const struct telemetry_endpoint *ep = telemetry_endpoints; ep->path; ep++) {
		rc = rte_telemetry_register_cmd(ep->path, on_request, ep->help);
		if (rc < 0) {
			pthread_mutex_destroy(&t->lock);
			free(t);
			errno = -rc;
			return NULL;
		}
	}
	pthread_rwlock_wrlock(&the_lock);
	the_telemetry = t;
	__atomic_store_n(&is_stopping, false, __ATOMIC_RELEASE);
	pthread_rwlock_unlock(&the_lock);
	return t;
}

void telemetry_free(struct telemetry *t) {
	struct orphan *orphan;

	if (!t)
		return;
	__atomic_store_n(&is_stopping, true, __ATOMIC_RELEASE);
	// Clients that wait for this very thread are served, not waited for.
	while (pthread_rwlock_trywrlock(&the_lock) != 0)
		control_turn(t->nave->control, 1);
	the_telemetry = NULL;
	pthread_rwlock_unlock(&the_lock);
	while ((orphan = t->orphans)) {
		t->orphans = orphan->next;
		out_free(orphan->out);
		free(orphan);
	}
	pthread_mutex_destroy(&t->lock);
	free(t);
}
