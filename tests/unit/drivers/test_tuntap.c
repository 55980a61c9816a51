// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "checksum.h"
#include "lab.h"
#include "netns.h"
#include "tuntap.h"

static const uint8_t mac[6] = {0x02, 0xaa, 0, 0, 0, 1};
static char error[TUNTAP_ERROR_LEN];

static struct tuntap_conf conf_of(enum tuntap_kind kind, const char *name) {
	return (struct tuntap_conf){.kind = kind, .name = name, .netns = lab_ns, .mtu = 1400};
}

static void assert_opens(const struct tuntap_conf *c, struct tuntap *t) {
	int rc = tuntap_open(c, t, error);

	if (rc)
		fail_msg("%s (%d)", error, rc);
}

static void netns_that_is_not_there(void **state) {
	(void)state;
	assert_int_equal(netns_open("no-such-namespace"), -ENOENT);
	assert_int_equal(netns_enter(-1), -1);
	netns_leave(-1);
}

static void netns_enter_and_leave(void **state) {
	char home[64] = {0}, there[64] = {0}, back[64] = {0};
	int fd = netns_open(lab_ns), previous;

	(void)state;
	assert_true(fd >= 0);
	assert_true(readlink("/proc/thread-self/ns/net", home, sizeof(home) - 1) > 0);
	previous = netns_enter(fd);
	assert_true(previous >= 0);
	assert_true(readlink("/proc/thread-self/ns/net", there, sizeof(there) - 1) > 0);
	netns_leave(previous);
	assert_true(readlink("/proc/thread-self/ns/net", back, sizeof(back) - 1) > 0);
	close(fd);
	assert_string_not_equal(home, there);
	assert_string_equal(home, back);
}

static void tap_stays_and_comes_back(void **state) {
	struct tuntap_addr addrs[2] = {{.len_bits = 24}, {.len_bits = 64}};
	struct tuntap_conf c = conf_of(TUNTAP_TAP, "tapkeep");
	struct tuntap t;
	int ifindex;

	(void)state;
	assert_int_equal(addr_parse("192.0.2.1", &addrs[0].addr), 0);
	assert_int_equal(addr_parse("2001:db8::1", &addrs[1].addr), 0);
	c.mac = mac;
	c.addrs = addrs;
	c.n_addrs = 2;
	assert_opens(&c, &t);
	ifindex = t.ifindex;
	assert_true(lab_finds("02:aa:00:00:00:01", "ip link show dev tapkeep"));
	assert_true(lab_finds("mtu 1400", "ip link show dev tapkeep"));
	assert_true(lab_finds("LOWER_UP", "ip link show dev tapkeep"));
	assert_true(lab_finds("192.0.2.1/24", "ip addr show dev tapkeep"));
	assert_true(lab_finds("2001:db8::1/64", "ip addr show dev tapkeep"));
	assert_false(lab_finds("tentative", "ip -6 addr show dev tapkeep scope global"));

	tuntap_close(&t);
	assert_true(lab_finds("NO-CARRIER", "ip link show dev tapkeep"));
	assert_true(lab_finds("192.0.2.1/24", "ip addr show dev tapkeep"));
	assert_int_equal(lab_run("ip addr add 198.51.100.1/24 dev tapkeep"), 0);

	assert_opens(&c, &t);
	assert_int_equal(t.ifindex, ifindex);
	assert_true(lab_finds("LOWER_UP", "ip link show dev tapkeep"));
	assert_true(lab_finds("198.51.100.1/24", "ip addr show dev tapkeep"));
	tuntap_remove(&t);
	assert_int_not_equal(lab_run("ip link show dev tapkeep 2>/dev/null"), 0);
}

static void tun_carries_packets(void **state) {
	// Echo request 10.255.0.2 -> 10.255.0.1, identifier 7
	uint8_t request[28] = {
		0x45, 0, 0, 28, 0, 0, 0, 0, 64, 1, 0, 0, 10, 255, 0, 2, 10, 255, 0, 1, 8, 0, 0, 0, 0, 7, 0, 0};
	struct tuntap_addr a = {.len_bits = 24};
	struct tuntap_conf c = conf_of(TUNTAP_TUN, "tunpkt");
	uint8_t got[2048];
	struct tuntap t;
	int n = 0;

	(void)state;
	assert_int_equal(addr_parse("10.255.0.1", &a.addr), 0);
	c.addrs = &a;
	c.n_addrs = 1;
	assert_opens(&c, &t);
	for (int i = 0; i < 2; i++) {
		uint16_t sum = checksum(i ? request + 20 : request, i ? 8 : 20);

		memcpy(request + (i ? 22 : 10), &sum, 2);
	}
	assert_int_equal(tuntap_write(&t, request, sizeof(request)), 0);
	for (int i = 0; i < 100 && !(n == 28 && got[20] == 0); i++) { // between them, router solicitations
		n = tuntap_read(&t, got, sizeof(got));
		if (n == 0)
			usleep(10000);
	}
	assert_int_equal(n, 28);
	assert_int_equal(got[20], 0); // echo reply
	assert_memory_equal(got + 12, request + 16, 4);
	assert_int_equal(got[25], 7);
	tuntap_remove(&t);
}

static void errors_name_what_mends_them(void **state) {
	struct tuntap_conf tap = conf_of(TUNTAP_TAP, "tapbusy"), c;
	struct tuntap t, other;

	(void)state;
	assert_opens(&tap, &t);
	assert_int_equal(tuntap_open(&tap, &other, error), -EBUSY);
	assert_non_null(strstr(error, "held by another program"));
	assert_int_equal(other.fd, -1);
	tuntap_close(&t);

	c = conf_of(TUNTAP_TUN, "tapbusy");
	assert_int_equal(tuntap_open(&c, &other, error), -EINVAL);
	assert_non_null(strstr(error, "link del dev tapbusy"));
	assert_non_null(strstr(error, lab_ns));

	c = conf_of(TUNTAP_TAP, "tapmtu");
	c.mtu = 20;
	assert_int_equal(tuntap_open(&c, &other, error), -EINVAL);
	assert_non_null(strstr(error, "MTU 20 refused"));

	c = conf_of(TUNTAP_TAP, "a-name-that-is-too-long");
	assert_int_equal(tuntap_open(&c, &other, error), -ENAMETOOLONG);

	c = conf_of(TUNTAP_TAP, "tapns");
	c.netns = "no-such-namespace";
	assert_int_equal(tuntap_open(&c, &other, error), -ENOENT);
	assert_non_null(strstr(error, "ip netns add no-such-namespace"));
	assert_int_equal(other.netns_fd, -1);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(netns_that_is_not_there),
		cmocka_unit_test(netns_enter_and_leave),
		cmocka_unit_test(tap_stays_and_comes_back),
		cmocka_unit_test(tun_carries_packets),
		cmocka_unit_test(errors_name_what_mends_them),
	};

	lab_need_root();
	return cmocka_run_group_tests(tests, lab_up, lab_down);
}
