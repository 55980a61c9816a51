// SPDX-License-Identifier: BSD-3-Clause
// Identities by number: who holds one, which entry of a tunnel's list is theirs.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "identity.h"

#define TUNNEL(name, key, net, protection) \
	"  " name ": {source: {port: p, address: 192.0.2.1}, key: " key ", address: " net ", protection: " protection \
	"}\n"

static const char text[] =
	"version: 1\n"
	"ports: {p: {device: d, address: 192.0.2.1/24}}\n"
	"tunnels:\n" TUNNEL("listed", "1", "10.0.1.1/24",
		"{mode: ike, identities: [{match: first.branch.example, group: a},"
		"{match: \"*.branch.example\", group: b}, {match: later.branch.example, group: c},"
		"{match: other.example, group: d}, {match: \"CN=*\", group: e}]}")
		TUNNEL("open", "2", "10.0.2.1/24", "ike") TUNNEL("clear", "3", "10.0.3.1/24", "none")
			TUNNEL("another", "4", "10.0.4.1/24", "{mode: ike, identities: [{match: \"*\", group: z}]}");

struct fixture {
	struct conf *conf;
	struct identities *ids;
};

static int setup(void **state) {
	static struct fixture f;

	f.conf = conf_load_text("x.yaml", text, stderr);
	f.ids = f.conf ? identities_create(f.conf) : NULL;
	*state = &f;
	return f.ids ? 0 : -1;
}

static int teardown(void **state) {
	struct fixture *f = *state;

	identities_free(f->ids);
	conf_free(f->conf);
	return 0;
}

static void a_number_lives_as_long_as_it_is_held(void **state) {
	struct identities *ids = ((struct fixture *)*state)->ids;
	uint32_t a = identities_hold(ids, "a"), b = identities_hold(ids, "b");

	assert_true(a && b && a != b);
	assert_int_equal(identities_hold(ids, "a"), a);
	assert_string_equal(identities_text(ids, a), "a");
	identities_release(ids, a);
	assert_string_equal(identities_text(ids, a), "a");
	identities_release(ids, a);
	assert_string_equal(identities_text(ids, a), "");
	assert_string_equal(identities_text(ids, b), "b");
	assert_int_equal(identities_hold(ids, ""), 0);
	assert_string_equal(identities_text(ids, 0), "");
	identities_release(ids, 0);
	identities_release(ids, 12345);
	identities_release(ids, b);
}

static void fifty_thousand_identities(void **state) {
	struct identities *ids = ((struct fixture *)*state)->ids;
	enum { N = 50000 };
	uint32_t *numbers = calloc(N, sizeof(*numbers));
	char name[32];

	for (unsigned round = 0; round < 2; round++) {
		for (unsigned i = 0; i < N; i++) {
			snprintf(name, sizeof(name), "b%u.branch.example", i);
			numbers[i] = identities_hold(ids, name);
			assert_in_range(numbers[i], 1, N); // those given back are used again
		}
		for (unsigned i = 0; i < N; i++) {
			snprintf(name, sizeof(name), "b%u.branch.example", i);
			assert_string_equal(identities_text(ids, numbers[i]), name);
			assert_string_equal(identities_entry(ids, numbers[i], 0)->group, "b");
		}
		for (unsigned i = 0; i < N; i++)
			identities_release(ids, numbers[i]);
	}
	free(numbers);
}

static void the_first_entry_that_matches_counts(void **state) {
	struct identities *ids = ((struct fixture *)*state)->ids;
	static const char *const groups[][2] = {
		{"first.branch.example", "a"},
		{"FIRST.branch.example", "a"},
		{"later.branch.example", "b"}, // exact, and behind the wildcard
		{"other.example", "d"},
		{"CN=anybody", "e"},
		{"stranger.example", NULL},
	};

	for (unsigned i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
		uint32_t number = identities_hold(ids, groups[i][0]);

		for (unsigned again = 0; again < 2; again++) { // the second time it is remembered
			const struct conf_identity *e = identities_entry(ids, number, 0);

			if (groups[i][1])
				assert_string_equal(e->group, groups[i][1]);
			else
				assert_null(e);
			assert_int_equal(identities_may_use(ids, number, 0), e != NULL);
			assert_string_equal(identities_entry(ids, number, 3)->group, "z");
		}
		assert_null(identities_entry(ids, number, 1));
		assert_true(identities_may_use(ids, number, 1));
		assert_false(identities_may_use(ids, number, 2));
		assert_false(identities_may_use(ids, number, 9));
		identities_release(ids, number);
	}
	assert_false(identities_may_use(ids, 0, 0));
}

// A number that another identity gets does not bring the former's entry with it.
static void what_was_remembered_goes_with_the_number(void **state) {
	struct identities *ids = ((struct fixture *)*state)->ids;
	uint32_t number = identities_hold(ids, "other.example");

	assert_non_null(identities_entry(ids, number, 0));
	identities_release(ids, number);
	assert_null(identities_entry(ids, number, 0));
	assert_int_equal(identities_hold(ids, "stranger.example"), number);
	assert_null(identities_entry(ids, number, 0));
	identities_release(ids, number);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_number_lives_as_long_as_it_is_held),
		cmocka_unit_test(fifty_thousand_identities),
		cmocka_unit_test(the_first_entry_that_matches_counts),
		cmocka_unit_test(what_was_remembered_goes_with_the_number),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
