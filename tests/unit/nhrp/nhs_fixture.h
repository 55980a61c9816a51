// SPDX-License-Identifier: BSD-3-Clause
// A small NHS for tests: 172.16.0.1 and 2001:db8::1 at 10.0.0.1, subnets 172.16.0.0/24 and 2001:db8::/64, 64 entries.
// Requests go in as bytes and replies come out as bytes, through the codec both ways.
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "clock.h"
#include "nhs.h"

struct nhs_fixture {
	struct nhs nhs;
	struct nhs_config conf;
	struct nhs_source src;
	uint64_t now_ns;
	struct nhrp_msg request; // to be changed by the test before it is received
	uint8_t bytes[2048];
	uint16_t len_bytes;
	struct nhs_result out;
	uint8_t reply_bytes[NHRP_PACKET_MAX];
	int reply_len; // 0: none was sent
	struct nhrp_msg reply; // decoded again
};

// For cmocka_unit_test_setup_teardown(); *state is the fixture.
int nhs_fixture_setup(void **state);
int nhs_fixture_teardown(void **state);
#define nhs_test(f) cmocka_unit_test_setup_teardown(f, nhs_fixture_setup, nhs_fixture_teardown)

struct addr addr_from(const char *text);
struct prefix prefix_from(const char *text);

void secret_set(struct nhs_fixture *f, const char *secret); // the authentication string that the NHS wants

// A request as FRR sends it: one CIE without addresses, holding time 7200, prefix length 0xff, extensions 4, 5, 3, 9.
// Sets src to the NBMA address too.
void request_registration(struct nhs_fixture *f, const char *protocol, const char *nbma, bool unique);
// One CIE per address; "10.0.0.0/24" for a class.
void request_purge(struct nhs_fixture *f, const char *protocol, const char *nbma, const char *what);

// Encodes the request, decodes it, lets the NHS have it, does what its changes ask for, decodes the reply.
void receive(struct nhs_fixture *f);
void receive_hex(struct nhs_fixture *f, const char *hex, const char *seen_from);

// Registers and expects code 0.
struct binding *registered(struct nhs_fixture *f, const char *protocol, const char *nbma, bool unique);
struct binding *binding_at(const struct nhs_fixture *f, const char *prefix);
uint64_t counted(const struct nhs_fixture *f, enum nhs_counter c);

size_t hex_bytes(const char *hex, uint8_t *out, size_t cap);
