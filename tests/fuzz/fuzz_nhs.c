// SPDX-License-Identifier: BSD-3-Clause
// Several messages of one input against a small NHS. Input: {mode, length of the packet, packet}...; the mode chooses
// the sender, how much time passes, and whether the checksum is mended, so that the fuzzer gets past it.
#include "fuzz.h"

#include "checksum.h"
#include "clock.h"
#include "nhs.h"

#define ENTRIES 8

enum mode { // bits of the first byte
	MODE_SENDER = 0x07,
	MODE_MEND = 0x08,
	MODE_WAIT = 0x10,
	MODE_AUTHENTICATE = 0x20,
	MODE_IDENTITY = 0x40,
	MODE_ALLOWED = 0x80, // a list of what the identity may register; with MODE_WAIT: it may not use the tunnel
};

static void remove_expired(struct binding *b, uint64_t now_ns, void *arg) {
	FUZZ_CHECK(b->kind != BINDING_STATIC && b->expires_ns <= now_ns);
	nhrp_cache_remove(arg, b);
}

static void conf_init(struct nhs_config *conf) {
	memset(conf, 0, sizeof(*conf));
	conf->tunnel = 1;
	conf->nbma = addr_ipv4(0x0a000001);
	conf->protocol[0] = addr_ipv4(0xac100001);
	conf->subnet[0] = prefix_of(&conf->protocol[0], 24);
	addr_parse("2001:db8::1", &conf->protocol[1]);
	conf->subnet[1] = prefix_of(&conf->protocol[1], 64);
	conf->holding_time_s = 600;
	conf->mtu = 1400;
	conf->multicast_dynamic = true;
}

// Nobody touches what another identity has, or gets what is not for its identity.
static void change_check(const struct nhs_change *change, const struct nhs_source *src) {
	const struct binding *b = change->binding;

	FUZZ_CHECK(!src->may_not_use);
	if (change->kind == NHS_REMOVED)
		FUZZ_CHECK(b->identity == 0 || b->identity == src->identity);
	else
		FUZZ_CHECK(b->identity == src->identity);
	if (src->allowed && change->kind == NHS_ADDED && b->prefix.addr.family == ADDR_IPV4)
		FUZZ_CHECK(prefix_contains(src->allowed->protocol, &b->prefix.addr) ||
			   (b->prefix.len_bits < 32 && prefix_contains(src->allowed->prefixes, &b->prefix.addr)));
}

static void changes_apply(struct nhs *n, const struct nhs_result *out, const struct nhs_source *src) {
	FUZZ_CHECK(out->n_changes <= NHS_CHANGES_MAX);
	for (unsigned i = 0; i < out->n_changes; i++) {
		struct binding *b = out->changes[i].binding;

		FUZZ_CHECK(nhrp_cache_find(n->cache, b->tunnel, &b->prefix) == b);
		change_check(&out->changes[i], src);
		if (out->changes[i].kind == NHS_REMOVED)
			nhrp_cache_remove(n->cache, b);
	}
}

// What holds after any message: the list, the counts, and the static map.
static void cache_check(const struct nhs *n, const struct nhs_config *conf) {
	struct addr mapped = addr_ipv4(0xac100009), mapped_nbma = addr_ipv4(0x0a000009);
	struct binding_cursor cur;
	struct binding *b;
	uint32_t seen = 0;

	nhrp_cache_cursor_open(n->cache, &cur);
	while ((b = nhrp_cache_cursor_next(n->cache, &cur))) {
		FUZZ_CHECK(!prefix_contains(&b->prefix, &conf->protocol[b->prefix.addr.family == ADDR_IPV6]));
		FUZZ_CHECK(b->kind == BINDING_STATIC || (b->expires_ns && timer_is_armed(&b->timer)));
		seen++;
	}
	nhrp_cache_cursor_close(n->cache, &cur);
	FUZZ_CHECK(
		seen == nhrp_cache_count(n->cache) && seen == nhrp_cache_count_tunnel(n->cache, 1) && seen <= ENTRIES);
	b = nhrp_cache_lookup(n->cache, 1, &mapped, true);
	FUZZ_CHECK(b && b->kind == BINDING_STATIC && addr_eq(&b->nbma, &mapped_nbma));
}

static void reply_check(const struct nhrp_msg *msg, const struct nhs_result *out, const struct nhs_config *conf) {
	uint8_t bytes[NHRP_PACKET_MAX + 512];
	struct nhrp_msg again;
	int len;

	if (!out->send)
		return;
	FUZZ_CHECK(msg->type == NHRP_REGISTRATION_REQUEST || msg->type == NHRP_PURGE_REQUEST ||
		   out->reply.type == NHRP_ERROR_INDICATION);
	FUZZ_CHECK(msg->type != NHRP_ERROR_INDICATION);
	len = nhrp_msg_encode(&out->reply, bytes, sizeof(bytes));
	FUZZ_CHECK(len > 0 || len == -28); // ENOSPC: an echo of a request longer than what we send
	if (len < 0)
		return;
	FUZZ_CHECK(nhrp_msg_decode(bytes, (size_t)len, &again) == NHRP_ERR_NONE);
	FUZZ_CHECK(out->reply.type != NHRP_ERROR_INDICATION || (!again.has_extensions && len <= conf->mtu));
	for (unsigned i = 0; i < again.n_cies; i++)
		FUZZ_CHECK(
			again.type != NHRP_REGISTRATION_REPLY || !again.cies[i].code || !again.cies[i].holding_time_s);
}

static void mend(uint8_t *p, size_t len) {
	uint16_t sum;

	if (len < NHRP_HEADER_LEN)
		return;
	p[10] = (uint8_t)(len >> 8);
	p[11] = (uint8_t)len;
	p[12] = p[13] = 0;
	p[18] &= 0x3f;
	sum = checksum(p, len);
	memcpy(p + 12, &sum, sizeof(sum));
}

static struct nhs_source source_of(uint8_t mode) {
	static struct prefix protocol, prefixes;
	static const struct nhs_allowed allowed = {&protocol, &prefixes, 1, 1};
	struct nhs_source src = {.nbma = addr_ipv4(0x0a00000b + (mode & MODE_SENDER))};

	prefix_parse("172.16.0.0/26", &protocol);
	prefix_parse("172.20.0.0/16", &prefixes);
	if (mode & MODE_IDENTITY)
		src.identity = 1 + (mode & 3);
	if (mode & MODE_ALLOWED) {
		src.allowed = &allowed;
		src.may_not_use = mode & MODE_WAIT;
	}
	return src;
}

static void packet_receive(
	struct nhs *n, struct nhs_config *conf, uint8_t mode, const uint8_t *bytes, size_t len, uint64_t *now_ns) {
	static struct nhs_result out;
	static struct nhrp_msg msg;
	struct nhs_source src = source_of(mode);
	uint8_t *p = malloc(len ? len : 1); // of its own, so that the sanitizer sees its end

	FUZZ_CHECK(p);
	memcpy(p, bytes, len);
	if (mode & MODE_MEND)
		mend(p, len);
	if (mode & MODE_WAIT)
		*now_ns += 31 * NS_PER_S;
	snprintf(conf->authentication, sizeof(conf->authentication), "%s", mode & MODE_AUTHENTICATE ? "dmvpn01" : "");
	nhs_expire(n, *now_ns, ENTRIES, remove_expired, n->cache);
	if (nhrp_msg_decode(p, len, &msg) == NHRP_ERR_NONE) {
		nhs_receive(n, conf, &msg, p, (uint16_t)len, &src, *now_ns, &out);
		reply_check(&msg, &out, conf);
		changes_apply(n, &out, &src);
	}
	cache_check(n, conf);
	free(p);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len) {
	struct addr mapped = addr_ipv4(0xac100009), mapped_nbma = addr_ipv4(0x0a000009);
	struct nhs_config conf;
	uint64_t now_ns = NS_PER_S;
	struct nhs n;

	conf_init(&conf);
	FUZZ_CHECK(nhs_init(&n, ENTRIES, now_ns) == 0);
	FUZZ_CHECK(nhs_add_static(&n, &conf, &mapped, &mapped_nbma, true, now_ns));
	while (len > 2) {
		size_t packet_len = bytes[1] < len - 2 ? bytes[1] : len - 2;

		packet_receive(&n, &conf, bytes[0], bytes + 2, packet_len, &now_ns);
		bytes += 2 + packet_len;
		len -= 2 + packet_len;
	}
	nhs_fini(&n);
	return 0;
}
