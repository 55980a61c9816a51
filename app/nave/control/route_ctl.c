// SPDX-License-Identifier: BSD-3-Clause
#include "route_ctl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "conf.h"
#include "nave.h"

#define BUCKETS_MIN 256

struct static_route { // what the FIB does not know: who put it there
	struct static_route *next;
	uint16_t vrf;
	struct prefix prefix;
};

struct route_ctl {
	struct nave *nave;
	struct static_route **buckets;
	uint32_t mask;
};

static struct static_route **find(const struct route_ctl *r, uint16_t vrf, const struct prefix *prefix) {
	struct static_route **at = &r->buckets[addr_hash(&prefix->addr, prefix->len_bits << 16 | vrf) & r->mask];

	while (*at && ((*at)->vrf != vrf || !prefix_eq(&(*at)->prefix, prefix)))
		at = &(*at)->next;
	return at;
}

int route_ctl_add(struct route_ctl *r, uint16_t vrf, const struct prefix *prefix, enum publish_route_kind kind,
	const struct publish_next_hop *via, unsigned n_via) {
	struct static_route **at = find(r, vrf, prefix), *fresh = NULL;
	int rc;

	if (!*at) {
		fresh = calloc(1, sizeof(*fresh));
		if (!fresh)
			return -ENOMEM;
		fresh->vrf = vrf;
		fresh->prefix = *prefix;
	}
	rc = publish_route(r->nave->publish, vrf, prefix, kind, via, n_via);
	if (fresh && rc == 0)
		*at = fresh;
	else
		free(fresh);
	return rc;
}

int route_ctl_del(struct route_ctl *r, uint16_t vrf, const struct prefix *prefix) {
	struct static_route **at = find(r, vrf, prefix), *s = *at;
	int rc;

	if (!s)
		return -ENOENT;
	rc = publish_route_withdraw(r->nave->publish, vrf, prefix);
	if (rc < 0 && rc != -ENOENT)
		return rc;
	*at = s->next;
	free(s);
	return rc;
}

static int add_configured(struct route_ctl *r, const struct conf_route *c) {
	struct publish_next_hop via[CONF_LIST_MAX];

	for (unsigned i = 0; i < c->n_via; i++)
		via[i] = (struct publish_next_hop){
			.next_hop = c->via[i].next_hop,
			.iface = c->via[i].tunnel != CONF_NONE ? c->via[i].tunnel : iface_of_port(c->via[i].port),
			.weight = c->via[i].weight,
		};
	return route_ctl_add(r, c->vrf, &c->prefix, c->blackhole ? PUBLISH_BLACKHOLE : PUBLISH_UNICAST, via, c->n_via);
}

static const char *reason(int rc) {
	switch (rc) {
	case -EEXIST:
		return "is a connected prefix or an address of the hub: leave it out";
	case -EHOSTUNREACH:
		return "its next hop is in no prefix of the port, and the port has no gateway: write a next hop that "
		       "is";
	case -ENOSPC:
		return "the table of its VRF is full: raise vrfs.NAME.routes-max";
	default:
		return strerror(-rc);
	}
}

struct route_ctl *route_ctl_create(struct nave *nave, FILE *errors) {
	const struct conf *conf = nave->conf;
	struct route_ctl *r = calloc(1, sizeof(*r));
	uint32_t n = BUCKETS_MIN;

	while (n < conf->n_routes)
		n *= 2;
	if (r)
		r->buckets = calloc(n, sizeof(*r->buckets));
	if (!r || !r->buckets) {
		free(r);
		errno = ENOMEM;
		return NULL;
	}
	r->nave = nave;
	r->mask = n - 1;
	for (uint32_t i = 0; i < conf->n_routes; i++) {
		const struct conf_route *c = &conf->routes[i];
		char text[PREFIX_STRLEN];
		int rc = add_configured(r, c);

		if (rc == 0)
			continue;
		conf_complain(conf, c->mark, errors, "route %s: %s", prefix_format(&c->prefix, text), reason(rc));
		route_ctl_free(r);
		errno = -rc;
		return NULL;
	}
	return r;
}

void route_ctl_free(struct route_ctl *r) {
	if (!r)
		return;
	for (uint32_t i = 0; i <= r->mask; i++)
		while (r->buckets[i]) {
			struct static_route *s = r->buckets[i];

			r->buckets[i] = s->next;
			free(s);
		}
	free(r->buckets);
	free(r);
}
