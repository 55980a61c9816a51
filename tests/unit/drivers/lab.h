// SPDX-License-Identifier: BSD-3-Clause
// A network namespace for a test, with shell commands in it. Needs root: without it the test program ends with 77
// (skipped).
#pragma once

#include <stdbool.h>
#include <stddef.h>

extern char lab_ns[32]; // name of the namespace

void lab_need_root(void);
int lab_up(void **state); // cmocka setup: the namespace, with lo up
int lab_down(void **state);
int lab_run(const char *fmt, ...) __attribute__((format(printf, 1, 2))); // a command in the namespace; its exit status
bool lab_finds(const char *text, const char *fmt, ...) __attribute__((format(printf, 2, 3))); // in a command's output
int lab_enter(void); // for netns_leave()
