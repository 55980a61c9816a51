// SPDX-License-Identifier: BSD-3-Clause
// The first frames of a run, both directions, as pcapng by DPDK's library.
#pragma once

#include <stdbool.h>

#include <rte_mbuf.h>

struct capture;

struct capture *capture_open(const char *file, uint16_t ethdev, unsigned max_frames); // NULL with a line on stderr
void capture_frames(struct capture *c, struct rte_mbuf *const *frames, unsigned n, bool to_hub);
void capture_close(struct capture *c);
