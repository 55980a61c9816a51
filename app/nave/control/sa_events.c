// SPDX-License-Identifier: BSD-3-Clause
// What workers have to say about SAs: peers that moved, sequence numbers that end.
#include <string.h>

#include <rte_mbuf.h>

#include "datapath.h"
#include "log.h"
#include "publish.h"
#include "sa_state.h"

#define BURST 32
#define EVENTS_PER_TURN 256

static const char *const counter_names[] = {
#define X(name, counter, help) [SA_CTL_##name] = counter,
	SA_CTL_COUNTERS(X)
#undef X
};

static const char *const counter_helps[] = {
#define X(name, counter, help) [SA_CTL_##name] = help,
	SA_CTL_COUNTERS(X)
#undef X
};

const char *sa_ctl_counter_name(enum sa_ctl_counter c) {
	return counter_names[c];
}

const char *sa_ctl_counter_help(enum sa_ctl_counter c) {
	return counter_helps[c];
}

const uint64_t *sa_ctl_counters(const struct sa_ctl *c) {
	return c->counters;
}

void sa_ctl_clear(struct sa_ctl *c) {
	memset(c->counters, 0, sizeof(c->counters));
}

static bool is_there_already(const struct sa_ctl *c, const struct sa_event *ev) {
	struct publish_peer at;

	return publish_peer_where(c->nave->publish, ev->peer, &at) && addr_eq(&at.nbma, &ev->nbma) &&
	       at.nbma_port == ev->port;
}

// true: IKE is to hear of it: it is where it says now, or somebody else is still there, whom a new SA would end. When
// its owner could not be told, the next packet says it again.
static bool mapping(struct sa_ctl *c, const struct sa_event *ev) {
	char text[ADDR_STRLEN];
	int rc;

	if (is_there_already(c, ev))
		return false;
	rc = sa_ctl_move(c, ev->peer, &ev->nbma, ev->port);
	if (rc < 0) {
		c->counters[SA_CTL_MAPPING_REFUSED] += rc != -ENOBUFS;
		return rc == -EADDRINUSE;
	}
	c->counters[SA_CTL_MAPPING]++;
	log_debug("the peer of SPI 0x%08x is at %s port %u now", ev->spi, addr_format(&ev->nbma, text), ev->port);
	return true;
}

static void sequence_ends(struct sa_ctl *c, const struct sa_event *ev) {
	bool hard = ev->kind == SA_EVENT_HARD;
	struct publish_peer at = {0};
	char text[ADDR_STRLEN];

	c->counters[hard ? SA_CTL_HARD : SA_CTL_SOFT]++;
	publish_peer_where(c->nave->publish, ev->peer, &at);
	log_warning("SA %u to %s, SPI 0x%08x: sequence number %llu, %s: it wants a new one",
		sa_out_of_spi(c, ev->peer, ev->spi), addr_format(&at.nbma, text), ev->spi, (unsigned long long)ev->seq,
		hard ? "the last one" : "near the end");
}

static void take(struct sa_ctl *c, const struct sa_event *ev) {
	const struct fwd *f = &c->nave->fwd;
	bool is_mapping = ev->kind == SA_EVENT_MAPPING;

	if (ev->peer >= f->peers.max || !gen_is_current(&peer_at(&f->peers, ev->peer)->gen, ev->peer_gen) ||
		(is_mapping && !sa_ctl_has_in(c, ev->peer, ev->spi))) {
		c->counters[SA_CTL_MAPPING_REFUSED] += is_mapping;
		return;
	}
	if (is_mapping && !mapping(c, ev))
		return;
	if (!is_mapping)
		sequence_ends(c, ev);
	if (c->listener)
		c->listener(c->listener_arg, ev);
}

bool sa_events_turn(void *arg, uint64_t now_ns) {
	struct rte_mbuf *pkts[BURST];
	struct sa_ctl *c = arg;
	unsigned done = 0, got;

	(void)now_ns;
	do {
		got = datapath_punted(c->nave->datapath, PUNT_SA, pkts, BURST);
		for (unsigned i = 0; i < got; i++) {
			struct sa_event ev;

			memcpy(&ev, rte_pktmbuf_mtod(pkts[i], void *), sizeof(ev));
			take(c, &ev);
		}
		rte_pktmbuf_free_bulk(pkts, got);
		done += got;
	} while (got && done < EVENTS_PER_TURN);
	return done >= EVENTS_PER_TURN;
}
