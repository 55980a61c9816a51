// SPDX-License-Identifier: BSD-3-Clause
#include "timer_wheel.h"

#include <stddef.h>
#include <string.h>

#define SLOT_BITS 8
#define SLOT_MASK (TIMER_WHEEL_SLOTS - 1)
#define RANGE_TICKS (1ull << (SLOT_BITS * TIMER_WHEEL_LEVELS))
#define MOVES_PER_CALLBACK 16 // bounds what a cascade costs in one turn

_Static_assert(TIMER_WHEEL_SLOTS == 1 << SLOT_BITS, "a level is one byte of the tick");

static void list_push(struct timer_node **head, struct timer_node *node) {
	node->next = *head;
	node->prev_next = head;
	if (*head)
		(*head)->prev_next = &node->next;
	*head = node;
}

static void list_unlink(struct timer_node *node) {
	*node->prev_next = node->next;
	if (node->next)
		node->next->prev_next = node->prev_next;
	node->prev_next = NULL;
}

// Puts the whole of *from in front of *to.
static void list_splice(struct timer_node **to, struct timer_node **from) {
	struct timer_node *last = *from;

	if (!last)
		return;
	while (last->next)
		last = last->next;
	last->next = *to;
	if (*to)
		(*to)->prev_next = &last->next;
	*to = *from;
	(*to)->prev_next = to;
	*from = NULL;
}

static struct timer_node **slot_of(struct timer_wheel *w, unsigned level, uint64_t tick) {
	return &w->slots[level][tick >> (SLOT_BITS * level) & SLOT_MASK];
}

// The lowest level whose range holds the distance; what lies past the wheel waits in the last slot and is placed again.
static void wheel_place(struct timer_wheel *w, struct timer_node *node) {
	uint64_t tick = node->expires_tick;
	uint64_t ahead = tick - w->now_tick;
	unsigned level = 0;

	if (ahead >= RANGE_TICKS) {
		tick = w->now_tick + RANGE_TICKS - 1;
		ahead = RANGE_TICKS - 1;
	}
	while (ahead >> (SLOT_BITS * (level + 1)))
		level++;
	list_push(slot_of(w, level, tick), node);
}

void timer_wheel_init(struct timer_wheel *w, uint64_t tick_ns, uint64_t now_ns) {
	memset(w, 0, sizeof(*w));
	w->tick_ns = tick_ns;
	w->now_tick = w->target_tick = now_ns / tick_ns;
}

void timer_arm(struct timer_wheel *w, struct timer_node *node, uint64_t expires_ns) {
	if (timer_is_armed(node))
		list_unlink(node);
	else
		w->armed++;
	node->expires_tick = expires_ns / w->tick_ns + (expires_ns % w->tick_ns != 0);
	if (node->expires_tick > w->target_tick)
		wheel_place(w, node);
	else
		list_push(&w->late, node);
}

void timer_cancel(struct timer_wheel *w, struct timer_node *node) {
	if (!timer_is_armed(node))
		return;
	list_unlink(node);
	w->armed--;
}

// Brings down what the current tick is the start of. Safe to do again for the same tick: from an aligned tick no
// distance leads back into the slot that is being emptied. False when moves ran out.
static bool wheel_cascade(struct timer_wheel *w, uint64_t *moves) {
	for (unsigned level = 1; level < TIMER_WHEEL_LEVELS; level++) {
		struct timer_node **slot = slot_of(w, level, w->now_tick);

		if (w->now_tick & ((1ull << (SLOT_BITS * level)) - 1))
			break;
		while (*slot) {
			struct timer_node *node = *slot;

			if (*moves == 0)
				return false;
			(*moves)--;
			list_unlink(node);
			wheel_place(w, node);
		}
	}
	return true;
}

static unsigned wheel_fire(struct timer_wheel *w, uint64_t now_ns, unsigned budget, timer_fn fn, void *arg) {
	unsigned fired = 0;

	for (; w->due && fired < budget; fired++) {
		struct timer_node *node = w->due;

		list_unlink(node);
		w->armed--;
		fn(node, now_ns, arg);
	}
	return fired;
}

unsigned timer_wheel_advance(struct timer_wheel *w, uint64_t now_ns, unsigned budget, timer_fn fn, void *arg) {
	uint64_t moves = (uint64_t)budget * MOVES_PER_CALLBACK;
	unsigned fired;

	w->target_tick = now_ns / w->tick_ns;
	list_splice(&w->due, &w->late);
	fired = wheel_fire(w, now_ns, budget, fn, arg);
	while (!w->due && wheel_cascade(w, &moves)) {
		list_splice(&w->due, slot_of(w, 0, w->now_tick));
		fired += wheel_fire(w, now_ns, budget - fired, fn, arg);
		if (w->due || w->now_tick >= w->target_tick)
			break;
		w->now_tick = w->armed ? w->now_tick + 1 : w->target_tick;
	}
	return fired;
}
