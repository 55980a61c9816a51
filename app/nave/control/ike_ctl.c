// SPDX-License-Identifier: BSD-3-Clause
#include "ike_ctl.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/epoll.h>

#include "conf.h"
#include "control.h"
#include "identity.h"
#include "ike_state.h"
#include "log.h"
#include "sa_ctl.h"
#include "clock.h" // after DPDK

#define WARNINGS_PER_S 5
#define WARNINGS_BURST 50

static const char *const counter_names[] = {
#define X(name, counter, help) [IKE_CTL_##name] = counter,
	IKE_CTL_COUNTERS(X)
#undef X
};

static const char *const counter_helps[] = {
#define X(name, counter, help) [IKE_CTL_##name] = help,
	IKE_CTL_COUNTERS(X)
#undef X
};

const char *ike_ctl_counter_name(enum ike_ctl_counter c) {
	return counter_names[c];
}

const char *ike_ctl_counter_help(enum ike_ctl_counter c) {
	return counter_helps[c];
}

const uint64_t *ike_ctl_counters(const struct ike_ctl *c) {
	return c->counters;
}

const uint64_t *ike_ctl_server_counters(const struct ike_ctl *c) {
	return ike_server_counters(c->server);
}

void ike_ctl_clear(struct ike_ctl *c) {
	memset(c->counters, 0, sizeof(c->counters));
	ike_server_clear(c->server);
}

void ike_ctl_info(const struct ike_ctl *c, struct ike_info *info) {
	*info = (struct ike_info){
		.is_connected = ike_server_is_connected(c->server),
		.since_ns = c->since_ns,
		.sas = c->n_sas,
		.orphans = c->n_orphans,
		.reserved_spis = c->n_spis,
	};
	memcpy(info->plugin, c->plugin, sizeof(info->plugin));
}

bool ike_ctl_is_orphan(const struct ike_ctl *c, uint32_t sa) {
	return sa < c->max && c->sas[sa].is_orphan;
}

void ike_refuse(struct ike_ctl *c, struct nave_ike_result *r, enum nave_ike_status status, const char *fmt, ...) {
	static const enum ike_ctl_counter counters[] = {
		[NAVE_IKE_FAILED] = IKE_CTL_FAILED,
		[NAVE_IKE_NOT_FOUND] = IKE_CTL_NOT_FOUND,
		[NAVE_IKE_NOT_SUPPORTED] = IKE_CTL_NOT_SUPPORTED,
		[NAVE_IKE_REFUSED] = IKE_CTL_REFUSED,
	};
	static const enum log_level levels[] = {
		[NAVE_IKE_FAILED] = LOG_LEVEL_WARNING,
		[NAVE_IKE_NOT_FOUND] = LOG_LEVEL_DEBUG,
		[NAVE_IKE_NOT_SUPPORTED] = LOG_LEVEL_INFO,
		[NAVE_IKE_REFUSED] = LOG_LEVEL_WARNING,
	};
	va_list args;

	r->status = status;
	va_start(args, fmt);
	vsnprintf(r->reason, sizeof(r->reason), fmt, args);
	va_end(args);
	c->counters[counters[status]]++;
	if (levels[status] != LOG_LEVEL_WARNING || token_bucket_take(&c->log_limit, c->now_ns))
		log_at(levels[status], "IKE: %s", r->reason);
}

static const struct ike_server_ops ops = {
	.hello = ike_hello,
	.sync = ike_sync,
	.get_spi = ike_get_spi,
	.add_sa = ike_add_sa,
	.update_sa = ike_update_sa,
	.query_sa = ike_query_sa,
	.del_sa = ike_del_sa,
	.flush = ike_flush,
	.gone = ike_gone,
};

static void readable(void *arg, uint32_t events) {
	struct ike_ctl *c = arg;

	(void)events;
	c->now_ns = clock_now_ns();
	ike_server_turn(c->server);
}

static bool turn(void *arg, uint64_t now_ns) {
	struct ike_ctl *c = arg;

	c->now_ns = now_ns;
	ike_spi_turn(c);
	ike_peer_turn(c);
	ike_scan_turn(c);
	return false;
}

bool ike_ctl_is_wanted(const struct conf *conf) {
	for (unsigned i = 0; i < conf->n_tunnels; i++)
		if (conf->tunnels[i].protection == CONF_PROTECTION_IKE)
			return true;
	return false;
}

static int listen_at(struct ike_ctl *c, FILE *errors) {
	const struct conf *conf = c->nave->conf;
	const char *why;

	c->server = ike_server_open(conf->ike.socket, &ops, c, &why);
	if (!c->server) {
		int rc = -errno;

		conf_complain(conf, conf->ike.mark, errors, "ike.socket: %s: %s", conf->ike.socket, why);
		return rc;
	}
	return control_watch(c->nave->control, ike_server_fd(c->server), EPOLLIN, readable, c);
}

struct ike_ctl *ike_ctl_create(struct nave *nave, FILE *errors) {
	struct ike_ctl *c = calloc(1, sizeof(*c));
	int rc = -ENOMEM;

	if (!c)
		goto err_alloc;
	c->nave = nave;
	c->now_ns = clock_now_ns();
	token_bucket_init(&c->log_limit, WARNINGS_PER_S, WARNINGS_BURST, NS_PER_S);
	c->grace_ns = nave->conf->ike.orphan_grace_s * NS_PER_S;
	rc = ike_sa_tables(c);
	if (rc < 0)
		goto err_tables;
	rc = listen_at(c, errors);
	if (rc < 0)
		goto err_listen;
	rc = control_on_turn(nave->control, turn, c);
	if (rc < 0)
		goto err_turn;
	sa_ctl_on_event(nave->sas, ike_event, c);
	sa_ctl_on_deleted(nave->sas, ike_sa_deleted, c);
	return c;

err_turn:
	control_unwatch(nave->control, ike_server_fd(c->server));
err_listen:
	ike_server_close(c->server);
err_tables:
	ike_sa_tables_free(c);
	free(c);
err_alloc:
	errno = -rc;
	return NULL;
}

void ike_ctl_free(struct ike_ctl *c) {
	if (!c)
		return;
	sa_ctl_on_deleted(c->nave->sas, NULL, NULL);
	sa_ctl_on_event(c->nave->sas, NULL, NULL);
	control_off_turn(c->nave->control, turn, c);
	control_unwatch(c->nave->control, ike_server_fd(c->server));
	ike_server_close(c->server);
	ike_sa_tables_free(c);
	free(c);
}
