// SPDX-License-Identifier: BSD-3-Clause
// The following half of rtnl.h: one socket for the events and for the dumps (links, then addresses, then neighbours;
// the kernel allows one dump at a time on a socket).
#include "rtnl.h"

#include <errno.h>
#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "log.h"
#include "netns.h"
#include "rtnl_known.h"
#include "rtnl_msg.h"

#define RECEIVE_BUFFER_BYTES (4 << 20)
#define BUF_BYTES 32768 // what the kernel puts into one datagram of a dump

static const uint16_t dump_types[] = {RTM_GETLINK, RTM_GETADDR, RTM_GETNEIGH};
#define DUMPS (sizeof(dump_types) / sizeof(dump_types[0]))

struct rtnl {
	int fd;
	const struct rtnl_ops *ops;
	void *arg;
	unsigned dump; // index of the running dump; DUMPS: none
	uint32_t seq; // of the running dump
	bool dump_again; // events were lost, or the tables changed under the dump
	bool sweep; // the running dumps are not the first: what they do not name has gone
	struct known_set known;
	_Alignas(NLMSG_ALIGNTO) char buf[BUF_BYTES];
};

static int dump_request(struct rtnl *r) {
	struct rtnl_msg m;

	// rtgenmsg would do for the kernel's loose checks, the largest family header does for the strict ones too.
	rtnl_msg_init(&m, dump_types[r->dump], NLM_F_DUMP, sizeof(struct ifinfomsg));
	m.hdr.nlmsg_seq = ++r->seq;
	return rtnl_msg_send(r->fd, &m);
}

static int dump_start(struct rtnl *r) {
	r->dump = 0;
	r->dump_again = false;
	known_age(&r->known);
	return dump_request(r);
}

static struct rtnl *rtnl_fail(struct rtnl *r, int rc) {
	rtnl_close(r);
	errno = -rc;
	return NULL;
}

static int socket_in(const char *netns) {
	int fd, ns = -1, previous = -1, rc;

	if (netns) {
		ns = netns_open(netns);
		if (ns < 0)
			return ns;
		previous = netns_enter(ns);
		if (previous < 0) {
			close(ns);
			return previous;
		}
	}
	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
	rc = fd < 0 ? -errno : fd;
	netns_leave(previous);
	if (ns >= 0)
		close(ns);
	return rc;
}

struct rtnl *rtnl_open(const char *netns, const struct rtnl_ops *ops, void *arg) {
	struct sockaddr_nl local = {.nl_family = AF_NETLINK,
		.nl_groups = RTMGRP_LINK | RTMGRP_NEIGH | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR};
	struct rtnl *r = calloc(1, sizeof(*r));
	int bytes = RECEIVE_BUFFER_BYTES, rc;

	if (!r)
		return NULL;
	r->ops = ops;
	r->arg = arg;
	r->fd = socket_in(netns);
	if (r->fd < 0)
		return rtnl_fail(r, r->fd);
	rc = known_init(&r->known);
	if (rc)
		return rtnl_fail(r, rc);
	if (setsockopt(r->fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)))
		setsockopt(r->fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
	if (bind(r->fd, (struct sockaddr *)&local, sizeof(local)))
		return rtnl_fail(r, -errno);
	rc = dump_start(r);
	return rc ? rtnl_fail(r, rc) : r;
}

void rtnl_close(struct rtnl *r) {
	if (!r)
		return;
	if (r->fd >= 0)
		close(r->fd);
	known_free(&r->known);
	free(r);
}

int rtnl_fd(const struct rtnl *r) {
	return r->fd;
}

static void link_message(struct rtnl *r, const struct nlmsghdr *h) {
	const struct ifinfomsg *i = NLMSG_DATA(h);
	const struct rtattr *attrs[IFLA_MAX + 1];
	struct rtnl_link l = {.ifindex = i->ifi_index, .deleted = h->nlmsg_type == RTM_DELLINK};
	uint32_t mtu;

	if (i->ifi_family != AF_UNSPEC) // a bridge tells of its ports with messages of its own
		return;
	rtnl_attrs(h, sizeof(*i), attrs, IFLA_MAX);
	l.up = !l.deleted && (i->ifi_flags & IFF_UP);
	l.carrier = !l.deleted && (i->ifi_flags & IFF_LOWER_UP);
	if (attrs[IFLA_IFNAME])
		strncpy(l.name, RTA_DATA(attrs[IFLA_IFNAME]), sizeof(l.name) - 1);
	if (attrs[IFLA_MTU] && RTA_PAYLOAD(attrs[IFLA_MTU]) == sizeof(mtu)) {
		memcpy(&mtu, RTA_DATA(attrs[IFLA_MTU]), sizeof(mtu));
		l.mtu = mtu > UINT16_MAX ? UINT16_MAX : mtu;
	}
	if (l.deleted)
		known_remove(&r->known, KNOWN_LINK, l.ifindex, NULL, 0);
	else
		known_add(&r->known, KNOWN_LINK, l.ifindex, NULL, 0);
	if (r->ops->link)
		r->ops->link(r->arg, &l);
}

static void addr_message(struct rtnl *r, const struct nlmsghdr *h) {
	const struct ifaddrmsg *i = NLMSG_DATA(h);
	const struct rtattr *attrs[IFA_MAX + 1];
	struct rtnl_addr a = {
		.ifindex = (int)i->ifa_index, .len_bits = i->ifa_prefixlen, .deleted = h->nlmsg_type == RTM_DELADDR};

	rtnl_attrs(h, sizeof(*i), attrs, IFA_MAX);
	a.addr = rtnl_attr_addr(i->ifa_family, attrs[IFA_LOCAL] ? attrs[IFA_LOCAL] : attrs[IFA_ADDRESS]);
	if (a.addr.family == ADDR_NONE)
		return;
	if (a.deleted)
		known_remove(&r->known, KNOWN_ADDR, a.ifindex, &a.addr, a.len_bits);
	else
		known_add(&r->known, KNOWN_ADDR, a.ifindex, &a.addr, a.len_bits);
	if (r->ops->addr)
		r->ops->addr(r->arg, &a);
}

static void neigh_message(struct rtnl *r, const struct nlmsghdr *h) {
	const struct ndmsg *d = NLMSG_DATA(h);
	const struct rtattr *attrs[NDA_MAX + 1];
	struct rtnl_neigh n = {.ifindex = d->ndm_ifindex};
	bool told;

	rtnl_attrs(h, sizeof(*d), attrs, NDA_MAX);
	n.addr = rtnl_attr_addr(d->ndm_family, attrs[NDA_DST]);
	if (n.addr.family == ADDR_NONE)
		return;
	n.usable = h->nlmsg_type == RTM_NEWNEIGH && attrs[NDA_LLADDR] &&
		   RTA_PAYLOAD(attrs[NDA_LLADDR]) == sizeof(n.mac) &&
		   (d->ndm_state & (NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE | NUD_PERMANENT | NUD_NOARP));
	if (n.usable) {
		memcpy(n.mac, RTA_DATA(attrs[NDA_LLADDR]), sizeof(n.mac));
		known_add(&r->known, KNOWN_NEIGH, n.ifindex, &n.addr, 0);
	} else {
		told = known_remove(&r->known, KNOWN_NEIGH, n.ifindex, &n.addr, 0);
		n.failed = d->ndm_state & NUD_FAILED;
		if (!told && !n.failed) // still being resolved: no news
			return;
	}
	if (r->ops->neigh)
		r->ops->neigh(r->arg, &n);
}

static void report_gone(struct rtnl *r) {
	struct known k;
	uint32_t at = 0;

	while (known_sweep(&r->known, &at, &k)) {
		if (k.kind == KNOWN_LINK && r->ops->link)
			r->ops->link(r->arg, &(struct rtnl_link){.ifindex = k.ifindex, .deleted = true});
		else if (k.kind == KNOWN_ADDR && r->ops->addr)
			r->ops->addr(r->arg,
				&(struct rtnl_addr){
					.ifindex = k.ifindex, .addr = k.addr, .len_bits = k.len_bits, .deleted = true});
		else if (k.kind == KNOWN_NEIGH && r->ops->neigh)
			r->ops->neigh(r->arg, &(struct rtnl_neigh){.ifindex = k.ifindex, .addr = k.addr});
	}
}

static void dump_done(struct rtnl *r) {
	if (++r->dump < DUMPS) {
		if (dump_request(r))
			r->dump_again = true;
		return;
	}
	if (r->dump_again)
		return; // rtnl_poll starts the next one, which will know what has gone
	if (r->sweep)
		report_gone(r);
	r->sweep = false;
}

static void message(struct rtnl *r, const struct nlmsghdr *h) {
	bool of_dump = h->nlmsg_seq == r->seq && r->dump < DUMPS && (h->nlmsg_flags & NLM_F_MULTI);

	if (of_dump && (h->nlmsg_flags & NLM_F_DUMP_INTR))
		r->dump_again = r->sweep = true;
	switch (h->nlmsg_type) {
	case NLMSG_DONE:
		if (of_dump)
			dump_done(r);
		break;
	case NLMSG_ERROR: // of a dump; those of NTF_USE requests (device gone) are nobody's business
		if (h->nlmsg_seq == r->seq && r->dump < DUMPS)
			dump_done(r);
		break;
	case RTM_NEWLINK:
	case RTM_DELLINK:
		if (h->nlmsg_len >= NLMSG_LENGTH(sizeof(struct ifinfomsg)))
			link_message(r, h);
		break;
	case RTM_NEWADDR:
	case RTM_DELADDR:
		if (h->nlmsg_len >= NLMSG_LENGTH(sizeof(struct ifaddrmsg)))
			addr_message(r, h);
		break;
	case RTM_NEWNEIGH:
	case RTM_DELNEIGH:
		if (h->nlmsg_len >= NLMSG_LENGTH(sizeof(struct ndmsg)))
			neigh_message(r, h);
		break;
	}
}

// One datagram. Number of messages in it, 0 when there is none, -errno.
static int datagram(struct rtnl *r) {
	struct sockaddr_nl from = {0};
	socklen_t from_len = sizeof(from);
	ssize_t n = recvfrom(r->fd, r->buf, sizeof(r->buf), MSG_TRUNC, (struct sockaddr *)&from, &from_len);
	unsigned left, count = 0;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n < 0)
		return -errno;
	if (from.nl_pid != 0) // not the kernel
		return 1;
	if ((size_t)n > sizeof(r->buf))
		return -ENOBUFS;
	left = n;
	for (const struct nlmsghdr *h = (const struct nlmsghdr *)r->buf; NLMSG_OK(h, left); h = NLMSG_NEXT(h, left)) {
		message(r, h);
		count++;
	}
	return count ? (int)count : 1;
}

int rtnl_poll(struct rtnl *r, unsigned budget) {
	unsigned handled = 0;
	int n = 1;

	while (handled < budget) {
		n = datagram(r);
		if (n == -ENOBUFS) {
			log_warning("rtnetlink: events lost, reading all tables again");
			r->dump_again = r->sweep = true;
			n = 1;
		}
		if (n < 0)
			return n;
		if (n == 0)
			break;
		handled += n;
	}
	// Only with an empty queue: what waits from before the loss would pass for news that came after the dump.
	if (n == 0 && r->dump_again && r->dump == DUMPS)
		n = dump_start(r);
	return n < 0 ? n : (int)handled;
}

int rtnl_neigh_use(struct rtnl *r, int ifindex, const struct addr *a) {
	struct rtnl_msg m;
	struct ndmsg *d = rtnl_msg_init(&m, RTM_NEWNEIGH, NLM_F_CREATE, sizeof(*d));

	d->ndm_family = rtnl_family(a);
	d->ndm_ifindex = ifindex;
	d->ndm_flags = NTF_USE;
	rtnl_msg_put_addr(&m, NDA_DST, a);
	return rtnl_msg_send(r->fd, &m);
}
