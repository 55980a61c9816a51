// SPDX-License-Identifier: BSD-3-Clause
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "esp_frame.h"
#include "vectors.h"

#include <stdlib.h>
#include <string.h>

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

static const struct esp_lengths gcm16 = {.iv_bytes = 8, .icv_bytes = 16, .block_bytes = 4};
static const struct esp_lengths gcm8 = {.iv_bytes = 8, .icv_bytes = 8, .block_bytes = 4};
static const struct esp_lengths cbc_sha1 = {.iv_bytes = 16, .icv_bytes = 12, .block_bytes = 16};
static const struct esp_lengths cbc_sha512 = {.iv_bytes = 16, .icv_bytes = 32, .block_bytes = 16};
static const struct esp_lengths null_sha1 = {.iv_bytes = 0, .icv_bytes = 12, .block_bytes = 4};
static const struct esp_lengths null_only = {.iv_bytes = 0, .icv_bytes = 0, .block_bytes = 4};

// pad = what is missing from payload + 2 to whole blocks; text = payload + pad + 2; packet = 8 + IV + text + ICV.
static const struct {
	unsigned n;
	const struct esp_lengths *suite;
	uint32_t payload, pad, text, packet;
} sizes[] = {
	{1, &gcm16, 0, 2, 4, 36},
	{2, &gcm16, 1, 1, 4, 36},
	{3, &gcm16, 2, 0, 4, 36},
	{4, &gcm16, 3, 3, 8, 40},
	{5, &gcm16, 68, 2, 72, 104},
	{6, &gcm16, 1408, 2, 1412, 1444},
	{7, &gcm8, 68, 2, 72, 96},
	{8, &cbc_sha1, 0, 14, 16, 52},
	{9, &cbc_sha1, 13, 1, 16, 52},
	{10, &cbc_sha1, 14, 0, 16, 52},
	{11, &cbc_sha1, 15, 15, 32, 68},
	{12, &cbc_sha512, 1408, 14, 1424, 1480},
	{13, &null_sha1, 68, 2, 72, 92},
	{14, &null_only, 2, 0, 4, 12},
};

static void test_sizes_numbered_cases(void **state) {
	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(sizes); i++) {
		const struct esp_lengths *l = sizes[i].suite;
		uint32_t pad = esp_pad_bytes(sizes[i].payload, l->block_bytes);
		uint32_t text = esp_text_bytes(sizes[i].payload, l->block_bytes);
		uint32_t packet = esp_packet_bytes(l, sizes[i].payload);

		if (pad != sizes[i].pad || text != sizes[i].text || packet != sizes[i].packet)
			fail_msg("%u: pad %u, text %u, packet %u", sizes[i].n, pad, text, packet);
		assert_int_equal(esp_text_received(l, packet), text);
	}
}

// What fits into room bytes from SPI to ICV.
static const struct {
	unsigned n;
	const struct esp_lengths *suite;
	uint32_t room;
	int32_t want;
} rooms[] = {
	{1, &gcm16, 0, -1},
	{2, &gcm16, 31, -1},
	{3, &gcm16, 32, -2},
	{4, &gcm16, 35, -2},
	{5, &gcm16, 36, 2},
	{6, &gcm16, 39, 2},
	{7, &gcm16, 40, 6},
	{8, &gcm16, 1480, 1446}, // 1500 - IPv4
	{9, &gcm16, 1472, 1438}, // and in UDP
	{10, &cbc_sha1, 51, -2},
	{11, &cbc_sha1, 52, 14},
	{12, &cbc_sha1, 67, 14},
	{13, &cbc_sha1, 68, 30},
	{14, &cbc_sha512, 1480, 1422},
	{15, &cbc_sha512, 1479, 1406},
};

static void test_rooms_numbered_cases(void **state) {
	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(rooms); i++) {
		int32_t got = esp_payload_max(rooms[i].suite, rooms[i].room);

		if (got != rooms[i].want)
			fail_msg("%u: %d", rooms[i].n, got);
	}
}

// For each room the longest payload fits and one byte more does not.
static void test_rooms_are_exact(void **state) {
	static const struct esp_lengths *suites[] = {&gcm16, &gcm8, &cbc_sha1, &cbc_sha512, &null_sha1, &null_only};

	(void)state;
	for (unsigned s = 0; s < ARRAY_LEN(suites); s++) {
		for (uint32_t room = 0; room < 2000; room++) {
			int32_t max = esp_payload_max(suites[s], room);

			if (max >= 0)
				assert_true(esp_packet_bytes(suites[s], (uint32_t)max) <= room);
			assert_true(esp_packet_bytes(suites[s], max < 0 ? 0 : (uint32_t)max + 1) > room);
		}
	}
}

static const struct {
	unsigned n;
	const char *what;
	const struct esp_lengths *suite;
	uint32_t packet, want;
} received[] = {
	{1, "nothing", &gcm16, 0, 0},
	{2, "SPI and sequence number", &gcm16, 8, 0},
	{3, "no text", &gcm16, 32, 0},
	{4, "one byte short of a block", &gcm16, 35, 0},
	{5, "one block", &gcm16, 36, 4},
	{6, "and a byte", &gcm16, 37, 0},
	{7, "one AES block", &cbc_sha1, 52, 16},
	{8, "4 bytes are not a block there", &cbc_sha1, 56, 0},
	{9, "two", &cbc_sha1, 68, 32},
	{10, "one byte short of the ICV", &cbc_sha1, 35, 0},
};

static void test_received_numbered_cases(void **state) {
	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(received); i++) {
		uint32_t got = esp_text_received(received[i].suite, received[i].packet);

		if (got != received[i].want)
			fail_msg("%u %s: %u", received[i].n, received[i].what, got);
	}
}

static const struct {
	unsigned n;
	const char *what, *text;
	enum esp_trailer want;
	uint32_t payload;
	uint8_t next;
} trailers[] = {
	{1, "no padding", "aabb 00 2f", ESP_TRAILER_OK, 2, 47},
	{2, "one byte", "aa 01 01 2f", ESP_TRAILER_OK, 1, 47},
	{3, "no payload", "0102 02 04", ESP_TRAILER_OK, 0, 4},
	{4, "three bytes", "aabbcc 010203 03 29", ESP_TRAILER_OK, 3, 41},
	{5, "more than a block needs", "aabb 0102030405060708090a 0a 2f", ESP_TRAILER_OK, 2, 47},
	{6, "TFC padding stays on the payload", "aabb 0000000000000000 0102 02 2f", ESP_TRAILER_OK, 10, 47},
	{7, "TFC padding of any bytes", "aabb 0302010301 010203 03 2f", ESP_TRAILER_OK, 7, 47},
	{8, "padding of zeros", "aa 00 01 2f", ESP_TRAILER_PAD, 0, 0},
	{9, "first byte wrong", "aabb 000203 03 2f", ESP_TRAILER_PAD, 0, 0},
	{10, "last byte wrong", "aabb 010204 03 2f", ESP_TRAILER_PAD, 0, 0},
	{11, "counted from 0", "aabb 000102 03 2f", ESP_TRAILER_PAD, 0, 0},
	{12, "backwards", "aabb 0201 02 2f", ESP_TRAILER_PAD, 0, 0},
	{13, "pad length one too many", "0102 03 2f", ESP_TRAILER_LONG, 0, 0},
	{14, "pad length 255", "0102 ff 2f", ESP_TRAILER_LONG, 0, 0},
	{15, "trailer alone", "00 2f", ESP_TRAILER_OK, 0, 47},
	{16, "trailer alone, pad length 1", "01 2f", ESP_TRAILER_LONG, 0, 0},
	{17, "one byte of text", "2f", ESP_TRAILER_LONG, 0, 0},
	{18, "no text", "", ESP_TRAILER_LONG, 0, 0},
	{19, "dummy", "0102 02 3b", ESP_TRAILER_DUMMY, 0, 0},
	{20, "dummy of random bytes", "a5c3 91 3b", ESP_TRAILER_DUMMY, 0, 0},
	{21, "dummy with payload", "deadbeef 0102 02 3b", ESP_TRAILER_DUMMY, 0, 0},
	{22, "next header 0", "0102 02 00", ESP_TRAILER_OK, 0, 0},
};

static void test_trailers_numbered_cases(void **state) {
	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(trailers); i++) {
		uint8_t bytes[64], next = 0xee;
		size_t len = hex_read(trailers[i].text, bytes, sizeof(bytes));
		uint8_t *exact = malloc(len + 1); // a byte in front: malloc(0) may be NULL
		uint32_t payload = 0xeeee;
		enum esp_trailer got;

		memcpy(exact + 1, bytes, len);
		got = esp_trailer_read(exact + 1, (uint32_t)len, &payload, &next);
		free(exact);
		if (got != trailers[i].want)
			fail_msg("%u %s: %d", trailers[i].n, trailers[i].what, got);
		assert_int_equal(payload, got == ESP_TRAILER_OK ? trailers[i].payload : 0xeeee);
		assert_int_equal(next, got == ESP_TRAILER_OK ? trailers[i].next : 0xee);
	}
}

// Each pad length there is; then each single byte of the padding broken.
static void test_every_padding(void **state) {
	(void)state;
	for (uint32_t pad = 0; pad <= ESP_PAD_MAX; pad++) {
		uint32_t len = 3 + pad + ESP_TRAILER_BYTES, payload = 0;
		uint8_t *text = malloc(len + 1), next = 0;

		memset(text, 0xaa, len + 1);
		esp_trailer_write(text + 3, pad, 47);
		assert_int_equal(text[len], 0xaa);
		for (uint32_t i = 0; i < pad; i++)
			assert_int_equal(text[3 + i], i + 1);
		assert_int_equal(esp_trailer_read(text, len, &payload, &next), ESP_TRAILER_OK);
		assert_int_equal(payload, 3);
		assert_int_equal(next, 47);
		for (uint32_t i = 0; i < pad; i++) {
			text[3 + i] ^= 0x80;
			assert_int_equal(esp_trailer_read(text, len, &payload, &next), ESP_TRAILER_PAD);
			text[3 + i] ^= 0x80;
		}
		free(text);
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sizes_numbered_cases),
		cmocka_unit_test(test_rooms_numbered_cases),
		cmocka_unit_test(test_rooms_are_exact),
		cmocka_unit_test(test_received_numbered_cases),
		cmocka_unit_test(test_trailers_numbered_cases),
		cmocka_unit_test(test_every_padding),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
