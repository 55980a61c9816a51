// SPDX-License-Identifier: BSD-3-Clause
// Packet and key between pages that nobody may touch: the backend neither reads nor writes beyond them, where a
// sanitizer does not see, since the library is assembly.
#include "crypto_ipsec_mb.h"
#include "esp_packet.h"

#include <sys/mman.h>
#include <unistd.h>

#define ROOM 8192u // of each region, between its two forbidden pages

static const struct esp_crypto_ops *ops = &crypto_ipsec_mb_ops;
static void *lcore;
static uint8_t *packet_room, *key_room;

static uint8_t *room_new(void) {
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	uint8_t *p = mmap(NULL, ROOM + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_ptr_not_equal(p, MAP_FAILED);
	assert_int_equal(mprotect(p + page, ROOM, PROT_READ | PROT_WRITE), 0);
	return p + page;
}

static void room_free(uint8_t *room) {
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	munmap(room - page, ROOM + 2 * page);
}

// The packet as random bytes at its place, sealed as the reference seals and opened again.
static void sealed_and_opened_at(uint8_t *at, struct esp_packet *p, void *key) {
	struct esp_packet reference = *p;
	size_t bytes = (size_t)(p->end - p->spi);
	struct esp_job j;

	reference.spi = reference.buf + PACKET_GUARD;
	reference.iv = reference.spi + 8;
	reference.text = reference.spi + (p->text - p->spi);
	reference.icv = reference.text + p->text_bytes;
	memcpy(at, p->spi, bytes);
	packet_seal_reference(&reference);
	j = packet_job(p, key);
	j.iv = at + 8;
	j.text = at + (p->text - p->spi);
	j.icv = j.text + p->text_bytes;
	ops->seal(lcore, p->suite, &j, 1);
	assert_memory_equal(at, reference.spi, bytes);
	ops->open(lcore, p->suite, &j, 1);
	assert_true(j.ok);
	assert_memory_equal(j.text, p->text, p->text_bytes);
}

static void lengths_at_the_edges(enum esp_suite suite, bool esn) {
	const struct esp_suite_info *info = &esp_suites[suite];
	uint8_t *key = key_room + ROOM - ops->key_bytes(suite);
	static struct esp_packet p;

	for (uint32_t bytes = info->iv_bytes == 16 ? 16 : 0; bytes <= 640; bytes += info->block_bytes) {
		packet_init(&p, suite, esn, bytes);
		assert_int_equal(
			ops->key_init(key, suite, p.enc, info->enc_key_bytes, p.auth, info->auth_key_bytes), 0);
		sealed_and_opened_at(packet_room, &p, key);
		sealed_and_opened_at(packet_room + ROOM - (p.end - p.spi), &p, key);
	}
}

static void nothing_beyond_packet_and_key_is_touched(void **state) {
	(void)state;
	random_seed(21);
	for (unsigned s = ESP_NULL + 1; s < ESP_SUITE_COUNT; s++)
		for (unsigned esn = 0; esn < 2; esn++)
			lengths_at_the_edges(s, esn);
}

static int setup(void **state) {
	(void)state;
	packet_room = room_new();
	key_room = room_new();
	lcore = ops->lcore_create();
	return lcore ? 0 : -1;
}

static int teardown(void **state) {
	(void)state;
	ops->lcore_free(lcore);
	room_free(packet_room);
	room_free(key_room);
	return 0;
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_beyond_packet_and_key_is_touched),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
