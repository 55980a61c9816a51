// SPDX-License-Identifier: BSD-3-Clause
#include "report.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#include <rte_version.h>

#include "limit.h"

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

static void add_f64(json_t *o, const char *key, double v) {
	json_object_set_new(o, key, round_f64(v));
}

static void add_count(json_t *o, const char *key, uint64_t v) {
	json_object_set_new(o, key, json_integer((json_int_t)v));
}

// The figures of each round that a row has, so that another way to judge them can be tried on them.
static void add_rounds(json_t *o, const struct traffic_result *t, const char *key, size_t member) {
	json_t *list = json_array();

	for (unsigned i = 0; i < t->n_rounds; i++)
		json_array_append_new(list, round_f64(*(const double *)((const char *)&t->rounds[i] + member)));
	json_object_set_new(o, key, list);
}

static void add_yardsticks(json_t *o, const struct traffic_result *t) {
	if (t->has_port) {
		add_f64(o, "port_cycles_per_packet", t->port.mid);
		add_rounds(o, t, "port_rounds", offsetof(struct round_result, port));
	}
	if (!t->has_limit)
		return;
	add_f64(o, "limit_cycles_per_packet", t->limit.mid);
	add_f64(o, "limit_n_cycles_per_packet", t->limit_n.mid);
	add_rounds(o, t, "limit_rounds", offsetof(struct round_result, limit));
	add_f64(o, "ratio_to_limit", t->ratio.mid);
	json_object_set_new(
		o, "ratio_interval_95", json_pack("[o, o]", round_f64(t->ratio.low), round_f64(t->ratio.high)));
	add_f64(o, "ratio_low", t->ratio.low);
	add_f64(o, "ratio_high", t->ratio.high);
}

static const char *cipher(const struct scenario *s) {
	return scenario_is_protected(s) ? esp_suites[s->spokes.protection].name : "none";
}

static json_t *traffic_json(const struct scenario *s, unsigned k, const struct traffic_result *t) {
	static const char *const paths[] = {
		[PATH_HAIRPIN] = "hairpin", [PATH_SPOKE_TO_LAN] = "spoke-to-lan", [PATH_LAN_TO_SPOKE] = "lan-to-spoke"};
	const struct scenario_traffic *c = &s->traffic[k];
	char inner[16];
	json_t *o;

	snprintf(inner, sizeof(inner), c->mix == INNER_IMIX ? "imix" : "%u", c->inner_bytes);
	o = json_pack("{s:s, s:s, s:s, s:I, s:s}", "name", c->name, "inner", inner, "path", paths[c->path], "spokes",
		(json_int_t)scenario_row_spokes(s, c), "cipher", cipher(s));
	add_count(o, "sent", t->sent);
	add_count(o, "received", t->received);
	add_count(o, "lost", t->lost);
	add_count(o, "corrupt", t->corrupt);
	add_count(o, "replayed", t->replayed);
	add_count(o, "reordered", t->reordered);
	json_object_set_new(o, "unaccounted", json_integer((json_int_t)(t->sent - t->received - t->named_drops)));
	add_f64(o, "mean_inner_bytes", t->mean_inner_bytes);
	add_f64(o, "mpps", t->mpps);
	add_f64(o, "gbps", t->gbps);
	add_f64(o, "cycles_per_packet", t->cycles.mid);
	add_rounds(o, t, "rounds", offsetof(struct round_result, hub));
	add_yardsticks(o, t);
	return o;
}

static json_t *registration_json(const struct registration_result *g) {
	json_t *o = json_object();

	add_f64(o, "per_second", g->per_second);
	add_count(o, "p50_us", g->p50_us);
	add_count(o, "p99_us", g->p99_us);
	add_count(o, "max_us", g->max_us);
	add_count(o, "retries", g->retries);
	add_f64(o, "refresh_per_second", g->refresh_per_second);
	add_f64(o, "refresh_per_control_second", g->refresh_per_control_second);
	add_count(o, "refreshes", g->refreshes);
	add_count(o, "traffic_sent", g->traffic_sent);
	add_count(o, "traffic_lost", g->traffic_lost);
	add_count(o, "replayed", g->replayed);
	add_count(o, "reordered", g->reordered);
	return o;
}

static json_t *machine_json(const struct results *r) {
	char cpu[128];

	cpu_model(cpu, sizeof(cpu));
	return json_pack("{s:s, s:I, s:s, s:s, s:I}", "cpu", cpu, "tsc_hz", (json_int_t)r->tsc_hz, "ipsec_mb",
		limit_library(), "dpdk", rte_version(), "hugepages_mib", (json_int_t)r->hugepages_mib);
}

json_t *report_json(const struct scenario *s, const struct results *r) {
	const struct registration_result *g = &r->registration;
	json_t *traffic = json_array(), *o;

	for (unsigned k = 0; k < s->n_traffic; k++)
		json_array_append_new(traffic, traffic_json(s, k, &r->traffic[k]));
	o = json_pack("{s:s, s:s, s:I, s:o, s:{s:I, s:I, s:I}, s:o, s:o, s:s}", "name", s->name, "description",
		s->description, "seed", (json_int_t)s->seed, "machine", machine_json(r), "spokes", "configured",
		(json_int_t)s->spokes.count, "registered", (json_int_t)g->registered, "refused", (json_int_t)g->refused,
		"registration", registration_json(g), "traffic", traffic, "problem", r->problem);
	json_object_set_new(o, "memory",
		json_pack("{s:I, s:I, s:o}", "hub_bytes", (json_int_t)r->hub_bytes, "max_spokes",
			(json_int_t)r->max_spokes, "bytes_per_spoke",
			round_f64(r->max_spokes ? (double)r->hub_bytes / r->max_spokes : 0)));
	add_count(o, "wrong_frames", r->wrong_frames);
	return o;
}
