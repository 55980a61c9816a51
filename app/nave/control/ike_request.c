// SPDX-License-Identifier: BSD-3-Clause
// All that the plugin asks for but ADD_SA, which is in ike_add.c.
#include "ike_state.h"

#include <errno.h>

#include "log.h"
#include "sa_ctl.h"
#include "clock.h" // after DPDK

void ike_get_spi(void *ike_ctl, const struct nave_ike_get_spi *m, struct nave_ike_result *r) {
	struct addr local = ike_addr(&m->dst);
	struct ike_ctl *c = ike_ctl;
	char text[ADDR_STRLEN];

	c->counters[IKE_CTL_GET_SPI]++;
	if (!ike_has_tunnel_at(c, &local))
		ike_refuse(c, r, NAVE_IKE_FAILED, "no tunnel with protection mode ike has the source %s",
			addr_format(&local, text));
	else if (ike_spi_keep(c, &r->spi) < 0)
		ike_refuse(c, r, NAVE_IKE_FAILED, "the table of SAs is full: see hub.max-spokes");
}

static uint32_t find(struct ike_ctl *c, const struct nave_ike_sa_name *name, struct nave_ike_result *r) {
	uint32_t number = ike_sa_find(c, name);

	if (!number)
		ike_refuse(c, r, NAVE_IKE_NOT_FOUND, "no SA with SPI 0x%08x", name->spi);
	return number;
}

// --- update ---
static const char *move_refusal(int rc, enum nave_ike_status *status) {
	*status = NAVE_IKE_FAILED;
	switch (rc) {
	case -EADDRINUSE:
		*status = NAVE_IKE_NOT_SUPPORTED;
		return "another peer is at the new address and port: a new SA tells who it is";
	case -EINVAL:
		*status = NAVE_IKE_NOT_SUPPORTED;
		return "between ESP and ESP in UDP a new SA is wanted";
	case -EAFNOSUPPORT:
		*status = NAVE_IKE_NOT_SUPPORTED;
		return "to the other address family a new SA is wanted";
	case -ENOBUFS:
		return "its worker is busy";
	default:
		return strerror(-rc);
	}
}

void ike_update_sa(void *ike_ctl, const struct nave_ike_update_sa *m, struct nave_ike_result *r) {
	struct nave_ike_sa_name to = m->sa;
	struct ike_ctl *c = ike_ctl;
	enum nave_ike_status status;
	struct addr before, after, nbma;
	uint32_t number;
	int rc;

	c->counters[IKE_CTL_UPDATE_SA]++;
	number = find(c, &m->sa, r);
	if (!number)
		return;
	to.src = m->new_src;
	to.dst = m->new_dst;
	before = ike_addr(ike_local(&m->sa));
	after = ike_addr(ike_local(&to));
	nbma = ike_addr(ike_remote(&to));
	if (!addr_eq(&before, &after)) {
		ike_refuse(c, r, NAVE_IKE_NOT_SUPPORTED, "for another address of the hub a new SA is wanted");
		return;
	}
	rc = sa_ctl_move(c->nave->sas, sa_ctl_peer(c->nave->sas, number), &nbma, m->is_udp ? ike_remote(&to)->port : 0);
	if (rc == 0) {
		rc = ike_sa_name(c, number, &to);
		if (rc < 0)
			ike_sa_end_soon(c, number); // nobody would find it any more
	}
	if (rc < 0) {
		const char *why = move_refusal(rc, &status);

		ike_refuse(c, r, status, "%s", why);
	}
}

// --- query, delete ---
void ike_query_sa(void *ike_ctl, const struct nave_ike_name_sa *m, struct nave_ike_result *r) {
	struct ike_ctl *c = ike_ctl;
	uint32_t number;

	c->counters[IKE_CTL_QUERY_SA]++;
	number = find(c, &m->sa, r);
	if (!number)
		return;
	ike_sa_look(c, number, &r->packets, &r->bytes);
	r->idle_s =
		c->sas[number].packet_ns ? (uint32_t)((c->now_ns - c->sas[number].packet_ns) / NS_PER_S) : UINT32_MAX;
}

void ike_del_sa(void *ike_ctl, const struct nave_ike_name_sa *m, struct nave_ike_result *r) {
	struct ike_ctl *c = ike_ctl;
	uint32_t number;

	c->counters[IKE_CTL_DEL_SA]++;
	if (m->sa.direction == NAVE_IKE_INBOUND && ike_spi_give_back(c, m->sa.spi))
		return;
	number = find(c, &m->sa, r);
	if (number)
		ike_sa_end(c, number);
}

// Found by nobody at once; deleted in slices.
void ike_flush(void *ike_ctl, struct nave_ike_result *r) {
	struct ike_ctl *c = ike_ctl;

	(void)r;
	c->counters[IKE_CTL_FLUSH]++;
	log_info("IKE daemon %s has all its %u SAs deleted", c->plugin, c->n_sas);
	ike_spi_give_back_all(c);
	for (uint32_t n = 1; n < c->high; n++)
		if (c->sas[n].is_used)
			ike_sa_end_soon(c, n);
}
