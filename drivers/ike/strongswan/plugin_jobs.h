// SPDX-License-Identifier: GPL-2.0-or-later
// What charon is told, each on a job of its own: no lock is held that charon's callbacks take.
#pragma once

#include "plugin_sas.h"

// The end of an SA's lifetime, so many seconds from now (0: at once), unless charon deletes it before. Soft: it is to
// be rekeyed.
void plugin_jobs_expire(plugin_sas_t *sas, uint64_t serial, bool is_hard, uint32_t after_s);

// The peer of an inbound SA is at another address or port.
void plugin_jobs_mapping(plugin_sas_t *sas, uint64_t serial, const struct nave_ike_host *new_src);
