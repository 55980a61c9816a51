// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <stdio.h>

// A listening SOCK_SEQPACKET socket at path, mode 0600, in place of one that nobody listens on. -errno, after the
// reason went to errors.
int ike_listen(const char *path, FILE *errors);
