// SPDX-License-Identifier: BSD-3-Clause
#include "run.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <rte_cycles.h>
#include <rte_errno.h>
#include <rte_eth_ring.h>
#include <rte_ethdev.h>
#include <rte_launch.h>

#include "capture.h"
#include "conf.h"
#include "control.h"
#include "crypto_ipsec_mb.h"
#include "crypto_null.h"
#include "datapath.h"
#include "eal.h"
#include "expect.h"
#include "fetch.h"
#include "ipsec.h"
#include "lab.h"
#include "ladder.h"
#include "nhrp_ctl.h"
#include "register.h"
#include "report.h"
#include "rounds.h"
#include "sas.h"
#include "spoke_esp.h"
#include "tunnel_ctl.h"

#define GENERATOR_POOL_MBUFS 16383
#define GENERATOR_POOL_CACHE 256
#define GENERATOR_MBUF_BYTES 2176

struct run {
	struct lab lab;
	struct results *results;
};

static struct run *running; // for the signal handler

static void on_signal(int sig) {
	(void)sig;
	if (running)
		running->lab.interrupted = true;
}

// Rings first, then the hub's ethdev on them; the generator uses the other ends as they are.
static int wire_make(struct lab *lab, unsigned port) {
	struct lab_port *p = &lab->ports[port];
	char name[32];
	int ethdev;

	for (uint16_t q = 0; q < lab->n_queues; q++) {
		snprintf(name, sizeof(name), "to_hub%u_%u", port, q);
		p->to_hub[q] = rte_ring_create(name, LAB_RING_SIZE, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
		snprintf(name, sizeof(name), "from_hub%u_%u", port, q);
		p->from_hub[q] = rte_ring_create(name, LAB_RING_SIZE, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
		if (!p->to_hub[q] || !p->from_hub[q])
			return -ENOMEM;
	}
	snprintf(name, sizeof(name), "hub%u", port);
	ethdev = rte_eth_from_rings(name, p->to_hub, lab->n_queues, p->from_hub, lab->n_queues, SOCKET_ID_ANY);
	if (ethdev < 0)
		return -rte_errno;
	p->ethdev = (uint16_t)ethdev;
	return 0;
}

static int wires_make(struct lab *lab) {
	lab->n_queues = lab->scenario->workers;
	lab->n_ports = scenario_has_lan(lab->scenario) ? LAB_PORTS : 1;
	for (unsigned port = 0; port < lab->n_ports; port++) {
		int rc = wire_make(lab, port);

		if (rc < 0)
			return rc;
	}
	lab->pool = rte_pktmbuf_pool_create_by_ops("generator", GENERATOR_POOL_MBUFS, GENERATOR_POOL_CACHE,
		PKT_PRIV_SIZE, GENERATOR_MBUF_BYTES, SOCKET_ID_ANY, "ring_mt_rts");
	return lab->pool ? 0 : -rte_errno;
}

// Control shares this CPU where there are two: it goes first whenever it has work (4.1 against 1.1 ms a turn, p99).
static void give_way(void) {
	struct sched_param p = {0};

	sched_setscheduler(0, SCHED_IDLE, &p);
}

static int generate(void *arg) {
	struct run *run = arg;
	struct lab *lab = &run->lab;
	bool ok;

	give_way();
	ok = register_all(lab, run->results) && register_refresh(lab, run->results) && rounds_run(lab, run->results);

	lab_progress(lab, "%s", "");
	run->results->aborted = !ok;
	control_stop(lab->nave->control);
	return 0;
}

static void drops_print(const struct nave *nave) {
	struct lcore_counters *c = malloc(sizeof(*c));

	if (!c)
		return;
	datapath_counters(nave->datapath, c);
	for (unsigned i = 0; i < DROP_REASON_COUNT; i++)
		if (c->drops[i])
			fprintf(stderr, "hub dropped %lu: %s\n", c->drops[i], drop_reason_help(i));
	free(c);
}

static json_t *judge(const struct scenario *s, const struct results *results) {
	json_t *report = report_json(s, results), *list = json_array();
	bool passed = !results->aborted;

	for (unsigned i = 0; i < s->n_expect; i++) {
		struct expect e;
		char why[200];

		if (!expect_judge(report, s->expect[i], &e, why, sizeof(why)))
			fprintf(stderr, "nave-lab: expect: %s\n", why);
		passed = passed && e.held;
		json_array_append_new(list, json_pack("{s:s, s:b, s:b, s:f}", "text", s->expect[i], "held", e.held,
						    "unresolved", e.unresolved, "value", e.value));
	}
	json_object_set_new(report, "expect", list);
	json_object_set_new(report, "passed", json_boolean(passed));
	return report;
}

// What of the spokes follows from a hub that is up.
static int spokes_make(struct lab *lab, const struct run_options *opt) {
	int rc = fetch_install(lab);

	for (unsigned port = 0; port < lab->n_ports; port++)
		memcpy(lab->ports[port].mac, tunnel_ctl_port(lab->nave->tunnels, port)->mac.addr_bytes, 6);
	spoke_frame_init(&lab->frame, &lab->scenario->spokes, lab->ports[LAB_WAN].mac);
	if (rc == 0 && scenario_is_protected(lab->scenario))
		rc = sas_add(lab);
	if (rc == 0 && lab->esp && opt->keys_file)
		rc = sas_write_keys(lab, opt->keys_file);
	return rc;
}

static uint64_t hub_bytes(const struct nave *nave) {
	return fwd_bytes(&nave->fwd) + nhrp_cache_bytes(nhrp_ctl_cache(nave->nhrp)) +
	       (uint64_t)nave->fwd.n_workers * nave->fwd.peers.max * sizeof(struct spoke_counters) +
	       (nave->fwd.ipsec ? ipsec_bytes(nave->fwd.ipsec) : 0);
}

static json_t *hub_run(struct run *run, struct nave *nave, const struct run_options *opt) {
	struct lab *lab = &run->lab;
	unsigned lcore = EAL_LCORE_WORKER(lab->scenario->workers);
	json_t *report;
	int rc;

	if (opt->capture_file &&
		!(lab->capture = capture_open(opt->capture_file, lab->ports[LAB_WAN].ethdev, opt->capture_frames)))
		return NULL;
	if (spokes_make(lab, opt) < 0)
		return NULL;
	rc = nave_start(nave);
	if (rc < 0) {
		fprintf(stderr, "nave-lab: the workers do not start: %s\n", strerror(-rc));
		return NULL;
	}
	pthread_getcpuclockid(pthread_self(), &lab->control_clock);
	running = run;
	rte_eal_remote_launch(generate, run, lcore);
	control_run(nave->control);
	lab->interrupted = true; // when control was stopped by a signal
	rte_eal_wait_lcore(lcore);
	running = NULL;
	run->results->hub_bytes = hub_bytes(nave);
	report = judge(lab->scenario, run->results);
	if (!json_is_true(json_object_get(report, "passed")))
		drops_print(nave);
	return report;
}

// More workers than CPUs share those that control does not have, so that handing over can be run anywhere.
static void workers_place(struct conf *conf) {
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	for (uint16_t w = 0; w < conf->hub.n_workers; w++)
		conf->hub.worker_cpus[w] = cpus > 1 ? 1 + w % (cpus - 1) : 0;
}

json_t *run_scenario(const struct scenario *s, const struct run_options *opt) {
	struct run run = {.lab = {.scenario = s, .progress = isatty(STDERR_FILENO)}};
	struct eal_options eal = {.n_extra = 1, .extra_cpus = {0}, .memory_mib = 512, .no_telemetry = true};
	struct ladder_options ladder = {0};
	struct nave *nave = calloc(1, sizeof(*nave));
	struct conf *conf = NULL;
	json_t *report = NULL;
	char name[CONF_NAME_LEN], *text;

	snprintf(name, sizeof(name), "lab-%d", (int)getpid());
	text = lab_hub_config(s, name);
	run.lab.spokes = calloc(s->spokes.count, sizeof(*run.lab.spokes));
	run.results = calloc(1, sizeof(*run.results));
	if (!text || !nave || !run.lab.spokes || !run.results)
		goto out;
	conf = conf_load_text("hub", text, stderr);
	if (!conf)
		goto out;
	workers_place(conf);
	signal(SIGINT, on_signal);
	signal(SIGTERM, on_signal);
	if (nave_eal_init(conf, &eal, stderr) < 0)
		goto out;
	run.lab.nave = nave;
	run.lab.crypto = ladder.crypto = s->crypto == HUB_CRYPTO_NULL ? &crypto_null_ops : &crypto_ipsec_mb_ops;
	run.results->tsc_hz = rte_get_tsc_hz();
	run.results->hugepages_mib = nave_eal_hugepages_mib();
	run.results->max_spokes = s->max_spokes;
	if (wires_make(&run.lab) < 0) {
		fprintf(stderr, "nave-lab: no memory for rings and frames: %s\n", rte_strerror(rte_errno));
		goto out_eal;
	}
	if (nave_up(nave, conf, &ladder, stderr) < 0)
		goto out_eal;
	conf = NULL; // nave_down frees it
	report = hub_run(&run, nave, opt);
	nave_down(nave);
	spoke_esp_free(run.lab.esp);
	capture_close(run.lab.capture);
out_eal:
	nave_eal_cleanup();
out:
	if (conf)
		conf_free(conf);
	free(text);
	free(run.lab.spokes);
	free(run.results);
	free(nave);
	return report;
}
