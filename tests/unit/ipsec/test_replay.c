// SPDX-License-Identifier: BSD-3-Clause
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "replay.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define OK REPLAY_OK
#define OLD REPLAY_OLD
#define SEEN REPLAY_SEEN

static const uint16_t windows[] = {32, 33, 64, 65, 66, 100, 1024, 4096};

static struct replay *replay_new(uint16_t window) {
	struct replay *r = malloc(replay_bytes(window)); // exact, so that ASan sees the bitmap's end

	memset(r, 0xa5, replay_bytes(window));
	replay_init(r, window);
	return r;
}

static struct replay *replay_at(uint16_t window, uint64_t top) {
	struct replay *r = replay_new(window);

	if (top)
		assert_true(replay_update(r, top));
	return r;
}

// What a receiver does with one packet.
static enum replay_verdict receive(struct replay *r, uint64_t seq) {
	enum replay_verdict v = replay_check(r, seq);

	assert_int_equal(replay_update(r, seq), v == OK);
	return v;
}

// --- numbered cases --------------------------------------------------------------------------------------------------

// One receiver from its start, line by line; W is the window. Each number is times x W + plus, and the last column what
// top is after the line, in the same form.
struct step {
	unsigned n;
	const char *what;
	unsigned times;
	int plus;
	enum replay_verdict want;
	unsigned top_times;
	int top_plus;
};

static const struct step steps[] = {
	{1, "0 is never sent", 0, 0, OLD, 0, 0},
	{2, "the first", 0, 1, OK, 0, 1},
	{3, "0 still not", 0, 0, OLD, 0, 1},
	{4, "the first again", 0, 1, SEEN, 0, 1},
	{5, "the next", 0, 2, OK, 0, 2},
	{6, "some lost or late", 0, 9, OK, 0, 9},
	{7, "late 8", 0, 8, OK, 0, 9},
	{8, "late 7", 0, 7, OK, 0, 9},
	{9, "7 again", 0, 7, SEEN, 0, 9},
	{10, "late 3", 0, 3, OK, 0, 9},
	{11, "9 again", 0, 9, SEEN, 0, 9},
	{12, "1 again", 0, 1, SEEN, 0, 9},
	{13, "W: 1 is the left edge now", 1, 0, OK, 1, 0},
	{14, "1 in the window, seen", 0, 1, SEEN, 1, 0},
	{15, "4 not yet seen", 0, 4, OK, 1, 0},
	{16, "W + 1: the left edge is 2", 1, 1, OK, 1, 1},
	{17, "1 fell out", 0, 1, OLD, 1, 1},
	{18, "2 seen", 0, 2, SEEN, 1, 1},
	{19, "5 not yet seen", 0, 5, OK, 1, 1},
	{20, "W + 5: the left edge is 6", 1, 5, OK, 1, 5},
	{21, "5 fell out", 0, 5, OLD, 1, 5},
	{22, "6, the left edge, not yet seen", 0, 6, OK, 1, 5},
	{23, "6 again", 0, 6, SEEN, 1, 5},
	{24, "7 seen", 0, 7, SEEN, 1, 5},
	{25, "W + 4", 1, 4, OK, 1, 5},
	{26, "W + 4 again", 1, 4, SEEN, 1, 5},
	{27, "jump by W - 1: W + 5 stays as the left edge", 2, 4, OK, 2, 4},
	{28, "W + 5 seen", 1, 5, SEEN, 2, 4},
	{29, "W + 4 fell out", 1, 4, OLD, 2, 4},
	{30, "W + 6 is new: its bit's word was cleared", 1, 6, OK, 2, 4},
	{31, "jump by W: only the new one is seen", 3, 4, OK, 3, 4},
	{32, "2 W + 4 fell out", 2, 4, OLD, 3, 4},
	{33, "2 W + 5, the left edge", 2, 5, OK, 3, 4},
	{34, "3 W + 3", 3, 3, OK, 3, 4},
	{35, "jump by 7 W", 10, 4, OK, 10, 4},
	{36, "left edge", 9, 5, OK, 10, 4},
	{37, "left of it", 9, 4, OLD, 10, 4},
	{38, "one before the last", 10, 3, OK, 10, 4},
	{39, "3 W + 4 long gone", 3, 4, OLD, 10, 4},
	{40, "the last again", 10, 4, SEEN, 10, 4},
};

static void test_numbered_cases(void **state) {
	(void)state;
	for (unsigned w = 0; w < ARRAY_LEN(windows); w++) {
		struct replay *r = replay_new(windows[w]);

		for (unsigned i = 0; i < ARRAY_LEN(steps); i++) {
			const struct step *s = &steps[i];
			uint64_t seq = s->times * UINT64_C(1) * windows[w] + (uint64_t)s->plus;
			uint64_t top = s->top_times * UINT64_C(1) * windows[w] + (uint64_t)s->top_plus;
			enum replay_verdict got = receive(r, seq);

			if (got != s->want || r->top != top)
				fail_msg("W %u, %u %s: verdict %d, top %" PRIu64, windows[w], s->n, s->what, got,
					r->top);
		}
		free(r);
	}
}

// Two W of numbers, forwards, backwards, and with a hole: the lines are too many for a table.
static void test_runs(void **state) {
	(void)state;
	for (unsigned w = 0; w < ARRAY_LEN(windows); w++) {
		const uint64_t n = windows[w];
		struct replay *r = replay_new(windows[w]);

		for (uint64_t seq = 1; seq <= 2 * n; seq++)
			assert_int_equal(receive(r, seq), OK);
		for (uint64_t seq = 1; seq <= 2 * n; seq++)
			assert_int_equal(receive(r, seq), seq <= n ? OLD : SEEN);
		free(r);

		r = replay_new(windows[w]);
		assert_int_equal(receive(r, 2 * n), OK);
		for (uint64_t seq = 2 * n - 1; seq > 0; seq--)
			assert_int_equal(receive(r, seq), seq <= n ? OLD : OK);
		free(r);

		r = replay_new(windows[w]);
		for (uint64_t seq = 2; seq <= n + 1; seq++)
			if (seq != n)
				assert_int_equal(receive(r, seq), OK);
		assert_int_equal(receive(r, 1), OLD);
		assert_int_equal(receive(r, n), OK);
		assert_int_equal(receive(r, n), SEEN);
		free(r);
	}
}

// A jump of any length empties the ring once: 2^57 steps would not end.
static void test_jumps_leave_nothing_behind(void **state) {
	static const uint64_t jumps[] = {UINT32_MAX, UINT64_C(1) << 32, UINT64_C(1) << 63, UINT64_MAX - 5000};

	(void)state;
	for (unsigned w = 0; w < ARRAY_LEN(windows); w++) {
		for (unsigned j = 0; j < ARRAY_LEN(jumps); j++) {
			struct replay *r = replay_new(windows[w]);
			uint64_t top = 4096 + jumps[j];

			for (uint64_t seq = 1; seq <= 4096; seq++)
				assert_int_equal(receive(r, seq), OK);
			assert_int_equal(receive(r, top), OK);
			assert_int_equal(receive(r, top), SEEN);
			for (uint64_t back = 1; back < windows[w]; back++)
				assert_int_equal(receive(r, top - back), OK);
			assert_int_equal(receive(r, top - windows[w]), OLD);
			free(r);
		}
	}
}

// All of a burst is checked before any of it is opened, so that update must look again.
static void test_update_looks_again(void **state) {
	struct replay *r = replay_at(64, 100);

	(void)state;
	assert_int_equal(replay_check(r, 101), OK); // two copies of 101, and 101 + 64
	assert_int_equal(replay_check(r, 101), OK);
	assert_int_equal(replay_check(r, 165), OK);
	assert_int_equal(replay_check(r, 99), OK);
	assert_true(replay_update(r, 101));
	assert_false(replay_update(r, 101));
	assert_true(replay_update(r, 165));
	assert_false(replay_update(r, 99)); // the window moved past it
	assert_false(replay_update(r, 0));
	assert_true(r->top == 165);
	free(r);
}

static void test_check_changes_nothing(void **state) {
	struct replay *r = replay_at(1024, 5000), *before = malloc(replay_bytes(1024));

	(void)state;
	memcpy(before, r, replay_bytes(1024));
	for (uint64_t seq = 0; seq < 20000; seq++)
		replay_check(r, seq);
	assert_memory_equal(r, before, replay_bytes(1024));
	assert_false(replay_update(r, 5000));
	assert_false(replay_update(r, 5000 - 1024));
	assert_memory_equal(r, before, replay_bytes(1024));
	free(before);
	free(r);
}

static void test_sizes(void **state) {
	static const struct {
		uint16_t window, kept, words;
	} sizes[] = {{0, 32, 2}, {31, 32, 2}, {32, 32, 2}, {64, 64, 2}, {65, 65, 2}, {66, 66, 4}, {128, 128, 4},
		{960, 960, 16}, {1024, 1024, 32}, {4096, 4096, 128}, {4097, 4096, 128}, {65535, 4096, 128}};

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(sizes); i++) {
		struct replay *r = replay_new(sizes[i].window);

		assert_int_equal(r->window, sizes[i].kept);
		assert_int_equal(r->word_mask, sizes[i].words - 1);
		assert_int_equal(replay_bytes(sizes[i].window), 24 + sizes[i].words * 8);
		free(r);
	}
}

// --- ESN -------------------------------------------------------------------------------------------------------------

#define HIGH(n) ((uint64_t)(n) << 32)

// RFC 4303 appendix A2.2: Tl and Th are the halves of top, bl is Tl - W + 1 in 32 bits.
static const struct {
	unsigned n;
	const char *what;
	uint16_t window;
	uint64_t top;
	uint32_t low;
	uint64_t want;
} esns[] = {
	// Case A: Tl >= W - 1, the window lies within one subspace.
	{1, "A: after top", 64, 1000, 1001, 1001},
	{2, "A: top", 64, 1000, 1000, 1000},
	{3, "A: bl = 937", 64, 1000, 937, 937},
	{4, "A: bl - 1 is of the next subspace", 64, 1000, 936, HIGH(1) + 936},
	{5, "A: 0 too", 64, 1000, 0, HIGH(1)},
	{6, "A: far ahead, same subspace", 64, 1000, 0xffffffff, 0xffffffff},
	{7, "A: Tl = W - 1, bl = 0", 64, HIGH(5) + 63, 0, HIGH(5)},
	{8, "A: Tl = W - 1, all is ahead", 64, HIGH(5) + 63, 0xffffffff, HIGH(5) + 0xffffffff},
	{9, "A: just before the wrap, 0 is next", 64, HIGH(5) + 0xffffffff, 0, HIGH(6)},
	{10, "A: before the wrap, the window's left edge", 64, HIGH(5) + 0xffffffff, 0xffffffc0, HIGH(5) + 0xffffffc0},
	{11, "A: and left of it", 64, HIGH(5) + 0xffffffff, 0xffffffbf, HIGH(6) + 0xffffffbf},
	{12, "A: W 4096", 4096, HIGH(1) + 5000, 905, HIGH(1) + 905},
	{13, "A: W 4096, bl - 1", 4096, HIGH(1) + 5000, 904, HIGH(2) + 904},
	{14, "A: W 32", 32, HIGH(1) + 31, 0, HIGH(1)},
	// Case B: Tl < W - 1, the window spans two subspaces.
	{15, "B: after the wrap, next", 64, HIGH(6), 1, HIGH(6) + 1},
	{16, "B: top", 64, HIGH(6), 0, HIGH(6)},
	{17, "B: the last before the wrap", 64, HIGH(6), 0xffffffff, HIGH(5) + 0xffffffff},
	{18, "B: bl = 2^32 - 63", 64, HIGH(6), 0xffffffc1, HIGH(5) + 0xffffffc1},
	{19, "B: bl - 1 is ahead", 64, HIGH(6), 0xffffffc0, HIGH(6) + 0xffffffc0},
	{20, "B: Tl = W - 2, bl = 2^32 - 1", 64, HIGH(6) + 62, 0xffffffff, HIGH(5) + 0xffffffff},
	{21, "B: Tl = W - 2, 0 in the window", 64, HIGH(6) + 62, 0, HIGH(6)},
	{22, "B: Tl = W - 2, bl - 1 is ahead", 64, HIGH(6) + 62, 0xfffffffe, HIGH(6) + 0xfffffffe},
	{23, "B: W 4096", 4096, HIGH(1) + 94, 0xfffff05f, 0xfffff05f},
	{24, "B: W 4096, bl - 1", 4096, HIGH(1) + 94, 0xfffff05e, HIGH(1) + 0xfffff05e},
	{25, "B: W 32", 32, HIGH(1) + 30, 0xffffffff, 0xffffffff},
	// Case B with Th = 0: there is no subspace before.
	{26, "start: the first", 64, 0, 1, 1},
	{27, "start: 0", 64, 0, 0, 0},
	{28, "start: bl would be -63", 64, 0, 0xffffffc1, 0},
	{29, "start: bl - 1 is ahead", 64, 0, 0xffffffc0, 0xffffffc0},
	{30, "start: -1", 64, 62, 0xffffffff, 0},
	{31, "start: Tl = W - 1 is A already", 64, 63, 0xffffffff, 0xffffffff},
	// The last subspace: what lies behind it is not a number, and comes out left of the window.
	{32, "end: the last number", 64, UINT64_MAX - 9, 0xffffffff, UINT64_MAX},
	{33, "end: would be 2^64", 64, UINT64_MAX - 9, 0, 0},
	{34, "end: would be 2^64 + 5", 64, UINT64_MAX - 9, 5, 5},
};

static void test_esn_numbered_cases(void **state) {
	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(esns); i++) {
		struct replay *r = replay_at(esns[i].window, esns[i].top);
		uint64_t got = replay_esn(r, esns[i].low);

		if (got != esns[i].want)
			fail_msg("%u %s: %" PRIx64, esns[i].n, esns[i].what, got);
		if (esns[i].n == 28 || esns[i].n == 30 || esns[i].n >= 33)
			assert_int_equal(replay_check(r, got), OLD);
		free(r);
	}
}

// The appendix word by word.
static uint64_t esn_of_the_rfc(uint64_t top, uint32_t w, uint32_t seq_low) {
	uint32_t t_low = (uint32_t)top, t_high = (uint32_t)(top >> 32), seq_high;

	if (t_low >= w - 1)
		seq_high = seq_low >= t_low - w + 1 ? t_high : t_high + 1;
	else
		seq_high = seq_low >= t_low - w + 1 ? t_high - 1 : t_high;
	return HIGH(seq_high) + seq_low;
}

static void test_esn_is_the_rfc(void **state) {
	static const uint32_t around[] = {0, 31, 32, 63, 64, 1023, 1024, 4095, 4096, 0x80000000};

	(void)state;
	for (unsigned w = 0; w < ARRAY_LEN(windows); w++) {
		struct replay *r = replay_new(windows[w]);

		for (unsigned i = 0; i < ARRAY_LEN(around) * 5; i++) {
			r->top = HIGH(7) + (uint32_t)(around[i / 5] + i % 5 - 2);
			for (unsigned k = 0; k < ARRAY_LEN(around) * 5; k++) {
				uint32_t low = around[k / 5] + k % 5 - 2;

				assert_true(replay_esn(r, low) == esn_of_the_rfc(r->top, windows[w], low));
				low += (uint32_t)r->top - windows[w];
				assert_true(replay_esn(r, low) == esn_of_the_rfc(r->top, windows[w], low));
			}
		}
		free(r);
	}
}

// A receiver that sees low halves only, over the wrap: late, lost, twice.
static void test_esn_over_the_wrap(void **state) {
	(void)state;
	for (unsigned w = 0; w < ARRAY_LEN(windows); w++) {
		uint64_t wrap = HIGH(3), n = windows[w];
		struct replay *r = replay_at(windows[w], wrap - 2 * n);

		for (uint64_t seq = wrap - 2 * n + 1; seq < wrap + 2 * n; seq++) {
			uint64_t late = seq - n + 1;

			if (seq % n == 7)
				continue;
			assert_true(replay_esn(r, (uint32_t)seq) == seq);
			assert_int_equal(receive(r, seq), OK);
			if (late > wrap - 2 * n) {
				assert_true(replay_esn(r, (uint32_t)late) == late);
				assert_int_equal(receive(r, late), late % n == 7 ? OK : SEEN);
			}
		}
		free(r);
	}
}

// --- against a set ---------------------------------------------------------------------------------------------------

#define MODEL_NUMBERS (1u << 20)
#define MODEL_STEPS 100000u

struct model { // which numbers were taken, from base on; all before base is left of the window
	uint64_t base, top;
	uint64_t recent[64]; // numbers received, whatever came of them
	uint16_t window;
	uint8_t taken[MODEL_NUMBERS];
};

static uint64_t draw_state;

static uint64_t draw(uint64_t below) { // splitmix64
	uint64_t z = (draw_state += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return (z ^ z >> 31) % below;
}

static enum replay_verdict model_receive(struct model *m, uint64_t seq) {
	if (seq == 0 || seq < m->base || (seq <= m->top && m->top - seq >= m->window))
		return OLD;
	if (m->taken[seq - m->base])
		return SEEN;
	m->taken[seq - m->base] = 1;
	if (seq > m->top)
		m->top = seq;
	return OK;
}

// Makes room before top comes to the map's end: what is kept is the window.
static void model_rebase(struct model *m, uint64_t next) {
	uint64_t left = m->top >= m->window ? m->top - m->window + 1 : 0;
	uint64_t kept = m->top - left + 1;

	if (next - m->base < MODEL_NUMBERS)
		return;
	if (next - left < MODEL_NUMBERS) {
		memmove(m->taken, m->taken + (left - m->base), kept);
		m->base = left;
	} else { // jumped over everything
		kept = 0;
		m->base = next - MODEL_NUMBERS / 2;
	}
	memset(m->taken + kept, 0, MODEL_NUMBERS - kept);
}

// What comes next: in order, lost, late, at the edges, twice, jumps of about a window and far ones.
static uint64_t next_number(const struct model *m) {
	uint64_t w = m->window, back;

	switch (draw(16)) {
	case 0:
		return m->top + 1 + draw(2 * w);
	case 1:
		return m->top + w - 2 + draw(5);
	case 2:
		return m->top + 1 + (draw(200) ? draw(64) : draw(UINT64_C(1) << 33));
	case 3:
	case 4: // the left edge, both sides
		back = w - 3 + draw(6);
		return m->top > back ? m->top - back : 0;
	case 5:
	case 6:
		return m->recent[draw(ARRAY_LEN(m->recent))];
	case 7:
	case 8:
		back = draw(w + w / 8);
		return m->top > back ? m->top - back : 0;
	default:
		return m->top + 1 + (draw(4) ? 0 : draw(8));
	}
}

static void against_model(struct model *m, uint16_t window, uint64_t start) {
	struct replay *r = replay_at(window, start);
	unsigned verdicts[3] = {0};

	memset(m, 0, sizeof(*m));
	m->window = window;
	m->base = m->top = start;
	m->taken[0] = 1;
	if (start >= window) {
		memset(m->taken, 0, window);
		m->base = start - window + 1;
		m->taken[window - 1] = 1;
	}
	for (unsigned i = 0; i < MODEL_STEPS; i++) {
		uint64_t seq = next_number(m), esn = replay_esn(r, (uint32_t)seq);
		bool in_reach = seq > m->top ? seq - m->top < UINT32_MAX - window : m->top - seq < window;
		enum replay_verdict want, got;

		if (in_reach && esn != seq)
			fail_msg("W %u step %u: top %" PRIx64 ", %" PRIx64 " taken for %" PRIx64, window, i, r->top,
				seq, esn);
		model_rebase(m, seq > m->top ? seq : m->top);
		want = model_receive(m, seq);
		got = receive(r, seq);
		if (got != want || r->top != m->top)
			fail_msg("W %u step %u: top %" PRIx64 ", %" PRIx64 ": %d, not %d", window, i, r->top, seq, got,
				want);
		m->recent[i % ARRAY_LEN(m->recent)] = seq;
		verdicts[got]++;
	}
	for (unsigned v = 0; v < 3; v++)
		assert_true(verdicts[v] > MODEL_STEPS / 100); // or the numbers drawn proved nothing
	free(r);
}

static void test_random_against_a_set(void **state) {
	static const uint64_t starts[] = {0, 1, UINT32_MAX - 40000, HIGH(9) - 100, UINT64_C(1) << 62};
	struct model *m = malloc(sizeof(*m));

	(void)state;
	draw_state = 4303;
	for (unsigned w = 0; w < ARRAY_LEN(windows); w++)
		for (unsigned s = 0; s < ARRAY_LEN(starts); s++)
			against_model(m, windows[w], starts[s]);
	free(m);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbered_cases),
		cmocka_unit_test(test_runs),
		cmocka_unit_test(test_jumps_leave_nothing_behind),
		cmocka_unit_test(test_update_looks_again),
		cmocka_unit_test(test_check_changes_nothing),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_esn_numbered_cases),
		cmocka_unit_test(test_esn_is_the_rfc),
		cmocka_unit_test(test_esn_over_the_wrap),
		cmocka_unit_test(test_random_against_a_set),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
