// SPDX-License-Identifier: BSD-3-Clause
// The frame of a stage test program: one hub with one worker for each test, made and taken down around it.
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "hub.h"

#define stage_test(f) cmocka_unit_test_setup_teardown(f, stage_setup, stage_teardown)

int stage_main(int argc, char **argv); // EAL and ports; 0 when they are there
int stage_setup(void **state); // *state: struct hub
int stage_teardown(void **state);
