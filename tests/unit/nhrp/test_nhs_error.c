// SPDX-License-Identifier: BSD-3-Clause
// Error Indications: how many, and what they must not give away. Purges of more than one turn can name.
#include "nhs_fixture.h"

static const char secret[] = "dmvpn01";

// True when the secret's bytes are anywhere in the packet.
static bool holds(const uint8_t *bytes, size_t len, const char *text) {
	return memmem(bytes, len, text, strlen(text)) != NULL;
}

static void request_with_string(struct nhs_fixture *f, const char *string) {
	static uint8_t value[12];

	memcpy(value, "\0\0\0\1", 4);
	memcpy(value + 4, string, strlen(string));
	request_registration(f, "172.16.0.11", "10.0.0.11", false);
	nhrp_ext_add(&f->request, NHRP_EXT_AUTHENTICATION, true, value, (uint16_t)(4 + strlen(string)));
}

static void errors_stop_at_the_rate_limit_and_come_back(void **state) {
	struct nhs_fixture *f = *state;
	uint64_t sent;

	secret_set(f, secret);
	request_with_string(f, "wrong99");
	for (unsigned i = 0; i < 1000; i++)
		receive(f);
	sent = counted(f, NHS_COUNT_TX_ERROR_INDICATION);
	assert_in_range(sent, 1, 200);
	assert_int_equal(counted(f, NHS_COUNT_ERROR_RATE_LIMITED), 1000 - sent);
	assert_int_equal(counted(f, NHS_COUNT_DROP_AUTHENTICATION), 1000);
	assert_false(f->out.send);
	f->now_ns += NS_PER_S;
	receive(f);
	assert_true(f->out.send);
}

static void neither_secret_is_quoted(void **state) {
	struct nhs_fixture *f = *state;
	struct nhrp_msg quoted;

	secret_set(f, secret);
	request_with_string(f, "wrong99"); // perhaps right elsewhere
	receive(f);
	assert_int_equal(f->reply.payload_len_bytes, f->len_bytes);
	assert_false(holds(f->reply_bytes, (size_t)f->reply_len, "wrong99"));
	assert_int_equal(nhrp_msg_decode(f->reply.payload, f->reply.payload_len_bytes, &quoted), NHRP_ERR_NONE);
	assert_int_equal(quoted.n_exts, f->request.n_exts);

	request_with_string(f, secret);
	nhrp_ext_add(&f->request, 0x123, true, NULL, 0); // about something else, after authentication
	receive(f);
	assert_int_equal(f->reply.error_code, NHRP_ERROR_UNKNOWN_EXTENSION);
	assert_false(holds(f->reply_bytes, (size_t)f->reply_len, secret));
	assert_int_equal(f->reply.payload_len_bytes, f->len_bytes);
}

static void too_long_to_blank_is_cut_in_front_of_the_secret(void **state) {
	struct nhs_fixture *f = *state;
	static uint8_t big[900];

	request_with_string(f, secret);
	nhrp_ext_add(&f->request, 0x123, true, big, sizeof(big));
	receive(f);
	assert_int_equal(f->reply.error_code, NHRP_ERROR_UNKNOWN_EXTENSION);
	assert_false(holds(f->reply_bytes, (size_t)f->reply_len, secret));
	assert_true(f->reply.payload_len_bytes > 52);
	assert_memory_equal(f->reply.payload, f->bytes, f->reply.payload_len_bytes);
}

static void second_secret_is_blanked_too(void **state) {
	struct nhs_fixture *f = *state;

	secret_set(f, secret);
	request_with_string(f, secret);
	f->request.exts[0] = f->request.exts[f->request.n_exts - 1];
	receive(f);
	assert_int_equal(f->reply.error_code, NHRP_ERROR_AUTHENTICATION);
	assert_false(holds(f->reply_bytes, (size_t)f->reply_len, secret));
}

static void link_padding_is_not_quoted(void **state) {
	struct nhs_fixture *f = *state;
	struct nhrp_msg m;
	int len;

	secret_set(f, secret);
	request_registration(f, "172.16.0.11", "10.0.0.11", false);
	len = nhrp_msg_encode(&f->request, f->bytes, sizeof(f->bytes));
	memset(f->bytes + len, 0xee, 30);
	assert_int_equal(nhrp_msg_decode(f->bytes, (size_t)len + 30, &m), NHRP_ERR_NONE);
	nhs_receive(&f->nhs, &f->conf, &m, f->bytes, (uint16_t)(len + 30), &f->src, f->now_ns, &f->out);
	assert_true(f->out.send);
	assert_int_equal(f->out.reply.payload_len_bytes, len);
}

static void no_error_to_a_nonsensical_source(void **state) {
	struct nhs_fixture *f = *state;
	static const char *const sources[] = {"0.0.0.0", "224.0.0.1"};

	secret_set(f, secret);
	for (unsigned i = 0; i < 2; i++) {
		request_with_string(f, "wrong99");
		f->request.src_protocol = addr_from(sources[i]);
		receive(f);
		assert_false(f->out.send);
	}
	assert_int_equal(counted(f, NHS_COUNT_DROP_AUTHENTICATION), 2);
}

static void purge_past_the_list_is_finished_by_the_repeated_request(void **state) {
	struct nhs_fixture *f = *state;

	nhs_fini(&f->nhs);
	assert_int_equal(nhs_init(&f->nhs, 200, f->now_ns), 0);
	for (unsigned i = 0; i < 100; i++) {
		char protocol[ADDR_STRLEN];
		struct addr a = addr_ipv4(0xac100040 + i);

		registered(f, addr_format(&a, protocol), "10.0.0.11", true);
	}
	request_purge(f, "172.16.0.64", "10.0.0.11", "172.16.0.0/24");
	receive(f);
	assert_false(f->out.send);
	assert_int_equal(f->out.n_changes, NHS_CHANGES_MAX);
	receive(f);
	assert_true(f->out.send);
	assert_int_equal(nhrp_cache_count(f->nhs.cache), 0);
	assert_int_equal(counted(f, NHS_COUNT_PURGED), 100);
}

static void purge_to_another_nhs_or_without_a_cie_is_dropped(void **state) {
	struct nhs_fixture *f = *state;

	registered(f, "172.16.0.11", "10.0.0.11", true);
	request_purge(f, "172.16.0.11", "10.0.0.11", "172.16.0.11");
	f->request.dst_protocol = addr_from("172.16.0.2");
	receive(f);
	assert_false(f->out.send);
	assert_int_equal(counted(f, NHS_COUNT_DROP_UNSUPPORTED), 1);
	request_purge(f, "172.16.0.11", "10.0.0.11", "172.16.0.11");
	f->request.n_cies = 0;
	receive(f);
	assert_false(f->out.send);
	assert_int_equal(counted(f, NHS_COUNT_DROP_MALFORMED), 1);
	assert_non_null(binding_at(f, "172.16.0.11"));
}

static void counters_have_names_that_telemetry_takes(void **state) {
	(void)state;
	for (unsigned c = 0; c < NHS_COUNT_MAX; c++) {
		const char *name = nhs_counter_name((enum nhs_counter)c);

		assert_true(strlen(name) > 0);
		assert_int_equal(strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_"), strlen(name));
		assert_true(strlen(nhs_counter_help((enum nhs_counter)c)) > 10);
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {
		nhs_test(errors_stop_at_the_rate_limit_and_come_back),
		nhs_test(neither_secret_is_quoted),
		nhs_test(too_long_to_blank_is_cut_in_front_of_the_secret),
		nhs_test(second_secret_is_blanked_too),
		nhs_test(link_padding_is_not_quoted),
		nhs_test(no_error_to_a_nonsensical_source),
		nhs_test(purge_past_the_list_is_finished_by_the_repeated_request),
		nhs_test(purge_to_another_nhs_or_without_a_cie_is_dropped),
		nhs_test(counters_have_names_that_telemetry_takes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
