// SPDX-License-Identifier: BSD-3-Clause
// /nave/<feature>/<thing> on DPDK's telemetry socket. rte_telemetry runs a thread per client and caps replies at 16 KiB
// silently: what reads control's state goes through control_call(), lists are paged ("/nave/spokes,OFFSET") and come as columns.
#pragma once

struct nave;
struct telemetry;

struct telemetry *telemetry_create(struct nave *nave); // NULL, errno
void telemetry_free(struct telemetry *t); // endpoints answer "shutting down" from then on
