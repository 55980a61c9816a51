// SPDX-License-Identifier: GPL-2.0-or-later
// What of the hub's messages must hold before anything in them is used.
#pragma once

#include <stddef.h>

#include "nave_ike.h"

// Checks a message of len_bytes that the hub sent. NULL: it is sound; else what is wrong with it, for the log.
const char *plugin_check(const union nave_ike_message *m, size_t len_bytes);
