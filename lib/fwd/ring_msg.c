// SPDX-License-Identifier: BSD-3-Clause
#include "ring_msg.h"

const char *punt_class_name(enum punt_class c) {
	static const char *const names[] = {
		[PUNT_NHRP] = "nhrp",
		[PUNT_IKE] = "ike",
		[PUNT_ROUTING] = "routing",
		[PUNT_HOST] = "host",
		[PUNT_UNDERLAY] = "underlay",
		[PUNT_REDIRECT] = "redirect",
		[PUNT_SA] = "sa",
		[PUNT_RESOLVE] = "resolve",
	};

	_Static_assert(sizeof(names) / sizeof(names[0]) == PUNT_CLASSES, "a class without a name");
	return (unsigned)c < PUNT_CLASSES ? names[c] : "unknown";
}
