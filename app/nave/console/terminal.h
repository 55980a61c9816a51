// SPDX-License-Identifier: BSD-3-Clause
// A terminal without line editing and echo of its own, put back however the program ends: by return, exit(), a deadly
// signal or a crash. One terminal a process; no DPDK, so that nave-console uses it too.
#pragma once

// -ENOTTY: fd is no terminal (nothing changed).
int terminal_raw(int fd);
void terminal_restore(void); // safe in a signal handler; does nothing when terminal_raw did not succeed
