// SPDX-License-Identifier: BSD-3-Clause
#include "ladder.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_lcore.h>
#include <rte_mbuf.h>

#include "commands.h"
#include "console.h"
#include "control.h"
#include "crypto_ipsec_mb.h"
#include "datapath.h"
#include "eal.h"
#include "identity.h"
#include "ike_ctl.h"
#include "ike_vici.h"
#include "ipsec.h"
#include "nhrp_ctl.h"
#include "pkt_meta.h"
#include "port.h"
#include "publish.h"
#include "route_ctl.h"
#include "sa_ctl.h"
#include "telemetry.h"
#include "tunnel_ctl.h"
#include "clock.h" // after DPDK

#define MBUF_CACHE 256

// Left out, these would send in clear, or onto another network, what was meant to be kept apart.
static bool is_unsafe_to_leave_out(const char *key) {
	static const char *const unsafe[] = {"protection", "vlan"};

	for (unsigned i = 0; i < sizeof(unsafe) / sizeof(unsafe[0]); i++)
		if (strstr(key, unsafe[i]))
			return true;
	return false;
}

static void check_parts(const struct conf *conf, FILE *out) {
	for (unsigned i = 0; i < conf->n_tunnels; i++)
		if (conf->tunnels[i].redirect)
			conf_complain(conf, conf->tunnels[i].mark, out, "tunnels.%s: redirects: not in this build",
				conf->tunnels[i].name);
	for (unsigned i = 0; i < conf->n_routes; i++)
		if (conf->routes[i].n_via > 1)
			conf_complain(conf, conf->routes[i].mark, out,
				"route with %u next hops: not in this build: the first is used", conf->routes[i].n_via);
}

unsigned nave_check_features(const struct conf *conf, FILE *out) {
	unsigned unsafe = 0;

	check_parts(conf, out);
	for (unsigned i = 0; i < conf->n_later; i++) {
		bool refuse = is_unsafe_to_leave_out(conf->later[i].key);

		conf_complain(conf, conf->later[i].mark, out, "%s: not in this build%s", conf->later[i].key,
			refuse ? ", and unsafe to ignore: the hub does not start with it" : "");
		unsafe += refuse;
	}
	return unsafe;
}

static int step_failed(FILE *errors, const char *what, int rc) {
	fprintf(errors, "%s: %s\n", what, strerror(-rc));
	return rc;
}

static bool lcores_share_a_cpu(const struct conf *conf) {
	for (unsigned i = 0; i < conf->hub.n_workers; i++) {
		if (conf->hub.worker_cpus[i] == conf->hub.control_cpu)
			return true;
		for (unsigned j = 0; j < i; j++)
			if (conf->hub.worker_cpus[i] == conf->hub.worker_cpus[j])
				return true;
	}
	return false;
}

// Descriptors of every queue, packets in rings between workers, caches.
static uint32_t rx_mbufs(const struct conf *conf) {
	return conf->hub.n_workers * (conf->n_ports * 4096u + 8192u);
}

static uint16_t rx_room(const struct conf *conf) {
	uint16_t room = RTE_MBUF_DEFAULT_BUF_SIZE;

	for (unsigned i = 0; i < conf->n_ports; i++)
		room = RTE_MAX(room, port_buffer_room(conf->ports[i].mtu));
	return room;
}

// A holder that is preempted in a pool's default ring makes the others on its CPU spin for a whole time slice.
static int up_rx_pool(struct nave *nave, const struct ladder_options *opt) {
	const struct conf *conf = nave->conf;
	uint32_t n = opt->rx_mbufs ? opt->rx_mbufs : rx_mbufs(conf);

	nave->rx_pool = rte_pktmbuf_pool_create_by_ops("rx", n, MBUF_CACHE, PKT_PRIV_SIZE, rx_room(conf), SOCKET_ID_ANY,
		lcores_share_a_cpu(conf) ? "ring_mt_rts" : NULL);
	return nave->rx_pool ? 0 : -rte_errno;
}

static int up_fwd(struct nave *nave) {
	struct fwd_sizes sizes = {.max_spokes = nave->conf->hub.max_spokes, .n_workers = nave->conf->hub.n_workers};

	return fwd_init(&nave->fwd, &sizes);
}

// The widest of the receive windows; 0: no tunnel is protected.
static uint16_t window_max(const struct conf *conf) {
	uint16_t max = 0;

	for (unsigned i = 0; i < conf->n_tunnels; i++) {
		const struct conf_tunnel *t = &conf->tunnels[i];

		if (t->protection == CONF_PROTECTION_NONE)
			continue;
		max = RTE_MAX(max, t->replay_window);
		for (uint32_t j = 0; j < t->n_sas; j++)
			max = RTE_MAX(max, t->sas[j].replay_window);
	}
	return max;
}

static int up_ipsec(struct nave *nave, const struct ladder_options *opt, FILE *errors) {
	struct ipsec_conf ic = {
		.ops = opt->crypto ? opt->crypto : &crypto_ipsec_mb_ops,
		.max_peers = nave->fwd.peers.max,
		.peers = &nave->fwd.peers,
		.window_max = window_max(nave->conf),
	};

	if (!ic.window_max)
		return 0;
	nave->fwd.ipsec = ipsec_create(&ic);
	if (nave->fwd.ipsec)
		return 0;
	if (errno != E2BIG)
		return step_failed(errors, "tables of SAs (less of hub.max-spokes needs less memory)", -errno);
	conf_complain(nave->conf, nave->conf->hub.mark, errors,
		"hub.max-spokes: %u are too many where a tunnel is protected: SPIs have indexes for 77,000",
		nave->conf->hub.max_spokes);
	return -E2BIG;
}

static int up_datapath(struct nave *nave, const struct ladder_options *opt) {
	struct datapath_conf dc = {
		.fwd = &nave->fwd,
		.n_workers = nave->conf->hub.n_workers,
		.idle = nave->conf->hub.idle == CONF_IDLE_POLL ? IDLE_POLL : IDLE_SLEEP,
		.stage_accounting = opt->stage_accounting,
	};

	for (unsigned i = 0; i < dc.n_workers; i++)
		dc.lcores[i] = EAL_LCORE_WORKER(i);
	nave->datapath = datapath_create(&dc);
	return nave->datapath ? 0 : -rte_errno;
}

static bool publish_turns(void *publish, uint64_t now_ns) {
	return publish_turn(publish, now_ns);
}

static int up_control(struct nave *nave) {
	nave->control = control_create(nave);
	if (!nave->control)
		return -errno;
	nave->publish = publish_create(&nave->fwd);
	return nave->publish ? control_on_turn(nave->control, publish_turns, nave->publish) : -errno;
}

static int up_console(struct nave *nave, const struct ladder_options *opt, FILE *errors) {
	int rc = 0;

	nave->console = console_create(nave);
	if (!nave->console)
		return -errno;
	rc = commands_add(nave->console);
	if (rc < 0)
		return rc;
	if (opt->console_socket)
		rc = console_open_socket(nave->console, nave->conf->console.socket, nave->conf->console.admin_group);
	if (rc < 0)
		fprintf(errors, "console.socket %s: %s\n", nave->conf->console.socket, strerror(-rc));
	return rc;
}

static int up_tables(struct nave *nave, const struct ladder_options *opt, FILE *errors) {
	int rc = up_fwd(nave);

	if (rc < 0)
		return step_failed(errors, "forwarding tables (less of hub.max-spokes needs less memory)", rc);
	rc = up_ipsec(nave, opt, errors);
	if (rc < 0)
		return rc;
	rc = up_rx_pool(nave, opt);
	if (rc < 0)
		return step_failed(errors, "receive buffers", rc);
	rc = up_datapath(nave, opt);
	if (rc < 0)
		return step_failed(errors, "workers", rc);
	rc = up_control(nave);
	if (rc < 0)
		return step_failed(errors, "control core", rc);
	return 0;
}

static int up_ike(struct nave *nave, FILE *errors) {
	if (!ike_ctl_is_wanted(nave->conf))
		return 0;
	nave->ike = ike_ctl_create(nave, errors);
	if (!nave->ike)
		return -errno;
	if (!ike_vici_is_wanted(nave->conf))
		return 0;
	nave->ike_vici = ike_vici_create(nave);
	if (!nave->ike_vici)
		return step_failed(errors, "ike.vici", -errno);
	ike_ctl_follow(nave->ike);
	return 0;
}

static int up_identities(struct nave *nave) {
	if (!ike_ctl_is_wanted(nave->conf))
		return 0;
	nave->identities = identities_create(nave->conf);
	return nave->identities ? 0 : -ENOMEM;
}

static int up_features(struct nave *nave, FILE *errors) {
	int rc;

	nave->tunnels = tunnel_ctl_create(nave, errors);
	if (!nave->tunnels)
		return -errno;
	rc = up_identities(nave);
	if (rc < 0)
		return step_failed(errors, "IKE identities", rc);
	nave->sas = sa_ctl_create(nave);
	if (!nave->sas)
		return step_failed(errors, "SAs", -errno);
	rc = sa_ctl_configure(nave->sas, errors); // before NHRP: a static map needs its peer
	if (rc < 0)
		return rc;
	nave->routes = route_ctl_create(nave, errors);
	if (!nave->routes)
		return -errno;
	nave->nhrp = nhrp_ctl_create(nave);
	if (!nave->nhrp)
		return step_failed(errors, "NHRP", -errno);
	return up_ike(nave, errors);
}

static int up_operator(struct nave *nave, const struct ladder_options *opt, FILE *errors) {
	int rc = up_console(nave, opt, errors);

	if (rc < 0 || !opt->telemetry)
		return rc;
	nave->telemetry = telemetry_create(nave);
	return nave->telemetry ? 0 : step_failed(errors, "telemetry", -errno);
}

int nave_up(struct nave *nave, struct conf *conf, const struct ladder_options *opt, FILE *errors) {
	int rc;

	memset(nave, 0, sizeof(*nave));
	nave->conf = conf;
	nave->interactive = opt->interactive;
	nave->started_ns = clock_now_ns();
	rc = up_tables(nave, opt, errors);
	if (rc == 0)
		rc = up_features(nave, errors);
	if (rc == 0)
		rc = up_operator(nave, opt, errors);
	if (rc == 0)
		return 0;
	nave->conf = NULL;
	nave_down(nave);
	return rc;
}

// The terminal last, so that its prompt does not come before what the start has to say.
int nave_start(struct nave *nave) {
	int rc = datapath_start(nave->datapath);

	return rc == 0 && nave->interactive ? console_open_terminal(nave->console) : rc;
}

void nave_down(struct nave *nave) {
	if (nave->datapath)
		datapath_stop(nave->datapath);
	telemetry_free(nave->telemetry);
	console_free(nave->console);
	ike_vici_free(nave->ike_vici);
	ike_ctl_free(nave->ike);
	nhrp_ctl_free(nave->nhrp);
	route_ctl_free(nave->routes);
	sa_ctl_free(nave->sas);
	identities_free(nave->identities);
	tunnel_ctl_free(nave->tunnels);
	publish_free(nave->publish);
	control_free(nave->control);
	datapath_free(nave->datapath);
	rte_mempool_free(nave->rx_pool);
	ipsec_free(nave->fwd.ipsec);
	if (nave->fwd.rcu)
		fwd_fini(&nave->fwd);
	conf_free(nave->conf);
	memset(nave, 0, sizeof(*nave));
}
