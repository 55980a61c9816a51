// SPDX-License-Identifier: BSD-3-Clause
// Readers of addresses, prefixes, lists of them, and of names that the file declares elsewhere.
#include <stdlib.h>
#include <string.h>

#include "conf_reader.h"

bool conf_is_host(const struct addr *a) {
	return !addr_is_zero(a) && !addr_is_multicast(a) && !(a->family == ADDR_IPV4 && a->bytes[0] >= 240);
}

static bool host_read(struct conf_reader *r, const struct conf_key *k, const struct conf_node *n, struct addr *out) {
	const char *text = conf_scalar(r, k, n);
	uint8_t len;

	if (!text)
		return false;
	if (addr_parse(text, out) == 0) {
		if (conf_is_host(out))
			return true;
		conf_error(r, n->mark, "%s: '%s' is not the address of one host", k->name, text);
	} else if (strchr(text, '/') && addr_parse_with_len(text, out, &len) == 0)
		conf_error(
			r, n->mark, "%s: '%s' has a prefix length: leave out '%s'", k->name, text, strchr(text, '/'));
	else
		conf_error(
			r, n->mark, "%s: '%.60s' is not an address: write 192.0.2.1 or \"2001:db8::1\"", k->name, text);
	return false;
}

static void address_read(struct conf_reader *r, const struct conf_key *k, const struct conf_node *n, void *base) {
	struct addr a;

	if (host_read(r, k, n, &a))
		memcpy((char *)base + k->offset, &a, sizeof(a));
}

const struct conf_type conf_address = {address_read, "address", CONF_ARG_NONE};

static bool prefix_check(
	struct conf_reader *r, const struct conf_key *k, const struct conf_node *n, struct prefix *out) {
	const char *text = conf_scalar(r, k, n);
	char buf[PREFIX_STRLEN];
	struct addr a;
	uint8_t len;

	if (!text)
		return false;
	if (addr_parse_with_len(text, &a, &len) < 0) {
		conf_error(r, n->mark, "%s: '%.60s' is not a prefix: write 10.1.0.0/16 or \"2001:db8::/32\"", k->name,
			text);
		return false;
	}
	*out = prefix_of(&a, len);
	if (!addr_eq(&out->addr, &a)) {
		conf_error(r, n->mark, "%s: '%s' has host bits: write %s", k->name, text, prefix_format(out, buf));
		return false;
	}
	return true;
}

static void prefix_read(struct conf_reader *r, const struct conf_key *k, const struct conf_node *n, void *base) {
	struct prefix p;

	if (prefix_check(r, k, n, &p))
		memcpy((char *)base + k->offset, &p, sizeof(p));
}

const struct conf_type conf_prefix = {prefix_read, "prefix", CONF_ARG_NONE};

static int hex_of(char c) {
	return c >= '0' && c <= '9'   ? c - '0'
	       : c >= 'a' && c <= 'f' ? c - 'a' + 10
	       : c >= 'A' && c <= 'F' ? c - 'A' + 10
				      : -1;
}

static bool mac_parse(const char *text, uint8_t mac[6]) {
	if (strlen(text) != 17)
		return false;
	for (unsigned i = 0; i < 6; i++) {
		int high = hex_of(text[3 * i]), low = hex_of(text[3 * i + 1]);

		if (high < 0 || low < 0 || (i < 5 && text[3 * i + 2] != ':'))
			return false;
		mac[i] = high << 4 | low;
	}
	return true;
}

static void mac_read(struct conf_reader *r, const struct conf_key *k, const struct conf_node *n, void *base) {
	const char *text = conf_scalar(r, k, n);
	static const uint8_t zero[6];
	uint8_t mac[6];

	if (!text)
		return;
	if (!mac_parse(text, mac) || (mac[0] & 1) || memcmp(mac, zero, 6) == 0)
		conf_error(r, n->mark, "%s: '%.40s' is not the MAC address of one host: write \"02:00:00:00:00:01\"",
			k->name, text);
	else
		memcpy((char *)base + k->offset, mac, 6);
}

const struct conf_type conf_mac = {mac_read, "MAC address", CONF_ARG_NONE};

bool conf_is_own(const struct conf_addr *list, unsigned n, const struct addr *a) {
	for (unsigned i = 0; i < n; i++) {
		if (addr_eq(&list[i].addr, a))
			return true;
	}
	return false;
}

bool conf_is_on_link(const struct conf_addr *list, unsigned n, const struct addr *a) {
	for (unsigned i = 0; i < n; i++) {
		struct prefix p = prefix_of(&list[i].addr, list[i].len_bits);

		if (prefix_contains(&p, a))
			return true;
	}
	return false;
}

// Neither the subnet's own address nor its broadcast address.
static bool is_host_of_subnet(const struct addr *a, uint8_t len_bits) {
	uint32_t host_mask;

	if (a->family != ADDR_IPV4 || len_bits >= 31)
		return true;
	host_mask = UINT32_MAX >> len_bits;
	return (addr_to_u32(a) & host_mask) != 0 && (addr_to_u32(a) & host_mask) != host_mask;
}

static bool interface_address_read(
	struct conf_reader *r, const struct conf_key *k, const struct conf_node *n, struct conf_addr *out) {
	const char *text = conf_scalar(r, k, n);

	if (!text)
		return false;
	out->mark = n->mark;
	if (addr_parse_with_len(text, &out->addr, &out->len_bits) < 0)
		conf_error(r, n->mark, "%s: '%.60s' is not an address with prefix length: write 192.0.2.1/24", k->name,
			text);
	else if (!strchr(text, '/'))
		conf_error(r, n->mark, "%s: '%s' wants its prefix length: write %s/%u", k->name, text, text,
			out->addr.family == ADDR_IPV4 ? 24 : 64);
	else if (!conf_is_host(&out->addr) || addr_is_loopback(&out->addr) || out->len_bits == 0 ||
		 !is_host_of_subnet(&out->addr, out->len_bits))
		conf_error(r, n->mark, "%s: '%s' cannot be the address of a host: write one from inside its subnet",
			k->name, text);
	else
		return true;
	return false;
}

static bool hop_address_read(
	struct conf_reader *r, const struct conf_key *k, const struct conf_node *n, struct conf_addr *out) {
	out->mark = n->mark;
	if (!host_read(r, k, n, &out->addr))
		return false;
	out->len_bits = 8 * addr_len_bytes(out->addr.family);
	return true;
}

static void address_list_read(struct conf_reader *r, const struct conf_key *k, const struct conf_node *n, void *base,
	bool (*read)(struct conf_reader *, const struct conf_key *, const struct conf_node *, struct conf_addr *)) {
	const struct conf_shape *s = k->arg;
	struct conf_key count = {.offset = s->count_offset, .size = s->count_size};
	struct conf_addr *list = (struct conf_addr *)((char *)base + k->offset);
	unsigned n_items = conf_list_len(n), n_read = 0;

	if (n_items > s->max) {
		conf_error(r, n->mark, "%s: %u are too many: at most %u", k->name, n_items, s->max);
		return;
	}
	for (unsigned i = 0; i < n_items; i++) {
		const struct conf_node *item = conf_list_item(n, i);
		struct conf_addr a = {0};

		if (!read(r, k, item, &a))
			continue;
		if (conf_is_own(list, n_read, &a.addr))
			conf_error(r, item->mark, "%s: '%s' is given twice", k->name, item->text);
		else
			list[n_read++] = a;
	}
	conf_store(&count, base, n_read);
}

static void interface_addresses_read(
	struct conf_reader *r, const struct conf_key *k, const struct conf_node *n, void *base) {
	address_list_read(r, k, n, base, interface_address_read);
}

static void addresses_read(struct conf_reader *r, const struct conf_key *k, const struct conf_node *n, void *base) {
	address_list_read(r, k, n, base, hop_address_read);
}

const struct conf_type conf_interface_addresses = {
	interface_addresses_read, "address/length, or a list", CONF_ARG_NONE};
const struct conf_type conf_addresses = {addresses_read, "address, or a list", CONF_ARG_NONE};

static void prefixes_read(struct conf_reader *r, const struct conf_key *k, const struct conf_node *n, void *base) {
	const struct conf_shape *s = k->arg;
	struct conf_key count = {.offset = s->count_offset, .size = s->count_size};
	unsigned n_items = conf_list_len(n), n_read = 0;
	struct prefix *list;

	if (n_items > s->max) {
		conf_error(r, n->mark, "%s: %u are too many: at most %u", k->name, n_items, s->max);
		return;
	}
	list = calloc(n_items ? n_items : 1, sizeof(*list));
	if (!list) {
		conf_error(r, n->mark, "%s: out of memory", k->name);
		return;
	}
	for (unsigned i = 0; i < n_items; i++)
		n_read += prefix_check(r, k, conf_list_item(n, i), &list[n_read]);
	memcpy((char *)base + k->offset, &list, sizeof(list));
	conf_store(&count, base, n_read);
}

const struct conf_type conf_prefixes = {prefixes_read, "prefix, or a list", CONF_ARG_NONE};

struct name_list {
	const char *what;
	const char *names; // of the first
	size_t step;
	unsigned n;
};

static void name_resolve(
	struct conf_reader *r, const struct conf_key *k, const struct conf_node *n, void *base, struct name_list l) {
	struct conf_nearest near = {.word = n->text};

	conf_store(k, base, CONF_NONE);
	if (n->mark.line == 0 || !conf_scalar(r, k, n))
		return;
	for (unsigned i = 0; i < l.n; i++) {
		const char *name = l.names + i * l.step;

		if (strcmp(name, n->text) == 0) {
			conf_store(k, base, i);
			return;
		}
		conf_nearest_offer(&near, name);
	}
	if (near.best && *near.best)
		conf_error(r, n->mark, "%s: there is no %s '%.40s': did you mean '%s'?", k->name, l.what, n->text,
			near.best);
	else
		conf_error(
			r, n->mark, "%s: there is no %s '%.40s': write it under %ss", k->name, l.what, n->text, l.what);
}

static void vrf_ref_read(struct conf_reader *r, const struct conf_key *k, const struct conf_node *n, void *base) {
	const struct conf *c = r->conf;

	if (n->mark.line == 0 || strcmp(n->text, "default") == 0)
		conf_store(k, base, 0);
	else
		name_resolve(
			r, k, n, base, (struct name_list){"vrf", (const char *)c->vrfs, sizeof(*c->vrfs), c->n_vrfs});
}

static void port_ref_read(struct conf_reader *r, const struct conf_key *k, const struct conf_node *n, void *base) {
	const struct conf *c = r->conf;

	name_resolve(r, k, n, base, (struct name_list){"port", (const char *)c->ports, sizeof(*c->ports), c->n_ports});
}

static void tunnel_ref_read(struct conf_reader *r, const struct conf_key *k, const struct conf_node *n, void *base) {
	const struct conf *c = r->conf;

	name_resolve(r, k, n, base,
		(struct name_list){"tunnel", (const char *)c->tunnels, sizeof(*c->tunnels), c->n_tunnels});
}

const struct conf_type conf_vrf_ref = {vrf_ref_read, "name of a VRF", CONF_ARG_NONE};
const struct conf_type conf_port_ref = {port_ref_read, "name of a port", CONF_ARG_NONE};
const struct conf_type conf_tunnel_ref = {tunnel_ref_read, "name of a tunnel", CONF_ARG_NONE};
