// SPDX-License-Identifier: GPL-2.0-or-later
// The SAs that charon installed, without their keys: what must be renegotiated when the hub is another one, and whose
// lifetime ends when. Any thread may call; copies are handed out.
#pragma once

#include <library.h>
#include <networking/host.h>

#include "nave_ike.h"

typedef struct plugin_sas plugin_sas_t;

struct plugin_sa {
	struct nave_ike_sa_name name;
	uint64_t serial; // never used again, as an SPI may be
	uint32_t hub; // number of the hub that has it
	bool is_larval; // an SPI that the hub gave out, without keys yet
};

plugin_sas_t *plugin_sas_create(void);
void plugin_sas_destroy(plugin_sas_t *sas);

// Adds an SA, or makes one of a larval SA. Its serial; 0: there is one of that SPI and destination.
uint64_t plugin_sas_add(plugin_sas_t *sas, const struct nave_ike_sa_name *name, uint32_t hub, bool is_larval);

// charon names an SA by SPI (network order, as charon has it) and destination.
bool plugin_sas_find(plugin_sas_t *sas, uint32_t spi_be, host_t *dst, struct plugin_sa *copy);
bool plugin_sas_find_name(plugin_sas_t *sas, const struct nave_ike_sa_name *name, struct plugin_sa *copy);
bool plugin_sas_find_serial(plugin_sas_t *sas, uint64_t serial, struct plugin_sa *copy);
void plugin_sas_remove(plugin_sas_t *sas, uint64_t serial);
void plugin_sas_make_larval(plugin_sas_t *sas, uint64_t serial); // again, since the hub did not take it
void plugin_sas_move(
	plugin_sas_t *sas, uint64_t serial, const struct nave_ike_host *src, const struct nave_ike_host *dst);

// All, in no order; the caller frees it.
struct plugin_sa *plugin_sas_list(plugin_sas_t *sas, size_t *n_sas);
