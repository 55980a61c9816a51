// SPDX-License-Identifier: BSD-3-Clause
// The table-driven reader. A feature declares its keys as a table of struct conf_key; one table makes the reading, the
// checks, the defaults (a default is written as text and read like a value) and docs/config.md. To add a key: a member
// in conf.h, a row in the feature's table, and build target config-reference writes the page anew.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf.h"
#include "conf_node.h"

#define CONF_ERRORS_MAX 100
#define CONF_KEYS_MAX 32 // in one table

struct conf_reader {
	struct conf *conf;
	unsigned n_errors, n_kept;
	struct conf_error *errors; // CONF_ERRORS_MAX, sorted before they are printed
	char path[96]; // "tunnels.dmvpn0.nhrp": where we are
	unsigned n_steps; // keys and items taken; bounds what aliases can blow up
	bool is_over; // it was too much: said once, and the reading ends
	unsigned n_bad;
	const void *bad[CONF_ERRORS_MAX]; // items that had errors: others do not complain about them again
};

struct conf_key;

enum conf_arg { // what conf_key.arg is
	CONF_ARG_NONE,
	CONF_ARG_RANGE, // struct conf_range
	CONF_ARG_WORDS, // struct conf_word[], ends with a NULL word
	CONF_ARG_SHAPE, // struct conf_shape
};

struct conf_type {
	// base is the struct that the table's offsets are of. Errors go to conf_error(); the value is then left as it
	// was.
	void (*read)(struct conf_reader *r, const struct conf_key *k, const struct conf_node *n, void *base);
	const char *words; // for the reference
	enum conf_arg arg;
};

struct conf_key {
	const char *name; // NULL ends a table
	const struct conf_type *type;
	size_t offset, size;
	const void *arg;
	bool required;
	bool is_later; // accepted, and not carried out by this build: goes to conf.later
	const char *fallback; // read as if it were written; NULL: the member stays as it is
	const char *shown; // in the reference instead of fallback
	const char *help;
};

#define CONF_FIELD(s, member) .offset = offsetof(s, member), .size = sizeof(((s *)0)->member)

struct conf_word {
	const char *word;
	int64_t value;
};

struct conf_range {
	int64_t min, max;
	const struct conf_word *words; // beside the numbers: "auto"
};

// A mapping, a list of mappings or a map of names: the keys of one item, and where items are kept.
struct conf_shape {
	const struct conf_key *keys;
	size_t mark_offset; // in the item; 0: none
	size_t item_size, count_offset, count_size;
	uint32_t max;
	bool is_inline; // the member is the array, not a pointer to it
	bool has_default; // a map of names: item 0 is there unasked, and "default" is its name
	// After the keys of an item were read without an error.
	void (*check)(struct conf_reader *r, const struct conf_node *n, void *item);
};

#define CONF_COUNT(s, member) .count_offset = offsetof(s, member), .count_size = sizeof(((s *)0)->member)

void conf_error(struct conf_reader *r, struct conf_mark mark, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
// Sorted by place, one a line; frees them.
void conf_errors_print(struct conf_reader *r, FILE *out);
void conf_bad_add(struct conf_reader *r, const void *item);
bool conf_is_bad(const struct conf_reader *r, const void *item);
void conf_later_add(struct conf_reader *r, const char *key, struct conf_mark mark); // key: "" for the path itself

// Reads all keys of a mapping into base: in the order of the table, so that a key may build on those above it.
void conf_map_read(struct conf_reader *r, const struct conf_key *keys, const struct conf_node *n, void *base);
const struct conf_node *conf_node_empty(void); // "{}" that is nowhere
void conf_store(const struct conf_key *k, void *base, int64_t v); // by size
const char *conf_scalar(struct conf_reader *r, const struct conf_key *k, const struct conf_node *n); // or NULL
bool conf_word_read(struct conf_reader *r, const struct conf_key *k, const struct conf_node *n,
	const struct conf_word *words, int64_t *v);
// The known word nearest to what was written, if any is near.
struct conf_nearest {
	const char *word, *best;
	unsigned distance;
};
void conf_nearest_offer(struct conf_nearest *n, const char *candidate);

// Shapes.
extern const struct conf_type conf_section; // a mapping, into the same base
extern const struct conf_type conf_named; // NAME: {...}; the item's first member is char name[CONF_NAME_LEN]
extern const struct conf_type conf_mappings; // [{...}, {...}]
// Scalars.
extern const struct conf_type conf_number, conf_bool, conf_choice, conf_label, conf_text, conf_path, conf_netns;
extern const struct conf_type conf_secret; // 1 to size-1 printable characters; never repeated in an error
extern const struct conf_type conf_milliseconds; // "8s", "500ms": a unit is wanted
extern const struct conf_type conf_seconds; // "600", "600s", "10m"
extern const struct conf_type conf_address, conf_mac, conf_prefix;
// Lists of scalars; arg is a shape without keys.
extern const struct conf_type conf_interface_addresses; // with prefix length, unicast, no duplicates
extern const struct conf_type conf_addresses; // hosts
extern const struct conf_type conf_prefixes; // allocated; arg: count and max
// Names of what the file declares elsewhere; CONF_NONE when absent or unknown.
extern const struct conf_type conf_vrf_ref, conf_port_ref, conf_tunnel_ref;

extern const struct conf_key conf_top_keys[];
extern const struct conf_shape conf_hub_shape, conf_vrf_shape, conf_port_shape, conf_tunnel_shape, conf_route_shape;
extern const struct conf_type conf_protection;
extern const struct conf_shape conf_protection_shape, conf_sa_shape, conf_identity_shape;
void conf_routes_check(struct conf_reader *r);
void conf_sas_check(struct conf_reader *r); // of all tunnels
void conf_identities_check(struct conf_reader *r, const struct conf_tunnel *t); // against each other
// Against the tunnel's addresses; n is the tunnel.
void conf_identities_subnet_check(struct conf_reader *r, const struct conf_node *n, const struct conf_tunnel *t);
void conf_sas_nbma_check(struct conf_reader *r, const struct conf_tunnel *t);

// What ports and tunnels have in common.
bool conf_address_is_taken(struct conf_reader *r, uint16_t vrf, const struct conf_addr *a, const void *except);
bool conf_is_on_link(const struct conf_addr *list, unsigned n, const struct addr *a);
bool conf_is_host(const struct addr *a); // of one host: no zeros, multicast, class E
bool conf_is_own(const struct conf_addr *list, unsigned n, const struct addr *a);
