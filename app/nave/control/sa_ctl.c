// SPDX-License-Identifier: BSD-3-Clause
#include "sa_ctl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "conf.h"
#include "control.h"
#include "datapath.h"
#include "ipsec.h"
#include "nhrp_ctl.h"
#include "publish.h"
#include "sa_state.h"
#include "clock.h" // after DPDK

#define OUT_PER_PEER 2 // the one in use, and one that it took the place of

static int tell_owner(void *datapath, uint16_t worker, uint32_t peer, const struct sa_message *msg) {
	return datapath_send_sa(datapath, worker, peer, msg);
}

static int tables_create(struct sa_ctl *c) {
	const struct ipsec *ip = c->nave->fwd.ipsec;

	if (!ip)
		return 0; // no number is below high: nobody looks at the tables
	c->high = 1;
	c->max = ip->n_in + OUT_PER_PEER * ip->max_peers;
	c->sas = calloc(c->max, sizeof(*c->sas));
	c->used_bits = calloc(c->max / 64 + 1, sizeof(*c->used_bits));
	c->peers = calloc(c->nave->fwd.peers.max, sizeof(*c->peers));
	return c->sas && c->used_bits && c->peers ? 0 : -ENOMEM;
}

static void tables_free(struct sa_ctl *c) {
	free(c->peers);
	free(c->used_bits);
	free(c->sas);
}

struct sa_ctl *sa_ctl_create(struct nave *nave) {
	struct sa_ctl *c = calloc(1, sizeof(*c));
	int rc;

	if (!c)
		return NULL;
	c->nave = nave;
	rc = tables_create(c);
	if (rc == 0)
		rc = control_on_turn(nave->control, sa_events_turn, c);
	if (rc < 0) {
		tables_free(c);
		free(c);
		errno = -rc;
		return NULL;
	}
	publish_on_sa(nave->publish, tell_owner, nave->datapath);
	return c;
}

void sa_ctl_free(struct sa_ctl *c) {
	if (!c)
		return;
	publish_on_sa(c->nave->publish, NULL, NULL);
	control_off_turn(c->nave->control, sa_events_turn, c);
	tables_free(c);
	free(c);
}

// --- numbers ---
static uint32_t number_take(struct sa_ctl *c) {
	uint32_t n = c->free_first;

	if (n) {
		c->free_first = c->sas[n].next;
		if (!c->free_first)
			c->free_last = 0;
	} else if (c->high < c->max) {
		n = c->high++;
	} else {
		return 0;
	}
	c->sas[n] = (struct sa){0};
	c->used_bits[n / 64] |= UINT64_C(1) << n % 64;
	c->used++;
	return n;
}

// What an operator deletes by its number should not be another SA by now: the longest free is taken first.
static void number_give(struct sa_ctl *c, uint32_t n) {
	c->sas[n] = (struct sa){0};
	c->used_bits[n / 64] &= ~(UINT64_C(1) << n % 64);
	if (c->free_last)
		c->sas[c->free_last].next = n;
	else
		c->free_first = n;
	c->free_last = n;
	c->used--;
}

// --- the SAs of a peer ---
static void peer_link(struct sa_ctl *c, uint32_t number, uint32_t identity) {
	uint32_t peer = c->sas[number].peer, gen = peer_at(&c->nave->fwd.peers, peer)->gen;
	struct sa_peer *sp = &c->peers[peer];

	if (sp->gen != gen)
		*sp = (struct sa_peer){.gen = gen};
	if (!sp->first)
		sp->identity = identity;
	c->sas[number].next = sp->first;
	sp->first = number;
}

static void peer_unlink(struct sa_ctl *c, uint32_t number) {
	uint32_t *at = &c->peers[c->sas[number].peer].first;

	while (*at != number)
		at = &c->sas[*at].next;
	*at = c->sas[number].next;
}

uint32_t sa_active_out(const struct sa_ctl *c, uint32_t peer) {
	const struct sa_peer *sp = sa_peer_of(c, peer);
	uint32_t n = sp ? sp->first : 0;

	while (n && !c->sas[n].is_active)
		n = c->sas[n].next;
	return n;
}

// --- add ---
static const struct tunnel *protected_tunnel(const struct sa_ctl *c, uint16_t tunnel) {
	const struct tunnel *t = tunnel < FWD_TUNNELS_MAX ? c->nave->fwd.tunnels[tunnel] : NULL;

	return t && t->is_protected && c->nave->fwd.ipsec ? t : NULL;
}

static uint16_t window_of(const struct sa_ctl *c, const struct sa_spec *spec) {
	const struct conf *conf = c->nave->conf;

	if (spec->params.replay_window)
		return spec->params.replay_window;
	return conf && spec->tunnel < conf->n_tunnels ? conf->tunnels[spec->tunnel].replay_window : 0;
}

static int add_in(struct sa_ctl *c, struct sa *sa, const struct publish_peer *where, const struct sa_spec *spec) {
	struct publish *p = c->nave->publish;

	if (spec->is_reserved)
		return publish_sa_in_reserved(p, where, &sa->params, spec->keys, sa->spi, &sa->peer);
	return publish_sa_in(p, where, &sa->params, spec->keys, &sa->spi, &sa->peer);
}

// The one before stays, for whoever deletes it by its number; so does its peer.
static int add_out(struct sa_ctl *c, struct sa *sa, const struct publish_peer *where, const struct sa_keys *keys) {
	uint32_t peer = publish_peer_find(c->nave->publish, where), old = peer ? sa_active_out(c, peer) : 0;
	struct sa_info before;
	int rc;

	if (old)
		sa_info_fill(c, old, &before);
	rc = publish_sa_out(c->nave->publish, where, &sa->params, keys, sa->spi, (uint32_t)(sa - c->sas), &sa->peer);
	if (rc < 0)
		return rc;
	sa->is_active = true;
	if (!old)
		return 0;
	c->sas[old].is_active = false;
	c->sas[old].past = (struct sa_past){before.packets, before.bytes, before.seq, before.expired};
	publish_peer_hold(c->nave->publish, peer);
	return 0;
}

// A second one with the SPI would be the same key from its first sequence number on, as often as not.
uint32_t sa_out_of_spi(const struct sa_ctl *c, uint32_t peer, uint32_t spi) {
	const struct sa_peer *sp = sa_peer_of(c, peer);
	uint32_t n = sp ? sp->first : 0;

	while (n && (c->sas[n].direction != SA_OUTBOUND || c->sas[n].spi != spi))
		n = c->sas[n].next;
	return n;
}

uint32_t sa_ctl_out_with_spi(const struct sa_ctl *c, const struct sa_spec *spec) {
	const struct tunnel *t = protected_tunnel(c, spec->tunnel);
	struct publish_peer where = {.nbma = spec->nbma, .nbma_port = spec->nbma_port};
	uint32_t peer;

	if (!t || spec->direction != SA_OUTBOUND)
		return 0;
	where.endpoint = t->endpoint;
	peer = publish_peer_find(c->nave->publish, &where);
	return peer ? sa_out_of_spi(c, peer, spec->spi) : 0;
}

// All SAs of a peer are of one identity, or none of them is of IKE.
static bool is_anothers(const struct sa_ctl *c, uint32_t peer, uint32_t identity) {
	const struct sa_peer *sp = sa_peer_of(c, peer);

	return peer && sp && sp->first && sp->identity != identity;
}

int64_t sa_ctl_add(struct sa_ctl *c, const struct sa_spec *spec, uint32_t *spi) {
	const struct tunnel *t = protected_tunnel(c, spec->tunnel);
	struct publish_peer where;
	struct sa *sa;
	uint32_t n;
	int rc;

	if (!t)
		return -EINVAL;
	if (sa_ctl_out_with_spi(c, spec))
		return -EEXIST;
	where = (struct publish_peer){.endpoint = t->endpoint, .nbma = spec->nbma, .nbma_port = spec->nbma_port};
	if (is_anothers(c, publish_peer_find(c->nave->publish, &where), spec->identity))
		return -EADDRINUSE;
	n = number_take(c);
	if (!n)
		return -ENOSPC;
	sa = &c->sas[n];
	sa->spi = spec->spi;
	sa->tunnel = spec->tunnel;
	sa->direction = spec->direction;
	sa->origin = spec->origin;
	sa->params = spec->params;
	sa->params.replay_window = window_of(c, spec);
	sa->created_ns = clock_now_ns();
	rc = spec->direction == SA_INBOUND ? add_in(c, sa, &where, spec) : add_out(c, sa, &where, spec->keys);
	if (rc < 0) {
		number_give(c, n);
		return rc;
	}
	*spi = sa->spi;
	peer_link(c, n, spec->identity);
	c->counters[SA_CTL_ADDED]++;
	return n;
}

int sa_ctl_reserve(struct sa_ctl *c, uint32_t *spi) {
	return publish_spi_reserve(c->nave->publish, spi);
}

int sa_ctl_cancel(struct sa_ctl *c, uint32_t spi) {
	return publish_spi_cancel(c->nave->publish, spi);
}

// --- delete ---
static int delete_in(struct sa_ctl *c, uint32_t number) {
	struct sa_peer *sp = &c->peers[c->sas[number].peer];
	struct sa_info last;
	int rc;

	sa_info_fill(c, number, &last);
	rc = publish_sa_in_withdraw(c->nave->publish, c->sas[number].spi);
	if (rc < 0)
		return rc;
	sp->rx_packets += last.packets;
	sp->rx_bytes += last.bytes;
	return 0;
}

static int delete_out(struct sa_ctl *c, uint32_t number) {
	if (c->sas[number].is_active)
		return publish_sa_out_withdraw(c->nave->publish, c->sas[number].peer);
	publish_peer_release(c->nave->publish, c->sas[number].peer);
	return 0;
}

int sa_ctl_delete(struct sa_ctl *c, uint32_t number) {
	int rc;

	if (!sa_is_used(c, number))
		return -ENOENT;
	rc = c->sas[number].direction == SA_INBOUND ? delete_in(c, number) : delete_out(c, number);
	if (rc < 0)
		return rc;
	peer_unlink(c, number);
	if (c->deleted)
		c->deleted(c->deleted_arg, number, c->sas[number].peer);
	number_give(c, number);
	c->counters[SA_CTL_DELETED]++;
	return 0;
}

// --- move ---
int sa_ctl_move(struct sa_ctl *c, uint32_t peer, const struct addr *nbma, uint16_t nbma_port) {
	int rc = publish_peer_move(c->nave->publish, peer, nbma, nbma_port);

	if (rc == 0 && c->nave->nhrp)
		nhrp_ctl_peer_moved(c->nave->nhrp, peer);
	return rc;
}

void sa_ctl_on_deleted(struct sa_ctl *c, sa_ctl_deleted_fn fn, void *arg) {
	c->deleted = fn;
	c->deleted_arg = arg;
}

void sa_ctl_on_event(struct sa_ctl *c, sa_ctl_event_fn fn, void *arg) {
	c->listener = fn;
	c->listener_arg = arg;
}
