// SPDX-License-Identifier: BSD-3-Clause
// The SAs of N spokes whose IKE daemon is one: what its plugin installs and deletes, numbered, with their keys in a
// struct spoke_esp at the same number. AES-GCM-128, 16 octets of ICV. Spokes are 1 to N; number 0 is none.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "nave_ike.h"
#include "spoke_esp.h"

#define SPOKES_MAX 10000

struct spoke_sas;

struct spoke_sas *spoke_sas_create(uint32_t n_spokes); // NULL, errno
void spoke_sas_free(struct spoke_sas *s);
struct spoke_esp *spoke_sas_esp(const struct spoke_sas *s);

// Their NBMA addresses are 10.9.1.1 and on, 250 in a /24; host order. 0: of no spoke.
uint32_t spoke_address(uint32_t spoke);
uint32_t spoke_at(const struct spoke_sas *s, uint32_t address);

uint32_t spoke_sas_reserve(struct spoke_sas *s); // an SPI; 0: no room
bool spoke_sas_add(struct spoke_sas *s, const struct nave_ike_add_sa *m);
bool spoke_sas_delete(struct spoke_sas *s, const struct nave_ike_sa_name *name);

uint32_t spoke_sas_out(const struct spoke_sas *s, uint32_t spoke); // the newest
uint32_t spoke_sas_in(const struct spoke_sas *s, uint32_t spoke, uint32_t spi);
bool spoke_is_rekeying(const struct spoke_sas *s, uint32_t spoke); // the SA before, or its like, is still there
// Spokes whose SAs of both directions were replaced, and the ones before deleted.
uint32_t spoke_sas_rekeyed(const struct spoke_sas *s);
