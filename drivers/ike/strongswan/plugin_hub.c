// SPDX-License-Identifier: GPL-2.0-or-later
#include "plugin_hub.h"

#include "plugin_jobs.h"
#include "plugin_socket.h"
#include "plugin_wire.h"

// A new hub has no SAs. The old keys are never installed again, since its sequence numbers, and with them the IVs of
// AES-GCM, would begin anew: each SA hard-expires, upon which charon negotiates another one.
static void renegotiate_all(void *ctx, uint32_t hub) {
	plugin_sas_t *sas = ctx;
	size_t n_sas, n_expired = 0;
	struct plugin_sa *list = plugin_sas_list(sas, &n_sas);

	for (size_t i = 0; i < n_sas; i++) {
		if (list[i].hub == hub || list[i].is_larval || list[i].name.direction != NAVE_IKE_INBOUND)
			continue;
		plugin_jobs_expire(sas, list[i].serial, true, 0);
		n_expired++;
	}
	if (n_expired)
		DBG1(DBG_KNL, "kernel-nave: the hub is a new one: %zu CHILD_SAs are negotiated anew", n_expired);
	free(list);
}

// SPIs that were given out and are not installed yet are listed, too. What a hub before had is not: charon is about to
// delete it.
static int send_sync(void *ctx, uint32_t hub, int fd) {
	struct nave_ike_sync sync = {0};
	size_t n_sas, next = 0;
	struct plugin_sa *list = plugin_sas_list(ctx, &n_sas);
	int rc;

	do {
		plugin_wire_header(&sync.h, NAVE_IKE_SYNC);
		memset(sync.sas, 0, sizeof(sync.sas));
		for (sync.n_sas = 0; next < n_sas && sync.n_sas < NAVE_IKE_SYNC_MAX; next++) {
			if (list[next].hub == hub)
				sync.sas[sync.n_sas++] = list[next].name;
		}
		sync.is_last = next == n_sas;
		rc = plugin_socket_send(fd, &sync);
	} while (!rc && !sync.is_last);
	free(list);
	return rc;
}

static void on_expire(plugin_sas_t *sas, const struct nave_ike_expire *e) {
	struct plugin_sa sa;

	if (plugin_sas_find_name(sas, &e->sa, &sa))
		plugin_jobs_expire(sas, sa.serial, e->is_hard, 0);
	else
		DBG1(DBG_KNL, "kernel-nave: the hub ends SA %08x, which is not there", e->sa.spi);
}

static void on_mapping(plugin_sas_t *sas, const struct nave_ike_mapping *m) {
	struct plugin_sa sa;

	if (plugin_sas_find_name(sas, &m->sa, &sa))
		plugin_jobs_mapping(sas, sa.serial, &m->new_src);
	else
		DBG1(DBG_KNL, "kernel-nave: the hub moves SA %08x, which is not there", m->sa.spi);
}

static void on_event(void *ctx, const union nave_ike_message *m) {
	if (m->h.type == NAVE_IKE_EXPIRE)
		on_expire(ctx, &m->expire);
	else
		on_mapping(ctx, &m->mapping);
}

struct plugin_link_handlers plugin_hub_handlers(plugin_sas_t *sas) {
	return (struct plugin_link_handlers){
		.ctx = sas,
		.on_new_hub = renegotiate_all,
		.send_sync = send_sync,
		.on_event = on_event,
	};
}
