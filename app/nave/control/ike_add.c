// SPDX-License-Identifier: BSD-3-Clause
// ADD_SA: the tunnel by the hub's address, the identity that may use it, the peer's place, the SA.
#include "ike_state.h"

#include <errno.h>

#include "conf.h"
#include "esp_crypto.h"
#include "identity.h"
#include "ike_suite.h"
#include "log.h"
#include "nhrp_ctl.h"
#include "sa_ctl.h"

// Of the source that IKE spoke for, the next tunnel from t on; n_tunnels: no more.
static uint16_t tunnel_at(const struct conf *conf, const struct addr *local, uint16_t t) {
	while (t < conf->n_tunnels &&
		(conf->tunnels[t].protection != CONF_PROTECTION_IKE || !addr_eq(&conf->tunnels[t].source, local)))
		t++;
	return t;
}

bool ike_has_tunnel_at(const struct ike_ctl *c, const struct addr *local) {
	return tunnel_at(c->nave->conf, local, 0) < c->nave->conf->n_tunnels;
}

// Tunnels of one source share their peers: one that names the identity comes before one that lets everybody in.
// CONF_NONE: none does either.
static uint16_t tunnel_for(const struct ike_ctl *c, const struct addr *local, uint32_t identity) {
	const struct conf *conf = c->nave->conf;
	uint16_t found = CONF_NONE;

	for (uint16_t t = tunnel_at(conf, local, 0); t < conf->n_tunnels; t = tunnel_at(conf, local, t + 1)) {
		if (identities_entry(c->nave->identities, identity, t))
			return t;
		if (found == CONF_NONE && identities_may_use(c->nave->identities, identity, t))
			found = t;
	}
	return found;
}

// It stands in log lines and tables. Octets from 128 on may be UTF-8.
static bool is_printable(const char *text) {
	for (; *text; text++)
		if ((uint8_t)*text < ' ' || *text == 0x7f)
			return false;
	return true;
}

static void refuse_identity(
	struct ike_ctl *c, const struct nave_ike_add_sa *m, const struct addr *local, struct nave_ike_result *r) {
	char at[ADDR_STRLEN], from[ADDR_STRLEN];
	struct addr nbma = ike_addr(ike_remote(&m->sa));

	ike_refuse(c, r, NAVE_IKE_REFUSED, "'%.70s' at %s is in no list of identities of a tunnel with source %s",
		m->identity, addr_format(&nbma, from), addr_format(local, at));
}

// 0, or the identity held for the SA.
static uint32_t hold_identity(struct ike_ctl *c, const struct nave_ike_add_sa *m, struct nave_ike_result *r) {
	uint32_t identity = 0;

	if (!m->identity[0])
		ike_refuse(c, r, NAVE_IKE_REFUSED, "the peer has no identity");
	else if (!is_printable(m->identity))
		ike_refuse(c, r, NAVE_IKE_REFUSED, "the peer's identity has characters that cannot be shown");
	else if ((identity = identities_hold(c->nave->identities, m->identity)) == 0)
		ike_refuse(c, r, NAVE_IKE_FAILED, "out of memory");
	return identity;
}

static bool find_tunnel(struct ike_ctl *c, const struct nave_ike_add_sa *m, uint32_t identity, struct sa_spec *spec,
	struct nave_ike_result *r) {
	struct addr local = ike_addr(ike_local(&m->sa));
	char text[ADDR_STRLEN];
	const char *why;

	if (!ike_has_tunnel_at(c, &local)) {
		ike_refuse(c, r, NAVE_IKE_FAILED, "no tunnel with protection mode ike has the source %s",
			addr_format(&local, text));
		return false;
	}
	spec->tunnel = tunnel_for(c, &local, identity);
	if (spec->tunnel == CONF_NONE) {
		refuse_identity(c, m, &local, r);
		return false;
	}
	why = conf_nbma_refusal(&c->nave->conf->tunnels[spec->tunnel], &spec->nbma);
	if (why)
		ike_refuse(c, r, NAVE_IKE_FAILED, "%s %s", addr_format(&spec->nbma, text), why);
	return !why;
}

// The spoke's own address, when a NAT shows another one outside.
static struct addr inner_nbma(const struct nave_ike_add_sa *m, const struct addr *nbma) {
	struct addr inner = ike_addr(&m->remote_ts);

	if (!m->is_tunnel_mode || inner.family != ADDR_IPV4 || m->remote_ts.len_bits != 32 || addr_eq(&inner, nbma))
		return (struct addr){0};
	return inner;
}

static void spec_fill(const struct nave_ike_add_sa *m, uint32_t identity, struct sa_spec *spec) {
	const struct nave_ike_host *remote = ike_remote(&m->sa);

	*spec = (struct sa_spec){
		.direction = m->sa.direction == NAVE_IKE_INBOUND ? SA_INBOUND : SA_OUTBOUND,
		.origin = SA_FROM_IKE,
		.nbma = ike_addr(remote),
		.nbma_port = m->is_udp ? remote->port : 0,
		.is_reserved = m->sa.direction == NAVE_IKE_INBOUND,
		.spi = m->sa.spi,
		.identity = identity,
		.params = {.esn = m->is_esn, .tunnel_mode = m->is_tunnel_mode},
	};
	spec->params.inner_nbma = inner_nbma(m, &spec->nbma);
}

static void not_added(struct ike_ctl *c, const struct nave_ike_add_sa *m, int64_t rc, struct nave_ike_result *r) {
	switch (rc) {
	case -ENOTSUP:
		ike_refuse(c, r, NAVE_IKE_NOT_SUPPORTED,
			"no suite of the hub: encryption %u with %u octets of key, integrity %u", m->enc_alg,
			m->enc_key_bytes, m->auth_alg);
		break;
	case -ENOENT:
		ike_refuse(c, r, NAVE_IKE_FAILED, "SPI 0x%08x is not of GET_SPI, or of longer than %u s ago", m->sa.spi,
			IKE_SPI_KEPT_S);
		break;
	case -EEXIST:
		ike_refuse(c, r, NAVE_IKE_FAILED, "the peer has an SA with SPI 0x%08x", m->sa.spi);
		break;
	case -EADDRINUSE:
		ike_refuse(c, r, NAVE_IKE_FAILED, "at its address and port a peer has SAs with keys by hand");
		break;
	case -ENOSPC:
		ike_refuse(c, r, NAVE_IKE_FAILED, "no room: see hub.max-spokes");
		break;
	case -EINVAL:
		ike_refuse(c, r, NAVE_IKE_FAILED, "SPI 0x%08x or the length of a key is wrong", m->sa.spi);
		break;
	default:
		ike_refuse(c, r, NAVE_IKE_FAILED, "%s", strerror((int)-rc));
	}
}

static int64_t add(struct ike_ctl *c, const struct nave_ike_add_sa *m, struct sa_spec *spec) {
	struct publish_peer where = {.endpoint = c->nave->fwd.tunnels[spec->tunnel]->endpoint,
		.nbma = spec->nbma,
		.nbma_port = spec->nbma_port};
	struct sa_keys keys = {0};
	enum esp_suite suite;
	int64_t rc = ike_suite(m, &suite, &keys);
	uint32_t spi;

	if (rc == 0)
		rc = ike_peer_displace(c, &where, spec->identity);
	if (rc == 0) {
		spec->params.suite = suite;
		spec->keys = &keys;
		rc = sa_ctl_add(c->nave->sas, spec, &spi);
	}
	spec->keys = NULL;
	esp_wipe(&keys, sizeof(keys));
	return rc;
}

static void added(struct ike_ctl *c, const struct nave_ike_add_sa *m, uint32_t number, uint32_t identity) {
	uint32_t peer = sa_ctl_peer(c->nave->sas, number);

	if (m->sa.direction == NAVE_IKE_INBOUND) {
		ike_spi_taken(c, m->sa.spi);
	} else {
		ike_replace_orphans(c, peer);
		nhrp_ctl_peer_came(c->nave->nhrp, peer, identity);
	}
	ike_peer_is_of(c, peer, m->ike_id);
	log_debug("IKE: SA %u with SPI 0x%08x for '%s' of %s", number, m->sa.spi, m->identity, m->connection);
}

void ike_add_sa(void *ike_ctl, const struct nave_ike_add_sa *m, struct nave_ike_result *r) {
	struct ike_ctl *c = ike_ctl;
	struct sa_spec spec;
	uint32_t identity;
	int64_t rc;

	c->counters[IKE_CTL_ADD_SA]++;
	identity = hold_identity(c, m, r);
	if (!identity)
		goto err_identity;
	spec_fill(m, identity, &spec);
	if (!find_tunnel(c, m, identity, &spec, r))
		goto err_tunnel;
	rc = add(c, m, &spec);
	if (rc > 0 && ike_sa_put(c, (uint32_t)rc, m, identity) < 0) {
		sa_ctl_delete(c->nave->sas, (uint32_t)rc);
		rc = -ENOSPC;
	}
	if (rc < 0) {
		not_added(c, m, rc, r);
		goto err_tunnel;
	}
	added(c, m, (uint32_t)rc, identity);
	return;

err_tunnel:
	identities_release(c->nave->identities, identity);
err_identity:
	if (m->sa.direction == NAVE_IKE_INBOUND)
		ike_spi_give_back(c, m->sa.spi);
}
