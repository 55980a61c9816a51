// SPDX-License-Identifier: BSD-3-Clause
// The inside of struct out, for those that render it: out_render.c and telemetry.
#pragma once

#include "out.h"

#define OUT_COLUMNS_MAX 40
#define OUT_SLICE_ROWS 64 // 20,000 spokes: no slice over 0.3 ms
#define OUT_SLICE_SKIPS 2048

enum cell_type {
	CELL_STRING,
	CELL_U64,
	CELL_F64,
	CELL_BOOL,
	CELL_NULL, // of a string
	CELL_NULL_U64,
	CELL_NULL_F64,
};

struct cell {
	const char *column;
	uint32_t text; // offset in text, NUL-terminated; as a person reads it
	uint32_t len_bytes;
	uint64_t u64; // CELL_U64, CELL_BOOL
	uint8_t type; // enum cell_type
	bool detail;
};

struct row {
	uint32_t first; // index into cells
	uint32_t n;
};

enum out_kind {
	OUT_TEXT,
	OUT_LIST,
	OUT_RECORD,
};

struct buffer {
	char *bytes;
	size_t len, cap;
	bool failed; // out of memory, sticky
};

void buffer_add(struct buffer *b, const void *bytes, size_t len);
void buffer_fmt(struct buffer *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void buffer_vfmt(struct buffer *b, const char *fmt, __builtin_va_list ap);

struct out {
	bool json;
	bool detail, quit;
	uint8_t kind; // enum out_kind
	int rc;
	const char *name;
	struct buffer cells, rows; // of struct cell and struct row
	struct buffer text; // of cells
	struct buffer message; // out_text and out_error
	struct buffer rendered;
	bool begun, ended; // rendering: heading or bracket is out; the end is out
	uint64_t rows_rendered;
	unsigned slice_first; // rows that were there when this slice began
	unsigned slice_skipped;
	uint64_t skip; // rows still to be left out
	unsigned width[OUT_COLUMNS_MAX]; // of a table, from its first slice on
	void *cursor, *cursor_arg;
	out_cursor_free_fn cursor_free;
};

static inline unsigned out_n_rows(const struct out *o) {
	return o->rows.len / sizeof(struct row);
}
static inline const struct row *out_row_at(const struct out *o, unsigned i) {
	return (const struct row *)o->rows.bytes + i;
}
static inline const struct cell *out_cell_at(const struct out *o, unsigned i) {
	return (const struct cell *)o->cells.bytes + i;
}
static inline const char *out_cell_text(const struct out *o, const struct cell *c) {
	return o->text.bytes + c->text;
}
void out_slice_begin(struct out *o); // before each run of the command
void out_forget_rows(struct out *o); // they are rendered, or read
// "holding_time_s" -> "holding time (s)".
void out_heading(const char *column, char *buf, size_t len);
