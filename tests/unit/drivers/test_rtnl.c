// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "lab.h"
#include "netns.h"
#include "rtnl.h"
#include "tuntap.h"

#define NEIGHBOURS 20000 // far more events than the socket's buffer holds

static struct {
	struct rtnl_neigh neigh; // the last one
	unsigned neighs, links, addrs;
	struct rtnl_link link;
	struct rtnl_addr addr;
	bool present[NEIGHBOURS]; // 10.1.x.y
} seen;

static void on_neigh(void *arg, const struct rtnl_neigh *n) {
	uint32_t host = addr_to_u32(&n->addr) - 0x0a010000;

	(void)arg;
	if (n->addr.family != ADDR_IPV4)
		return;
	seen.neigh = *n;
	seen.neighs++;
	if (host < NEIGHBOURS)
		seen.present[host] = n->usable;
}

static void on_link(void *arg, const struct rtnl_link *l) {
	(void)arg;
	if (l->deleted || !strncmp(l->name, "tap", 3)) {
		seen.link = *l;
		seen.links++;
	}
}

static void on_addr(void *arg, const struct rtnl_addr *a) {
	(void)arg;
	if (a->addr.family != ADDR_IPV4 || addr_is_loopback(&a->addr))
		return;
	seen.addr = *a;
	seen.addrs++;
}

static const struct rtnl_ops ops = {on_neigh, on_link, on_addr};

// Polls until the counter moves, or two seconds have gone.
static bool moves(struct rtnl *r, const unsigned *counter) {
	unsigned before = *counter;

	for (int i = 0; i < 100 && *counter == before; i++) {
		struct pollfd p = {.fd = rtnl_fd(r), .events = POLLIN};

		poll(&p, 1, 20);
		assert_true(rtnl_poll(r, 64) >= 0);
	}
	return *counter != before;
}

static void settle(struct rtnl *r) {
	struct pollfd p = {.fd = rtnl_fd(r), .events = POLLIN};

	while (poll(&p, 1, 100) > 0)
		assert_true(rtnl_poll(r, 256) >= 0);
}

static struct rtnl *follow(void) {
	struct rtnl *r;

	memset(&seen, 0, sizeof(seen));
	r = rtnl_open(lab_ns, &ops, NULL);
	assert_non_null(r);
	settle(r);
	return r;
}

static void open_tap(struct tuntap *t) {
	struct tuntap_addr a = {.addr = addr_ipv4(0xc0000201), .len_bits = 24}; // 192.0.2.1
	struct tuntap_conf c = {.name = "tap0", .netns = lab_ns, .mtu = 1500, .addrs = &a, .n_addrs = 1};
	char error[TUNTAP_ERROR_LEN];

	if (tuntap_open(&c, t, error))
		fail_msg("%s", error);
}

// An ARP packet from 192.0.2.sender (02:bb:0:0:0:sender) for 192.0.2.1 to the kernel behind the TAP.
static void send_arp(struct tuntap *t, uint8_t operation, uint8_t sender) {
	uint8_t p[42] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0xbb, 0, 0, 0, sender, 8, 6, 0, 1, 8, 0, 6, 4, 0,
		operation, 2, 0xbb, 0, 0, 0, sender, 192, 0, 2, sender, 0, 0, 0, 0, 0, 0, 192, 0, 2, 1};

	assert_int_equal(tuntap_write(t, p, sizeof(p)), 0);
}

static bool asks_for(struct tuntap *t, uint8_t target) {
	uint8_t p[2048];

	for (int i = 0; i < 100; i++) {
		int n = tuntap_read(t, p, sizeof(p));

		if (n >= 42 && p[12] == 8 && p[13] == 6 && p[41] == target)
			return true;
		if (n == 0)
			usleep(10000);
	}
	return false;
}

static void dump_tells_what_is_there(void **state) {
	struct tuntap t;
	struct rtnl *r;

	(void)state;
	open_tap(&t);
	assert_int_equal(lab_run("ip neigh add 192.0.2.77 lladdr 02:cc:00:00:00:4d dev tap0"), 0);
	r = follow();
	assert_int_equal(seen.link.ifindex, t.ifindex);
	assert_string_equal(seen.link.name, "tap0");
	assert_true(seen.link.up && seen.link.carrier);
	assert_int_equal(seen.link.mtu, 1500);
	assert_int_equal(seen.addr.ifindex, t.ifindex);
	assert_int_equal(seen.addr.len_bits, 24);
	assert_int_equal(addr_to_u32(&seen.addr.addr), 0xc0000201);
	assert_int_equal(addr_to_u32(&seen.neigh.addr), 0xc000024d);
	assert_true(seen.neigh.usable);
	assert_memory_equal(seen.neigh.mac, "\x02\xcc\x00\x00\x00\x4d", 6);
	rtnl_close(r);
	tuntap_remove(&t);
}

static void events_follow(void **state) {
	struct rtnl *r = follow();
	struct tuntap t;

	(void)state;
	open_tap(&t);
	assert_true(moves(r, &seen.addrs));
	assert_false(seen.addr.deleted);
	assert_int_equal(lab_run("ip addr del 192.0.2.1/24 dev tap0"), 0);
	assert_true(moves(r, &seen.addrs));
	assert_true(seen.addr.deleted);
	assert_int_equal(lab_run("ip link set tap0 mtu 1300"), 0);
	assert_true(moves(r, &seen.links));
	settle(r);
	assert_int_equal(seen.link.mtu, 1300);
	tuntap_remove(&t);
	assert_true(moves(r, &seen.links));
	settle(r);
	assert_true(seen.link.deleted);
	rtnl_close(r);
}

static void neighbours_come_and_go(void **state) {
	struct addr asked = addr_ipv4(0xc0000205);
	struct tuntap t;
	struct rtnl *r;

	(void)state;
	open_tap(&t);
	r = follow();
	send_arp(&t, 1, 9); // somebody asks for us: the kernel learns him by that
	assert_true(moves(r, &seen.neighs));
	assert_int_equal(addr_to_u32(&seen.neigh.addr), 0xc0000209);
	assert_true(seen.neigh.usable);
	assert_memory_equal(seen.neigh.mac, "\x02\xbb\x00\x00\x00\x09", 6);

	assert_int_equal(rtnl_neigh_use(r, t.ifindex, &asked), 0);
	assert_true(asks_for(&t, 5));
	send_arp(&t, 2, 5);
	assert_true(moves(r, &seen.neighs));
	assert_true(addr_eq(&seen.neigh.addr, &asked));
	assert_true(seen.neigh.usable);
	assert_int_equal(seen.neigh.ifindex, t.ifindex);

	assert_int_equal(lab_run("ip neigh del 192.0.2.5 dev tap0"), 0);
	assert_true(moves(r, &seen.neighs));
	assert_true(addr_eq(&seen.neigh.addr, &asked));
	assert_false(seen.neigh.usable);
	assert_true(seen.neigh.failed); // the operator's word
	rtnl_close(r);
	tuntap_remove(&t);
}

// What garbage collection does as well: the entry goes, nobody says that the neighbour does not answer.
static void a_neighbour_that_is_forgotten_has_not_failed(void **state) {
	struct tuntap t;
	struct rtnl *r;

	(void)state;
	open_tap(&t);
	r = follow();
	send_arp(&t, 1, 9);
	assert_true(moves(r, &seen.neighs));
	assert_true(seen.neigh.usable);
	assert_int_equal(lab_run("ip link set tap0 down"), 0);
	assert_true(moves(r, &seen.neighs));
	assert_int_equal(addr_to_u32(&seen.neigh.addr), 0xc0000209);
	assert_false(seen.neigh.usable);
	assert_false(seen.neigh.failed);
	rtnl_close(r);
	tuntap_remove(&t);
}

static void nobody_answers(void **state) {
	struct addr asked = addr_ipv4(0xc0000206);
	struct tuntap t;
	struct rtnl *r;

	(void)state;
	open_tap(&t);
	assert_int_equal(
		lab_run("sysctl -qw net.ipv4.neigh.tap0.mcast_solicit=1 net.ipv4.neigh.tap0.retrans_time_ms=100"), 0);
	r = follow();
	assert_int_equal(rtnl_neigh_use(r, t.ifindex, &asked), 0);
	assert_true(moves(r, &seen.neighs));
	assert_true(addr_eq(&seen.neigh.addr, &asked));
	assert_false(seen.neigh.usable);
	assert_true(seen.neigh.failed);
	rtnl_close(r);
	tuntap_remove(&t);
}

static void batch(const char *verb, unsigned from, unsigned to) {
	char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "/tmp/%s.batch", lab_ns);
	f = fopen(path, "w");
	assert_non_null(f);
	for (unsigned i = from; i < to; i++)
		fprintf(f, "neigh %s 10.1.%u.%u %sdev big0\n", verb, i >> 8, i & 255,
			verb[0] == 'a' ? "lladdr 02:00:00:00:00:01 " : "");
	assert_int_equal(fclose(f), 0);
	assert_int_equal(lab_run("ip -batch %s", path), 0);
	unlink(path);
}

// Events get lost while nobody reads; afterwards the picture is the kernel's all the same, deletions included.
static void overflow_dumps_again(void **state) {
	struct rtnl *r;

	(void)state;
	assert_int_equal(lab_run("ip link add big0 type veth peer name big1"), 0);
	assert_int_equal(lab_run("ip link set big0 up"), 0);
	r = follow();
	batch("add", 0, NEIGHBOURS / 2);
	settle(r);
	for (unsigned i = 0; i < NEIGHBOURS; i++)
		assert_int_equal(seen.present[i], i < NEIGHBOURS / 2);
	batch("add", NEIGHBOURS / 2, NEIGHBOURS);
	batch("del", 0, NEIGHBOURS * 3 / 4);
	settle(r);
	for (unsigned i = 0; i < NEIGHBOURS; i++)
		if (seen.present[i] != (i >= NEIGHBOURS * 3 / 4))
			fail_msg("neighbour %u: present %d", i, seen.present[i]);
	rtnl_close(r);
	assert_int_equal(lab_run("ip link del big0"), 0);
}

static void namespace_that_is_not_there(void **state) {
	(void)state;
	errno = 0;
	assert_null(rtnl_open("no-such-namespace", &ops, NULL));
	assert_int_equal(errno, ENOENT);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dump_tells_what_is_there),
		cmocka_unit_test(events_follow),
		cmocka_unit_test(neighbours_come_and_go),
		cmocka_unit_test(a_neighbour_that_is_forgotten_has_not_failed),
		cmocka_unit_test(nobody_answers),
		cmocka_unit_test(overflow_dumps_again),
		cmocka_unit_test(namespace_that_is_not_there),
	};

	lab_need_root();
	return cmocka_run_group_tests(tests, lab_up, lab_down);
}
