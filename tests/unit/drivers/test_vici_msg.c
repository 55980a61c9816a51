// SPDX-License-Identifier: BSD-3-Clause
// vici packets, by the example of strongSwan's README.vici and by what charon 5.9.8 sent (tests/fuzz/corpus/vici).
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>

#include "vici_sa.h"

#define STR(s) s, sizeof(s) - 1

static size_t load(const char *name, uint8_t *bytes, size_t cap) {
	char path[4096];
	size_t len;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", CORPUS_DIR, name);
	f = fopen(path, "rb");
	if (!f)
		fail_msg("%s: cannot be read", path);
	len = fread(bytes, 1, cap, f);
	fclose(f);
	return len;
}

static struct vici_packet packet(const char *name) {
	static uint8_t bytes[2048];
	struct vici_packet p;

	assert_int_equal(vici_packet_read(bytes, load(name, bytes, sizeof(bytes)), &p), 0);
	return p;
}

static void element_text(const struct vici_element *e, char *out, size_t size) {
	static const char *const marks[] = {"?", "{", "}", "=", "[", ".", "]"};

	snprintf(out + strlen(out), size - strlen(out), "%.*s%s%.*s ", e->name.len_bytes, e->name.at, marks[e->kind],
		e->value.len_bytes, e->value.at);
}

static void the_example_of_the_readme(void **state) {
	struct vici_packet p = packet("readme");
	char text[256] = "";
	struct vici_element e;

	(void)state;
	assert_int_equal(p.type, VICI_CMD_RESPONSE);
	assert_int_equal(p.name.len_bytes, 0);
	while (vici_next(&p.message, &e))
		element_text(&e, text, sizeof(text));
	assert_false(p.message.c.failed);
	assert_string_equal(text, "key1=value1 section1{ sub-section{ key2=value2 } list1[ .item1 .item2 ] } ");
}

static const struct {
	unsigned n;
	const char *what, *bytes;
	size_t len;
	int want; // elements; negative: so many, then malformed
} trees[] = {
	{1, "nothing", STR(""), 0},
	{2, "a key with an empty name and value", STR("\3\0\0\0"), 1},
	{3, "a section that is not closed", STR("\1\1a"), -1},
	{4, "a section that was not opened", STR("\2"), -0x100},
	{5, "a key in a list", STR("\4\1l\3\1k\0\1v\6"), -1},
	{6, "a list in a list", STR("\4\1l\4\1l\6\6"), -1},
	{7, "an item outside of a list", STR("\5\0\1i"), -0x100},
	{8, "a list that is not closed", STR("\4\1l\5\0\1i"), -2},
	{9, "a section that ends in a list", STR("\1\1a\4\1l\2\6\2"), -2},
	{10, "kind 0", STR("\0"), -0x100},
	{11, "kind 7", STR("\7"), -0x100},
	{12, "a name that is cut", STR("\1\5abcd"), -0x100},
	{13, "a value that is cut", STR("\3\1k\0\2v"), -0x100},
	{14, "a length that is cut", STR("\3\1k\0"), -0x100},
	{15, "an empty list", STR("\4\1l\6"), 2},
	{16, "a list behind a list", STR("\4\1l\6\4\1m\6"), 4},
};

static void trees_numbered_cases(void **state) {
	(void)state;
	for (unsigned i = 0; i < sizeof(trees) / sizeof(trees[0]); i++) {
		uint8_t *exact = malloc(trees[i].len + 1);
		struct vici_reader r = {.c = cursor_of(exact + 1, trees[i].len)};
		struct vici_element e;
		int n = 0;

		memcpy(exact + 1, trees[i].bytes, trees[i].len);
		while (vici_next(&r, &e))
			n++;
		free(exact);
		if (r.c.failed)
			n = n ? -n : -0x100;
		if (n != trees[i].want)
			fail_msg("%u %s: %d", trees[i].n, trees[i].what, n);
	}
}

static void packets_that_are_none(void **state) {
	struct vici_packet p;

	(void)state;
	assert_int_equal(vici_packet_read(NULL, 0, &p), -EINVAL);
	assert_int_equal(vici_packet_read((const uint8_t *)"\x08", 1, &p), -EINVAL);
	assert_int_equal(vici_packet_read((const uint8_t *)"\x07", 1, &p), -EINVAL);
	assert_int_equal(vici_packet_read((const uint8_t *)"\x07\x03xy", 4, &p), -EINVAL);
	assert_int_equal(vici_packet_read((const uint8_t *)"\x07\x02xy", 4, &p), 0);
	assert_true(vici_is(&p.name, "xy"));
	assert_false(vici_is(&p.name, "x"));
	assert_false(vici_is(&p.name, "xyz"));
}

static void numbers_are_digits_alone(void **state) {
	static const struct {
		const char *text;
		bool decimal, hex;
		uint32_t as_decimal, as_hex;
	} cases[] = {
		{"0", true, true, 0, 0},
		{"4294967295", true, false, UINT32_MAX, 0},
		{"4294967296", false, false, 0, 0},
		{"00000001", true, true, 1, 1},
		{"ffffffff", false, true, 0, UINT32_MAX},
		{"c0FFee01", false, true, 0, 0xc0ffee01},
		{"000000001", true, false, 1, 0},
		{"", false, false, 0, 0},
		{"-1", false, false, 0, 0},
		{" 1", false, false, 0, 0},
		{"1 ", false, false, 0, 0},
		{"0x1", false, false, 0, 0},
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct vici_text t = {cases[i].text, (uint16_t)strlen(cases[i].text)};
		uint32_t v;

		if (vici_decimal(&t, &v) != cases[i].decimal || (cases[i].decimal && v != cases[i].as_decimal) ||
			vici_hex(&t, &v) != cases[i].hex || (cases[i].hex && v != cases[i].as_hex))
			fail_msg("\"%s\"", cases[i].text);
	}
}

static void a_text_is_copied_whole_or_not_at_all(void **state) {
	struct vici_text t = {STR("abc")}, nul = {STR("a\0c")};
	char out[4];

	(void)state;
	assert_true(vici_copy(&t, out, 4));
	assert_string_equal(out, "abc");
	assert_false(vici_copy(&t, out, 3));
	assert_string_equal(out, "");
	assert_false(vici_copy(&nul, out, 4));
	assert_string_equal(out, "");
}

static void a_request_is_written(void **state) {
	static const uint8_t want[] = "\0\0\0\x28\0\x09terminate\3\6ike-id\0\2"
				      "42\3\5force\0\3yes\3\1k\0\0";
	uint8_t bytes[64];
	struct vici_writer w = vici_write(bytes, sizeof(bytes), VICI_CMD_REQUEST, "terminate");

	(void)state;
	vici_put_u32(&w, "ike-id", 42);
	vici_put(&w, "force", "yes");
	vici_put(&w, "k", "");
	assert_int_equal(vici_write_end(&w), sizeof(want) - 1);
	assert_memory_equal(bytes, want, sizeof(want) - 1);
	for (size_t cap = 0; cap < sizeof(want) - 1; cap++) {
		uint8_t *exact = malloc(cap + 1);

		w = vici_write(exact, cap, VICI_CMD_REQUEST, "terminate");
		vici_put_u32(&w, "ike-id", 42);
		vici_put(&w, "force", "yes");
		vici_put(&w, "k", "");
		assert_int_equal(vici_write_end(&w), 0);
		free(exact);
	}
}

// --- SAs ---
static void assert_ike(const struct vici_ike_sa *sa, uint32_t id) {
	struct addr remote;

	assert_int_equal(addr_parse("192.0.2.2", &remote), 0);
	assert_string_equal(sa->connection, "dmvpn");
	assert_int_equal(sa->id, id);
	assert_true(sa->is_established);
	assert_string_equal(sa->identity, "spoke1.example");
	assert_true(addr_eq(&sa->remote, &remote));
	assert_int_equal(sa->remote_port, 4500);
}

static void what_charon_says_of_an_ike_sa(void **state) {
	struct vici_packet p = packet("ike-up");
	uint32_t old_id, new_id;
	struct vici_ike_sa sa;
	bool up;

	(void)state;
	assert_true(vici_is(&p.name, "ike-updown"));
	assert_int_equal(vici_updown_read(&p.message, &up, &sa), 0);
	assert_true(up);
	assert_ike(&sa, 1);
	assert_int_equal(sa.n_children, 0);
	p = packet("ike-rekey");
	assert_int_equal(vici_rekey_read(&p.message, &old_id, &new_id), 0);
	assert_int_equal(old_id, 1);
	assert_int_equal(new_id, 2);
	p = packet("ike-down");
	assert_int_equal(vici_updown_read(&p.message, &up, &sa), 0);
	assert_false(up);
	assert_ike(&sa, 2);
}

static void what_charon_says_of_a_child_sa(void **state) {
	static const char *const names[] = {"child-up", "list-sa", "child-down"};

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		struct vici_packet p = packet(names[i]);
		struct vici_ike_sa sa;
		bool up;

		assert_int_equal(vici_updown_read(&p.message, &up, &sa), 0);
		assert_true(up == (i == 0));
		assert_ike(&sa, i == 2 ? 2 : 1);
		assert_int_equal(sa.n_children, 1);
		assert_string_equal(sa.children[0].name, "gre");
		assert_int_equal(sa.children[0].id, i == 2 ? 2 : 1);
		assert_int_equal(sa.children[0].spi_in, i == 2 ? 0x54925d43 : 0x5d063fd8);
		assert_int_equal(sa.children[0].spi_out, i == 2 ? 0x00ed5c2c : 0x2de84448);
	}
}

static void a_message_cut_anywhere_is_malformed(void **state) {
	static const char *const names[] = {"ike-up", "child-up", "list-sa", "ike-rekey"};

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		struct vici_packet p = packet(names[i]);
		size_t whole = cursor_left(&p.message.c);

		for (size_t len = 0; len < whole; len++) {
			struct vici_reader r = p.message;
			struct vici_ike_sa sa;
			uint32_t a, b;
			bool up;

			r.c.end = r.c.at + len;
			if (i == 3)
				assert_int_equal(vici_rekey_read(&r, &a, &b), -EINVAL);
			else
				assert_int_equal(vici_updown_read(&r, &up, &sa), -EINVAL);
		}
	}
}

static struct vici_reader sa_message(uint8_t *bytes, size_t cap, const char *key, const char *value) {
	struct vici_writer w = vici_write(bytes, cap, VICI_EVENT, "list-sa");

	cursor_push(&w.c, (const uint8_t *)"\1\1c", 3);
	vici_put(&w, "uniqueid", "7");
	vici_put(&w, key, value);
	cursor_push_u8(&w.c, VICI_SECTION_END);
	return (struct vici_reader){.c = cursor_of(bytes + 4 + 2 + 7, vici_write_end(&w) - 4 - 2 - 7)};
}

static void values_that_charon_does_not_write(void **state) {
	static const char *const bad[][2] = {{"uniqueid", "x"}, {"uniqueid", ""}, {"uniqueid", "0"},
		{"remote-port", "65536"}, {"remote-port", "-1"}};
	uint8_t bytes[1024];
	struct vici_ike_sa sa;
	struct vici_reader r;

	(void)state;
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		r = sa_message(bytes, sizeof(bytes), bad[i][0], bad[i][1]);
		if (vici_sa_read(&r, &sa) != -EINVAL)
			fail_msg("%s = %s", bad[i][0], bad[i][1]);
	}
	r = sa_message(bytes, sizeof(bytes), "remote-host", "%any");
	assert_int_equal(vici_sa_read(&r, &sa), 0);
	assert_int_equal(sa.remote.family, ADDR_NONE);
	r = sa_message(bytes, sizeof(bytes), "remote-host", "2001:db8::7");
	assert_int_equal(vici_sa_read(&r, &sa), 0);
	assert_int_equal(sa.remote.family, ADDR_IPV6);
}

static void only_an_authenticated_ike_sa_is_established(void **state) {
	static const char *const states[] = {"ESTABLISHED", "REKEYING", "DELETING", "CREATED", "CONNECTING", "PASSIVE",
		"REKEYED", "DESTROYING", "NONSENSE", ""};
	uint8_t bytes[1024];
	struct vici_ike_sa sa;

	(void)state;
	for (unsigned i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
		struct vici_reader r = sa_message(bytes, sizeof(bytes), "state", states[i]);

		assert_int_equal(vici_sa_read(&r, &sa), 0);
		if (sa.is_established != (i < 3))
			fail_msg("%s", states[i]);
	}
}

static void an_identity_is_whole_or_none(void **state) {
	char identity[VICI_IDENTITY_MAX + 1];
	struct vici_ike_sa sa;
	uint8_t bytes[1024];
	struct vici_reader r;

	(void)state;
	memset(identity, 'x', sizeof(identity));
	identity[VICI_IDENTITY_MAX] = '\0';
	r = sa_message(bytes, sizeof(bytes), "remote-id", identity);
	assert_int_equal(vici_sa_read(&r, &sa), 0);
	assert_string_equal(sa.identity, "");
	r = sa_message(bytes, sizeof(bytes), "remote-id", identity + 1);
	assert_int_equal(vici_sa_read(&r, &sa), 0);
	assert_string_equal(sa.identity, identity + 1);
}

static void more_child_sas_than_there_is_room_for(void **state) {
	uint8_t bytes[1024];
	struct vici_writer w = vici_write(bytes, sizeof(bytes), VICI_EVENT, "list-sa");
	struct vici_reader r;
	struct vici_ike_sa sa;

	(void)state;
	cursor_push(&w.c,
		(const uint8_t *)"\1\1c\1\x09"
				 "child-sas",
		14);
	for (unsigned i = 0; i < VICI_CHILDREN_MAX + 2; i++) {
		cursor_push(&w.c, (const uint8_t *)"\1\1g", 3);
		vici_put_u32(&w, "uniqueid", i + 1);
		cursor_push_u8(&w.c, VICI_SECTION_END);
	}
	cursor_push_u8(&w.c, VICI_SECTION_END);
	vici_put(&w, "uniqueid", "7");
	cursor_push_u8(&w.c, VICI_SECTION_END);
	r = (struct vici_reader){.c = cursor_of(bytes + 13, vici_write_end(&w) - 13)};
	assert_int_equal(vici_sa_read(&r, &sa), 0);
	assert_int_equal(sa.id, 7);
	assert_int_equal(sa.n_children, VICI_CHILDREN_MAX + 2);
	assert_int_equal(sa.children[VICI_CHILDREN_MAX - 1].id, VICI_CHILDREN_MAX);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_example_of_the_readme),
		cmocka_unit_test(trees_numbered_cases),
		cmocka_unit_test(packets_that_are_none),
		cmocka_unit_test(numbers_are_digits_alone),
		cmocka_unit_test(a_text_is_copied_whole_or_not_at_all),
		cmocka_unit_test(a_request_is_written),
		cmocka_unit_test(what_charon_says_of_an_ike_sa),
		cmocka_unit_test(what_charon_says_of_a_child_sa),
		cmocka_unit_test(a_message_cut_anywhere_is_malformed),
		cmocka_unit_test(values_that_charon_does_not_write),
		cmocka_unit_test(only_an_authenticated_ike_sa_is_established),
		cmocka_unit_test(an_identity_is_whole_or_none),
		cmocka_unit_test(more_child_sas_than_there_is_room_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
