// SPDX-License-Identifier: GPL-2.0-or-later
// Callbacks run on charon's worker threads with an IKE_SA checked out: none may call into charon's IKE_SA manager, or
// wait for a hub that is away.
#include "plugin_ipsec.h"

#include <errno.h>

#include <daemon.h>

#include "plugin_hub.h"
#include "plugin_wire.h"

#define SOCKET_PATH "/run/nave/ipsec.sock"

static struct plugin_ipsec *self(kernel_ipsec_t *public) {
	return (struct plugin_ipsec *)public;
}

static status_t status_of(const struct nave_ike_result *result) {
	switch (result->status) {
	case NAVE_IKE_OK:
		return SUCCESS;
	case NAVE_IKE_NOT_FOUND:
		return NOT_FOUND;
	case NAVE_IKE_NOT_SUPPORTED:
		return NOT_SUPPORTED;
	default:
		return FAILED;
	}
}

status_t plugin_ipsec_call(
	struct plugin_ipsec *this, uint32_t hub, void *request, const char *what, struct nave_ike_result *result) {
	int rc = hub ? plugin_link_call(this->link, hub, request, result) : -ENOTCONN;

	if (rc) {
		DBG1(DBG_KNL, "kernel-nave: cannot %s: %s", what,
			rc == -ENOTCONN ? "the hub is away" : "the hub went away meanwhile");
		return FAILED;
	}
	if (result->status != NAVE_IKE_OK)
		DBG1(DBG_KNL, "kernel-nave: the hub would not %s: %s", what,
			result->reason[0] ? result->reason : "it gave no reason");
	return status_of(result);
}

static kernel_feature_t get_features(kernel_ipsec_t *public) {
	return KERNEL_ESP_V3_TFC | PLUGIN_SA_USE_TIME;
}

static status_t get_spi(kernel_ipsec_t *public, host_t *src, host_t *dst, uint8_t protocol, uint32_t *spi_be) {
	struct plugin_ipsec *this = self(public);
	uint32_t hub = plugin_link_hub(this->link, true);
	struct nave_ike_sa_name name = {.direction = NAVE_IKE_INBOUND};
	struct nave_ike_get_spi m = {0};
	struct nave_ike_result result;
	status_t status;

	if (protocol != IPPROTO_ESP)
		return NOT_SUPPORTED;
	plugin_wire_header(&m.h, NAVE_IKE_GET_SPI);
	plugin_wire_host(&m.src, src);
	plugin_wire_host(&m.dst, dst);
	status = plugin_ipsec_call(this, hub, &m, "give out an SPI", &result);
	if (status != SUCCESS)
		return status;
	name.spi = result.spi;
	name.src = m.src;
	name.dst = m.dst;
	if (!plugin_sas_add(this->sas, &name, hub, true)) {
		DBG1(DBG_KNL, "kernel-nave: the hub gave out SPI %08x, which is in use", result.spi);
		return FAILED;
	}
	*spi_be = htonl(result.spi);
	return SUCCESS;
}

static status_t get_cpi(kernel_ipsec_t *public, host_t *src, host_t *dst, uint16_t *cpi) {
	return NOT_SUPPORTED;
}

// The SA, if the hub that is connected has it; hub: its number.
static bool find_at_hub(
	struct plugin_ipsec *this, const kernel_ipsec_sa_id_t *id, struct plugin_sa *sa, uint32_t *hub) {
	*hub = plugin_link_hub(this->link, false);
	return plugin_sas_find(this->sas, id->spi, id->dst, sa) && sa->hub == *hub;
}

static status_t update_sa(kernel_ipsec_t *public, kernel_ipsec_sa_id_t *id, kernel_ipsec_update_sa_t *data) {
	struct nave_ike_update_sa m = {.is_udp = data->new_encap};
	struct plugin_ipsec *this = self(public);
	struct nave_ike_result result;
	struct plugin_sa sa;
	status_t status;
	uint32_t hub;

	if (!find_at_hub(this, id, &sa, &hub))
		return NOT_SUPPORTED; // charon then negotiates another SA
	plugin_wire_header(&m.h, NAVE_IKE_UPDATE_SA);
	m.sa = sa.name;
	plugin_wire_host(&m.new_src, data->new_src);
	plugin_wire_host(&m.new_dst, data->new_dst);
	status = plugin_ipsec_call(this, hub, &m, "move an SA", &result);
	if (status != SUCCESS)
		return NOT_SUPPORTED;
	plugin_sas_move(this->sas, sa.serial, &m.new_src, &m.new_dst);
	return SUCCESS;
}

static status_t query_sa(kernel_ipsec_t *public, kernel_ipsec_sa_id_t *id, kernel_ipsec_query_sa_t *data,
	uint64_t *bytes, uint64_t *packets, time_t *used) {
	struct plugin_ipsec *this = self(public);
	struct nave_ike_result result;
	struct nave_ike_name_sa m;
	struct plugin_sa sa;
	status_t status;
	uint32_t hub;

	if (!find_at_hub(this, id, &sa, &hub))
		return NOT_FOUND;
	plugin_wire_header(&m.h, NAVE_IKE_QUERY_SA);
	m.sa = sa.name;
	status = plugin_ipsec_call(this, hub, &m, "count an SA's packets", &result);
	if (status != SUCCESS)
		return status;
	if (bytes)
		*bytes = result.bytes;
	if (packets)
		*packets = result.packets;
	if (used)
		*used = result.idle_s == UINT32_MAX ? 0 : time_monotonic(NULL) - result.idle_s;
	return SUCCESS;
}

// Whatever becomes of the call: the next SYNC does not list the SA, and another hub never had it. An SA of a hub before
// is not deleted at this one, which may have given its SPI out again.
static status_t del_sa(kernel_ipsec_t *public, kernel_ipsec_sa_id_t *id, kernel_ipsec_del_sa_t *data) {
	struct plugin_ipsec *this = self(public);
	struct nave_ike_result result;
	struct nave_ike_name_sa m;
	struct plugin_sa sa;

	if (!plugin_sas_find(this->sas, id->spi, id->dst, &sa))
		return NOT_FOUND;
	plugin_sas_remove(this->sas, sa.serial);
	if (sa.hub != plugin_link_hub(this->link, false))
		return SUCCESS;
	plugin_wire_header(&m.h, NAVE_IKE_DEL_SA);
	m.sa = sa.name;
	return plugin_ipsec_call(this, sa.hub, &m, "delete an SA", &result);
}

static status_t flush_sas(kernel_ipsec_t *public) {
	struct plugin_ipsec *this = self(public);
	uint32_t hub = plugin_link_hub(this->link, false);
	struct nave_ike_result result;
	struct nave_ike_header m;
	struct plugin_sa *list;
	size_t n_sas;

	list = plugin_sas_list(this->sas, &n_sas);
	for (size_t i = 0; i < n_sas; i++)
		plugin_sas_remove(this->sas, list[i].serial);
	free(list);
	plugin_wire_header(&m, NAVE_IKE_FLUSH);
	return hub ? plugin_ipsec_call(this, hub, &m, "drop all SAs", &result) : SUCCESS;
}

// The hub needs no policies: what an SA may carry follows from its selectors and NHRP. Connections say "policies = no".
static status_t accept_policy(
	kernel_ipsec_t *public, kernel_ipsec_policy_id_t *id, kernel_ipsec_manage_policy_t *data) {
	return SUCCESS;
}

static status_t query_policy(
	kernel_ipsec_t *public, kernel_ipsec_policy_id_t *id, kernel_ipsec_query_policy_t *data, time_t *used) {
	return NOT_SUPPORTED; // charon takes the time from query_sa
}

static status_t flush_policies(kernel_ipsec_t *public) {
	return SUCCESS;
}

static bool bypass_socket(kernel_ipsec_t *public, int fd, int family) {
	return TRUE; // no policy of the kernel's applies to IKE
}

// Not UDP_ENCAP: it succeeds on a kernel without ESP, which then swallows ESP in UDP.
static bool enable_udp_decap(kernel_ipsec_t *public, int fd, int family, uint16_t port) {
	return TRUE;
}

static void destroy(kernel_ipsec_t *public) {
	struct plugin_ipsec *this = self(public);

	if (this->link)
		plugin_link_destroy(this->link);
	plugin_sas_destroy(this->sas);
	free(this);
}

static const kernel_ipsec_t callbacks = {
	.get_features = get_features,
	.get_spi = get_spi,
	.get_cpi = get_cpi,
	.add_sa = plugin_ipsec_add_sa,
	.update_sa = update_sa,
	.query_sa = query_sa,
	.del_sa = del_sa,
	.flush_sas = flush_sas,
	.add_policy = accept_policy,
	.query_policy = query_policy,
	.del_policy = accept_policy,
	.flush_policies = flush_policies,
	.bypass_socket = bypass_socket,
	.enable_udp_decap = enable_udp_decap,
	.destroy = destroy,
};

kernel_ipsec_t *plugin_ipsec_create(void) {
	struct plugin_ipsec *this = malloc_thing(struct plugin_ipsec);
	struct plugin_link_handlers handlers;

	*this = (struct plugin_ipsec){.public = callbacks, .sas = plugin_sas_create()};
	handlers = plugin_hub_handlers(this->sas);
	this->link = plugin_link_create(
		lib->settings->get_str(lib->settings, "%s.plugins.kernel-nave.socket", SOCKET_PATH, lib->ns),
		&handlers);
	if (this->link)
		return &this->public;
	DBG1(DBG_KNL, "kernel-nave: no thread or no random number to be had: not started");
	destroy(&this->public);
	return NULL;
}
