// SPDX-License-Identifier: BSD-3-Clause
// Registration beyond what the RFC says: moves, limits, maps, NAT, what the forwarding side is told.
#include "nhs_fixture.h"

#include <stdio.h>

static uint8_t code_of(struct nhs_fixture *f, const char *protocol, const char *nbma, bool unique) {
	request_registration(f, protocol, nbma, unique);
	receive(f);
	assert_true(f->out.send);
	return f->reply.cies[0].code;
}

static void new_binding_holds_what_the_request_said(void **state) {
	struct nhs_fixture *f = *state;
	struct binding *b;

	request_registration(f, "172.16.0.11", "10.0.0.11", true);
	f->request.cies[0].mtu = 17916;
	f->request.cies[0].preference = 3;
	f->src.nbma_port = 4500;
	receive(f);
	assert_int_equal(f->out.n_changes, 1);
	assert_int_equal(f->out.changes[0].kind, NHS_ADDED);
	b = f->out.changes[0].binding;
	assert_ptr_equal(b, binding_at(f, "172.16.0.11"));
	assert_int_equal(b->kind, BINDING_REGISTERED);
	assert_int_equal(b->tunnel, 3);
	assert_int_equal(b->mtu, 17916);
	assert_int_equal(b->preference, 3);
	assert_int_equal(b->nbma_port, 4500);
	assert_int_equal(b->request_id, 77);
	assert_int_equal(b->created_ns, f->now_ns);
	assert_true(b->unique);
	assert_true(b->multicast);
	assert_false(f->out.to_source);
	assert_int_equal(counted(f, NHS_COUNT_REGISTERED), 1);
	assert_int_equal(counted(f, NHS_COUNT_TX_REGISTRATION_REPLY), 1);
}

static void move_without_u_names_the_old_nbma_address(void **state) {
	struct nhs_fixture *f = *state;
	struct addr old = addr_from("10.0.0.11"), now = addr_from("10.0.0.22");
	struct binding *b = registered(f, "172.16.0.11", "10.0.0.11", false);

	assert_ptr_equal(registered(f, "172.16.0.11", "10.0.0.22", false), b);
	assert_int_equal(f->out.changes[0].kind, NHS_CHANGED);
	assert_true(addr_eq(&f->out.changes[0].old_nbma, &old));
	assert_true(addr_eq(&b->nbma, &now));
	assert_int_equal(counted(f, NHS_COUNT_MOVED), 1);
	assert_int_equal(nhrp_cache_count(f->nhs.cache), 1);
}

static void request_without_u_does_not_displace_a_unique_binding(void **state) {
	struct nhs_fixture *f = *state;
	struct addr first = addr_from("10.0.0.11");

	registered(f, "172.16.0.11", "10.0.0.11", true);
	assert_int_equal(code_of(f, "172.16.0.11", "10.0.0.66", false), NHRP_CODE_UNIQUE_REGISTERED);
	assert_true(addr_eq(&binding_at(f, "172.16.0.11")->nbma, &first));
	assert_int_equal(counted(f, NHS_COUNT_REFUSED_UNIQUE), 1);
}

static void own_refresh_may_drop_the_u(void **state) {
	struct nhs_fixture *f = *state;

	registered(f, "172.16.0.11", "10.0.0.11", true);
	registered(f, "172.16.0.11", "10.0.0.11", false);
	assert_int_equal(f->out.changes[0].kind, NHS_REFRESHED);
	assert_int_equal(counted(f, NHS_COUNT_REFRESHED), 1);
	registered(f, "172.16.0.11", "10.0.0.22", false);
}

static void refresh_with_another_mtu_or_port_is_a_change(void **state) {
	struct nhs_fixture *f = *state;
	struct addr nbma = addr_from("10.0.0.11");

	registered(f, "172.16.0.11", "10.0.0.11", true);
	request_registration(f, "172.16.0.11", "10.0.0.11", true);
	f->request.cies[0].mtu = 1300;
	receive(f);
	assert_int_equal(f->out.changes[0].kind, NHS_CHANGED);
	assert_true(addr_eq(&f->out.changes[0].old_nbma, &nbma));
	receive(f);
	assert_int_equal(f->out.changes[0].kind, NHS_REFRESHED);
	f->src.nbma_port = 20001;
	receive(f);
	assert_int_equal(f->out.changes[0].kind, NHS_CHANGED);
	assert_int_equal(binding_at(f, "172.16.0.11")->nbma_port, 20001);
}

static void holding_time_0_is_the_servers_default(void **state) {
	struct nhs_fixture *f = *state;

	request_registration(f, "172.16.0.11", "10.0.0.11", false);
	f->request.cies[0].holding_time_s = 0;
	receive(f);
	assert_int_equal(f->reply.cies[0].code, NHRP_CODE_OK);
	assert_int_equal(binding_at(f, "172.16.0.11")->holding_time_s, 600);
	f->conf.holding_time_s = 0; // nothing configured either
	receive(f);
	assert_int_equal(binding_at(f, "172.16.0.11")->holding_time_s, 7200);
}

static void max_registrations_of_the_tunnel(void **state) {
	struct nhs_fixture *f = *state;

	f->conf.max_registrations = 2;
	registered(f, "172.16.0.11", "10.0.0.11", false);
	registered(f, "172.16.0.12", "10.0.0.12", false);
	assert_int_equal(code_of(f, "172.16.0.13", "10.0.0.13", false), NHRP_CODE_NO_RESOURCES);
	assert_int_equal(code_of(f, "172.16.0.12", "10.0.0.12", false), NHRP_CODE_OK);
	f->conf.tunnel = 4; // another tunnel counts for itself
	assert_int_equal(code_of(f, "172.16.0.13", "10.0.0.13", false), NHRP_CODE_OK);
}

static void what_may_not_be_registered(void **state) {
	struct nhs_fixture *f = *state;
	static const struct {
		const char *protocol;
		uint8_t prefix_len, code;
	} cases[] = {
		{"172.16.0.1", 32, 4}, // the NHS
		{"172.16.0.0", 30, 4}, // a class that covers the NHS
		{"172.16.0.0", 24, 4}, // the subnet
		{"172.16.0.0", 23, 4}, // more than the subnet
		{"172.16.1.1", 32, 4}, // outside
		{"192.168.11.0", 24, 4},
		{"224.0.0.5", 32, 4},
		{"127.0.0.1", 32, 4},
		{"0.0.0.0", 32, 4},
		{"172.16.0.9", 33, 4}, // longer than the family
		{"172.16.0.8", 29, 0},
		{"172.16.0.255", 32, 0},
	};

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		request_registration(f, "172.16.0.77", "10.0.0.11", false);
		f->request.cies[0].protocol = addr_from(cases[i].protocol);
		f->request.cies[0].prefix_len = cases[i].prefix_len;
		receive(f);
		assert_int_equal(f->reply.cies[0].code, cases[i].code);
	}
	assert_int_equal(nhrp_cache_count(f->nhs.cache), 2);
	assert_int_equal(counted(f, NHS_COUNT_REFUSED_PREFIX) + counted(f, NHS_COUNT_REFUSED_PROHIBITED), 10);
}

static void subnet_default_still_protects_the_nhs(void **state) {
	struct nhs_fixture *f = *state;

	f->conf.subnet[0] = prefix_from("0.0.0.0/0");
	assert_int_equal(code_of(f, "172.16.0.1", "10.0.0.11", false), NHRP_CODE_ADMIN_PROHIBITED);
	assert_int_equal(code_of(f, "0.0.0.0", "10.0.0.11", false), NHRP_CODE_ADMIN_PROHIBITED);
	assert_int_equal(code_of(f, "192.168.1.1", "10.0.0.11", false), NHRP_CODE_OK);
}

static void ipv6_link_local_host_is_accepted(void **state) {
	struct nhs_fixture *f = *state;

	request_registration(f, "2001:db8::11", "10.0.0.11", true);
	f->request.cies[1] = f->request.cies[0];
	f->request.cies[1].protocol = addr_from("fe80::11");
	f->request.cies[2] = f->request.cies[0];
	f->request.cies[2].protocol = addr_from("2001:db9::11");
	f->request.n_cies = 3;
	receive(f);
	assert_int_equal(f->reply.cies[0].code, NHRP_CODE_OK);
	assert_int_equal(f->reply.cies[1].code, NHRP_CODE_OK);
	assert_int_equal(f->reply.cies[2].code, NHRP_CODE_ADMIN_PROHIBITED);
	assert_int_equal(f->out.n_changes, 2);
}

static void ipv6_nbma_addresses(void **state) {
	struct nhs_fixture *f = *state;
	struct addr nbma = addr_from("2001:db8:f::11");

	f->conf.nbma = addr_from("2001:db8:f::1");
	assert_true(addr_eq(&registered(f, "172.16.0.11", "2001:db8:f::11", true)->nbma, &nbma));
	registered(f, "2001:db8::11", "2001:db8:f::11", true);
	assert_int_equal(nhrp_cache_count(f->nhs.cache), 2);
}

static void family_without_a_protocol_address_is_not_served(void **state) {
	struct nhs_fixture *f = *state;

	request_registration(f, "2001:db8::11", "10.0.0.11", true);
	f->conf.protocol[1] = (struct addr){0};
	receive(f);
	assert_false(f->out.send);
	assert_int_equal(counted(f, NHS_COUNT_DROP_UNSUPPORTED), 1);
}

static void third_partys_nbma_address_is_refused(void **state) {
	struct nhs_fixture *f = *state;

	request_registration(f, "172.16.0.11", "10.0.0.11", false);
	f->request.cies[0].nbma = addr_from("10.0.0.66");
	receive(f);
	assert_int_equal(f->reply.cies[0].code, NHRP_CODE_ADMIN_PROHIBITED);
	assert_int_equal(nhrp_cache_count(f->nhs.cache), 0);
}

static void behind_nat_the_observed_address_is_used(void **state) {
	struct nhs_fixture *f = *state;
	struct addr seen = addr_from("198.51.100.9"), claimed = addr_from("10.1.0.13");
	struct nhrp_cie nat[3];
	struct binding *b;

	request_registration(f, "172.16.0.13", "10.1.0.13", true);
	f->src.nbma = seen;
	receive(f);
	b = binding_at(f, "172.16.0.13");
	assert_true(b->behind_nat);
	assert_true(addr_eq(&b->nbma, &seen));
	assert_true(addr_eq(&b->claimed_nbma, &claimed));
	assert_int_equal(nhrp_ext_cies(&f->reply, nhrp_ext_find(&f->reply, NHRP_EXT_NAT_ADDRESS), nat, 3), 2);
	assert_true(addr_eq(&nat[1].nbma, &seen));
	assert_true(addr_eq(&nat[1].protocol, &f->request.src_protocol));
	receive(f); // refresh
	assert_int_equal(f->out.changes[0].kind, NHS_REFRESHED);
}

static void two_clients_behind_one_nat_are_told_apart(void **state) {
	struct nhs_fixture *f = *state;

	request_registration(f, "172.16.0.13", "10.1.0.13", true);
	f->src.nbma = addr_from("198.51.100.9");
	receive(f);
	request_registration(f, "172.16.0.13", "10.1.0.14", true);
	f->src.nbma = addr_from("198.51.100.9");
	receive(f);
	assert_int_equal(f->reply.cies[0].code, NHRP_CODE_UNIQUE_REGISTERED);
}

static void device_capabilities_are_not_taken_for_nat(void **state) {
	struct nhs_fixture *f = *state;
	static const uint8_t capabilities[8] = {0, 0, 0, 1, 0, 0, 0, 2};

	request_registration(f, "172.16.0.13", "10.1.0.13", true);
	f->src.nbma = addr_from("198.51.100.9");
	f->request.n_exts = 0;
	nhrp_ext_add(&f->request, NHRP_EXT_NAT_ADDRESS, false, capabilities, sizeof(capabilities));
	receive(f);
	assert_int_equal(f->reply.exts[0].len_bytes, 8);
	assert_memory_equal(f->reply.exts[0].value, capabilities, 8);
}

static void static_map_is_never_displaced(void **state) {
	struct nhs_fixture *f = *state;
	struct addr protocol = addr_from("172.16.0.9"), nbma = addr_from("10.0.0.9");
	struct binding *b = nhs_add_static(&f->nhs, &f->conf, &protocol, &nbma, true, f->now_ns);

	assert_non_null(b);
	assert_null(nhs_add_static(&f->nhs, &f->conf, &protocol, &nbma, true, f->now_ns));
	assert_int_equal(b->expires_ns, 0);
	assert_int_equal(code_of(f, "172.16.0.9", "10.0.0.66", true), NHRP_CODE_ADMIN_PROHIBITED);
	assert_int_equal(code_of(f, "172.16.0.9", "10.0.0.9", true), NHRP_CODE_OK);
	assert_int_equal(f->out.n_changes, 0);
	assert_int_equal(b->kind, BINDING_STATIC);
	request_purge(f, "172.16.0.9", "10.0.0.9", "172.16.0.9");
	receive(f);
	assert_ptr_equal(binding_at(f, "172.16.0.9"), b);
}

static void learnt_binding_becomes_a_registered_one(void **state) {
	struct nhs_fixture *f = *state;
	struct prefix host = prefix_from("172.16.0.11");
	struct binding *b = nhrp_cache_add(f->nhs.cache, f->conf.tunnel, &host);

	b->kind = BINDING_CACHED;
	b->nbma = addr_from("10.0.0.66");
	b->unique = true; // what was learnt in passing binds nobody
	assert_ptr_equal(registered(f, "172.16.0.11", "10.0.0.11", false), b);
	assert_int_equal(f->out.changes[0].kind, NHS_CHANGED);
	assert_int_equal(b->kind, BINDING_REGISTERED);
	assert_int_equal(counted(f, NHS_COUNT_REGISTERED), 1);
}

static void no_multicast_copy_for_a_class_or_when_off(void **state) {
	struct nhs_fixture *f = *state;

	request_registration(f, "172.16.0.32", "10.0.0.11", false);
	f->request.cies[0].prefix_len = 28;
	receive(f);
	assert_false(binding_at(f, "172.16.0.32/28")->multicast);
	f->conf.multicast_dynamic = false;
	assert_false(registered(f, "172.16.0.11", "10.0.0.11", false)->multicast);
}

static void request_without_a_cie_is_malformed(void **state) {
	struct nhs_fixture *f = *state;

	request_registration(f, "172.16.0.11", "10.0.0.11", false);
	f->request.n_cies = 0;
	receive(f);
	assert_false(f->out.send);
	assert_int_equal(counted(f, NHS_COUNT_DROP_MALFORMED), 1);
}

static void most_cies_that_a_message_may_have(void **state) {
	struct nhs_fixture *f = *state;

	request_registration(f, "172.16.0.11", "10.0.0.11", false);
	for (unsigned i = 0; i < NHRP_CIE_MAX; i++) {
		f->request.cies[i] = f->request.cies[0];
		f->request.cies[i].protocol = addr_ipv4(0xac100080 + i);
	}
	f->request.n_cies = NHRP_CIE_MAX;
	receive(f);
	assert_int_equal(f->out.n_changes, NHRP_CIE_MAX);
	assert_int_equal(f->reply.n_cies, NHRP_CIE_MAX);
	assert_int_equal(nhrp_cache_count(f->nhs.cache), NHRP_CIE_MAX);
}

static uint8_t class_code(struct nhs_fixture *f, const char *protocol, uint8_t len, const char *nbma) {
	request_registration(f, protocol, nbma, false);
	f->request.cies[0].prefix_len = len;
	f->now_ns += 100 * NS_PER_MS;
	receive(f);
	return f->reply.cies[0].code;
}

// It would take the traffic of whoever is inside.
static void class_around_what_another_client_registered_is_refused(void **state) {
	struct nhs_fixture *f = *state;

	registered(f, "172.16.0.33", "10.0.0.11", false);
	assert_int_equal(class_code(f, "172.16.0.32", 28, "10.0.0.66"), NHRP_CODE_ADMIN_PROHIBITED);
	assert_int_equal(class_code(f, "172.16.0.48", 28, "10.0.0.66"), NHRP_CODE_OK);
	assert_int_equal(class_code(f, "172.16.0.48", 28, "10.0.0.66"), NHRP_CODE_OK); // refresh
	assert_int_equal(class_code(f, "172.16.0.32", 28, "10.0.0.11"), NHRP_CODE_OK); // his own
	assert_int_equal(class_code(f, "172.16.0.32", 27, "10.0.0.66"), NHRP_CODE_ADMIN_PROHIBITED);
	assert_int_equal(class_code(f, "172.16.0.40", 30, "10.0.0.66"), NHRP_CODE_OK); // inside his: the longer goes
	f->conf.tunnel = 4;
	assert_int_equal(class_code(f, "172.16.0.32", 27, "10.0.0.66"), NHRP_CODE_OK);
}

// To see that is a walk through the cache.
static void new_classes_are_taken_at_a_bounded_rate(void **state) {
	struct nhs_fixture *f = *state;
	unsigned taken = 0;

	for (unsigned i = 0; i < 20; i++) {
		char protocol[16];

		snprintf(protocol, sizeof(protocol), "172.16.0.%u", 8 + 4 * i);
		taken += class_code(f, protocol, 30, "10.0.0.11") == NHRP_CODE_OK;
		f->now_ns -= 100 * NS_PER_MS;
	}
	assert_in_range(taken, 1, 10);
	assert_int_equal(counted(f, NHS_COUNT_REFUSED_RESOURCES), 20 - taken);
	f->now_ns += NS_PER_S;
	assert_int_equal(class_code(f, "172.16.0.128", 30, "10.0.0.11"), NHRP_CODE_OK);
}

static void the_same_address_twice_is_one_change(void **state) {
	struct nhs_fixture *f = *state;

	request_registration(f, "172.16.0.11", "10.0.0.11", true);
	f->request.n_cies = 2;
	f->request.cies[1] = f->request.cies[0];
	f->request.cies[1].mtu = 1300;
	receive(f);
	assert_int_equal(f->out.n_changes, 1);
	assert_int_equal(f->out.changes[0].kind, NHS_ADDED);
	assert_int_equal(binding_at(f, "172.16.0.11")->mtu, 1300);
	receive(f); // from 1300 to 0 and back: what is published may be any of the two
	assert_int_equal(f->out.n_changes, 1);
	assert_int_equal(f->out.changes[0].kind, NHS_CHANGED);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		nhs_test(new_binding_holds_what_the_request_said),
		nhs_test(move_without_u_names_the_old_nbma_address),
		nhs_test(request_without_u_does_not_displace_a_unique_binding),
		nhs_test(own_refresh_may_drop_the_u),
		nhs_test(refresh_with_another_mtu_or_port_is_a_change),
		nhs_test(holding_time_0_is_the_servers_default),
		nhs_test(max_registrations_of_the_tunnel),
		nhs_test(what_may_not_be_registered),
		nhs_test(subnet_default_still_protects_the_nhs),
		nhs_test(ipv6_link_local_host_is_accepted),
		nhs_test(ipv6_nbma_addresses),
		nhs_test(family_without_a_protocol_address_is_not_served),
		nhs_test(third_partys_nbma_address_is_refused),
		nhs_test(behind_nat_the_observed_address_is_used),
		nhs_test(two_clients_behind_one_nat_are_told_apart),
		nhs_test(device_capabilities_are_not_taken_for_nat),
		nhs_test(static_map_is_never_displaced),
		nhs_test(learnt_binding_becomes_a_registered_one),
		nhs_test(no_multicast_copy_for_a_class_or_when_off),
		nhs_test(request_without_a_cie_is_malformed),
		nhs_test(class_around_what_another_client_registered_is_refused),
		nhs_test(new_classes_are_taken_at_a_bounded_rate),
		nhs_test(the_same_address_twice_is_one_change),
		nhs_test(most_cies_that_a_message_may_have),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
