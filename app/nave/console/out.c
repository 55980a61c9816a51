// SPDX-License-Identifier: BSD-3-Clause
#include "out_cells.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Room for n more bytes and a NUL.
static bool buffer_reserve(struct buffer *b, size_t n) {
	size_t cap = b->cap ? b->cap : 256;
	char *bytes;

	if (b->failed)
		return false;
	if (b->len + n < b->cap)
		return true;
	while (cap <= b->len + n)
		cap *= 2;
	bytes = realloc(b->bytes, cap);
	if (!bytes) {
		b->failed = true;
		return false;
	}
	b->bytes = bytes;
	b->cap = cap;
	return true;
}

void buffer_add(struct buffer *b, const void *bytes, size_t len) {
	if (!buffer_reserve(b, len))
		return;
	memcpy(b->bytes + b->len, bytes, len);
	b->len += len;
	b->bytes[b->len] = '\0';
}

void buffer_vfmt(struct buffer *b, const char *fmt, va_list ap) {
	va_list again;
	int n;

	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, ap);
	if (n >= 0 && buffer_reserve(b, n)) {
		vsnprintf(b->bytes + b->len, n + 1, fmt, again);
		b->len += n;
	}
	va_end(again);
}

void buffer_fmt(struct buffer *b, const char *fmt, ...) {
	va_list ap;

	va_start(ap, fmt);
	buffer_vfmt(b, fmt, ap);
	va_end(ap);
}

struct out *out_create(bool json) {
	struct out *o = calloc(1, sizeof(*o));

	if (o)
		o->json = json;
	return o;
}

void out_free(struct out *o) {
	if (!o)
		return;
	out_end(o);
	free(o->cells.bytes);
	free(o->rows.bytes);
	free(o->text.bytes);
	free(o->message.bytes);
	free(o->rendered.bytes);
	free(o);
}

bool out_is_json(const struct out *o) {
	return o->json;
}

static void out_begin(struct out *o, enum out_kind kind, const char *name) {
	assert(o->kind == OUT_TEXT); // an answer is one list or one record
	o->kind = kind;
	o->name = name;
}

void out_list(struct out *o, const char *name) {
	out_begin(o, OUT_LIST, name);
}

void out_record(struct out *o, const char *name) {
	out_begin(o, OUT_RECORD, name);
	out_row(o);
}

void out_row(struct out *o) {
	struct row row = {.first = o->cells.len / sizeof(struct cell)};

	o->detail = false;
	buffer_add(&o->rows, &row, sizeof(row));
}

static void out_cell(
	struct out *o, const char *column, enum cell_type type, uint64_t u64, const char *text, size_t len) {
	struct cell cell = {
		.column = column, .text = o->text.len, .len_bytes = len, .u64 = u64, .type = type, .detail = o->detail};
	struct row *row;

	if (o->rows.failed || !o->rows.len)
		return;
	row = (struct row *)(o->rows.bytes + o->rows.len) - 1;
	if (row->n == OUT_COLUMNS_MAX)
		return;
	buffer_add(&o->text, text, len);
	buffer_add(&o->text, "", 1);
	buffer_add(&o->cells, &cell, sizeof(cell));
	if (!o->text.failed && !o->cells.failed)
		row->n++;
}

void out_str(struct out *o, const char *column, const char *value) {
	if (value)
		out_cell(o, column, CELL_STRING, 0, value, strlen(value));
	else
		out_cell(o, column, CELL_NULL, 0, "-", 1);
}

void out_fmt(struct out *o, const char *column, const char *fmt, ...) {
	char text[512];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	out_cell(o, column, CELL_STRING, 0, text, n < (int)sizeof(text) ? n : (int)sizeof(text) - 1);
}

// snprintf is most of the cost of a long list: digits by hand.
void out_u64(struct out *o, const char *column, uint64_t value) {
	char text[20];
	char *p = text + sizeof(text);
	uint64_t v = value;

	do
		*--p = '0' + v % 10;
	while (v /= 10);
	out_cell(o, column, CELL_U64, value, p, text + sizeof(text) - p);
}

void out_f64(struct out *o, const char *column, double value, unsigned decimals) {
	char text[64];
	int n;

	n = snprintf(text, sizeof(text), "%.*f", (int)(decimals < 9 ? decimals : 9), value);
	if (isfinite(value) && n < (int)sizeof(text))
		out_cell(o, column, CELL_F64, 0, text, n);
	else
		out_cell(o, column, CELL_NULL_F64, 0, "-", 1);
}

void out_bool(struct out *o, const char *column, bool value) {
	out_cell(o, column, CELL_BOOL, value, value ? "yes" : "no", value ? 3 : 2);
}

void out_null_u64(struct out *o, const char *column) {
	out_cell(o, column, CELL_NULL_U64, 0, "-", 1);
}

void out_detail(struct out *o) {
	o->detail = true;
}

void out_text(struct out *o, const char *fmt, ...) {
	va_list ap;

	if (o->message.len)
		buffer_add(&o->message, "\n", 1);
	va_start(ap, fmt);
	buffer_vfmt(&o->message, fmt, ap);
	va_end(ap);
}

int out_error(struct out *o, int rc, const char *fmt, ...) {
	va_list ap;

	o->rc = rc;
	o->message.len = 0;
	va_start(ap, fmt);
	buffer_vfmt(&o->message, fmt, ap);
	va_end(ap);
	return rc;
}

int out_rc(const struct out *o) {
	return o->rc;
}

void *out_cursor(const struct out *o) {
	return o->cursor;
}

void out_set_cursor(struct out *o, void *cursor, void *arg, out_cursor_free_fn fn) {
	o->cursor = cursor;
	o->cursor_arg = arg;
	o->cursor_free = fn;
}

bool out_full(const struct out *o) {
	return out_n_rows(o) >= o->slice_first + OUT_SLICE_ROWS || o->slice_skipped >= OUT_SLICE_SKIPS;
}

bool out_skip_row(struct out *o) {
	if (o->skip == 0)
		return false;
	o->skip--;
	o->slice_skipped++;
	return true;
}

void out_end(struct out *o) {
	if (o->cursor)
		o->cursor_free(o->cursor, o->cursor_arg);
	o->cursor = NULL;
}

bool out_more(const struct out *o) {
	return o->cursor && !o->rc;
}

void out_slice_begin(struct out *o) {
	o->slice_first = out_n_rows(o);
	o->slice_skipped = 0;
}

void out_forget_rows(struct out *o) {
	o->rows_rendered += out_n_rows(o);
	o->cells.len = 0;
	o->rows.len = 0;
	o->text.len = 0;
}

void out_quit(struct out *o) {
	o->quit = true;
}

bool out_wants_quit(const struct out *o) {
	return o->quit;
}
