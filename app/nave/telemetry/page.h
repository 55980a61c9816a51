// SPDX-License-Identifier: BSD-3-Clause
// An answer (struct out) as what rte_telemetry can say, within its limits: 16 KiB a reply, cut silently; 512 items an
// array, 256 a dictionary; strings of 128; no floating point; no array of dictionaries.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <rte_telemetry.h>

#include "out.h"

#define PAGE_BYTES_MAX 14000 // of 16,384: the path and the braces need some
#define PAGE_ROWS_MAX 256

// How many rows from the first that out holds fit on a page.
unsigned page_rows(const struct out *out);
// The rows as columns; more: rows follow, so "next" is given. -errno of rte_telemetry.
int page_columns(const struct out *out, uint64_t offset, unsigned n_rows, bool more, struct rte_tel_data *d);
int page_record(const struct out *out, struct rte_tel_data *d);
int page_names(const struct out *out, struct rte_tel_data *d); // columns "name" and "count"
