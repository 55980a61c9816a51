// SPDX-License-Identifier: BSD-3-Clause
// The configuration as read: YAML -> this. Plain values with defaults filled in; names resolved to indexes; where each
// came from kept, so that a later error (a port that does not open) can still name file:line:column.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "addr.h"
#include "sa.h"

#define CONF_NAME_LEN 16
#define CONF_LIST_MAX 16
#define CONF_NONE 0xffff

struct conf_mark { // 1-based; line 0: not in the file, a default
	uint32_t line, column;
};

struct conf_addr {
	struct addr addr;
	uint8_t len_bits;
	struct conf_mark mark;
};

enum conf_idle {
	CONF_IDLE_SLEEP,
	CONF_IDLE_POLL,
};

enum { HUGEPAGES_AUTO = -1, HUGEPAGES_OFF = 0 }; // else MiB

struct conf_hub {
	char name[CONF_NAME_LEN]; // "hub1"; file prefix, pid file, sockets
	uint16_t control_cpu;
	uint16_t n_workers;
	uint16_t worker_cpus[32];
	int32_t hugepages_mib; // HUGEPAGES_AUTO, HUGEPAGES_OFF or MiB
	uint8_t idle; // enum conf_idle
	uint32_t max_spokes;
	struct conf_mark mark;
};

struct conf_vrf {
	char name[CONF_NAME_LEN]; // vrfs[0] is the default VRF, ""
	char host_netns[64]; // "": ours
	char fpm[64]; // "": none
	uint32_t routes_max_ipv4, routes_max_ipv6;
	struct conf_mark mark;
};

struct conf_neighbour { // static, beside those that the kernel resolves
	struct addr addr;
	uint8_t mac[6];
	struct conf_mark mark;
};

struct conf_port {
	char name[CONF_NAME_LEN];
	char device[128];
	char device_netns[64]; // "": ours
	char host_netns[64]; // where the TAP goes; "": ours
	uint16_t vrf; // index
	uint16_t vlan; // 0: none
	uint16_t mtu;
	uint16_t queues; // 0: auto
	uint8_t n_addresses, n_gateways;
	struct conf_addr addresses[CONF_LIST_MAX];
	struct conf_addr gateways[2];
	struct addr public_address; // behind 1:1 NAT
	bool host; // has a TAP; false for labs without a host behind them
	uint16_t n_neighbours;
	struct conf_neighbour *neighbours;
	struct conf_mark mark;
};

enum conf_protection {
	CONF_PROTECTION_NONE,
	CONF_PROTECTION_IKE,
	CONF_PROTECTION_MANUAL,
};

enum conf_resolution {
	CONF_RESOLUTION_FORWARD,
	CONF_RESOLUTION_ANSWER,
	CONF_RESOLUTION_REFUSE, // phase 1
};

struct conf_static_map {
	struct addr protocol, nbma;
	uint16_t nbma_port; // of the peer of an SA with its NBMA address; 0: native ESP, or none
	bool multicast;
	struct conf_mark mark;
};

struct conf_nhs {
	struct addr protocol, nbma;
	uint32_t priority;
	struct conf_mark mark;
};

#define CONF_IDENTITIES_MAX 100000

struct conf_identity { // what an IKE identity may do on the tunnel: the first entry that matches counts
	char match[256]; // pattern of identity_match.h
	char group[64]; // QoS group; "": none
	uint16_t n_protocol, n_prefixes;
	struct prefix *protocol; // protocol addresses that it may register; none: any of the tunnel's subnets
	struct prefix *prefixes; // may be behind it
	struct conf_mark mark;
};

#define CONF_SAS_MAX 87381 // as hub.max-spokes

struct conf_sa { // one peer with both directions
	struct addr nbma;
	uint16_t nbma_port; // 0: native ESP
	bool tunnel_mode, esn;
	uint8_t suite; // enum esp_suite
	uint32_t spi_in, spi_out;
	struct addr inner_nbma; // ADDR_NONE: as outside
	uint16_t replay_window; // 0: that of the tunnel
	struct sa_keys in, out; // wiped when the SAs are there
	struct conf_mark mark;
};

struct conf_tunnel {
	char name[CONF_NAME_LEN];
	uint16_t port; // index of source.port
	struct addr source; // one of the port's addresses
	bool has_key;
	uint32_t key;
	bool checksum; // send GRE checksums
	uint8_t n_addresses;
	struct conf_addr addresses[CONF_LIST_MAX];
	uint32_t network_id; // 0: none
	uint8_t phase; // 1, 2, 3
	uint16_t mtu;
	uint16_t tcp_mss; // 0: no clamp
	uint16_t vrf;
	bool multicast_dynamic;
	bool host; // has a TUN
	uint8_t protection; // enum conf_protection
	uint16_t replay_window;
	bool anti_spoof;
	uint32_t n_sas; // mode manual
	struct conf_sa *sas;
	uint32_t n_identities; // mode ike; 0: every identity that IKE lets in
	struct conf_identity *identities;
	char authentication[9];
	uint16_t holding_time_s;
	uint8_t resolution; // enum conf_resolution
	bool redirect, shortcut;
	uint32_t redirect_interval_ms;
	uint32_t max_registrations; // protocol addresses; 0: those of hub.max-spokes
	uint16_t n_static, n_nhs;
	struct conf_static_map *statics;
	struct conf_nhs *nhs;
	struct conf_mark mark;
};

struct conf_next_hop {
	struct addr next_hop;
	uint16_t tunnel, port; // one of them CONF_NONE
	uint32_t weight;
	struct conf_mark mark;
};

struct conf_route {
	uint16_t vrf;
	struct prefix prefix;
	bool blackhole;
	uint8_t n_via;
	struct conf_next_hop via[CONF_LIST_MAX];
	struct conf_mark mark;
};

struct conf_ike {
	char socket[108], vici[108];
	uint32_t orphan_grace_s;
	struct conf_mark mark; // line 0: no ike section
};

struct conf_console {
	char socket[108];
	char admin_group[32];
};

// A key that is accepted and checked, and that this build does not carry out.
struct conf_later {
	char key[64]; // "tunnels.dmvpn0.protection"
	struct conf_mark mark;
};

struct conf {
	char *file;
	struct conf_hub hub;
	uint16_t n_vrfs, n_ports, n_tunnels;
	struct conf_vrf *vrfs;
	struct conf_port *ports;
	struct conf_tunnel *tunnels;
	uint32_t n_routes;
	struct conf_route *routes;
	struct conf_ike ike;
	struct conf_console console;
	uint16_t n_later;
	struct conf_later *later;
};

// Reads and checks the whole file; every error goes to errors as "file:line:column: what is wrong and what to write
// instead", all of them in one pass. NULL when there was any.
struct conf *conf_load(const char *file, FILE *errors);
struct conf *conf_load_text(const char *name, const char *text, FILE *errors); // for nave-lab and tests
void conf_free(struct conf *c);
// "file:line:column: " + message, as conf_load does; line 0: "file: " + message.
void conf_complain(const struct conf *c, struct conf_mark mark, FILE *errors, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
// At start: names each key of c->later as conf_complain does. Returns how many there are; a hub starts with none.
unsigned conf_refuse_later(const struct conf *c, FILE *errors);
// What is wrong with the NBMA address of a tunnel's peer, as words behind the address; NULL: nothing.
const char *conf_nbma_refusal(const struct conf_tunnel *t, const struct addr *nbma);
void conf_print_reference(FILE *out); // docs/config.md, generated from the tables
