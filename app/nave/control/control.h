// SPDX-License-Identifier: BSD-3-Clause
// The control core: one thread, one epoll, every decision. It waits at most 1 ms, polls its rings each turn, and gives
// each part a budget, so that no turn takes long. Nothing here blocks.
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct nave;
struct control;

struct control *control_create(struct nave *nave); // NULL, errno
void control_free(struct control *c);
// Returns after control_stop(), from a signal handler's flag or a console's quit.
void control_run(struct control *c);
void control_stop(struct control *c); // async-signal-safe
bool control_stopping(const struct control *c);
// One turn, for nave-lab and tests: waits at most timeout_ms.
void control_turn(struct control *c, int timeout_ms);

// Watches fd; fn runs on the control core. Edge: level-triggered.
typedef void (*control_fd_fn)(void *arg, uint32_t events);
int control_watch(struct control *c, int fd, uint32_t events, control_fd_fn fn, void *arg); // -errno
int control_watch_change(struct control *c, int fd, uint32_t events);
void control_unwatch(struct control *c, int fd);
// Called once each turn; returns true when it has more to do at once (the next wait is then 0 ms).
typedef bool (*control_turn_fn)(void *arg, uint64_t now_ns);
int control_on_turn(struct control *c, control_turn_fn fn, void *arg); // -ENOSPC
void control_off_turn(struct control *c, control_turn_fn fn, void *arg); // not from a turn function

// From another thread (a telemetry client): runs fn(arg) on the control core and waits for it, at most timeout_ms.
// Returns 0, or -ETIMEDOUT: then fn will not run any more. On the control core itself it calls fn at once.
int control_call(struct control *c, void (*fn)(void *arg), void *arg, unsigned timeout_ms);
