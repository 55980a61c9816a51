// SPDX-License-Identifier: GPL-2.0-or-later
// Which strongSwan this process is. Structs get new fields with every release and the plugin loader compares nothing,
// so that a plugin built for another release reads wrong fields, keys among them.
#pragma once

#include <stdbool.h>

// Whether the running IKE daemon is the release that the plugin was built for; says why not in charon's log.
bool plugin_version_matches(void);
