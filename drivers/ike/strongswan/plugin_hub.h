// SPDX-License-Identifier: GPL-2.0-or-later
// What the hub brings about: its restart, its return, and its events.
#pragma once

#include "plugin_link.h"
#include "plugin_sas.h"

// Handlers for a link that work on these SAs.
struct plugin_link_handlers plugin_hub_handlers(plugin_sas_t *sas);
