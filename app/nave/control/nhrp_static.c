// SPDX-License-Identifier: BSD-3-Clause
// Static maps. Where IKE protects the tunnel, the peer of one comes later, or another time from another port: it is the
// peer at the map's NBMA address, if its identity may have the protocol address.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "conf.h"
#include "identity.h"
#include "log.h"
#include "nhrp_state.h"
#include "publish.h"
#include "sa_ctl.h"

int nhrp_static_add(struct nhrp_ctl *n, uint16_t tunnel, uint64_t now_ns) {
	const struct conf_tunnel *t = &n->nave->conf->tunnels[tunnel];

	for (unsigned i = 0; i < t->n_static; i++) {
		const struct conf_static_map *s = &t->statics[i];
		struct binding *b =
			nhs_add_static(&n->nhs, &n->confs[tunnel], &s->protocol, &s->nbma, s->multicast, now_ns);
		int rc = -ENOSPC;

		if (b) {
			b->nbma_port = s->nbma_port;
			rc = publish_binding(n->nave->publish, b);
		}
		if (rc == -EHOSTUNREACH && t->protection == CONF_PROTECTION_IKE)
			continue; // nhrp_ctl_peer_came
		if (rc < 0) {
			log_error("tunnels.%s.nhrp.static[%u]: %s", t->name, i,
				rc == -EHOSTUNREACH ? "no SA of the tunnel is with its NBMA address" : strerror(-rc));
			return rc;
		}
	}
	return 0;
}

static int by_nbma(const void *a, const void *b) {
	const struct nhrp_late_map *x = a, *y = b;

	return memcmp(&x->map->nbma, &y->map->nbma, sizeof(x->map->nbma));
}

int nhrp_static_index(struct nhrp_ctl *n) {
	const struct conf *conf = n->nave->conf;
	uint32_t room = 1;

	for (uint16_t t = 0; t < n->n_confs; t++)
		room += conf->tunnels[t].protection == CONF_PROTECTION_IKE ? conf->tunnels[t].n_static : 0;
	n->late_maps = calloc(room, sizeof(*n->late_maps));
	if (!n->late_maps)
		return -ENOMEM;
	for (uint16_t t = 0; t < n->n_confs; t++)
		for (unsigned i = 0;
			conf->tunnels[t].protection == CONF_PROTECTION_IKE && i < conf->tunnels[t].n_static; i++)
			n->late_maps[n->n_late_maps++] =
				(struct nhrp_late_map){.tunnel = t, .map = &conf->tunnels[t].statics[i]};
	qsort(n->late_maps, n->n_late_maps, sizeof(*n->late_maps), by_nbma);
	return 0;
}

// As NHRP would let it register.
static bool may_have(const struct nhrp_ctl *n, uint32_t identity, const struct nhrp_late_map *late) {
	const struct identities *ids = n->nave->identities;
	const struct conf_identity *entry = identities_entry(ids, identity, late->tunnel);

	if (!identities_may_use(ids, identity, late->tunnel))
		return false;
	for (unsigned i = 0; entry && i < entry->n_protocol; i++)
		if (prefix_contains(&entry->protocol[i], &late->map->protocol))
			return true;
	return !entry || entry->n_protocol == 0;
}

// A map that has a peer with SAs keeps it: behind a NAT, the first of those that may have it.
static void publish_late(struct nhrp_ctl *n, const struct nhrp_late_map *late, const struct publish_peer *at) {
	struct prefix host = prefix_host(&late->map->protocol);
	struct binding *b = nhrp_cache_find(n->nhs.cache, late->tunnel, &host);
	char text[ADDR_STRLEN];
	int rc;

	if (!b || b->kind != BINDING_STATIC || (b->adj && sa_ctl_peer_next(n->nave->sas, b->peer, 0)))
		return;
	b->nbma_port = at->nbma_port;
	rc = publish_binding(n->nave->publish, b);
	if (rc < 0)
		log_warning("static map of %s: %s", addr_format(&host.addr, text), strerror(-rc));
}

static uint32_t first_at(const struct nhrp_ctl *n, const struct addr *nbma) {
	uint32_t low = 0, high = n->n_late_maps;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;

		if (memcmp(&n->late_maps[mid].map->nbma, nbma, sizeof(*nbma)) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

void nhrp_ctl_peer_came(struct nhrp_ctl *n, uint32_t peer, uint32_t identity) {
	struct publish_peer at;

	if (!publish_peer_where(n->nave->publish, peer, &at))
		return;
	for (uint32_t i = first_at(n, &at.nbma); i < n->n_late_maps && addr_eq(&n->late_maps[i].map->nbma, &at.nbma);
		i++) {
		const struct tunnel *rt = n->nave->fwd.tunnels[n->late_maps[i].tunnel];

		if (rt && rt->endpoint == at.endpoint && may_have(n, identity, &n->late_maps[i]))
			publish_late(n, &n->late_maps[i], &at);
	}
}
