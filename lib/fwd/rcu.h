// SPDX-License-Identifier: BSD-3-Clause
// The publish/reclaim seam. Control is the only writer of shared tables; workers read without locks and report a
// quiescent state once per poll loop, when they hold no reference to anything published. What control withdraws is
// freed after every reader that was online has reported (a grace period).
//
// Nothing published is held over a quiescent report except as index + generation.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rte_rcu_qsbr.h>

struct rcu;

// n_readers: reader ids are 0..n_readers-1; a worker's id is its worker index. defer_max bounds the queue of objects
// that wait for their grace period. NULL when out of memory.
struct rcu *rcu_create(uint32_t n_readers, uint32_t defer_max);
void rcu_free(struct rcu *r); // all readers offline; frees what is still deferred

// Reader side, any thread, each with its own id.
void rcu_reader_online(struct rcu *r, unsigned id);
void rcu_reader_offline(struct rcu *r, unsigned id); // before sleeping, and at exit
void rcu_quiescent(struct rcu *r, unsigned id);

// Control only. fn(arg, n) runs on the control core once a grace period has passed. -ENOSPC when defer_max objects wait
// already, none of them due: the caller must put off the withdrawal. fn must not defer in its turn.
typedef void (*rcu_free_fn)(void *arg, uint64_t n);
int rcu_defer(struct rcu *r, rcu_free_fn fn, void *arg, uint64_t n);
// Runs what is due, at most budget; never waits. Returns how many ran. Once per control turn.
unsigned rcu_reclaim(struct rcu *r, unsigned budget);
uint32_t rcu_deferred(const struct rcu *r);
// true when n objects more can be deferred; runs what is due to make room. For changes that must not fail half way.
bool rcu_room(struct rcu *r, uint32_t n);
size_t rcu_bytes(const struct rcu *r);

// Publish and read a pointer or an index word.
#define rcu_publish(ptr, value) __atomic_store_n((ptr), (value), __ATOMIC_RELEASE)
#define rcu_read(ptr) __atomic_load_n((ptr), __ATOMIC_ACQUIRE)
