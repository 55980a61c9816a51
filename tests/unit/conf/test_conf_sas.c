// SPDX-License-Identifier: BSD-3-Clause
// SAs of the configuration: what is read, and for every wrong line its place, the field, what is wanted, and no key.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "conf.h"

#define K16 "000102030405060708090a0b0c0d0e0f"
#define SALT "10111213"
#define K20 K16 SALT
#define L20 "202122232425262728292a2b2c2d2e2f30313233"
#define HEAD \
	"version: 1\n" \
	"ports: {p: {device: d, address: [192.0.2.1/24, 2001:db8::1/64]}}\n" \
	"tunnels:\n"
#define TUNNEL(name, key, source, net) \
	"  " name ": {source: {port: p, address: " source "}, key: " key ", address: " net ", protection:\n"
#define T1 TUNNEL("t", "1", "192.0.2.1", "10.0.0.1/24") "   {mode: manual, sas: ["
#define SUITES \
	"aes128gcm16, aes128gcm12, aes128gcm8, aes256gcm16, aes256gcm12, aes256gcm8, chacha20poly1305, aes128gmac, " \
	"aes256gmac, aes128-sha1, aes256-sha1, aes128-sha256, aes256-sha256, aes128-sha384, aes256-sha384, " \
	"aes128-sha512, aes256-sha512, null-sha1, null-sha256, null-sha384 or null-sha512"
#define END "]}}\n"
#define STATIC_MAP(protocol, nbma) ", nhrp: {static: [{protocol: " protocol ", nbma: " nbma "}]}}\n"
#define STATIC(nbma) "]}" STATIC_MAP("10.0.0.9", nbma)
#define GCM "suite: aes128gcm16, key-in: " K20 ", key-out: " L20
#define SPIS "spi-in: 0x1001, spi-out: 0x2001"

static struct conf *load(const char *text, char **said) {
	size_t len;
	FILE *out = open_memstream(said, &len);
	struct conf *c = conf_load_text("x.yaml", text, out);

	fclose(out);
	return c;
}

static void everything_is_read(void **state) {
	static const char text[] = HEAD T1
		"\n"
		"   {nbma: 198.51.100.1, " SPIS ", " GCM "},\n"
		"   {nbma: 198.51.100.1, nbma-port: 4500, mode: tunnel, suite: aes128-sha1, esn: true, spi-in: 4098,\n"
		"    spi-out: 0xffffffff, key-in: " K16 ", key-out: FF0102030405060708090A0B0C0D0E0F, auth-key-in: " K20
		",\n"
		"    auth-key-out: " L20 ", inner-nbma: 10.1.1.1, replay-window: 64}" END;
	const struct conf_sa *sa;
	char *said;
	struct conf *c = load(text, &said);

	(void)state;
	assert_string_equal(said, "");
	assert_non_null(c);
	assert_int_equal(c->n_later, 0);
	assert_int_equal(c->tunnels[0].protection, CONF_PROTECTION_MANUAL);
	assert_true(c->tunnels[0].anti_spoof);
	assert_int_equal(c->tunnels[0].replay_window, 1024);
	assert_int_equal(c->tunnels[0].n_sas, 2);
	sa = &c->tunnels[0].sas[0];
	assert_int_equal(sa->nbma_port, 0);
	assert_int_equal(sa->suite, ESP_AES_GCM_128_16);
	assert_false(sa->tunnel_mode || sa->esn);
	assert_int_equal(sa->spi_in, 0x1001);
	assert_int_equal(sa->spi_out, 0x2001);
	assert_int_equal(sa->replay_window, 0);
	assert_int_equal(sa->in.enc_bytes, 16);
	assert_int_equal(sa->in.auth_bytes, 0);
	assert_int_equal(sa->in.enc[15], 0x0f);
	assert_memory_equal(&sa->in.salt, "\x10\x11\x12\x13", 4); // as in the key material
	sa = &c->tunnels[0].sas[1];
	assert_int_equal(sa->nbma_port, 4500);
	assert_true(sa->tunnel_mode && sa->esn);
	assert_int_equal(sa->spi_out, UINT32_MAX);
	assert_int_equal(sa->out.enc[0], 0xff);
	assert_int_equal(sa->out.auth_bytes, 20);
	assert_int_equal(sa->out.salt, 0);
	assert_int_equal(sa->inner_nbma.bytes[3], 1);
	assert_int_equal(sa->replay_window, 64);
	assert_int_equal(sa->mark.line, 7);
	conf_free(c);
	free(said);
}

static void mode_manual_without_sas_waits_for_the_console(void **state) {
	char *said;
	struct conf *c = load(HEAD TUNNEL("t", "1", "192.0.2.1", "10.0.0.1/24") "   {mode: manual}}\n", &said);

	(void)state;
	assert_non_null(c);
	assert_int_equal(c->tunnels[0].n_sas, 0);
	assert_int_equal(c->n_later, 0);
	conf_free(c);
	free(said);
}

static const struct bad {
	const char *name, *text, *errors;
} bads[] = {
	// clang-format off
	{"nothing given",
		HEAD T1 "{}" END,
		"x.yaml:5:25: key 'nbma' is missing: NBMA address of the peer, as its packets come\n"
		"x.yaml:5:25: key 'suite' is missing: cipher and integrity, as strongSwan spells them\n"
		"x.yaml:5:25: key 'spi-in' is missing: SPI of what the peer sends, decimal or 0x; one of its own for each SA of the hub\n"
		"x.yaml:5:25: key 'spi-out' is missing: SPI of what the peer receives\n"},
	{"SPIs that are reserved",
		HEAD T1 "{nbma: 198.51.100.1, spi-in: 255, spi-out: 0x100000000, " GCM "}" END,
		"x.yaml:5:54: spi-in: '255' is not a number from 256 to 4294967295\n"
		"x.yaml:5:68: spi-out: '0x100000000' is not a number from 256 to 4294967295\n"},
	{"a port that is none",
		HEAD T1 "{nbma: 198.51.100.1, nbma-port: 65536, " SPIS ", " GCM "}" END,
		"x.yaml:5:57: nbma-port: '65536' is not a number from 0 to 65535\n"},
	{"an unknown suite",
		HEAD T1 "{nbma: 198.51.100.1, " SPIS ", suite: aes128gcm17}" END,
		"x.yaml:5:86: suite: unknown value 'aes128gcm17': did you mean 'aes128gcm16'? (" SUITES ")\n"},
	{"the suite that protects nothing",
		HEAD T1 "{nbma: 198.51.100.1, " SPIS ", suite: 'null'}" END,
		"x.yaml:5:86: suite: null protects nothing and is for nave-lab alone: write aes128gcm16\n"},
	{"the same without quotes, which YAML takes for no value",
		HEAD T1 "{nbma: 198.51.100.1, " SPIS ", suite: null}" END,
		"x.yaml:5:86: suite: null protects nothing and is for nave-lab alone: write aes128gcm16\n"},
	{"what must be given, and has no value",
		HEAD T1 "{nbma: ~, " SPIS ", suite: , key-in: " K20 "}" END,
		"x.yaml:5:26: nbma: no value (so YAML reads ~, null and nothing): NBMA address of the peer, as its packets come\n"
		"x.yaml:5:68: suite: no value (so YAML reads ~, null and nothing): cipher and integrity, as strongSwan spells them\n"},
	{"a suite as others write it",
		HEAD T1 "{nbma: 198.51.100.1, " SPIS ", suite: aes128-gcm}" END,
		"x.yaml:5:86: suite: unknown value 'aes128-gcm': did you mean 'aes128gcm16'? (" SUITES ")\n"},
	{"one key for both directions",
		HEAD T1 "{nbma: 198.51.100.1, " SPIS ", suite: aes128gcm16, key-in: " K20 ", key-out: " K20 "}" END,
		"x.yaml:5:158: key-out: the same as key-in: write another key for each direction\n"},
	{"one integrity key for both directions",
		HEAD T1 "{nbma: 198.51.100.1, " SPIS ", suite: null-sha1, auth-key-in: " K20 ", auth-key-out: " K20 "}" END,
		"x.yaml:5:166: auth-key-out: the same as auth-key-in: write another key for each direction\n"},
	{"a key without its salt",
		HEAD T1 "{nbma: 198.51.100.1, " SPIS ", suite: aes128gcm16, key-in: " K16 ", key-out: " L20 "}" END,
		"x.yaml:5:107: key-in: aes128gcm16 wants 40 hex digits, the last 8 of them the salt\n"},
	{"a key of another suite, and none",
		HEAD T1 "{nbma: 198.51.100.1, " SPIS ", suite: aes256gcm16, key-out: " L20 "}" END,
		"x.yaml:5:108: key-out: aes256gcm16 wants 72 hex digits, the last 8 of them the salt\n"},
	{"a key that is not there",
		HEAD T1 "{nbma: 198.51.100.1, " SPIS ", suite: aes256gcm16}" END,
		"x.yaml:5:25: key 'key-in' is missing: aes256gcm16 wants 72 hex digits\n"
		"x.yaml:5:25: key 'key-out' is missing: aes256gcm16 wants 72 hex digits\n"},
	{"a letter that is no digit",
		HEAD T1 "{nbma: 198.51.100.1, " SPIS ", suite: aes128gcm16, key-in: " K16 "1011121g, key-out: " L20 "}" END,
		"x.yaml:5:107: key-in: aes128gcm16 wants 40 hex digits, the last 8 of them the salt\n"},
	{"a prefix in front",
		HEAD T1 "{nbma: 198.51.100.1, " SPIS ", suite: aes128gcm16, key-in: 0x" K20 ", key-out: " L20 "}" END,
		"x.yaml:5:107: key-in: aes128gcm16 wants 40 hex digits, the last 8 of them the salt\n"},
	{"an integrity key for an AEAD",
		HEAD T1 "{nbma: 198.51.100.1, " SPIS ", " GCM ", auth-key-in: " K20 "}" END,
		"x.yaml:5:213: auth-key-in: aes128gcm16 has no such key: leave it out\n"},
	{"a cipher's key for integrity alone",
		HEAD T1 "{nbma: 198.51.100.1, " SPIS ", suite: null-sha1, key-in: " K16 ", auth-key-in: " K20 ", auth-key-out: " L20 "}" END,
		"x.yaml:5:105: key-in: null-sha1 has no such key: leave it out\n"},
	{"integrity keys that are not there",
		HEAD T1 "{nbma: 198.51.100.1, " SPIS ", suite: aes128-sha1, key-in: " K16 ", key-out: ff0102030405060708090a0b0c0d0e0f}" END,
		"x.yaml:5:25: key 'auth-key-in' is missing: aes128-sha1 wants 40 hex digits\n"
		"x.yaml:5:25: key 'auth-key-out' is missing: aes128-sha1 wants 40 hex digits\n"},
	{"an integrity key too short",
		HEAD T1 "{nbma: 198.51.100.1, " SPIS ", suite: null-sha1, auth-key-in: " K16 ", auth-key-out: " L20 "}" END,
		"x.yaml:5:110: auth-key-in: null-sha1 wants 40 hex digits\n"},
	{"a key without a blank behind the colon",
		HEAD T1 "{nbma: 198.51.100.1, " SPIS ", suite: aes128gcm16, key-in:" K20 ", key-out: " L20 "}" END,
		"x.yaml:5:99: unknown key 'key-in:*********************************': the keys here are nbma, nbma-port, mode, suite, esn, spi-in, spi-out, key-in, key-out, auth-key-in, auth-key-out, inner-nbma, replay-window\n"},
	{"a key where another value belongs",
		HEAD T1 "{nbma: " K20 ", spi-in: " K20 ", spi-out: 0x2001, " GCM "}" END,
		"x.yaml:5:32: nbma: '****************************************' is not an address: write 192.0.2.1 or \"2001:db8::1\"\n"
		"x.yaml:5:82: spi-in: '****************************************' is not a number from 256 to 4294967295\n"},
	{"a key in groups where another value belongs",
		HEAD T1 "{nbma: 'a0:a1:a2:a3:a4:a5:a6:a7:a8:a9:aa:ab:ac:ad:ae:af', spi-in: 'a0-a1-a2-a3-a4-a5-a6-a7-a8-a9-aa-ab-ac-ad-ae-af', spi-out: 0x2001, " GCM "}" END,
		"x.yaml:5:32: nbma: '***********************************************' is not an address: write 192.0.2.1 or \"2001:db8::1\"\n"
		"x.yaml:5:91: spi-in: '****************************************' is not a number from 256 to 4294967295\n"},
	{"a key that is an address, too",
		HEAD T1 "{nbma: '0001:0203:0405:0607:0809:0a0b:0c0d:0e0f', " SPIS ", " GCM "}" END,
		"x.yaml:5:25: sas: nbma ***************************** is not of the family of the tunnel's source\n"},
	{"a key that is a list",
		HEAD T1 "{nbma: 198.51.100.1, " SPIS ", suite: aes128gcm16, key-in: [" K20 "], key-out: " L20 "}" END,
		"x.yaml:5:107: key-in: one value is wanted, not a list: leave out [ ]\n"},
	{"an inner address in transport mode",
		HEAD T1 "{nbma: 198.51.100.1, " SPIS ", " GCM ", inner-nbma: 10.1.1.1}" END,
		"x.yaml:5:212: inner-nbma: only with mode tunnel\n"},
	{"an inner address of IPv6",
		HEAD T1 "{nbma: 198.51.100.1, mode: tunnel, " SPIS ", " GCM ", inner-nbma: '2001:db8::7'}" END,
		"x.yaml:5:226: inner-nbma: of IPv4 alone\n"},
	{"a window too wide",
		HEAD T1 "{nbma: 198.51.100.1, replay-window: 4097, " SPIS ", " GCM "}" END,
		"x.yaml:5:61: replay-window: '4097' is not a number from 32 to 4096\n"},
	{"another family than the source's",
		HEAD T1 "{nbma: '2001:db8:1::1', " SPIS ", " GCM "}" END,
		"x.yaml:5:25: sas: nbma 2001:db8:1::1 is not of the family of the tunnel's source\n"},
	{"no host's address",
		HEAD T1 "{nbma: 224.0.0.1, " SPIS ", " GCM "}, {nbma: 0.0.0.0, " SPIS ", " GCM "}" END,
		"x.yaml:5:32: nbma: '224.0.0.1' is not the address of one host\n"
		"x.yaml:5:205: nbma: '0.0.0.0' is not the address of one host\n"},
	{"a loopback address",
		HEAD T1 "{nbma: 127.0.0.1, " SPIS ", " GCM "}" END,
		"x.yaml:5:25: sas: nbma 127.0.0.1 is not the address of one host\n"},
	{"the hub's own address",
		HEAD T1 "{nbma: 192.0.2.1, " SPIS ", " GCM "}" END,
		"x.yaml:5:25: sas: nbma 192.0.2.1 is the tunnel's own source: write the peer's\n"},
	{"SAs of another mode",
		HEAD TUNNEL("t", "1", "192.0.2.1", "10.0.0.1/24") "   {mode: none, sas: [{nbma: 198.51.100.1, " SPIS ", " GCM "}]}}\n",
		"x.yaml:5:22: sas: only with mode manual\n"},
	{"not a list",
		HEAD TUNNEL("t", "1", "192.0.2.1", "10.0.0.1/24") "   {mode: manual, sas: all}}\n",
		"x.yaml:5:24: sas: a list is wanted: write [{nbma: ...}]\n"},
	{"the same SPI twice, over all tunnels",
		HEAD T1 "{nbma: 198.51.100.1, " SPIS ", " GCM "}" END
		TUNNEL("u", "2", "192.0.2.1", "10.1.0.1/24") "   {mode: manual, sas: [{nbma: 198.51.100.2, " SPIS ", " GCM "}" END,
		"x.yaml:7:25: sas: spi-in 0x00001001 is given twice: first in line 5\n"},
	{"the same peer twice, over all tunnels of a source",
		HEAD T1 "{nbma: 198.51.100.1, " SPIS ", " GCM "}" END
		TUNNEL("u", "2", "192.0.2.1", "10.1.0.1/24")
		"   {mode: manual, sas: [{nbma: 198.51.100.1, spi-in: 0x1002, spi-out: 0x2001, " GCM "}" END,
		"x.yaml:7:25: sas: nbma 198.51.100.1 with nbma-port 0 is given twice: first in line 5\n"},
	{"a static map to where no SA is",
		HEAD T1 "{nbma: 198.51.100.1, " SPIS ", " GCM "}" STATIC("198.51.100.2")
		TUNNEL("u", "2", "192.0.2.1", "10.1.0.1/24") "   {mode: manual}" STATIC_MAP("10.1.0.9", "198.51.100.3"),
		"x.yaml:5:219: static: no SA of the tunnel's source is with nbma 198.51.100.2: write it under sas\n"
		"x.yaml:7:36: static: no SA of the tunnel's source is with nbma 198.51.100.3: write it under sas\n"},
	{"a static map to where an SA is that had an error itself",
		HEAD T1 "{nbma: 198.51.100.2, spi-in: 255, spi-out: 0x2001, " GCM "}" STATIC("198.51.100.2"),
		"x.yaml:5:54: spi-in: '255' is not a number from 256 to 4294967295\n"},
	{"more SAs than spokes",
		"hub: {max-spokes: 1}\n" HEAD T1 "{nbma: 198.51.100.1, " SPIS ", " GCM "}" END
		TUNNEL("u", "2", "192.0.2.1", "10.1.0.1/24")
		"   {mode: manual, sas: [{nbma: 198.51.100.2, spi-in: 0x1002, spi-out: 0x2001, " GCM "},\n"
		"   {nbma: 198.51.100.3, spi-in: 0x1003, spi-out: 0x2001, " GCM "}" END,
		"x.yaml:8:25: sas: one more than hub.max-spokes, which is 1: raise it\n"},
	// clang-format on
};

static void bad_file(void **state) {
	const struct bad *b = *state;
	char *said;
	struct conf *c = load(b->text, &said);

	assert_null(c);
	assert_string_equal(said, b->errors);
	assert_null(strstr(said, K16));
	free(said);
}

// One NBMA address with two ports is two spokes behind one NAT.
static void the_port_tells_peers_apart(void **state) {
	char *said;
	struct conf *c =
		load(HEAD T1 "{nbma: 198.51.100.1, nbma-port: 4500, " SPIS ", " GCM "},"
			     "{nbma: 198.51.100.1, nbma-port: 4501, spi-in: 0x1002, spi-out: 0x2001, " GCM "}" END,
			&said);

	(void)state;
	assert_string_equal(said, "");
	assert_non_null(c);
	conf_free(c);
	free(said);
}

// Another salt is another IV.
static void the_salt_tells_keys_apart(void **state) {
	char *said;
	struct conf *c = load(HEAD T1 "{nbma: 198.51.100.1, " SPIS ", suite: aes128gcm16, key-in: " K16
				      "00000001, key-out: " K16 "00000002}" END,
		&said);

	(void)state;
	assert_string_equal(said, "");
	assert_non_null(c);
	conf_free(c);
	free(said);
}

// The line of the SA may stand under another tunnel of the source.
static void a_static_map_has_its_peers_port(void **state) {
	char *said;
	struct conf *c = load(HEAD T1 "{nbma: 198.51.100.1, " SPIS ", " GCM "},"
				      "{nbma: 198.51.100.2, nbma-port: 4501, spi-in: 0x1002, spi-out: 0x2001, " GCM
				      "}" END TUNNEL("u", "2", "192.0.2.1",
					      "10.1.0.1/24") "   {mode: manual}" STATIC_MAP("10.1.0.9", "198.51.100.2"),
		&said);

	(void)state;
	assert_string_equal(said, "");
	assert_non_null(c);
	assert_int_equal(c->tunnels[1].statics[0].nbma_port, 4501);
	conf_free(c);
	free(said);
}

// Its SA comes when the spoke does.
static void a_static_map_of_mode_ike_is_not_refused(void **state) {
	char *said;
	struct conf *c = load(HEAD TUNNEL("t", "1", "192.0.2.1", "10.0.0.1/24") "   {mode: ike}" STATIC_MAP(
				      "10.0.0.9", "198.51.100.2"),
		&said);

	(void)state;
	assert_string_equal(said, "");
	assert_non_null(c);
	conf_free(c);
	free(said);
}

static void ike_needs_no_section_of_its_own(void **state) {
	char *said;
	struct conf *c = load(HEAD TUNNEL("t", "1", "192.0.2.1", "10.0.0.1/24") "   {mode: ike}}\n", &said);

	(void)state;
	assert_non_null(c);
	assert_int_equal(c->n_later, 0);
	assert_int_equal(c->tunnels[0].protection, CONF_PROTECTION_IKE);
	assert_string_equal(c->ike.socket, "/run/nave/ipsec.sock");
	conf_free(c);
	free(said);
}

int main(void) {
	enum { N = sizeof(bads) / sizeof(bads[0]), GOOD = 7 };
	struct CMUnitTest tests[GOOD + N] = {
		cmocka_unit_test(everything_is_read),
		cmocka_unit_test(mode_manual_without_sas_waits_for_the_console),
		cmocka_unit_test(the_port_tells_peers_apart),
		cmocka_unit_test(the_salt_tells_keys_apart),
		cmocka_unit_test(a_static_map_has_its_peers_port),
		cmocka_unit_test(a_static_map_of_mode_ike_is_not_refused),
		cmocka_unit_test(ike_needs_no_section_of_its_own),
	};

	for (unsigned i = 0; i < N; i++)
		tests[GOOD + i] = (struct CMUnitTest){bads[i].name, bad_file, NULL, NULL, (void *)&bads[i]};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
