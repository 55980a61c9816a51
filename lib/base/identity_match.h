// SPDX-License-Identifier: BSD-3-Clause
// IKE identities and patterns of them, as texts in the form that swanctl writes them. Both are brought into one form,
// in which equal ones are equal byte for byte, so that exact patterns can be found by hash. The text no longer says of
// which type an identity is: a key id that looks like a domain name is compared as one.
//
//   *, %any                   anything
//   hub.branch.example        domain name, key id; case does not matter
//   *.branch.example          a `*` at the beginning stands for one character or more
//   ops@branch.example        e-mail address, also with `*` at the beginning; a domain name is none, and none is one
//   192.0.2.1, 192.0.2.0/24   address, or all of a prefix
//   @#0102ff                  key id in hex digits; a name may have strongSwan's @, an e-mail address its @@
//   C=DE, O=Example, CN=*     distinguished name: as many RDNs in this order; case matters in values; `*` is any value
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define IDENTITY_LEN 256 // with the final NUL

enum identity_kind {
	IDENTITY_ANY,
	IDENTITY_NAME, // domain names and key ids
	IDENTITY_EMAIL,
	IDENTITY_ADDRESS,
	IDENTITY_DN,
};

struct identity_form {
	uint8_t kind; // enum identity_kind
	bool is_wild; // a pattern that more than one identity matches
	char text[IDENTITY_LEN]; // folded
};

// What a peer is called. false: empty or too long.
bool identity_read(const char *text, struct identity_form *out);
// What is wrong with it, as words behind the pattern; NULL: nothing.
const char *identity_pattern_read(const char *text, struct identity_form *out);
bool identity_match(const struct identity_form *pattern, const struct identity_form *identity);
int identity_compare(const struct identity_form *a, const struct identity_form *b); // for sorting; 0: equal
uint32_t identity_hash(const struct identity_form *f, uint32_t seed);
