// SPDX-License-Identifier: BSD-3-Clause
// NHRP messages, RFC 2332 section 5, with Cisco's additions (Traffic Indication, NAT address extension, plaintext
// authentication). No DPDK, no malloc, no clock: bytes in, struct out, and back.
//
// A decoded message borrows: extension values and the payload point into the caller's bytes, which must outlive it.
// Decoding then encoding gives the same bytes, unless the packet had link padding, subaddresses longer than
// NHRP_SUBADDR_MAX (they are dropped), a missing End extension, anything in End or behind it, or a non-zero
// ar$pro.snap.
//
// A message is 2 KB, so nobody clears it whole: nhrp_msg_init() and nhrp_msg_decode() set everything before cies[];
// of the arrays only the first n_cies and n_exts entries are valid, of a subaddress only its length.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "addr.h"

#define NHRP_HEADER_LEN 20
#define NHRP_CIE_MAX 32 // in one list; more is refused (NHRP_ERR_TOO_MANY_CIES)
#define NHRP_EXT_MAX 16
#define NHRP_SUBADDR_MAX 8
#define NHRP_PACKET_MAX 1500 // largest packet that we build

#define NHRP_AFN_IPV4 1
#define NHRP_AFN_IPV6 2
#define NHRP_PRO_IPV4 0x0800
#define NHRP_PRO_IPV6 0x86dd
#define NHRP_PRO_SNAP 0x0080

enum nhrp_type {
	NHRP_RESOLUTION_REQUEST = 1,
	NHRP_RESOLUTION_REPLY = 2,
	NHRP_REGISTRATION_REQUEST = 3,
	NHRP_REGISTRATION_REPLY = 4,
	NHRP_PURGE_REQUEST = 5,
	NHRP_PURGE_REPLY = 6,
	NHRP_ERROR_INDICATION = 7,
	NHRP_TRAFFIC_INDICATION = 8, // Cisco; not in RFC 2332
};

// Flags are scoped by message type: the same bit is Q in a Resolution and U in a Registration.
enum {
	NHRP_RESOLUTION_Q = 0x8000, // requester is a router
	NHRP_RESOLUTION_A = 0x4000, // authoritative
	NHRP_RESOLUTION_D = 0x2000, // destination stable
	NHRP_RESOLUTION_U = 0x1000, // unique
	NHRP_RESOLUTION_S = 0x0800, // source stable
	NHRP_REGISTRATION_U = 0x8000, // unique
	NHRP_PURGE_N = 0x8000, // no reply wanted
	NHRP_FLAG_NAT = 0x0002, // all types (Cisco): the NAT extension is understood
};

enum nhrp_code { // in a CIE
	NHRP_CODE_OK = 0,
	NHRP_CODE_ADMIN_PROHIBITED = 4,
	NHRP_CODE_NO_RESOURCES = 5,
	NHRP_CODE_NO_BINDING = 12,
	NHRP_CODE_NO_BINDING_FRR = 11, // FRR and OpenNHRP send this for 12: parse alike, never send
	NHRP_CODE_NOT_UNIQUE = 13,
	NHRP_CODE_UNIQUE_REGISTERED = 14,
};

enum nhrp_error_code { // in an Error Indication
	NHRP_ERROR_UNKNOWN_EXTENSION = 1,
	NHRP_ERROR_LOOP = 3,
	NHRP_ERROR_LOOP_FRR = 2,
	NHRP_ERROR_UNREACHABLE = 6,
	NHRP_ERROR_PROTOCOL = 7,
	NHRP_ERROR_SDU_SIZE = 8,
	NHRP_ERROR_INVALID_EXTENSION = 9,
	NHRP_ERROR_INVALID_REPLY = 10,
	NHRP_ERROR_AUTHENTICATION = 11,
	NHRP_ERROR_HOP_COUNT = 15,
};

enum nhrp_ext_type {
	NHRP_EXT_END = 0,
	NHRP_EXT_RESPONDER_ADDRESS = 3,
	NHRP_EXT_FORWARD_TRANSIT = 4,
	NHRP_EXT_REVERSE_TRANSIT = 5,
	NHRP_EXT_AUTHENTICATION = 7,
	NHRP_EXT_VENDOR_PRIVATE = 8,
	NHRP_EXT_NAT_ADDRESS = 9, // a value of 8 bytes is RFC 2735 Device Capabilities: see nhrp_ext_is_nat()
	NHRP_EXT_MOBILE_AUTH = 10,
};

// Why a packet was refused; one list makes enum, counter name and help text.
#define NHRP_DECODE_ERRORS(X) \
	X(TRUNCATED, "truncated", "shorter than its header, its pktsz or its fields say") \
	X(VERSION, "version", "op.version is not 1") \
	X(TYPE, "type", "op.type is not 1..8") \
	X(CHECKSUM, "checksum", "NHRP checksum wrong") \
	X(EXTENSION_OFFSET, "extension_offset", "extoff inside the header or past the packet") \
	X(ADDRESS_LENGTH, "address_length", \
		"an address length fits neither zero nor its family, or a T/L has bit 7 set") \
	X(PROTOCOL, "protocol", "ar$pro.type or ar$afn is not IPv4 or IPv6") \
	X(EXTENSION, "extension", "an extension overruns the packet") \
	X(CIE, "cie", "residue behind the last CIE, or a CIE that overruns its list") \
	X(TOO_MANY_CIES, "too_many_cies", "more CIEs than NHRP_CIE_MAX, or more extensions than NHRP_EXT_MAX")

enum nhrp_decode_error {
	NHRP_ERR_NONE,
#define X(name, counter, help) NHRP_ERR_##name,
	NHRP_DECODE_ERRORS(X)
#undef X
		NHRP_ERR_COUNT
};

const char *nhrp_decode_error_name(enum nhrp_decode_error e); // "checksum"
const char *nhrp_decode_error_help(enum nhrp_decode_error e);

// Client Information Entry, section 5.2.0.1.
struct nhrp_cie {
	uint8_t code; // enum nhrp_code
	uint8_t prefix_len; // as on the wire: 0 and 0xff mean host, see nhrp_cie_prefix_bits()
	uint16_t unused;
	uint16_t mtu; // 0: default
	uint16_t holding_time_s;
	uint8_t nbma_tl; // type bits of cli addr T/L as received, without the length
	uint8_t subaddr_tl; // likewise of cli saddr T/L
	uint8_t subaddr_len;
	uint8_t subaddr[NHRP_SUBADDR_MAX];
	uint8_t preference;
	struct addr nbma; // ADDR_NONE: length 0 on the wire
	struct addr protocol; // likewise
};

struct nhrp_ext {
	uint16_t type; // 14 bits
	bool compulsory;
	bool u_bit; // as received
	uint16_t len_bytes;
	const uint8_t *value; // borrowed
};

struct nhrp_msg {
	uint8_t nbma_family, protocol_family; // from ar$afn and ar$pro.type
	uint8_t hop_count;
	uint8_t type; // enum nhrp_type
	uint8_t src_nbma_tl; // type bit as received
	uint8_t src_subaddr_tl; // likewise
	uint8_t src_subaddr_len;
	uint8_t src_subaddr[NHRP_SUBADDR_MAX];
	uint16_t flags; // types 1..6
	uint32_t request_id; // types 1..6
	struct addr src_nbma, src_protocol, dst_protocol;

	uint16_t error_code, error_offset; // type 7; in type 8 the code is 0
	uint16_t error_unused; // "unused" of types 7 and 8, kept for re-encoding
	const uint8_t *payload; // types 7 and 8: head of the offending packet; borrowed
	uint16_t payload_len_bytes;

	bool has_extensions; // extoff was not 0
	bool has_end; // the list ended with End
	uint8_t n_cies, n_exts; // End is not counted
	// Everything above is cleared by nhrp_msg_init(), nothing below.
	struct nhrp_cie cies[NHRP_CIE_MAX]; // types 1..6
	struct nhrp_ext exts[NHRP_EXT_MAX]; // in the order of the wire
};

// Types 7 and 8 quote a packet (payload) and have no CIEs, flags and request id; the others the other way round.
static inline bool nhrp_type_has_payload(uint8_t type) {
	return type == NHRP_ERROR_INDICATION || type == NHRP_TRAFFIC_INDICATION;
}

// An empty message. Costs 100 bytes of stores, where `= {0}` costs the whole struct.
void nhrp_msg_init(struct nhrp_msg *msg, uint8_t type, uint8_t nbma_family, uint8_t protocol_family);
// Copies what is valid, so a reply can start as its request. Borrowed bytes are shared.
void nhrp_msg_copy(struct nhrp_msg *to, const struct nhrp_msg *from);

// len: bytes received behind the GRE header; what lies beyond pktsz is link padding and ignored.
// On an error out is partly filled: header fields that were read are valid, addresses that were not are ADDR_NONE.
enum nhrp_decode_error nhrp_msg_decode(const uint8_t *bytes, size_t len, struct nhrp_msg *out);

// Writes the packet with pktsz, extoff and checksum. Returns its length, or -ENOSPC, or -EINVAL for a message that
// cannot be said on the wire (an address of the wrong family, no protocol address). What a type has no place for is not
// written: see nhrp_type_has_payload().
int nhrp_msg_encode(const struct nhrp_msg *msg, uint8_t *out, size_t cap);

// The CIE list that is the value of an extension (3, 4, 5, 9). Returns how many, or -EINVAL, or -E2BIG past max.
// Families are those of the message, RFC 2332 section 5.3.1.
int nhrp_ext_cies(const struct nhrp_msg *msg, const struct nhrp_ext *ext, struct nhrp_cie *out, unsigned max);
// Encodes a CIE list as an extension value. Returns the length, or -ENOSPC, or -EINVAL for an address of the wrong
// family.
int nhrp_cies_encode(const struct nhrp_msg *msg, const struct nhrp_cie *cies, unsigned n, uint8_t *out, size_t cap);

const struct nhrp_ext *nhrp_ext_find(const struct nhrp_msg *msg, uint16_t type); // first of the type, or NULL
bool nhrp_ext_is_nat(const struct nhrp_ext *ext); // type 9 and not RFC 2735's 8 bytes
// Appends an extension; value is borrowed. -ENOSPC past NHRP_EXT_MAX.
int nhrp_ext_add(struct nhrp_msg *msg, uint16_t type, bool compulsory, const uint8_t *value, uint16_t len_bytes);
void nhrp_ext_remove(struct nhrp_msg *msg, uint16_t type); // all of the type, order of the others kept

// Prefix length in bits: 0, 0xff and the family's full length are the host prefix (section 5.2.0.1; Cisco sends 32).
// -EINVAL when longer than the family allows.
int nhrp_cie_prefix_bits(const struct nhrp_cie *cie, uint8_t protocol_family);

const char *nhrp_type_name(uint8_t type); // "Registration Request"
