// SPDX-License-Identifier: BSD-3-Clause
// Requests of real peers; the answers of the hubs that they accepted are the yardstick.
#include "captured.h"
#include "nhs_fixture.h"

// Our reply with the other hub's hop count and holding time of itself has to be its reply, byte for byte.
static void assert_reply_is(struct nhs_fixture *f, const char *hex, uint8_t hop_count) {
	uint8_t theirs[512], ours[512];
	size_t n = hex_bytes(hex, theirs, sizeof(theirs));
	int len;

	assert_true(f->out.send);
	assert_int_equal(f->out.reply.hop_count, 255);
	f->out.reply.hop_count = hop_count;
	len = nhrp_msg_encode(&f->out.reply, ours, sizeof(ours));
	assert_int_equal(len, n);
	assert_memory_equal(ours, theirs, n);
}

static void frr_registration(void **state) {
	struct nhs_fixture *f = *state;
	struct binding *b;

	f->conf.holding_time_s = 7200;
	receive_hex(f, CAPTURED_FRR_REQUEST, "10.0.0.11");
	assert_reply_is(f, CAPTURED_FRR_REPLY, 64);
	assert_int_equal(f->out.n_changes, 1);
	assert_int_equal(f->out.changes[0].kind, NHS_ADDED);
	b = binding_at(f, "172.16.0.11");
	assert_non_null(b);
	assert_int_equal(b->holding_time_s, 7200);
	assert_false(b->unique);
	assert_false(b->behind_nat);
}

static void frr_unique_registration_and_its_rival(void **state) {
	struct nhs_fixture *f = *state;

	secret_set(f, "dmvpn01");
	f->conf.holding_time_s = 30;
	receive_hex(f, CAPTURED_UNIQUE_REQUEST, "10.0.0.13");
	assert_reply_is(f, CAPTURED_UNIQUE_REPLY, 64);
	assert_true(binding_at(f, "172.16.0.13")->unique);
	receive_hex(f, CAPTURED_UNIQUE_REQUEST, "10.0.0.13"); // its own refresh
	assert_int_equal(f->reply.cies[0].code, NHRP_CODE_OK);
	receive_hex(f, CAPTURED_RIVAL_REQUEST, "10.0.0.14"); // FRR's hub lets it in
	assert_int_equal(f->reply.cies[0].code, NHRP_CODE_UNIQUE_REGISTERED);
	assert_int_equal(f->reply.cies[0].holding_time_s, 0);
	assert_int_equal(f->out.n_changes, 0);
	assert_true(f->out.to_source);
	assert_int_equal(counted(f, NHS_COUNT_REFUSED_UNIQUE), 1);
}

static void frr_behind_nat(void **state) {
	struct nhs_fixture *f = *state;
	struct addr seen = addr_from("10.0.0.99"), claimed = addr_from("10.1.0.13");
	struct binding *b;

	f->conf.holding_time_s = 60;
	receive_hex(f, CAPTURED_NAT_REQUEST, "10.0.0.99");
	assert_reply_is(f, CAPTURED_NAT_REPLY, 64);
	b = binding_at(f, "172.16.0.13");
	assert_true(b->behind_nat);
	assert_true(addr_eq(&b->nbma, &seen));
	assert_true(addr_eq(&b->claimed_nbma, &claimed));
}

static void opennhrp_registration_and_purge(void **state) {
	struct nhs_fixture *f = *state;

	secret_set(f, "dmvpn01");
	f->conf.holding_time_s = 60;
	receive_hex(f, CAPTURED_OPENNHRP_REQUEST, "10.0.0.11");
	assert_reply_is(f, CAPTURED_OPENNHRP_REPLY, 16);
	receive_hex(f, CAPTURED_OPENNHRP_PURGE, "10.0.0.11"); // of its LAN, which it never registered here
	assert_reply_is(f, CAPTURED_OPENNHRP_PURGE_REPLY, 16);
	assert_non_null(binding_at(f, "172.16.0.11"));
	assert_int_equal(counted(f, NHS_COUNT_PURGED), 0);
}

static void bad_string_gets_one_error_and_the_spokes_error_none(void **state) {
	struct nhs_fixture *f = *state;

	secret_set(f, "dmvpn01");
	receive_hex(f, CAPTURED_BADAUTH_REQUEST, "10.0.0.13");
	assert_int_equal(f->reply.type, NHRP_ERROR_INDICATION);
	assert_int_equal(f->reply.error_code, NHRP_ERROR_AUTHENTICATION);
	assert_int_equal(counted(f, NHS_COUNT_DROP_AUTHENTICATION), 1);
	receive_hex(f, CAPTURED_BADAUTH_ERROR_ON_ERROR, "10.0.0.13");
	assert_false(f->out.send);
	assert_int_equal(counted(f, NHS_COUNT_RX_ERROR_INDICATION), 1);
	assert_int_equal(counted(f, NHS_COUNT_DROP_AUTHENTICATION), 1);
	assert_int_equal(nhrp_cache_count(f->nhs.cache), 0);
}

static void what_this_build_does_not_serve_is_counted(void **state) {
	struct nhs_fixture *f = *state;

	receive_hex(f, CAPTURED_RESOLUTION_REQUEST, "10.0.0.12");
	assert_false(f->out.send);
	receive_hex(f, CAPTURED_TRAFFIC_INDICATION, "10.0.0.12");
	assert_false(f->out.send);
	receive_hex(f, CAPTURED_FRR_REPLY, "10.0.0.12");
	assert_false(f->out.send);
	assert_int_equal(counted(f, NHS_COUNT_RX_RESOLUTION_REQUEST), 1);
	assert_int_equal(counted(f, NHS_COUNT_RX_TRAFFIC_INDICATION), 1);
	assert_int_equal(counted(f, NHS_COUNT_RX_REGISTRATION_REPLY), 1);
	assert_int_equal(counted(f, NHS_COUNT_DROP_UNSUPPORTED), 3);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		nhs_test(frr_registration),
		nhs_test(frr_unique_registration_and_its_rival),
		nhs_test(frr_behind_nat),
		nhs_test(opennhrp_registration_and_purge),
		nhs_test(bad_string_gets_one_error_and_the_spokes_error_none),
		nhs_test(what_this_build_does_not_serve_is_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
