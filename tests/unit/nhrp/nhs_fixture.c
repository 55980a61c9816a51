// SPDX-License-Identifier: BSD-3-Clause
#include "nhs_fixture.h"

#include <stdio.h>

#define NAT_FIRST_CIE \
	"002000000000000004000400" \
	"0a000001" \
	"00000000"

int nhs_fixture_setup(void **state) {
	struct nhs_fixture *f = calloc(1, sizeof(*f));

	f->now_ns = 1000 * NS_PER_S;
	f->conf.tunnel = 3;
	f->conf.nbma = addr_from("10.0.0.1");
	f->conf.protocol[0] = addr_from("172.16.0.1");
	f->conf.protocol[1] = addr_from("2001:db8::1");
	f->conf.subnet[0] = prefix_from("172.16.0.0/24");
	f->conf.subnet[1] = prefix_from("2001:db8::/64");
	f->conf.holding_time_s = 600;
	f->conf.mtu = 1400;
	f->conf.multicast_dynamic = true;
	*state = f;
	return nhs_init(&f->nhs, 64, f->now_ns);
}

int nhs_fixture_teardown(void **state) {
	struct nhs_fixture *f = *state;

	nhs_fini(&f->nhs);
	free(f);
	return 0;
}

struct addr addr_from(const char *text) {
	struct addr a;

	assert_int_equal(addr_parse(text, &a), 0);
	return a;
}

struct prefix prefix_from(const char *text) {
	struct prefix p;

	assert_int_equal(prefix_parse(text, &p), 0);
	return p;
}

size_t hex_bytes(const char *hex, uint8_t *out, size_t cap) {
	size_t n = strlen(hex) / 2;

	assert_true(n <= cap);
	for (size_t i = 0; i < n; i++) {
		const char byte[3] = {hex[2 * i], hex[2 * i + 1], 0};

		out[i] = (uint8_t)strtoul(byte, NULL, 16);
	}
	return n;
}

void secret_set(struct nhs_fixture *f, const char *secret) {
	snprintf(f->conf.authentication, sizeof(f->conf.authentication), "%s", secret);
}

static void request_start(struct nhs_fixture *f, uint8_t type, const char *protocol, const char *nbma) {
	struct nhrp_msg *m = &f->request;

	f->src.nbma = addr_from(nbma);
	nhrp_msg_init(m, type, f->src.nbma.family, addr_from(protocol).family);
	m->hop_count = 255;
	m->request_id = 77;
	m->src_nbma = f->src.nbma;
	m->src_protocol = addr_from(protocol);
	m->dst_protocol = f->conf.protocol[m->protocol_family == ADDR_IPV6];
}

void request_registration(struct nhs_fixture *f, const char *protocol, const char *nbma, bool unique) {
	static uint8_t nat[20];
	struct nhrp_msg *m = &f->request;

	request_start(f, NHRP_REGISTRATION_REQUEST, protocol, nbma);
	m->flags = NHRP_FLAG_NAT | (unique ? NHRP_REGISTRATION_U : 0);
	m->cies[m->n_cies++] = (struct nhrp_cie){.prefix_len = 0xff, .holding_time_s = 7200};
	nhrp_ext_add(m, NHRP_EXT_FORWARD_TRANSIT, true, NULL, 0);
	nhrp_ext_add(m, NHRP_EXT_REVERSE_TRANSIT, true, NULL, 0);
	nhrp_ext_add(m, NHRP_EXT_RESPONDER_ADDRESS, true, NULL, 0);
	if (m->protocol_family == ADDR_IPV4)
		nhrp_ext_add(m, NHRP_EXT_NAT_ADDRESS, false, nat, (uint16_t)hex_bytes(NAT_FIRST_CIE, nat, sizeof(nat)));
}

void request_purge(struct nhs_fixture *f, const char *protocol, const char *nbma, const char *what) {
	struct prefix p = prefix_from(what);

	request_start(f, NHRP_PURGE_REQUEST, protocol, nbma);
	f->request.cies[f->request.n_cies++] = (struct nhrp_cie){.prefix_len = p.len_bits, .protocol = p.addr};
	nhrp_ext_add(&f->request, NHRP_EXT_RESPONDER_ADDRESS, true, NULL, 0);
}

static void receive_bytes(struct nhs_fixture *f) {
	struct nhrp_msg m;

	assert_int_equal(nhrp_msg_decode(f->bytes, f->len_bytes, &m), NHRP_ERR_NONE);
	nhs_receive(&f->nhs, &f->conf, &m, f->bytes, f->len_bytes, &f->src, f->now_ns, &f->out);
	f->reply_len = 0;
	if (f->out.send) {
		f->reply_len = nhrp_msg_encode(&f->out.reply, f->reply_bytes, sizeof(f->reply_bytes));
		assert_true(f->reply_len > 0);
		assert_int_equal(nhrp_msg_decode(f->reply_bytes, (size_t)f->reply_len, &f->reply), NHRP_ERR_NONE);
	}
	for (unsigned i = 0; i < f->out.n_changes; i++)
		if (f->out.changes[i].kind == NHS_REMOVED)
			nhrp_cache_remove(f->nhs.cache, f->out.changes[i].binding);
}

void receive(struct nhs_fixture *f) {
	int len = nhrp_msg_encode(&f->request, f->bytes, sizeof(f->bytes));

	assert_true(len > 0);
	f->len_bytes = (uint16_t)len;
	receive_bytes(f);
}

void receive_hex(struct nhs_fixture *f, const char *hex, const char *seen_from) {
	f->len_bytes = (uint16_t)hex_bytes(hex, f->bytes, sizeof(f->bytes));
	f->src.nbma = addr_from(seen_from);
	receive_bytes(f);
}

struct binding *registered(struct nhs_fixture *f, const char *protocol, const char *nbma, bool unique) {
	request_registration(f, protocol, nbma, unique);
	receive(f);
	assert_true(f->reply_len > 0);
	assert_int_equal(f->reply.cies[0].code, NHRP_CODE_OK);
	assert_int_equal(f->out.n_changes, 1);
	return f->out.changes[0].binding;
}

struct binding *binding_at(const struct nhs_fixture *f, const char *prefix) {
	struct prefix p = prefix_from(prefix);

	return nhrp_cache_find(f->nhs.cache, f->conf.tunnel, &p);
}

uint64_t counted(const struct nhs_fixture *f, enum nhs_counter c) {
	return f->nhs.counters[c];
}
