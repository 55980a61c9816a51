// SPDX-License-Identifier: BSD-3-Clause
// What an IKE identity may register, renew, move and purge, and what another one may not.
#include "nhs_fixture.h"

#define ALICE 7
#define BOB 8

static void from(struct nhs_fixture *f, uint32_t identity, uint16_t port) {
	f->src.identity = identity;
	f->src.nbma_port = port;
}

static uint8_t code_of(struct nhs_fixture *f, const char *prefix, const char *nbma, bool unique) {
	struct prefix p = prefix_from(prefix);
	char protocol[ADDR_STRLEN];

	request_registration(f, addr_format(&p.addr, protocol), nbma, unique);
	f->request.cies[0].prefix_len = p.len_bits;
	receive(f);
	assert_true(f->out.send);
	return f->reply.cies[0].code;
}

static void the_same_identity_takes_over_its_unique_address(void **state) {
	struct nhs_fixture *f = *state;
	struct addr now = addr_from("10.0.0.22");
	struct binding *b;

	from(f, ALICE, 4500);
	b = registered(f, "172.16.0.11", "10.0.0.11", true);
	assert_int_equal(b->identity, ALICE);
	from(f, ALICE, 31000);
	assert_ptr_equal(registered(f, "172.16.0.11", "10.0.0.22", true), b);
	assert_int_equal(f->out.changes[0].kind, NHS_CHANGED);
	assert_true(addr_eq(&b->nbma, &now) && b->nbma_port == 31000);
	assert_int_equal(b->identity, ALICE);
	assert_int_equal(counted(f, NHS_COUNT_MOVED), 1);
	assert_int_equal(f->out.refusal.kind, NHS_REFUSAL_NONE);
	from(f, ALICE, 31001); // another port alone is a move too
	registered(f, "172.16.0.11", "10.0.0.22", true);
	assert_int_equal(counted(f, NHS_COUNT_MOVED), 2);
	registered(f, "172.16.0.11", "10.0.0.22", true);
	assert_int_equal(counted(f, NHS_COUNT_REFRESHED), 1);
	assert_int_equal(b->identity, ALICE);
}

static void another_identity_gets_code_14(void **state) {
	struct nhs_fixture *f = *state;

	for (unsigned unique = 0; unique < 2; unique++) { // also without U
		from(f, ALICE, 4500);
		registered(f, "172.16.0.11", "10.0.0.11", unique);
		from(f, BOB, 4501);
		assert_int_equal(code_of(f, "172.16.0.11", "10.0.0.22", unique), NHRP_CODE_UNIQUE_REGISTERED);
		assert_int_equal(f->out.n_changes, 0);
		assert_int_equal(f->reply.cies[0].holding_time_s, 0);
		// behind the same NAT
		assert_int_equal(code_of(f, "172.16.0.11", "10.0.0.11", unique), NHRP_CODE_UNIQUE_REGISTERED);
		assert_int_equal(f->out.refusal.kind, NHS_REFUSAL_OWNER);
		assert_int_equal(f->out.refusal.owner, ALICE);
		from(f, 0, 0); // nor has it who comes without any
		assert_int_equal(code_of(f, "172.16.0.11", "10.0.0.11", unique), NHRP_CODE_UNIQUE_REGISTERED);
		assert_int_equal(binding_at(f, "172.16.0.11")->identity, ALICE);
	}
	assert_int_equal(counted(f, NHS_COUNT_REFUSED_UNIQUE), 6);
	nhrp_cache_remove(f->nhs.cache, binding_at(f, "172.16.0.11")); // as when its holding time has ended
	from(f, BOB, 4501);
	assert_int_equal(registered(f, "172.16.0.11", "10.0.0.22", true)->identity, BOB);
}

static void a_binding_of_nobody_is_taken_by_todays_rules(void **state) {
	struct nhs_fixture *f = *state;

	registered(f, "172.16.0.11", "10.0.0.11", true);
	from(f, ALICE, 0);
	assert_int_equal(code_of(f, "172.16.0.11", "10.0.0.22", true), NHRP_CODE_UNIQUE_REGISTERED);
	assert_int_equal(registered(f, "172.16.0.11", "10.0.0.11", true)->identity, ALICE);
	from(f, 0, 0);
	registered(f, "172.16.0.12", "10.0.0.12", false);
	from(f, ALICE, 0);
	assert_int_equal(registered(f, "172.16.0.12", "10.0.0.13", false)->identity, ALICE);
}

static void protocol_addresses_outside_of_the_list_get_code_4(void **state) {
	struct nhs_fixture *f = *state;
	struct prefix protocol[2] = {prefix_from("172.16.0.16/28"), prefix_from("172.16.0.99")};
	const struct nhs_allowed allowed = {.protocol = protocol, .n_protocol = 2};

	from(f, ALICE, 0);
	f->src.allowed = &allowed;
	assert_int_equal(code_of(f, "172.16.0.17", "10.0.0.11", true), NHRP_CODE_OK);
	assert_int_equal(code_of(f, "172.16.0.99", "10.0.0.11", true), NHRP_CODE_OK);
	assert_int_equal(code_of(f, "172.16.0.24/29", "10.0.0.11", false), NHRP_CODE_OK);
	assert_int_equal(code_of(f, "172.16.0.98", "10.0.0.11", true), NHRP_CODE_ADMIN_PROHIBITED);
	assert_int_equal(f->out.refusal.kind, NHS_REFUSAL_PREFIX);
	assert_true(prefix_contains(&f->out.refusal.prefix, &f->request.src_protocol));
	assert_int_equal(code_of(f, "172.16.0.96/27", "10.0.0.11", false), NHRP_CODE_ADMIN_PROHIBITED);
	assert_int_equal(code_of(f, "2001:db8::11", "10.0.0.11", true), NHRP_CODE_ADMIN_PROHIBITED);
	assert_int_equal(counted(f, NHS_COUNT_REFUSED_IDENTITY), 3);
	assert_int_equal(code_of(f, "fe80::11", "10.0.0.11", true), NHRP_CODE_OK);
	protocol[1] = prefix_from("fe80::a/128"); // a list that has link-local ones means them
	assert_int_equal(code_of(f, "fe80::12", "10.0.0.11", true), NHRP_CODE_ADMIN_PROHIBITED);
	assert_int_equal(code_of(f, "fe80::a", "10.0.0.11", true), NHRP_CODE_OK);
}

static void prefixes_behind_an_identity_may_be_outside_of_the_subnet(void **state) {
	struct nhs_fixture *f = *state;
	struct prefix protocol = prefix_from("172.16.0.11"), prefixes = prefix_from("10.1.0.0/16");
	const struct nhs_allowed allowed = {&protocol, &prefixes, 1, 1};

	from(f, ALICE, 0);
	assert_int_equal(code_of(f, "10.1.2.0/24", "10.0.0.11", false), NHRP_CODE_ADMIN_PROHIBITED);
	assert_int_equal(counted(f, NHS_COUNT_REFUSED_PREFIX), 1);
	f->src.allowed = &allowed;
	assert_int_equal(code_of(f, "10.1.2.0/24", "10.0.0.11", false), NHRP_CODE_OK);
	assert_int_equal(code_of(f, "10.1.2.0/24", "10.0.0.11", true), NHRP_CODE_ADMIN_PROHIBITED); // U: hosts alone
	assert_int_equal(code_of(f, "10.1.2.3/32", "10.0.0.11", false), NHRP_CODE_ADMIN_PROHIBITED);
	assert_int_equal(code_of(f, "10.0.0.0/15", "10.0.0.11", false), NHRP_CODE_ADMIN_PROHIBITED);
	assert_int_equal(code_of(f, "172.16.0.32/28", "10.0.0.11", false), NHRP_CODE_ADMIN_PROHIBITED);
	assert_int_equal(code_of(f, "172.16.0.11", "10.0.0.11", true), NHRP_CODE_OK);
}

static void a_class_around_another_identity_is_refused(void **state) {
	struct nhs_fixture *f = *state;

	from(f, ALICE, 4500);
	registered(f, "172.16.0.33", "10.0.0.11", true);
	from(f, BOB, 4501); // the same NAT
	assert_int_equal(code_of(f, "172.16.0.32/28", "10.0.0.11", false), NHRP_CODE_ADMIN_PROHIBITED);
	from(f, ALICE, 4500); // elsewhere by now
	f->now_ns += NS_PER_S;
	assert_int_equal(code_of(f, "172.16.0.32/28", "10.0.0.22", false), NHRP_CODE_OK);
}

static void only_the_own_identity_purges(void **state) {
	struct nhs_fixture *f = *state;
	static const char *const what[] = {"172.16.0.33", "172.16.0.32/28"};

	for (unsigned i = 0; i < 2; i++) {
		from(f, ALICE, 4500);
		registered(f, "172.16.0.33", "10.0.0.11", true);
		from(f, BOB, 4501);
		request_purge(f, "172.16.0.34", "10.0.0.11", what[i]);
		receive(f);
		assert_int_equal(f->out.n_changes, 0);
		from(f, 0, 0);
		receive(f);
		assert_non_null(binding_at(f, "172.16.0.33"));
		f->now_ns += NS_PER_S; // walks are counted
		from(f, ALICE, 31000);
		request_purge(f, "172.16.0.33", "10.0.0.22", what[i]); // from where it is now
		receive(f);
		assert_null(binding_at(f, "172.16.0.33"));
		f->now_ns += NS_PER_S;
	}
}

static void who_may_not_use_the_tunnel_registers_and_purges_nothing(void **state) {
	struct nhs_fixture *f = *state;

	from(f, ALICE, 0);
	registered(f, "172.16.0.11", "10.0.0.11", true);
	f->src.may_not_use = true;
	assert_int_equal(code_of(f, "172.16.0.12", "10.0.0.11", true), NHRP_CODE_ADMIN_PROHIBITED);
	assert_int_equal(f->out.refusal.kind, NHS_REFUSAL_TUNNEL);
	assert_int_equal(counted(f, NHS_COUNT_REFUSED_IDENTITY), 1);
	request_purge(f, "172.16.0.11", "10.0.0.11", "172.16.0.11");
	receive(f);
	assert_false(f->out.send);
	assert_int_equal(counted(f, NHS_COUNT_DROP_IDENTITY), 1);
	assert_non_null(binding_at(f, "172.16.0.11"));
}

static void a_static_map_is_nobody_elses(void **state) {
	struct nhs_fixture *f = *state;
	struct addr protocol = addr_from("172.16.0.9"), nbma = addr_from("10.0.0.9");
	struct binding *b = nhs_add_static(&f->nhs, &f->conf, &protocol, &nbma, true, f->now_ns);

	from(f, ALICE, 0);
	assert_int_equal(code_of(f, "172.16.0.9", "10.0.0.11", true), NHRP_CODE_ADMIN_PROHIBITED);
	assert_int_equal(code_of(f, "172.16.0.9", "10.0.0.9", true), NHRP_CODE_OK);
	assert_int_equal(b->identity, 0);
	b->identity = BOB;
	assert_int_equal(code_of(f, "172.16.0.9", "10.0.0.9", true), NHRP_CODE_ADMIN_PROHIBITED);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		nhs_test(the_same_identity_takes_over_its_unique_address),
		nhs_test(another_identity_gets_code_14),
		nhs_test(a_binding_of_nobody_is_taken_by_todays_rules),
		nhs_test(protocol_addresses_outside_of_the_list_get_code_4),
		nhs_test(prefixes_behind_an_identity_may_be_outside_of_the_subnet),
		nhs_test(a_class_around_another_identity_is_refused),
		nhs_test(only_the_own_identity_purges),
		nhs_test(who_may_not_use_the_tunnel_registers_and_purges_nothing),
		nhs_test(a_static_map_is_nobody_elses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
