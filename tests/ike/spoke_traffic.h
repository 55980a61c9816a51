// SPDX-License-Identifier: BSD-3-Clause
// Packets from every spoke to every other in turn, through the hub: ESP on an AF_PACKET socket, each packet numbered
// and looked for. Spoke N's network is 10.64.0.0/24 + N.
#pragma once

#include <stdint.h>
#include <stdio.h>

#include "spoke_sas.h"

struct spoke_traffic;

struct spoke_traffic_conf {
	struct spoke_sas *sas;
	const char *iface;
	uint8_t hub_mac[6], mac[6];
	uint32_t hub; // NBMA address, host order
	uint32_t key; // of GRE
	uint32_t n_spokes, per_s;
};

struct spoke_traffic *spoke_traffic_create(const struct spoke_traffic_conf *conf); // NULL, errno
void spoke_traffic_free(struct spoke_traffic *t);
int spoke_traffic_fd(const struct spoke_traffic *t);
void spoke_traffic_begin(struct spoke_traffic *t, uint64_t now_ns);
void spoke_traffic_end(struct spoke_traffic *t);
void spoke_traffic_send(struct spoke_traffic *t, uint64_t now_ns); // what is due
void spoke_traffic_receive(struct spoke_traffic *t);
// One line of numbers, a word before each; the first packets that were lost go to details.
void spoke_traffic_report(struct spoke_traffic *t, FILE *out, FILE *details);
