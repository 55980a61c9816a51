// SPDX-License-Identifier: BSD-3-Clause
// The SAs of the configuration (protection: {mode: manual}).
#include <errno.h>
#include <string.h>

#include "conf.h"
#include "esp_crypto.h"
#include "sa_state.h"

static const char *reason(int64_t rc) {
	if (rc == -ENOSPC)
		return "no room for so many: more needs a higher hub.max-spokes";
	return rc == -ENOTSUP ? "the crypto backend does not have the suite" : strerror((int)-rc);
}

static int64_t add_one(struct sa_ctl *c, uint16_t tunnel, const struct conf_sa *sa, enum sa_direction direction) {
	bool in = direction == SA_INBOUND;
	struct sa_spec spec = {
		.direction = direction,
		.origin = SA_FROM_CONFIGURATION,
		.tunnel = tunnel,
		.nbma = sa->nbma,
		.nbma_port = sa->nbma_port,
		.spi = in ? sa->spi_in : sa->spi_out,
		.params =
			{
				.suite = sa->suite,
				.esn = sa->esn,
				.tunnel_mode = sa->tunnel_mode,
				.replay_window = sa->replay_window,
				.inner_nbma = sa->inner_nbma,
			},
		.keys = in ? &sa->in : &sa->out,
	};
	uint32_t spi;

	return sa_ctl_add(c, &spec, &spi);
}

static int add_both(struct sa_ctl *c, uint16_t tunnel, struct conf_sa *sa, FILE *errors) {
	const struct conf *conf = c->nave->conf;
	int64_t rc = add_one(c, tunnel, sa, SA_INBOUND); // before the other: the peer may answer at once

	if (rc > 0)
		rc = add_one(c, tunnel, sa, SA_OUTBOUND);
	if (rc < 0)
		conf_complain(conf, sa->mark, errors, "tunnels.%s.protection.sas: %s", conf->tunnels[tunnel].name,
			reason(rc));
	esp_wipe(&sa->in, sizeof(sa->in));
	esp_wipe(&sa->out, sizeof(sa->out));
	return rc < 0 ? (int)rc : 0;
}

int sa_ctl_configure(struct sa_ctl *c, FILE *errors) {
	const struct conf *conf = c->nave->conf;
	int rc = 0;

	for (uint16_t t = 0; t < conf->n_tunnels && rc == 0; t++)
		for (uint32_t i = 0; i < conf->tunnels[t].n_sas && rc == 0; i++)
			rc = add_both(c, t, &conf->tunnels[t].sas[i], errors);
	return rc;
}
