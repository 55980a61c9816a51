// SPDX-License-Identifier: BSD-3-Clause
#include "expect.h"

#include <stdio.h>
#include <string.h>

static bool compare(double v, const char *op, double wanted, bool *known) {
	*known = true;
	if (!strcmp(op, "=="))
		return v == wanted;
	if (!strcmp(op, "!="))
		return v != wanted;
	if (!strcmp(op, "<"))
		return v < wanted;
	if (!strcmp(op, "<="))
		return v <= wanted;
	if (!strcmp(op, ">"))
		return v > wanted;
	if (!strcmp(op, ">="))
		return v >= wanted;
	*known = false;
	return false;
}

// What an interval's lower end is within holds, unless the interval is wider than what is claimed: with a ratio of at
// most 1.6 that is 0.6. That is unresolved, and does not count as held.
static bool is_resolved(const json_t *row, const char *key, const char *op, double wanted) {
	double low = json_number_value(json_object_get(row, "ratio_low"));
	double high = json_number_value(json_object_get(row, "ratio_high"));

	return strcmp(key, "ratio_low") != 0 || op[0] != '<' || high - low <= wanted - 1;
}

// The value that is told is the first that does not hold.
static void number_judge(const json_t *row, const char *key, const char *op, double wanted, struct expect *e) {
	double v = json_number_value(json_object_get(row, key));
	bool known, holds = compare(v, op, wanted, &known), resolved = is_resolved(row, key, op, wanted);

	if (!e->held)
		return;
	e->value = v;
	e->held = holds && resolved;
	e->unresolved = holds && !resolved;
}

// Walks path from node; judges every number that it names. Returns how many there were.
static unsigned judge(const json_t *node, const char *path, const char *op, double wanted, struct expect *e) {
	size_t n = strcspn(path, ".");
	const char *rest = path[n] ? path + n + 1 : "";
	unsigned found = 0;
	const json_t *at;
	char key[64];

	snprintf(key, sizeof(key), "%.*s", (int)n, path);
	if (json_is_array(node)) {
		for (size_t i = 0; i < json_array_size(node); i++) {
			const json_t *item = json_array_get(node, i);
			const char *name = json_string_value(json_object_get(item, "name"));

			if (!strcmp(key, "*") || (name && !strcmp(key, name)))
				found += judge(item, rest, op, wanted, e);
		}
		return found;
	}
	at = json_object_get(node, key);
	if (at && *rest)
		return judge(at, rest, op, wanted, e);
	if (!json_is_number(at))
		return 0;
	number_judge(node, key, op, wanted, e);
	return 1;
}

bool expect_judge(const json_t *report, const char *text, struct expect *e, char *why, size_t why_len) {
	char path[128], op[4];
	double wanted;
	bool known;
	int end = 0;

	*e = (struct expect){0};
	if (sscanf(text, "%127s %3s %lf %n", path, op, &wanted, &end) != 3 || text[end] ||
		(compare(0, op, 0, &known), !known)) {
		snprintf(why, why_len, "'%s' is not of the form PATH OP NUMBER, as in traffic.*.lost == 0", text);
		return false;
	}
	e->held = true;
	if (!judge(report, path, op, wanted, e)) {
		e->held = false;
		snprintf(why, why_len, "'%s': no number in the report has this path", text);
		return false;
	}
	return true;
}
