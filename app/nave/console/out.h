// SPDX-License-Identifier: BSD-3-Clause
// What a command answers, built once and shown as a table for people, as JSON for programs, or as columns for
// telemetry. An answer is one list, one record (one object), or text.
//
// Column names are literals, lower case with underscores, the unit last: "holding_time_s" is the key in JSON and
// "holding time (s)" in a heading.
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
void out_str(struct out *o, const char *column, const char *value); // value NULL: "-", null in JSON
void out_fmt(struct out *o, const char *column, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void out_u64(struct out *o, const char *column, uint64_t value);
void out_f64(struct out *o, const char *column, double value, unsigned decimals); // NAN: "-", null in JSON
void out_bool(struct out *o, const char *column, bool value);
void out_null_u64(struct out *o, const char *column); // a number that is not there
// The cells that follow in this row are for programs: left out of tables, not of records.
void out_detail(struct out *o);
void out_text(struct out *o, const char *fmt, ...)
	__attribute__((format(printf, 2, 3))); // free line; "message" in JSON
// Makes the answer an error: text to the person, {"error": "..."} in JSON. Returns rc.
int out_error(struct out *o, int rc, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
int out_rc(const struct out *o);

// Long lists are made in slices, so that no turn of the control core takes long:
//
//	struct binding_cursor *cur = out_cursor(o);
//	if (!cur) { cur = calloc(...); out_list(o, "spokes"); out_set_cursor(o, cur, arg, cursor_free); }
//	while (!out_full(o) && (b = next(cur))) { out_row(o); ... }
//	if (!b) out_end(o);
//
// A command that set a cursor is run again, with the same arguments, until it calls out_end() or fails.
typedef void (*out_cursor_free_fn)(void *cursor, void *arg); // runs on the control core
void *out_cursor(const struct out *o); // NULL at the first run
void out_set_cursor(struct out *o, void *cursor, void *arg, out_cursor_free_fn fn);
bool out_full(const struct out *o); // this slice has rows, or steps over rows, enough
// A page of telemetry begins further on: true when the row that would be added now is not wanted. A list that may be
// long asks before out_row; one that does not ask is cut by telemetry itself.
bool out_skip_row(struct out *o);
void out_end(struct out *o); // frees the cursor
bool out_more(const struct out *o); // the command is to be run again

// Renders what was added since the last call: while out_more() a beginning, the rest once the command has ended. Valid
// until the next call or out_free; NULL when out of memory.
const char *out_render(struct out *o, size_t *len);

// The answer is to end the session that asked (quit).
void out_quit(struct out *o);
bool out_wants_quit(const struct out *o);
