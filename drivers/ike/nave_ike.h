// SPDX-License-Identifier: BSD-3-Clause
// The messages between the hub and the IKE daemon's kernel-ipsec plugin (drivers/ike/strongswan), over a UNIX
// SOCK_SEQPACKET socket: one message a packet, a fixed struct each, in the machine's byte order, since both ends are on
// one machine. Nothing in here is anybody else's: no header of the hub, none of the IKE daemon.
//
// The hub listens; the plugin connects, again whenever the socket is gone, and says HELLO, which the hub answers.
//
//   plugin                                              hub
//   HELLO boot id ---------------------------------->   another than before: a new IKE daemon, the SAs of the one
//                                                       before are orphans
//         <--------------------------- HELLO boot id    another than before: a new hub, without SAs. Old keys are never
//                                                       installed again: the plugin hard-expires all that it has
//   SYNC the SAs that it has, the last one flagged -->  both as before: the hub drops what is not listed
//   GET_SPI, ADD_SA, UPDATE_SA, QUERY_SA, DEL_SA,
//   FLUSH, each with an id of the plugin's ---------->
//         <---------------------------------- RESULT    the same id, in any order
//         <------------------------- EXPIRE, MAPPING    events, id 0
//
// A message of another version, an unknown type or a wrong length ends the connection. Reserved octets are zero. Both
// ends wipe a message with keys once it was sent or read. The socket's mode is 0600.
#pragma once

#include <stdint.h>

#define NAVE_IKE_VERSION 1
#define NAVE_IKE_ENC_KEY_MAX 64 // AEADs: the key, then the salt
#define NAVE_IKE_AUTH_KEY_MAX 64
#define NAVE_IKE_IDENTITY_MAX 256 // with the final NUL, as every text here
#define NAVE_IKE_NAME_MAX 64
#define NAVE_IKE_REASON_MAX 160
#define NAVE_IKE_SYNC_MAX 32
#define NAVE_IKE_MESSAGE_MAX 1552 // of any message

enum nave_ike_type {
	NAVE_IKE_HELLO = 1, // both ways
	NAVE_IKE_SYNC,
	NAVE_IKE_GET_SPI,
	NAVE_IKE_ADD_SA,
	NAVE_IKE_UPDATE_SA,
	NAVE_IKE_QUERY_SA,
	NAVE_IKE_DEL_SA,
	NAVE_IKE_FLUSH, // header alone: all SAs
	NAVE_IKE_RESULT = 64, // hub to plugin, from here on
	NAVE_IKE_EXPIRE,
	NAVE_IKE_MAPPING,
};

enum nave_ike_direction {
	NAVE_IKE_INBOUND = 1, // to the hub
	NAVE_IKE_OUTBOUND,
};

enum nave_ike_status {
	NAVE_IKE_OK = 1,
	NAVE_IKE_FAILED, // reason says why
	NAVE_IKE_NOT_FOUND, // no such SA
	NAVE_IKE_NOT_SUPPORTED, // algorithm, mode, or a change that the hub cannot make: charon makes a new SA instead
	NAVE_IKE_REFUSED, // this identity may have no SA here
};

struct nave_ike_header {
	uint8_t version; // NAVE_IKE_VERSION
	uint8_t type; // enum nave_ike_type
	uint16_t len_bytes; // of the whole message
	uint32_t id; // of a request and its RESULT: above 0; else 0
};

struct nave_ike_host {
	uint8_t family; // 4 or 6; 0: none
	uint8_t len_bits; // of a traffic selector; else 32 or 128
	uint16_t port; // UDP, host order; 0 or 500: no UDP around ESP
	uint8_t address[16]; // IPv4: the first 4
};

struct nave_ike_hello {
	struct nave_ike_header h;
	uint64_t boot_id; // random, of the sending process: never 0
	char name[NAVE_IKE_NAME_MAX]; // "strongSwan 5.9.8", "nave 0.1.0": for the log
};

struct nave_ike_sa_name { // SPIs in host order, as they are written
	uint8_t direction; // enum nave_ike_direction
	uint8_t reserved[3];
	uint32_t spi;
	struct nave_ike_host src, dst; // outer, of packets of this SA
};

struct nave_ike_sync {
	struct nave_ike_header h;
	uint8_t is_last;
	uint8_t n_sas;
	uint8_t reserved[2];
	struct nave_ike_sa_name sas[NAVE_IKE_SYNC_MAX]; // n_sas of them, the rest zero
};

struct nave_ike_get_spi { // an SPI for an inbound SA; it is given back by DEL_SA, or taken by ADD_SA
	struct nave_ike_header h;
	struct nave_ike_host src, dst;
};

struct nave_ike_limits { // 0: none
	uint64_t soft_bytes, hard_bytes, soft_packets, hard_packets;
};

struct nave_ike_add_sa {
	struct nave_ike_header h;
	struct nave_ike_sa_name sa;
	uint8_t is_tunnel_mode;
	uint8_t is_udp; // ESP in UDP, ports in sa.src and sa.dst
	uint8_t is_esn;
	uint8_t is_initiator; // the hub began this exchange
	uint16_t enc_alg; // IKEv2 transform IDs, type 1 (RFC 7296 section 3.3.2)
	uint16_t auth_alg; // type 3; 0 or 1024: none, of an AEAD
	uint16_t enc_key_bytes, auth_key_bytes;
	uint16_t replay_window; // packets, as configured at the IKE daemon; the hub has its own
	uint16_t reserved;
	uint32_t ike_id; // the IKE daemon's unique id of the IKE SA
	uint32_t reserved2;
	struct nave_ike_host local_ts, remote_ts; // the first traffic selector of either side
	struct nave_ike_limits limits; // time limits are the plugin's
	uint8_t enc_key[NAVE_IKE_ENC_KEY_MAX];
	uint8_t auth_key[NAVE_IKE_AUTH_KEY_MAX];
	char connection[NAVE_IKE_NAME_MAX];
	char identity[NAVE_IKE_IDENTITY_MAX]; // that the peer proved, as swanctl writes it
};

struct nave_ike_update_sa { // the peer, or the hub, is at another address or port
	struct nave_ike_header h;
	struct nave_ike_sa_name sa;
	struct nave_ike_host new_src, new_dst;
	uint8_t is_udp; // from now on
	uint8_t reserved[7];
};

struct nave_ike_name_sa { // QUERY_SA, DEL_SA
	struct nave_ike_header h;
	struct nave_ike_sa_name sa;
};

struct nave_ike_result {
	struct nave_ike_header h;
	uint8_t status; // enum nave_ike_status
	uint8_t reserved[3];
	uint32_t spi; // GET_SPI
	uint64_t packets, bytes; // QUERY_SA: of this SA
	uint32_t idle_s; // QUERY_SA: since its last packet; UINT32_MAX: there was none
	uint32_t reserved2;
	char reason[NAVE_IKE_REASON_MAX]; // of a status other than OK, for the IKE daemon's log
};

struct nave_ike_expire { // sequence numbers, bytes or packets; or the hub wants this SA to end
	struct nave_ike_header h;
	struct nave_ike_sa_name sa;
	uint8_t is_hard;
	uint8_t reserved[7];
};

struct nave_ike_mapping { // authenticated packets of the inbound SA come from another address or port
	struct nave_ike_header h;
	struct nave_ike_sa_name sa; // src: as before
	struct nave_ike_host new_src;
};

union nave_ike_message { // to receive into
	struct nave_ike_header h;
	struct nave_ike_hello hello;
	struct nave_ike_sync sync;
	struct nave_ike_get_spi get_spi;
	struct nave_ike_add_sa add_sa;
	struct nave_ike_update_sa update_sa;
	struct nave_ike_name_sa name_sa;
	struct nave_ike_result result;
	struct nave_ike_expire expire;
	struct nave_ike_mapping mapping;
	uint8_t bytes[NAVE_IKE_MESSAGE_MAX];
};

// No padding that a compiler chose, so that no octet of a message is unset and both ends agree.
_Static_assert(sizeof(struct nave_ike_host) == 20, "host");
_Static_assert(sizeof(struct nave_ike_sa_name) == 48, "name of an SA");
_Static_assert(sizeof(struct nave_ike_sync) == 8 + 4 + 48 * NAVE_IKE_SYNC_MAX, "SYNC");
_Static_assert(sizeof(struct nave_ike_add_sa) == 8 + 48 + 4 + 12 + 8 + 40 + 32 + 64 + 64 + 64 + 256, "ADD_SA");
_Static_assert(sizeof(struct nave_ike_update_sa) == 104, "UPDATE_SA");
_Static_assert(sizeof(struct nave_ike_result) == 200, "RESULT");
_Static_assert(sizeof(struct nave_ike_expire) == 64, "EXPIRE");
_Static_assert(sizeof(struct nave_ike_mapping) == 76, "MAPPING");
_Static_assert(sizeof(union nave_ike_message) == NAVE_IKE_MESSAGE_MAX, "largest message");

// The length that a message of this type has; 0: no such type.
static inline uint16_t nave_ike_len_bytes(uint8_t type) {
	switch (type) {
	case NAVE_IKE_HELLO:
		return sizeof(struct nave_ike_hello);
	case NAVE_IKE_SYNC:
		return sizeof(struct nave_ike_sync);
	case NAVE_IKE_GET_SPI:
		return sizeof(struct nave_ike_get_spi);
	case NAVE_IKE_ADD_SA:
		return sizeof(struct nave_ike_add_sa);
	case NAVE_IKE_UPDATE_SA:
		return sizeof(struct nave_ike_update_sa);
	case NAVE_IKE_QUERY_SA:
	case NAVE_IKE_DEL_SA:
		return sizeof(struct nave_ike_name_sa);
	case NAVE_IKE_FLUSH:
		return sizeof(struct nave_ike_header);
	case NAVE_IKE_RESULT:
		return sizeof(struct nave_ike_result);
	case NAVE_IKE_EXPIRE:
		return sizeof(struct nave_ike_expire);
	case NAVE_IKE_MAPPING:
		return sizeof(struct nave_ike_mapping);
	default:
		return 0;
	}
}
