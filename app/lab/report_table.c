// SPDX-License-Identifier: BSD-3-Clause
// The table that a person reads, from the JSON.
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "report.h"

static json_int_t integer(const json_t *o, const char *key) {
	return json_integer_value(json_object_get(o, key));
}

static double number(const json_t *o, const char *key) {
	return json_number_value(json_object_get(o, key));
}

static void spokes_print(const json_t *report, FILE *out) {
	const json_t *spokes = json_object_get(report, "spokes"), *reg = json_object_get(report, "registration");

	fprintf(out,
		"registered      %lld of %lld spokes, %.0f registrations/s (p50 %lld us, p99 %lld us, %lld retries)\n",
		integer(spokes, "registered"), integer(spokes, "configured"), number(reg, "per_second"),
		integer(reg, "p50_us"), integer(reg, "p99_us"), integer(reg, "retries"));
	if (integer(reg, "refreshes"))
		fprintf(out,
			"refreshed       %lld, %.0f registrations/s (%.0f a second of the control core's CPU time)\n"
			"meanwhile       %lld packets forwarded, %lld lost\n",
			integer(reg, "refreshes"), number(reg, "refresh_per_second"),
			number(reg, "refresh_per_control_second"),
			integer(reg, "traffic_sent") - integer(reg, "traffic_lost"), integer(reg, "traffic_lost"));
	fprintf(out, "memory          %.0f bytes a spoke, the fixed part among them; tables sized for %lld\n\n",
		number(json_object_get(report, "memory"), "bytes_per_spoke"),
		integer(json_object_get(report, "memory"), "max_spokes"));
}

// Which columns there are: those of what was measured.
struct columns {
	bool esp, port, limit;
};

static void header_print(struct columns c, FILE *out) {
	fprintf(out, "%-16s %6s %7s %9s %6s %6s", "traffic", "inner", "spokes", "sent", "lost", "wrong");
	if (c.esp)
		fprintf(out, " %6s %6s", "replay", "late");
	fprintf(out, " %7s %6s %6s", "cycles", "Mpps", "Gbit/s");
	if (c.port)
		fprintf(out, " %5s", "port");
	if (c.limit)
		fprintf(out, " %5s %5s %5s  %s", "limit", "n", "ratio", "95 %");
	fputc('\n', out);
}

static void row_print(const json_t *t, struct columns c, FILE *out) {
	fprintf(out, "%-16s %6s %7lld %9lld %6lld %6lld", json_string_value(json_object_get(t, "name")),
		json_string_value(json_object_get(t, "inner")), integer(t, "spokes"), integer(t, "sent"),
		integer(t, "lost"), integer(t, "corrupt"));
	if (c.esp)
		fprintf(out, " %6lld %6lld", integer(t, "replayed"), integer(t, "reordered"));
	fprintf(out, " %7.0f %6.2f %6.2f", number(t, "cycles_per_packet"), number(t, "mpps"), number(t, "gbps"));
	if (c.port)
		fprintf(out, " %5.0f", number(t, "port_cycles_per_packet"));
	if (c.limit)
		fprintf(out, " %5.0f %5.0f %5.2f  [%.2f, %.2f]", number(t, "limit_cycles_per_packet"),
			number(t, "limit_n_cycles_per_packet"), number(t, "ratio_to_limit"), number(t, "ratio_low"),
			number(t, "ratio_high"));
	fputc('\n', out);
}

static void legend_print(const json_t *report, struct columns c, FILE *out) {
	fprintf(out,
		"cycles: busy TSC cycles of the hub's workers per packet, median of rounds; Mpps and Gbit/s per worker "
		"core\n");
	if (c.esp)
		fprintf(out,
			"replay, late: refused by a spoke's window; behind a higher sequence number of their SA\n");
	if (c.port)
		fprintf(out, "port: cycles of forwarding on the same ports that does nothing\n");
	if (c.port && !integer(json_object_get(report, "machine"), "hugepages_mib"))
		fprintf(out, "no huge pages were free for this run: ports and hub cost more than they need to\n");
	if (c.limit)
		fprintf(out,
			"limit: AES-GCM alone, with two keys a spoke as the hub has; n: with one; ratio: (cycles - "
			"port) / limit\n");
}

static void traffic_print(const json_t *report, FILE *out) {
	const json_t *rows = json_object_get(report, "traffic"), *first = json_array_get(rows, 0), *t;
	const char *cipher = json_string_value(json_object_get(first, "cipher"));
	struct columns c = {.esp = cipher && strcmp(cipher, "none") != 0,
		.port = json_object_get(first, "port_cycles_per_packet"),
		.limit = json_object_get(first, "ratio_to_limit")};
	size_t i;

	if (!first)
		return;
	if (c.esp)
		fprintf(out, "protection      %s\n\n", cipher);
	header_print(c, out);
	json_array_foreach(rows, i, t) row_print(t, c, out);
	legend_print(report, c, out);
}

static void expect_print(const json_t *e, FILE *out) {
	bool held = json_is_true(json_object_get(e, "held"));
	bool unresolved = json_is_true(json_object_get(e, "unresolved"));

	fprintf(out, "%-10s %s",
		held         ? "held"
		: unresolved ? "UNRESOLVED"
			     : "FAILED",
		json_string_value(json_object_get(e, "text")));
	if (unresolved)
		fprintf(out, "   (is %g, but the interval is wider than what is claimed)", number(e, "value"));
	else if (!held)
		fprintf(out, "   (is %g)", number(e, "value"));
	fputc('\n', out);
}

void report_table(const struct scenario *s, const json_t *report, FILE *out) {
	const char *problem = json_string_value(json_object_get(report, "problem"));
	const json_t *e;
	size_t i;

	fprintf(out, "\n%s: %s\n\n", s->name, s->description);
	spokes_print(report, out);
	traffic_print(report, out);
	if (problem && *problem)
		fprintf(out, "\nwrong frames: %lld, the first: %s\n", integer(report, "wrong_frames"), problem);
	fputc('\n', out);
	json_array_foreach(json_object_get(report, "expect"), i, e) expect_print(e, out);
}
