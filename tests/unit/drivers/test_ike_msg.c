// SPDX-License-Identifier: BSD-3-Clause
// Every field of every message that a plugin may send, right and wrong.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "ike_msg.h"

static union nave_ike_message m;

static void header(uint8_t type) {
	m.h.version = NAVE_IKE_VERSION;
	m.h.type = type;
	m.h.len_bytes = nave_ike_len_bytes(type);
	m.h.id = type == NAVE_IKE_HELLO || type == NAVE_IKE_SYNC ? 0 : 9;
}

static void name_fill(struct nave_ike_sa_name *n) {
	n->direction = NAVE_IKE_INBOUND;
	n->spi = 0x1000;
	n->src = (struct nave_ike_host){.family = 4, .len_bits = 32, .port = 4500, .address = {192, 0, 2, 1}};
	n->dst = (struct nave_ike_host){.family = 4, .len_bits = 32, .port = 4500, .address = {192, 0, 2, 2}};
}

// A right one of each type.
static void fill(uint8_t type) {
	memset(&m, 0, sizeof(m));
	header(type);
	switch (type) {
	case NAVE_IKE_HELLO:
		m.hello.boot_id = 1;
		memcpy(m.hello.name, "strongSwan 5.9.8", 16);
		break;
	case NAVE_IKE_SYNC:
		m.sync.is_last = 1;
		m.sync.n_sas = 2;
		name_fill(&m.sync.sas[0]);
		name_fill(&m.sync.sas[1]);
		break;
	case NAVE_IKE_GET_SPI:
		m.get_spi.src = m.get_spi.dst = (struct nave_ike_host){.family = 6, .len_bits = 128};
		break;
	case NAVE_IKE_ADD_SA:
		name_fill(&m.add_sa.sa);
		m.add_sa.enc_alg = 20;
		m.add_sa.enc_key_bytes = 20;
		m.add_sa.remote_ts = (struct nave_ike_host){.family = 4, .len_bits = 24};
		break;
	case NAVE_IKE_UPDATE_SA:
		name_fill(&m.update_sa.sa);
		m.update_sa.new_src = m.update_sa.sa.src;
		m.update_sa.new_dst = m.update_sa.sa.dst;
		break;
	case NAVE_IKE_QUERY_SA:
	case NAVE_IKE_DEL_SA:
		name_fill(&m.name_sa.sa);
		break;
	}
}

static enum ike_msg_error check(void) {
	return ike_msg_check(&m, m.h.len_bytes);
}

// FIELD of TYPE with VALUE is wrong, and its former value is right.
#define WRONG(type, field, value, error) \
	do { \
		fill(type); \
		assert_int_equal(check(), IKE_MSG_NONE); \
		(field) = (value); \
		assert_int_equal(check(), (error)); \
	} while (0)

static void every_type_that_a_plugin_sends(void **state) {
	(void)state;
	for (uint8_t type = NAVE_IKE_HELLO; type <= NAVE_IKE_FLUSH; type++) {
		fill(type);
		assert_int_equal(check(), IKE_MSG_NONE);
		for (size_t cut = 1; cut <= m.h.len_bytes; cut++)
			assert_int_equal(ike_msg_check(&m, m.h.len_bytes - cut), IKE_MSG_LENGTH);
		assert_int_equal(ike_msg_check(&m, m.h.len_bytes + 1), IKE_MSG_LENGTH);
		WRONG(type, m.h.version, 0, IKE_MSG_VERSION);
		WRONG(type, m.h.version, NAVE_IKE_VERSION + 1, IKE_MSG_VERSION);
		WRONG(type, m.h.id, m.h.id ? 0 : 1, IKE_MSG_ID);
		fill(type);
		m.h.len_bytes++;
		assert_int_equal(ike_msg_check(&m, m.h.len_bytes), IKE_MSG_LENGTH);
	}
}

static void no_other_type(void **state) {
	(void)state;
	for (unsigned type = 0; type < 256; type++) {
		if (type >= NAVE_IKE_HELLO && type <= NAVE_IKE_FLUSH)
			continue;
		memset(&m, 0, sizeof(m));
		header((uint8_t)type);
		m.h.len_bytes = m.h.len_bytes ? m.h.len_bytes : sizeof(m.h);
		assert_int_equal(check(), IKE_MSG_TYPE);
	}
}

static void hello_and_sync(void **state) {
	(void)state;
	WRONG(NAVE_IKE_HELLO, m.hello.boot_id, 0, IKE_MSG_RANGE);
	fill(NAVE_IKE_HELLO);
	memset(m.hello.name, 'x', sizeof(m.hello.name));
	assert_int_equal(check(), IKE_MSG_TEXT);
	WRONG(NAVE_IKE_SYNC, m.sync.is_last, 2, IKE_MSG_RANGE);
	WRONG(NAVE_IKE_SYNC, m.sync.n_sas, NAVE_IKE_SYNC_MAX + 1, IKE_MSG_RANGE);
	WRONG(NAVE_IKE_SYNC, m.sync.n_sas, 255, IKE_MSG_RANGE);
	WRONG(NAVE_IKE_SYNC, m.sync.n_sas, 1, IKE_MSG_RESERVED); // something stands behind it
	WRONG(NAVE_IKE_SYNC, m.sync.n_sas, 3, IKE_MSG_RANGE); // an empty name
	WRONG(NAVE_IKE_SYNC, m.sync.reserved[1], 1, IKE_MSG_RESERVED);
	fill(NAVE_IKE_SYNC);
	m.sync.n_sas = NAVE_IKE_SYNC_MAX;
	for (unsigned i = 0; i < NAVE_IKE_SYNC_MAX; i++)
		name_fill(&m.sync.sas[i]);
	assert_int_equal(check(), IKE_MSG_NONE);
	m.sync.sas[NAVE_IKE_SYNC_MAX - 1].direction = 3;
	assert_int_equal(check(), IKE_MSG_RANGE);
}

static void names_of_sas(void **state) {
	static const uint8_t types[] = {NAVE_IKE_ADD_SA, NAVE_IKE_UPDATE_SA, NAVE_IKE_QUERY_SA, NAVE_IKE_DEL_SA};

	(void)state;
	for (unsigned i = 0; i < sizeof(types); i++) { // the name stands at the same place in each
		WRONG(types[i], m.name_sa.sa.direction, 0, IKE_MSG_RANGE);
		WRONG(types[i], m.name_sa.sa.direction, 3, IKE_MSG_RANGE);
		WRONG(types[i], m.name_sa.sa.reserved[2], 1, IKE_MSG_RESERVED);
		WRONG(types[i], m.name_sa.sa.src.family, 5, IKE_MSG_ADDRESS);
		WRONG(types[i], m.name_sa.sa.src.family, 0, IKE_MSG_ADDRESS);
		WRONG(types[i], m.name_sa.sa.dst.family, 6, IKE_MSG_ADDRESS);
		WRONG(types[i], m.name_sa.sa.src.len_bits, 24, IKE_MSG_ADDRESS);
		WRONG(types[i], m.name_sa.sa.dst.len_bits, 33, IKE_MSG_ADDRESS);
	}
}

static void the_rest_of_requests(void **state) {
	(void)state;
	WRONG(NAVE_IKE_GET_SPI, m.get_spi.dst.family, 4, IKE_MSG_ADDRESS);
	WRONG(NAVE_IKE_GET_SPI, m.get_spi.src.len_bits, 32, IKE_MSG_ADDRESS);
	WRONG(NAVE_IKE_ADD_SA, m.add_sa.is_tunnel_mode, 2, IKE_MSG_RANGE);
	WRONG(NAVE_IKE_ADD_SA, m.add_sa.is_udp, 2, IKE_MSG_RANGE);
	WRONG(NAVE_IKE_ADD_SA, m.add_sa.is_esn, 255, IKE_MSG_RANGE);
	WRONG(NAVE_IKE_ADD_SA, m.add_sa.is_initiator, 2, IKE_MSG_RANGE);
	WRONG(NAVE_IKE_ADD_SA, m.add_sa.enc_key_bytes, NAVE_IKE_ENC_KEY_MAX + 1, IKE_MSG_RANGE);
	WRONG(NAVE_IKE_ADD_SA, m.add_sa.auth_key_bytes, 0xffff, IKE_MSG_RANGE);
	WRONG(NAVE_IKE_ADD_SA, m.add_sa.reserved, 1, IKE_MSG_RESERVED);
	WRONG(NAVE_IKE_ADD_SA, m.add_sa.reserved2, 1, IKE_MSG_RESERVED);
	WRONG(NAVE_IKE_ADD_SA, m.add_sa.remote_ts.len_bits, 33, IKE_MSG_ADDRESS);
	WRONG(NAVE_IKE_ADD_SA, m.add_sa.local_ts.len_bits, 1, IKE_MSG_ADDRESS); // of no family
	WRONG(NAVE_IKE_ADD_SA, m.add_sa.local_ts.family, 7, IKE_MSG_ADDRESS);
	fill(NAVE_IKE_ADD_SA);
	memset(m.add_sa.identity, 'x', sizeof(m.add_sa.identity));
	assert_int_equal(check(), IKE_MSG_TEXT);
	fill(NAVE_IKE_ADD_SA);
	memset(m.add_sa.connection, 'x', sizeof(m.add_sa.connection));
	assert_int_equal(check(), IKE_MSG_TEXT);
	WRONG(NAVE_IKE_UPDATE_SA, m.update_sa.is_udp, 2, IKE_MSG_RANGE);
	WRONG(NAVE_IKE_UPDATE_SA, m.update_sa.reserved[0], 1, IKE_MSG_RESERVED);
	WRONG(NAVE_IKE_UPDATE_SA, m.update_sa.new_src.family, 6, IKE_MSG_ADDRESS);
}

static void every_error_has_words(void **state) {
	(void)state;
	for (unsigned e = 0; e < IKE_MSG_ERROR_COUNT; e++)
		assert_true(strlen(ike_msg_error_words(e)) > 3);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_type_that_a_plugin_sends),
		cmocka_unit_test(no_other_type),
		cmocka_unit_test(hello_and_sync),
		cmocka_unit_test(names_of_sas),
		cmocka_unit_test(the_rest_of_requests),
		cmocka_unit_test(every_error_has_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
