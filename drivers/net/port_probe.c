// SPDX-License-Identifier: BSD-3-Clause
#include "port_probe.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <rte_bus.h>
#include <rte_dev.h>
#include <rte_pci.h>

#include "log.h"
#include "port_iface.h"

#define DEFAULT_ROOM_BYTES 2048
#define PAGE_BYTES 4096
// Beyond the MTU: Ethernet and two VLAN tags, and in front of that up to 256 octets for XDP programs, 66 for
// TPACKET_V2.
#define FRAME_OVERHEAD_BYTES 288
#define TPACKET_OVERHEAD_BYTES 88

int port_fail(char *error, int rc, const char *fmt, ...) {
	va_list args;

	va_start(args, fmt);
	vsnprintf(error, PORT_ERROR_LEN, fmt, args);
	va_end(args);
	return rc;
}

static bool starts_with(const char *text, const char *start) {
	return strncmp(text, start, strlen(start)) == 0;
}

// The value of key=... in a list of vdev arguments; "" when it is not there.
static void arg_get(const char *args, const char *key, char *value, size_t size) {
	size_t key_len = strlen(key);

	value[0] = 0;
	for (const char *a = args; a && *a; a = strchr(a, ','), a = a ? a + 1 : NULL)
		if (!strncmp(a, key, key_len) && a[key_len] == '=') {
			snprintf(value, size, "%.*s", (int)strcspn(a + key_len + 1, ","), a + key_len + 1);
			return;
		}
}

static bool arg_has(const char *args, const char *key) {
	char value[64];

	arg_get(args, key, value, sizeof(value));
	return value[0];
}

static void arg_add(char *args, size_t size, const char *key, unsigned value) {
	size_t len = strlen(args);

	if (!arg_has(args, key))
		snprintf(args + len, size - len, "%s%s=%u", len ? "," : "", key, value);
}

uint16_t port_buffer_room(uint16_t mtu) {
	uint32_t room = mtu + FRAME_OVERHEAD_BYTES;

	room = room <= DEFAULT_ROOM_BYTES ? DEFAULT_ROOM_BYTES : RTE_ALIGN_CEIL(room, PAGE_BYTES);
	return RTE_MIN(RTE_PKTMBUF_HEADROOM + room, (uint32_t)UINT16_MAX);
}

// Room for frames of the MTU (the PMD cuts off what does not fit, and wants blocks that end with a frame), and a queue
// for each worker.
static void args_af_packet(const struct port_conf *c, uint16_t queues, char *args, size_t size) {
	unsigned frame = RTE_ALIGN_CEIL(c->mtu + TPACKET_OVERHEAD_BYTES, PAGE_BYTES);

	if (c->mtu + FRAME_OVERHEAD_BYTES > DEFAULT_ROOM_BYTES && !arg_has(args, "framesz")) {
		arg_add(args, size, "framesz", frame);
		arg_add(args, size, "blocksz", frame);
		arg_add(args, size, "framecnt", 512);
	}
	if (queues > 1)
		arg_add(args, size, "qpairs", queues);
}

static int check_iface(
	const struct port_conf *c, const char *args, struct port_probe *p, struct port_iface *i, char *error) {
	const char *in = c->device_netns ? " in network namespace " : "", *ns = c->device_netns ? c->device_netns : "";
	int rc;

	arg_get(args, "iface", p->iface, sizeof(p->iface));
	if (!p->iface[0])
		return port_fail(error, -EINVAL, "port %s: device %s names no interface: write \"%s,iface=eth1\"",
			c->name, p->name, p->name);
	rc = port_iface_read(p->iface, i);
	if (rc == -ENODEV)
		return port_fail(error, rc, "port %s: no interface %s%s%s: 'ip%s%s link' lists those that are there",
			c->name, p->iface, in, ns, ns[0] ? " -n " : "", ns);
	if (rc)
		return port_fail(error, rc, "port %s: interface %s: %s", c->name, p->iface, strerror(-rc));
	return 0;
}

static int check_packet_permission(const struct port_conf *c, char *error) {
	int s = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

	if (s < 0)
		return port_fail(error, -errno,
			"port %s: no permission for %s (%s): run as root, or 'setcap "
			"cap_net_raw,cap_net_admin,cap_bpf,cap_ipc_lock+ep' on the program",
			c->name, c->device, strerror(errno));
	close(s);
	return 0;
}

static int fit_mtu(const struct port_conf *c, const struct port_probe *p, const struct port_iface *i, char *error) {
	int rc;

	if (i->mtu >= c->mtu)
		return 0;
	rc = port_iface_set_mtu(i, c->mtu);
	if (rc)
		return port_fail(error, rc, "port %s: interface %s refuses MTU %u (%s), it has %u: write mtu: %u",
			c->name, p->iface, c->mtu, strerror(-rc), i->mtu, i->mtu);
	return 0;
}

static int prepare_iface(const struct port_conf *c, struct port_probe *p, char *args, size_t size, char *error) {
	bool is_packet = starts_with(p->name, "net_af_packet");
	uint16_t queues = c->queues ? RTE_MIN(c->queues, c->n_workers) : c->n_workers;
	struct port_iface i = {0};
	int rc;

	rc = check_iface(c, args, p, &i, error);
	if (rc)
		return rc;
	rc = check_packet_permission(c, error);
	if (rc)
		return rc;
	rc = fit_mtu(c, p, &i, error);
	if (rc)
		return rc;
	if (is_packet && i.has_ipv4)
		log_warning(
			"port %s: interface %s has an address, so that the kernel answers too: 'ip addr flush dev %s'",
			c->name, p->iface, p->iface);
	if (is_packet)
		args_af_packet(c, queues, args, size);
	else if (RTE_MIN(queues, i.combined_queues) > 1)
		arg_add(args, size, "queue_count", RTE_MIN(queues, i.combined_queues));
	rc = port_iface_prepare(p->iface, &i);
	if (rc)
		return port_fail(
			error, rc, "port %s: interface %s cannot be brought up: %s", c->name, p->iface, strerror(-rc));
	return 0;
}

// Most likely the name of an interface, as every other program wants it. DPDK would only complain of its syntax.
static int no_device(const struct port_conf *c, const struct port_probe *p, char *error) {
	struct port_iface i;

	if (port_iface_read(p->name, &i) == 0)
		return port_fail(error, -EINVAL,
			"port %s: %s is an interface of the kernel: write device: \"net_af_packet0,iface=%s\", or "
			"net_af_xdp0, or the NIC's PCI address",
			c->name, p->name, p->name);
	return port_fail(error, -ENODEV,
		"port %s: %s is neither a PCI address (0000:3b:00.1) nor a DPDK device (net_af_packet0,iface=eth1): "
		"'dpdk-devbind.py --status-dev net' lists NICs",
		c->name, c->device);
}

static int probe_vdev(const struct port_conf *c, struct port_probe *p, char *error) {
	const char *comma = strchr(c->device, ',');
	char args[256];
	int rc;

	snprintf(args, sizeof(args), "%s", comma ? comma + 1 : "");
	if (starts_with(p->name, "net_af_packet") || starts_with(p->name, "net_af_xdp")) {
		rc = prepare_iface(c, p, args, sizeof(args), error);
		if (rc)
			return rc;
	}
	if (!starts_with(p->name, "net_") && !starts_with(p->name, "eth_"))
		return no_device(c, p, error);
	rc = rte_eal_hotplug_add("vdev", p->name, args);
	if (rc == -EEXIST)
		return port_fail(error, rc, "port %s: device %s is in use by another port: write another name, as %s1",
			c->name, p->name, p->name);
	if (rc)
		return port_fail(error, rc,
			"port %s: DPDK has no driver that takes \"%s\": 'dpdk-testpmd --no-pci "
			"--vdev=%s' says why",
			c->name, c->device, c->device);
	return 0;
}

// Kernel drivers under which DPDK works; mlx drivers share their NIC with it.
static bool driver_serves_dpdk(const char *driver) {
	static const char *const good[] = {"vfio-pci", "igb_uio", "uio_pci_generic", "mlx5_core", "mlx4_core"};

	for (unsigned i = 0; i < RTE_DIM(good); i++)
		if (!strcmp(driver, good[i]))
			return true;
	return false;
}

static int probe_pci(const struct port_conf *c, struct port_probe *p, char *error) {
	char path[PATH_MAX], target[PATH_MAX];
	const char *driver;
	ssize_t n;
	int rc;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s", p->name);
	if (access(path, F_OK))
		return port_fail(error, -ENODEV,
			"port %s: no PCI device %s: 'dpdk-devbind.py --status-dev net' lists those that "
			"are there",
			c->name, p->name);
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/driver", p->name);
	n = readlink(path, target, sizeof(target) - 1);
	target[n > 0 ? n : 0] = 0;
	driver = strrchr(target, '/') ? strrchr(target, '/') + 1 : "";
	if (!driver_serves_dpdk(driver))
		return port_fail(error, -EBUSY,
			"port %s: PCI device %s is bound to %s%s: 'dpdk-devbind.py --bind=vfio-pci %s' "
			"hands it to DPDK",
			c->name, p->name, driver[0] ? "the kernel driver " : "no driver", driver, p->name);
	rc = rte_eal_hotplug_add("pci", p->name, "");
	if (rc && rc != -EEXIST && geteuid())
		return port_fail(error, rc, "port %s: no permission for PCI device %s: run as root", c->name, p->name);
	if (rc && rc != -EEXIST)
		return port_fail(error, rc,
			"port %s: DPDK cannot take PCI device %s (%s): 'dpdk-testpmd -a %s' says why", c->name, p->name,
			strerror(abs(rc)), p->name);
	return 0;
}

int port_probe(const struct port_conf *c, struct port_probe *p, char *error) {
	struct rte_pci_addr pci;
	bool is_pci = rte_pci_addr_parse(c->device, &pci) == 0;
	int rc;

	*p = (struct port_probe){0};
	if (is_pci)
		rte_pci_device_name(&pci, p->name, sizeof(p->name));
	else
		snprintf(p->name, sizeof(p->name), "%.*s", (int)strcspn(c->device, ","), c->device);
	if (rte_eth_dev_get_port_by_name(p->name, &p->ethdev) == 0)
		return 0;
	rc = is_pci ? probe_pci(c, p, error) : probe_vdev(c, p, error);
	if (rc)
		return rc;
	if (rte_eth_dev_get_port_by_name(p->name, &p->ethdev))
		return port_fail(error, -ENODEV, "port %s: device %s is no network port", c->name, c->device);
	return 0;
}

void port_unprobe(uint16_t ethdev) {
	struct rte_eth_dev_info info;
	struct rte_device *device = NULL;

	if (rte_eth_dev_info_get(ethdev, &info) == 0)
		device = info.device;
	rte_eth_dev_close(ethdev);
	if (device)
		rte_dev_remove(device);
}
