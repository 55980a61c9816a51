// SPDX-License-Identifier: BSD-3-Clause
// Persistent TAP and TUN devices: the way between the workers' packets and the Linux host (IKE, ARP, routing daemons).
// Control core only; descriptors are non-blocking, without packet information.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "addr.h"

enum tuntap_kind {
	TUNTAP_TAP,
	TUNTAP_TUN,
};

struct tuntap_addr {
	struct addr addr;
	uint8_t len_bits;
};

struct tuntap_conf {
	enum tuntap_kind kind;
	const char *name;
	const char *netns; // NULL: ours
	uint16_t mtu;
	const uint8_t *mac; // TAP: the port's; NULL: the kernel's choice
	const struct tuntap_addr *addrs;
	unsigned n_addrs;
};

struct tuntap {
	int fd;
	int ifindex;
	int netns_fd; // -1: ours
	char name[16];
};

#define TUNTAP_ERROR_LEN 256

// Opens or creates the device, sets MTU, MAC and addresses (those of another prefix that are there already stay),
// brings it up. On failure -errno and one sentence in error, naming the device and what mends it.
int tuntap_open(const struct tuntap_conf *conf, struct tuntap *out, char error[static TUNTAP_ERROR_LEN]);
void tuntap_close(struct tuntap *t); // the device stays, without carrier
void tuntap_remove(struct tuntap *t); // for tests and nave-lab: the device goes

// One packet each. Read: length, 0 when none, -errno. Write: 0 or -errno (-EAGAIN: the kernel's queue is full).
int tuntap_read(struct tuntap *t, void *buf, uint32_t cap);
int tuntap_write(struct tuntap *t, const void *buf, uint32_t len);
