// SPDX-License-Identifier: BSD-3-Clause
// Hierarchical timer wheel: holding times, retries, rate-limit clean-up. Arm, re-arm and cancel are O(1); the wheel
// owns no memory: nodes are embedded in what they time. One thread only.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define TIMER_WHEEL_SLOTS 256
#define TIMER_WHEEL_LEVELS 4

struct timer_node {
	struct timer_node *next;
	struct timer_node **prev_next; // NULL: not armed
	uint64_t expires_tick;
};

struct timer_wheel {
	uint64_t tick_ns; // resolution
	uint64_t now_tick; // how far the slots have been walked
	uint64_t target_tick; // of the last advance; now_tick lags behind it when a budget ran out
	uint64_t armed;
	struct timer_node *due; // taken from its slot, not fired yet
	struct timer_node *late; // armed in the past: due at the next advance
	struct timer_node *slots[TIMER_WHEEL_LEVELS][TIMER_WHEEL_SLOTS];
};

typedef void (*timer_fn)(struct timer_node *node, uint64_t now_ns, void *arg);

// tick_ns: a timer fires at the first advance at or after its expiry, rounded up to a tick; never early.
void timer_wheel_init(struct timer_wheel *w, uint64_t tick_ns, uint64_t now_ns);
// Arms, or moves an armed node. An expiry in the past fires at the next advance.
void timer_arm(struct timer_wheel *w, struct timer_node *node, uint64_t expires_ns);
void timer_cancel(struct timer_wheel *w, struct timer_node *node); // nothing to do when not armed
static inline bool timer_is_armed(const struct timer_node *node) {
	return node->prev_next != 0;
}
// Fires what is due, at most budget callbacks; fn may arm and cancel any node, its own too. Returns how many fired;
// equal to budget: more may be due, call again next turn. Nodes moved towards their slot are bounded too, by 16 x
// budget: with a small budget a crowd that crosses a level border may fire a turn late. now_ns never goes back.
unsigned timer_wheel_advance(struct timer_wheel *w, uint64_t now_ns, unsigned budget, timer_fn fn, void *arg);
