// SPDX-License-Identifier: GPL-2.0-or-later
// The connection to the hub: made and remade by a thread of its own, used by charon's worker threads.
#pragma once

#include <library.h>

#include "nave_ike.h"

typedef struct plugin_link plugin_link_t;

// Called on the link's thread. on_new_hub and send_sync come before any call gets through on a new connection.
struct plugin_link_handlers {
	void *ctx;
	void (*on_new_hub)(void *ctx, uint32_t hub); // all of the hubs before are gone with their SAs
	int (*send_sync)(void *ctx, uint32_t hub, int fd); // the hub is the one of the last connection; 0 or -errno
	void (*on_event)(void *ctx, const union nave_ike_message *m); // EXPIRE or MAPPING, checked
};

plugin_link_t *plugin_link_create(const char *path, const struct plugin_link_handlers *handlers);
void plugin_link_destroy(plugin_link_t *link);

// The number of the connected hub: another one for each boot id, counted from 1; 0: there is none. With may_wait, waits
// for one as long as the connection is gone for less than two seconds.
uint32_t plugin_link_hub(plugin_link_t *link, bool may_wait);

// Sends a request to that hub and waits for its RESULT. 0: result is filled; -EAGAIN: that hub is gone, and nothing was
// sent; else -errno, and the hub may or may not have done it.
int plugin_link_call(plugin_link_t *link, uint32_t hub, void *request, struct nave_ike_result *result);

// Sends a request whose RESULT is of no interest, if that hub is connected.
void plugin_link_tell(plugin_link_t *link, uint32_t hub, void *request);
