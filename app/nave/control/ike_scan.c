// SPDX-License-Identifier: BSD-3-Clause
// A walk over the SAs, a slice a turn: their limits, when they were used last, and what waits for its time to go.
#include "ike_state.h"

#include "sa_ctl.h"
#include "clock.h" // after DPDK

#define SLICE 256
#define WALK_NS NS_PER_S // one begins each second: limits are noticed, and idle times true, to a second

void ike_scan_soon(struct ike_ctl *c) {
	c->scan_ns = c->now_ns;
}

void ike_sa_look(struct ike_ctl *c, uint32_t number, uint64_t *packets, uint64_t *bytes) {
	struct ike_sa *s = &c->sas[number];

	sa_ctl_use(c->nave->sas, number, packets, bytes);
	if (*packets != s->packets)
		s->packet_ns = c->now_ns;
	s->packets = *packets;
}

static bool is_over(uint64_t value, uint64_t limit) {
	return limit && value >= limit;
}

static void limits(struct ike_ctl *c, uint32_t number) {
	struct ike_sa *s = &c->sas[number];
	const struct nave_ike_limits *l = &s->limits;
	uint64_t packets, bytes;

	ike_sa_look(c, number, &packets, &bytes);
	s->soft_due |= is_over(bytes, l->soft_bytes) || is_over(packets, l->soft_packets);
	if (is_over(bytes, l->hard_bytes) || is_over(packets, l->hard_packets)) {
		s->hard_due = true;
		ike_tell_expire(c, s);
		ike_sa_end(c, number);
		return;
	}
	ike_tell_expire(c, s);
}

static void step(struct ike_ctl *c, uint32_t number) {
	struct ike_sa *s = &c->sas[number];

	if (!s->is_used)
		return;
	if (s->is_orphan && !s->ends_ns && c->now_ns >= s->orphaned_ns + c->grace_ns) {
		c->counters[IKE_CTL_ORPHAN_TIMEOUT]++;
		s->ends_ns = c->now_ns;
	}
	if (s->ends_ns && s->ends_ns <= c->now_ns)
		ike_sa_end(c, number);
	else
		limits(c, number);
}

void ike_scan_turn(struct ike_ctl *c) {
	uint32_t end;

	if (!c->scan_at && c->now_ns < c->scan_ns)
		return;
	if (!c->scan_at) {
		c->scan_at = 1;
		c->scan_ns = c->now_ns + WALK_NS;
	}
	end = c->scan_at + SLICE < c->high ? c->scan_at + SLICE : c->high;
	for (uint32_t n = c->scan_at; n < end; n++)
		step(c, n);
	c->scan_at = end < c->high ? end : 0;
}
