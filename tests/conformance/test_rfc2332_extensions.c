// SPDX-License-Identifier: BSD-3-Clause
// RFC 2332 section 5.3: extensions in a reply.
#include "nhs_fixture.h"

static const uint8_t cisco_private[] = {0x00, 0x00, 0x0c, 0xde, 0xad};
static const uint8_t right[] = {0, 0, 0, 1, 'd', 'm', 'v', 'p', 'n', '0', '1'};

static void rfc2332_5_3_extensions_are_echoed_in_their_order(void **state) {
	struct nhs_fixture *f = *state;
	static const uint16_t order[] = {8, 9, 3, 0x345, 5, 8, 4};

	request_registration(f, "172.16.0.11", "10.0.0.11", false);
	f->request.n_exts = 0;
	for (unsigned i = 0; i < 7; i++)
		nhrp_ext_add(&f->request, order[i], false, cisco_private, order[i] == 8 ? sizeof(cisco_private) : 0);
	receive(f);
	assert_int_equal(f->reply.type, NHRP_REGISTRATION_REPLY);
	assert_int_equal(f->reply.n_exts, 7);
	for (unsigned i = 0; i < 7; i++)
		assert_int_equal(f->reply.exts[i].type, order[i]);
	assert_true(f->reply.has_end);
}

static void rfc2332_5_3_no_extension_part_where_the_request_had_none(void **state) {
	struct nhs_fixture *f = *state;

	request_registration(f, "172.16.0.11", "10.0.0.11", false);
	f->request.n_exts = 0;
	f->request.has_extensions = false;
	receive(f);
	assert_int_equal(f->reply.type, NHRP_REGISTRATION_REPLY);
	assert_false(f->reply.has_extensions);
}

static void rfc2332_5_3_1_responder_address_is_one_cie_of_ours(void **state) {
	struct nhs_fixture *f = *state;
	struct nhrp_cie cies[2];

	registered(f, "172.16.0.11", "10.0.0.11", false);
	assert_int_equal(nhrp_ext_cies(&f->reply, nhrp_ext_find(&f->reply, NHRP_EXT_RESPONDER_ADDRESS), cies, 2), 1);
	assert_true(addr_eq(&cies[0].nbma, &f->conf.nbma));
	assert_true(addr_eq(&cies[0].protocol, &f->conf.protocol[0]));
	assert_int_equal(cies[0].code, 0);
	assert_int_equal(cies[0].holding_time_s, 600);
	assert_true(nhrp_ext_find(&f->reply, NHRP_EXT_RESPONDER_ADDRESS)->compulsory);
}

static void rfc2332_5_3_1_responder_address_in_a_purge_reply(void **state) {
	struct nhs_fixture *f = *state;
	struct nhrp_cie cie;

	request_purge(f, "172.16.0.11", "10.0.0.11", "172.16.0.11");
	receive(f);
	assert_int_equal(nhrp_ext_cies(&f->reply, nhrp_ext_find(&f->reply, NHRP_EXT_RESPONDER_ADDRESS), &cie, 1), 1);
	assert_true(addr_eq(&cie.protocol, &f->conf.protocol[0]));
}

static void rfc2332_5_3_2_responder_is_not_in_the_transit_records(void **state) {
	struct nhs_fixture *f = *state;

	registered(f, "172.16.0.11", "10.0.0.11", false);
	assert_int_equal(nhrp_ext_find(&f->reply, NHRP_EXT_FORWARD_TRANSIT)->len_bytes, 0);
	assert_int_equal(nhrp_ext_find(&f->reply, NHRP_EXT_REVERSE_TRANSIT)->len_bytes, 0);
}

static void rfc2332_5_3_4_right_authentication_is_regenerated_once(void **state) {
	struct nhs_fixture *f = *state;
	unsigned n = 0;

	secret_set(f, "dmvpn01");
	request_registration(f, "172.16.0.11", "10.0.0.11", false);
	nhrp_ext_add(&f->request, NHRP_EXT_AUTHENTICATION, true, right, sizeof(right));
	receive(f);
	assert_int_equal(f->reply.type, NHRP_REGISTRATION_REPLY);
	for (unsigned i = 0; i < f->reply.n_exts; i++)
		n += f->reply.exts[i].type == NHRP_EXT_AUTHENTICATION;
	assert_int_equal(n, 1);
	assert_int_equal(nhrp_ext_find(&f->reply, NHRP_EXT_AUTHENTICATION)->len_bytes, sizeof(right));
	assert_memory_equal(nhrp_ext_find(&f->reply, NHRP_EXT_AUTHENTICATION)->value, right, sizeof(right));
}

static void rfc2332_5_3_4_failed_authentication_discards_and_is_error_11(void **state) {
	struct nhs_fixture *f = *state;
	static const uint8_t wrong[] = {0, 0, 0, 1, 'd', 'm', 'v', 'p', 'n', '0', '2'};

	secret_set(f, "dmvpn01");
	request_registration(f, "172.16.0.11", "10.0.0.11", false);
	nhrp_ext_add(&f->request, NHRP_EXT_AUTHENTICATION, true, wrong, sizeof(wrong));
	receive(f);
	assert_int_equal(f->reply.type, NHRP_ERROR_INDICATION);
	assert_int_equal(f->reply.error_code, NHRP_ERROR_AUTHENTICATION);
	assert_int_equal(nhrp_cache_count(f->nhs.cache), 0);
	assert_int_equal(counted(f, NHS_COUNT_DROP_AUTHENTICATION), 1);
}

static void rfc2332_5_3_5_vendor_private_is_copied(void **state) {
	struct nhs_fixture *f = *state;
	const struct nhrp_ext *ext;

	request_registration(f, "172.16.0.11", "10.0.0.11", false);
	nhrp_ext_add(&f->request, NHRP_EXT_VENDOR_PRIVATE, false, cisco_private, sizeof(cisco_private));
	receive(f);
	ext = nhrp_ext_find(&f->reply, NHRP_EXT_VENDOR_PRIVATE);
	assert_int_equal(ext->len_bytes, sizeof(cisco_private));
	assert_memory_equal(ext->value, cisco_private, sizeof(cisco_private));
}

int main(void) {
	const struct CMUnitTest tests[] = {
		nhs_test(rfc2332_5_3_extensions_are_echoed_in_their_order),
		nhs_test(rfc2332_5_3_no_extension_part_where_the_request_had_none),
		nhs_test(rfc2332_5_3_1_responder_address_is_one_cie_of_ours),
		nhs_test(rfc2332_5_3_1_responder_address_in_a_purge_reply),
		nhs_test(rfc2332_5_3_2_responder_is_not_in_the_transit_records),
		nhs_test(rfc2332_5_3_4_right_authentication_is_regenerated_once),
		nhs_test(rfc2332_5_3_4_failed_authentication_discards_and_is_error_11),
		nhs_test(rfc2332_5_3_5_vendor_private_is_copied),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
