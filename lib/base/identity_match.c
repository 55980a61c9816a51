// SPDX-License-Identifier: BSD-3-Clause
#include "identity_match.h"

#include <stdio.h>
#include <string.h>

#include "addr.h"
#include "hex.h"

#define KEY_ID_MAX 85 // octets that fit as "61:62:63"
#define SHA1_BYTES 20

// isalnum() and tolower() of the C locale, whichever is set.
static bool is_letter(char c) {
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c) {
	return c >= '0' && c <= '9';
}

static char lower(char c) {
	return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c;
}

static bool is_printable(const char *text, size_t len) {
	for (size_t i = 0; i < len; i++)
		if (text[i] < ' ' || text[i] > '~')
			return false;
	return true;
}

static void fold(const char *text, struct identity_form *out) {
	size_t len = strlen(text);

	for (size_t i = 0; i <= len; i++)
		out->text[i] = lower(text[i]);
}

// --- distinguished names ---
// One type has several names; strongSwan takes all of them.
static const char *const type_aliases[][2] = {
	{"email", "e"},
	{"emailaddress", "e"},
	{"sn", "serialnumber"},
	{"en", "employeenumber"},
	{"un", "unstructuredname"},
	{"ua", "unstructuredaddress"},
};

// Letters and digits; of a type without a name, octets in hex with colons.
static size_t type_len(const char *at) {
	size_t len = 0;

	while (is_letter(at[len]) || is_digit(at[len]) || at[len] == ':' || at[len] == '.' || at[len] == '-')
		len++;
	return len;
}

static const char *spaces_skip(const char *at) {
	return at + strspn(at, " ");
}

// Behind the "=" of "TYPE =", its type's length in *len; NULL: no RDN begins here.
static const char *rdn_begin(const char *at, size_t *len) {
	*len = type_len(at);
	if (*len == 0)
		return NULL;
	at = spaces_skip(at + *len);
	return *at == '=' ? spaces_skip(at + 1) : NULL;
}

// strongSwan writes a comma inside a value as it is, so that one separates only where a type follows.
static const char *value_end(const char *at) {
	size_t len;

	for (; *at; at++)
		if (*at == ',' && rdn_begin(spaces_skip(at + 1), &len))
			break;
	return at;
}

static size_t trimmed_len(const char *from, const char *end) {
	while (end > from && end[-1] == ' ')
		end--;
	return (size_t)(end - from);
}

// The output is never longer than the input but for a type's other name.
static bool put(char **at, const char *end, const char *text, size_t len) {
	if ((size_t)(end - *at) <= len)
		return false;
	memcpy(*at, text, len);
	*at += len;
	**at = '\0';
	return true;
}

static bool type_put(char **at, const char *end, const char *type, size_t len) {
	char *mine = *at;

	if (!put(at, end, type, len))
		return false;
	for (char *c = mine; c < *at; c++)
		*c = lower(*c);
	for (unsigned i = 0; i < sizeof(type_aliases) / sizeof(type_aliases[0]); i++) {
		if (strcmp(mine, type_aliases[i][0]) != 0)
			continue;
		*at = mine;
		return put(at, end, type_aliases[i][1], strlen(type_aliases[i][1]));
	}
	return true;
}

// "C = DE , CN=x" -> "c=DE,cn=x". false: not a DN, or too long.
static bool dn_fold(const char *text, struct identity_form *out) {
	const char *end = out->text + sizeof(out->text), *at = spaces_skip(text);
	char *to = out->text;

	for (;;) {
		size_t len;
		const char *value = rdn_begin(at, &len), *after;

		if (!value)
			return false;
		after = value_end(value);
		if (!type_put(&to, end, at, len) || !put(&to, end, "=", 1) ||
			!put(&to, end, value, trimmed_len(value, after)))
			return false;
		if (!*after)
			return true;
		if (!put(&to, end, ",", 1))
			return false;
		at = spaces_skip(after + 1);
	}
}

// Of folded DNs, where no separator has spaces.
static const char *rdn_end(const char *rdn) {
	size_t len;

	return value_end(rdn_begin(rdn, &len));
}

static const char *rdn_value(const char *rdn) {
	return strchr(rdn, '=') + 1;
}

static bool rdn_match(const char *pattern, const char *pattern_end, const char *rdn, const char *end) {
	const char *value = rdn_value(pattern);
	bool is_any = pattern_end - value == 1 && *value == '*';
	size_t pattern_len = (size_t)((is_any ? value : pattern_end) - pattern), len = (size_t)(end - rdn);

	return (is_any ? len >= pattern_len : len == pattern_len) && memcmp(pattern, rdn, pattern_len) == 0;
}

static bool dn_match(const char *pattern, const char *dn) {
	for (;;) {
		const char *pattern_end = rdn_end(pattern), *end = rdn_end(dn);

		if (!rdn_match(pattern, pattern_end, dn, end))
			return false;
		if (!*pattern_end || !*end)
			return *pattern_end == *end;
		pattern = pattern_end + 1;
		dn = end + 1;
	}
}

// What is wrong with its values.
static const char *dn_pattern_check(struct identity_form *f) {
	for (const char *rdn = f->text, *end;; rdn = end + 1) {
		const char *value = rdn_value(rdn);

		end = rdn_end(rdn);
		if (end == value)
			return "has an RDN without a value: write TYPE=VALUE, or TYPE=* for any";
		if (end - value == 1 && *value == '*')
			f->is_wild = true;
		else if (memchr(value, '*', (size_t)(end - value)))
			return "has a * inside a value: in a DN it stands for a whole value, as in CN=*";
		if (!*end)
			return NULL;
	}
}

// --- any kind ---
bool identity_read(const char *text, struct identity_form *out) {
	size_t len = strlen(text);
	struct addr a;

	*out = (struct identity_form){.kind = IDENTITY_NAME};
	if (len == 0 || len >= sizeof(out->text))
		return false;
	if (strchr(text, '=') && dn_fold(text, out)) {
		out->kind = IDENTITY_DN;
		return true;
	}
	if (addr_parse(text, &a) == 0) {
		out->kind = IDENTITY_ADDRESS;
		addr_format(&a, out->text);
		return true;
	}
	if (strchr(text, '@'))
		out->kind = IDENTITY_EMAIL;
	fold(text, out);
	return true;
}

static bool is_any(const char *text) {
	static const char *const any[] = {"*", "%any", "%any6", "0.0.0.0", "::"};

	for (unsigned i = 0; i < sizeof(any) / sizeof(any[0]); i++)
		if (strcmp(text, any[i]) == 0)
			return true;
	return false;
}

// strongSwan writes a key id as text when all of it can be printed and it is no hash.
static const char *key_id_read(const char *digits, struct identity_form *out) {
	size_t len = strlen(digits) / 2;
	uint8_t bytes[KEY_ID_MAX];
	char *at = out->text;

	if (len == 0 || len > KEY_ID_MAX || !hex_parse(digits, bytes, len))
		return "is not a key id: write @# and an even number of hex digits, at most 170";
	if (len != SHA1_BYTES && is_printable((const char *)bytes, len)) {
		char text[KEY_ID_MAX + 1] = "";

		memcpy(text, bytes, len);
		identity_read(text, out);
		return NULL;
	}
	for (size_t i = 0; i < len; i++)
		at += snprintf(at, 4, "%s%02x", i ? ":" : "", bytes[i]);
	out->kind = IDENTITY_NAME;
	return NULL;
}

static const char *prefix_check(const char *text, struct identity_form *out) {
	struct prefix host_bits_off;
	uint8_t len_bits;
	struct addr a;

	if (addr_parse_with_len(text, &a, &len_bits) < 0)
		return "is not a prefix: write 192.0.2.0/24 or \"2001:db8::/32\"";
	host_bits_off = prefix_of(&a, len_bits);
	if (!addr_eq(&host_bits_off.addr, &a))
		return "has host bits: write the address of the prefix alone";
	out->kind = IDENTITY_ADDRESS;
	out->is_wild = true;
	prefix_format(&host_bits_off, out->text);
	return NULL;
}

static const char *name_check(struct identity_form *out) {
	const char *text = out->text;

	out->is_wild = text[0] == '*';
	if (strchr(text + 1, '*'))
		return "has a * that is not at the beginning: write *.branch.example or *@branch.example";
	if (out->kind == IDENTITY_NAME && strchr(text, '.') && strspn(text, "0123456789.") == strlen(text))
		return "is not an address: write 192.0.2.1";
	if (out->kind == IDENTITY_EMAIL && (text[0] == '@' || text[strlen(text) - 1] == '@'))
		return "is not an e-mail address: write ops@branch.example or *@branch.example";
	return NULL;
}

static bool has_type_prefix(const char *text) {
	static const char *const types[] = {"ipv4:", "ipv6:", "rfc822:", "email:", "userfqdn:", "fqdn:", "dns:",
		"asn1dn:", "asn1gn:", "keyid:", "{"};

	for (unsigned i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (strncmp(text, types[i], strlen(types[i])) == 0)
			return true;
	return false;
}

static bool is_prefix(const char *text) {
	const char *slash = strchr(text, '/');
	char address[ADDR_STRLEN];
	struct addr a;

	if (!slash || (size_t)(slash - text) >= sizeof(address))
		return false;
	snprintf(address, sizeof(address), "%.*s", (int)(slash - text), text);
	return addr_parse(address, &a) == 0;
}

static const char *text_refusal(const char *text) {
	size_t len = strlen(text);

	if (len == 0)
		return "is empty: write an identity, or * for any";
	if (len >= IDENTITY_LEN)
		return "is longer than 255 characters";
	if (!is_printable(text, len))
		return "has a character outside of ASCII, which strongSwan writes as ? for each of its bytes: write "
		       "that";
	if (text[0] == ' ' || text[len - 1] == ' ')
		return "begins or ends with a blank: leave it out";
	if (has_type_prefix(text))
		return "begins with a type, which the identities that are compared do not have: leave it out";
	if (text[0] == '/' && strchr(text, '='))
		return "has slashes: write C=DE, O=Example, CN=branch-17";
	return NULL;
}

const char *identity_pattern_read(const char *text, struct identity_form *out) {
	const char *refusal = text_refusal(text);

	*out = (struct identity_form){.kind = IDENTITY_ANY};
	if (refusal)
		return refusal;
	if (is_any(text)) {
		out->is_wild = true;
		out->text[0] = '*';
		return NULL;
	}
	if (text[0] == '@' && text[1] == '#')
		return key_id_read(text + 2, out);
	if (is_prefix(text))
		return prefix_check(text, out);
	for (unsigned i = 0; i < 2 && text[0] == '@'; i++)
		text++;
	if (!identity_read(text, out))
		return "has nothing behind @";
	if (out->kind == IDENTITY_DN)
		return dn_pattern_check(out);
	if (strchr(text, '=') && strchr(text, ','))
		return "is not a DN: write C=DE, O=Example, CN=branch-17";
	return out->kind == IDENTITY_ADDRESS ? NULL : name_check(out);
}

// The text behind the star, at the end of one that is longer.
static bool tail_match(const char *tail, const char *text) {
	size_t tail_len = strlen(tail), len = strlen(text);

	return len > tail_len && memcmp(text + len - tail_len, tail, tail_len) == 0;
}

static bool prefix_match(const char *prefix, const char *address) {
	struct prefix p;
	struct addr a;

	return prefix_parse(prefix, &p) == 0 && addr_parse(address, &a) == 0 && prefix_contains(&p, &a);
}

bool identity_match(const struct identity_form *pattern, const struct identity_form *identity) {
	if (pattern->kind == IDENTITY_ANY)
		return true;
	if (pattern->kind != identity->kind)
		return false;
	if (!pattern->is_wild)
		return strcmp(pattern->text, identity->text) == 0;
	switch (pattern->kind) {
	case IDENTITY_ADDRESS:
		return prefix_match(pattern->text, identity->text);
	case IDENTITY_DN:
		return dn_match(pattern->text, identity->text);
	default:
		return tail_match(pattern->text + 1, identity->text);
	}
}

int identity_compare(const struct identity_form *a, const struct identity_form *b) {
	int d = a->kind - b->kind;

	return d ? d : strcmp(a->text, b->text);
}

// FNV-1a.
uint32_t identity_hash(const struct identity_form *f, uint32_t seed) {
	uint32_t h = (seed ^ 0x811c9dc5u ^ f->kind) * 0x01000193u;

	for (const char *c = f->text; *c; c++)
		h = (h ^ (uint8_t)*c) * 0x01000193u;
	return h;
}
