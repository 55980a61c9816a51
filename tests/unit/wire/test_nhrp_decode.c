// SPDX-License-Identifier: BSD-3-Clause
// What the decoder refuses, and what it lets pass.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "nhrp_msg.h"
#include "vectors.h"

#include <stdlib.h>
#include <string.h>

// A registration as Cisco sends it: 92 bytes, extensions at 52, flags U and NAT, MTU 17916, prefix 32, CIE without
// addresses. Below it what the offsets of the cases mean.
static const char base[] = "0001 0800 0000000000 ff 005c 0000 0034 01 03 04 00 " //  0 header, 16 version, 18 T/L
			   "04 04 8002 00000001 " // 20 lengths, flags, id
			   "0a00000b ac10000b ac100001 " // 28 NBMA, 32 source, 36 destination
			   "00 20 0000 45fc 1c20 00 00 00 00 " // 40 CIE, 48 T/L, 49 T/L, 50 length
			   "8003 0000 8004 0000 8005 0000 " // 52, 56, 60 extensions
			   "0009 0014 00 20 0000 0000 0000 04 00 04 00 0a000001 ac100001 " // 64
			   "8000 0000"; // 88 End
#define BASE_LEN 92

struct patch {
	uint16_t at;
	uint8_t value;
};

struct decode_case {
	unsigned n;
	const char *what;
	struct patch patches[4]; // at 0 ends the list: the octet at 0 is never patched
	int received; // bytes handed to the decoder; 0: all of base
	enum nhrp_decode_error want;
};

#define PKTSZ(v) \
	{10, (v) >> 8}, { \
		11, (v)&255 \
	}
#define EXTOFF(v) \
	{14, (v) >> 8}, { \
		15, (v)&255 \
	}

static const struct decode_case cases[] = {
	{1, "as it is", {{0}}, 0, NHRP_ERR_NONE},
	{2, "link padding behind pktsz", {{0}}, BASE_LEN + 4, NHRP_ERR_NONE},
	// sizes
	{10, "one byte received", {{0}}, 1, NHRP_ERR_TRUNCATED},
	{11, "a byte less than the fixed header", {{0}}, 19, NHRP_ERR_TRUNCATED},
	{12, "fixed header only", {{0}}, 20, NHRP_ERR_TRUNCATED},
	{13, "a byte less than pktsz", {{0}}, BASE_LEN - 1, NHRP_ERR_TRUNCATED},
	{14, "pktsz 0", {PKTSZ(0)}, 0, NHRP_ERR_TRUNCATED},
	{15, "pktsz 27", {PKTSZ(27)}, 0, NHRP_ERR_TRUNCATED},
	{16, "pktsz 65535", {PKTSZ(65535)}, 0, NHRP_ERR_TRUNCATED},
	{17, "pktsz 28: no room for the addresses", {PKTSZ(28), EXTOFF(0)}, 0, NHRP_ERR_TRUNCATED},
	{18, "pktsz 39: destination cut", {PKTSZ(39), EXTOFF(0)}, 0, NHRP_ERR_TRUNCATED},
	{19, "pktsz 40: no CIE, no extension", {PKTSZ(40), EXTOFF(0)}, 0, NHRP_ERR_NONE},
	// header
	{20, "version 0", {{16, 0}}, 0, NHRP_ERR_VERSION},
	{21, "version 2", {{16, 2}}, 0, NHRP_ERR_VERSION},
	{22, "type 0", {{17, 0}}, 0, NHRP_ERR_TYPE},
	{23, "type 9", {{17, 9}}, 0, NHRP_ERR_TYPE},
	{24, "type 255", {{17, 255}}, 0, NHRP_ERR_TYPE},
	{25, "hop count 0 is for the NHS to judge", {{9, 0}}, 0, NHRP_ERR_NONE},
	{26, "SNAP without ar$pro.type 0x0080 is ignored", {{4, 1}, {8, 1}}, 0, NHRP_ERR_NONE},
	// families
	{30, "ar$afn 0", {{1, 0}}, 0, NHRP_ERR_PROTOCOL},
	{31, "ar$afn 3 (NSAP)", {{1, 3}}, 0, NHRP_ERR_PROTOCOL},
	{33, "ar$pro.type 0x0806", {{3, 6}}, 0, NHRP_ERR_PROTOCOL},
	{34, "ar$pro.type 0x0080 (SNAP)", {{2, 0}, {3, 0x80}}, 0, NHRP_ERR_PROTOCOL},
	{35, "IPv6 overlay with IPv4 lengths", {{2, 0x86}, {3, 0xdd}}, 0, NHRP_ERR_ADDRESS_LENGTH},
	{36, "IPv6 NBMA with IPv4 lengths", {{1, 2}}, 0, NHRP_ERR_ADDRESS_LENGTH},
	// extension offset
	{40, "extoff 1", {EXTOFF(1)}, 0, NHRP_ERR_EXTENSION_OFFSET},
	{41, "extoff 27, inside the header", {EXTOFF(27)}, 0, NHRP_ERR_EXTENSION_OFFSET},
	{42, "extoff 28, before the addresses", {EXTOFF(28)}, 0, NHRP_ERR_EXTENSION_OFFSET},
	{43, "extoff 39, in the last address", {EXTOFF(39)}, 0, NHRP_ERR_EXTENSION_OFFSET},
	{44, "extoff is pktsz", {EXTOFF(BASE_LEN)}, 0, NHRP_ERR_EXTENSION_OFFSET},
	{45, "extoff behind pktsz", {EXTOFF(BASE_LEN + 1)}, BASE_LEN + 8, NHRP_ERR_EXTENSION_OFFSET},
	{46, "extoff 65535", {EXTOFF(65535)}, 0, NHRP_ERR_EXTENSION_OFFSET},
	// lengths in the header
	{50, "source NBMA T/L with bit 7", {{18, 0x84}}, 0, NHRP_ERR_ADDRESS_LENGTH},
	{51, "source NBMA T/L with the type bit", {{18, 0x44}}, 0, NHRP_ERR_NONE},
	{52, "source NBMA length 3", {{18, 3}}, 0, NHRP_ERR_ADDRESS_LENGTH},
	{53, "source NBMA length 16 in IPv4", {{18, 16}}, 0, NHRP_ERR_ADDRESS_LENGTH},
	{54, "source NBMA length 63", {{18, 63}}, 0, NHRP_ERR_ADDRESS_LENGTH},
	{55, "source subaddress T/L with bit 7", {{19, 0x80}}, 0, NHRP_ERR_ADDRESS_LENGTH},
	{56, "source subaddress of 12, all of the CIE", {{19, 12}}, 0, NHRP_ERR_NONE},
	{57, "source subaddress behind extoff", {{19, 13}}, 0, NHRP_ERR_EXTENSION_OFFSET},
	{58, "source subaddress of 63, behind the packet", {{19, 63}}, 0, NHRP_ERR_TRUNCATED},
	{59, "source protocol length 0", {{20, 0}}, 0, NHRP_ERR_ADDRESS_LENGTH},
	{60, "destination protocol length 0", {{21, 0}}, 0, NHRP_ERR_ADDRESS_LENGTH},
	{61, "source protocol length 16 in IPv4", {{20, 16}}, 0, NHRP_ERR_ADDRESS_LENGTH},
	{62, "destination protocol length 255", {{21, 255}}, 0, NHRP_ERR_ADDRESS_LENGTH},
	// CIEs
	{70, "CIE cut by extoff after a byte", {EXTOFF(41)}, 0, NHRP_ERR_CIE},
	{71, "CIE cut by extoff before its last byte", {EXTOFF(51)}, 0, NHRP_ERR_CIE},
	{72, "residue of a byte behind the CIE", {EXTOFF(53)}, 0, NHRP_ERR_CIE},
	{73, "client NBMA behind the list", {{48, 4}}, 0, NHRP_ERR_CIE},
	{74, "client subaddress behind the list", {{49, 1}}, 0, NHRP_ERR_CIE},
	{75, "client protocol address behind the list", {{50, 4}}, 0, NHRP_ERR_CIE},
	{76, "client T/L with bit 7", {{48, 0x80}}, 0, NHRP_ERR_ADDRESS_LENGTH},
	{77, "client subaddress T/L with bit 7", {{49, 0x80}}, 0, NHRP_ERR_ADDRESS_LENGTH},
	{78, "client NBMA length 5", {{48, 5}}, 0, NHRP_ERR_ADDRESS_LENGTH},
	{79, "client protocol length 1", {{50, 1}}, 0, NHRP_ERR_ADDRESS_LENGTH},
	{80, "client T/L with the type bit", {{48, 0x40}}, 0, NHRP_ERR_NONE},
	// extensions
	{90, "the last bytes are half an extension header", {PKTSZ(BASE_LEN - 2)}, 0, NHRP_ERR_EXTENSION},
	{91, "one byte of an extension header", {PKTSZ(BASE_LEN - 3)}, 0, NHRP_ERR_EXTENSION},
	{92, "no End: the list ends with the packet", {PKTSZ(BASE_LEN - 4)}, 0, NHRP_ERR_NONE},
	{93, "an extension overruns by a byte", {{67, 0x19}}, 0, NHRP_ERR_EXTENSION},
	{94, "an extension of 65535 bytes", {{66, 255}, {67, 255}}, 0, NHRP_ERR_EXTENSION},
	{95, "the NAT extension swallows End", {{67, 0x18}}, 0, NHRP_ERR_NONE},
	{96, "End first, the rest is behind it", {{52, 0x80}, {53, 0}}, 0, NHRP_ERR_NONE},
	{97, "End without its C bit", {{88, 0}}, 0, NHRP_ERR_NONE},
	{98, "unknown compulsory extension: the NHS's to refuse", {{53, 99}}, 0, NHRP_ERR_NONE},
	{99, "garbage in an extension's CIE: only its reader cares", {{76, 0xff}}, 0, NHRP_ERR_NONE},
	{100, "bytes behind End, counted in pktsz", {PKTSZ(BASE_LEN + 3)}, BASE_LEN + 3, NHRP_ERR_NONE},
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

// The message lies in a block of its own length, so that ASan sees a read behind it.
static uint8_t *case_bytes(const struct decode_case *k, size_t *len) {
	uint8_t *bytes;

	*len = k->received ? (size_t)k->received : BASE_LEN;
	bytes = calloc(1, *len > BASE_LEN ? *len : BASE_LEN);
	assert_non_null(bytes);
	assert_int_equal(hex_read(base, bytes, BASE_LEN), BASE_LEN);
	for (unsigned i = 0; i < COUNT(k->patches) && k->patches[i].at; i++)
		bytes[k->patches[i].at] = k->patches[i].value;
	vector_fix_checksum(bytes, *len > BASE_LEN ? *len : BASE_LEN);
	return realloc(bytes, *len);
}

// What decodes must also encode, and mean the same when it is read again.
static void check_fixpoint(const char *what, const struct nhrp_msg *m) {
	uint8_t first[2048], second[2048];
	int n = nhrp_msg_encode(m, first, sizeof(first)), n2;
	struct nhrp_msg again;

	if (n < 0 || nhrp_msg_decode(first, (size_t)n, &again) != NHRP_ERR_NONE)
		fail_msg("%s: encodes to %d, or not to a message", what, n);
	n2 = nhrp_msg_encode(&again, second, sizeof(second));
	if (n2 != n || memcmp(first, second, (size_t)n))
		fail_msg("%s: no fixpoint", what);
}

static void test_numbered_cases(void **state) {
	(void)state;
	for (unsigned i = 0; i < COUNT(cases); i++) {
		struct nhrp_msg m;
		size_t len;
		uint8_t *bytes = case_bytes(&cases[i], &len);
		enum nhrp_decode_error e = nhrp_msg_decode(bytes, len, &m);

		if (e != cases[i].want)
			fail_msg("%u %s: %s", cases[i].n, cases[i].what, nhrp_decode_error_name(e));
		if (!e)
			check_fixpoint(cases[i].what, &m);
		free(bytes);
	}
}

static void test_checksum(void **state) {
	uint8_t bytes[BASE_LEN];
	struct nhrp_msg m;

	(void)state;
	hex_read(base, bytes, sizeof(bytes));
	assert_int_equal(nhrp_msg_decode(bytes, sizeof(bytes), &m), NHRP_ERR_CHECKSUM); // 0 is not "none"
	vector_fix_checksum(bytes, sizeof(bytes));
	assert_int_equal(nhrp_msg_decode(bytes, sizeof(bytes), &m), NHRP_ERR_NONE);
	for (unsigned i = 0; i < BASE_LEN; i++) {
		enum nhrp_decode_error e;

		bytes[i] ^= 0x10;
		e = nhrp_msg_decode(bytes, sizeof(bytes), &m);
		// Damage is told as such, but where it makes the version or the size another one.
		if (i == 16)
			assert_int_equal(e, NHRP_ERR_VERSION);
		else if (i == 10)
			assert_int_equal(e, NHRP_ERR_TRUNCATED);
		else
			assert_int_equal(e, NHRP_ERR_CHECKSUM);
		bytes[i] ^= 0x10;
	}
}

static void test_what_is_valid_after_an_error(void **state) {
	const struct decode_case bad_address = {0, "", {{21, 0}}, 0, 0}, bad_cie = {0, "", {{48, 4}}, 0, 0};
	struct nhrp_msg m;
	uint8_t *bytes;
	size_t len;

	(void)state;
	memset(&m, 0xa5, sizeof(m));
	assert_int_equal(nhrp_msg_decode((const uint8_t *)"", 0, &m), NHRP_ERR_TRUNCATED);
	assert_true(m.type == 0 && m.n_cies == 0 && m.n_exts == 0 && m.src_nbma.family == ADDR_NONE);
	memset(&m, 0xa5, sizeof(m));
	bytes = case_bytes(&bad_address, &len);
	assert_int_equal(nhrp_msg_decode(bytes, len, &m), NHRP_ERR_ADDRESS_LENGTH);
	assert_true(m.type == NHRP_REGISTRATION_REQUEST && m.hop_count == 255 && m.request_id == 1);
	assert_true(addr_is_zero(&m.src_nbma) && m.src_protocol.family == ADDR_NONE);
	free(bytes);
	bytes = case_bytes(&bad_cie, &len);
	assert_int_equal(nhrp_msg_decode(bytes, len, &m), NHRP_ERR_CIE);
	assert_true(m.dst_protocol.family == ADDR_IPV4 && m.n_cies == 0 && m.n_exts == 0);
	free(bytes);
}

static uint8_t *message_of_cies(unsigned n, size_t *len) {
	uint8_t *bytes;

	*len = 40 + 12 * n;
	bytes = calloc(1, *len);
	assert_non_null(bytes);
	hex_read("0001 0800 0000000000 ff 0000 0000 0000 01 05 04 00 04 04 0000 00000001", bytes, 28);
	bytes[10] = (uint8_t)(*len >> 8);
	bytes[11] = (uint8_t)*len;
	vector_fix_checksum(bytes, *len);
	return bytes;
}

static void test_caps(void **state) {
	struct nhrp_msg m;
	uint8_t *bytes, exts[40 + 4 * (NHRP_EXT_MAX + 1)];
	size_t len;

	(void)state;
	bytes = message_of_cies(NHRP_CIE_MAX, &len);
	assert_int_equal(nhrp_msg_decode(bytes, len, &m), NHRP_ERR_NONE);
	assert_int_equal(m.n_cies, NHRP_CIE_MAX);
	free(bytes);
	bytes = message_of_cies(NHRP_CIE_MAX + 1, &len);
	assert_int_equal(nhrp_msg_decode(bytes, len, &m), NHRP_ERR_TOO_MANY_CIES);
	free(bytes);

	bytes = message_of_cies(0, &len);
	memcpy(exts, bytes, len);
	free(bytes);
	exts[15] = 40;
	for (unsigned n = NHRP_EXT_MAX; n <= NHRP_EXT_MAX + 1; n++) {
		for (unsigned i = 0; i < n; i++)
			memcpy(exts + 40 + 4 * i, "\x00\x08\x00\x00", 4);
		exts[11] = (uint8_t)(40 + 4 * n);
		vector_fix_checksum(exts, sizeof(exts));
		assert_int_equal(nhrp_msg_decode(exts, 40 + 4 * n, &m),
			n > NHRP_EXT_MAX ? NHRP_ERR_TOO_MANY_CIES : NHRP_ERR_NONE);
		assert_int_equal(m.n_exts, NHRP_EXT_MAX);
	}
}

// Each message of a real peer, cut to each length with pktsz and checksum made to match: refused or understood, and
// nothing is read behind the end.
static void cut(const char *name, const uint8_t *bytes, size_t len) {
	struct nhrp_msg m;

	for (size_t n = 0; n < len; n++) {
		uint8_t *exact = malloc(n + !n);

		assert_non_null(exact);
		memcpy(exact, bytes, n);
		assert_int_equal(nhrp_msg_decode(exact, n, &m), NHRP_ERR_TRUNCATED);
		if (n >= 20) {
			exact[10] = (uint8_t)(n >> 8);
			exact[11] = (uint8_t)n;
			vector_fix_checksum(exact, n);
			if (nhrp_msg_decode(exact, n, &m) == NHRP_ERR_NONE)
				check_fixpoint(name, &m);
		}
		free(exact);
	}
}

static void test_cut_anywhere(void **state) {
	(void)state;
	assert_true(vector_each(cut) > 20);
}

static void damage(const char *name, const uint8_t *bytes, size_t len) {
	static const uint8_t values[] = {0, 1, 0x3f, 0x80, 0xff};
	struct nhrp_msg m;
	uint8_t *exact = malloc(len);

	assert_non_null(exact);
	for (size_t at = 0; at < len * COUNT(values); at++) {
		memcpy(exact, bytes, len);
		exact[at / COUNT(values)] = values[at % COUNT(values)];
		vector_fix_checksum(exact, len);
		if (nhrp_msg_decode(exact, len, &m) == NHRP_ERR_NONE)
			check_fixpoint(name, &m);
	}
	free(exact);
}

static void test_any_byte_damaged(void **state) {
	(void)state;
	assert_true(vector_each(damage) > 20);
}

static void test_names(void **state) {
	(void)state;
	assert_string_equal(nhrp_decode_error_name(NHRP_ERR_CHECKSUM), "checksum");
	assert_string_equal(nhrp_decode_error_name(NHRP_ERR_TOO_MANY_CIES), "too_many_cies");
	assert_string_equal(nhrp_decode_error_help(NHRP_ERR_VERSION), "op.version is not 1");
	assert_string_equal(nhrp_decode_error_name(NHRP_ERR_COUNT), "unknown");
	for (unsigned e = 0; e < NHRP_ERR_COUNT; e++)
		assert_non_null(nhrp_decode_error_name(e));
	assert_string_equal(nhrp_type_name(NHRP_RESOLUTION_REQUEST), "Resolution Request");
	assert_string_equal(nhrp_type_name(NHRP_TRAFFIC_INDICATION), "Traffic Indication");
	assert_string_equal(nhrp_type_name(0), "unknown type");
	assert_string_equal(nhrp_type_name(9), "unknown type");
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbered_cases),
		cmocka_unit_test(test_checksum),
		cmocka_unit_test(test_what_is_valid_after_an_error),
		cmocka_unit_test(test_caps),
		cmocka_unit_test(test_cut_anywhere),
		cmocka_unit_test(test_any_byte_damaged),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
