// SPDX-License-Identifier: BSD-3-Clause
// Ports over af_packet and af_xdp on a veth, over rings and net_null; and what is said when one does not open.
#include <errno.h>
#include <net/if.h>
#include <netpacket/packet.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <rte_eal.h>
#include <rte_eth_ring.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include "lab.h"
#include "netns.h"
#include "port.h"

#define FRAMES 20

// The af_xdp PMD of 22.11 forgets its umem (and its socket) when a port is closed.
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void) {
	return "leak:xsk_umem__create\n";
}

static struct rte_mempool *pool, *jumbo_pool;
static char error[PORT_ERROR_LEN];

static struct port_conf conf_of(const char *device) {
	return (struct port_conf){
		.name = "wan0", .device = device, .device_netns = lab_ns, .mtu = 1500, .n_workers = 1, .rx_pool = pool};
}

static void assert_opens(const struct port_conf *c, struct port *p) {
	int rc = port_open(c, p, error);

	if (rc)
		fail_msg("%s (%d)", error, rc);
}

static void assert_refused(const struct port_conf *c, const char *says) {
	struct port p;

	assert_true(port_open(c, &p, error) < 0);
	if (!strstr(error, says))
		fail_msg("\"%s\" does not say \"%s\"", error, says);
	assert_null(strchr(error, '\n'));
	assert_int_equal(p.netns_fd, -1);
}

static int veth_up(void **state) {
	(void)state;
	return lab_run("ip link add hub0 type veth peer name far0") ||
	       lab_run("sysctl -qw net.ipv6.conf.hub0.disable_ipv6=1 net.ipv6.conf.far0.disable_ipv6=1") ||
	       lab_run("ip link set far0 up");
}

static int veth_down(void **state) {
	(void)state;
	return lab_run("ip link del hub0");
}

static int far_socket(void) {
	int previous = lab_enter(), fd = socket(AF_PACKET, SOCK_RAW, htons(0x88b5));
	struct sockaddr_ll a = {
		.sll_family = AF_PACKET, .sll_protocol = htons(0x88b5), .sll_ifindex = (int)if_nametoindex("far0")};

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	netns_leave(previous);
	return fd;
}

static void frame_fill(uint8_t *f, const struct port *p, uint32_t len, uint8_t mark) {
	memset(f, mark, len);
	memcpy(f, p->mac.addr_bytes, 6);
	memcpy(f + 6, "\x02\x00\x00\x00\x00\x99\x88\xb5", 8);
}

// Sends frames at the far end and takes them off the port's queues, whole.
static void assert_receives(const struct port *p, int fd, uint32_t len) {
	static uint8_t frame[9100];
	struct rte_mbuf *m[32];
	unsigned got = 0;

	for (int i = 0; i < FRAMES; i++) {
		frame_fill(frame, p, len, (uint8_t)i);
		assert_int_equal(send(fd, frame, len, 0), len);
	}
	for (int i = 0; i < 200 && got < FRAMES; i++) {
		for (uint16_t q = 0; q < p->n_rx_queues; q++) {
			uint16_t n = rte_eth_rx_burst(p->ethdev, q, m, 32);

			for (uint16_t k = 0; k < n; k++, got++) {
				assert_int_equal(rte_pktmbuf_pkt_len(m[k]), len);
				frame_fill(frame, p, len, *rte_pktmbuf_mtod_offset(m[k], uint8_t *, len - 1));
				assert_memory_equal(rte_pktmbuf_mtod(m[k], void *), frame, len);
				rte_pktmbuf_free(m[k]);
			}
		}
		usleep(2000);
	}
	assert_int_equal(got, FRAMES);
}

static void assert_sends(const struct port *p, int fd) {
	uint8_t frame[64], got[2048];
	struct pollfd far = {.fd = fd, .events = POLLIN};

	for (int i = 0; i < FRAMES; i++) {
		struct rte_mbuf *m = rte_pktmbuf_alloc(pool);

		assert_non_null(m);
		frame_fill(frame, p, sizeof(frame), (uint8_t)i);
		memcpy(rte_pktmbuf_append(m, sizeof(frame)), frame, sizeof(frame));
		assert_int_equal(rte_eth_tx_burst(p->ethdev, i % p->n_tx_queues, &m, 1), 1);
		assert_int_equal(poll(&far, 1, 2000), 1);
		assert_int_equal(recv(fd, got, sizeof(got), 0), sizeof(frame));
		assert_memory_equal(got, frame, sizeof(frame));
	}
}

static void exercise(const struct port_conf *c, struct port *p) {
	struct rte_eth_stats stats;
	struct rte_eth_link link;
	int fd;

	assert_opens(c, p);
	assert_true(lab_finds(",UP", "ip link show dev hub0"));
	assert_int_equal(port_link(p, &link), 0);
	assert_int_equal(link.link_status, RTE_ETH_LINK_UP);
	fd = far_socket();
	assert_receives(p, fd, 60);
	assert_sends(p, fd);
	assert_receives(p, fd, c->mtu + 14);
	assert_int_equal(port_stats(p, &stats), 0);
	assert_int_equal(stats.ipackets, 2 * FRAMES);
	assert_int_equal(stats.opackets, FRAMES);
	close(fd);
}

static void af_packet(void **state) {
	struct port_conf c = conf_of("net_af_packet0,iface=hub0");
	struct port p;

	(void)state;
	exercise(&c, &p);
	assert_string_equal(p.driver, "net_af_packet");
	assert_string_equal(p.device, "net_af_packet0,iface=hub0");
	assert_int_equal(p.n_rx_queues, 1);
	assert_int_equal(p.mtu, 1500);
	assert_false(p.rss || p.rx_ipv4_checksum || p.tx_ipv4_checksum);
	port_close(&p);
	assert_opens(&c, &p); // the device has left the bus
	port_close(&p);
}

static void af_packet_two_workers(void **state) {
	struct port_conf c = conf_of("net_af_packet0,iface=hub0");
	struct port p;

	(void)state;
	c.n_workers = 2;
	exercise(&c, &p);
	assert_int_equal(p.n_rx_queues, 2);
	assert_int_equal(p.n_tx_queues, 2);
	assert_true(p.rss);
	port_close(&p);
}

static void af_packet_jumbo(void **state) {
	struct port_conf c = conf_of("net_af_packet0,iface=hub0");
	struct port p;

	(void)state;
	c.mtu = 9000;
	assert_refused(&c, "does not fit packet buffers");
	c.rx_pool = jumbo_pool;
	assert_int_equal(lab_run("ip link set far0 mtu 9000"), 0);
	exercise(&c, &p);
	assert_int_equal(p.mtu, 9000);
	assert_true(lab_finds("mtu 9000", "ip link show dev hub0"));
	port_close(&p);
}

static void af_xdp(void **state) {
	struct port_conf c = conf_of("net_af_xdp0,iface=hub0");
	struct port p;

	(void)state;
	c.n_workers = 2; // a veth without combined channels has one queue
	exercise(&c, &p);
	assert_string_equal(p.driver, "net_af_xdp");
	assert_int_equal(p.n_rx_queues, 1);
	assert_int_equal(p.n_tx_queues, 1);
	assert_true(lab_finds("xdp", "ip -d link show dev hub0"));
	port_close(&p);
	assert_false(lab_finds("xdp", "ip -d link show dev hub0"));
}

// A veth takes no XDP while its other end may send larger frames.
static void af_xdp_refused(void **state) {
	struct port_conf c = conf_of("net_af_xdp0,iface=hub0");

	(void)state;
	assert_int_equal(lab_run("ip link set far0 mtu 9000"), 0);
	assert_refused(&c, "the kernel refuses XDP");
	assert_int_equal(lab_run("ip link set far0 mtu 1500"), 0);
}

static void af_xdp_mtu(void **state) {
	struct port_conf c = conf_of("net_af_xdp0,iface=hub0");

	(void)state;
	c.mtu = 9000;
	c.rx_pool = jumbo_pool;
	assert_refused(&c, "MTU 9000 refused, net_af_xdp takes");
	assert_false(lab_finds("xdp", "ip -d link show dev hub0"));
}

static void ring_that_exists(void **state) {
	struct port_conf c = conf_of("net_ring_lab0");
	struct rte_ring *ring = rte_ring_create("lab0", 256, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
	struct rte_mbuf *m = rte_pktmbuf_alloc(pool), *back = NULL;
	struct port p, other;

	(void)state;
	assert_non_null(ring);
	assert_non_null(m);
	assert_true(rte_eth_from_rings("lab0", &ring, 1, &ring, 1, 0) >= 0);
	c.device_netns = NULL;
	c.n_workers = 4;
	assert_opens(&c, &p);
	assert_int_equal(p.n_rx_queues, 1);
	assert_int_equal(p.netns_fd, -1);
	assert_false(rte_is_zero_ether_addr(&p.mac));
	assert_true(rte_is_local_admin_ether_addr(&p.mac));
	assert_int_equal(port_open(&c, &other, error), -EBUSY);
	assert_non_null(strstr(error, "belongs to another port"));
	assert_int_equal(rte_eth_tx_burst(p.ethdev, 0, &m, 1), 1);
	assert_int_equal(rte_eth_rx_burst(p.ethdev, 0, &back, 1), 1);
	assert_ptr_equal(back, m);
	rte_pktmbuf_free(m);
	port_close(&p);
	rte_ring_free(ring);
}

static void null_ports(void **state) {
	struct port_conf c = conf_of("net_null0,size=64");
	struct port p;

	(void)state;
	c.device_netns = NULL;
	c.n_workers = 2;
	assert_opens(&c, &p);
	assert_string_equal(p.driver, "net_null");
	assert_int_equal(p.n_rx_queues, 2);
	port_close(&p);
}

static void errors_name_what_mends_them(void **state) {
	struct port_conf c = conf_of("net_af_packet0,iface=eth99");

	(void)state;
	assert_refused(&c, "no interface eth99 in network namespace");
	assert_non_null(strstr(error, "ip -n navetest-"));
	c.device_netns = NULL;
	assert_refused(&c, "no interface eth99: 'ip link'");
	c.device = "net_af_packet0";
	assert_refused(&c, "net_af_packet0,iface=eth1");
	c.device = "0000:ff:1f.7";
	assert_refused(&c, "no PCI device 0000:ff:1f.7: 'dpdk-devbind.py --status-dev net'");
	c.device = "ff:1f.7";
	assert_refused(&c, "no PCI device 0000:ff:1f.7");
	c.device = "net_nonesuch0,iface=hub0";
	assert_refused(&c, "no driver that takes \"net_nonesuch0,iface=hub0\"");
	c.device = "nonesuch0"; // no interface of any machine
	assert_refused(&c, "nonesuch0 is neither a PCI address (0000:3b:00.1) nor a DPDK device");
	c.device = "lo";
	assert_refused(&c, "lo is an interface of the kernel: write device: \"net_af_packet0,iface=lo\"");
	c.device_netns = "no-such-namespace";
	assert_refused(&c, "'ip netns add no-such-namespace'");
}

// Runs body in a child, for what cannot be undone; its cmocka failures come back as the exit status.
static void in_child(int (*body)(void)) {
	pid_t pid = fork();
	int status;

	if (pid == 0)
		_exit(body());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static int says(const struct port_conf *c, const char *text) {
	struct port p;
	int rc = port_open(c, &p, error);

	if (rc < 0 && strstr(error, text))
		return 0;
	fprintf(stderr, "returned %d and said \"%s\", not \"%s\"\n", rc, error, text);
	return 1;
}

static int without_root(void) {
	struct port_conf c = conf_of("net_af_packet0,iface=lo");

	c.device_netns = NULL;
	if (setresgid(65534, 65534, 65534) || setresuid(65534, 65534, 65534))
		return 2;
	return says(&c, "run as root");
}

static int kernel_driver(void) {
	struct port_conf c = conf_of("0000:3b:00.1");

	c.device_netns = NULL;
	if (unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
		mount("tmpfs", "/sys", "tmpfs", 0, NULL))
		return 2;
	if (mkdir("/sys/bus", 0755) || mkdir("/sys/bus/pci", 0755) || mkdir("/sys/bus/pci/devices", 0755) ||
		mkdir("/sys/bus/pci/devices/0000:3b:00.1", 0755) ||
		symlink("../../../bus/pci/drivers/ixgbe", "/sys/bus/pci/devices/0000:3b:00.1/driver"))
		return 3;
	return says(&c, "bound to the kernel driver ixgbe: 'dpdk-devbind.py --bind=vfio-pci 0000:3b:00.1'");
}

static void not_permitted(void **state) {
	(void)state;
	in_child(without_root);
}

static void bound_to_a_kernel_driver(void **state) {
	(void)state;
	in_child(kernel_driver);
}

static int pools_make(void **state) {
	pool = rte_pktmbuf_pool_create("small", 8191, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
	jumbo_pool = rte_pktmbuf_pool_create("jumbo", 1023, 0, 0, port_buffer_room(9000), SOCKET_ID_ANY);
	return !pool || !jumbo_pool || lab_up(state);
}

int main(int argc, char **argv) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(af_packet, veth_up, veth_down),
		cmocka_unit_test_setup_teardown(af_packet_two_workers, veth_up, veth_down),
		cmocka_unit_test_setup_teardown(af_packet_jumbo, veth_up, veth_down),
		cmocka_unit_test_setup_teardown(af_xdp, veth_up, veth_down),
		cmocka_unit_test_setup_teardown(af_xdp_mtu, veth_up, veth_down),
		cmocka_unit_test_setup_teardown(af_xdp_refused, veth_up, veth_down),
		cmocka_unit_test(ring_that_exists),
		cmocka_unit_test(null_ports),
		cmocka_unit_test(errors_name_what_mends_them),
		cmocka_unit_test(not_permitted),
		cmocka_unit_test(bound_to_a_kernel_driver),
	};

	lab_need_root();
	if (rte_eal_init(argc, argv) < 0)
		return 1;
	return cmocka_run_group_tests(tests, pools_make, lab_down);
}
