// SPDX-License-Identifier: BSD-3-Clause
// Static routes: those of the configuration, and those that an operator adds at the console. Control core only.
#pragma once

#include <stdint.h>
#include <stdio.h>

#include "addr.h"
#include "publish.h"

struct nave;
struct route_ctl;

// Publishes the routes of nave->conf. NULL with errno, after a sentence with its place in the file on errors.
struct route_ctl *route_ctl_create(struct nave *nave, FILE *errors);
void route_ctl_free(struct route_ctl *r);

// -EINVAL: no such VRF or interface, or no usable next hop; -EEXIST: a connected prefix or an address of ours; -ENOSPC.
int route_ctl_add(struct route_ctl *r, uint16_t vrf, const struct prefix *prefix, enum publish_route_kind kind,
	const struct publish_next_hop *via, unsigned n_via);
int route_ctl_del(
	struct route_ctl *r, uint16_t vrf, const struct prefix *prefix); // -ENOENT; -EPERM: not a static route
