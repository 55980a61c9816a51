// SPDX-License-Identifier: GPL-2.0-or-later
// charon's kernel-ipsec interface, as nave serves it.
#pragma once

#include <library.h>
#include <kernel/kernel_ipsec.h>

#include "plugin_link.h"
#include "plugin_sas.h"

struct plugin_ipsec {
	kernel_ipsec_t public; // first: charon has its address alone
	plugin_link_t *link;
	plugin_sas_t *sas;
};

// Constructor for the feature "kernel-ipsec"; NULL: no memory, thread or random number was to be had.
kernel_ipsec_t *plugin_ipsec_create(void);

// Calls that hub (0: there is none); says in charon's log if it would not, or could not, do what; the status for
// charon.
status_t plugin_ipsec_call(
	struct plugin_ipsec *this, uint32_t hub, void *request, const char *what, struct nave_ike_result *result);

// The callback, in a file of its own.
status_t plugin_ipsec_add_sa(kernel_ipsec_t *public, kernel_ipsec_sa_id_t *id, kernel_ipsec_add_sa_t *data);
