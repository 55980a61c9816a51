// SPDX-License-Identifier: BSD-3-Clause
// RFC 2332 section 5.2.7: Error Indications.
#include "nhs_fixture.h"

static void refused_by_authentication(struct nhs_fixture *f) {
	secret_set(f, "dmvpn01");
	request_registration(f, "172.16.0.11", "10.0.0.11", false);
	receive(f);
}

static void rfc2332_5_2_7_observer_is_the_source_sender_the_destination(void **state) {
	struct nhs_fixture *f = *state;

	refused_by_authentication(f);
	assert_int_equal(f->reply.type, NHRP_ERROR_INDICATION);
	assert_true(addr_eq(&f->reply.src_nbma, &f->conf.nbma));
	assert_true(addr_eq(&f->reply.src_protocol, &f->conf.protocol[0]));
	assert_true(addr_eq(&f->reply.dst_protocol, &f->request.src_protocol));
	assert_true(f->out.to_source);
}

static void rfc2332_5_2_7_no_extensions(void **state) {
	struct nhs_fixture *f = *state;

	refused_by_authentication(f);
	assert_false(f->reply.has_extensions);
	assert_int_equal(f->reply.n_exts, 0);
}

static void rfc2332_5_2_7_hop_count_is_set_anew(void **state) {
	struct nhs_fixture *f = *state;

	secret_set(f, "dmvpn01");
	request_registration(f, "172.16.0.11", "10.0.0.11", false);
	f->request.hop_count = 1;
	receive(f);
	assert_int_equal(f->reply.hop_count, 255);
}

static void rfc2332_5_2_7_offending_packet_is_quoted(void **state) {
	struct nhs_fixture *f = *state;

	refused_by_authentication(f);
	assert_int_equal(f->reply.payload_len_bytes, f->len_bytes);
	assert_memory_equal(f->reply.payload, f->bytes, f->len_bytes);
}

static void rfc2332_5_2_7_quote_ends_where_the_packet_would_not_fit(void **state) {
	struct nhs_fixture *f = *state;
	static uint8_t big[1400];

	secret_set(f, "dmvpn01");
	request_registration(f, "172.16.0.11", "10.0.0.11", false);
	nhrp_ext_add(&f->request, NHRP_EXT_VENDOR_PRIVATE, false, big, sizeof(big));
	receive(f);
	assert_true(f->len_bytes > 1400);
	assert_int_equal(f->reply_len, f->conf.mtu);
	assert_memory_equal(f->reply.payload, f->bytes, f->reply.payload_len_bytes);
}

static void rfc2332_5_2_7_never_about_an_error(void **state) {
	struct nhs_fixture *f = *state;

	secret_set(f, "dmvpn01");
	request_registration(f, "172.16.0.11", "10.0.0.11", false);
	f->request.type = NHRP_ERROR_INDICATION;
	f->request.n_exts = 0;
	f->request.has_extensions = false;
	for (unsigned code = 0; code < 20; code++) {
		f->request.error_code = (uint16_t)code;
		receive(f);
		assert_false(f->out.send);
	}
	assert_int_equal(counted(f, NHS_COUNT_RX_ERROR_INDICATION), 20);
	assert_int_equal(counted(f, NHS_COUNT_TX_ERROR_INDICATION), 0);
}

static void rfc2332_5_2_7_one_error_about_a_packet_with_two_faults(void **state) {
	struct nhs_fixture *f = *state;

	secret_set(f, "dmvpn01");
	request_registration(f, "172.16.0.11", "10.0.0.11", false);
	nhrp_ext_add(&f->request, 0x123, true, NULL, 0);
	receive(f);
	assert_int_equal(counted(f, NHS_COUNT_TX_ERROR_INDICATION), 1);
	assert_int_equal(f->reply.error_code, NHRP_ERROR_AUTHENTICATION);
}

static void rfc2332_5_2_7_unknown_compulsory_extension_is_code_1_at_its_offset(void **state) {
	struct nhs_fixture *f = *state;
	static const uint8_t value[3] = {1, 2, 3};

	request_registration(f, "172.16.0.11", "10.0.0.11", false);
	nhrp_ext_add(&f->request, 0x123, true, value, sizeof(value));
	receive(f);
	assert_int_equal(f->reply.type, NHRP_ERROR_INDICATION);
	assert_int_equal(f->reply.error_code, NHRP_ERROR_UNKNOWN_EXTENSION);
	assert_memory_equal(f->bytes + f->reply.error_offset, "\x81\x23\x00\x03\x01\x02\x03", 7);
	assert_int_equal(nhrp_cache_count(f->nhs.cache), 0);
}

static void rfc2332_5_2_7_unknown_compulsory_extension_in_a_purge(void **state) {
	struct nhs_fixture *f = *state;

	registered(f, "172.16.0.11", "10.0.0.11", true);
	request_purge(f, "172.16.0.11", "10.0.0.11", "172.16.0.11");
	nhrp_ext_add(&f->request, 0x123, true, NULL, 0);
	receive(f);
	assert_int_equal(f->reply.error_code, NHRP_ERROR_UNKNOWN_EXTENSION);
	assert_non_null(binding_at(f, "172.16.0.11"));
}

int main(void) {
	const struct CMUnitTest tests[] = {
		nhs_test(rfc2332_5_2_7_observer_is_the_source_sender_the_destination),
		nhs_test(rfc2332_5_2_7_no_extensions),
		nhs_test(rfc2332_5_2_7_hop_count_is_set_anew),
		nhs_test(rfc2332_5_2_7_offending_packet_is_quoted),
		nhs_test(rfc2332_5_2_7_quote_ends_where_the_packet_would_not_fit),
		nhs_test(rfc2332_5_2_7_never_about_an_error),
		nhs_test(rfc2332_5_2_7_one_error_about_a_packet_with_two_faults),
		nhs_test(rfc2332_5_2_7_unknown_compulsory_extension_is_code_1_at_its_offset),
		nhs_test(rfc2332_5_2_7_unknown_compulsory_extension_in_a_purge),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
