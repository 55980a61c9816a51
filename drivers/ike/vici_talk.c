// SPDX-License-Identifier: BSD-3-Clause
// What is said over a connection: the version, the events, then the list, and from then on what is to be ended.
#include <errno.h>
#include <string.h>

#include "clock.h"
#include "log.h"
#include "vici_state.h"

static void count(struct vici *v, enum vici_counter c) {
	v->counters[c]++;
}

// --- events ---
static int on_ike_updown(struct vici *v, const struct vici_reader *m) {
	struct vici_ike_sa sa;
	bool up;

	if (vici_updown_read(m, &up, &sa) < 0)
		return -EINVAL;
	count(v, up ? VICI_IKE_UP_COUNTER : VICI_IKE_DOWN_COUNTER);
	if (v->ops->ike_updown)
		v->ops->ike_updown(v->arg, up, &sa);
	return 0;
}

static int on_ike_rekey(struct vici *v, const struct vici_reader *m) {
	uint32_t old_id, new_id;

	if (vici_rekey_read(m, &old_id, &new_id) < 0)
		return -EINVAL;
	count(v, VICI_IKE_REKEYED_COUNTER);
	if (v->ops->ike_rekey)
		v->ops->ike_rekey(v->arg, old_id, new_id);
	return 0;
}

static int on_child_updown(struct vici *v, const struct vici_reader *m) {
	struct vici_ike_sa sa;
	bool up;

	if (vici_updown_read(m, &up, &sa) < 0 || sa.n_children != 1)
		return -EINVAL;
	count(v, up ? VICI_CHILD_UP_COUNTER : VICI_CHILD_DOWN_COUNTER);
	if (v->ops->child_updown)
		v->ops->child_updown(v->arg, up, &sa);
	return 0;
}

static int on_list_sa(struct vici *v, const struct vici_reader *m) {
	struct vici_ike_sa sa;

	if (vici_sa_read(m, &sa) < 0)
		return -EINVAL;
	if (!sa.is_established)
		return 0;
	count(v, VICI_LISTED_COUNTER);
	if (v->ops->list_sa)
		v->ops->list_sa(v->arg, &sa);
	return 0;
}

static const struct {
	const char *name;
	int (*hear)(struct vici *v, const struct vici_reader *m); // -EINVAL: malformed
} events[] = {
	// all are asked for before the list, so that nothing falls between
	{"ike-updown", on_ike_updown},
	{"ike-rekey", on_ike_rekey},
	{"child-updown", on_child_updown},
	{"list-sa", on_list_sa},
};
#define EVENTS (sizeof(events) / sizeof(events[0]))

static void hear(struct vici *v, const struct vici_packet *p) {
	for (unsigned i = 0; i < EVENTS; i++) {
		if (!vici_is(&p->name, events[i].name))
			continue;
		if (events[i].hear(v, &p->message) == 0)
			return;
		v->list_is_whole = false;
		if (v->counters[VICI_BAD_EVENT_COUNTER]++ == 0)
			log_warning("ike.vici %s: an event %s of charon %s cannot be read: left out; later ones are "
				    "only counted",
				v->path, events[i].name, v->version);
		return;
	}
	count(v, VICI_OTHER_EVENT_COUNTER);
}

// --- questions ---
static void ask(struct vici *v, enum vici_question q, struct vici_writer *w) {
	v->asked = q;
	vici_send(v, vici_write_end(w));
}

static void ask_terminate(struct vici *v) {
	struct vici_writer w = vici_write(v->tx, sizeof(v->tx), VICI_CMD_REQUEST, "terminate");

	vici_put_u32(&w, "ike-id", v->terminates[v->terminate_at]);
	vici_put(&w, "force", "yes"); // a peer that is away would keep its SAs until the retransmissions end
	vici_put(&w, "timeout", "-1"); // answer at once
	ask(v, VICI_ASKED_TERMINATE, &w);
}

void vici_ask(struct vici *v) {
	struct vici_writer w;

	if (v->fd < 0 || v->asked)
		return;
	if (!v->is_greeted) {
		w = vici_write(v->tx, sizeof(v->tx), VICI_CMD_REQUEST, "version");
		ask(v, VICI_ASKED_VERSION, &w);
	} else if (v->n_events < EVENTS) {
		w = vici_write(v->tx, sizeof(v->tx), VICI_EVENT_REGISTER, events[v->n_events].name);
		ask(v, VICI_ASKED_EVENT, &w);
	} else if (v->n_terminates) {
		ask_terminate(v);
	} else if (v->list_wanted) {
		v->list_wanted = false;
		v->list_is_whole = true;
		w = vici_write(v->tx, sizeof(v->tx), VICI_CMD_REQUEST, "list-sas");
		ask(v, VICI_ASKED_LIST, &w);
	}
}

// --- answers ---
static void of_version(struct vici *v, const struct vici_packet *p) {
	struct vici_reader r = p->message;
	struct vici_element e;

	v->version[0] = '\0';
	while (vici_next(&r, &e))
		if (r.depth == 0 && e.kind == VICI_KEY_VALUE && vici_is(&e.name, "version"))
			vici_copy(&e.value, v->version, sizeof(v->version));
	if (v->version[0] == '\0') {
		vici_drop(v, VICI_BAD_PACKET_COUNTER, "what listens does not say its version, as charon does");
		return;
	}
	v->is_greeted = true;
	v->backoff_ns = NS_PER_S;
	count(v, VICI_CONNECTED_COUNTER);
	log_info("ike.vici %s: connected to charon %s", v->path, v->version);
	if (v->ops->connected)
		v->ops->connected(v->arg, v->version);
}

static void of_event(struct vici *v, const struct vici_packet *p) {
	const char *name = events[v->n_events++].name;

	v->has_list = p->type == VICI_EVENT_CONFIRM; // list-sa is the last one
	if (p->type == VICI_EVENT_CONFIRM)
		return;
	count(v, VICI_NO_EVENT_COUNTER);
	log_warning("ike.vici %s: charon %s has no event %s: doing without", v->path, v->version, name);
}

static void terminate_end(struct vici *v, const char *failure) {
	uint32_t ike_id = v->terminates[v->terminate_at];

	v->terminate_at = (v->terminate_at + 1) % VICI_TERMINATE_MAX;
	v->n_terminates--;
	count(v, failure ? VICI_TERMINATE_FAILED_COUNTER : VICI_TERMINATED_COUNTER);
	if (v->ops->terminated)
		v->ops->terminated(v->arg, ike_id, failure);
}

static void of_terminate(struct vici *v, const struct vici_packet *p) {
	struct vici_reader r = p->message;
	char why[128] = "charon does not say why";
	struct vici_element e;
	bool success = false;

	while (vici_next(&r, &e)) {
		if (e.kind != VICI_KEY_VALUE || r.depth)
			continue;
		if (vici_is(&e.name, "success"))
			success = vici_is(&e.value, "yes");
		else if (vici_is(&e.name, "errmsg"))
			vici_copy(&e.value, why, sizeof(why));
	}
	success &= p->type == VICI_CMD_RESPONSE && !r.c.failed;
	if (!success)
		log_info("ike.vici %s: IKE_SA %u not ended: %s", v->path, v->terminates[v->terminate_at], why);
	terminate_end(v, success ? NULL : why);
}

static void of_list(struct vici *v, const struct vici_packet *p) {
	if (v->ops->list_done)
		v->ops->list_done(v->arg, v->list_is_whole && v->has_list && p->type == VICI_CMD_RESPONSE);
}

static void answer(struct vici *v, const struct vici_packet *p) {
	bool of_register = p->type == VICI_EVENT_CONFIRM || p->type == VICI_EVENT_UNKNOWN;
	enum vici_question asked = v->asked;

	if (asked == VICI_ASKED_NOTHING || of_register != (asked == VICI_ASKED_EVENT)) {
		vici_drop(v, VICI_BAD_PACKET_COUNTER, "an answer came that belongs to no question");
		return;
	}
	v->asked = VICI_ASKED_NOTHING;
	if (asked == VICI_ASKED_VERSION)
		of_version(v, p);
	else if (asked == VICI_ASKED_EVENT)
		of_event(v, p);
	else if (asked == VICI_ASKED_TERMINATE)
		of_terminate(v, p);
	else
		of_list(v, p);
	vici_ask(v);
}

void vici_packet(struct vici *v, const uint8_t *bytes, size_t len) {
	struct vici_packet p;

	if (vici_packet_read(bytes, len, &p) < 0)
		vici_drop(v, VICI_BAD_PACKET_COUNTER, "a packet from charon is malformed");
	else if (p.type == VICI_EVENT)
		hear(v, &p);
	else
		answer(v, &p);
}

// --- start and end ---
void vici_start(struct vici *v) {
	v->asked = VICI_ASKED_NOTHING;
	v->n_events = 0;
	v->list_wanted = true;
}

void vici_stop(struct vici *v, const char *reason) {
	v->asked = VICI_ASKED_NOTHING;
	while (v->n_terminates)
		terminate_end(v, reason);
}

int vici_terminate(struct vici *v, uint32_t ike_id) {
	if (ike_id == 0)
		return -EINVAL;
	if (!v->is_greeted)
		return -ENOTCONN;
	if (v->n_terminates == VICI_TERMINATE_MAX)
		return -ENOBUFS;
	v->terminates[(v->terminate_at + v->n_terminates++) % VICI_TERMINATE_MAX] = ike_id;
	vici_ask(v);
	return 0;
}

int vici_list(struct vici *v) {
	if (!v->is_greeted)
		return -ENOTCONN;
	v->list_wanted = true;
	vici_ask(v);
	return 0;
}
