// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// A listening SOCK_SEQPACKET socket at path, mode 0600, in place of one that nobody listens on. -errno, and
// *why says it in words that go behind the path.
int ike_listen(const char *path, const char **why);
