// SPDX-License-Identifier: BSD-3-Clause
#include "stage.h"

#include <rte_eal.h>
#include <rte_errno.h>

static struct hub hub;

int stage_main(int argc, char **argv) {
	if (rte_eal_init(argc, argv) < 0) {
		fprintf(stderr, "EAL: %s\n", rte_strerror(rte_errno));
		return -1;
	}
	hub_ports_create();
	return 0;
}

int stage_setup(void **state) {
	hub_create(&hub, &(struct hub_conf){0});
	*state = &hub;
	return 0;
}

int stage_teardown(void **state) {
	hub_destroy(*state);
	return 0;
}
