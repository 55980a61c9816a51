// SPDX-License-Identifier: BSD-3-Clause
// Identities of the configuration: what is kept, and what is said of those that cannot be.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "conf.h"

#define HEAD \
	"version: 1\n" \
	"ports: {p: {device: d, address: [192.0.2.1/24, 2001:db8::1/64]}}\n" \
	"tunnels:\n" \
	"  t: {source: {port: p, address: 192.0.2.1}, address: [10.255.0.1/16, \"fd00::1/64\"], protection:\n"
#define IKE HEAD "   {mode: ike, identities: [\n"
#define END "]}}\n"

static struct conf *load(const char *text, char **said) {
	size_t len;
	FILE *out = open_memstream(said, &len);
	struct conf *c = conf_load_text("x.yaml", text, out);

	fclose(out);
	return c;
}

static void everything_is_kept(void **state) {
	static const char text[] = IKE "{match: \"*.branch.example\", protocol: [10.255.1.0/24, \"fd00::/80\"], "
				       "prefixes: 10.1.0.0/16, group: gold},\n"
				       "{match: \"C=DE, O=Example, CN=*\", protocol: \"fe80::/10\"},\n"
				       "{match: \"*\", protocol: [10.0.0.0/8]}\n" END;
	const struct conf_identity *e;
	char *said;
	struct conf *c = load(text, &said);

	(void)state;
	assert_string_equal(said, "");
	assert_non_null(c);
	assert_int_equal(c->tunnels[0].n_identities, 3);
	e = &c->tunnels[0].identities[0];
	assert_string_equal(e->match, "*.branch.example");
	assert_string_equal(e->group, "gold");
	assert_int_equal(e->n_protocol, 2);
	assert_int_equal(e->protocol[0].len_bits, 24);
	assert_int_equal(e->protocol[1].addr.family, ADDR_IPV6);
	assert_int_equal(e->n_prefixes, 1);
	assert_int_equal(e->prefixes[0].addr.bytes[1], 1);
	assert_int_equal(e->mark.line, 6);
	assert_int_equal(e[1].n_prefixes, 0);
	assert_string_equal(e[1].group, "");
	conf_free(c);
	free(said);
}

static void every_error_has_its_place(void **state) {
	static const struct {
		const char *text, *errors;
	} bad[] = {
		{HEAD "   {mode: manual, identities: [{match: a}]}}\n",
			"x.yaml:5:31: identities: only with mode ike\n"},
		{HEAD "   {mode: none, identities: [{match: a}]}}\n", "x.yaml:5:29: identities: only with mode ike\n"},
		{IKE "{match: \"\"}" END, "x.yaml:6:9: match: wants 1 to 255 characters, here are 0\n"},
		{IKE "{group: gold}" END, "x.yaml:6:1: key 'match' is missing: "},
		{IKE "{match: a*.example}" END,
			"x.yaml:6:9: match: 'a*.example' has a * that is not at the beginning: "},
		{IKE "{match: a, group: \"\"}" END, "x.yaml:6:19: group: wants 1 to 63 characters, here are 0\n"},
		{IKE "{match: a, prefixes: [10.1.0.1/16]}" END,
			"x.yaml:6:23: prefixes: '10.1.0.1/16' has host bits: write 10.1.0.0/16\n"},
		{IKE "{match: a, protocol: [10.255.1.0/24, 10.1.0.0/16]}" END,
			"x.yaml:6:38: protocol: 10.1.0.0/16 is in no subnet of the tunnel's addresses\n"},
		{IKE "{match: a, protocol: 10.1.0.0/16}" END,
			"x.yaml:6:22: protocol: 10.1.0.0/16 is in no subnet of the tunnel's addresses\n"},
		{IKE "{match: a.example},\n{match: b},\n{match: A.Example}" END,
			"x.yaml:8:1: identities: 'A.Example' never matches: it is 'a.example' of line 6 again\n"},
		{IKE "{match: \"C=DE, CN=x\"},\n{match: \"c = DE,CN=x\"}" END,
			"x.yaml:7:1: identities: 'c = DE,CN=x' never matches: it is 'C=DE, CN=x' of line 6 again\n"},
		{IKE "{match: a},\n{match: \"*\"},\n{match: b}" END,
			"x.yaml:8:1: identities: 'b' never matches: in line 7, '*' matches all: write that one last\n"},
		{IKE "{match: a, prefix: 10.0.0.0/8}" END,
			"x.yaml:6:12: unknown key 'prefix': did you mean 'prefixes'?\n"},
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char *said;

		assert_null(load(bad[i].text, &said));
		if (strncmp(said, bad[i].errors, strlen(bad[i].errors)) != 0)
			fail_msg("%s: %s", bad[i].text, said);
		free(said);
	}
}

// What grows with the square of their number would take minutes, and the test's time ends before.
static void a_hundred_thousand_entries_load(void **state) {
	char *text, *said;
	size_t len;
	FILE *f = open_memstream(&text, &len);
	struct conf *c;

	(void)state;
	fprintf(f, "%s", IKE);
	for (unsigned i = 0; i < CONF_IDENTITIES_MAX; i++)
		fprintf(f, "{match: b%06u.example, protocol: 10.255.%u.%u},\n", i, i >> 8 & 255, i & 255);
	fprintf(f, "%s", END);
	fclose(f);
	c = load(text, &said);
	assert_string_equal(said, "");
	assert_non_null(c);
	assert_int_equal(c->tunnels[0].n_identities, CONF_IDENTITIES_MAX);
	assert_string_equal(c->tunnels[0].identities[77777].match, "b077777.example");
	conf_free(c);
	free(said);
	free(text);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everything_is_kept),
		cmocka_unit_test(every_error_has_its_place),
		cmocka_unit_test(a_hundred_thousand_entries_load),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
