// SPDX-License-Identifier: BSD-3-Clause
// tunnels.NAME.protection.sas: peers whose SAs are configured by hand. Keys are read into bytes and never repeated.
#include <stdlib.h>
#include <string.h>

#include "conf_reader.h"
#include "hex.h"

#define SPI_MIN 256 // RFC 4303 section 2.1

// Of lib/ipsec's list, but for what has neither cipher nor integrity.
static const struct suite {
	const char *name;
	uint8_t enc_bytes, salt_bytes, auth_bytes;
} suites[] = {
#define X(id, word, enc, salt, auth, iv, icv, block, aead) [ESP_##id] = {(word), (enc), (salt), (auth)},
	ESP_SUITES(X)
#undef X
};

static const struct conf_word suite_words[] = {
// the first is ESP_NULL
#define X(id, word, enc, salt, auth, iv, icv, block, aead) {(word), ESP_##id},
	ESP_SUITES(X)
#undef X
		{0},
};

static void suite_read(struct conf_reader *r, const struct conf_key *k, const struct conf_node *n, void *base) {
	int64_t suite = ESP_NULL;

	if (n->kind == CONF_NODE_SCALAR && strcmp(n->text, suites[ESP_NULL].name) == 0)
		conf_error(
			r, n->mark, "%s: null protects nothing and is for nave-lab alone: write aes128gcm16", k->name);
	else if (conf_word_read(r, k, n, k->arg, &suite))
		conf_store(k, base, suite);
}

static const struct conf_type suite_type = {suite_read, NULL, CONF_ARG_WORDS};

static void digits_error(
	struct conf_reader *r, struct conf_mark mark, const char *key, const struct suite *s, bool is_auth) {
	unsigned n_bytes = is_auth ? s->auth_bytes : s->enc_bytes + s->salt_bytes;

	if (n_bytes)
		conf_error(r, mark, "%s: %s wants %u hex digits%s", key, s->name, 2 * n_bytes,
			!is_auth && s->salt_bytes ? ", the last 8 of them the salt" : "");
	else
		conf_error(r, mark, "%s: %s has no such key: leave it out", key, s->name);
}

// Key, and the salt behind it (RFC 4106 section 8.1).
static void enc_key_read(struct conf_reader *r, const struct conf_key *k, const struct conf_node *n, void *base) {
	struct sa_keys *keys = (struct sa_keys *)((char *)base + k->offset);
	const struct suite *s = &suites[((struct conf_sa *)base)->suite];
	const char *text = conf_scalar(r, k, n);
	uint8_t bytes[SA_ENC_KEY_MAX + 4];

	if (!text || s == &suites[ESP_NULL])
		return; // said already
	if (!(s->enc_bytes + s->salt_bytes) || !hex_parse(text, bytes, s->enc_bytes + s->salt_bytes)) {
		digits_error(r, n->mark, k->name, s, false);
	} else {
		memcpy(keys->enc, bytes, s->enc_bytes);
		memcpy(&keys->salt, bytes + s->enc_bytes, s->salt_bytes);
		keys->enc_bytes = s->enc_bytes;
	}
	explicit_bzero(bytes, sizeof(bytes));
}

static void auth_key_read(struct conf_reader *r, const struct conf_key *k, const struct conf_node *n, void *base) {
	struct sa_keys *keys = (struct sa_keys *)((char *)base + k->offset);
	const struct suite *s = &suites[((struct conf_sa *)base)->suite];
	const char *text = conf_scalar(r, k, n);

	if (!text || s == &suites[ESP_NULL])
		return;
	if (!s->auth_bytes || !hex_parse(text, keys->auth, s->auth_bytes))
		digits_error(r, n->mark, k->name, s, true);
	else
		keys->auth_bytes = s->auth_bytes;
}

static const struct conf_type enc_key = {enc_key_read, "hex digits", CONF_ARG_NONE};
static const struct conf_type auth_key = {auth_key_read, "hex digits", CONF_ARG_NONE};
static const struct conf_word sa_mode_words[] = {{"transport", false}, {"tunnel", true}, {0}};
static const struct conf_range spi_range = {SPI_MIN, UINT32_MAX, NULL};

// suite before what is measured by it.
static const struct conf_key sa_keys_table[] = {
	{"nbma", &conf_address, CONF_FIELD(struct conf_sa, nbma), .required = true,
		.help = "NBMA address of the peer, as its packets come"},
	{"nbma-port", &conf_number, CONF_FIELD(struct conf_sa, nbma_port), &(const struct conf_range){0, 65535},
		.fallback = "0", .help = "UDP port of its ESP in UDP, as its packets come; 0: ESP without UDP"},
	{"mode", &conf_choice, CONF_FIELD(struct conf_sa, tunnel_mode), sa_mode_words, .fallback = "transport",
		.help = "`tunnel`: an IP header stands between ESP and GRE"},
	{"suite", &suite_type, CONF_FIELD(struct conf_sa, suite), &suite_words[1], .required = true,
		.help = "cipher and integrity, as strongSwan spells them"},
	{"esn", &conf_bool, CONF_FIELD(struct conf_sa, esn), .fallback = "false", .help = "64-bit sequence numbers"},
	{"spi-in", &conf_number, CONF_FIELD(struct conf_sa, spi_in), &spi_range, .required = true,
		.help = "SPI of what the peer sends, decimal or 0x; one of its own for each SA of the hub"},
	{"spi-out", &conf_number, CONF_FIELD(struct conf_sa, spi_out), &spi_range, .required = true,
		.help = "SPI of what the peer receives"},
	{"key-in", &enc_key, CONF_FIELD(struct conf_sa, in),
		.help = "key of what the peer sends; of GCM, GMAC and ChaCha20 followed by 4 bytes of salt"},
	{"key-out", &enc_key, CONF_FIELD(struct conf_sa, out), .help = "the same of what it receives"},
	{"auth-key-in", &auth_key, CONF_FIELD(struct conf_sa, in),
		.help = "integrity key of what the peer sends, of suites with a key of their own for it"},
	{"auth-key-out", &auth_key, CONF_FIELD(struct conf_sa, out), .help = "the same of what it receives"},
	{"inner-nbma", &conf_address, CONF_FIELD(struct conf_sa, inner_nbma),
		.help = "mode tunnel behind NAT: the peer's own IPv4 address, inside"},
	{"replay-window", &conf_number, CONF_FIELD(struct conf_sa, replay_window), &(const struct conf_range){32, 4096},
		.shown = "that of the tunnel", .help = "packets that may come late"},
	{0},
};

static void key_wanted(struct conf_reader *r, const struct conf_sa *sa, const char *key, unsigned has, bool is_auth) {
	const struct suite *s = &suites[sa->suite];
	unsigned wants = is_auth ? s->auth_bytes : s->enc_bytes;

	if (wants != has)
		conf_error(r, sa->mark, "key '%s' is missing: %s wants %u hex digits", key, s->name,
			2 * (wants + (is_auth ? 0 : s->salt_bytes)));
}

// One key both ways: both ends would count the same IVs under it.
static void keys_differ(struct conf_reader *r, const struct conf_node *n, const struct conf_sa *sa) {
	bool same_enc = sa->in.enc_bytes && sa->in.salt == sa->out.salt &&
			memcmp(sa->in.enc, sa->out.enc, sizeof(sa->in.enc)) == 0;
	bool same_auth = sa->in.auth_bytes && memcmp(sa->in.auth, sa->out.auth, sizeof(sa->in.auth)) == 0;

	if (same_enc)
		conf_error(r, conf_map_value(n, "key-out")->mark,
			"key-out: the same as key-in: write another key for each direction");
	if (same_auth)
		conf_error(r, conf_map_value(n, "auth-key-out")->mark,
			"auth-key-out: the same as auth-key-in: write another key for each direction");
}

static void sa_check(struct conf_reader *r, const struct conf_node *n, void *item) {
	const struct conf_sa *sa = item;

	keys_differ(r, n, sa);
	key_wanted(r, sa, "key-in", sa->in.enc_bytes, false);
	key_wanted(r, sa, "key-out", sa->out.enc_bytes, false);
	key_wanted(r, sa, "auth-key-in", sa->in.auth_bytes, true);
	key_wanted(r, sa, "auth-key-out", sa->out.auth_bytes, true);
	if (sa->inner_nbma.family == ADDR_NONE)
		return;
	if (!sa->tunnel_mode)
		conf_error(r, conf_map_value(n, "inner-nbma")->mark, "inner-nbma: only with mode tunnel");
	else if (sa->inner_nbma.family != ADDR_IPV4 || sa->nbma.family != ADDR_IPV4)
		conf_error(r, conf_map_value(n, "inner-nbma")->mark, "inner-nbma: of IPv4 alone");
}

const struct conf_shape conf_sa_shape = {
	.keys = sa_keys_table,
	.mark_offset = offsetof(struct conf_sa, mark),
	.item_size = sizeof(struct conf_sa),
	CONF_COUNT(struct conf_tunnel, n_sas),
	.max = CONF_SAS_MAX,
	.check = sa_check,
};

const char *conf_nbma_refusal(const struct conf_tunnel *t, const struct addr *nbma) {
	if (!conf_is_host(nbma) || addr_is_loopback(nbma))
		return "is not the address of one host";
	if (nbma->family != t->source.family)
		return "is not of the family of the tunnel's source";
	return addr_eq(nbma, &t->source) ? "is the tunnel's own source: write the peer's" : NULL;
}

void conf_sas_nbma_check(struct conf_reader *r, const struct conf_tunnel *t) {
	char buf[ADDR_STRLEN];

	for (uint32_t i = 0; i < t->n_sas; i++) {
		const char *refusal = conf_nbma_refusal(t, &t->sas[i].nbma);

		if (refusal)
			conf_error(r, t->sas[i].mark, "sas: nbma %s %s", addr_format(&t->sas[i].nbma, buf), refusal);
	}
}
