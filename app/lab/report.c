// SPDX-License-Identifier: BSD-3-Clause
#include "report.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <rte_version.h>

static int compare_f64(const void *a, const void *b) {
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

double median_f64(double *values, unsigned n) {
	qsort(values, n, sizeof(*values), compare_f64);
	return !n ? 0 : n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

void results_problem(struct results *r, uint32_t spoke, const char *what) {
	r->wrong_frames++;
	if (r->problem[0])
		return;
	if (spoke == UINT32_MAX)
		snprintf(r->problem, sizeof(r->problem), "%s", what);
	else
		snprintf(r->problem, sizeof(r->problem), "spoke %u: %s", spoke, what);
}

static void cpu_model(char *out, size_t cap) {
	char line[256];
	FILE *f = fopen("/proc/cpuinfo", "r");

	snprintf(out, cap, "unknown");
	while (f && fgets(line, sizeof(line), f)) {
		char *colon = strstr(line, ": ");

		if (strncmp(line, "model name", 10) == 0 && colon) {
			snprintf(out, cap, "%.*s", (int)strcspn(colon + 2, "\n"), colon + 2);
			break;
		}
	}
	if (f)
		fclose(f);
}

static json_t *round_f64(double v) { // three decimals are enough for people and programs
	return json_real(isfinite(v) ? round(v * 1000) / 1000 : 0);
}

static json_t *traffic_json(const struct scenario *s, unsigned k, const struct traffic_result *t) {
	const struct scenario_traffic *c = &s->traffic[k];
	json_t *rounds = json_array(), *o;
	char inner[16];

	snprintf(inner, sizeof(inner), c->mix == INNER_IMIX ? "imix" : "%u", c->inner_bytes);
	for (unsigned i = 0; i < t->n_rounds; i++)
		json_array_append_new(rounds, round_f64(t->rounds[i]));
	o = json_pack("{s:s, s:s, s:I, s:s, s:I, s:I, s:I, s:I, s:I, s:o, s:o, s:o, s:o, s:o}", "name", c->name,
		"inner", inner, "spokes", (json_int_t)(c->spokes ? c->spokes : s->spokes.count), "cipher", "none",
		"sent", (json_int_t)t->sent, "received", (json_int_t)t->received, "lost", (json_int_t)t->lost,
		"corrupt", (json_int_t)t->corrupt, "unaccounted", (json_int_t)(t->sent - t->received - t->named_drops),
		"mean_inner_bytes", round_f64(t->mean_inner_bytes), "mpps", round_f64(t->mpps), "gbps",
		round_f64(t->gbps), "cycles_per_packet", round_f64(t->cycles_per_packet), "rounds", rounds);
	return o;
}

json_t *report_json(const struct scenario *s, const struct results *r) {
	const struct registration_result *g = &r->registration;
	json_t *traffic = json_array();
	char cpu[128];

	cpu_model(cpu, sizeof(cpu));
	for (unsigned k = 0; k < s->n_traffic; k++)
		json_array_append_new(traffic, traffic_json(s, k, &r->traffic[k]));
	return json_pack("{s:s, s:s, s:I, s:{s:s, s:I, s:s}, s:{s:I, s:I, s:I}, s:{s:o, s:I, s:I, s:I, s:I, s:o, s:o, "
			 "s:I, s:I, s:I},"
			 " s:o, s:{s:I, s:I, s:o}, s:I, s:s}",
		"name", s->name, "description", s->description, "seed", (json_int_t)s->seed, "machine", "cpu", cpu,
		"tsc_hz", (json_int_t)r->tsc_hz, "dpdk", rte_version(), "spokes", "configured",
		(json_int_t)s->spokes.count, "registered", (json_int_t)g->registered, "refused", (json_int_t)g->refused,
		"registration", "per_second", round_f64(g->per_second), "p50_us", (json_int_t)g->p50_us, "p99_us",
		(json_int_t)g->p99_us, "max_us", (json_int_t)g->max_us, "retries", (json_int_t)g->retries,
		"refresh_per_second", round_f64(g->refresh_per_second), "refresh_per_control_second",
		round_f64(g->refresh_per_control_second), "refreshes", (json_int_t)g->refreshes, "traffic_sent",
		(json_int_t)g->traffic_sent, "traffic_lost", (json_int_t)g->traffic_lost, "traffic", traffic, "memory",
		"hub_bytes", (json_int_t)r->hub_bytes, "max_spokes", (json_int_t)r->max_spokes, "bytes_per_spoke",
		round_f64(r->max_spokes ? (double)r->hub_bytes / r->max_spokes : 0), "wrong_frames",
		(json_int_t)r->wrong_frames, "problem", r->problem);
}

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

// Walks path from node; judges every number that it names. Returns how many there were.
static unsigned judge(const json_t *node, const char *path, const char *op, double wanted, bool *held, double *value) {
	size_t n = strcspn(path, ".");
	const char *rest = path[n] ? path + n + 1 : "";
	unsigned found = 0;
	bool known;
	char key[64];

	if (!*path) {
		if (!json_is_number(node))
			return 0;
		*value = json_number_value(node);
		*held = *held && compare(*value, op, wanted, &known);
		return 1;
	}
	snprintf(key, sizeof(key), "%.*s", (int)n, path);
	if (json_is_array(node)) {
		for (size_t i = 0; i < json_array_size(node); i++) {
			const json_t *item = json_array_get(node, i);
			const char *name = json_string_value(json_object_get(item, "name"));

			if (!strcmp(key, "*") || (name && !strcmp(key, name)))
				found += judge(item, rest, op, wanted, held, value);
		}
		return found;
	}
	node = json_object_get(node, key);
	return node ? judge(node, rest, op, wanted, held, value) : 0;
}

bool report_expect(const json_t *report, const char *text, bool *held, double *value, char *why, size_t why_len) {
	char path[128], op[4];
	double wanted;
	bool known;
	int end = 0;

	if (sscanf(text, "%127s %3s %lf %n", path, op, &wanted, &end) != 3 || text[end] ||
		(compare(0, op, 0, &known), !known)) {
		snprintf(why, why_len, "'%s' is not of the form PATH OP NUMBER, as in traffic.*.lost == 0", text);
		return false;
	}
	*held = true;
	*value = 0;
	if (!judge(report, path, op, wanted, held, value)) {
		*held = false;
		snprintf(why, why_len, "'%s': no number in the report has this path", path);
		return false;
	}
	return true;
}

static json_int_t integer(const json_t *o, const char *key) {
	return json_integer_value(json_object_get(o, key));
}

static double number(const json_t *o, const char *key) {
	return json_number_value(json_object_get(o, key));
}

void report_table(const struct scenario *s, const json_t *report, FILE *out) {
	const json_t *spokes = json_object_get(report, "spokes"), *reg = json_object_get(report, "registration"), *t;
	const char *problem = json_string_value(json_object_get(report, "problem"));
	size_t i;

	fprintf(out, "\n%s: %s\n\n", s->name, s->description);
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
	if (json_array_size(json_object_get(report, "traffic")))
		fprintf(out, "%-16s %6s %7s %10s %8s %8s %8s %8s %8s\n", "traffic", "inner", "spokes", "sent", "lost",
			"wrong", "cycles", "Mpps", "Gbit/s");
	json_array_foreach(json_object_get(report, "traffic"), i, t) {
		fprintf(out, "%-16s %6s %7lld %10lld %8lld %8lld %8.0f %8.2f %8.2f\n",
			json_string_value(json_object_get(t, "name")), json_string_value(json_object_get(t, "inner")),
			integer(t, "spokes"), integer(t, "sent"), integer(t, "lost"), integer(t, "corrupt"),
			number(t, "cycles_per_packet"), number(t, "mpps"), number(t, "gbps"));
	}
	if (json_array_size(json_object_get(report, "traffic")))
		fprintf(out, "cycles: busy TSC cycles of the hub's workers per packet, median of rounds; Mpps and "
			     "Gbit/s per worker core\n");
	if (problem && *problem)
		fprintf(out, "\nwrong frames: %lld, the first: %s\n", integer(report, "wrong_frames"), problem);
	fputc('\n', out);
	json_array_foreach(json_object_get(report, "expect"), i, t) {
		fprintf(out, "%-6s %s", json_is_true(json_object_get(t, "held")) ? "held" : "FAILED",
			json_string_value(json_object_get(t, "text")));
		if (!json_is_true(json_object_get(t, "held")))
			fprintf(out, "   (is %g)", number(t, "value"));
		fputc('\n', out);
	}
}
