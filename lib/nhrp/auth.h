// SPDX-License-Identifier: BSD-3-Clause
// Authentication extension in Cisco's form: 4 bytes 0x00000001, then the plaintext string, at most 8 characters, no
// source address (RFC 2332 section 5.3.4 has another form that no DMVPN peer sends). Regenerated at each hop.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nhrp_msg.h"

#define NHRP_AUTH_MAX 12

// secret "" accepts any message. Constant time in the secret's bytes. Exactly one extension must match.
bool nhrp_auth_ok(const struct nhrp_msg *msg, const char *secret);
// Removes what is there and appends ours (nothing for ""). value must hold NHRP_AUTH_MAX bytes and outlive msg.
int nhrp_auth_set(struct nhrp_msg *msg, const char *secret, uint8_t *value);
