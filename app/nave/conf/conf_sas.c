// SPDX-License-Identifier: BSD-3-Clause
// The SAs of all tunnels: each peer and each SPI once, no more of them than there is room for, and static maps to peers
// that have one.
#include <stdlib.h>
#include <string.h>

#include "conf_reader.h"

struct sorted_sa {
	const struct conf_tunnel *tunnel;
	const struct conf_sa *sa;
};

static int by_place(const struct conf_sa *a, const struct conf_sa *b) {
	if (a->mark.line != b->mark.line)
		return a->mark.line < b->mark.line ? -1 : 1;
	return a->mark.column < b->mark.column ? -1 : a->mark.column > b->mark.column;
}

static int spi_compare(const void *pa, const void *pb) {
	const struct sorted_sa *a = pa, *b = pb;

	if (a->sa->spi_in != b->sa->spi_in)
		return a->sa->spi_in < b->sa->spi_in ? -1 : 1;
	return by_place(a->sa, b->sa);
}

// By local endpoint and NBMA address: two tunnels of one source have one peer.
static int nbma_order(const struct sorted_sa *a, const struct conf_tunnel *tunnel, const struct addr *nbma) {
	int d = a->tunnel->port - tunnel->port;

	if (d == 0)
		d = memcmp(&a->tunnel->source, &tunnel->source, sizeof(tunnel->source));
	return d ? d : memcmp(&a->sa->nbma, nbma, sizeof(*nbma));
}

static int peer_order(const struct sorted_sa *a, const struct sorted_sa *b) {
	int d = nbma_order(a, b->tunnel, &b->sa->nbma);

	return d ? d : a->sa->nbma_port - b->sa->nbma_port;
}

static int peer_compare(const void *pa, const void *pb) {
	int d = peer_order(pa, pb);

	return d ? d : by_place(((const struct sorted_sa *)pa)->sa, ((const struct sorted_sa *)pb)->sa);
}

static void spi_repeated(struct conf_reader *r, const struct sorted_sa *first, const struct sorted_sa *again) {
	if (first->sa->spi_in == again->sa->spi_in)
		conf_error(r, again->sa->mark, "sas: spi-in 0x%08x is given twice: first in line %u", again->sa->spi_in,
			first->sa->mark.line);
}

static void peer_repeated(struct conf_reader *r, const struct sorted_sa *first, const struct sorted_sa *again) {
	char buf[ADDR_STRLEN];

	if (peer_order(first, again) == 0)
		conf_error(r, again->sa->mark, "sas: nbma %s with nbma-port %u is given twice: first in line %u",
			addr_format(&again->sa->nbma, buf), again->sa->nbma_port, first->sa->mark.line);
}

static uint32_t sas_collect(const struct conf_reader *r, struct sorted_sa *out) {
	const struct conf *c = r->conf;
	uint32_t n = 0;

	for (unsigned t = 0; t < c->n_tunnels; t++) {
		for (uint32_t i = 0; i < c->tunnels[t].n_sas; i++) {
			if (conf_is_bad(r, &c->tunnels[t].sas[i]))
				continue;
			if (out)
				out[n] = (struct sorted_sa){&c->tunnels[t], &c->tunnels[t].sas[i]};
			n++;
		}
	}
	return n;
}

// The first of them: two behind one NAT are told apart by their ports, of which a map names none.
static const struct sorted_sa *peer_first(
	const struct sorted_sa *by_peer, uint32_t n, const struct conf_tunnel *tunnel, const struct addr *nbma) {
	uint32_t low = 0, high = n;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;

		if (nbma_order(&by_peer[mid], tunnel, nbma) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low < n && nbma_order(&by_peer[low], tunnel, nbma) == 0 ? &by_peer[low] : NULL;
}

// The SAs of mode ike come later.
static void static_resolve(struct conf_reader *r, const struct sorted_sa *by_peer, uint32_t n,
	const struct conf_tunnel *t, struct conf_static_map *m) {
	const struct sorted_sa *peer = peer_first(by_peer, n, t, &m->nbma);
	char buf[ADDR_STRLEN];

	if (peer)
		m->nbma_port = peer->sa->nbma_port;
	else if (t->protection == CONF_PROTECTION_MANUAL)
		conf_error(r, m->mark, "static: no SA of the tunnel's source is with nbma %s: write it under sas",
			addr_format(&m->nbma, buf));
}

// Of a tunnel that had errors, neither its source nor its SAs need be what they look like.
static void statics_resolve(struct conf_reader *r, const struct sorted_sa *by_peer, uint32_t n) {
	const struct conf *c = r->conf;

	for (unsigned i = 0; i < c->n_tunnels; i++)
		if (conf_is_bad(r, &c->tunnels[i]))
			return;
	for (unsigned i = 0; i < c->n_tunnels; i++) {
		const struct conf_tunnel *t = &c->tunnels[i];

		for (uint32_t m = 0; t->protection != CONF_PROTECTION_NONE && m < t->n_static; m++)
			static_resolve(r, by_peer, n, t, &t->statics[m]);
	}
}

static void room_check(struct conf_reader *r) {
	const struct conf *c = r->conf;
	uint32_t room = c->hub.max_spokes, n = 0;

	if (conf_is_bad(r, &c->hub))
		return;
	for (unsigned i = 0; i < c->n_tunnels; i++) {
		const struct conf_tunnel *t = &c->tunnels[i];

		if (n <= room && n + t->n_sas > room)
			conf_error(r, t->sas[room - n].mark, "sas: one more than hub.max-spokes, which is %u: raise it",
				room);
		n += t->n_sas;
	}
}

void conf_sas_check(struct conf_reader *r) {
	uint32_t n = sas_collect(r, NULL);
	struct sorted_sa *sorted = calloc(n + 1, sizeof(*sorted));

	if (!sorted) {
		conf_error(r, (struct conf_mark){1, 1}, "out of memory");
		return;
	}
	sas_collect(r, sorted);
	qsort(sorted, n, sizeof(*sorted), spi_compare);
	for (uint32_t i = 1; i < n; i++)
		spi_repeated(r, &sorted[i - 1], &sorted[i]);
	qsort(sorted, n, sizeof(*sorted), peer_compare);
	for (uint32_t i = 1; i < n; i++)
		peer_repeated(r, &sorted[i - 1], &sorted[i]);
	statics_resolve(r, sorted, n);
	room_check(r);
	free(sorted);
}
