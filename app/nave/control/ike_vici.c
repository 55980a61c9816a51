// SPDX-License-Identifier: BSD-3-Clause
#include "ike_vici.h"

#include <errno.h>
#include <stdlib.h>

#include "conf.h"
#include "control.h"
#include "log.h"
#include "nave.h"
#include "clock.h" // after DPDK

struct ike_vici {
	struct control *control;
	struct vici *vici;
	const struct ike_vici_listener *listener;
	void *listener_arg;
	uint64_t since_ns;
};

// --- what the client asks of control ---
static void on_ready(void *arg, uint32_t events) {
	struct ike_vici *v = arg;

	vici_ready(v->vici, events);
}

static int watch(void *arg, int fd, uint32_t events) {
	struct ike_vici *v = arg;
	int rc = control_watch_change(v->control, fd, events);

	return rc == -ENOENT ? control_watch(v->control, fd, events, on_ready, v) : rc;
}

static void unwatch(void *arg, int fd) {
	struct ike_vici *v = arg;

	control_unwatch(v->control, fd);
}

static bool turn(void *arg, uint64_t now_ns) {
	struct ike_vici *v = arg;

	vici_turn(v->vici, now_ns);
	return false;
}

// --- what it hears ---
static void connected(void *arg, const char *version) {
	struct ike_vici *v = arg;

	(void)version;
	v->since_ns = clock_now_ns();
}

static void gone(void *arg, const char *reason) {
	struct ike_vici *v = arg;

	(void)reason;
	v->since_ns = clock_now_ns();
}

static void ike_updown(void *arg, bool up, const struct vici_ike_sa *sa) {
	struct ike_vici *v = arg;
	const struct ike_vici_listener *l = v->listener;

	log_debug("IKE_SA %u of %s is %s", sa->id, sa->identity, up ? "up" : "down");
	if (up && l && l->up)
		l->up(v->listener_arg, sa);
	if (!up && l && l->down)
		l->down(v->listener_arg, sa);
}

static void ike_rekey(void *arg, uint32_t old_id, uint32_t new_id) {
	struct ike_vici *v = arg;

	log_debug("IKE_SA %u is %u now", old_id, new_id);
	if (v->listener && v->listener->rekeyed)
		v->listener->rekeyed(v->listener_arg, old_id, new_id);
}

static void list_sa(void *arg, const struct vici_ike_sa *sa) {
	struct ike_vici *v = arg;

	if (v->listener && v->listener->listed)
		v->listener->listed(v->listener_arg, sa);
}

static void terminated(void *arg, uint32_t ike_id, const char *failure) {
	(void)arg;
	if (failure)
		log_warning("IKE_SA %u is not ended: %s", ike_id, failure);
	else
		log_info("IKE_SA %u is ended", ike_id);
}

static const struct vici_ops ops = {
	.watch = watch,
	.unwatch = unwatch,
	.connected = connected,
	.gone = gone,
	.ike_updown = ike_updown,
	.ike_rekey = ike_rekey,
	.list_sa = list_sa,
	.terminated = terminated,
};

// --- life ---
bool ike_vici_is_wanted(const struct conf *conf) {
	for (unsigned i = 0; i < conf->n_tunnels; i++)
		if (conf->tunnels[i].protection == CONF_PROTECTION_IKE)
			return conf->ike.vici[0] != '\0';
	return false;
}

struct ike_vici *ike_vici_create(struct nave *nave) {
	struct ike_vici *v = calloc(1, sizeof(*v));
	int rc;

	if (!v)
		return NULL;
	v->control = nave->control;
	v->vici = vici_create(nave->conf->ike.vici, &ops, v);
	if (!v->vici) {
		rc = -errno;
		goto err_vici;
	}
	rc = control_on_turn(v->control, turn, v);
	if (rc < 0)
		goto err_turn;
	return v;

err_turn:
	vici_free(v->vici);
err_vici:
	free(v);
	errno = -rc;
	return NULL;
}

void ike_vici_free(struct ike_vici *v) {
	if (!v)
		return;
	control_off_turn(v->control, turn, v);
	vici_free(v->vici);
	free(v);
}

void ike_vici_listen(struct ike_vici *v, const struct ike_vici_listener *listener, void *arg) {
	v->listener = listener;
	v->listener_arg = arg;
}

int ike_vici_terminate(struct ike_vici *v, uint32_t ike_id) {
	return v ? vici_terminate(v->vici, ike_id) : -ENOTCONN;
}

void ike_vici_info(const struct ike_vici *v, struct ike_vici_info *info) {
	*info = (struct ike_vici_info){
		.path = vici_path(v->vici),
		.version = vici_version(v->vici),
		.is_connected = vici_is_connected(v->vici),
		.since_ns = v->since_ns,
	};
}

const uint64_t *ike_vici_counters(const struct ike_vici *v) {
	return vici_counters(v->vici);
}

void ike_vici_clear(struct ike_vici *v) {
	vici_clear(v->vici);
}
