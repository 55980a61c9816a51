// SPDX-License-Identifier: GPL-2.0-or-later
#include "plugin_ipsec.h"

#include <errno.h>

#include <daemon.h>

#include "plugin_jobs.h"
#include "plugin_wire.h"

// The IKE_SA that this thread has checked out is on the bus: so the SA is bound to who was authenticated before the hub
// sees its first packet. An identity that does not fit is refused, as its beginning may be somebody else's.
static bool add_owner(struct nave_ike_add_sa *m) {
	ike_sa_t *ike = charon->bus->get_sa(charon->bus);

	if (!ike) {
		DBG1(DBG_KNL, "kernel-nave: SA %08x belongs to no IKE_SA: not installed", m->sa.spi);
		return false;
	}
	m->ike_id = ike->get_unique_id(ike);
	if (!plugin_wire_text(m->connection, sizeof(m->connection), "%s", ike->get_name(ike))) {
		DBG1(DBG_KNL, "kernel-nave: connection name '%s' is longer than %d characters: SA not installed",
			ike->get_name(ike), NAVE_IKE_NAME_MAX - 1);
		return false;
	}
	if (!plugin_wire_text(m->identity, sizeof(m->identity), "%Y", ike->get_other_eap_id(ike))) {
		DBG1(DBG_KNL, "kernel-nave: identity '%Y' is longer than %d characters: SA not installed",
			ike->get_other_eap_id(ike), NAVE_IKE_IDENTITY_MAX - 1);
		return false;
	}
	return true;
}

static bool add_keys(struct nave_ike_add_sa *m, const kernel_ipsec_add_sa_t *data) {
	if (data->enc_key.len > sizeof(m->enc_key) || data->int_key.len > sizeof(m->auth_key)) {
		DBG1(DBG_KNL, "kernel-nave: the keys of SA %08x are longer than the hub takes", m->sa.spi);
		return false;
	}
	m->enc_alg = data->enc_alg;
	m->enc_key_bytes = data->enc_key.len;
	memcpy(m->enc_key, data->enc_key.ptr, data->enc_key.len);
	m->auth_alg = data->int_alg;
	m->auth_key_bytes = data->int_key.len;
	memcpy(m->auth_key, data->int_key.ptr, data->int_key.len);
	return true;
}

static bool is_supported(const kernel_ipsec_sa_id_t *id, const kernel_ipsec_add_sa_t *data) {
	if (id->proto == IPPROTO_ESP && data->ipcomp == IPCOMP_NONE &&
		(data->mode == MODE_TRANSPORT || data->mode == MODE_TUNNEL))
		return true;
	DBG1(DBG_KNL, "kernel-nave: SA %08x is not of ESP in transport or tunnel mode without IPComp: not installed",
		ntohl(id->spi));
	return false;
}

static void describe(struct nave_ike_add_sa *m, const kernel_ipsec_sa_id_t *id, const kernel_ipsec_add_sa_t *data) {
	plugin_wire_header(&m->h, NAVE_IKE_ADD_SA);
	m->sa.direction = data->inbound ? NAVE_IKE_INBOUND : NAVE_IKE_OUTBOUND;
	m->sa.spi = ntohl(id->spi);
	plugin_wire_host(&m->sa.src, id->src);
	plugin_wire_host(&m->sa.dst, id->dst);
	m->is_tunnel_mode = data->mode == MODE_TUNNEL;
	m->is_udp = data->encap;
	m->is_esn = data->esn;
	m->is_initiator = data->initiator;
	m->replay_window = min(data->replay_window, UINT16_MAX);
	plugin_wire_first_selector(&m->local_ts, data->inbound ? data->dst_ts : data->src_ts);
	plugin_wire_first_selector(&m->remote_ts, data->inbound ? data->src_ts : data->dst_ts);
	m->limits = (struct nave_ike_limits){
		.soft_bytes = data->lifetime->bytes.rekey,
		.hard_bytes = data->lifetime->bytes.life,
		.soft_packets = data->lifetime->packets.rekey,
		.hard_packets = data->lifetime->packets.life,
	};
}

// charon gives back the SPI of an inbound SA that failed, by del_sa, but does not speak of the outbound one again. If
// there was no answer, the hub may have installed it.
static void undo(struct plugin_ipsec *this, uint32_t hub, uint64_t serial, const struct nave_ike_sa_name *name) {
	struct nave_ike_name_sa m = {.sa = *name};

	if (name->direction == NAVE_IKE_INBOUND) {
		plugin_sas_make_larval(this->sas, serial);
		return;
	}
	plugin_sas_remove(this->sas, serial);
	plugin_wire_header(&m.h, NAVE_IKE_DEL_SA);
	plugin_link_tell(this->link, hub, &m);
}

// The SA is in the table before the hub has it: a hub that comes back meanwhile is told of it, and so keeps it.
static status_t install(struct plugin_ipsec *this, struct nave_ike_add_sa *m, const lifetime_cfg_t *lifetime) {
	struct nave_ike_result result;
	uint64_t serial;
	status_t status;
	uint32_t hub = plugin_link_hub(this->link, true);

	serial = plugin_sas_add(this->sas, &m->sa, hub, false);
	if (!serial) {
		DBG1(DBG_KNL, "kernel-nave: there is an SA %08x to that address already: not installed", m->sa.spi);
		return FAILED;
	}
	status = plugin_ipsec_call(this, hub, m, "install an SA", &result);
	if (status != SUCCESS) {
		undo(this, hub, serial, &m->sa);
		return status;
	}
	if (lifetime->time.rekey) // 0: charon rekeys by the SA of the other direction
		plugin_jobs_expire(this->sas, serial, false, lifetime->time.rekey);
	if (lifetime->time.life)
		plugin_jobs_expire(this->sas, serial, true, lifetime->time.life);
	return SUCCESS;
}

status_t plugin_ipsec_add_sa(kernel_ipsec_t *public, kernel_ipsec_sa_id_t *id, kernel_ipsec_add_sa_t *data) {
	struct plugin_ipsec *this = (struct plugin_ipsec *)public;
	struct nave_ike_add_sa m = {0};
	status_t status = FAILED;

	if (!is_supported(id, data))
		return NOT_SUPPORTED;
	describe(&m, id, data);
	if (add_owner(&m) && add_keys(&m, data))
		status = install(this, &m, data->lifetime);
	memwipe(&m, sizeof(m));
	return status;
}
