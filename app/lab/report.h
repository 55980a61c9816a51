// SPDX-License-Identifier: BSD-3-Clause
// Results as a table that a person reads and as JSON with everything; expectations are judged on the JSON, so that what
// is asserted is what is shown.
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include <jansson.h>

#include "results.h"

json_t *report_json(const struct scenario *s, const struct results *r); // owned by the caller
// Evaluates "path op number" (op: == != < <= > >=); "*" in a path means every item of a list. Returns false on a text
// that is not of that form, with a sentence in why.
bool report_expect(const json_t *report, const char *text, bool *held, double *value, char *why, size_t why_len);
void report_table(const struct scenario *s, const json_t *report, FILE *out);
