// SPDX-License-Identifier: BSD-3-Clause
// IKEv2 transform IDs and keys to what an SA of the hub is made of.
#pragma once

#include "nave_ike.h"
#include "sa.h"

// The suite of ADD_SA, and its keys, which the caller wipes. -ENOTSUP: no suite of the hub, or one that does not
// encrypt and does not authenticate; -EINVAL: key lengths that the suite does not have.
int ike_suite(const struct nave_ike_add_sa *m, enum esp_suite *suite, struct sa_keys *keys);
