// SPDX-License-Identifier: BSD-3-Clause
// Messages of real peers field by field (the expectations are tshark's reading of the same packets), messages of our
// own there and back, and what cannot be encoded.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "nhrp_msg.h"
#include "nhrp_samples.h"
#include "vectors.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

// cies: "code/prefix/mtu/hold nbma protocol", one after the other; exts: "type:length".
static const struct {
	const char *name;
	uint8_t type, hop_count;
	uint16_t flags;
	uint32_t request_id;
	const char *src_nbma, *src_protocol, *dst_protocol, *cies, *exts;
	uint16_t error_code, payload_len_bytes;
} vectors[] = {
	{"frr-registration-request", 3, 1, 0x0002, 1, "10.0.0.11", "172.16.0.11", "172.16.0.11", "0/32/0/7200 - -; ",
		"4:0 5:0 3:0 9:20 ", 0, 0},
	{"frr-registration-reply", 4, 64, 0x0002, 1, "10.0.0.11", "172.16.0.11", "172.16.0.1", "0/32/0/7200 - -; ",
		"4:0 5:0 3:20 9:20 ", 0, 0},
	{"frr-registration-request-known-nhs", 3, 1, 0x0002, 1, "10.0.0.11", "172.16.0.11", "172.16.0.1",
		"0/32/0/7200 - -; ", "4:0 5:0 3:0 9:20 ", 0, 0},
	{"frr-registration-request-auth", 3, 1, 0x0002, 1, "10.0.0.11", "172.16.0.11", "172.16.0.11", "0/32/0/30 - -; ",
		"4:0 5:0 3:0 9:20 7:11 ", 0, 0},
	{"frr-registration-reply-auth", 4, 64, 0x0002, 1, "10.0.0.11", "172.16.0.11", "172.16.0.1", "0/32/0/30 - -; ",
		"4:0 5:0 3:20 9:20 7:11 ", 0, 0},
	{"frr-registration-request-unique", 3, 1, 0x8002, 1, "10.0.0.13", "172.16.0.13", "172.16.0.13",
		"0/255/0/30 - -; ", "4:0 5:0 3:0 9:20 7:11 ", 0, 0},
	{"frr-registration-reply-behind-nat", 4, 64, 0x0002, 1, "10.1.0.13", "172.16.0.13", "172.16.0.1",
		"0/32/0/60 - -; ", "4:0 5:0 3:20 9:40 ", 0, 0},
	{"frr-traffic-indication", 8, 1, 0, 0, "10.0.0.1", "172.16.0.1", "192.168.11.1", "", "", 0, 84},
	{"frr-traffic-indication-auth", 8, 1, 0, 0, "10.0.0.1", "172.16.0.1", "192.168.11.1", "", "7:11 ", 0, 84},
	{"frr-resolution-request", 1, 64, 0xc802, 2, "10.0.0.12", "172.16.0.12", "192.168.11.1", "0/32/0/7200 - -; ",
		"4:0 5:0 3:0 9:0 ", 0, 0},
	{"frr-resolution-request-forwarded", 1, 63, 0xc802, 2, "10.0.0.11", "172.16.0.11", "192.168.12.1",
		"0/32/0/7200 - -; ", "4:20 5:0 3:0 9:0 ", 0, 0},
	{"frr-resolution-reply", 2, 64, 0xe800, 2, "10.0.0.12", "172.16.0.12", "192.168.11.1",
		"0/24/0/7200 10.0.0.11 172.16.0.11; ", "4:20 5:0 3:20 9:0 ", 0, 0},
	{"frr-resolution-reply-forwarded", 2, 64, 0xe800, 2, "10.0.0.11", "172.16.0.11", "192.168.12.1",
		"0/24/0/7200 10.0.0.12 172.16.0.12; ", "4:20 5:0 3:20 9:0 ", 0, 0},
	{"frr-error-authentication", 7, 0, 0, 0, "10.0.0.13", "172.16.0.13", "172.16.0.13", "", "", 11, 40},
	{"frr-error-on-error", 7, 0, 0, 0, "10.0.0.13", "172.16.0.13", "172.16.0.13", "", "", 11, 40},
	{"opennhrp-registration-request", 3, 16, 0x8002, 1, "10.0.0.11", "172.16.0.11", "172.16.0.1",
		"0/255/0/60 - -; ", "4:0 5:0 3:0 9:20 7:11 ", 0, 0},
	{"opennhrp-registration-reply", 4, 16, 0x8002, 1, "10.0.0.11", "172.16.0.11", "172.16.0.1", "0/255/0/60 - -; ",
		"4:0 5:0 3:20 9:20 7:11 ", 0, 0},
	{"opennhrp-purge-request", 5, 16, 0, 2, "10.0.0.11", "172.16.0.11", "172.16.0.1",
		"0/32/0/0 - 192.168.11.255; 0/32/0/0 - 192.168.11.1; 0/24/0/0 - 192.168.11.0; ", "4:0 5:0 3:0 7:11 ", 0,
		0},
	{"opennhrp-purge-reply", 6, 16, 0, 2, "10.0.0.11", "172.16.0.11", "172.16.0.1",
		"0/32/0/0 - 192.168.11.255; 0/32/0/0 - 192.168.11.1; 0/24/0/0 - 192.168.11.0; ", "4:0 5:0 3:20 7:11 ",
		0, 0},
	{"opennhrp-traffic-indication", 8, 0, 0, 0, "10.0.0.1", "172.16.0.1", "192.168.11.1", "", "4:0 7:11 ", 0, 68},
	{"opennhrp-error-unreachable", 7, 0, 0, 0, "10.0.0.1", "172.16.0.1", "172.16.0.12", "", "4:0 7:11 ", 6, 87},
};

static void cies_format(const struct nhrp_msg *m, char *out, size_t cap) {
	char nbma[ADDR_STRLEN], protocol[ADDR_STRLEN];
	size_t at = 0;

	out[0] = '\0';
	for (unsigned i = 0; i < m->n_cies; i++) {
		const struct nhrp_cie *c = &m->cies[i];

		at += (size_t)snprintf(out + at, cap - at, "%u/%u/%u/%u %s %s; ", c->code, c->prefix_len, c->mtu,
			c->holding_time_s, addr_format(&c->nbma, nbma), addr_format(&c->protocol, protocol));
		assert_true(at < cap);
	}
}

static void exts_format(const struct nhrp_msg *m, char *out, size_t cap) {
	size_t at = 0;

	out[0] = '\0';
	for (unsigned i = 0; i < m->n_exts; i++) {
		at += (size_t)snprintf(out + at, cap - at, "%u:%u ", m->exts[i].type, m->exts[i].len_bytes);
		assert_true(at < cap);
	}
}

static void check_addr(const struct addr *a, const char *want) {
	char text[ADDR_STRLEN];

	assert_string_equal(addr_format(a, text), want);
}

static void test_vectors_field_by_field(void **state) {
	(void)state;
	for (unsigned i = 0; i < COUNT(vectors); i++) {
		uint8_t bytes[512];
		size_t len = vector_load(vectors[i].name, bytes, sizeof(bytes));
		struct nhrp_msg m;
		char text[512];

		print_message("%s\n", vectors[i].name);
		assert_int_equal(nhrp_msg_decode(bytes, len, &m), NHRP_ERR_NONE);
		assert_int_equal(m.type, vectors[i].type);
		assert_int_equal(m.hop_count, vectors[i].hop_count);
		assert_int_equal(m.flags, vectors[i].flags);
		assert_int_equal(m.request_id, vectors[i].request_id);
		check_addr(&m.src_nbma, vectors[i].src_nbma);
		check_addr(&m.src_protocol, vectors[i].src_protocol);
		check_addr(&m.dst_protocol, vectors[i].dst_protocol);
		cies_format(&m, text, sizeof(text));
		assert_string_equal(text, vectors[i].cies);
		exts_format(&m, text, sizeof(text));
		assert_string_equal(text, vectors[i].exts);
		assert_int_equal(m.error_code, vectors[i].error_code);
		assert_int_equal(m.payload_len_bytes, vectors[i].payload_len_bytes);
		assert_int_equal(m.has_end, m.has_extensions);
	}
}

static void encodes_to_itself(const char *name, const uint8_t *bytes, size_t len) {
	uint8_t again[512];
	struct nhrp_msg m;
	int n;

	assert_int_equal(nhrp_msg_decode(bytes, len, &m), NHRP_ERR_NONE);
	n = nhrp_msg_encode(&m, again, sizeof(again));
	if (!strcmp(name, "opennhrp-error-unreachable")) { // 16 zero bytes behind End
		assert_int_equal(n, len - 16);
		return;
	}
	if ((size_t)n != len || memcmp(again, bytes, len))
		fail_msg("%s does not come back as it was", name);
}

static void test_vectors_encode_to_themselves(void **state) {
	(void)state;
	assert_int_equal(vector_each(encodes_to_itself), COUNT(vectors));
}

static void check_same_cies(const struct nhrp_msg *a, const struct nhrp_msg *b) {
	assert_int_equal(a->n_cies, b->n_cies);
	for (unsigned i = 0; i < a->n_cies; i++) {
		const struct nhrp_cie *x = &a->cies[i], *y = &b->cies[i];

		assert_true(x->code == y->code && x->prefix_len == y->prefix_len && x->unused == y->unused &&
			    x->mtu == y->mtu && x->holding_time_s == y->holding_time_s &&
			    x->preference == y->preference && x->subaddr_len == y->subaddr_len);
		assert_true(addr_eq(&x->nbma, &y->nbma) && addr_eq(&x->protocol, &y->protocol));
	}
}

static void check_same(const struct nhrp_msg *a, const struct nhrp_msg *b) {
	assert_true(a->nbma_family == b->nbma_family && a->protocol_family == b->protocol_family);
	assert_true(a->hop_count == b->hop_count && a->type == b->type && a->flags == b->flags);
	assert_true(a->request_id == b->request_id && a->error_code == b->error_code);
	assert_true(addr_eq(&a->src_nbma, &b->src_nbma) && addr_eq(&a->src_protocol, &b->src_protocol) &&
		    addr_eq(&a->dst_protocol, &b->dst_protocol));
	assert_int_equal(a->payload_len_bytes, b->payload_len_bytes);
	if (a->payload_len_bytes)
		assert_memory_equal(a->payload, b->payload, a->payload_len_bytes);
	check_same_cies(a, b);
	assert_true(a->has_extensions == b->has_extensions && a->n_exts == b->n_exts);
	for (unsigned i = 0; i < a->n_exts; i++) {
		const struct nhrp_ext *x = &a->exts[i], *y = &b->exts[i];

		assert_true(x->type == y->type && x->compulsory == y->compulsory && x->len_bytes == y->len_bytes);
		assert_memory_equal(x->value, y->value, x->len_bytes);
	}
}

static void test_every_type_and_family_there_and_back(void **state) {
	struct nhrp_sample s;
	struct nhrp_msg m;
	uint8_t bytes[NHRP_PACKET_MAX];

	(void)state;
	for (unsigned i = 0; i < NHRP_SAMPLES; i++) {
		int n;

		nhrp_sample_build(i, &s);
		n = nhrp_msg_encode(&s.msg, bytes, sizeof(bytes));
		assert_true(n > 0);
		memset(&m, 0xa5, sizeof(m)); // nothing may shine through
		assert_int_equal(nhrp_msg_decode(bytes, (size_t)n, &m), NHRP_ERR_NONE);
		check_same(&s.msg, &m);
		for (int cap = 0; cap < n; cap++)
			assert_int_equal(nhrp_msg_encode(&s.msg, bytes, (size_t)cap), -ENOSPC);
		assert_int_equal(nhrp_msg_encode(&s.msg, bytes, (size_t)n), n);
	}
}

static struct nhrp_msg minimal(void) {
	struct nhrp_msg m;

	nhrp_msg_init(&m, NHRP_REGISTRATION_REQUEST, ADDR_IPV4, ADDR_IPV6);
	m.src_nbma = addr_ipv4(0x0a000001);
	addr_parse("2001:db8::1", &m.src_protocol);
	addr_parse("2001:db8::2", &m.dst_protocol);
	m.cies[m.n_cies++] = (struct nhrp_cie){.prefix_len = 128};
	return m;
}

static void test_what_cannot_be_said_is_refused(void **state) {
	const struct addr v4 = addr_ipv4(1), none = {0}, v6 = {.family = ADDR_IPV6};
	const struct nhrp_msg good = minimal();
	uint8_t bytes[NHRP_PACKET_MAX];
	struct nhrp_msg m = good;

	(void)state;
	assert_int_equal(nhrp_msg_encode(&m, bytes, sizeof(bytes)), 20 + 8 + 4 + 16 + 16 + 12);
#define REFUSED(field, value) \
	do { \
		m = good; \
		m.field = (value); \
		assert_int_equal(nhrp_msg_encode(&m, bytes, sizeof(bytes)), -EINVAL); \
	} while (0)
	REFUSED(type, 0);
	REFUSED(type, 9);
	REFUSED(nbma_family, ADDR_NONE);
	REFUSED(protocol_family, ADDR_NONE);
	REFUSED(src_nbma, v6);
	REFUSED(src_protocol, v4);
	REFUSED(src_protocol, none);
	REFUSED(dst_protocol, v4);
	REFUSED(dst_protocol, none);
	REFUSED(cies[0].nbma, v6);
	REFUSED(cies[0].protocol, v4);
	REFUSED(cies[0].subaddr_len, NHRP_SUBADDR_MAX + 1);
	REFUSED(src_subaddr_len, NHRP_SUBADDR_MAX + 1);
	REFUSED(n_cies, NHRP_CIE_MAX + 1);
	REFUSED(n_exts, NHRP_EXT_MAX + 1);
#undef REFUSED
	m = good;
	m.src_nbma = none; // length 0: the sender does not say
	assert_int_equal(nhrp_msg_encode(&m, bytes, sizeof(bytes)), 20 + 8 + 16 + 16 + 12);
}

static void test_a_message_longer_than_pktsz_can_say_is_refused(void **state) {
	static uint8_t value[65000], out[80000];
	struct nhrp_msg m = minimal();

	(void)state;
	assert_int_equal(nhrp_ext_add(&m, NHRP_EXT_VENDOR_PRIVATE, false, value, sizeof(value)), 0);
	assert_true(nhrp_msg_encode(&m, out, sizeof(out)) > 65000);
	assert_int_equal(nhrp_ext_add(&m, NHRP_EXT_VENDOR_PRIVATE, false, value, 1000), 0);
	assert_int_equal(nhrp_msg_encode(&m, out, sizeof(out)), -ENOSPC);
}

static void test_subaddresses(void **state) {
	struct nhrp_msg m = minimal(), back;
	uint8_t bytes[256];
	int n;

	(void)state;
	m.src_nbma_tl = m.src_subaddr_tl = 0x40; // E.164
	m.src_subaddr_len = 8;
	memcpy(m.src_subaddr, "12345678", 8);
	m.cies[0].subaddr_tl = 0x40;
	m.cies[0].subaddr_len = 3;
	memcpy(m.cies[0].subaddr, "abc", 3);
	n = nhrp_msg_encode(&m, bytes, sizeof(bytes));
	assert_int_equal(n, 76 + 8 + 3);
	assert_int_equal(bytes[18], 0x44);
	assert_int_equal(bytes[19], 0x48);
	assert_memory_equal(bytes + 32, "12345678", 8);
	assert_int_equal(bytes[72 + 9], 0x43);
	assert_int_equal(nhrp_msg_decode(bytes, (size_t)n, &back), NHRP_ERR_NONE);
	assert_int_equal(back.src_subaddr_len, 8);
	assert_memory_equal(back.src_subaddr, "12345678", 8);
	assert_int_equal(back.cies[0].subaddr_len, 3);
	assert_memory_equal(back.cies[0].subaddr, "abc", 3);
	assert_true(addr_eq(&back.src_protocol, &m.src_protocol));
}

static void test_copy_takes_what_is_valid(void **state) {
	struct nhrp_sample s;
	struct nhrp_msg copy;

	(void)state;
	nhrp_sample_build(8 * (NHRP_RESOLUTION_REPLY - 1) + 4, &s);
	memset(&copy, 0xa5, sizeof(copy));
	nhrp_msg_copy(&copy, &s.msg);
	check_same(&s.msg, &copy);
	assert_int_equal(copy.cies[copy.n_cies].code, 0xa5);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors_field_by_field),
		cmocka_unit_test(test_vectors_encode_to_themselves),
		cmocka_unit_test(test_every_type_and_family_there_and_back),
		cmocka_unit_test(test_what_cannot_be_said_is_refused),
		cmocka_unit_test(test_a_message_longer_than_pktsz_can_say_is_refused),
		cmocka_unit_test(test_subaddresses),
		cmocka_unit_test(test_copy_takes_what_is_valid),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
