// SPDX-License-Identifier: BSD-3-Clause
#include "port_iface.h"

#include <errno.h>
#include <linux/ethtool.h>
#include <linux/if.h>
#include <linux/sockios.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "rtnl.h"

static int request(unsigned long what, const char *name, struct ifreq *req) {
	int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), rc;

	if (s < 0)
		return -errno;
	strncpy(req->ifr_name, name, IFNAMSIZ - 1);
	rc = ioctl(s, what, req) ? -errno : 0;
	close(s);
	return rc;
}

static int ethtool(const char *name, void *cmd) {
	struct ifreq req = {.ifr_data = cmd};

	return request(SIOCETHTOOL, name, &req);
}

int port_iface_read(const char *name, struct port_iface *out) {
	struct ethtool_channels channels = {.cmd = ETHTOOL_GCHANNELS};
	struct ifreq req = {0};
	int rc;

	*out = (struct port_iface){0};
	if (!name[0] || strlen(name) >= IFNAMSIZ)
		return -ENODEV;
	rc = request(SIOCGIFINDEX, name, &req);
	if (rc)
		return rc;
	out->ifindex = req.ifr_ifindex;
	rc = request(SIOCGIFMTU, name, &req);
	if (rc)
		return rc;
	out->mtu = req.ifr_mtu;
	if (ethtool(name, &channels) == 0)
		out->combined_queues = channels.combined_count;
	out->has_ipv4 = request(SIOCGIFADDR, name, &req) == 0;
	return 0;
}

int port_iface_set_mtu(const struct port_iface *i, uint16_t mtu) {
	return rtnl_link_set(i->ifindex, mtu, NULL, false);
}

// A packet socket gets a copy; the kernel goes on with the frame, finds the TAP's address in it when the TAP is in the
// same namespace, and answers GRE with "protocol unreachable". An interface without an address has no way back to any
// source.
static void refuse_ipv4(const char *name) {
	char path[sizeof("/proc/sys/net/ipv4/conf//rp_filter") + IFNAMSIZ];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/sys/net/ipv4/conf/%s/rp_filter", name);
	f = fopen(path, "we");
	if (!f)
		return; // /proc is read-only in some containers: answered twice, as without this
	fputs("1", f);
	fclose(f);
}

int port_iface_prepare(const char *name, const struct port_iface *i) {
	struct ethtool_value gro = {.cmd = ETHTOOL_SGRO}, flags = {.cmd = ETHTOOL_GFLAGS};

	ethtool(name, &gro); // not every driver has it: nothing lost
	if (ethtool(name, &flags) == 0 && (flags.data & ETH_FLAG_LRO)) {
		flags.cmd = ETHTOOL_SFLAGS;
		flags.data &= ~ETH_FLAG_LRO;
		ethtool(name, &flags);
	}
	if (!i->has_ipv4)
		refuse_ipv4(name);
	return rtnl_link_set(i->ifindex, 0, NULL, true);
}
