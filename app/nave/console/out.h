// SPDX-License-Identifier: BSD-3-Clause
// What a command answers, built once and shown as a table for people or as JSON for programs. Rows of named columns; a
// command that shows one object makes one row and sets out_record.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct out;

struct out *out_create(bool json); // NULL: out of memory
void out_free(struct out *o);
bool out_is_json(const struct out *o);

// A list: out_list("spokes") then for each row out_row and cells in the same order of columns.
void out_list(struct out *o, const char *name);
void out_record(struct out *o, const char *name); // one object; printed as "key value" lines
void out_row(struct out *o);
void out_str(struct out *o, const char *column, const char *value);
void out_fmt(struct out *o, const char *column, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void out_u64(struct out *o, const char *column, uint64_t value);
void out_f64(struct out *o, const char *column, double value, unsigned decimals);
void out_bool(struct out *o, const char *column, bool value);
void out_text(struct out *o, const char *fmt, ...) __attribute__((format(printf, 2, 3))); // free line; "message" in JSON
// Makes the answer an error: text to the person, {"error": "..."} in JSON. Returns rc.
int out_error(struct out *o, int rc, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
int out_rc(const struct out *o);

// Renders; valid until the next call or out_free.
const char *out_render(struct out *o, size_t *len);
