// SPDX-License-Identifier: BSD-3-Clause
// From the configuration's device text to an ethdev: finds it, or has DPDK probe it, and says in one sentence why not.
#pragma once

#include "port.h"

struct port_probe {
	uint16_t ethdev;
	char name[64]; // of the device on its bus
	char iface[16]; // kernel interface of an af_packet or af_xdp port; "" else
};

// In the device's network namespace. 0, or -errno with error filled.
int port_probe(const struct port_conf *conf, struct port_probe *out, char *error);
void port_unprobe(uint16_t ethdev); // closes it and takes its device off the bus

int port_fail(char *error, int rc, const char *fmt, ...) __attribute__((format(printf, 3, 4))); // returns rc
