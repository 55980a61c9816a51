// SPDX-License-Identifier: BSD-3-Clause
// The client's side of the console's protocol (app/nave/console/session.h). Each takes fd over and returns the exit
// status.
#pragma once

#include <stdbool.h>
#include <stdio.h>

int client_command(int fd, const char *command, bool json);
int client_lines(int fd, FILE *in, bool json); // one command a line; 1 when any of them failed
int client_interactive(int fd);
