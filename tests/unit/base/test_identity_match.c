// SPDX-License-Identifier: BSD-3-Clause
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "identity_match.h"

static const struct match_case {
	const char *pattern, *identity;
	bool matches;
} cases[] = {
	// clang-format off
	{"*", "hub.example", true},
	{"%any", "C=DE, CN=x", true},
	{"0.0.0.0", "192.0.2.1", true},
	{"branch-0017.example", "branch-0017.example", true},
	{"Branch-0017.Example", "bRANCH-0017.eXAMPLE", true},
	{"branch-0017.example", "branch-0018.example", false},
	{"branch-0017.example", "branch-0017.example.", false},
	{"branch-0017.example", "x.branch-0017.example", false},
	{"@branch-0017.example", "branch-0017.example", true},
	{"*.branch.example", "a.branch.example", true},
	{"*.branch.example", "a.b.BRANCH.example", true},
	{"*.branch.example", ".branch.example", false}, // strongSwan too wants one character for the star
	{"*.branch.example", "branch.example", false},
	{"*.branch.example", "a.branch.example.org", false},
	{"*.branch.example", "ops@a.branch.example", false}, // an e-mail address is no domain name
	{"*.branch.example", "C=DE, CN=a.branch.example", false},
	{"*example", "branch.example", true},
	{"*@branch.example", "ops@branch.example", true},
	{"*@branch.example", "OPS@Branch.Example", true},
	{"*@branch.example", "@branch.example", false},
	{"*@branch.example", "ops@a.branch.example", false},
	{"ops@branch.example", "ops@branch.example", true},
	{"@@ops@branch.example", "ops@branch.example", true},
	{"192.0.2.1", "192.0.2.1", true},
	{"192.0.2.1", "192.0.2.10", false},
	{"192.0.2.0/24", "192.0.2.10", true},
	{"192.0.2.0/24", "192.0.3.10", false},
	{"192.0.2.0/24", "2001:db8::1", false},
	{"2001:DB8:0::1", "2001:db8::1", true},
	{"2001:db8::/32", "2001:db8:1::1", true},
	{"2001:db8::/32", "192.0.2.1", false},
	{"::/0", "192.0.2.1", false},
	{"spoke17", "spoke17", true}, // a key id
	{"@#73706f6b653137", "spoke17", true},
	{"@#0102FF", "01:02:ff", true},
	{"@#0102FF", "01:02:fe", false},
	{"@#6162636465666768696a6b6c6d6e6f7071727374", "61:62:63:64:65:66:67:68:69:6a:6b:6c:6d:6e:6f:70:71:72:73:74", true},
	{"C=DE, O=Example, CN=branch-17", "C=DE, O=Example, CN=branch-17", true},
	{"c=DE,o=Example,cn=branch-17", "C=DE, O=Example, CN=branch-17", true},
	{"C = DE , O = Example ,CN=branch-17", "C=DE, O=Example, CN=branch-17", true},
	{"C=DE, O=Example, CN=branch-17", "C=DE, O=Example, CN=Branch-17", false}, // a value's case counts
	{"C=DE, O=Example, CN=branch-17", "O=Example, C=DE, CN=branch-17", false}, // so does the order
	{"C=DE, O=Example", "C=DE, O=Example, CN=branch-17", false},
	{"C=DE, O=Example, CN=branch-17", "C=DE, O=Example", false},
	{"C=DE, O=Example, CN=*", "C=DE, O=Example, CN=branch-17", true},
	{"C=DE, O=Example, CN=*", "C=DE, O=Example, CN=", true},
	{"C=DE, O=Example, CN=*", "C=DE, O=Example", false},
	{"C=DE, O=Example, CN=*", "C=DE, O=Example, OU=x, CN=y", false},
	{"C=DE, O=Example, CN=*", "C=DE, O=Example, C=x", false},
	{"C=DE, O=Example, CN=*", "C=DE, O=Examples, CN=x", false},
	{"C=DE, O=*, CN=b", "C=DE, O=any, of them, CN=b", true}, // a comma inside a value
	{"C=DE, O=ACME, Inc., CN=b", "C=DE, O=ACME, Inc., CN=b", true},
	{"C=DE, O=ACME, Inc., CN=b", "C=DE, O=ACME, Inc, CN=b", false},
	{"CN=*", "CN=a, CN=b", false},
	{"CN=*, CN=b", "CN=a, CN=b", true},
	{"CN=*", "CN=*", true},
	{"CN=a", "CN=*", false}, // in an identity a star is a star
	{"a.example", "*.example", false},
	{"O=a  b", "O=a b", false},
	{"CN=x, E=ops@a.example", "CN=x, emailAddress=ops@a.example", true},
	{"SN=4711", "serialNumber=4711", true},
	{"55:04:03=x", "55:04:03=x", true},
	{"%any", "%any", true},
	{"branch-0017.example", "%any", false},
	// clang-format on
};

static void table_of_matches(void **state) {
	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct identity_form pattern, identity;
		const char *refusal = identity_pattern_read(cases[i].pattern, &pattern);

		if (refusal)
			fail_msg("'%s' %s", cases[i].pattern, refusal);
		assert_true(identity_read(cases[i].identity, &identity));
		if (identity_match(&pattern, &identity) != cases[i].matches)
			fail_msg("'%s' and '%s'", cases[i].pattern, cases[i].identity);
	}
}

// Exact patterns are found by hash: where they match, both forms and so their hashes are equal.
static void an_exact_match_is_an_equal_form(void **state) {
	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct identity_form pattern, identity;

		assert_null(identity_pattern_read(cases[i].pattern, &pattern));
		assert_true(identity_read(cases[i].identity, &identity));
		if (pattern.is_wild)
			continue;
		assert_int_equal(identity_compare(&pattern, &identity) == 0, cases[i].matches);
		if (cases[i].matches)
			assert_int_equal(identity_hash(&pattern, 7), identity_hash(&identity, 7));
	}
}

static void malformed_patterns_are_named(void **state) {
	static const struct {
		const char *pattern, *words;
	} bad[] = {
		{"", "is empty"},
		{"a*.example", "not at the beginning"},
		{"*.*.example", "not at the beginning"},
		{"**", "not at the beginning"},
		{"*@", "is not an e-mail address"},
		{"@", "has nothing behind @"},
		{"@@", "has nothing behind @"},
		{"@@@x", "is not an e-mail address"},
		{" a.example", "blank"},
		{"a.example ", "blank"},
		{"m\xc3\xbcller.example", "outside of ASCII"},
		{"192.0.2.256", "is not an address"},
		{"192.0.2.0/33", "is not a prefix"},
		{"192.0.2.1/24", "has host bits"},
		{"@#012", "is not a key id"},
		{"@#xy", "is not a key id"},
		{"@#", "is not a key id"},
		{"keyid:x", "begins with a type"},
		{"fqdn:a.example", "begins with a type"},
		{"/C=DE/CN=x", "has slashes"},
		{"C=DE, CN=", "without a value"},
		{"C=DE, CN=b*", "has a * inside"},
		{"C=DE, CN=*b", "has a * inside"},
		{"=DE, CN=x", "is not a DN"},
	};
	char longest[IDENTITY_LEN + 1];
	struct identity_form form;

	(void)state;
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		const char *refusal = identity_pattern_read(bad[i].pattern, &form);

		if (!refusal || !strstr(refusal, bad[i].words))
			fail_msg("'%s': %s", bad[i].pattern, refusal ? refusal : "taken");
	}
	memset(longest, 'a', IDENTITY_LEN);
	longest[IDENTITY_LEN] = '\0';
	assert_non_null(identity_pattern_read(longest, &form));
	assert_false(identity_read(longest, &form));
	assert_null(identity_pattern_read(longest + 1, &form));
	assert_true(identity_read(longest + 1, &form));
	assert_false(identity_read("", &form));
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table_of_matches),
		cmocka_unit_test(an_exact_match_is_an_equal_form),
		cmocka_unit_test(malformed_patterns_are_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
