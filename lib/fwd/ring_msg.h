// SPDX-License-Identifier: BSD-3-Clause
// Rings between lcores, all SP/SC: one per pair (MP rings collapse when producers share a CPU). What travels are mbufs
// whose pkt_meta names things by index + generation.
#pragma once

#include <stdint.h>

#include <rte_ring.h>

// Worker to control; each bounded, policed and served by weight.
enum punt_class {
	PUNT_NHRP, // NHRP behind GRE, headers up to NHRP removed
	PUNT_IKE, // whole frame: UDP 500, or 4500 with the non-ESP marker -> TAP
	PUNT_ROUTING, // inner packet of a routing protocol -> TUN
	PUNT_HOST, // other inner packet for an address of ours -> TUN
	PUNT_UNDERLAY, // whole frame: ARP, ND, ICMP and the rest for the port's addresses -> TAP
	PUNT_REDIRECT, // first 128 bytes of a hairpin packet
	PUNT_SA, // no packet: a struct sa_event
	PUNT_RESOLVE, // first 128 bytes of an inner packet for a host behind meta.port that is no neighbour yet
	PUNT_CLASSES
};

const char *punt_class_name(enum punt_class c);

// To a worker, from another worker or from control: clear packets whose way out is decided (pkt_meta.way).
enum egress_priority {
	EGRESS_CONTROL, // served first
	EGRESS_DATA,
	EGRESS_PRIORITIES
};
