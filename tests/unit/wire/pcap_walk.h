// SPDX-License-Identifier: BSD-3-Clause
// Reads a capture file (classic pcap, little endian, Ethernet) and strips what carries the packets under test.
#pragma once

#include <stddef.h>
#include <stdint.h>

enum pcap_kind {
	PCAP_GRE, // bytes begin with the GRE header
	PCAP_ESP, // IP protocol 50
	PCAP_IKE, // UDP payload, port 500
	PCAP_NATT, // UDP payload, port 4500
	PCAP_OTHER, // whole frame
};

typedef void (*pcap_visit)(void *arg, unsigned frame, enum pcap_kind kind, const uint8_t *bytes, size_t len);

// Frames are numbered from 1, as in Wireshark. Returns their number, or -errno, -EBADMSG for a file of another form.
int pcap_walk(const char *path, pcap_visit visit, void *arg);
