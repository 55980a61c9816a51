// SPDX-License-Identifier: BSD-3-Clause
// The ladder: a hub out of a configuration, step by step, and down again in reverse. main.c and nave-lab both climb it;
// nave-lab makes its ring ports between nave_eal_init() (eal.h) and nave_up().
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "conf.h"
#include "nave.h"

struct esp_crypto_ops;

struct ladder_options {
	bool interactive; // prompt on the terminal
	bool console_socket, telemetry; // nave: both; nave-lab: as asked
	bool stage_accounting; // datapath.h
	uint32_t rx_mbufs; // 0: default
	const struct esp_crypto_ops *crypto; // of protected tunnels; NULL: intel-ipsec-mb
};

// What the configuration asks for and this build does not have: one line each on out. Returns how many of them would be
// unsafe to leave out; with any the hub must not start.
unsigned nave_check_features(const struct conf *conf, FILE *out);

// EAL is up. Takes conf (nave_down frees it; on failure the caller keeps it). On failure -errno, everything undone, the
// reason on errors.
int nave_up(struct nave *nave, struct conf *conf, const struct ladder_options *opt, FILE *errors);
int nave_start(struct nave *nave); // workers; -errno
// Stops the workers, then mirrors nave_up. EAL stays up.
void nave_down(struct nave *nave);
