// SPDX-License-Identifier: BSD-3-Clause
// Addresses and prefixes of either family. A protocol address and an NBMA address are both a struct addr; their
// families are independent (RFC 2332 section 5.1: ar$afn and ar$pro.type).
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum addr_family {
	ADDR_NONE = 0,
	ADDR_IPV4 = 4,
	ADDR_IPV6 = 6,
};

struct addr {
	uint8_t family; // enum addr_family
	uint8_t bytes[16]; // network order; beyond the family's length always zero, so that whole structs compare
};

struct prefix {
	struct addr addr; // host bits zero
	uint8_t len_bits;
};

#define ADDR_STRLEN 46 // INET6_ADDRSTRLEN
#define PREFIX_STRLEN 50

static inline uint8_t addr_len_bytes(uint8_t family) {
	return family == ADDR_IPV4 ? 4 : family == ADDR_IPV6 ? 16 : 0;
}

static inline struct addr addr_from_bytes(uint8_t family, const uint8_t *bytes) {
	struct addr a = {.family = family};

	memcpy(a.bytes, bytes, addr_len_bytes(family));
	return a;
}

// host_order: 0x0a000001 is 10.0.0.1.
static inline struct addr addr_ipv4(uint32_t host_order) {
	return (struct addr){ADDR_IPV4, {host_order >> 24, host_order >> 16, host_order >> 8, host_order}};
}

// Host order; only for IPv4.
static inline uint32_t addr_to_u32(const struct addr *a) {
	return (uint32_t)a->bytes[0] << 24 | (uint32_t)a->bytes[1] << 16 | (uint32_t)a->bytes[2] << 8 | a->bytes[3];
}

static inline bool addr_eq(const struct addr *a, const struct addr *b) {
	return memcmp(a, b, sizeof(*a)) == 0;
}

bool addr_is_zero(const struct addr *a); // ADDR_NONE, 0.0.0.0 or ::
bool addr_is_multicast(const struct addr *a);
bool addr_is_link_local(const struct addr *a);
bool addr_is_loopback(const struct addr *a);

// Returns 0, or -EINVAL when text is not an address of either family.
int addr_parse(const char *text, struct addr *out);
// "10.0.0.0/8"; without a slash, the host prefix. Host bits are cleared in out. -EINVAL as above.
int prefix_parse(const char *text, struct prefix *out);
// Address and prefix length kept as written: "192.0.2.1/24" -> 192.0.2.1 and 24.
int addr_parse_with_len(const char *text, struct addr *out, uint8_t *len_bits);

// Both return buf.
char *addr_format(const struct addr *a, char buf[static ADDR_STRLEN]);
char *prefix_format(const struct prefix *p, char buf[static PREFIX_STRLEN]);

struct prefix prefix_of(const struct addr *a, uint8_t len_bits); // clears the host bits
struct prefix prefix_host(const struct addr *a);
bool prefix_contains(const struct prefix *p, const struct addr *a);
bool prefix_eq(const struct prefix *a, const struct prefix *b);

// For hash tables of the control core; not keyed against an attacker.
uint32_t addr_hash(const struct addr *a, uint32_t seed);
