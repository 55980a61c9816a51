// SPDX-License-Identifier: BSD-3-Clause
// What is to be seen of SAs. Their owners write while we read: single words, none of which is ever half written.
#include <string.h>

#include "ipsec.h"
#include "publish.h"
#include "sa_state.h"

static uint64_t peek(const uint64_t *word) {
	return __atomic_load_n(word, __ATOMIC_RELAXED);
}

static uint64_t minus(uint64_t a, uint64_t b) {
	return a > b ? a - b : 0;
}

// Numbers from the window's left edge to its right one that have not come.
static uint32_t window_missing(const struct replay *r) {
	uint64_t top = peek(&r->top), left = top >= r->window ? top - r->window + 1 : 1, seen = 0;

	for (uint64_t w = left / 64; top && w <= top / 64; w++) {
		uint64_t bits = peek(w == top / 64 ? &r->recent : &r->bits[w & r->word_mask]);

		if (w == left / 64)
			bits &= UINT64_MAX << left % 64;
		if (w == top / 64)
			bits &= UINT64_MAX >> (63 - top % 64);
		seen += (uint64_t)__builtin_popcountll(bits);
	}
	return top ? (uint32_t)minus(top - left + 1, seen) : 0;
}

static void inbound(const struct ipsec *ip, const struct sa *sa, struct sa_info *info) {
	uint32_t slot = sad_lookup(ip, sa->spi);
	const struct sa_in *in = sa_in_at(ip, slot);

	if (!slot)
		return;
	info->packets = peek(&in->packets);
	info->bytes = peek(&in->bytes);
	info->seq = peek(&in->replay.top);
	info->window = in->replay.window;
	info->window_missing = window_missing(&in->replay);
	for (unsigned i = 0; i < SA_DROP_COUNT; i++)
		info->drops[i] = __atomic_load_n(&ip->cold[slot].drops[i], __ATOMIC_RELAXED);
}

// The counters go on from one SA to the next: the base, which is written later, is read first. An owner that has not
// taken the SA over yet still has the one before.
static void outbound(const struct ipsec *ip, const struct sa *sa, uint32_t number, struct sa_info *info) {
	const struct sa_out *out = sa_out_at(ip, sa->peer);
	uint64_t base_packets = peek(&ip->out_base[sa->peer].packets), base_bytes = peek(&ip->out_base[sa->peer].bytes);

	info->is_active = sa->is_active;
	info->packets = sa->past.packets;
	info->bytes = sa->past.bytes;
	info->seq = sa->past.seq;
	info->expired = sa->past.expired;
	info->seq_end = sa->params.seq_end ? sa->params.seq_end : sa->params.esn ? UINT64_MAX : UINT32_MAX;
	if (!sa->is_active || __atomic_load_n(&out->number, __ATOMIC_RELAXED) != number)
		return;
	info->packets = minus(peek(&out->packets), base_packets);
	info->bytes = minus(peek(&out->bytes), base_bytes);
	info->seq = peek(&out->seq);
	info->expired = __atomic_load_n(&ip->out_base[sa->peer].expired, __ATOMIC_RELAXED);
}

void sa_info_fill(const struct sa_ctl *c, uint32_t number, struct sa_info *info) {
	const struct sa *sa = &c->sas[number];
	struct publish_peer where = {0};

	publish_peer_where(c->nave->publish, sa->peer, &where);
	*info = (struct sa_info){
		.number = number,
		.peer = sa->peer,
		.spi = sa->spi,
		.direction = sa->direction,
		.origin = sa->origin,
		.tunnel = sa->tunnel,
		.nbma = where.nbma,
		.nbma_port = where.nbma_port,
		.params = sa->params,
		.created_ns = sa->created_ns,
		.owner = rcu_read(&peer_at(&c->nave->fwd.peers, sa->peer)->owner),
	};
	if (sa->direction == SA_INBOUND)
		inbound(c->nave->fwd.ipsec, sa, info);
	else
		outbound(c->nave->fwd.ipsec, sa, number, info);
}

bool sa_ctl_get(const struct sa_ctl *c, uint32_t number, struct sa_info *info) {
	if (!sa_is_used(c, number))
		return false;
	sa_info_fill(c, number, info);
	return true;
}

bool sa_ctl_next(const struct sa_ctl *c, uint32_t *number, struct sa_info *info) {
	uint32_t from = *number + 1;

	for (uint32_t word = from / 64; word * 64 < c->high; word++) {
		uint64_t bits = c->used_bits[word];

		if (word == from / 64)
			bits &= UINT64_MAX << from % 64;
		if (!bits)
			continue;
		*number = word * 64 + (uint32_t)__builtin_ctzll(bits);
		sa_info_fill(c, *number, info);
		return true;
	}
	return false;
}

uint32_t sa_ctl_max(const struct sa_ctl *c) {
	return c->max;
}

uint32_t sa_ctl_peer(const struct sa_ctl *c, uint32_t number) {
	return sa_is_used(c, number) ? c->sas[number].peer : 0;
}

uint32_t sa_ctl_peer_next(const struct sa_ctl *c, uint32_t peer, uint32_t number) {
	const struct sa_peer *sp;

	if (number)
		return c->sas[number].next;
	sp = c->peers ? sa_peer_of(c, peer) : NULL;
	return sp ? sp->first : 0;
}

void sa_ctl_use(const struct sa_ctl *c, uint32_t number, uint64_t *packets, uint64_t *bytes) {
	const struct sa *sa = &c->sas[number];
	struct sa_info info = {0};
	uint32_t slot;

	if (sa->direction == SA_OUTBOUND) {
		outbound(c->nave->fwd.ipsec, sa, number, &info);
	} else if ((slot = sad_lookup(c->nave->fwd.ipsec, sa->spi)) != 0) {
		info.packets = peek(&sa_in_at(c->nave->fwd.ipsec, slot)->packets);
		info.bytes = peek(&sa_in_at(c->nave->fwd.ipsec, slot)->bytes);
	}
	*packets = info.packets;
	*bytes = info.bytes;
}

uint32_t sa_ctl_count(const struct sa_ctl *c) {
	return c->used;
}

uint32_t sa_ctl_peer_identity(const struct sa_ctl *c, uint32_t peer) {
	const struct sa_peer *sp = peer < c->nave->fwd.peers.max && c->peers ? sa_peer_of(c, peer) : NULL;

	return sp && sp->first ? sp->identity : 0;
}

bool sa_ctl_has_in(const struct sa_ctl *c, uint32_t peer, uint32_t spi) {
	const struct ipsec *ip = c->nave->fwd.ipsec;
	uint32_t slot = ip ? sad_lookup(ip, spi) : 0;

	return slot && sa_in_at(ip, slot)->peer == peer;
}

void sa_ctl_peer_count(const struct sa_ctl *c, uint32_t peer, uint32_t *n_in, uint32_t *n_out) {
	const struct sa_peer *sp = c->peers ? sa_peer_of(c, peer) : NULL;

	*n_in = *n_out = 0;
	for (uint32_t n = sp ? sp->first : 0; n; n = c->sas[n].next)
		++*(c->sas[n].direction == SA_INBOUND ? n_in : n_out);
}

static void since_ever(const struct sa_ctl *c, const struct sa_peer *sp, uint32_t peer, struct spoke_counters *out) {
	const struct ipsec *ip = c->nave->fwd.ipsec;
	const struct sa_out *sa_out = sa_out_at(ip, peer);

	*out = (struct spoke_counters){
		.rx_packets = sp->rx_packets,
		.rx_bytes = sp->rx_bytes,
		.tx_packets = peek(&sa_out->packets),
		.tx_bytes = peek(&sa_out->bytes),
	};
	for (uint32_t n = sp->first; n; n = c->sas[n].next) {
		uint32_t slot = c->sas[n].direction == SA_INBOUND ? sad_lookup(ip, c->sas[n].spi) : 0;

		if (!slot)
			continue;
		out->rx_packets += peek(&sa_in_at(ip, slot)->packets);
		out->rx_bytes += peek(&sa_in_at(ip, slot)->bytes);
	}
}

void sa_ctl_peer_counters(const struct sa_ctl *c, uint32_t peer, struct spoke_counters *out) {
	const struct sa_peer *sp = c->peers ? sa_peer_of(c, peer) : NULL;

	*out = (struct spoke_counters){0};
	if (!sp)
		return;
	since_ever(c, sp, peer, out);
	out->rx_packets = minus(out->rx_packets, sp->cleared.rx_packets);
	out->rx_bytes = minus(out->rx_bytes, sp->cleared.rx_bytes);
	out->tx_packets = minus(out->tx_packets, sp->cleared.tx_packets);
	out->tx_bytes = minus(out->tx_bytes, sp->cleared.tx_bytes);
}

void sa_ctl_peer_clear(struct sa_ctl *c, uint32_t peer) {
	struct sa_peer *sp = c->peers ? sa_peer_of(c, peer) : NULL;

	if (sp)
		since_ever(c, sp, peer, &sp->cleared);
}
