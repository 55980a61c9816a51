// SPDX-License-Identifier: BSD-3-Clause
// Results as a table that a person reads and as JSON with everything; expectations are judged on the JSON, so that what
// is asserted is what is shown.
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include <jansson.h>

#include "results.h"

json_t *report_json(const struct scenario *s, const struct results *r); // owned by the caller
void report_table(const struct scenario *s, const json_t *report, FILE *out);
