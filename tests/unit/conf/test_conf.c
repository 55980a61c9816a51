// SPDX-License-Identifier: BSD-3-Clause
// What a good file becomes: the block of the contract value by value, defaults, presets, and the files that are
// shipped.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "conf.h"

static struct conf *load_file(const char *path) {
	char full[512];
	struct conf *c;

	snprintf(full, sizeof(full), "%s/%s", getenv("SOURCE_ROOT"), path);
	c = conf_load(full, stderr);
	if (!c)
		fail_msg("%s was refused", path);
	return c;
}

static struct conf *load(const char *text) {
	struct conf *c = conf_load_text("test.yaml", text, stderr);

	assert_non_null(c);
	return c;
}

static void assert_addr(const struct addr *a, const char *expected) {
	char buf[ADDR_STRLEN];

	assert_string_equal(addr_format(a, buf), expected);
}

static void design_block_hub_vrfs_ports(void **state) {
	struct conf *c = load_file("tests/unit/conf/design-block.yaml");

	(void)state;
	assert_string_equal(c->hub.name, "hub1");
	assert_int_equal(c->hub.control_cpu, 0);
	assert_int_equal(c->hub.n_workers, 1);
	assert_int_equal(c->hub.worker_cpus[0], 1);
	assert_int_equal(c->hub.hugepages_mib, HUGEPAGES_AUTO);
	assert_int_equal(c->hub.idle, CONF_IDLE_SLEEP);
	assert_int_equal(c->hub.max_spokes, 20000);
	assert_int_equal(c->hub.mark.line, 2);

	assert_int_equal(c->n_vrfs, 2);
	assert_string_equal(c->vrfs[0].name, "");
	assert_int_equal(c->vrfs[0].routes_max_ipv4, 100000);
	assert_int_equal(c->vrfs[0].mark.line, 0);
	assert_string_equal(c->vrfs[1].name, "red");
	assert_string_equal(c->vrfs[1].host_netns, "ov-red");
	assert_string_equal(c->vrfs[1].fpm, "127.0.0.1:2620");
	assert_int_equal(c->vrfs[1].routes_max_ipv6, 20000);

	assert_int_equal(c->n_ports, 2);
	assert_string_equal(c->ports[0].name, "wan0");
	assert_string_equal(c->ports[0].device, "net_af_xdp0,iface=eth1");
	assert_string_equal(c->ports[0].device_netns, "");
	assert_string_equal(c->ports[0].host_netns, "underlay");
	assert_int_equal(c->ports[0].vrf, 0);
	assert_int_equal(c->ports[0].vlan, 0);
	assert_int_equal(c->ports[0].mtu, 1500);
	assert_int_equal(c->ports[0].queues, 0);
	assert_true(c->ports[0].host);
	assert_int_equal(c->ports[0].n_addresses, 3);
	assert_addr(&c->ports[0].addresses[2].addr, "2001:db8::1");
	assert_int_equal(c->ports[0].addresses[2].len_bits, 64);
	assert_int_equal(c->ports[0].n_gateways, 2);
	assert_addr(&c->ports[0].gateways[0].addr, "192.0.2.254");
	assert_int_equal(c->ports[1].n_addresses, 1); // a scalar is a list of one
	assert_addr(&c->ports[1].addresses[0].addr, "172.16.0.1");
	assert_int_equal(c->ports[1].addresses[0].mark.line, 11);
	conf_free(c);
}

static void design_block_tunnel_routes(void **state) {
	struct conf *c = load_file("tests/unit/conf/design-block.yaml");
	const struct conf_tunnel *t = &c->tunnels[0];

	(void)state;
	assert_int_equal(c->n_tunnels, 1);
	assert_string_equal(t->name, "dmvpn0");
	assert_int_equal(t->port, 0);
	assert_addr(&t->source, "192.0.2.1");
	assert_true(t->has_key);
	assert_int_equal(t->key, 1001);
	assert_int_equal(t->n_addresses, 2);
	assert_int_equal(t->addresses[0].len_bits, 16);
	assert_int_equal(t->network_id, 1);
	assert_int_equal(t->phase, 3);
	assert_int_equal(t->mtu, 1400);
	assert_int_equal(t->tcp_mss, 1360);
	assert_int_equal(t->vrf, 1);
	assert_true(t->multicast_dynamic);
	assert_int_equal(t->protection, CONF_PROTECTION_IKE);
	assert_int_equal(t->replay_window, 1024);
	assert_true(t->anti_spoof);
	assert_string_equal(t->authentication, "secret");
	assert_int_equal(t->holding_time_s, 600);
	assert_int_equal(t->resolution, CONF_RESOLUTION_FORWARD);
	assert_true(t->redirect);
	assert_false(t->shortcut);
	assert_int_equal(t->redirect_interval_ms, 8000);
	assert_int_equal(t->max_registrations, 20000);
	assert_int_equal(t->n_nhs, 1);
	assert_addr(&t->nhs[0].nbma, "198.51.100.1");
	assert_int_equal(t->n_static, 1);
	assert_addr(&t->statics[0].protocol, "10.255.0.9");
	assert_addr(&t->statics[0].nbma, "192.0.2.9");
	assert_true(t->statics[0].multicast);

	assert_int_equal(c->n_routes, 3);
	assert_int_equal(c->routes[0].vrf, 1);
	assert_int_equal(c->routes[0].prefix.len_bits, 16);
	assert_int_equal(c->routes[0].n_via, 1);
	assert_int_equal(c->routes[0].via[0].tunnel, 0);
	assert_int_equal(c->routes[0].via[0].port, CONF_NONE);
	assert_int_equal(c->routes[1].via[0].port, 1);
	assert_int_equal(c->routes[1].via[0].tunnel, CONF_NONE);
	assert_true(c->routes[2].blackhole);
	assert_string_equal(c->ike.vici, "/run/nave/charon.vici");
	assert_int_equal(c->ike.orphan_grace_s, 3600);
	assert_int_equal(c->ike.mark.line, 32);
	assert_string_equal(c->console.socket, "/run/nave/console.sock");
	assert_string_equal(c->console.admin_group, "nave-admin");
	conf_free(c);
}

// Accepted whole, and each key of a later feature named with its place.
static void design_block_later(void **state) {
	static const char *const expected[] = {"vrfs.red.fpm", "tunnels.dmvpn0.nhrp.nhs"};
	struct conf *c = load_file("tests/unit/conf/design-block.yaml");
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	(void)state;
	assert_int_equal(c->n_later, 2);
	for (unsigned i = 0; i < 2; i++)
		assert_string_equal(c->later[i].key, expected[i]);
	assert_int_equal(conf_refuse_later(c, out), 2);
	fclose(out);
	assert_non_null(
		strstr(text, "design-block.yaml:4:35: vrfs.red.fpm is valid, but not in this build: leave it out\n"));
	free(text);
	conf_free(c);
}

static void defaults(void **state) {
	struct conf *c = load(
		"version: 1\n"
		"ports: {wan0: {device: net_null0, address: 192.0.2.1/24}}\n"
		"tunnels: {t: {source: {port: wan0, address: 192.0.2.1}, address: 10.0.0.1/24, protection: none}}\n");

	(void)state;
	assert_string_equal(c->hub.name, "nave");
	assert_int_equal(c->hub.n_workers, 1);
	assert_int_equal(c->hub.worker_cpus[0], 1);
	assert_int_equal(c->hub.max_spokes, 20000);
	assert_int_equal(c->hub.mark.line, 0);
	assert_int_equal(c->n_vrfs, 1);
	assert_int_equal(c->ports[0].mtu, 1500);
	assert_true(c->ports[0].host);
	assert_int_equal(c->ports[0].public_address.family, ADDR_NONE);
	assert_false(c->tunnels[0].has_key);
	assert_int_equal(c->tunnels[0].phase, 3);
	assert_int_equal(c->tunnels[0].mtu, 1400);
	assert_int_equal(c->tunnels[0].tcp_mss, 0);
	assert_true(c->tunnels[0].host);
	assert_false(c->tunnels[0].checksum);
	assert_false(c->tunnels[0].anti_spoof);
	assert_int_equal(c->tunnels[0].holding_time_s, 600);
	assert_int_equal(c->tunnels[0].redirect_interval_ms, 8000);
	assert_int_equal(c->ike.mark.line, 0);
	assert_string_equal(c->console.socket, "/run/nave/nave.sock");
	assert_int_equal(c->n_later, 0);
	conf_free(c);
}

static void phase_presets(void **state) {
	static const struct {
		const char *keys;
		uint8_t resolution;
		bool redirect;
		uint32_t interval_ms;
	} cases[] = {
		{"phase: 1", CONF_RESOLUTION_REFUSE, false, 8000},
		{"phase: 2", CONF_RESOLUTION_ANSWER, false, 8000},
		{"phase: 3", CONF_RESOLUTION_FORWARD, true, 8000},
		{"phase: 3, nhrp: {redirect: false}", CONF_RESOLUTION_FORWARD, false, 8000},
		{"nhrp: {redirect: {enabled: off, interval: 2s}}, phase: 3", CONF_RESOLUTION_FORWARD, false, 2000},
		{"phase: 3, nhrp: {redirect: {interval: 500ms}}", CONF_RESOLUTION_FORWARD, true, 500},
		{"nhrp: {resolution: forward, redirect: true}, phase: 1", CONF_RESOLUTION_FORWARD, true, 8000},
		{"nhrp: {resolution: forward}, phase: 2", CONF_RESOLUTION_FORWARD, false, 8000},
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[512];
		struct conf *c;

		snprintf(text, sizeof(text),
			"version: 1\nports: {p: {device: d, address: 192.0.2.1/24}}\n"
			"tunnels: {t: {source: {port: p, address: 192.0.2.1}, address: 10.0.0.1/24, protection: none, "
			"%s}}\n",
			cases[i].keys);
		c = load(text);
		assert_int_equal(c->tunnels[0].resolution, cases[i].resolution);
		assert_int_equal(c->tunnels[0].redirect, cases[i].redirect);
		assert_int_equal(c->tunnels[0].redirect_interval_ms, cases[i].interval_ms);
		conf_free(c);
	}
}

static void keys_beside_the_contract(void **state) {
	struct conf *c = load(
		"version: 1\n"
		"vrfs: {default: {host-netns: /run/netns/ov}, blue: ~}\n"
		"ports: {p: {device: d, host: no, address: 192.0.2.1/24, vrf: default,\n"
		"            neighbours: [{address: 192.0.2.9, mac: '02:00:00:00:00:09'}, {address: 192.0.2.10, mac: "
		"02:00:00:00:00:AA}]}}\n"
		"tunnels: {t: {source: {port: p, address: 192.0.2.1}, address: 10.0.0.1/24, protection: {mode: none, "
		"anti-spoof: strict},\n"
		"              checksum: true, host: false, key: 0xffffffff, vrf: blue, nhrp: {holding-time: 10m}}}\n");

	(void)state;
	assert_int_equal(c->n_vrfs, 2);
	assert_string_equal(c->vrfs[0].host_netns, "/run/netns/ov");
	assert_string_equal(c->vrfs[1].name, "blue");
	assert_false(c->ports[0].host);
	assert_int_equal(c->ports[0].n_neighbours, 2);
	assert_addr(&c->ports[0].neighbours[1].addr, "192.0.2.10");
	assert_int_equal(c->ports[0].neighbours[1].mac[5], 0xaa);
	assert_true(c->tunnels[0].checksum);
	assert_false(c->tunnels[0].host);
	assert_int_equal(c->tunnels[0].key, UINT32_MAX);
	assert_int_equal(c->tunnels[0].vrf, 1);
	assert_true(c->tunnels[0].anti_spoof);
	assert_int_equal(c->tunnels[0].holding_time_s, 600);
	assert_int_equal(c->n_later, 0);
	conf_free(c);
}

// One anchor may serve several tunnels; the order of the sections does not matter.
static void aliases_and_order(void **state) {
	struct conf *c =
		load("tunnels:\n"
		     "  a: {source: {port: p, address: 192.0.2.1}, key: 0, address: 10.0.0.1/24, protection: none, "
		     "nhrp: &n {holding-time: 30}}\n"
		     "  b: {source: {port: p, address: 192.0.2.1}, address: 10.0.1.1/24, protection: none, nhrp: *n}\n"
		     "ports: {p: {device: d, address: 192.0.2.1/24}}\n"
		     "version: 1\n");

	(void)state;
	assert_int_equal(c->tunnels[1].holding_time_s, 30);
	assert_true(c->tunnels[0].has_key); // no key differs from key 0, so a and b may share the source
	assert_false(c->tunnels[1].has_key);
	conf_free(c);
}

static void many_routes(void **state) {
	enum { N = 50000 };
	size_t max = 128 * N, len;
	char *text = malloc(max);
	struct conf *c;

	(void)state;
	len = snprintf(text, max, "version: 1\nports: {p: {device: d, address: 192.0.2.1/24}}\nroutes:\n");
	for (unsigned i = 0; i < N; i++)
		len += snprintf(text + len, max - len,
			"  - {prefix: 10.%u.%u.%u/32, via: [{next-hop: 192.0.2.9, port: p}]}\n", i >> 16, i >> 8 & 0xff,
			i & 0xff);
	c = load(text);
	assert_int_equal(c->n_routes, N);
	assert_int_equal(c->routes[N - 1].mark.line, N + 3);
	conf_free(c);
	free(text);
}

static void shipped_files_load(void **state) {
	static const char *const files[] = {
		"hub", "phase1", "phase2", "phase3", "dual-hub", "appliance", "manual-esp", "ike-hub"};

	(void)state;
	for (unsigned i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		char path[64];
		struct conf *c;

		snprintf(path, sizeof(path), "config/%s.yaml", files[i]);
		c = load_file(path);
		assert_int_equal(c->n_later, 0);
		assert_true(c->n_tunnels > 0);
		if (strncmp(files[i], "phase", 5) == 0)
			assert_int_equal(c->tunnels[0].phase, files[i][5] - '0');
		conf_free(c);
	}
}

// docs/config.md is what build/app/nave/conf/config-reference writes.
static void reference_is_current(void **state) {
	char path[512], *text = NULL, *committed;
	FILE *out, *in;
	size_t len, n;

	(void)state;
	out = open_memstream(&text, &len);
	conf_print_reference(out);
	fclose(out);
	snprintf(path, sizeof(path), "%s/docs/config.md", getenv("SOURCE_ROOT"));
	in = fopen(path, "re");
	assert_non_null(in);
	committed = calloc(1, len + 2);
	n = fread(committed, 1, len + 1, in);
	fclose(in);
	assert_int_equal(n, len);
	assert_string_equal(committed, text);
	assert_non_null(strstr(text, "| `holding-time` |"));
	free(committed);
	free(text);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(design_block_hub_vrfs_ports),
		cmocka_unit_test(design_block_tunnel_routes),
		cmocka_unit_test(design_block_later),
		cmocka_unit_test(defaults),
		cmocka_unit_test(phase_presets),
		cmocka_unit_test(keys_beside_the_contract),
		cmocka_unit_test(aliases_and_order),
		cmocka_unit_test(many_routes),
		cmocka_unit_test(shipped_files_load),
		cmocka_unit_test(reference_is_current),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
