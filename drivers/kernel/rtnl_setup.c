// SPDX-License-Identifier: BSD-3-Clause
// The synchronous half of rtnl.h: one request, one acknowledgement, on a socket of its own.
#include <errno.h>
#include <linux/if.h>
#include <linux/if_addr.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "rtnl.h"
#include "rtnl_msg.h"

static int request_ack(struct rtnl_msg *m) {
	_Alignas(NLMSG_ALIGNTO) char buf[4096];
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	const struct nlmsghdr *h = (const struct nlmsghdr *)buf;
	const struct nlmsgerr *e;
	ssize_t n;
	int rc;

	if (fd < 0)
		return -errno;
	m->hdr.nlmsg_flags |= NLM_F_ACK;
	rc = rtnl_msg_send(fd, m);
	if (rc)
		goto out;
	n = recv(fd, buf, sizeof(buf), 0);
	rc = n < 0 ? -errno : -EPROTO;
	if (n >= (ssize_t)NLMSG_LENGTH(sizeof(*e)) && h->nlmsg_type == NLMSG_ERROR) {
		e = NLMSG_DATA(h);
		rc = e->error;
	}
out:
	close(fd);
	return rc;
}

int rtnl_link_set(int ifindex, uint16_t mtu, const uint8_t *mac, bool up) {
	uint32_t mtu32 = mtu;
	struct rtnl_msg m;
	struct ifinfomsg *i = rtnl_msg_init(&m, RTM_NEWLINK, 0, sizeof(*i));

	i->ifi_index = ifindex;
	i->ifi_change = i->ifi_flags = up ? IFF_UP : 0; // never takes a device down
	if (mtu)
		rtnl_msg_put(&m, IFLA_MTU, &mtu32, sizeof(mtu32));
	if (mac)
		rtnl_msg_put(&m, IFLA_ADDRESS, mac, 6);
	return request_ack(&m);
}

int rtnl_addr_add(int ifindex, const struct addr *a, uint8_t len_bits) {
	struct rtnl_msg m;
	struct ifaddrmsg *i = rtnl_msg_init(&m, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, sizeof(*i));
	int rc;

	i->ifa_family = rtnl_family(a);
	i->ifa_prefixlen = len_bits;
	i->ifa_index = ifindex;
	// The address is the operator's word; a daemon that binds to it must not wait for duplicate detection.
	i->ifa_flags = a->family == ADDR_IPV6 ? IFA_F_NODAD : 0;
	rtnl_msg_put_addr(&m, IFA_LOCAL, a);
	rtnl_msg_put_addr(&m, IFA_ADDRESS, a);
	rc = request_ack(&m);
	return rc == -EEXIST ? 0 : rc;
}
