// SPDX-License-Identifier: BSD-3-Clause
// The IKE daemon comes and goes; what it has installed forwards on. ike_ctl.h says what becomes of it.
#include "ike_state.h"

#include "log.h"
#include "sa_ctl.h"
#include "clock.h" // after DPDK

// What goes into a log line.
static void name_take(struct ike_ctl *c, const char *name) {
	for (unsigned i = 0; i < sizeof(c->plugin); i++) {
		c->plugin[i] = name[i] >= ' ' && name[i] <= '~' ? name[i] : '\0';
		if (!c->plugin[i])
			return;
	}
}

void ike_hello(void *ike_ctl, const struct nave_ike_hello *m) {
	struct ike_ctl *c = ike_ctl;
	bool is_known = m->boot_id == c->plugin_boot_id;

	name_take(c, m->name);
	c->daemon += !is_known;
	c->plugin_boot_id = m->boot_id;
	c->is_sync_wanted = is_known;
	c->since_ns = c->now_ns;
	log_info("IKE daemon %s is connected%s", c->plugin,
		is_known       ? " again"
		: c->n_orphans ? ", another than before: the SAs of that one stay until theirs are new"
			       : "");
}

static void orphan(struct ike_ctl *c, struct ike_sa *s) {
	s->is_orphan = true;
	s->orphaned_ns = c->now_ns;
	c->n_orphans++;
	c->counters[IKE_CTL_ORPHANED]++;
}

void ike_gone(void *ike_ctl) {
	struct ike_ctl *c = ike_ctl;

	for (uint32_t n = 1; n < c->high; n++)
		if (c->sas[n].is_used && !c->sas[n].is_orphan)
			orphan(c, &c->sas[n]);
	c->since_ns = c->now_ns;
	log_warning("IKE daemon %s has disconnected: its %u SAs forward on for %llu s", c->plugin, c->n_sas,
		(unsigned long long)(c->grace_ns / NS_PER_S));
}

// --- the same one again ---
// Where the peer has moved to meanwhile, nobody could be told.
static void tell_move(struct ike_ctl *c, uint32_t number) {
	const struct nave_ike_sa_name *name = &c->sas[number].name;
	struct publish_peer at;
	struct addr known = ike_addr(&name->src);

	if (name->direction != NAVE_IKE_INBOUND ||
		!publish_peer_where(c->nave->publish, sa_ctl_peer(c->nave->sas, number), &at))
		return;
	if (at.nbma_port && (at.nbma_port != name->src.port || !addr_eq(&at.nbma, &known)))
		ike_tell_mapping(c, name, &at);
}

static void listed(struct ike_ctl *c, const struct nave_ike_sa_name *name) {
	uint32_t number = ike_sa_find(c, name);
	struct ike_sa *s = &c->sas[number];

	if (ike_spi_is_kept(c, name->spi) && name->direction == NAVE_IKE_INBOUND)
		return; // its exchange goes on
	if (!number || (s->is_orphan && s->daemon != c->daemon)) {
		ike_tell_ended(c, name); // the hub ended it while nobody listened
		return;
	}
	if (!s->is_orphan)
		return;
	s->is_orphan = false;
	c->n_orphans--;
	c->counters[IKE_CTL_SYNCED]++;
	tell_move(c, number);
}

static void end_unlisted(struct ike_ctl *c) {
	for (uint32_t n = 1; n < c->high; n++) {
		struct ike_sa *s = &c->sas[n];

		if (!s->is_used || !s->is_orphan || s->daemon != c->daemon || s->ends_ns)
			continue;
		s->ends_ns = c->now_ns;
		c->counters[IKE_CTL_UNLISTED]++;
	}
	ike_scan_soon(c);
}

void ike_sync(void *ike_ctl, const struct nave_ike_sync *m) {
	struct ike_ctl *c = ike_ctl;

	for (unsigned i = 0; i < m->n_sas; i++)
		listed(c, &m->sas[i]);
	if (!m->is_last || !c->is_sync_wanted)
		return;
	c->is_sync_wanted = false;
	end_unlisted(c);
}

// --- another one ---
// The spoke uses the new ones from now on; what it sent before may still be under way.
void ike_replace_orphans(struct ike_ctl *c, uint32_t peer) {
	uint32_t next;

	for (uint32_t n = sa_ctl_peer_next(c->nave->sas, peer, 0); n; n = next) {
		struct ike_sa *s = &c->sas[n];
		bool is_in = s->name.direction == NAVE_IKE_INBOUND;

		next = sa_ctl_peer_next(c->nave->sas, peer, n);
		if (!s->is_used || !s->is_orphan || s->daemon == c->daemon || s->ends_ns)
			continue;
		c->counters[IKE_CTL_REPLACED]++;
		s->ends_ns = c->now_ns + (is_in ? IKE_LATE_S * NS_PER_S : 0);
	}
}
