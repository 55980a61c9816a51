// SPDX-License-Identifier: BSD-3-Clause
// SAs: list, one, counters; and by hand. No answer, and no error, has any part of a key.
#include "commands.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "conf.h"
#include "esp_crypto.h"
#include "esp_wire.h"
#include "hex.h"
#include "identity.h"
#include "ike_ctl.h"
#include "log.h"
#include "nave.h"
#include "sa_ctl.h"
#include "clock.h" // after DPDK

static const char *const drop_columns[] = {
#define X(name, counter, help) [SA_DROP_##name] = "drops_" counter,
	SA_DROPS(X)
#undef X
};

static const char *const origins[] = {
	[SA_FROM_CONFIGURATION] = "configuration",
	[SA_FROM_CONSOLE] = "console",
	[SA_FROM_LAB] = "lab",
	[SA_FROM_IKE] = "ike",
};

// --- show ---
static void addr_cell(struct out *out, const char *column, const struct addr *a) {
	char text[ADDR_STRLEN];

	out_str(out, column, a->family == ADDR_NONE ? NULL : addr_format(a, text));
}

static void u64_cell(struct out *out, const char *column, uint64_t value, bool applies) {
	if (applies)
		out_u64(out, column, value);
	else
		out_null_u64(out, column);
}

static void sa_cells(const struct nave *nave, const struct sa_info *info, struct out *out) {
	bool in = info->direction == SA_INBOUND;
	uint64_t drops = in ? 0 : info->expired;

	for (unsigned i = 0; i < SA_DROP_COUNT; i++)
		drops += info->drops[i];
	out_u64(out, "number", info->number);
	out_str(out, "direction", in ? "in" : "out");
	out_bool(out, "active", in || info->is_active);
	out_fmt(out, "spi", "0x%08x", info->spi);
	out_str(out, "tunnel", tunnel_name(nave, info->tunnel));
	addr_cell(out, "nbma", &info->nbma);
	out_u64(out, "nbma_port", info->nbma_port);
	out_str(out, "suite", esp_suites[info->params.suite].name);
	out_str(out, "mode", info->params.tunnel_mode ? "tunnel" : "transport");
	out_u64(out, "packets", info->packets);
	out_u64(out, "bytes", info->bytes);
	out_u64(out, "seq", info->seq);
	u64_cell(out, "window", info->window, in);
	out_u64(out, "drops", drops);
}

static void sa_details(const struct nave *nave, const struct sa_info *info, struct out *out) {
	bool in = info->direction == SA_INBOUND;
	uint32_t identity = nave->identities ? sa_ctl_peer_identity(nave->sas, info->peer) : 0;

	out_str(out, "origin", origins[info->origin]);
	out_str(out, "identity", identity ? identities_text(nave->identities, identity) : NULL);
	u64_cell(
		out, "ike_id", nave->ike ? ike_ctl_peer_ike_id(nave->ike, info->peer) : 0, info->origin == SA_FROM_IKE);
	out_bool(out, "orphan", nave->ike && ike_ctl_is_orphan(nave->ike, info->number));
	out_bool(out, "esn", info->params.esn);
	u64_cell(out, "owner_worker", info->owner, info->owner < nave->fwd.n_workers);
	out_u64(out, "peer", info->peer);
	out_u64(out, "age_s", (clock_now_ns() - info->created_ns) / NS_PER_S);
	addr_cell(out, "inner_nbma", &info->params.inner_nbma);
	u64_cell(out, "seq_end", info->seq_end, !in);
	u64_cell(out, "window_missing", info->window_missing, in);
	u64_cell(out, "drops_expired", info->expired, !in);
	for (unsigned i = 0; i < SA_DROP_COUNT; i++)
		u64_cell(out, drop_columns[i], info->drops[i], in);
}

struct sa_cursor {
	uint32_t number;
};

static void plain_free(void *cursor, void *arg) {
	(void)arg;
	free(cursor);
}

int show_ipsec_sas(struct nave *nave, const struct console_args *args, struct out *out) {
	struct sa_cursor *cur = out_cursor(out);
	struct sa_info info;

	(void)args;
	if (!cur) {
		cur = calloc(1, sizeof(*cur));
		if (!cur)
			return -ENOMEM;
		out_list(out, "sas");
		out_set_cursor(out, cur, NULL, plain_free);
	}
	while (!out_full(out)) {
		if (!nave->sas || !sa_ctl_next(nave->sas, &cur->number, &info)) {
			out_end(out);
			break;
		}
		if (out_skip_row(out))
			continue;
		out_row(out);
		sa_cells(nave, &info, out);
		out_detail(out);
		sa_details(nave, &info, out);
	}
	return 0;
}

static uint32_t number_of(const char *word) {
	unsigned long n = strtoul(word, NULL, 10);

	return n <= UINT32_MAX ? (uint32_t)n : 0;
}

static int show_ipsec_sa(struct nave *nave, const struct console_args *args, struct out *out) {
	struct sa_info info;

	if (!nave->sas || !sa_ctl_get(nave->sas, number_of(args->word[3]), &info))
		return out_error(out, -ENOENT, "no SA %s", args->word[3]);
	out_record(out, "sa");
	sa_cells(nave, &info, out);
	sa_details(nave, &info, out);
	return 0;
}

int show_ipsec_statistics(struct nave *nave, const struct console_args *args, struct out *out) {
	(void)args;
	out_list(out, "sa counters");
	for (unsigned i = 0; nave->sas && i < SA_CTL_COUNT; i++) {
		out_row(out);
		out_str(out, "name", sa_ctl_counter_name(i));
		out_u64(out, "count", sa_ctl_counters(nave->sas)[i]);
		out_str(out, "help", sa_ctl_counter_help(i));
	}
	return 0;
}

// --- add ---
enum { WORD_DIRECTION = 2, WORD_TUNNEL, WORD_NBMA, WORD_PORT, WORD_SPI, WORD_MODE, WORD_SUITE, WORD_KEY, WORD_AUTH };

// Decimal or 0x, at most max. false: no such number.
static bool number_parse(const char *text, uint32_t max, uint32_t *v) {
	bool is_hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
	const char *digits = is_hex ? text + 2 : text;
	size_t n = strspn(digits, is_hex ? "0123456789abcdefABCDEF" : "0123456789");
	unsigned long long value;

	if (n == 0 || n > 10 || digits[n] != '\0')
		return false;
	value = strtoull(digits, NULL, is_hex ? 16 : 10);
	*v = (uint32_t)value;
	return value <= max;
}

static int digits_error(
	struct out *out, const char *which, const struct esp_suite_info *s, unsigned n_bytes, const char *more) {
	if (n_bytes)
		return out_error(out, -EINVAL, "%s: %s wants %u hex digits%s", which, s->name, 2 * n_bytes, more);
	return out_error(out, -EINVAL, "%s: %s has no such key", which, s->name);
}

// The key with its salt behind it; of suites that only authenticate, their one key. auth: NULL when it is not given.
static int keys_parse(
	const struct esp_suite_info *s, const char *key, const char *auth, struct sa_keys *keys, struct out *out) {
	unsigned n_bytes = s->enc_key_bytes + s->salt_bytes;
	uint8_t bytes[SA_ENC_KEY_MAX + 4];
	int rc = 0;

	if (n_bytes == 0 && !auth) {
		auth = key;
	} else if (n_bytes == 0 || !hex_parse(key, bytes, n_bytes)) {
		rc = digits_error(out, "KEY", s, n_bytes, s->salt_bytes ? ", the last 8 of them the salt" : "");
	} else {
		memcpy(keys->enc, bytes, s->enc_key_bytes);
		memcpy(&keys->salt, bytes + s->enc_key_bytes, s->salt_bytes);
		keys->enc_bytes = s->enc_key_bytes;
	}
	esp_wipe(bytes, sizeof(bytes));
	if (rc == 0 && ((auth && !s->auth_key_bytes) || (s->auth_key_bytes && !auth) ||
			       (auth && !hex_parse(auth, keys->auth, s->auth_key_bytes))))
		rc = digits_error(out, "AUTHKEY", s, s->auth_key_bytes, "");
	keys->auth_bytes = s->auth_key_bytes;
	return rc;
}

static int peer_parse(struct nave *nave, const struct console_args *args, struct sa_spec *spec, struct out *out) {
	int tunnel = tunnel_find(nave, args->word[WORD_TUNNEL]);
	const char *refusal;
	uint32_t port;

	if (tunnel < 0)
		return out_error(out, -ENOENT, "TUNNEL: there is none of this name");
	if (!nave->fwd.tunnels[tunnel] || !nave->fwd.tunnels[tunnel]->is_protected)
		return out_error(out, -EINVAL, "TUNNEL: %s is not protected: write protection: {mode: manual}",
			tunnel_name(nave, (uint16_t)tunnel));
	if (nave->conf->tunnels[tunnel].protection == CONF_PROTECTION_IKE)
		return out_error(out, -EINVAL, "TUNNEL: the SAs of %s come by IKE: keys by hand are for mode manual",
			tunnel_name(nave, (uint16_t)tunnel));
	if (addr_parse(args->word[WORD_NBMA], &spec->nbma) < 0)
		return out_error(out, -EINVAL, "ADDRESS: an NBMA address is wanted");
	refusal = conf_nbma_refusal(&nave->conf->tunnels[tunnel], &spec->nbma);
	if (refusal)
		return out_error(out, -EINVAL, "ADDRESS: it %s", refusal);
	if (!number_parse(args->word[WORD_PORT], UINT16_MAX, &port))
		return out_error(out, -EINVAL, "PORT: a UDP port is wanted, or 0 for ESP without UDP");
	spec->tunnel = (uint16_t)tunnel;
	spec->nbma_port = (uint16_t)port;
	return 0;
}

static int spec_parse(struct nave *nave, const struct console_args *args, struct sa_spec *spec, struct out *out) {
	const char *mode = args->word[WORD_MODE];
	bool in = strcmp(args->word[WORD_DIRECTION], "in") == 0;
	int suite = esp_suite_parse(args->word[WORD_SUITE]), rc;

	*spec = (struct sa_spec){.direction = in ? SA_INBOUND : SA_OUTBOUND, .origin = SA_FROM_CONSOLE};
	rc = peer_parse(nave, args, spec, out);
	if (rc < 0)
		return rc;
	if (!number_parse(args->word[WORD_SPI], UINT32_MAX, &spec->spi))
		return out_error(
			out, -EINVAL, "SPI: a number of 32 bits is wanted, decimal or 0x; in: 0 lets the hub choose");
	if (spec->spi < ESP_SPI_MIN && !(in && spec->spi == 0))
		return out_error(out, -EINVAL, "SPI: %u is reserved: take one from %u on; in: 0 lets the hub choose",
			spec->spi, ESP_SPI_MIN);
	if (suite < 0)
		return out_error(out, -EINVAL, "SUITE: no such suite: see docs/config.md");
	if (suite == ESP_NULL)
		return out_error(out, -EINVAL, "SUITE: null protects nothing and is for nave-lab alone");
	spec->params.suite = suite;
	spec->params.tunnel_mode = strncmp(mode, "tunnel", 6) == 0;
	spec->params.esn = strstr(mode, "-esn") != NULL;
	return 0;
}

static const char *refusal(int64_t rc) {
	switch (rc) {
	case -EEXIST:
		return "an inbound SA has this SPI";
	case -ENOTSUP:
		return "the crypto backend does not have the suite";
	case -EADDRINUSE:
		return "IKE has SAs with this peer";
	case -EAFNOSUPPORT:
		return "the NBMA address is not of the family of the tunnel's source";
	case -ENOSPC:
		return "there is no room: see hub.max-spokes";
	case -ENOBUFS:
		return "its worker is busy: try again";
	default:
		return strerror((int)-rc);
	}
}

static int not_added(const struct nave *nave, const struct sa_spec *spec, int rc, struct out *out) {
	uint32_t same = nave->sas && rc == -EEXIST ? sa_ctl_out_with_spi(nave->sas, spec) : 0;

	if (same)
		return out_error(out, rc,
			"not added: the peer's SA %u has SPI 0x%08x: delete it first, or take another SPI", same,
			spec->spi);
	return out_error(out, rc, "not added: %s", refusal(rc));
}

static int ipsec_add(struct nave *nave, const struct console_args *args, struct out *out) {
	struct sa_keys keys = {0};
	struct sa_spec spec;
	int64_t number;
	uint32_t spi;
	int rc = spec_parse(nave, args, &spec, out);

	if (rc == 0)
		rc = keys_parse(&esp_suites[spec.params.suite], args->word[WORD_KEY],
			args->n > WORD_AUTH ? args->word[WORD_AUTH] : NULL, &keys, out);
	if (rc == 0) {
		spec.keys = &keys;
		number = nave->sas ? sa_ctl_add(nave->sas, &spec, &spi) : -EINVAL;
		if (number < 0)
			rc = not_added(nave, &spec, (int)number, out);
		else
			out_text(out, "SA %u with SPI 0x%08x is there", (uint32_t)number, spi);
		if (number > 0) // the line itself is not logged
			log_info("console: SA %u with SPI 0x%08x added", (uint32_t)number, spi);
	}
	esp_wipe(&keys, sizeof(keys));
	return rc;
}

static int ipsec_delete(struct nave *nave, const struct console_args *args, struct out *out) {
	int rc = nave->sas ? sa_ctl_delete(nave->sas, number_of(args->word[2])) : -ENOENT;

	if (rc == -ENOENT)
		return out_error(out, rc, "no SA %s", args->word[2]);
	if (rc < 0)
		return out_error(out, rc, "SA %s: %s: try again", args->word[2], strerror(-rc));
	out_text(out, "SA %s is deleted", args->word[2]);
	return 0;
}

const struct console_cmd ipsec_cmds[] = {
	{"show ipsec sa", "security associations, with their counters", show_ipsec_sas, false},
	{"show ipsec sa NUMBER", "one of them, with all there is to know but its keys", show_ipsec_sa, false},
	{"show ipsec statistics", "SAs added and deleted, peers that moved, sequence numbers that ended",
		show_ipsec_statistics, false},
	{"ipsec add in|out TUNNEL ADDRESS PORT SPI transport|tunnel|transport-esn|tunnel-esn SUITE KEY",
		"add an SA by hand; the line is neither logged nor recalled", ipsec_add, true, .secret = true},
	{"ipsec add in|out TUNNEL ADDRESS PORT SPI transport|tunnel|transport-esn|tunnel-esn SUITE KEY AUTHKEY",
		"the same, with a suite that has two keys", ipsec_add, true, .secret = true},
	{"ipsec delete NUMBER", "delete an SA", ipsec_delete, true},
	{0},
};
