// SPDX-License-Identifier: BSD-3-Clause
// RFC 2332 sections 5.1, 5.2.0.1, 5.2.3 and 5.2.4: what an NHS owes a registering client.
#include "nhs_fixture.h"

static void rfc2332_5_1_any_hop_count_is_taken(void **state) {
	struct nhs_fixture *f = *state;
	static const uint8_t hop_counts[] = {0, 1, 16, 255};

	for (unsigned i = 0; i < 4; i++) {
		request_registration(f, "172.16.0.11", "10.0.0.11", false);
		f->request.hop_count = hop_counts[i];
		receive(f);
		assert_int_equal(f->reply.type, NHRP_REGISTRATION_REPLY);
		assert_int_equal(f->reply.cies[0].code, NHRP_CODE_OK);
	}
}

static void rfc2332_5_2_0_1_prefix_length_0_and_255_are_the_host(void **state) {
	struct nhs_fixture *f = *state;
	static const uint8_t forms[] = {0, 0xff, 32};

	for (unsigned i = 0; i < 3; i++) {
		request_registration(f, "172.16.0.11", "10.0.0.11", true);
		f->request.cies[0].prefix_len = forms[i];
		receive(f);
		assert_int_equal(f->reply.cies[0].code, NHRP_CODE_OK);
		assert_int_equal(f->reply.cies[0].prefix_len, forms[i]);
		assert_int_equal(nhrp_cache_count(f->nhs.cache), 1);
		assert_non_null(binding_at(f, "172.16.0.11/32"));
	}
}

static void rfc2332_5_2_0_1_prefix_length_names_an_equivalence_class(void **state) {
	struct nhs_fixture *f = *state;
	struct addr inside = addr_from("172.16.0.38"), outside = addr_from("172.16.0.48");

	request_registration(f, "172.16.0.35", "10.0.0.11", false);
	f->request.cies[0].prefix_len = 28;
	receive(f);
	assert_int_equal(f->reply.cies[0].code, NHRP_CODE_OK);
	assert_non_null(binding_at(f, "172.16.0.32/28"));
	assert_non_null(nhrp_cache_lookup(f->nhs.cache, f->conf.tunnel, &inside, true));
	assert_null(nhrp_cache_lookup(f->nhs.cache, f->conf.tunnel, &outside, true));
}

static void rfc2332_5_2_0_1_holding_time_is_zero_in_a_nak(void **state) {
	struct nhs_fixture *f = *state;

	request_registration(f, "192.0.2.1", "10.0.0.11", false);
	receive(f);
	assert_int_equal(f->reply.cies[0].code, NHRP_CODE_ADMIN_PROHIBITED);
	assert_int_equal(f->reply.cies[0].holding_time_s, 0);
}

static void rfc2332_5_2_3_destination_is_the_nhs(void **state) {
	struct nhs_fixture *f = *state;

	request_registration(f, "172.16.0.11", "10.0.0.11", false);
	receive(f);
	assert_int_equal(f->reply.type, NHRP_REGISTRATION_REPLY);
	assert_non_null(binding_at(f, "172.16.0.11"));
}

static void rfc2332_5_2_3_destination_is_the_client_when_it_knows_no_nhs(void **state) {
	struct nhs_fixture *f = *state;

	request_registration(f, "172.16.0.11", "10.0.0.11", false);
	f->request.dst_protocol = f->request.src_protocol;
	receive(f);
	assert_int_equal(f->reply.type, NHRP_REGISTRATION_REPLY);
	assert_non_null(binding_at(f, "172.16.0.11"));
}

static void rfc2332_5_2_3_another_destination_is_not_answered_by_us(void **state) {
	struct nhs_fixture *f = *state;

	request_registration(f, "172.16.0.11", "10.0.0.11", false);
	f->request.dst_protocol = addr_from("172.16.0.2");
	receive(f);
	assert_false(f->out.send);
	assert_int_equal(nhrp_cache_count(f->nhs.cache), 0);
	assert_int_equal(counted(f, NHS_COUNT_DROP_UNSUPPORTED), 1);
}

static void rfc2332_5_2_3_cie_without_addresses_takes_the_headers(void **state) {
	struct nhs_fixture *f = *state;
	struct addr nbma = addr_from("10.0.0.11");

	assert_true(addr_eq(&registered(f, "172.16.0.11", "10.0.0.11", false)->nbma, &nbma));
	assert_non_null(binding_at(f, "172.16.0.11"));
}

static void rfc2332_5_2_3_cie_with_addresses_names_the_client(void **state) {
	struct nhs_fixture *f = *state;

	request_registration(f, "172.16.0.11", "10.0.0.11", false);
	f->request.cies[0].protocol = addr_from("172.16.0.55");
	f->request.cies[0].nbma = addr_from("10.0.0.11");
	receive(f);
	assert_int_equal(f->reply.cies[0].code, NHRP_CODE_OK);
	assert_non_null(binding_at(f, "172.16.0.55"));
	assert_null(binding_at(f, "172.16.0.11"));
}

static void rfc2332_5_2_3_each_cie_has_its_own_code(void **state) {
	struct nhs_fixture *f = *state;
	static const char *const protocols[] = {"172.16.0.11", "172.16.0.1", "172.16.0.12", "192.0.2.7", "224.0.0.5"};
	static const uint8_t codes[] = {0, 4, 0, 4, 4};

	request_registration(f, "172.16.0.11", "10.0.0.11", false);
	for (unsigned i = 0; i < 5; i++) {
		f->request.cies[i] = f->request.cies[0];
		f->request.cies[i].protocol = addr_from(protocols[i]);
		f->request.cies[i].preference = (uint8_t)(10 + i);
	}
	f->request.n_cies = 5;
	receive(f);
	assert_int_equal(f->reply.n_cies, 5);
	for (unsigned i = 0; i < 5; i++) {
		assert_int_equal(f->reply.cies[i].code, codes[i]);
		assert_int_equal(f->reply.cies[i].holding_time_s, codes[i] ? 0 : 7200);
		assert_int_equal(f->reply.cies[i].preference, 10 + i);
		assert_true(addr_eq(&f->reply.cies[i].protocol, &f->request.cies[i].protocol));
	}
	assert_int_equal(nhrp_cache_count(f->nhs.cache), 2);
}

static void rfc2332_5_2_3_holding_time_bounds_the_binding(void **state) {
	struct nhs_fixture *f = *state;
	struct binding *b;

	request_registration(f, "172.16.0.11", "10.0.0.11", false);
	f->request.cies[0].holding_time_s = 30;
	receive(f);
	b = binding_at(f, "172.16.0.11");
	assert_int_equal(b->holding_time_s, 30);
	assert_int_equal(b->expires_ns, f->now_ns + 30 * NS_PER_S);
}

static void rfc2332_5_2_3_a_refresh_starts_the_holding_time_again(void **state) {
	struct nhs_fixture *f = *state;
	struct binding *b = registered(f, "172.16.0.11", "10.0.0.11", true);

	f->now_ns += 2400 * NS_PER_S;
	assert_ptr_equal(registered(f, "172.16.0.11", "10.0.0.11", true), b);
	assert_int_equal(f->out.changes[0].kind, NHS_REFRESHED);
	assert_int_equal(b->expires_ns, f->now_ns + 7200 * NS_PER_S);
	assert_int_equal(b->refreshes, 1);
}

static void rfc2332_5_2_3_unique_address_already_registered_is_code_14(void **state) {
	struct nhs_fixture *f = *state;
	struct binding *b = registered(f, "172.16.0.11", "10.0.0.11", true);
	struct addr first = addr_from("10.0.0.11");

	request_registration(f, "172.16.0.11", "10.0.0.12", true);
	receive(f);
	assert_int_equal(f->reply.cies[0].code, NHRP_CODE_UNIQUE_REGISTERED);
	assert_int_equal(f->reply.cies[0].holding_time_s, 0);
	assert_int_equal(f->out.n_changes, 0);
	assert_true(addr_eq(&b->nbma, &first));
}

static void rfc2332_5_2_3_unique_request_with_an_equivalence_class_is_refused(void **state) {
	struct nhs_fixture *f = *state;

	request_registration(f, "172.16.0.32", "10.0.0.11", true);
	f->request.cies[0].prefix_len = 28;
	receive(f);
	assert_int_equal(f->reply.cies[0].code, NHRP_CODE_ADMIN_PROHIBITED);
	assert_int_equal(counted(f, NHS_COUNT_REFUSED_PREFIX), 1);
	assert_int_equal(nhrp_cache_count(f->nhs.cache), 0);
}

static void rfc2332_5_2_3_unique_request_may_replace_a_binding_without_u(void **state) {
	struct nhs_fixture *f = *state;
	struct binding *b = registered(f, "172.16.0.11", "10.0.0.11", false);

	assert_ptr_equal(registered(f, "172.16.0.11", "10.0.0.12", true), b);
	assert_true(b->unique);
	assert_int_equal(f->out.changes[0].kind, NHS_CHANGED);
}

static void rfc2332_5_2_3_no_resources_is_code_5(void **state) {
	struct nhs_fixture *f = *state;

	for (unsigned i = 0; i < 64; i++) {
		char protocol[ADDR_STRLEN];
		struct addr a = addr_ipv4(0xac100040 + i);

		registered(f, addr_format(&a, protocol), "10.0.0.11", false);
	}
	request_registration(f, "172.16.0.11", "10.0.0.11", false);
	receive(f);
	assert_int_equal(f->reply.cies[0].code, NHRP_CODE_NO_RESOURCES);
	assert_int_equal(f->reply.cies[0].holding_time_s, 0);
	assert_int_equal(counted(f, NHS_COUNT_REFUSED_RESOURCES), 1);
}

static void rfc2332_5_2_3_administrative_refusal_is_answered_with_code_4(void **state) {
	struct nhs_fixture *f = *state;

	request_registration(f, "172.16.1.11", "10.0.0.11", false); // outside the tunnel's subnet
	receive(f);
	assert_int_equal(f->reply.type, NHRP_REGISTRATION_REPLY);
	assert_int_equal(f->reply.cies[0].code, NHRP_CODE_ADMIN_PROHIBITED);
	assert_true(f->out.to_source);
}

static void rfc2332_5_2_4_request_id_is_copied(void **state) {
	struct nhs_fixture *f = *state;

	request_registration(f, "172.16.0.11", "10.0.0.11", false);
	f->request.request_id = 0xdeadbeef;
	receive(f);
	assert_int_equal(f->reply.request_id, 0xdeadbeef);
}

static void rfc2332_5_2_4_source_fields_are_the_requests(void **state) {
	struct nhs_fixture *f = *state;

	registered(f, "172.16.0.11", "10.0.0.11", false);
	assert_true(addr_eq(&f->reply.src_nbma, &f->request.src_nbma));
	assert_true(addr_eq(&f->reply.src_protocol, &f->request.src_protocol));
	assert_true(addr_eq(&f->reply.dst_protocol, &f->conf.protocol[0]));
}

static void rfc2332_5_2_4_flags_are_u_and_nat_alone(void **state) {
	struct nhs_fixture *f = *state;

	request_registration(f, "172.16.0.11", "10.0.0.11", true);
	f->request.flags = 0xffff;
	receive(f);
	assert_int_equal(f->reply.flags, NHRP_REGISTRATION_U | NHRP_FLAG_NAT);
}

static void rfc2332_5_2_4_reply_to_a_reply_never(void **state) {
	struct nhs_fixture *f = *state;

	request_registration(f, "172.16.0.11", "10.0.0.11", false);
	f->request.type = NHRP_REGISTRATION_REPLY;
	receive(f);
	assert_false(f->out.send);
	assert_int_equal(nhrp_cache_count(f->nhs.cache), 0);
}

static void rfc2332_5_1_protocol_family_is_independent_of_the_nbma_family(void **state) {
	struct nhs_fixture *f = *state;
	struct nhrp_cie self;

	registered(f, "2001:db8::11", "10.0.0.11", true);
	assert_non_null(binding_at(f, "2001:db8::11/128"));
	assert_true(addr_eq(&f->reply.dst_protocol, &f->conf.protocol[1]));
	assert_int_equal(nhrp_ext_cies(&f->reply, nhrp_ext_find(&f->reply, NHRP_EXT_RESPONDER_ADDRESS), &self, 1), 1);
	assert_true(addr_eq(&self.protocol, &f->conf.protocol[1]));
	assert_true(addr_eq(&self.nbma, &f->conf.nbma));
}

static void remove_expired(struct binding *b, uint64_t now_ns, void *arg) {
	(void)now_ns;
	nhrp_cache_remove(arg, b);
}

static void rfc2332_6_2_binding_is_discarded_when_its_holding_time_ends(void **state) {
	struct nhs_fixture *f = *state;

	request_registration(f, "172.16.0.11", "10.0.0.11", true);
	f->request.cies[0].holding_time_s = 30;
	receive(f);
	f->now_ns += 30 * NS_PER_S - 1;
	assert_int_equal(nhs_expire(&f->nhs, f->now_ns, 64, remove_expired, f->nhs.cache), 0);
	f->now_ns += 20 * NS_PER_MS;
	assert_int_equal(nhs_expire(&f->nhs, f->now_ns, 64, remove_expired, f->nhs.cache), 1);
	assert_null(binding_at(f, "172.16.0.11"));
	assert_int_equal(counted(f, NHS_COUNT_EXPIRED), 1);
	registered(f, "172.16.0.11", "10.0.0.12", true); // free for another now
}

int main(void) {
	const struct CMUnitTest tests[] = {
		nhs_test(rfc2332_5_1_any_hop_count_is_taken),
		nhs_test(rfc2332_5_1_protocol_family_is_independent_of_the_nbma_family),
		nhs_test(rfc2332_5_2_0_1_prefix_length_0_and_255_are_the_host),
		nhs_test(rfc2332_5_2_0_1_prefix_length_names_an_equivalence_class),
		nhs_test(rfc2332_5_2_0_1_holding_time_is_zero_in_a_nak),
		nhs_test(rfc2332_5_2_3_destination_is_the_nhs),
		nhs_test(rfc2332_5_2_3_destination_is_the_client_when_it_knows_no_nhs),
		nhs_test(rfc2332_5_2_3_another_destination_is_not_answered_by_us),
		nhs_test(rfc2332_5_2_3_cie_without_addresses_takes_the_headers),
		nhs_test(rfc2332_5_2_3_cie_with_addresses_names_the_client),
		nhs_test(rfc2332_5_2_3_each_cie_has_its_own_code),
		nhs_test(rfc2332_5_2_3_holding_time_bounds_the_binding),
		nhs_test(rfc2332_5_2_3_a_refresh_starts_the_holding_time_again),
		nhs_test(rfc2332_5_2_3_unique_address_already_registered_is_code_14),
		nhs_test(rfc2332_5_2_3_unique_request_with_an_equivalence_class_is_refused),
		nhs_test(rfc2332_5_2_3_unique_request_may_replace_a_binding_without_u),
		nhs_test(rfc2332_5_2_3_no_resources_is_code_5),
		nhs_test(rfc2332_5_2_3_administrative_refusal_is_answered_with_code_4),
		nhs_test(rfc2332_5_2_4_request_id_is_copied),
		nhs_test(rfc2332_5_2_4_source_fields_are_the_requests),
		nhs_test(rfc2332_5_2_4_flags_are_u_and_nat_alone),
		nhs_test(rfc2332_5_2_4_reply_to_a_reply_never),
		nhs_test(rfc2332_6_2_binding_is_discarded_when_its_holding_time_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
