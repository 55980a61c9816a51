// SPDX-License-Identifier: BSD-3-Clause
// Every reason for which a worker drops a packet: one list makes enum, counter name and help text.
#pragma once

#include <stdint.h>

#define DROP_REASONS(X) \
	X(NOT_OUR_MAC, "not_our_mac", "unicast frame for another MAC address") \
	X(ETHERTYPE, "ethertype", "frame neither IPv4, IPv6 nor ARP") \
	X(OUTER_MALFORMED, "outer_malformed", \
		"outer IP header truncated, oversized, of a wrong version or inconsistent") \
	X(OUTER_CHECKSUM, "outer_checksum", "outer IPv4 header checksum wrong") \
	X(OUTER_FRAGMENT, "outer_fragment", "fragment of a tunnel packet") \
	X(OUTER_SOURCE, "outer_source", "outer source is multicast, broadcast, loopback, zero or an address of ours") \
	X(NOT_LOCAL, "not_local", "outer destination is none of our addresses") \
	X(CLEAR_ON_PROTECTED, "clear_on_protected", "GRE in clear on a protected tunnel") \
	X(CLEAR_TUNNEL, "clear_tunnel", "opened by an SA, but the GRE key is that of a tunnel without protection") \
	X(ESP_UNKNOWN, "esp_unknown", "ESP, but no SA has this SPI") \
	X(ESP_MALFORMED, "esp_malformed", "ESP of a wrong length, padding or next header") \
	X(ESP_REPLAY, "esp_replay", "ESP sequence number seen before, or left of the window") \
	X(ESP_ICV, "esp_icv", "ESP whose ICV is wrong") \
	X(ESP_INNER, "esp_inner", "ESP in tunnel mode whose IP header inside is not from the SA's peer to us") \
	X(ESP_DUMMY, "esp_dummy", "ESP dummy packet (traffic flow confidentiality)") \
	X(OWNER_RING_FULL, "owner_ring_full", "ring to the worker that owns the SA full") \
	X(NO_SA, "no_sa", "for a peer without an outbound SA") \
	X(SA_EXPIRED, "sa_expired", "sequence numbers of the outbound SA are used up") \
	X(NATT_KEEPALIVE, "natt_keepalive", "NAT keepalive, UDP 4500 with one byte") \
	X(NATT_MALFORMED, "natt_malformed", "UDP 4500 that is neither ESP, IKE nor keepalive") \
	X(GRE_MALFORMED, "gre_malformed", "GRE header truncated, of a wrong version or with reserved flags") \
	X(GRE_CHECKSUM, "gre_checksum", "GRE checksum wrong") \
	X(GRE_PROTOCOL, "gre_protocol", "GRE payload neither IPv4, IPv6 nor NHRP") \
	X(UNKNOWN_KEY, "unknown_key", "no tunnel on this address has the GRE key") \
	X(UNKNOWN_PEER, "unknown_peer", "tunnel packet, not NHRP, from an NBMA address that is not registered") \
	X(NOT_PEER, "not_peer", "outer source is not the SA's peer") \
	X(SPOOFED, "spoofed", "inner source does not belong to the peer (anti-spoof)") \
	X(INNER_MALFORMED, "inner_malformed", "inner IP header truncated, of a wrong version or inconsistent") \
	X(INNER_CHECKSUM, "inner_checksum", "inner IPv4 header checksum wrong") \
	X(CONGESTION, "congestion", \
		"met congestion in the underlay, and its sender does not know of such marks (RFC 6040)") \
	X(INNER_SOURCE, "inner_source", "inner source is multicast, loopback or zero, or destination is not routable") \
	X(TTL, "ttl", "TTL or hop limit exceeded") \
	X(NO_ROUTE, "no_route", "no route to the inner destination") \
	X(BLACKHOLE, "blackhole", "a blackhole route") \
	X(UNREACHABLE, "unreachable", "an unreachable route") \
	X(NOT_REGISTERED, "not_registered", "next hop inside a tunnel that no spoke has registered") \
	X(NEIGHBOUR, "neighbour", "underlay neighbour not resolved") \
	X(SAME_SPOKE, "same_spoke", "would go back to the spoke it came from") \
	X(TOO_BIG, "too_big", "larger than the adjacency's MTU") \
	X(MULTICAST, "multicast", "multicast that nobody asked for") \
	X(STALE, "stale", "what the packet was queued for is gone (index + generation)") \
	X(POLICED, "policed", "punt policer of its class or source") \
	X(IKE_POLICED, "ike_policed", "IKE from one address or UDP port, or of its kind, above its rate") \
	X(IKE_BACKLOG, "ike_backlog", "IKE of an initiator that is new, while earlier IKE waits for the control core") \
	X(PUNT_RING_FULL, "punt_ring_full", "punt ring of its class full") \
	X(PUNT_NO_MBUF, "punt_no_mbuf", "punt pool empty") \
	X(EGRESS_RING_FULL, "egress_ring_full", "handoff ring to another worker full") \
	X(HEADROOM, "headroom", "no room in the mbuf for the tunnel headers") \
	X(TAILROOM, "tailroom", "no room in the mbuf for padding and ICV") \
	X(TX_FULL, "tx_full", "transmit queue of the port full") \
	X(PORT_DOWN, "port_down", "way out leads to a port that is not there")

enum drop_reason {
#define X(name, counter, help) DROP_##name,
	DROP_REASONS(X)
#undef X
		DROP_REASON_COUNT
};

const char *drop_reason_name(enum drop_reason r);
const char *drop_reason_help(enum drop_reason r);
