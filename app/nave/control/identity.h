// SPDX-License-Identifier: BSD-3-Clause
// The IKE identities that have SAs at the hub, by number, and what the configuration allows each of them
// (tunnels.NAME.protection.identities). A number lives as long as somebody holds it. Control core only.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "conf.h"

struct identities;

// conf outlives it; NULL: no memory. Where NULL and number 0 are taken, there is no identity.
struct identities *identities_create(const struct conf *conf);
void identities_free(struct identities *ids);

// The number of an identity, as IKE authenticated it: found or made. 0: no memory, or an empty text.
uint32_t identities_hold(struct identities *ids, const char *text);
void identities_release(struct identities *ids, uint32_t number);
const char *identities_text(const struct identities *ids, uint32_t number); // "" of 0
// The first entry of the tunnel's list that matches; NULL: none does, or the tunnel has no list. Looked up once.
const struct conf_identity *identities_entry(const struct identities *ids, uint32_t number, uint16_t tunnel);
// The tunnel is protected by IKE and has no list, or an entry of it matches.
bool identities_may_use(const struct identities *ids, uint32_t number, uint16_t tunnel);
