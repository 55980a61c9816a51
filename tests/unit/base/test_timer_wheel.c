// SPDX-License-Identifier: BSD-3-Clause
// The wheel against cases that can be checked by hand, and against a naive list of expiries.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "timer_wheel.h"

#define TICK 10
#define ALL 1000000u

struct item {
	struct timer_node node; // first: a node is its item
	unsigned fired;
	uint64_t fired_at_ns;
};

struct fixture {
	struct timer_wheel w;
	struct item items[8];
	unsigned order[64];
	unsigned n_fired;
};

static void note_fired(struct timer_node *node, uint64_t now_ns, void *arg) {
	struct fixture *f = arg;
	struct item *it = (struct item *)(void *)node;

	assert_false(timer_is_armed(node));
	it->fired++;
	it->fired_at_ns = now_ns;
	f->order[f->n_fired++ % 64] = (unsigned)(it - f->items);
}

static void fixture_init(struct fixture *f, uint64_t now_ns) {
	memset(f, 0, sizeof(*f));
	timer_wheel_init(&f->w, TICK, now_ns);
}

static unsigned advance(struct fixture *f, uint64_t now_ns) {
	return timer_wheel_advance(&f->w, now_ns, ALL, note_fired, f);
}

static void fires_at_the_tick_rounded_up(void **state) {
	struct fixture f;

	(void)state;
	fixture_init(&f, 1000);
	timer_arm(&f.w, &f.items[0].node, 1041); // tick 105
	timer_arm(&f.w, &f.items[1].node, 1040); // tick 104
	assert_int_equal(advance(&f, 1039), 0);
	assert_int_equal(advance(&f, 1040), 1);
	assert_int_equal(f.items[1].fired, 1);
	assert_int_equal(advance(&f, 1049), 0);
	assert_int_equal(advance(&f, 1050), 1);
	assert_int_equal(f.items[0].fired, 1);
	assert_int_equal(f.w.armed, 0);
}

static void past_expiry_fires_at_the_next_advance_even_in_the_same_tick(void **state) {
	struct fixture f;

	(void)state;
	fixture_init(&f, 1000);
	timer_arm(&f.w, &f.items[0].node, 3);
	timer_arm(&f.w, &f.items[1].node, 1000);
	assert_int_equal(advance(&f, 1000), 2);
	assert_int_equal(advance(&f, 2000), 0);
}

static void arming_again_moves_and_cancel_forgets(void **state) {
	struct fixture f;

	(void)state;
	fixture_init(&f, 0);
	timer_arm(&f.w, &f.items[0].node, 100);
	timer_arm(&f.w, &f.items[0].node, 50000);
	timer_arm(&f.w, &f.items[1].node, 100);
	assert_int_equal(f.w.armed, 2);
	timer_cancel(&f.w, &f.items[1].node);
	timer_cancel(&f.w, &f.items[1].node); // nothing to do
	assert_int_equal(f.w.armed, 1);
	assert_int_equal(advance(&f, 49999), 0);
	assert_int_equal(advance(&f, 50000), 1);
	assert_int_equal(f.items[0].fired, 1);
	assert_int_equal(f.items[1].fired, 0);
}

// One tick before, on and after each border between levels, from starts just before and on such a border.
static void cascade_borders(void **state) {
	static const uint64_t starts[] = {0, 1, 255, 256, 257, 65535, 65536, (1 << 24) - 1, 1 << 24};
	static const uint64_t ahead[] = {1, 2, 254, 255, 256, 257, 511, 512, 513, 65279, 65280, 65281, 65535, 65536,
		65537, 65791, 65792, 131071, 131072, 131073, 6553500};

	(void)state;
	for (unsigned s = 0; s < sizeof(starts) / sizeof(starts[0]); s++)
		for (unsigned a = 0; a < sizeof(ahead) / sizeof(ahead[0]); a++) {
			uint64_t due_ns = (starts[s] + ahead[a]) * TICK;
			struct fixture f;

			fixture_init(&f, starts[s] * TICK);
			timer_arm(&f.w, &f.items[0].node, due_ns);
			assert_int_equal(advance(&f, due_ns - 1), 0);
			assert_int_equal(advance(&f, due_ns), 1);
		}
}

static void longer_than_the_wheel_is_placed_again(void **state) {
	uint64_t range = 1ull << 32;
	struct fixture f;

	(void)state;
	fixture_init(&f, 0);
	timer_arm(&f.w, &f.items[0].node, (range + 100000) * TICK);
	f.w.now_tick = f.w.target_tick =
		range - (1 << 24) - 1; // what walking there would have done: no slot on the way holds the node
	assert_int_equal(advance(&f, (range + 99999) * TICK), 0);
	assert_int_equal(advance(&f, (range + 100000) * TICK), 1);
}

static void budget_stops_and_goes_on(void **state) {
	struct fixture f;

	(void)state;
	fixture_init(&f, 0);
	for (unsigned i = 0; i < 8; i++)
		timer_arm(&f.w, &f.items[i].node, i < 5 ? 300 * TICK : 301 * TICK);
	assert_int_equal(timer_wheel_advance(&f.w, 400 * TICK, 3, note_fired, &f), 3);
	assert_int_equal(timer_wheel_advance(&f.w, 400 * TICK, 3, note_fired, &f), 3);
	timer_cancel(&f.w, &f.items[f.items[7].fired ? 6 : 7].node);
	assert_int_equal(timer_wheel_advance(&f.w, 400 * TICK, 3, note_fired, &f), 1);
	assert_int_equal(timer_wheel_advance(&f.w, 400 * TICK, 0, note_fired, &f), 0);
	assert_int_equal(f.w.armed, 0);
}

static void note_count(struct timer_node *node, uint64_t now_ns, void *arg) {
	(void)arg;
	assert_true(now_ns >= 600 * TICK);
	((struct item *)(void *)node)->fired++;
}

// 1,000 nodes come down a level at once: with budget 8 a turn moves at most 128 of them, none is lost, none is early.
static void crowd_over_a_border_with_a_small_budget(void **state) {
	struct item *crowd = calloc(1000, sizeof(*crowd));
	struct fixture f;
	unsigned fired = 0;

	(void)state;
	fixture_init(&f, 0);
	for (unsigned i = 0; i < 1000; i++)
		timer_arm(&f.w, &crowd[i].node, 600 * TICK);
	for (unsigned turn = 0; turn < 400 && fired < 1000; turn++) {
		unsigned n = timer_wheel_advance(&f.w, (599 + (turn > 20)) * TICK, 8, note_count, &f);

		assert_true(n <= 8);
		assert_true(turn > 20 || n == 0);
		fired += n;
	}
	assert_int_equal(fired, 1000);
	for (unsigned i = 0; i < 1000; i++)
		assert_int_equal(crowd[i].fired, 1);
	free(crowd);
}

static void rearm_or_cancel_others(struct timer_node *node, uint64_t now_ns, void *arg) {
	struct fixture *f = arg;

	note_fired(node, now_ns, arg);
	if (node == &f->items[0].node)
		timer_arm(&f->w, node, now_ns - 1); // in the past, in its own callback
	for (unsigned i = 1; i < 4; i++) // whichever comes first takes the other two away
		if (node == &f->items[i].node)
			for (unsigned j = 1; j < 4; j++)
				timer_cancel(&f->w, &f->items[j].node);
	if (node == &f->items[4].node)
		timer_arm(&f->w, node, now_ns + 1000);
}

static void callbacks_may_arm_and_cancel_any(void **state) {
	struct fixture f;

	(void)state;
	fixture_init(&f, 0);
	for (unsigned i = 0; i < 5; i++)
		timer_arm(&f.w, &f.items[i].node, 500);
	assert_int_equal(timer_wheel_advance(&f.w, 700, ALL, rearm_or_cancel_others, &f), 3);
	assert_int_equal(f.items[0].fired, 1); // its own past comes with the next advance, not in a loop
	assert_int_equal(f.items[1].fired + f.items[2].fired + f.items[3].fired, 1);
	assert_int_equal(f.w.armed, 2);
	assert_int_equal(timer_wheel_advance(&f.w, 700, ALL, rearm_or_cancel_others, &f), 1);
	assert_int_equal(timer_wheel_advance(&f.w, 1700, ALL, rearm_or_cancel_others, &f), 2);
	assert_int_equal(f.items[4].fired, 2);
	assert_int_equal(f.items[4].fired_at_ns, 1700);
}

// The naive model: an array of expiries, searched whole.
#define MODEL_N 300

struct model {
	struct item items[MODEL_N];
	uint64_t due_tick[MODEL_N]; // 0: not armed
	uint64_t now_tick;
};

static void model_fired(struct timer_node *node, uint64_t now_ns, void *arg) {
	struct model *m = arg;
	size_t i = (size_t)((struct item *)(void *)node - m->items);

	assert_true(m->due_tick[i] != 0);
	assert_true(m->due_tick[i] <= now_ns / TICK);
	m->due_tick[i] = 0;
}

static uint64_t random_ahead(void) {
	uint64_t r = (uint64_t)rand();

	switch (r % 4) {
	case 0:
		return r % 300;
	case 1:
		return r % 70000;
	case 2:
		return 256 * (r % 300);
	default:
		return r % 2000000;
	}
}

static void model_step(struct model *m, struct timer_wheel *w) {
	unsigned i = (unsigned)rand() % MODEL_N;
	uint64_t due = m->now_tick + 1 + random_ahead();

	if (rand() % 4) {
		timer_arm(w, &m->items[i].node, due * TICK - (uint64_t)(rand() % TICK));
		m->due_tick[i] = due;
	} else {
		timer_cancel(w, &m->items[i].node);
		m->due_tick[i] = 0;
	}
}

static void random_against_a_naive_model(void **state) {
	static struct model m;
	struct timer_wheel w;

	(void)state;
	srand(2332);
	m.now_tick = 65000;
	timer_wheel_init(&w, TICK, m.now_tick * TICK);
	for (unsigned round = 0; round < 400; round++) {
		uint64_t armed = 0;

		for (int k = rand() % 20; k >= 0; k--)
			model_step(&m, &w);
		m.now_tick += random_ahead() / (rand() % 8 ? 64 : 1);
		timer_wheel_advance(&w, m.now_tick * TICK, ALL, model_fired, &m);
		for (unsigned i = 0; i < MODEL_N; i++) {
			assert_true(!m.due_tick[i] || m.due_tick[i] > m.now_tick);
			armed += m.due_tick[i] != 0;
			assert_int_equal(timer_is_armed(&m.items[i].node), m.due_tick[i] != 0);
		}
		assert_int_equal(w.armed, armed);
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fires_at_the_tick_rounded_up),
		cmocka_unit_test(past_expiry_fires_at_the_next_advance_even_in_the_same_tick),
		cmocka_unit_test(arming_again_moves_and_cancel_forgets),
		cmocka_unit_test(cascade_borders),
		cmocka_unit_test(longer_than_the_wheel_is_placed_again),
		cmocka_unit_test(budget_stops_and_goes_on),
		cmocka_unit_test(crowd_over_a_border_with_a_small_budget),
		cmocka_unit_test(callbacks_may_arm_and_cancel_any),
		cmocka_unit_test(random_against_a_naive_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
