// SPDX-License-Identifier: BSD-3-Clause
// Building and reading single rtnetlink messages.
#pragma once

#include <linux/rtnetlink.h>
#include <stdint.h>

#include "addr.h"

struct rtnl_msg { // large enough for every request made here
	struct nlmsghdr hdr;
	uint8_t body[240];
};

// Starts a message with a zeroed family header of header_len octets and returns that header.
void *rtnl_msg_init(struct rtnl_msg *m, uint16_t type, uint16_t flags, uint32_t header_len);
void rtnl_msg_put(struct rtnl_msg *m, uint16_t type, const void *data, uint16_t len);
void rtnl_msg_put_addr(struct rtnl_msg *m, uint16_t type, const struct addr *a);
// Sends to the kernel without waiting for an answer. 0 or -errno.
int rtnl_msg_send(int fd, const struct rtnl_msg *m);

// Fills table[0..max] with the attributes that follow a family header of header_len octets; the first of a kind counts.
void rtnl_attrs(const struct nlmsghdr *h, uint32_t header_len, const struct rtattr **table, unsigned max);
struct addr rtnl_attr_addr(int family, const struct rtattr *a); // ADDR_NONE when absent or of a wrong length
uint8_t rtnl_family(const struct addr *a);
