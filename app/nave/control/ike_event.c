// SPDX-License-Identifier: BSD-3-Clause
// What the plugin is told without having asked.
#include "ike_state.h"

#include "sa_ctl.h"

void ike_tell_ended(struct ike_ctl *c, const struct nave_ike_sa_name *name) {
	union nave_ike_message m = {.expire = {.sa = *name, .is_hard = true}};

	ike_server_send(c->server, &m, NAVE_IKE_EXPIRE);
}

static bool tell(struct ike_ctl *c, const struct ike_sa *s, bool is_hard) {
	union nave_ike_message m = {.expire = {.sa = s->name, .is_hard = is_hard}};

	if (!ike_server_send(c->server, &m, NAVE_IKE_EXPIRE))
		return false;
	c->counters[is_hard ? IKE_CTL_HARD : IKE_CTL_SOFT]++;
	return true;
}

// Each once; to a plugin that is not there, when it is.
void ike_tell_expire(struct ike_ctl *c, struct ike_sa *s) {
	if (!s->is_named || s->is_orphan)
		return;
	if (s->hard_due && !s->hard_told)
		s->hard_told = tell(c, s, true);
	else if (s->soft_due && !s->soft_told && !s->hard_told)
		s->soft_told = tell(c, s, false);
}

void ike_tell_mapping(struct ike_ctl *c, const struct nave_ike_sa_name *name, const struct publish_peer *at) {
	union nave_ike_message m = {.mapping = {.sa = *name, .new_src = name->src}};

	memcpy(m.mapping.new_src.address, at->nbma.bytes, sizeof(at->nbma.bytes));
	m.mapping.new_src.port = at->nbma_port;
	c->counters[IKE_CTL_MAPPING] += ike_server_send(c->server, &m, NAVE_IKE_MAPPING);
}

// Of the peer's, by direction and SPI; NULL: none of IKE.
static struct ike_sa *sa_of(struct ike_ctl *c, const struct sa_event *ev, uint8_t direction) {
	for (uint32_t n = 0; (n = sa_ctl_peer_next(c->nave->sas, ev->peer, n)) != 0;) {
		struct ike_sa *s = &c->sas[n];

		if (s->is_used && s->name.direction == direction && s->name.spi == ev->spi)
			return s;
	}
	return NULL;
}

void ike_event(void *ike_ctl, const struct sa_event *ev) {
	bool is_mapping = ev->kind == SA_EVENT_MAPPING;
	struct ike_ctl *c = ike_ctl;
	struct ike_sa *s = sa_of(c, ev, is_mapping ? NAVE_IKE_INBOUND : NAVE_IKE_OUTBOUND);
	struct publish_peer at = {.nbma = ev->nbma, .nbma_port = ev->port};

	if (!s)
		return;
	if (is_mapping && s->is_named && !s->is_orphan)
		ike_tell_mapping(c, &s->name, &at);
	if (is_mapping)
		return;
	s->soft_due = true;
	s->hard_due |= ev->kind == SA_EVENT_HARD;
	ike_tell_expire(c, s);
}
