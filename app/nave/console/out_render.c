// SPDX-License-Identifier: BSD-3-Clause
#include "out_cells.h"

#include <stdio.h>
#include <string.h>

static const struct {
	const char *suffix, *unit;
} units[] = {
	{"_s", "s"},
	{"_ms", "ms"},
	{"_us", "us"},
	{"_ns", "ns"},
	{"_mib", "MiB"},
	{"_bits", "bits"},
	{"_pct", "%"},
};

void out_heading(const char *column, char *buf, size_t len) {
	size_t n = strlen(column);
	const char *unit = NULL;

	for (unsigned i = 0; i < sizeof(units) / sizeof(units[0]) && !unit; i++) {
		size_t m = strlen(units[i].suffix);

		if (n > m && strcmp(column + n - m, units[i].suffix) == 0) {
			unit = units[i].unit;
			n -= m;
		}
	}
	snprintf(buf, len, unit ? "%.*s (%s)" : "%.*s", (int)n, column, unit);
	for (char *p = buf; *p; p++)
		if (*p == '_')
			*p = ' ';
}

// Length of the UTF-8 sequence at s (RFC 3629), 0 when it is none.
static unsigned utf8_len(const uint8_t *s, size_t left) {
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	unsigned n = s[0] < 0x80             ? 1
		     : (s[0] & 0xe0) == 0xc0 ? 2
		     : (s[0] & 0xf0) == 0xe0 ? 3
		     : (s[0] & 0xf8) == 0xf0 ? 4
					     : 0;
	uint32_t v = n == 1 ? s[0] : n ? s[0] & (0x7f >> n) : 0;

	if (n == 0 || n > left)
		return 0;
	for (unsigned i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		v = v << 6 | (s[i] & 0x3f);
	}
	return v < least[n] || v > 0x10ffff || (v >= 0xd800 && v < 0xe000) ? 0 : n;
}

// Bytes from s on that need no care: printable ASCII without quote and backslash.
static size_t plain_run(const char *s, size_t len) {
	size_t i = 0;

	while (i < len && s[i] >= 0x20 && s[i] < 0x7f && s[i] != '"' && s[i] != '\\')
		i++;
	return i;
}

static void json_string(struct buffer *b, const char *text, size_t len) {
	buffer_add(b, "\"", 1);
	for (size_t i = 0; i < len;) {
		uint8_t c = text[i];
		size_t n = plain_run(text + i, len - i);

		if (n == 0)
			n = utf8_len((const uint8_t *)text + i, len - i);
		if (c == '"' || c == '\\')
			buffer_fmt(b, "\\%c", c);
		else if (c == '\n')
			buffer_add(b, "\\n", 2);
		else if (c < 0x20 || c == 0x7f)
			buffer_fmt(b, "\\u%04x", c);
		else if (n)
			buffer_add(b, text + i, n);
		else
			buffer_add(b, "\\ufffd", 6);
		i += n ? n : 1;
	}
	buffer_add(b, "\"", 1);
}

// Strings come from the network too: no control character, C1 (U+0080..U+009F) included, reaches a terminal.
static void plain_string(struct buffer *b, const char *text, size_t len, bool lines) {
	for (size_t i = 0; i < len;) {
		uint8_t c = text[i];
		size_t n = plain_run(text + i, len - i);
		bool good = n > 0;

		if (!good) {
			n = utf8_len((const uint8_t *)text + i, len - i);
			good = n == 1 ? (c >= 0x20 && c != 0x7f) || (lines && c == '\n')
				      : n && !(c == 0xc2 && (uint8_t)text[i + 1] < 0xa0);
		}
		n = n ? n : 1;
		buffer_add(b, good ? text + i : "?", good ? n : 1);
		i += n;
	}
}

static void json_cell(struct out *o, const struct cell *c) {
	struct buffer *b = &o->rendered;

	json_string(b, c->column, strlen(c->column));
	buffer_add(b, ": ", 2);
	switch ((enum cell_type)c->type) {
	case CELL_STRING:
		json_string(b, out_cell_text(o, c), c->len_bytes);
		break;
	case CELL_U64:
	case CELL_F64:
		buffer_add(b, out_cell_text(o, c), c->len_bytes);
		break;
	case CELL_BOOL:
		buffer_add(b, c->u64 ? "true" : "false", c->u64 ? 4 : 5);
		break;
	case CELL_NULL:
	case CELL_NULL_U64:
	case CELL_NULL_F64:
		buffer_add(b, "null", 4);
		break;
	}
}

static void json_rows(struct out *o) {
	const char *between = o->kind == OUT_LIST ? ", " : ",\n ";

	for (unsigned i = 0; i < out_n_rows(o); i++) {
		const struct row *row = out_row_at(o, i);

		if (o->kind == OUT_LIST)
			buffer_fmt(&o->rendered, "%s\n  ", o->rows_rendered + i ? "," : "");
		buffer_add(&o->rendered, "{", 1);
		for (unsigned j = 0; j < row->n; j++) {
			if (j)
				buffer_add(&o->rendered, between, strlen(between));
			json_cell(o, out_cell_at(o, row->first + j));
		}
		buffer_add(&o->rendered, "}", 1);
	}
}

static void json_message(struct out *o, const char *key) {
	buffer_fmt(&o->rendered, "{\"%s\": ", key);
	json_string(&o->rendered, o->message.bytes ? o->message.bytes : "", o->message.len);
	buffer_add(&o->rendered, "}\n", 2);
}

static void render_json(struct out *o) {
	bool first = !o->begun;

	o->begun = true;
	if (first && o->rc) {
		json_message(o, "error");
		return;
	}
	if (o->kind == OUT_TEXT) {
		json_message(o, "message");
		return;
	}
	if (first && o->kind == OUT_LIST)
		buffer_add(&o->rendered, "[", 1);
	json_rows(o);
	if (out_more(o))
		return;
	if (o->kind == OUT_LIST)
		buffer_fmt(&o->rendered, "%s]\n", o->rows_rendered + out_n_rows(o) ? "\n" : "");
	else
		buffer_add(&o->rendered, "\n", 1);
}

// Columns that a display shows of text: a UTF-8 sequence counts once.
static unsigned text_width(const char *text, size_t len) {
	unsigned n = 0;

	for (size_t i = 0; i < len; i++)
		n += ((uint8_t)text[i] & 0xc0) != 0x80;
	return n;
}

static bool is_right(const struct cell *c) {
	return c->type == CELL_U64 || c->type == CELL_F64 || c->type == CELL_NULL_U64 || c->type == CELL_NULL_F64;
}

static void table_cell(struct out *o, const struct cell *c, unsigned width, bool last) {
	bool right = is_right(c);
	unsigned w = text_width(out_cell_text(o, c), c->len_bytes);
	unsigned pad = width > w ? width - w : 0;

	if (right)
		buffer_fmt(&o->rendered, "%*s", (int)pad, "");
	plain_string(&o->rendered, out_cell_text(o, c), c->len_bytes, false);
	if (!last)
		buffer_fmt(&o->rendered, "%*s", right ? 2 : (int)pad + 2, "");
}

static bool is_last(const struct out *o, const struct row *row, unsigned j) {
	for (unsigned k = j + 1; k < row->n; k++)
		if (!out_cell_at(o, row->first + k)->detail)
			return false;
	return true;
}

// Widths are those of the headings and the rows so far: a later slice may widen a column, never narrow it.
static void table_widths(struct out *o) {
	for (unsigned i = 0; i < out_n_rows(o); i++) {
		const struct row *row = out_row_at(o, i);

		for (unsigned j = 0; j < row->n; j++) {
			const struct cell *c = out_cell_at(o, row->first + j);
			unsigned w = text_width(out_cell_text(o, c), c->len_bytes);
			char heading[64];

			if (!o->begun && i == 0) {
				out_heading(c->column, heading, sizeof(heading));
				o->width[j] = strlen(heading);
			}
			if (w > o->width[j])
				o->width[j] = w;
		}
	}
}

static void table_headings(struct out *o) {
	const struct row *row = out_row_at(o, 0);

	for (unsigned j = 0; j < row->n; j++) {
		const struct cell *c = out_cell_at(o, row->first + j);
		bool right = is_right(c);
		char heading[64];

		if (c->detail)
			continue;
		out_heading(c->column, heading, sizeof(heading));
		if (is_last(o, row, j))
			buffer_fmt(&o->rendered, "%*s\n", right ? (int)o->width[j] : 0, heading);
		else
			buffer_fmt(&o->rendered, "%*s  ", right ? (int)o->width[j] : -(int)o->width[j], heading);
	}
}

static void render_table(struct out *o) {
	table_widths(o);
	if (!o->begun && out_n_rows(o))
		table_headings(o);
	if (out_n_rows(o))
		o->begun = true;
	for (unsigned i = 0; i < out_n_rows(o); i++) {
		const struct row *row = out_row_at(o, i);

		for (unsigned j = 0; j < row->n; j++)
			if (!out_cell_at(o, row->first + j)->detail)
				table_cell(o, out_cell_at(o, row->first + j), o->width[j], is_last(o, row, j));
		buffer_add(&o->rendered, "\n", 1);
	}
	if (!o->begun && !out_more(o) && !o->rc)
		buffer_fmt(&o->rendered, "no %s\n", o->name);
}

static void render_record(struct out *o) {
	const struct row *row = out_row_at(o, 0);
	unsigned width = 0;
	char heading[64];

	for (unsigned j = 0; j < row->n; j++) {
		out_heading(out_cell_at(o, row->first + j)->column, heading, sizeof(heading));
		width = strlen(heading) > width ? strlen(heading) : width;
	}
	for (unsigned j = 0; j < row->n; j++) {
		const struct cell *c = out_cell_at(o, row->first + j);

		out_heading(c->column, heading, sizeof(heading));
		buffer_fmt(&o->rendered, "%-*s  ", (int)width, heading);
		plain_string(&o->rendered, out_cell_text(o, c), c->len_bytes, false);
		buffer_add(&o->rendered, "\n", 1);
	}
}

static void render_people(struct out *o) {
	if (o->kind == OUT_LIST)
		render_table(o);
	else if (o->kind == OUT_RECORD && out_n_rows(o) && !o->rc)
		render_record(o);
	if (!out_more(o) && o->message.len) {
		plain_string(&o->rendered, o->message.bytes, o->message.len, true);
		buffer_add(&o->rendered, "\n", 1);
	}
}

const char *out_render(struct out *o, size_t *len) {
	o->rendered.len = 0;
	buffer_add(&o->rendered, "", 0);
	if (!o->ended && !o->cells.failed && !o->rows.failed && !o->text.failed && !o->message.failed) {
		if (o->json)
			render_json(o);
		else
			render_people(o);
		out_forget_rows(o);
		o->slice_first = 0;
		o->ended = !out_more(o);
	}
	*len = o->rendered.len;
	if (o->rendered.failed || o->cells.failed || o->rows.failed || o->text.failed || o->message.failed)
		return NULL;
	return o->rendered.bytes;
}
