// SPDX-License-Identifier: BSD-3-Clause
#include "nhrp_samples.h"

#include "checksum.h"
#include "cursor.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static struct addr address(uint8_t family, const char *ipv4, const char *ipv6) {
	struct addr a;

	assert_int_equal(addr_parse(family == ADDR_IPV4 ? ipv4 : ipv6, &a), 0);
	return a;
}

static struct nhrp_cie cie(const struct nhrp_msg *m, bool with_nbma, bool with_protocol) {
	struct nhrp_cie c = {.mtu = 17916, .holding_time_s = 600, .preference = 9};

	c.prefix_len = 0xff;
	if (with_nbma)
		c.nbma = address(m->nbma_family, "192.0.2.1", "2001:db8:f::1");
	if (with_protocol)
		c.protocol = address(m->protocol_family, "10.255.0.1", "2001:db8:ff::1");
	return c;
}

static void ext_add_bytes(struct nhrp_sample *s, uint16_t type, bool compulsory, const uint8_t *bytes, uint16_t len) {
	uint8_t *at = s->values + s->values_len;

	assert_true(s->values_len + len <= sizeof(s->values));
	memcpy(at, bytes, len);
	s->values_len += len;
	assert_int_equal(nhrp_ext_add(&s->msg, type, compulsory, at, len), 0);
}

static void ext_add_cies(struct nhrp_sample *s, uint16_t type, bool compulsory, unsigned n) {
	struct nhrp_cie cies[2] = {cie(&s->msg, true, true), cie(&s->msg, true, true)};
	uint8_t bytes[256];
	int len = nhrp_cies_encode(&s->msg, cies, n, bytes, sizeof(bytes));

	assert_true(len >= 0);
	ext_add_bytes(s, type, compulsory, bytes, (uint16_t)len);
}

// In FRR's order: 4, 5, 3, 9, 7, and what it does not have before the last.
static void extensions(struct nhrp_sample *s) {
	static const uint8_t auth[] = {0, 0, 0, 1, 's', 'e', 'c', 'r', 'e', 't'};
	static const uint8_t mobile_auth[4 + 16 + 8] = {[3] = 1}; // SPI, source address, digest: RFC 2520
	static const uint8_t vendor[] = {0x00, 0x00, 0x0c, 1, 2, 3, 4, 5};
	static const uint8_t device_capabilities[] = {0, 0, 0, 1, 0, 0, 0, 0};
	bool is_reply = s->msg.type == NHRP_RESOLUTION_REPLY || s->msg.type == NHRP_REGISTRATION_REPLY ||
			s->msg.type == NHRP_PURGE_REPLY;

	ext_add_cies(s, NHRP_EXT_FORWARD_TRANSIT, true, is_reply ? 2 : 1);
	ext_add_cies(s, NHRP_EXT_REVERSE_TRANSIT, true, is_reply ? 1 : 0);
	ext_add_cies(s, NHRP_EXT_RESPONDER_ADDRESS, true, is_reply);
	if (s->msg.type == NHRP_PURGE_REQUEST)
		ext_add_bytes(s, NHRP_EXT_NAT_ADDRESS, false, device_capabilities, sizeof(device_capabilities));
	else
		ext_add_cies(s, NHRP_EXT_NAT_ADDRESS, false, is_reply + 1);
	ext_add_bytes(s, NHRP_EXT_VENDOR_PRIVATE, false, vendor, sizeof(vendor));
	ext_add_bytes(s, NHRP_EXT_VENDOR_PRIVATE, false, vendor, 3);
	ext_add_bytes(s, NHRP_EXT_MOBILE_AUTH, false, mobile_auth, sizeof(mobile_auth));
	ext_add_bytes(s, NHRP_EXT_AUTHENTICATION, true, auth, sizeof(auth));
}

// A whole UDP packet, so that the judge can dissect what is quoted.
static uint16_t quote_udp(struct nhrp_sample *s, uint8_t family) {
	struct addr from = address(family, "10.1.0.1", "2001:db8:1::1"),
		    to = address(family, "10.2.0.1", "2001:db8:2::1");
	struct cursor_out c = cursor_out_of(s->quoted, sizeof(s->quoted));
	const uint16_t udp_len = 64;
	uint64_t pseudo;
	uint8_t *udp;
	uint16_t sum;

	cursor_push_u32(&c, family == ADDR_IPV4 ? 0x45000000u + 20 + udp_len : 0x60000000u);
	cursor_push_u32(&c, family == ADDR_IPV4 ? 0 : (uint32_t)udp_len << 16 | 17 << 8 | 63);
	if (family == ADDR_IPV4)
		cursor_push_u32(&c, 63u << 24 | 17 << 16);
	cursor_push(&c, from.bytes, addr_len_bytes(family));
	cursor_push(&c, to.bytes, addr_len_bytes(family));
	if (family == ADDR_IPV4) {
		sum = checksum(s->quoted, 20);
		memcpy(s->quoted + 10, &sum, 2);
	}
	udp = cursor_push_room(&c, udp_len);
	assert_non_null(udp);
	memset(udp, 0, udp_len);
	memcpy(udp, "\xc0\x00\xc0\x01\x00\x40", 6); // ports 49152 and 49153, length 64
	pseudo = checksum_add((const uint8_t[]){0, 17, 0, (uint8_t)udp_len}, 4, 0);
	pseudo = checksum_add(from.bytes, 16, checksum_add(to.bytes, 16, pseudo));
	sum = (uint16_t)~checksum_fold(checksum_add(udp, udp_len, pseudo));
	memcpy(udp + 6, &sum, 2);
	return (uint16_t)cursor_out_len(&c);
}

// An Error Indication quotes an NHRP message, a Traffic Indication a data packet.
static void quote(struct nhrp_sample *s) {
	struct nhrp_msg *m = &s->msg;

	m->payload = s->quoted;
	if (m->type == NHRP_TRAFFIC_INDICATION) {
		m->payload_len_bytes = quote_udp(s, m->protocol_family);
	} else {
		struct nhrp_msg request;
		int len;

		nhrp_msg_init(&request, NHRP_REGISTRATION_REQUEST, m->nbma_family, m->protocol_family);
		request.src_nbma = m->src_nbma;
		request.src_protocol = m->src_protocol;
		request.dst_protocol = m->dst_protocol;
		request.cies[request.n_cies++] = cie(m, false, false);
		len = nhrp_msg_encode(&request, s->quoted, sizeof(s->quoted));
		assert_true(len > 0);
		m->payload_len_bytes = (uint16_t)len;
		m->error_code = NHRP_ERROR_AUTHENTICATION;
	}
}

static void content(struct nhrp_sample *s) {
	struct nhrp_msg *m = &s->msg;

	switch (m->type) {
	case NHRP_RESOLUTION_REQUEST:
		m->flags = NHRP_RESOLUTION_Q | NHRP_RESOLUTION_A | NHRP_RESOLUTION_S | NHRP_FLAG_NAT;
		m->cies[m->n_cies++] = cie(m, false, false);
		break;
	case NHRP_RESOLUTION_REPLY:
		m->flags =
			NHRP_RESOLUTION_Q | NHRP_RESOLUTION_A | NHRP_RESOLUTION_D | NHRP_RESOLUTION_S | NHRP_FLAG_NAT;
		m->cies[m->n_cies++] = cie(m, true, true);
		m->cies[m->n_cies++] = cie(m, true, true);
		break;
	case NHRP_REGISTRATION_REQUEST:
	case NHRP_REGISTRATION_REPLY:
		m->flags = NHRP_REGISTRATION_U | NHRP_FLAG_NAT;
		m->cies[m->n_cies++] = cie(m, false, false);
		if (m->type == NHRP_REGISTRATION_REPLY)
			m->cies[0].code = NHRP_CODE_UNIQUE_REGISTERED;
		break;
	case NHRP_PURGE_REQUEST:
	case NHRP_PURGE_REPLY:
		m->flags = m->type == NHRP_PURGE_REQUEST ? NHRP_PURGE_N : 0;
		m->cies[m->n_cies++] = cie(m, false, true);
		break;
	default:
		quote(s);
	}
}

void nhrp_sample_build(unsigned i, struct nhrp_sample *s) {
	struct nhrp_msg *m = &s->msg;

	s->values_len = 0;
	nhrp_msg_init(m, (uint8_t)(i / 8 + 1), i & 1 ? ADDR_IPV6 : ADDR_IPV4, i & 2 ? ADDR_IPV6 : ADDR_IPV4);
	m->hop_count = 255;
	m->src_nbma = address(m->nbma_family, "198.51.100.7", "2001:db8:e::7");
	m->src_protocol = address(m->protocol_family, "10.255.0.7", "2001:db8:ff::7");
	m->dst_protocol = address(m->protocol_family, "10.255.0.1", "2001:db8:ff::1");
	content(s);
	if (!nhrp_type_has_payload(m->type))
		m->request_id = 0x01020304 + i;
	if (i & 4 && m->type != NHRP_ERROR_INDICATION)
		extensions(s);
}
