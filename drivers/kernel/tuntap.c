// SPDX-License-Identifier: BSD-3-Clause
#include "tuntap.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "netns.h"
#include "rtnl.h"

static int fail(char *error, int rc, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
static int fail(char *error, int rc, const char *fmt, ...) {
	va_list args;

	va_start(args, fmt);
	vsnprintf(error, TUNTAP_ERROR_LEN, fmt, args);
	va_end(args);
	return rc;
}

static const char *kind_name(enum tuntap_kind kind) {
	return kind == TUNTAP_TAP ? "TAP" : "TUN";
}

static int fail_attach(const struct tuntap_conf *c, int rc, char *error) {
	switch (rc) {
	case -EBUSY:
		return fail(error, rc, "%s %s is held by another program: see 'ip -d link show dev %s'",
			kind_name(c->kind), c->name, c->name);
	case -EPERM:
		return fail(error, rc,
			"no permission for %s %s: run as root, or give the program CAP_NET_ADMIN (setcap)",
			kind_name(c->kind), c->name);
	case -EINVAL:
		return fail(error, rc,
			"device %s exists and is no single-queue %s: 'ip%s%s link del dev %s' removes it", c->name,
			kind_name(c->kind), c->netns ? " -n " : "", c->netns ? c->netns : "", c->name);
	default:
		return fail(error, rc, "%s %s: %s", kind_name(c->kind), c->name, strerror(-rc));
	}
}

// Opens the descriptor and attaches it to the device, which comes into being if need be.
static int attach(const struct tuntap_conf *c, char *error) {
	struct ifreq req = {.ifr_flags = (c->kind == TUNTAP_TAP ? IFF_TAP : IFF_TUN) | IFF_NO_PI};
	int fd, rc;

	if (strlen(c->name) >= IFNAMSIZ)
		return fail(error, -ENAMETOOLONG, "device name %s is longer than %d characters", c->name, IFNAMSIZ - 1);
	snprintf(req.ifr_name, sizeof(req.ifr_name), "%s", c->name);
	fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return fail(error, -errno, "cannot open /dev/net/tun (%s): 'modprobe tun', and run as root",
			strerror(errno));
	if (ioctl(fd, TUNSETIFF, &req) || ioctl(fd, TUNSETPERSIST, 1)) {
		rc = -errno;
		close(fd);
		return fail_attach(c, rc, error);
	}
	return fd;
}

static int find_ifindex(const char *name) {
	struct ifreq req = {0};
	int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), rc;

	if (s < 0)
		return -errno;
	snprintf(req.ifr_name, sizeof(req.ifr_name), "%s", name);
	rc = ioctl(s, SIOCGIFINDEX, &req) ? -errno : req.ifr_ifindex;
	close(s);
	return rc;
}

static int set_up(const struct tuntap_conf *c, int ifindex, char *error) {
	char text[ADDR_STRLEN];
	int rc;

	// Each by itself, so that the sentence can name what the kernel refused; up comes last, with everything in
	// place.
	if (c->mtu) {
		rc = rtnl_link_set(ifindex, c->mtu, NULL, false);
		if (rc)
			return fail(error, rc, "%s %s: MTU %u refused (%s)", kind_name(c->kind), c->name, c->mtu,
				strerror(-rc));
	}
	if (c->mac) {
		rc = rtnl_link_set(ifindex, 0, c->mac, false);
		if (rc)
			return fail(error, rc, "%s %s: MAC address refused (%s)", kind_name(c->kind), c->name,
				strerror(-rc));
	}
	rc = rtnl_link_set(ifindex, 0, NULL, true);
	if (rc)
		return fail(error, rc, "%s %s: cannot be brought up (%s)", kind_name(c->kind), c->name, strerror(-rc));
	for (unsigned i = 0; i < c->n_addrs; i++) {
		rc = rtnl_addr_add(ifindex, &c->addrs[i].addr, c->addrs[i].len_bits);
		if (rc)
			return fail(error, rc, "%s %s: address %s/%u refused (%s)", kind_name(c->kind), c->name,
				addr_format(&c->addrs[i].addr, text), c->addrs[i].len_bits, strerror(-rc));
	}
	return 0;
}

static int open_here(const struct tuntap_conf *c, struct tuntap *out, char *error) {
	int rc;

	out->fd = attach(c, error);
	if (out->fd < 0)
		return out->fd;
	out->ifindex = find_ifindex(c->name);
	if (out->ifindex < 0) {
		rc = fail(error, out->ifindex, "device %s has no index: %s", c->name, strerror(-out->ifindex));
		goto err_close;
	}
	rc = set_up(c, out->ifindex, error);
	if (rc)
		goto err_close;
	return 0;
err_close:
	close(out->fd);
	return rc;
}

int tuntap_open(const struct tuntap_conf *conf, struct tuntap *out, char error[static TUNTAP_ERROR_LEN]) {
	int previous, rc;

	*out = (struct tuntap){.fd = -1, .netns_fd = -1};
	error[0] = 0;
	if (conf->netns) {
		rc = netns_open(conf->netns);
		if (rc < 0)
			return fail(error, rc, "no network namespace %s for %s: 'ip netns add %s' makes it",
				conf->netns, conf->name, conf->netns);
		out->netns_fd = rc;
	}
	previous = netns_enter(out->netns_fd);
	if (out->netns_fd >= 0 && previous < 0) {
		rc = fail(error, previous, "cannot enter network namespace %s (%s): run as root", conf->netns,
			strerror(-previous));
		goto err_netns;
	}
	rc = open_here(conf, out, error);
	netns_leave(previous);
	if (rc)
		goto err_netns;
	snprintf(out->name, sizeof(out->name), "%s", conf->name);
	return 0;
err_netns:
	if (out->netns_fd >= 0)
		close(out->netns_fd);
	*out = (struct tuntap){.fd = -1, .netns_fd = -1};
	return rc;
}

void tuntap_close(struct tuntap *t) {
	if (t->fd >= 0)
		close(t->fd);
	if (t->netns_fd >= 0)
		close(t->netns_fd);
	t->fd = t->netns_fd = -1;
}

void tuntap_remove(struct tuntap *t) {
	if (t->fd >= 0)
		ioctl(t->fd, TUNSETPERSIST, 0);
	tuntap_close(t);
}

int tuntap_read(struct tuntap *t, void *buf, uint32_t cap) {
	ssize_t n = read(t->fd, buf, cap);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	return (int)n;
}

int tuntap_write(struct tuntap *t, const void *buf, uint32_t len) {
	return write(t->fd, buf, len) < 0 ? -errno : 0;
}
