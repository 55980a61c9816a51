// SPDX-License-Identifier: BSD-3-Clause
// DPDK's environment, composed from the configuration: lcore 0 is the control core, lcore 1 + w is worker w, the rest
// are the caller's (generators of nave-lab). Lcores may share a CPU.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "conf.h"

#define EAL_LCORE_CONTROL 0
#define EAL_LCORE_WORKER(w) (1u + (w))

struct eal_options {
	unsigned n_extra; // lcores behind the workers: EAL_LCORE_WORKER(n_workers) + i
	uint16_t extra_cpus[8];
	uint32_t memory_mib; // needed at least; 0: estimated from hub.max-spokes
	bool no_telemetry;
};

// hub.hugepages: auto takes free 2 MiB pages when there are enough; when the machine has none at all and we are root,
// it reserves them (given back by nave_eal_cleanup); else it goes on without, as off does. A number of MiB must be
// free. -errno, after one sentence with what mends it on errors: CPU not there, too few hugepages, no permission.
int nave_eal_init(const struct conf *conf, const struct eal_options *opt, FILE *errors);
void nave_eal_cleanup(void); // removes EAL's run-time directory too
uint32_t nave_eal_hugepages_mib(void); // 0: running without
