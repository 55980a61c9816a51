// SPDX-License-Identifier: BSD-3-Clause
// A hub with a port that is not there (net_null) and 1,000 spokes, as an operator sees it: every command in JSON, read
// by jq; every telemetry endpoint over DPDK's socket, page by page; and the pages of docs/ that list them.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <rte_eal.h>

#include "cache.h"
#include "conf.h"
#include "console.h"
#include "console_priv.h"
#include "control.h"
#include "datapath.h"
#include "eal.h"
#include "ladder.h"
#include "nave.h"
#include "nhrp_ctl.h"
#include "out.h"
#include "publish.h"
#include "telemetry.h"
#include "clock.h" // after DPDK

#define SPOKES 1000
#define REPLY_MAX 16384
#define ANY_RC 1
#define KEY "c0ffee00c0ffee11c0ffee22c0ffee3300112233"
#define KEY2 "decafe00decafe11decafe22decafe3300112233"

static struct nave nave;
static const struct ladder_options opt = {.telemetry = true};
static char folder[] = "/tmp/test_operator_XXXXXX";

static struct conf *load_conf(bool with_sas) {
	static const char protected[] =
		"  dmvpn2: {source: {port: wan0, address: 192.0.2.1}, key: 3, address: 10.253.0.1/16, phase: 1,\n"
		"    host: false, protection: {mode: manual, sas: [{nbma: 198.51.100.1, suite: aes128gcm16, spi-in: "
		"0x1001,\n"
		"    spi-out: 0x2001, key-in: " KEY ", key-out: " KEY2 "}]},\n"
		"    nhrp: {static: [{protocol: 10.253.0.9, nbma: 198.51.100.1}]}}\n";
	char text[2048];

	snprintf(text, sizeof(text),
		"version: 1\n"
		"hub: {name: op%d, control-cpu: 0, worker-cpus: [0], hugepages: off, max-spokes: 2000}\n"
		"ports:\n"
		"  wan0: {device: 'net_null0,no-rx=1', host: false, address: 192.0.2.1/24, gateway: 192.0.2.254}\n"
		"tunnels:\n"
		"  dmvpn0: {source: {port: wan0, address: 192.0.2.1}, key: 1, address: 10.255.0.1/16, phase: 1,\n"
		"    host: false, protection: none, nhrp: {static: [{protocol: 10.255.255.9, nbma: 192.0.2.9}]}}\n"
		"  dmvpn1: {source: {port: wan0, address: 192.0.2.1}, key: 2, address: 10.254.0.1/16, phase: 1,\n"
		"    host: false, protection: none}\n"
		"%s",
		(int)getpid() % 100000, with_sas ? protected : "");
	return conf_load_text("test", text, stderr);
}

static void add_spokes(void) {
	uint64_t now_ns = clock_now_ns();

	for (unsigned i = 0; i < SPOKES; i++) {
		struct addr protocol = addr_ipv4(0x0aff0100 + i);
		struct prefix prefix = prefix_host(&protocol);
		struct binding *b = nhrp_cache_add(nhrp_ctl_cache(nave.nhrp), 0, &prefix);

		assert_non_null(b);
		b->kind = BINDING_REGISTERED;
		b->nbma = addr_ipv4(0xc6330001 + i);
		b->claimed_nbma = i % 2 ? addr_ipv4(0x0a000001) : b->nbma;
		b->behind_nat = i % 2;
		b->unique = true;
		b->holding_time_s = 600;
		b->created_ns = b->refreshed_ns = now_ns;
		nhrp_cache_set_expiry(nhrp_ctl_cache(nave.nhrp), b, now_ns + 600 * NS_PER_S);
		assert_int_equal(publish_binding(nave.publish, b), 0);
	}
}

static int setup(void **state) {
	struct conf *conf = load_conf(true);

	(void)state;
	if (!conf || !mkdtemp(folder) || nave_eal_init(conf, &(struct eal_options){0}, stderr) < 0)
		return -1;
	if (nave_up(&nave, conf, &opt, stderr) < 0)
		return -1;
	add_spokes();
	return 0;
}

static int teardown(void **state) {
	(void)state;
	nave_down(&nave);
	nave_eal_cleanup();
	return rmdir(folder);
}

// Whether jq, reading every value of the file, says true.
static bool jq(const char *path, const char *filter) {
	char command[2048], said[64] = "";
	FILE *f;

	snprintf(command, sizeof(command), "jq -s '%s' '%s'", filter, path);
	f = popen(command, "r");
	assert_non_null(f);
	if (!fgets(said, sizeof(said), f))
		said[0] = '\0';
	return pclose(f) == 0 && strcmp(said, "true\n") == 0;
}

static void save_answer(const char *line, const char *path, const char *mode, int expected_rc) {
	struct out *out = out_create(true);
	const char *text;
	size_t len;
	FILE *f = fopen(path, mode);
	int rc;

	rc = console_run_line(nave.console, line, true, out);
	if (expected_rc != ANY_RC)
		assert_int_equal(rc, expected_rc);
	text = out_render(out, &len);
	assert_non_null(text);
	assert_int_equal(fwrite(text, 1, len, f), len);
	fclose(f);
	out_free(out);
}

// --- commands ---
// A line that fits the syntax, an ordinary value for each argument.
static void example_of(const char *syntax, char *line, size_t len) {
	struct grammar_words w;

	line[0] = '\0';
	assert_int_equal(grammar_split(syntax, &w), 0);
	for (unsigned i = 0; i < w.n; i++) {
		const char *word = strcmp(w.word[i], "ADDRESS") == 0  ? "10.255.1.7"
				   : strcmp(w.word[i], "PREFIX") == 0 ? "10.77.0.0/16"
				   : strcmp(w.word[i], "NUMBER") == 0 ? "999"
								      : w.word[i];

		snprintf(line + strlen(line), len - strlen(line), "%.*s ", (int)strcspn(word, "|"), word);
	}
}

static void test_every_answer_is_json(void **state) {
	const struct console *c = nave.console;
	char path[64], filter[128];
	unsigned n = 0;

	(void)state;
	snprintf(path, sizeof(path), "%s/all.json", folder);
	for (unsigned i = 0; i < c->n_cmds; i++, n++) {
		char line[GRAMMAR_LINE_MAX];

		example_of(c->cmds[i]->syntax, line, sizeof(line));
		save_answer(line, path, n ? "a" : "w", ANY_RC);
	}
	assert_true(n > 25);
	snprintf(filter, sizeof(filter), "length == %u and all(type == \"object\" or type == \"array\")", n);
	assert_true(jq(path, filter));
	unlink(path);
}

static void test_spokes(void **state) {
	char path[64];

	(void)state;
	snprintf(path, sizeof(path), "%s/spokes.json", folder);
	save_answer("show spokes", path, "w", 0);
	assert_true(jq(path, ".[0] | length == 1002 and all(has(\"protocol\", \"nbma\", \"tunnel\", \"type\", "
			     "\"holding_time_s\", \"expires_in_s\", \"unique\", \"behind_nat\", \"rx_packets\"))"));
	assert_true(jq(path, ".[0] | ([.[].protocol] | unique | length) == 1002"));
	assert_true(
		jq(path, ".[0][0] == (.[0][0] + {protocol: \"10.255.255.9\", nbma: \"192.0.2.9\", type: \"static\", "
			 "expires_in_s: null, tunnel: \"dmvpn0\"})"));
	assert_true(
		jq(path, ".[0][3] | .behind_nat and .unique and .type == \"registered\" and .claimed_nbma == "
			 "\"10.0.0.1\" and .nbma == \"198.51.0.2\" and .expires_in_s > 500 and .expires_in_s <= 600"));
	save_answer("show nhrp cache", path, "w", 0);
	assert_true(jq(path, ".[0] | length == 1002 and all(has(\"protocol\", \"nbma\", \"refreshes\"))"));
	save_answer("show spoke 10.255.1.1", path, "w", 0);
	assert_true(
		jq(path, ".[0] | .protocol == \"10.255.1.1\" and .adjacency_state == \"complete\" and .peer > 0 and "
			 ".port == \"wan0\""));
	save_answer("show spoke 10.255.0.200", path, "w", -ENOENT);
	assert_true(jq(path, ".[0] == {error: \"no spoke 10.255.0.200\"}"));
	save_answer("evict spoke 10.255.255.9", path, "w", -EPERM);
	save_answer("evict spoke 10.255.4.231 dmvpn0", path, "w", 0); // the last of them
	save_answer("show spoke 10.255.4.231", path, "w", -ENOENT);
	save_answer("show spoke 10.255.1.1 dmvpn9", path, "w", -ENOENT);
	unlink(path);
}

// A slice of 64 real spokes, made and rendered, keeps far below the 1 ms that a turn of the control core may take.
static void test_slice_is_short(void **state) {
	const struct console_cmd *cmd;
	struct grammar_words words;
	struct out *out = out_create(true);
	uint64_t least_ns = UINT64_MAX;
	size_t len;

	(void)state;
	cmd = console_find(nave.console, "show spokes", &words, out);
	assert_non_null(cmd);
	do {
		uint64_t then_ns = clock_now_ns(), took_ns;

		console_run(nave.console, cmd, &words, out);
		assert_non_null(out_render(out, &len));
		took_ns = clock_now_ns() - then_ns;
		least_ns = took_ns < least_ns && len > 10000 ? took_ns : least_ns;
	} while (out_more(out));
	print_message("a slice of show spokes: %.0f us\n", least_ns / 1e3);
	assert_true(least_ns < NS_PER_MS);
	out_free(out);
}

static void test_same_address_on_two_tunnels(void **state) {
	struct addr protocol = addr_ipv4(0x0aff0101);
	struct prefix prefix = prefix_host(&protocol);
	struct binding *b = nhrp_cache_add(nhrp_ctl_cache(nave.nhrp), 1, &prefix);
	char path[64];

	(void)state;
	b->nbma = addr_ipv4(0xc6336401);
	b->kind = BINDING_REGISTERED;
	snprintf(path, sizeof(path), "%s/two.json", folder);
	save_answer("show spoke 10.255.1.1", path, "w", -ENOTUNIQ);
	save_answer("show spoke 10.255.1.1 dmvpn1", path, "w", 0);
	assert_true(jq(path, ".[0] | .tunnel == \"dmvpn1\" and .adjacency_state == null"));
	nhrp_cache_remove(nhrp_ctl_cache(nave.nhrp), b);
	unlink(path);
}

static void test_routes(void **state) {
	char path[64];

	(void)state;
	snprintf(path, sizeof(path), "%s/routes.json", folder);
	save_answer("route add 10.1.0.0/16 via 10.255.1.1 interface dmvpn0", path, "w", 0);
	save_answer("route add 10.2.0.0/16 via 10.255.250.1 interface dmvpn0", path, "w", 0);
	save_answer("route add 10.3.0.0/16 blackhole", path, "w", 0);
	save_answer("show routes", path, "w", 0);
	assert_true(jq(path,
		".[0] | map(select(.prefix == \"10.1.0.0/16\")) | length == 1 and (.[0] | .usable and .type == "
		"\"unicast\" and .vrf == \"default\" and .next_hop == \"10.255.1.1\" and .interface == "
		"\"dmvpn0\")"));
	assert_true(jq(path, ".[0] | map(select(.prefix == \"10.2.0.0/16\"))[0].usable == false"));
	assert_true(jq(path, ".[0] | map(select(.prefix == \"10.3.0.0/16\"))[0].type == \"blackhole\""));
	assert_true(jq(path, ".[0] | map(select(.prefix == \"10.255.0.0/16\"))[0].type == \"connected\""));
	save_answer("route del 10.3.0.0/16", path, "w", 0);
	save_answer("route del 10.3.0.0/16", path, "w", -ENOENT);
	save_answer("route add 10.255.0.0/16 blackhole", path, "w", -EEXIST);
	save_answer("route add 10.3.0.0/16 via 10.255.1.1 interface nothing", path, "w", -ENOENT);
	save_answer("route add 10.3.0.0/16 blackhole vrf nothing", path, "w", -ENOENT);
	unlink(path);
}

static void test_sas(void **state) {
	static const char add[] = "ipsec add in dmvpn2 198.51.100.2 4500 ", gcm[] = " transport-esn aes128gcm16 ";
	char path[64], line[GRAMMAR_LINE_MAX];

	(void)state;
	snprintf(path, sizeof(path), "%s/sas.json", folder);
	snprintf(line, sizeof(line), "%s0x1002%s" KEY, add, gcm);
	save_answer(line, path, "w", 0);
	assert_true(jq(path, ".[0] == {message: \"SA 3 with SPI 0x00001002 is there\"}"));
	save_answer(line, path, "w", -EEXIST);
	snprintf(line, sizeof(line), "%s0x1003%s" KEY "00", add, gcm);
	save_answer(line, path, "w", -EINVAL);
	assert_true(jq(path, ".[0].error == \"KEY: aes128gcm16 wants 40 hex digits, the last 8 of them the salt\""));
	snprintf(line, sizeof(line), "%s0x1003%s" KEY " " KEY, add, gcm);
	save_answer(line, path, "w", -EINVAL);
	assert_true(jq(path, ".[0].error == \"AUTHKEY: aes128gcm16 has no such key\""));
	snprintf(line, sizeof(line), "ipsec add out dmvpn2 198.51.100.2 4500 0x2002 tunnel null-sha1 " KEY);
	save_answer(line, path, "w", 0);
	snprintf(line, sizeof(line), "ipsec add out dmvpn0 198.51.100.2 4500 0x2002 tunnel null-sha1 " KEY);
	save_answer(line, path, "w", -EINVAL); // in clear
	assert_true(jq(path, ".[0].error == \"TUNNEL: dmvpn0 is not protected: write protection: {mode: manual}\""));
	save_answer("show ipsec sa", path, "w", 0);
	assert_true(
		jq(path, ".[0] | length == 4 and ([.[].number] == [1, 2, 3, 4]) and all(.tunnel == \"dmvpn2\") and "
			 "(.[2] | .esn and .spi == \"0x00001002\" and .nbma_port == 4500 and .direction == \"in\" and "
			 ".window == 1024 and .origin == \"console\" and .seq_end == null) and (.[3] | .mode == "
			 "\"tunnel\" and .suite == \"null-sha1\" and .active and .window == null)"));
	save_answer("show ipsec sa 1", path, "w", 0);
	assert_true(jq(path, ".[0] | .spi == \"0x00001001\" and .origin == \"configuration\" and .drops_icv == 0"));
	save_answer("show ipsec sa 9", path, "w", -ENOENT);
	save_answer("show spoke 10.253.0.9", path, "w", 0);
	assert_true(jq(path, ".[0] | .protected and .sas_in == 1 and .sas_out == 1 and .rx_packets == 0"));
	save_answer("ipsec delete 3", path, "w", 0);
	save_answer("ipsec delete 4", path, "w", 0);
	save_answer("ipsec delete 4", path, "w", -ENOENT);
	save_answer("show ipsec statistics", path, "w", 0);
	assert_true(jq(path, ".[0] | map({(.name): .count}) | add | .added == 4 and .deleted == 2"));
	unlink(path);
}

// What the configuration refuses, and what would use a key's sequence numbers twice.
static void test_sas_refused(void **state) {
	static const struct {
		const char *line, *error;
		int rc;
	} cases[] = {
		{"out dmvpn2 0.0.0.0 0 0x2009", "ADDRESS: it is not the address of one host", -EINVAL},
		{"out dmvpn2 224.0.0.1 0 0x2009", "ADDRESS: it is not the address of one host", -EINVAL},
		{"out dmvpn2 255.255.255.255 0 0x2009", "ADDRESS: it is not the address of one host", -EINVAL},
		{"in dmvpn2 127.0.0.1 0 0x1009", "ADDRESS: it is not the address of one host", -EINVAL},
		{"in dmvpn2 192.0.2.1 0 0x1009", "ADDRESS: it is the tunnel.s own source: write the peer.s", -EINVAL},
		{"in dmvpn2 2001:db8::1 0 0x1009", "ADDRESS: it is not of the family of the tunnel.s source", -EINVAL},
		{"out dmvpn2 198.51.100.2 0 0", "SPI: 0 is reserved: take one from 256 on; in: 0 lets the hub choose",
			-EINVAL},
		{"in dmvpn2 198.51.100.2 0 255",
			"SPI: 255 is reserved: take one from 256 on; in: 0 lets the hub choose", -EINVAL},
		{"in dmvpn2 198.51.100.2 0 0x1001", "not added: an inbound SA has this SPI", -EEXIST},
		{"out dmvpn2 198.51.100.1 0 0x2001",
			"not added: the peer.s SA 2 has SPI 0x00002001: delete it first, or take another SPI", -EEXIST},
	};
	char path[64], line[GRAMMAR_LINE_MAX], filter[256];

	(void)state;
	snprintf(path, sizeof(path), "%s/refused.json", folder);
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snprintf(line, sizeof(line), "ipsec add %s transport aes128gcm16 " KEY, cases[i].line);
		save_answer(line, path, "w", cases[i].rc);
		snprintf(filter, sizeof(filter), ".[0].error | test(\"^%s$\")", cases[i].error);
		if (!jq(path, filter))
			fail_msg("%s: not %s", line, cases[i].error);
	}
	unlink(path);
}

static void test_clear_counters(void **state) {
	struct lcore_ctx *lc = datapath_lcore(nave.datapath, 0);
	char path[64];

	(void)state;
	snprintf(path, sizeof(path), "%s/drops.json", folder);
	lc->counters->drops[DROP_TTL] += 7; // the worker does not run here
	save_answer("show drops", path, "w", 0);
	assert_true(jq(path, ".[0] | map(select(.name == \"ttl\"))[0] | .count == 7 and (.help | length > 5)"));
	save_answer("clear counters", path, "w", 0);
	save_answer("show drops", path, "w", 0);
	assert_true(jq(path, ".[0] | map(.count) | add == 0"));
	lc->counters->drops[DROP_TTL]++;
	save_answer("show drops", path, "w", 0);
	assert_true(jq(path, ".[0] | map(.count) | add == 1"));
	unlink(path);
}

// --- telemetry ---
struct client {
	char folder[64];
	unsigned pages, largest_reply;
	bool failed, done;
};

static int dial(void) {
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);

	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/dpdk_telemetry.v2", rte_eal_get_runtime_dir());
	return connect(fd, (struct sockaddr *)&addr, sizeof(addr)) == 0 ? fd : -1;
}

static ssize_t ask(int fd, const char *what, char reply[static REPLY_MAX + 1]) {
	ssize_t n = send(fd, what, strlen(what), 0) > 0 ? recv(fd, reply, REPLY_MAX, 0) : -1;

	reply[n > 0 ? n : 0] = '\0';
	return n;
}

// Everything there is, page by page, into all.json; lists by their "next".
static void *read_everything(void *arg) {
	struct client *c = arg;
	char reply[REPLY_MAX + 1], path[128], what[128];
	int fd = dial();
	FILE *f;

	snprintf(path, sizeof(path), "%s/all.json", c->folder);
	f = fopen(path, "w");
	c->failed = fd < 0 || !f || recv(fd, reply, REPLY_MAX, 0) <= 0; // the greeting
	for (const struct telemetry_endpoint *ep = telemetry_endpoints; ep->path && !c->failed; ep++) {
		unsigned long next = 0;
		const char *at;

		do {
			ssize_t n;

			snprintf(what, sizeof(what), "%s,%lu", ep->path, next);
			n = ask(fd, what, reply);
			c->failed = n <= 0;
			c->largest_reply = n > c->largest_reply ? n : c->largest_reply;
			c->pages++;
			fprintf(f, "%s\n", reply);
			at = strstr(reply, "\"next\": ");
			at = at ? at : strstr(reply, "\"next\":");
			next = at ? strtoul(at + strcspn(at, "0123456789"), NULL, 10) : 0;
		} while (next && !c->failed);
	}
	if (!c->failed && (ask(fd, "/nave/spokes,x", reply) <= 0 || !strstr(reply, "error")))
		c->failed = true;
	if (f)
		fclose(f);
	close(fd);
	__atomic_store_n(&c->done, true, __ATOMIC_RELEASE);
	return NULL;
}

static struct client telemetry_read(char path[static 128]) {
	struct client c = {0};
	pthread_t thread;

	snprintf(c.folder, sizeof(c.folder), "%s", folder);
	snprintf(path, 128, "%s/all.json", folder);
	assert_int_equal(pthread_create(&thread, NULL, read_everything, &c), 0);
	while (!__atomic_load_n(&c.done, __ATOMIC_ACQUIRE))
		control_turn(nave.control, 1);
	pthread_join(thread, NULL);
	assert_false(c.failed);
	return c;
}

static void test_telemetry(void **state) {
	char path[128];
	struct client c = telemetry_read(path);

	(void)state;
	print_message("%u pages, the largest of %u bytes\n", c.pages, c.largest_reply);
	assert_true(c.pages > 14 && c.largest_reply < REPLY_MAX);
	assert_true(jq(path,
		"map(.[\"/nave/spokes\"] // empty) | (map(.protocol[]) | length == 1001 and (unique | length) == "
		"1001) and (map(.rows) | add) == 1001"));
	assert_true(jq(path,
		"map(.[\"/nave/spokes\"] // empty) | all([.protocol, .nbma, .tunnel, .expires_in_s, .unique] | "
		"map(length) | unique | length == 1)"));
	assert_true(jq(path, "map(.[\"/nave/summary\"] // empty)[0] | .bindings == 1001 and .tunnels == 3"));
	assert_true(jq(path, "map(.[\"/nave/drops\"] // empty)[0].ttl == 1"));
	assert_true(jq(path, "map(.[\"/nave/nhrp\"] // empty)[0].rx_registration_request == 0"));
	assert_true(jq(path, "map(.[\"/nave/tunnels\"] // empty)[0].name == [\"dmvpn0\", \"dmvpn1\", \"dmvpn2\"]"));
	assert_true(jq(path, "map(.[\"/nave/stages\"] // empty)[0].packets | length > 5"));
	unlink(path);
}

static void *ask_on(void *arg) {
	struct client *c = arg;
	char reply[REPLY_MAX + 1];
	int fd = dial();

	if (fd >= 0 && recv(fd, reply, REPLY_MAX, 0) > 0)
		while (ask(fd, "/nave/spokes", reply) > 0 && !strstr(reply, "shutting down"))
			__atomic_add_fetch(&c->pages, 1, __ATOMIC_RELAXED);
	c->failed = !strstr(reply, "shutting down");
	close(fd);
	return NULL;
}

// Clients in the middle of a question neither hold the end up nor crash it.
static void test_telemetry_ends_under_load(void **state) {
	struct client c[4] = {0};
	pthread_t threads[4];
	uint64_t then_ns;

	(void)state;
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, ask_on, &c[i]), 0);
	while (__atomic_load_n(&c[0].pages, __ATOMIC_RELAXED) < 5 || __atomic_load_n(&c[3].pages, __ATOMIC_RELAXED) < 5)
		control_turn(nave.control, 1);
	then_ns = clock_now_ns();
	telemetry_free(nave.telemetry);
	print_message("ended in %.1f ms\n", (clock_now_ns() - then_ns) / 1e6);
	for (unsigned i = 0; i < 4; i++) {
		pthread_join(threads[i], NULL);
		assert_false(c[i].failed);
	}
	nave.telemetry = telemetry_create(&nave); // it can come back
	assert_non_null(nave.telemetry);
}

// --- in clear ---
// Every command that only looks, and every endpoint, of a hub that has no SA tables.
static void test_a_hub_without_protection(void **state) {
	const struct console *c;
	char path[128];
	struct conf *conf = load_conf(false);

	(void)state;
	nave_down(&nave);
	assert_non_null(conf);
	assert_int_equal(nave_up(&nave, conf, &opt, stderr), 0);
	assert_null(nave.fwd.ipsec);
	c = nave.console;
	snprintf(path, sizeof(path), "%s/clear.json", folder);
	for (unsigned i = 0; i < c->n_cmds; i++) {
		char line[GRAMMAR_LINE_MAX];

		if (strncmp(c->cmds[i]->syntax, "show ", 5) != 0)
			continue;
		example_of(c->cmds[i]->syntax, line, sizeof(line));
		save_answer(line, path, "w", ANY_RC);
		assert_true(jq(path, "length == 1"));
	}
	save_answer("show ipsec sa", path, "w", 0);
	assert_true(jq(path, ". == [[]]"));
	save_answer("show ipsec sa 1", path, "w", -ENOENT);
	save_answer("ipsec delete 1", path, "w", -ENOENT);
	unlink(path);
	telemetry_read(path);
	assert_true(jq(path, "map(.[\"/nave/ipsec\"] // empty) | length > 0"));
	unlink(path);
}

// --- docs ---
// The rows of the page that begin with "| `" are those that the tables give, in their order.
static void page_is_current(const char *page, const char *const *rows, unsigned n) {
	char path[512], line[1024];
	unsigned i = 0;
	FILE *f;

	snprintf(path, sizeof(path), "%s/docs/%s", SOURCE_ROOT, page);
	f = fopen(path, "r");
	assert_non_null(f);
	while (fgets(line, sizeof(line), f)) {
		if (strncmp(line, "| `", 3) != 0)
			continue;
		line[strcspn(line, "\n")] = '\0';
		if (i >= n || strcmp(line, rows[i]) != 0)
			fail_msg("docs/%s has\n%s\nand should have\n%s", page, line, i < n ? rows[i] : "(nothing)");
		i++;
	}
	fclose(f);
	if (i < n)
		fail_msg("docs/%s lacks\n%s", page, rows[i]);
}

static void test_docs_list_every_command(void **state) {
	const struct console *c = nave.console;
	static char text[CONSOLE_COMMANDS_MAX][512];
	const char *rows[CONSOLE_COMMANDS_MAX];

	(void)state;
	for (unsigned i = 0; i < c->n_cmds; i++) {
		char syntax[256];
		size_t n = 0;

		for (const char *p = c->cmds[i]->syntax; *p && n < sizeof(syntax) - 2; p++) {
			if (*p == '|') // a table's border otherwise
				syntax[n++] = '\\';
			syntax[n++] = *p;
		}
		syntax[n] = '\0';
		snprintf(text[i], sizeof(text[i]), "| `%s` | %s |", syntax, c->cmds[i]->help);
		rows[i] = text[i];
	}
	if (getenv("PRINT_DOCS"))
		for (unsigned i = 0; i < c->n_cmds; i++)
			puts(rows[i]);
	page_is_current("console.md", rows, c->n_cmds);
}

static void test_docs_list_every_endpoint(void **state) {
	static char text[64][512];
	const char *rows[64];
	unsigned n = 0;

	(void)state;
	for (const struct telemetry_endpoint *ep = telemetry_endpoints; ep->path; ep++, n++) {
		snprintf(text[n], sizeof(text[n]), "| `%s` | %s |", ep->path, ep->help);
		rows[n] = text[n];
		if (getenv("PRINT_DOCS"))
			puts(rows[n]);
	}
	page_is_current("telemetry.md", rows, n);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_spokes), // in this order: evicts one of 1,001
		cmocka_unit_test(test_slice_is_short), cmocka_unit_test(test_same_address_on_two_tunnels),
		cmocka_unit_test(test_routes), cmocka_unit_test(test_sas), cmocka_unit_test(test_sas_refused),
		cmocka_unit_test(test_clear_counters), cmocka_unit_test(test_telemetry),
		cmocka_unit_test(test_telemetry_ends_under_load), cmocka_unit_test(test_every_answer_is_json),
		cmocka_unit_test(test_docs_list_every_command), cmocka_unit_test(test_docs_list_every_endpoint),
		cmocka_unit_test(test_a_hub_without_protection), // the last: another hub
	};

	return cmocka_run_group_tests_name("operator", tests, setup, teardown);
}
