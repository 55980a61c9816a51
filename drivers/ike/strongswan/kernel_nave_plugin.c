// SPDX-License-Identifier: GPL-2.0-or-later
// Entry of the plugin: charon finds kernel_nave_plugin_create by the file's name.
#include <library.h>
#include <daemon.h>
#include <plugins/plugin.h>

#include "plugin_ipsec.h"
#include "plugin_version.h"

static char *get_name(plugin_t *this) {
	return "kernel-nave";
}

static int get_features(plugin_t *this, plugin_feature_t *features[]) {
	static plugin_feature_t provided[] = {
		PLUGIN_CALLBACK(kernel_ipsec_register, plugin_ipsec_create),
		PLUGIN_PROVIDE(CUSTOM, "kernel-ipsec"),
	};

	*features = provided;
	return countof(provided);
}

static void destroy(plugin_t *this) {
	free(this);
}

__attribute__((visibility("default"))) plugin_t *kernel_nave_plugin_create(void);
plugin_t *kernel_nave_plugin_create(void) {
	plugin_t *this;

	if (!plugin_version_matches())
		return NULL;
	this = malloc_thing(plugin_t);
	*this = (plugin_t){.get_name = get_name, .get_features = get_features, .destroy = destroy};
	return this;
}
