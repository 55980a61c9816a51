// SPDX-License-Identifier: BSD-3-Clause
#include "page.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "out_cells.h"

#define ESCAPED_BYTES 6 // what a character may grow to in JSON

static unsigned cell_bytes(const struct out *o, const struct cell *c) {
	const char *text = out_cell_text(o, c);
	unsigned n = 3; // quotes and comma

	for (unsigned i = 0; i < c->len_bytes && i < RTE_TEL_MAX_STRING_LEN; i++)
		n += text[i] < 0x20 || text[i] == '"' || text[i] == '\\' ? ESCAPED_BYTES : 1;
	return n;
}

unsigned page_rows(const struct out *o) {
	unsigned bytes = 128, n;

	for (n = 0; n < out_n_rows(o) && n < PAGE_ROWS_MAX; n++) {
		const struct row *row = out_row_at(o, n);

		for (unsigned j = 0; j < row->n; j++) {
			const struct cell *c = out_cell_at(o, row->first + j);

			bytes += cell_bytes(o, c) + (n ? 0 : strlen(c->column) + 6);
		}
		if (bytes > PAGE_BYTES_MAX && n)
			break;
	}
	return n;
}

static const char *short_text(const struct out *o, const struct cell *c, char buf[static RTE_TEL_MAX_STRING_LEN]) {
	if (c->type == CELL_NULL || c->type == CELL_NULL_F64)
		return "";
	snprintf(buf, RTE_TEL_MAX_STRING_LEN, "%s", out_cell_text(o, c));
	return buf;
}

static bool is_number(const struct cell *c) {
	return c->type == CELL_U64 || c->type == CELL_BOOL || c->type == CELL_NULL_U64;
}

// A column is one of numbers only if every row of the page has a number there (or none: 0).
static int page_column(const struct out *o, unsigned n_rows, unsigned j, struct rte_tel_data *column) {
	char text[RTE_TEL_MAX_STRING_LEN];
	bool numbers = true;
	int rc;

	for (unsigned i = 0; i < n_rows; i++)
		numbers &= j >= out_row_at(o, i)->n || is_number(out_cell_at(o, out_row_at(o, i)->first + j));
	rc = rte_tel_data_start_array(column, numbers ? RTE_TEL_U64_VAL : RTE_TEL_STRING_VAL);
	for (unsigned i = 0; i < n_rows && rc == 0; i++) {
		const struct row *row = out_row_at(o, i);
		const struct cell *c = j < row->n ? out_cell_at(o, row->first + j) : NULL;

		if (numbers)
			rc = rte_tel_data_add_array_u64(column, c ? c->u64 : 0);
		else
			rc = rte_tel_data_add_array_string(column, c ? short_text(o, c, text) : "");
	}
	return rc;
}

int page_columns(const struct out *o, uint64_t offset, unsigned n_rows, bool more, struct rte_tel_data *d) {
	const struct row *first = n_rows ? out_row_at(o, 0) : NULL;
	int rc = rte_tel_data_start_dict(d);

	rte_tel_data_add_dict_u64(d, "offset", offset);
	rte_tel_data_add_dict_u64(d, "rows", n_rows);
	if (more)
		rte_tel_data_add_dict_u64(d, "next", offset + n_rows);
	for (unsigned j = 0; first && j < first->n && rc == 0; j++) {
		struct rte_tel_data *column = rte_tel_data_alloc();

		if (!column)
			return -ENOMEM;
		rc = page_column(o, n_rows, j, column);
		if (rc == 0)
			rc = rte_tel_data_add_dict_container(d, out_cell_at(o, first->first + j)->column, column, 0);
		if (rc < 0)
			rte_tel_data_free(column);
	}
	return rc;
}

int page_record(const struct out *o, struct rte_tel_data *d) {
	const struct row *row = out_n_rows(o) ? out_row_at(o, 0) : NULL;
	char text[RTE_TEL_MAX_STRING_LEN];
	int rc = rte_tel_data_start_dict(d);

	for (unsigned j = 0; row && j < row->n && rc == 0; j++) {
		const struct cell *c = out_cell_at(o, row->first + j);

		if (is_number(c))
			rc = rte_tel_data_add_dict_u64(d, c->column, c->u64);
		else
			rc = rte_tel_data_add_dict_string(d, c->column, short_text(o, c, text));
	}
	return rc;
}

int page_names(const struct out *o, struct rte_tel_data *d) {
	char text[RTE_TEL_MAX_STRING_LEN];
	int rc = rte_tel_data_start_dict(d);

	for (unsigned i = 0; i < out_n_rows(o) && rc == 0; i++) {
		const struct row *row = out_row_at(o, i);

		if (row->n >= 2)
			rc = rte_tel_data_add_dict_u64(d, short_text(o, out_cell_at(o, row->first), text),
				out_cell_at(o, row->first + 1)->u64);
	}
	return rc;
}
