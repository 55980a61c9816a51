// SPDX-License-Identifier: BSD-3-Clause
// ESP that must not pass: replayed, cut short, forged, malformed. Each is dropped by its name and counted at its SA;
// what was not authenticated leaves the window as it was.
//
//   A ══ wan0 [hub] ══ B     tunnel 0; only A has an inbound SA
#include "esp.h"
#include "esp_packet.h"
#include "mbuf_guard.h"
#include "stage.h"

struct scene {
	struct hub h;
	struct esp_spoke a, b;
	bool is_made;
};

static struct scene scene;

static struct scene *scene_make(const struct esp_how *how) {
	struct scene *s = &scene;

	esp_hub_create(&s->h, 1);
	s->is_made = true;
	s->a = esp_spoke(&s->h, 0, "192.0.2.10", 10, how);
	s->b = esp_spoke_bare(&s->h, 0, "192.0.2.11", 11, how);
	esp_down_make(&s->h, &s->b);
	mbuf_guard_open_for_esp = false; // nothing that is dropped may be read or written beyond its end
	return s;
}

// After each of a test's hubs; the test's end finds one that failed.
static void scene_end(struct scene *s) {
	s->is_made = false;
	hub_destroy(&s->h);
}

static int teardown(void **state) {
	(void)state;
	if (scene.is_made)
		scene_end(&scene);
	return 0;
}

// What the window and the counters of A's SA are.
struct record {
	uint8_t sa[sizeof(struct sa_in)] __attribute__((aligned(64)));
	uint64_t bits[REPLAY_WINDOW_MAX / 64 * 2];
	struct sa_in_cold cold;
};

static void record_take(const struct scene *s, struct record *r) {
	const struct sa_in *sa = esp_sa_in(&s->h, &s->a.up);

	memset(r, 0, sizeof(*r));
	memcpy(r->sa, sa, sizeof(r->sa));
	((struct sa_in *)r->sa)->owner = 0; // the first packet claims, whatever it is
	memcpy(r->bits, sa->replay.bits, replay_bytes(sa->replay.window) - sizeof(sa->replay));
	r->cold = s->h.fwd.ipsec->cold[s->a.up.slot];
}

#define NO_SA_DROP SA_DROP_COUNT

static void expect_drop_of_sa(const struct scene *s, struct record *before, enum sa_drop of_sa) {
	const struct sa_in_cold *now = &s->h.fwd.ipsec->cold[s->a.up.slot];

	if (of_sa != NO_SA_DROP)
		before->cold.drops[of_sa]++;
	for (unsigned d = 0; d < SA_DROP_COUNT; d++)
		if (now->drops[d] != before->cold.drops[d])
			fail_msg("%s of the SA: %u instead of %u", sa_drop_name(d), now->drops[d],
				before->cold.drops[d]);
}

static void inject(struct scene *s, struct frame *f) {
	hub_inject(&s->h, WAN, 0, f);
	hub_poll(&s->h);
}

// Dropped before it was authenticated: nothing of the SA changed but its counter.
static void expect_refused(struct scene *s, struct frame *f, enum drop_reason why, enum sa_drop of_sa) {
	struct record before, after;

	record_take(s, &before);
	inject(s, f);
	hub_expect_nothing_sent();
	hub_expect_dropped(&s->h, why, 1);
	expect_drop_of_sa(s, &before, of_sa);
	record_take(s, &after);
	assert_memory_equal(before.sa, after.sa, sizeof(before.sa));
	assert_memory_equal(before.bits, after.bits, sizeof(before.bits));
}

// Authenticated, and still of no use: its number is spent.
static void expect_opened_and_dropped(struct scene *s, struct frame *f, enum drop_reason why, enum sa_drop of_sa) {
	struct record before;

	record_take(s, &before);
	inject(s, f);
	hub_expect_nothing_sent();
	hub_expect_dropped(&s->h, why, 1);
	expect_drop_of_sa(s, &before, of_sa);
	assert_int_equal(esp_sa_in(&s->h, &s->a.up)->replay.top, s->a.up.seq);
}

static void inner_data(const struct scene *s, struct frame *f, uint8_t hops) {
	struct addr src = esp_host(&s->a.s.lan, 5), dst = esp_host(&s->b.s.lan, 7);

	inner_udp(f, &src, &dst, 36, hops, 0);
}

static void data(const struct scene *s, struct frame *f, uint64_t seq) {
	inner_data(s, f, 64);
	esp_from_spoke_seq(f, &s->h, &s->a, 0x0800, seq);
}

static void expect_passed(struct scene *s) {
	struct frame f;

	inner_data(s, &f, 63);
	esp_expect_sent(&s->h, &s->b, &f, 0x0800, 0);
}

static void pass(struct scene *s, uint64_t seq) {
	struct frame f;

	mbuf_guard_open_for_esp = true;
	data(s, &f, seq);
	inject(s, &f);
	expect_passed(s);
	hub_expect_no_drops(&s->h);
	assert_true(esp_sa_in(&s->h, &s->a.up)->replay.top >= seq);
	mbuf_guard_open_for_esp = false;
}

static void refuse(struct scene *s, uint64_t seq, enum sa_drop of_sa) {
	struct frame f;

	data(s, &f, seq);
	if (s->a.how.esn && of_sa == SA_DROP_REPLAY_OLD) // taken for one of the next turn (RFC 4303 appendix A2.2)
		expect_refused(s, &f, DROP_ESP_ICV, SA_DROP_ICV);
	else
		expect_refused(s, &f, DROP_ESP_REPLAY, of_sa);
}

// From T on: the window's left edge is T - w + 1.
static void window_at(const struct esp_how *how, uint64_t top) {
	struct scene *s = scene_make(how);
	uint64_t left;

	if (top > UINT32_MAX)
		esp_sa_in(&s->h, &s->a.up)->replay.top = top - 1000; // it did not begin here
	pass(s, top);
	left = top - how->window + 1;
	refuse(s, top, SA_DROP_REPLAY_SEEN);
	refuse(s, left - 1, SA_DROP_REPLAY_OLD);
	pass(s, left);
	refuse(s, left, SA_DROP_REPLAY_SEEN);
	pass(s, top - 1);
	pass(s, left + 1);
	pass(s, left + how->window / 2);
	refuse(s, left + how->window / 2, SA_DROP_REPLAY_SEEN);
	pass(s, top + 1);
	refuse(s, left, SA_DROP_REPLAY_OLD); // it has moved by one
	refuse(s, top, SA_DROP_REPLAY_SEEN);
	pass(s, top + 100000); // far to the right: all before is old
	refuse(s, top + 1, SA_DROP_REPLAY_OLD);
	pass(s, top + 100000 - how->window + 1);
	scene_end(s);
}

static void test_windows(void **state) {
	const uint16_t widths[] = {32, 64, 1024, 4096};

	(void)state;
	for (unsigned i = 0; i < RTE_DIM(widths); i++) {
		struct esp_how how = {.suite = ESP_AES_GCM_128_16, .window = widths[i]};

		window_at(&how, 10000);
		how.esn = true;
		window_at(&how, 10000);
		window_at(&how, (5ull << 32) + 20); // the window lies over a change of the high half
		how.suite = ESP_AES_CBC_128_SHA256_128; // its ESN is no AAD
		window_at(&how, (7ull << 32) + 20);
	}
}

// RFC 4303 section 3.3.3: the first number is 1.
static void test_number_zero(void **state) {
	struct esp_how how = {.suite = ESP_AES_GCM_128_16};
	struct scene *s = scene_make(&how);

	(void)state;
	refuse(s, 0, SA_DROP_REPLAY_OLD);
	pass(s, 1);
	refuse(s, 0, SA_DROP_REPLAY_OLD);
	scene_end(s);
}

// Both are checked against the window before either is opened: the second look must find it out. warm: the SAs have
// owners and their suite was seen, so that the short way is open.
static void twice_in_one_burst(bool warm) {
	struct esp_how how = {.suite = ESP_AES_GCM_256_16, .window = 32};
	struct scene *s = scene_make(&how);
	struct record before;
	struct frame f;

	for (unsigned i = 1; warm && i < 4; i++)
		pass(s, i);
	mbuf_guard_open_for_esp = true;
	record_take(s, &before);
	for (unsigned i = 0; i < 3; i++) {
		data(s, &f, 7);
		hub_inject(&s->h, WAN, 0, &f);
	}
	assert_int_equal(datapath_poll_once(s->h.dp, 0), 3);
	expect_passed(s);
	hub_expect_nothing_sent();
	hub_expect_dropped(&s->h, DROP_ESP_REPLAY, 2);
	before.cold.drops[SA_DROP_REPLAY_SEEN]++;
	expect_drop_of_sa(s, &before, SA_DROP_REPLAY_SEEN);
	scene_end(s);
}

static void test_twice_in_one_burst(void **state) {
	(void)state;
	twice_in_one_burst(false);
	twice_in_one_burst(true);
}

// The same, by one that the burst itself pushed out of the window.
static void pushed_out_by_its_own_burst(bool warm) {
	struct esp_how how = {.suite = ESP_AES_GCM_256_16, .window = 32};
	struct scene *s = scene_make(&how);
	struct record before;
	struct frame f;

	for (unsigned i = 1; warm && i < 4; i++)
		pass(s, i);
	mbuf_guard_open_for_esp = true;
	record_take(s, &before);
	data(s, &f, 5000);
	hub_inject(&s->h, WAN, 0, &f);
	data(s, &f, 5000 - 32);
	hub_inject(&s->h, WAN, 0, &f);
	assert_int_equal(datapath_poll_once(s->h.dp, 0), 2);
	expect_passed(s);
	hub_expect_nothing_sent();
	hub_expect_dropped(&s->h, DROP_ESP_REPLAY, 1);
	expect_drop_of_sa(s, &before, SA_DROP_REPLAY_OLD);
	scene_end(s);
}

static void test_pushed_out_by_its_own_burst(void **state) {
	(void)state;
	pushed_out_by_its_own_burst(false);
	pushed_out_by_its_own_burst(true);
}

// Headers around the first bytes of an ESP packet.
static void wrap_short(const struct scene *s, struct frame *f, const struct frame *esp, uint16_t len) {
	*f = *esp;
	f->len = len;
	esp_outer_from_spoke(f, &s->h, &s->a, 0);
}

static void truncate_all(const struct esp_how *how) {
	struct scene *s = scene_make(how);
	const struct esp_suite_info *info = &esp_suites[how->suite];
	unsigned around = 8 + info->iv_bytes + info->icv_bytes;
	struct frame esp, f;

	inner_data(s, &esp, 64);
	esp_inside_from_spoke(&esp, &s->h, &s->a, 0x0800);
	esp_seal(&esp, &s->a.up, 1, 0, 47);
	for (uint16_t len = 0; len < esp.len; len++) {
		wrap_short(s, &f, &esp, len);
		if (how->port && len == 1 && frame_bytes(&esp)[0] == 0xff) // what an SPI may begin with
			expect_refused(s, &f, DROP_NATT_KEEPALIVE, NO_SA_DROP);
		else if (how->port && len < 8)
			expect_refused(s, &f, DROP_NATT_MALFORMED, NO_SA_DROP);
		else if (len < 8)
			expect_refused(s, &f, DROP_ESP_UNKNOWN, NO_SA_DROP);
		else if (len <= around || (len - around) % info->block_bytes)
			expect_refused(s, &f, DROP_ESP_MALFORMED, SA_DROP_MALFORMED);
		else
			expect_refused(s, &f, DROP_ESP_ICV, SA_DROP_ICV);
	}
	pass(s, 1);
	scene_end(s);
}

static void test_cut_short_at_every_length(void **state) {
	(void)state;
	for (unsigned suite = 1; suite < ESP_SUITE_COUNT; suite++) {
		truncate_all(&(struct esp_how){.suite = suite});
		truncate_all(&(struct esp_how){.suite = suite, .esn = true, .port = 4500});
	}
}

// Every bit from the SPI to the ICV's end.
static void flip_all(const struct esp_how *how) {
	struct scene *s = scene_make(how);
	struct frame esp, f;

	inner_data(s, &esp, 64);
	esp_inside_from_spoke(&esp, &s->h, &s->a, 0x0800);
	esp_seal(&esp, &s->a.up, 1000, 0, 47);
	for (unsigned bit = 0; bit < 8u * esp.len; bit++) {
		f = esp;
		frame_bytes(&f)[bit / 8] ^= 1u << bit % 8;
		esp_outer_from_spoke(&f, &s->h, &s->a, 0);
		if (bit < 32)
			expect_refused(s, &f, DROP_ESP_UNKNOWN, NO_SA_DROP);
		else
			expect_refused(s, &f, DROP_ESP_ICV, SA_DROP_ICV);
	}
	pass(s, 1000);
	scene_end(s);
}

static void test_every_bit_forged(void **state) {
	(void)state;
	for (unsigned suite = 1; suite < ESP_SUITE_COUNT; suite++)
		flip_all(&(struct esp_how){.suite = suite, .esn = suite & 1, .port = suite & 2 ? 4500 : 0});
}

// The high half of an ESN is not on the wire: a packet from another turn of the low half must not open.
static void test_another_high_half(void **state) {
	(void)state;
	for (unsigned suite = 1; suite < ESP_SUITE_COUNT; suite++) {
		struct esp_how how = {.suite = suite, .esn = true};
		struct scene *s = scene_make(&how);
		struct frame f;

		data(s, &f, (1ull << 32) + 50);
		expect_refused(s, &f, DROP_ESP_ICV, SA_DROP_ICV);
		pass(s, 50);
		scene_end(s);
	}
}

static void sealed_text(const struct scene *s, struct frame *f, uint64_t seq) {
	esp_seal_text(f, &s->a.up, seq, NULL);
	esp_outer_from_spoke(f, &s->h, &s->a, 0);
}

// RFC 4303 section 2.4. The text is 76 octets of GRE, then what the case says, up to whole blocks.
static void test_padding_and_pad_length(void **state) {
	static const struct {
		uint8_t tail[20], len;
		bool good;
	} cases[] = {
		{{1, 2, 2, 47}, 4, true},
		{{0, 0, 2, 47}, 4, false},
		{{1, 3, 2, 47}, 4, false},
		{{2, 1, 2, 47}, 4, false},
		{{1, 2, 3, 4, 5, 6, 6, 47}, 8, true}, // more than needed
		{{1, 2, 3, 4, 5, 7, 6, 47}, 8, false},
		{{0, 2, 3, 4, 5, 6, 6, 47}, 8, false},
		{{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 10, 47}, 12, true},
		{{1, 2, 255, 47}, 4, false}, // longer than the packet
		{{1, 2, 100, 47}, 4, false},
	};
	struct esp_how how = {.suite = ESP_AES_GCM_128_16};
	struct scene *s = scene_make(&how);

	(void)state;
	mbuf_guard_open_for_esp = true;
	for (unsigned i = 0; i < RTE_DIM(cases); i++) {
		struct frame f;

		inner_data(s, &f, 64);
		esp_inside_from_spoke(&f, &s->h, &s->a, 0x0800);
		assert_int_equal(f.len % 4, 0);
		memcpy(frame_back(&f, cases[i].len), cases[i].tail, cases[i].len);
		sealed_text(s, &f, ++s->a.up.seq);
		if (!cases[i].good) {
			expect_opened_and_dropped(s, &f, DROP_ESP_MALFORMED, SA_DROP_MALFORMED);
			continue;
		}
		inject(s, &f);
		hub_expect_no_drops(&s->h);
		expect_passed(s);
	}
	scene_end(s);
}

// Texts of one block: all of it trailer, or less than a GRE header.
static void test_texts_too_short_for_anything(void **state) {
	struct esp_how how = {.suite = ESP_AES_GCM_128_16};
	struct scene *s = scene_make(&how);
	struct frame f;

	(void)state;
	for (unsigned pad = 0; pad < 4; pad++) { // 2 - pad octets of payload
		const uint8_t text[] = {pad == 2 ? 1 : 0, pad ? pad == 2 ? 2 : 1 : 0, (uint8_t)pad, 47};

		frame_bytes_are(&f, text, sizeof(text));
		sealed_text(s, &f, ++s->a.up.seq);
		if (pad == 3)
			expect_opened_and_dropped(s, &f, DROP_ESP_MALFORMED, SA_DROP_MALFORMED);
		else
			expect_opened_and_dropped(s, &f, DROP_GRE_MALFORMED, NO_SA_DROP);
	}
	scene_end(s);
}

static void next_headers(const struct esp_how *how) {
	struct scene *s = scene_make(how);
	uint8_t right = esp_next_header(&s->a);
	struct frame f;

	for (unsigned next = 0; next < 256; next++) {
		inner_data(s, &f, 64);
		esp_inside_from_spoke(&f, &s->h, &s->a, 0x0800);
		esp_seal(&f, &s->a.up, ++s->a.up.seq, 0, (uint8_t)next);
		esp_outer_from_spoke(&f, &s->h, &s->a, 0);
		if (next == 59) // RFC 4303 section 2.6
			expect_opened_and_dropped(s, &f, DROP_ESP_DUMMY, NO_SA_DROP);
		else if (next != right)
			expect_opened_and_dropped(s, &f, DROP_ESP_MALFORMED, SA_DROP_MALFORMED);
	}
	pass(s, s->a.up.seq + 1);
	scene_end(s);
}

static void test_next_headers(void **state) {
	(void)state;
	next_headers(&(struct esp_how){.suite = ESP_AES_GCM_128_16});
	next_headers(&(struct esp_how){.suite = ESP_AES_GCM_128_16, .tunnel_mode = true});
}

// Receivers must be prepared to discard dummies whatever they hold (RFC 4303 section 2.6), padding too.
static void test_dummies_of_noise(void **state) {
	struct esp_how how = {.suite = ESP_AES_CBC_128_SHA1_96};
	struct scene *s = scene_make(&how);
	struct frame f;

	(void)state;
	for (uint16_t len = 16; len < 600; len += 16) {
		frame_payload(&f, len, (uint8_t)len);
		frame_bytes(&f)[len - 1] = 59;
		sealed_text(s, &f, ++s->a.up.seq);
		expect_opened_and_dropped(s, &f, DROP_ESP_DUMMY, NO_SA_DROP);
	}
	refuse(s, s->a.up.seq, SA_DROP_REPLAY_SEEN); // their numbers count
	scene_end(s);
}

#define bad_test(f) cmocka_unit_test_teardown(f, teardown)

int main(int argc, char **argv) {
	const struct CMUnitTest tests[] = {
		bad_test(test_windows),
		bad_test(test_number_zero),
		bad_test(test_twice_in_one_burst),
		bad_test(test_pushed_out_by_its_own_burst),
		bad_test(test_cut_short_at_every_length),
		bad_test(test_every_bit_forged),
		bad_test(test_another_high_half),
		bad_test(test_padding_and_pad_length),
		bad_test(test_texts_too_short_for_anything),
		bad_test(test_next_headers),
		bad_test(test_dummies_of_noise),
	};

	return stage_main(argc, argv) ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
