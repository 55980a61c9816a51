// SPDX-License-Identifier: BSD-3-Clause
// Expectations, judged on the JSON, so that what is asserted is what is shown.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

struct expect {
	double value;
	bool held;
	bool unresolved; // not held: the figure's interval is wider than what was claimed
};

// Evaluates "path op number" (op: == != < <= > >=); "*" in a path means every item of a list. Returns false, with a
// sentence in why, for a text that is not of that form or names nothing.
bool expect_judge(const json_t *report, const char *text, struct expect *e, char *why, size_t why_len);
