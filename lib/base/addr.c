// SPDX-License-Identifier: BSD-3-Clause
#include "addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

bool addr_is_zero(const struct addr *a) {
	static const uint8_t zero[16];

	return memcmp(a->bytes, zero, sizeof(zero)) == 0;
}

bool addr_is_multicast(const struct addr *a) {
	return a->family == ADDR_IPV4 ? (a->bytes[0] & 0xf0) == 0xe0 : a->family == ADDR_IPV6 && a->bytes[0] == 0xff;
}

bool addr_is_link_local(const struct addr *a) {
	if (a->family == ADDR_IPV4)
		return a->bytes[0] == 169 && a->bytes[1] == 254;
	return a->family == ADDR_IPV6 && a->bytes[0] == 0xfe && (a->bytes[1] & 0xc0) == 0x80;
}

bool addr_is_loopback(const struct addr *a) {
	static const uint8_t one[16] = {[15] = 1};

	return a->family == ADDR_IPV4 ? a->bytes[0] == 127 : a->family == ADDR_IPV6 && memcmp(a->bytes, one, 16) == 0;
}

int addr_parse(const char *text, struct addr *out) {
	*out = (struct addr){0};
	if (inet_pton(AF_INET, text, out->bytes) == 1) {
		out->family = ADDR_IPV4;
		return 0;
	}
	if (inet_pton(AF_INET6, text, out->bytes) == 1) {
		out->family = ADDR_IPV6;
		return 0;
	}
	*out = (struct addr){0};
	return -EINVAL;
}

int addr_parse_with_len(const char *text, struct addr *out, uint8_t *len_bits) {
	char host[ADDR_STRLEN];
	const char *slash = strchr(text, '/');
	size_t n = slash ? (size_t)(slash - text) : strlen(text);
	char *end;

	if (n >= sizeof(host))
		return -EINVAL;
	memcpy(host, text, n);
	host[n] = '\0';
	if (addr_parse(host, out) < 0)
		return -EINVAL;
	*len_bits = addr_len_bytes(out->family) * 8;
	if (slash) {
		unsigned long v = slash[1] >= '0' && slash[1] <= '9' ? strtoul(slash + 1, &end, 10) : 999;

		if (v > *len_bits || *end)
			return -EINVAL;
		*len_bits = v;
	}
	return 0;
}

int prefix_parse(const char *text, struct prefix *out) {
	struct addr a;
	uint8_t len;

	if (addr_parse_with_len(text, &a, &len) < 0)
		return -EINVAL;
	*out = prefix_of(&a, len);
	return 0;
}

char *addr_format(const struct addr *a, char buf[static ADDR_STRLEN]) {
	if (a->family == ADDR_NONE ||
		!inet_ntop(a->family == ADDR_IPV4 ? AF_INET : AF_INET6, a->bytes, buf, ADDR_STRLEN))
		memcpy(buf, "-", 2);
	return buf;
}

char *prefix_format(const struct prefix *p, char buf[static PREFIX_STRLEN]) {
	size_t n;

	addr_format(&p->addr, buf);
	n = strlen(buf);
	snprintf(buf + n, PREFIX_STRLEN - n, "/%u", p->len_bits);
	return buf;
}

struct prefix prefix_of(const struct addr *a, uint8_t len_bits) {
	struct prefix p = {*a, len_bits};

	for (unsigned i = 0; i < sizeof(p.addr.bytes); i++) {
		unsigned kept = len_bits > 8 * i ? len_bits - 8 * i : 0;

		p.addr.bytes[i] &= kept >= 8 ? 0xff : (uint8_t)(0xff00 >> kept);
	}
	return p;
}

struct prefix prefix_host(const struct addr *a) {
	return (struct prefix){*a, addr_len_bytes(a->family) * 8};
}

bool prefix_contains(const struct prefix *p, const struct addr *a) {
	struct prefix q = prefix_of(a, p->len_bits);

	return addr_eq(&p->addr, &q.addr);
}

bool prefix_eq(const struct prefix *a, const struct prefix *b) {
	return a->len_bits == b->len_bits && addr_eq(&a->addr, &b->addr);
}

uint32_t addr_hash(const struct addr *a, uint32_t seed) {
	uint64_t h = 0xcbf29ce484222325ull ^ seed;

	for (unsigned i = 0; i < sizeof(*a); i++)
		h = (h ^ ((const uint8_t *)a)[i]) * 0x100000001b3ull;
	return h ^ h >> 32;
}
