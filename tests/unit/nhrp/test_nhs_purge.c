// SPDX-License-Identifier: BSD-3-Clause
#include "nhs_fixture.h"

static void a_class_is_purged_while_every_cursor_is_taken(void **state) {
	struct nhs_fixture *f = *state;
	struct binding_cursor lists[16]; // of clients that show the cache, and hang

	registered(f, "172.16.0.33", "10.0.0.11", true);
	for (unsigned i = 0; i < 16; i++)
		nhrp_cache_cursor_open(f->nhs.cache, &lists[i]);
	request_purge(f, "172.16.0.33", "10.0.0.11", "172.16.0.32/28");
	receive(f);
	assert_int_equal(f->reply.type, NHRP_PURGE_REPLY);
	assert_null(binding_at(f, "172.16.0.33"));
	for (unsigned i = 0; i < 16; i++)
		nhrp_cache_cursor_close(f->nhs.cache, &lists[i]);
}

static void hosts_and_classes_of_one_request(void **state) {
	struct nhs_fixture *f = *state;

	registered(f, "172.16.0.11", "10.0.0.11", true);
	registered(f, "172.16.0.33", "10.0.0.11", true);
	registered(f, "172.16.0.65", "10.0.0.11", true);
	registered(f, "172.16.0.129", "10.0.0.11", true);
	request_purge(f, "172.16.0.11", "10.0.0.11", "172.16.0.32/28");
	f->request.cies[1] = f->request.cies[2] = f->request.cies[0];
	f->request.cies[1].protocol = addr_from("172.16.0.11");
	f->request.cies[1].prefix_len = 32;
	f->request.cies[2].protocol = addr_from("172.16.0.64");
	f->request.n_cies = 3;
	receive(f);
	assert_int_equal(f->out.n_changes, 3);
	assert_int_equal(f->reply.n_cies, 3);
	assert_non_null(binding_at(f, "172.16.0.129"));
	assert_int_equal(nhrp_cache_count(f->nhs.cache), 1);
}

// A class means a walk through all of the cache: a client that repeats it takes no time from the others.
static void classes_are_purged_at_a_bounded_rate(void **state) {
	struct nhs_fixture *f = *state;
	unsigned answered = 0;

	request_purge(f, "172.16.0.11", "10.0.0.11", "172.16.0.32/28");
	for (unsigned i = 0; i < 100; i++) {
		receive(f);
		answered += f->out.send;
	}
	assert_in_range(answered, 1, 10);
	assert_int_equal(counted(f, NHS_COUNT_PURGE_RATE_LIMITED), 100 - answered);
	registered(f, "172.16.0.33", "10.0.0.11", true);
	request_purge(f, "172.16.0.33", "10.0.0.11", "172.16.0.33"); // one host: no walk
	receive(f);
	assert_true(f->out.send);
	registered(f, "172.16.0.33", "10.0.0.11", true);
	request_purge(f, "172.16.0.33", "10.0.0.11", "172.16.0.32/28");
	receive(f);
	assert_false(f->out.send); // not purged, not answered: the client repeats it
	assert_non_null(binding_at(f, "172.16.0.33"));
	f->now_ns += NS_PER_S;
	receive(f);
	assert_true(f->out.send);
	assert_null(binding_at(f, "172.16.0.33"));
}

int main(void) {
	const struct CMUnitTest tests[] = {
		nhs_test(a_class_is_purged_while_every_cursor_is_taken),
		nhs_test(hosts_and_classes_of_one_request),
		nhs_test(classes_are_purged_at_a_bounded_rate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
