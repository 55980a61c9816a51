// SPDX-License-Identifier: BSD-3-Clause
// RFC 2332 sections 5.2.5 and 5.2.6: a client takes its registration back.
#include "nhs_fixture.h"

static void rfc2332_5_2_5_match_is_discarded(void **state) {
	struct nhs_fixture *f = *state;

	registered(f, "172.16.0.11", "10.0.0.11", true);
	registered(f, "172.16.0.12", "10.0.0.12", true);
	request_purge(f, "172.16.0.11", "10.0.0.11", "172.16.0.11");
	receive(f);
	assert_int_equal(f->out.n_changes, 1);
	assert_int_equal(f->out.changes[0].kind, NHS_REMOVED);
	assert_null(binding_at(f, "172.16.0.11"));
	assert_non_null(binding_at(f, "172.16.0.12"));
	assert_int_equal(counted(f, NHS_COUNT_PURGED), 1);
}

static void rfc2332_5_2_5_prefix_length_purges_the_class(void **state) {
	struct nhs_fixture *f = *state;

	registered(f, "172.16.0.33", "10.0.0.11", true);
	registered(f, "172.16.0.46", "10.0.0.11", true);
	registered(f, "172.16.0.48", "10.0.0.11", true);
	registered(f, "172.16.0.34", "10.0.0.12", true); // another's
	request_purge(f, "172.16.0.33", "10.0.0.11", "172.16.0.32/28");
	receive(f);
	assert_int_equal(f->out.n_changes, 2);
	assert_null(binding_at(f, "172.16.0.33"));
	assert_null(binding_at(f, "172.16.0.46"));
	assert_non_null(binding_at(f, "172.16.0.48"));
	assert_non_null(binding_at(f, "172.16.0.34"));
}

static void rfc2332_5_2_5_nbma_address_narrows(void **state) {
	struct nhs_fixture *f = *state;

	registered(f, "172.16.0.11", "10.0.0.11", true);
	request_purge(f, "172.16.0.11", "10.0.0.11", "172.16.0.11");
	f->request.cies[0].nbma = addr_from("10.0.0.77");
	receive(f);
	assert_non_null(binding_at(f, "172.16.0.11"));
	f->request.cies[0].nbma = addr_from("10.0.0.11");
	receive(f);
	assert_null(binding_at(f, "172.16.0.11"));
}

static void rfc2332_5_2_5_several_cies_in_one_request(void **state) {
	struct nhs_fixture *f = *state;

	registered(f, "172.16.0.11", "10.0.0.11", true);
	registered(f, "172.16.0.12", "10.0.0.11", true);
	request_purge(f, "172.16.0.11", "10.0.0.11", "172.16.0.11");
	f->request.cies[1] = f->request.cies[0];
	f->request.cies[1].protocol = addr_from("172.16.0.12");
	f->request.cies[2] = f->request.cies[0]; // again: removed once
	f->request.n_cies = 3;
	receive(f);
	assert_int_equal(f->out.n_changes, 2);
	assert_int_equal(nhrp_cache_count(f->nhs.cache), 0);
	assert_int_equal(f->reply.n_cies, 3);
}

static void rfc2332_5_2_6_reply_is_the_request_with_another_type(void **state) {
	struct nhs_fixture *f = *state;

	registered(f, "172.16.0.11", "10.0.0.11", true);
	request_purge(f, "172.16.0.11", "10.0.0.11", "172.16.0.11");
	f->request.request_id = 4711; // a purge is not matched to its registration by id
	receive(f);
	assert_int_equal(f->reply.type, NHRP_PURGE_REPLY);
	assert_int_equal(f->reply.request_id, 4711);
	assert_int_equal(f->reply.flags, f->request.flags);
	assert_true(addr_eq(&f->reply.src_nbma, &f->request.src_nbma));
	assert_true(addr_eq(&f->reply.src_protocol, &f->request.src_protocol));
	assert_true(addr_eq(&f->reply.dst_protocol, &f->request.dst_protocol));
	assert_int_equal(f->reply.n_cies, 1);
	assert_true(addr_eq(&f->reply.cies[0].protocol, &f->request.cies[0].protocol));
	assert_true(f->out.to_source); // the binding it could have gone to is withdrawn before
}

static void rfc2332_5_2_5_reply_also_when_nothing_matched(void **state) {
	struct nhs_fixture *f = *state;

	request_purge(f, "172.16.0.11", "10.0.0.11", "172.16.0.11");
	receive(f);
	assert_int_equal(f->reply.type, NHRP_PURGE_REPLY);
	assert_int_equal(f->out.n_changes, 0);
}

static void rfc2332_5_2_5_no_reply_with_n(void **state) {
	struct nhs_fixture *f = *state;

	registered(f, "172.16.0.11", "10.0.0.11", true);
	request_purge(f, "172.16.0.11", "10.0.0.11", "172.16.0.11");
	f->request.flags = NHRP_PURGE_N;
	receive(f);
	assert_false(f->out.send);
	assert_null(binding_at(f, "172.16.0.11"));
}

static void rfc2332_5_2_6_unsolicited_reply_is_ignored(void **state) {
	struct nhs_fixture *f = *state;

	registered(f, "172.16.0.11", "10.0.0.11", true);
	request_purge(f, "172.16.0.11", "10.0.0.11", "172.16.0.11");
	f->request.type = NHRP_PURGE_REPLY;
	receive(f);
	assert_false(f->out.send);
	assert_non_null(binding_at(f, "172.16.0.11"));
}

static void rfc2332_5_2_5_another_clients_binding_is_kept_and_the_reply_sent(void **state) {
	struct nhs_fixture *f = *state;

	registered(f, "172.16.0.11", "10.0.0.11", true);
	request_purge(f, "172.16.0.12", "10.0.0.12", "172.16.0.11");
	receive(f);
	assert_int_equal(f->reply.type, NHRP_PURGE_REPLY);
	assert_non_null(binding_at(f, "172.16.0.11"));
}

int main(void) {
	const struct CMUnitTest tests[] = {
		nhs_test(rfc2332_5_2_5_match_is_discarded),
		nhs_test(rfc2332_5_2_5_prefix_length_purges_the_class),
		nhs_test(rfc2332_5_2_5_nbma_address_narrows),
		nhs_test(rfc2332_5_2_5_several_cies_in_one_request),
		nhs_test(rfc2332_5_2_5_another_clients_binding_is_kept_and_the_reply_sent),
		nhs_test(rfc2332_5_2_5_reply_also_when_nothing_matched),
		nhs_test(rfc2332_5_2_5_no_reply_with_n),
		nhs_test(rfc2332_5_2_6_reply_is_the_request_with_another_type),
		nhs_test(rfc2332_5_2_6_unsolicited_reply_is_ignored),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
