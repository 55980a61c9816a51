// SPDX-License-Identifier: BSD-3-Clause
#include "spoke_esp.h"

#include <arpa/inet.h>
#include <cpuid.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <x86intrin.h>

#include "checksum.h"
#include "replay.h"

#define LINE 64
#define HUGE_PAGE ((size_t)2 << 20)
#define ESP_BYTES 8 // SPI and sequence number
#define TRAILER_BYTES 2
#define TUNNEL_BYTES 20

struct spoke_sa { // both directions of a spoke; then the window, then two keys
	uint64_t seq; // last one sent
	uint32_t hub_spi, spi; // host order
	uint32_t salt_out, salt_in;
};
_Static_assert(sizeof(struct spoke_sa) % 8 == 0, "the window begins behind it");

struct spoke_esp {
	struct spoke_esp_conf conf;
	struct esp_suite_info info;
	void *crypto; // context of the generator's lcore
	uint8_t *sas; // [count] of stride
	void *map;
	size_t map_bytes, stride, key_out_off, key_in_off;
	bool can_flush;
	uint64_t random; // of IVs that must not be foreseen
};

static uint64_t splitmix(uint64_t *state) {
	uint64_t z = *state += 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

static void random_fill(uint64_t *state, uint8_t *out, size_t bytes) {
	for (size_t i = 0; i < bytes; i += 8) {
		uint64_t r = splitmix(state);

		memcpy(out + i, &r, bytes - i < 8 ? bytes - i : 8);
	}
}

static uint64_t seed_of(const struct spoke_esp *e, uint32_t spoke, unsigned purpose) {
	uint64_t state = e->conf.seed ^ ((uint64_t)purpose << 32 | spoke) * 0xd6e8feb86659fd93ull;

	return splitmix(&state);
}

static struct spoke_sa *sa_at(const struct spoke_esp *e, uint32_t spoke) {
	return (struct spoke_sa *)(e->sas + spoke * e->stride);
}

static struct replay *window_of(struct spoke_sa *sa) {
	return (struct replay *)(sa + 1);
}

static void *key_out(const struct spoke_esp *e, struct spoke_sa *sa) {
	return (uint8_t *)sa + e->key_out_off;
}

static void *key_in(const struct spoke_esp *e, struct spoke_sa *sa) {
	return (uint8_t *)sa + e->key_in_off;
}

const char *spoke_esp_verdict_help(enum spoke_esp_verdict v) {
	static const char *const help[] = {
#define X(name, text) [SPOKE_ESP_##name] = text,
		SPOKE_ESP_VERDICTS(X)
#undef X
	};

	return help[v];
}

void spoke_esp_keys(const struct spoke_esp *e, uint32_t spoke, enum spoke_esp_way way, struct sa_keys *keys) {
	uint64_t state = seed_of(e, spoke, way);

	*keys = (struct sa_keys){.enc_bytes = e->info.enc_key_bytes, .auth_bytes = e->info.auth_key_bytes};
	random_fill(&state, keys->enc, keys->enc_bytes);
	random_fill(&state, keys->auth, keys->auth_bytes);
	random_fill(&state, (uint8_t *)&keys->salt, e->info.salt_bytes);
}

uint32_t spoke_esp_spi(const struct spoke_esp *e, uint32_t spoke) {
	return sa_at(e, spoke)->spi;
}

uint32_t spoke_esp_hub_spi(const struct spoke_esp *e, uint32_t spoke) {
	return sa_at(e, spoke)->hub_spi;
}

void spoke_esp_hub_spi_set(struct spoke_esp *e, uint32_t spoke, uint32_t spi) {
	sa_at(e, spoke)->hub_spi = spi;
}

int spoke_esp_set(
	struct spoke_esp *e, uint32_t spoke, enum spoke_esp_way way, uint32_t spi, const struct sa_keys *keys) {
	struct spoke_sa *sa = sa_at(e, spoke);
	void *key = way == SPOKE_ESP_TO_HUB ? key_out(e, sa) : key_in(e, sa);

	if (way == SPOKE_ESP_TO_HUB) {
		sa->seq = 0;
		sa->hub_spi = spi;
		sa->salt_out = keys->salt;
	} else {
		replay_init(window_of(sa), e->conf.window);
		sa->spi = spi;
		sa->salt_in = keys->salt;
	}
	return e->conf.ops->key_init(key, e->conf.suite, keys->enc, keys->enc_bytes, keys->auth, keys->auth_bytes);
}

static int key_make(const struct spoke_esp *e, uint32_t spoke, enum spoke_esp_way way, void *key, uint32_t *salt) {
	struct sa_keys keys;
	int rc;

	spoke_esp_keys(e, spoke, way, &keys);
	*salt = keys.salt;
	rc = e->conf.ops->key_init(key, e->conf.suite, keys.enc, keys.enc_bytes, keys.auth, keys.auth_bytes);
	esp_wipe(&keys, sizeof(keys));
	return rc;
}

static int sa_init(struct spoke_esp *e, uint32_t spoke) {
	struct spoke_sa *sa = sa_at(e, spoke);
	int rc;

	sa->spi = 0xc0000000u | (uint32_t)(seed_of(e, spoke, 2) >> 34);
	if (e->conf.esn)
		sa->seq = ((uint64_t)1 << 32) - e->conf.hub_window - 16;
	replay_init(window_of(sa), e->conf.window);
	rc = key_make(e, spoke, SPOKE_ESP_TO_HUB, key_out(e, sa), &sa->salt_out);
	return rc ? rc : key_make(e, spoke, SPOKE_ESP_FROM_HUB, key_in(e, sa), &sa->salt_in);
}

// Transparent huge pages: tens of thousands of keys are drawn from at random, and the reserved ones are the hub's.
static int sas_map(struct spoke_esp *e, size_t key_bytes) {
	size_t bytes;

	e->key_out_off = (sizeof(struct spoke_sa) + replay_bytes(e->conf.window) + ESP_KEY_ALIGN - 1) &
			 ~(size_t)(ESP_KEY_ALIGN - 1);
	e->key_in_off = e->key_out_off + key_bytes;
	e->stride = e->key_in_off + key_bytes;
	bytes = (e->conf.count * e->stride + HUGE_PAGE - 1) & ~(HUGE_PAGE - 1);
	e->map_bytes = bytes + HUGE_PAGE;
	e->map = mmap(NULL, e->map_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (e->map == MAP_FAILED) {
		e->map = NULL;
		return -ENOMEM;
	}
	e->sas = (uint8_t *)(((uintptr_t)e->map + HUGE_PAGE - 1) & ~(HUGE_PAGE - 1));
	madvise(e->sas, bytes, MADV_HUGEPAGE);
	return 0;
}

static bool can_flush(void) { // CPUID leaf 7
	unsigned a, b, c, d;

	return __get_cpuid_count(7, 0, &a, &b, &c, &d) && b & bit_CLFLUSHOPT;
}

struct spoke_esp *spoke_esp_create(const struct spoke_esp_conf *conf) {
	size_t key_bytes = conf->ops->key_bytes(conf->suite);
	struct spoke_esp *e = calloc(1, sizeof(*e));
	int rc = key_bytes ? -ENOMEM : -ENOTSUP;

	if (!e || !key_bytes)
		goto err;
	e->conf = *conf;
	e->info = esp_suites[conf->suite];
	e->random = seed_of(e, 0, 3);
	e->can_flush = can_flush();
	e->crypto = conf->ops->lcore_create();
	if (!e->crypto || sas_map(e, key_bytes) < 0)
		goto err;
	for (uint32_t i = 0; i < conf->count; i++) {
		rc = sa_init(e, i);
		if (rc < 0)
			goto err;
	}
	return e;
err:
	spoke_esp_free(e);
	errno = -rc;
	return NULL;
}

void spoke_esp_free(struct spoke_esp *e) {
	if (!e)
		return;
	if (e->map)
		munmap(e->map, e->map_bytes);
	if (e->crypto)
		e->conf.ops->lcore_free(e->crypto);
	free(e);
}

// --- what both directions have ---

// The IV stands in the packet.
static void job_fill(
	const struct spoke_esp *e, struct esp_job *job, uint8_t *iv, uint32_t salt, uint32_t spi, uint64_t seq) {
	uint32_t words[3] = {htonl(spi), htonl((uint32_t)(seq >> 32)), htonl((uint32_t)seq)};

	if (!e->conf.esn)
		words[1] = words[2];
	job->aad_bytes = e->conf.esn ? 12 : 8;
	memcpy(job->aad, words, job->aad_bytes);
	job->iv = iv;
	if (e->info.is_aead) {
		memcpy(job->nonce, &salt, sizeof(salt));
		memcpy(job->nonce + sizeof(salt), iv, e->info.iv_bytes);
	}
	job->icv = job->text + job->text_bytes;
}

// The spokes' keys are as large as the hub's, and would have half of the cache that all cores share. Real spokes are
// elsewhere: theirs leave before this core's own cache hands them on.
__attribute__((target("clflushopt"))) static void sas_flush(
	const struct spoke_esp *e, const struct spoke_esp_packet *pkts, unsigned n, size_t key_off) {
	size_t key_bytes = e->stride - e->key_in_off;

	for (unsigned i = 0; i < n && e->can_flush; i++) {
		uint8_t *sa = (uint8_t *)sa_at(e, pkts[i].spoke);

		for (size_t at = 0; at < e->key_out_off; at += LINE)
			_mm_clflushopt(sa + at);
		for (size_t at = 0; at < key_bytes; at += LINE)
			_mm_clflushopt(sa + key_off + at);
	}
}

// --- to the hub ---

static void tunnel_header_push(const struct spoke_esp *e, struct spoke_esp_packet *p) {
	struct iphdr *ip = (struct iphdr *)(p->at -= TUNNEL_BYTES);

	p->len_bytes += TUNNEL_BYTES;
	*ip = (struct iphdr){.version = 4,
		.ihl = 5,
		.tot_len = htons((uint16_t)p->len_bytes),
		.frag_off = htons(IP_DF),
		.ttl = 64,
		.protocol = IPPROTO_GRE,
		.saddr = htonl(e->conf.nbma(p->spoke)),
		.daddr = htonl(e->conf.hub_nbma)};
	ip->check = checksum(ip, sizeof(*ip));
}

// Payload, padding 1, 2, 3, ..., its length and the next header: whole blocks (RFC 4303 section 2.4). Returns the
// text's length.
static uint32_t text_finish(const struct spoke_esp *e, uint8_t *text, uint32_t payload_bytes) {
	uint8_t *at = text + payload_bytes;
	uint8_t pad = 0;

	while ((payload_bytes + pad + TRAILER_BYTES) % e->info.block_bytes) {
		pad++;
		*at++ = pad;
	}
	*at++ = pad;
	*at++ = e->conf.tunnel_mode ? IPPROTO_IPIP : IPPROTO_GRE;
	return (uint32_t)(at - text);
}

// A counter is enough for an AEAD (RFC 4106 section 3.1); CBC wants one that nobody foresees (RFC 3602 section 3).
static void iv_write(struct spoke_esp *e, uint8_t *iv, uint64_t seq) {
	uint32_t words[2] = {htonl((uint32_t)(seq >> 32)), htonl((uint32_t)seq)};

	if (e->info.is_aead)
		memcpy(iv, words, sizeof(words));
	else
		random_fill(&e->random, iv, e->info.iv_bytes);
}

static void seal_prepare(struct spoke_esp *e, struct spoke_esp_packet *p, struct esp_job *job) {
	struct spoke_sa *sa = sa_at(e, p->spoke);
	uint32_t header[2], front = ESP_BYTES + e->info.iv_bytes;

	if (e->conf.tunnel_mode)
		tunnel_header_push(e, p);
	sa->seq++;
	*job = (struct esp_job){.key = key_out(e, sa), .text = p->at};
	job->text_bytes = text_finish(e, p->at, p->len_bytes);
	p->at -= front;
	p->len_bytes = front + job->text_bytes + e->info.icv_bytes;
	header[0] = htonl(sa->hub_spi);
	header[1] = htonl((uint32_t)sa->seq);
	memcpy(p->at, header, sizeof(header));
	iv_write(e, p->at + ESP_BYTES, sa->seq);
	job_fill(e, job, p->at + ESP_BYTES, sa->salt_out, sa->hub_spi, sa->seq);
}

void spoke_esp_seal(struct spoke_esp *e, struct spoke_esp_packet *pkts, unsigned n) {
	struct esp_job jobs[ESP_BURST_MAX];

	for (unsigned i = 0; i < n; i++)
		seal_prepare(e, &pkts[i], &jobs[i]);
	e->conf.ops->seal(e->crypto, e->conf.suite, jobs, n);
	sas_flush(e, pkts, n, e->key_out_off);
}

// --- from the hub ---

// Everything that comes before the cipher. *seq: the full sequence number.
static enum spoke_esp_verdict open_prepare(
	struct spoke_esp *e, const struct spoke_esp_packet *p, struct esp_job *job, uint64_t *seq) {
	uint32_t around = ESP_BYTES + e->info.iv_bytes + e->info.icv_bytes, header[2];
	struct spoke_sa *sa = sa_at(e, p->spoke);

	if (p->len_bytes < around + TRAILER_BYTES || (p->len_bytes - around) % e->info.block_bytes)
		return SPOKE_ESP_SHORT;
	memcpy(header, p->at, sizeof(header));
	if (ntohl(header[0]) != sa->spi)
		return SPOKE_ESP_SPI;
	*seq = e->conf.esn ? replay_esn(window_of(sa), ntohl(header[1])) : ntohl(header[1]);
	if (replay_check(window_of(sa), *seq) != REPLAY_OK)
		return SPOKE_ESP_REPLAYED;
	*job = (struct esp_job){.key = key_in(e, sa),
		.text = p->at + ESP_BYTES + e->info.iv_bytes,
		.text_bytes = p->len_bytes - around};
	job_fill(e, job, p->at + ESP_BYTES, sa->salt_in, sa->spi, *seq);
	return SPOKE_ESP_OK;
}

// The header between ESP and GRE, off.
static enum spoke_esp_verdict tunnel_header_pull(const struct spoke_esp *e, struct spoke_esp_packet *p) {
	const struct iphdr *ip = (const struct iphdr *)p->at;

	if (p->len_bytes < TUNNEL_BYTES || ip->version != 4 || ip->ihl != 5 || ip->protocol != IPPROTO_GRE ||
		ntohs(ip->tot_len) != p->len_bytes || checksum(ip, sizeof(*ip)) ||
		ip->saddr != htonl(e->conf.hub_nbma) || ip->daddr != htonl(e->conf.nbma(p->spoke)))
		return SPOKE_ESP_INNER_HEADER;
	p->at += TUNNEL_BYTES;
	p->len_bytes -= TUNNEL_BYTES;
	return SPOKE_ESP_OK;
}

static enum spoke_esp_verdict text_take(
	const struct spoke_esp *e, struct spoke_esp_packet *p, const struct esp_job *job) {
	const uint8_t *end = job->text + job->text_bytes;
	uint8_t next_header = end[-1], pad = end[-2];

	if (pad > job->text_bytes - TRAILER_BYTES)
		return SPOKE_ESP_PAD;
	for (unsigned i = 1; i <= pad; i++)
		if (end[-TRAILER_BYTES - pad + (int)i - 1] != i)
			return SPOKE_ESP_PAD;
	if (next_header != (e->conf.tunnel_mode ? IPPROTO_IPIP : IPPROTO_GRE))
		return SPOKE_ESP_NEXT_HEADER;
	p->at = job->text;
	p->len_bytes = job->text_bytes - TRAILER_BYTES - pad;
	return e->conf.tunnel_mode ? tunnel_header_pull(e, p) : SPOKE_ESP_OK;
}

static enum spoke_esp_verdict open_finish(
	const struct spoke_esp *e, struct spoke_esp_packet *p, const struct esp_job *job, uint64_t seq) {
	struct replay *window = window_of(sa_at(e, p->spoke));
	bool is_late = seq < window->top;
	enum spoke_esp_verdict v;

	if (!job->ok)
		return SPOKE_ESP_ICV;
	if (!replay_update(window, seq))
		return SPOKE_ESP_REPLAYED; // twice in this burst
	v = text_take(e, p, job);
	return v == SPOKE_ESP_OK && is_late ? SPOKE_ESP_LATE : v;
}

void spoke_esp_open(struct spoke_esp *e, struct spoke_esp_packet *pkts, unsigned n) {
	struct esp_job jobs[ESP_BURST_MAX];
	uint64_t seqs[ESP_BURST_MAX];
	unsigned n_jobs = 0;

	for (unsigned i = 0; i < n; i++) {
		pkts[i].verdict = open_prepare(e, &pkts[i], &jobs[n_jobs], &seqs[n_jobs]);
		n_jobs += pkts[i].verdict == SPOKE_ESP_OK;
	}
	if (n_jobs)
		e->conf.ops->open(e->crypto, e->conf.suite, jobs, n_jobs);
	for (unsigned i = 0, j = 0; i < n; i++) {
		if (pkts[i].verdict != SPOKE_ESP_OK)
			continue;
		pkts[i].verdict = open_finish(e, &pkts[i], &jobs[j], seqs[j]);
		j++;
	}
	sas_flush(e, pkts, n, e->key_in_off);
}
