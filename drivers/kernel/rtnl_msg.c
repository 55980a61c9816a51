// SPDX-License-Identifier: BSD-3-Clause
#include "rtnl_msg.h"

#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>

_Static_assert(offsetof(struct rtnl_msg, body) == NLMSG_HDRLEN, "the family header follows the message header");

void *rtnl_msg_init(struct rtnl_msg *m, uint16_t type, uint16_t flags, uint32_t header_len) {
	assert(NLMSG_LENGTH(header_len) <= sizeof(*m));
	memset(m, 0, sizeof(*m));
	m->hdr.nlmsg_len = NLMSG_LENGTH(header_len);
	m->hdr.nlmsg_type = type;
	m->hdr.nlmsg_flags = NLM_F_REQUEST | flags;
	return m->body;
}

void rtnl_msg_put(struct rtnl_msg *m, uint16_t type, const void *data, uint16_t len) {
	uint32_t at = NLMSG_ALIGN(m->hdr.nlmsg_len);
	struct rtattr *a = (struct rtattr *)((uint8_t *)m + at);

	assert(at + RTA_SPACE(len) <= sizeof(*m));
	a->rta_type = type;
	a->rta_len = RTA_LENGTH(len);
	memcpy(RTA_DATA(a), data, len);
	m->hdr.nlmsg_len = at + RTA_LENGTH(len);
}

void rtnl_msg_put_addr(struct rtnl_msg *m, uint16_t type, const struct addr *a) {
	rtnl_msg_put(m, type, a->bytes, addr_len_bytes(a->family));
}

int rtnl_msg_send(int fd, const struct rtnl_msg *m) {
	struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};

	return sendto(fd, m, m->hdr.nlmsg_len, 0, (struct sockaddr *)&kernel, sizeof(kernel)) < 0 ? -errno : 0;
}

void rtnl_attrs(const struct nlmsghdr *h, uint32_t header_len, const struct rtattr **table, unsigned max) {
	const struct rtattr *a = (const struct rtattr *)((const uint8_t *)NLMSG_DATA(h) + NLMSG_ALIGN(header_len));
	int left = (int)h->nlmsg_len - (int)NLMSG_SPACE(header_len);

	memset(table, 0, (max + 1) * sizeof(*table));
	for (; RTA_OK(a, left); a = RTA_NEXT(a, left)) {
		unsigned type = a->rta_type & NLA_TYPE_MASK;

		if (type <= max && !table[type])
			table[type] = a;
	}
}

struct addr rtnl_attr_addr(int family, const struct rtattr *a) {
	uint8_t ours = family == AF_INET ? ADDR_IPV4 : family == AF_INET6 ? ADDR_IPV6 : ADDR_NONE;

	if (!a || ours == ADDR_NONE || RTA_PAYLOAD(a) != addr_len_bytes(ours))
		return (struct addr){0};
	return addr_from_bytes(ours, RTA_DATA(a));
}

uint8_t rtnl_family(const struct addr *a) {
	return a->family == ADDR_IPV6 ? AF_INET6 : AF_INET;
}
