// SPDX-License-Identifier: GPL-2.0-or-later
// charon's words for addresses and SAs, and the protocol's.
#pragma once

#include <library.h>
#include <kernel/kernel_ipsec.h>

#include "nave_ike.h"

void plugin_wire_header(struct nave_ike_header *h, enum nave_ike_type type);
void plugin_wire_host(struct nave_ike_host *wire, host_t *host);
void plugin_wire_first_selector(struct nave_ike_host *wire, linked_list_t *selectors);

// A host_t of an address that plugin_check() passed. The caller destroys it.
host_t *plugin_wire_to_host(const struct nave_ike_host *wire);

// Text as charon logs it ("%Y" of an identity, say) with its final NUL. False: it does not fit, and text is empty.
bool plugin_wire_text(char *text, size_t size, const char *fmt, ...);
