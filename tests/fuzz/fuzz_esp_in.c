// SPDX-License-Identifier: BSD-3-Clause
// Everything between the wire and what is inside GRE, for frames that bring ESP: the hairpin's short way, classify,
// esp_in, gre_decap, on real mbufs. The first byte chooses:
//
//   0     the rest is a frame; no cipher, every ICV is right (the null backend)
//   1     the rest is a frame; intel-ipsec-mb
//   2     SA, two octets of sequence number, a text: sealed here, so that what is behind the ICV is reached; the
//   number's
//         highest bit chooses an SPI of our own, which the short way is open to
//
// SA number k: suite k / 8; bit 0 in UDP, bit 1 tunnel mode, bit 2 ESN. There are two of each: one of SPI SPI_BASE + k,
// one of an SPI of ours. All that is inside is routed to one peer. Each input goes in twice: what was opened once must
// not be opened again.
#include "fuzz.h"

#include <netinet/in.h>

#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_udp.h>

#include "classify.h"
#include "crypto_ipsec_mb.h"
#include "crypto_null.h"
#include "datapath.h"
#include "esp_frame.h"
#include "esp_in.h"
#include "gre_decap.h"
#include "hairpin.h"
#include "ipsec.h"
#include "mbuf_guard.h"

#define SPI_BASE 0x10000u
#define SAS (ESP_SUITE_COUNT * 8)
#define OURS SAS // SA k with an SPI of ours
#define OUT_SUITE ESP_AES_GCM_128_16 // of the peer that all is sent to
#define PEER_PORT 40000
#define FRAME_MAX 1900 // with all headers it fits into an mbuf
#define WINDOW 64
#define OUTER_MAX (sizeof(struct rte_ether_hdr) + sizeof(struct rte_ipv4_hdr) + sizeof(struct rte_udp_hdr))

bool mbuf_guard_open_for_esp;

// LeakSanitizer does not look into DPDK's memory, which alone refers to what a FIB has from the heap.
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void) {
	return "leak:fib_create\nleak:fib_add\n";
}

enum backend { NULL_BACKEND, IMB_BACKEND, BACKENDS };

static const struct esp_crypto_ops *const backends[BACKENDS] = {&crypto_null_ops, &crypto_ipsec_mb_ops};
static const uint8_t mac[6] = {2, 0, 0, 0, 0, 1};

static struct {
	bool is_made;
	struct fwd fwd;
	struct datapath *dp;
	struct lcore_ctx *lc;
	struct rte_mempool *pool;
	struct ipsec *ipsec[BACKENDS];
	void *crypto[BACKENDS];
	uint32_t slots[BACKENDS][2 * SAS]; // 0: the backend does not have the suite
	uint32_t spis[BACKENDS][2 * SAS];
	uint32_t peers[2]; // native, in UDP
	uint32_t out; // where all goes
	struct tunnel open, closed;
} hub;

static struct addr addr_text(const char *text) {
	struct addr a;

	FUZZ_CHECK(addr_parse(text, &a) == 0);
	return a;
}

static uint32_t peer_make(bool udp, const struct addr *at) {
	uint32_t index = peer_alloc(&hub.fwd.peers);
	struct peer *p = peer_at(&hub.fwd.peers, index);

	FUZZ_CHECK(index);
	p->is_protected = true;
	p->ready = true;
	p->owner = 0;
	p->nh = 1;
	peer_template_esp(p, &hub.fwd.endpoints[0].addr, at, udp ? PEER_PORT : 0);
	return index;
}

static const uint8_t key[SA_KEY_BYTES] = {1, 2, 3};

static uint32_t slot_take(struct ipsec *ip, unsigned k, uint32_t *spi) {
	if (k >= OURS)
		return sad_alloc(ip, 0, spi);
	*spi = SPI_BASE + k;
	return (uint32_t)sad_alloc_foreign(ip, 0, *spi);
}

static void sa_make(enum backend b, unsigned k, const struct addr *from) {
	struct ipsec *ip = hub.ipsec[b];
	unsigned suite = k % SAS / 8;
	const struct esp_suite_info *info = &esp_suites[suite];
	struct sa_in *sa;
	uint32_t slot;

	if (!ip->ops->key_bytes(suite))
		return;
	slot = slot_take(ip, k, &hub.spis[b][k]);
	FUZZ_CHECK(slot);
	sa = sa_in_at(ip, slot);
	sa->suite = (uint8_t)suite;
	sa->flags = (k & 1 ? SA_UDP : 0) | (k & 2 ? SA_TUNNEL_MODE : 0) | (k & 4 ? SA_ESN : 0);
	sa->peer = hub.peers[k & 1];
	sa_in_cold(ip, sa)->peer_gen = peer_at(&hub.fwd.peers, sa->peer)->gen;
	sa->from = sa_from_word(from, k & 1 ? PEER_PORT : 0, 0);
	FUZZ_CHECK(
		ip->ops->key_init(sa_in_key(ip, sa), suite, key, info->enc_key_bytes, key, info->auth_key_bytes) == 0);
	FUZZ_CHECK(sad_publish(ip, slot, hub.spis[b][k]) == 0);
	hub.slots[b][k] = slot;
}

static void sa_out_make(enum backend b) {
	static struct sa_message msg;
	const struct esp_suite_info *info = &esp_suites[OUT_SUITE];

	msg = (struct sa_message){.has_sa = true};
	msg.sa = (struct sa_out){.seq_soft = UINT64_MAX, .seq_end = UINT64_MAX, .suite = OUT_SUITE, .is_valid = true};
	FUZZ_CHECK(backends[b]->key_init(msg.key, OUT_SUITE, key, info->enc_key_bytes, key, info->auth_key_bytes) == 0);
	sa_message_apply(hub.ipsec[b], peer_at(&hub.fwd.peers, hub.out), hub.out, &msg);
}

static void sas_make(const struct addr *from) {
	for (unsigned b = 0; b < BACKENDS; b++) {
		hub.ipsec[b] = ipsec_create(
			&(struct ipsec_conf){.ops = backends[b], .max_peers = 2 * SAS, .window_max = WINDOW});
		FUZZ_CHECK(hub.ipsec[b]);
		hub.crypto[b] = backends[b]->lcore_create();
		FUZZ_CHECK(hub.crypto[b]);
		for (unsigned k = 0; k < 2 * SAS; k++)
			sa_make(b, k, from);
		sa_out_make(b);
	}
}

static void tunnels_make(void) {
	struct endpoint *e = &hub.fwd.endpoints[0];

	hub.open = (struct tunnel){.id = 0, .mtu = 1400};
	hub.closed = (struct tunnel){.id = 1, .mtu = 1400, .has_key = true, .key = 42, .is_protected = true};
	hub.fwd.tunnels[0] = &hub.open;
	hub.fwd.tunnels[1] = &hub.closed;
	e->tunnels[0] = 0;
	e->tunnels[1] = 1;
	e->n_tunnels = 2;
}

// All that is inside, to one peer of the closed tunnel.
static void route_make(void) {
	struct prefix all = {.addr = {.family = ADDR_IPV4}};
	struct nh nh = {.port = 0, .resolved = true};
	uint32_t adj = adj_alloc(&hub.fwd.adjs);

	FUZZ_CHECK(adj);
	hub.fwd.adjs.adjs[adj].iface = 1;
	adj_state_store(
		&hub.fwd.adjs.adjs[adj], (struct adj_state){.target = hub.out, .mtu = 1400, .kind = ADJ_TUNNEL});
	nh_store(&hub.fwd.nhs, 1, nh);
	hub.fwd.n_vrfs = 1;
	hub.fwd.vrfs[0].fib_ipv4 = fib_create(ADDR_IPV4, 16, hub.fwd.rcu);
	FUZZ_CHECK(hub.fwd.vrfs[0].fib_ipv4 && fib_add(hub.fwd.vrfs[0].fib_ipv4, &all, adj) == 0);
}

static void port_make(void) {
	struct fwd_port *p = &hub.fwd.ports[0];

	hub.fwd.n_ports = 1;
	p->present = true;
	p->mtu = 1500;
	memcpy(p->mac, mac, sizeof(mac));
	p->n_endpoints = 1;
	hub.fwd.n_endpoints = 1;
	hub.fwd.endpoints[0].addr = addr_text("192.0.2.1");
}

static void hub_make(void) {
	static const char *const args[] = {
		"fuzz", "--no-huge", "--no-shconf", "--no-pci", "--no-telemetry", "-m", "256", "--log-level", "error"};
	struct addr from = addr_text("192.0.2.10"), to = addr_text("192.0.2.11");
	struct datapath_conf conf = {.fwd = &hub.fwd, .n_workers = 1, .punt_per_source_pps = 10000000};
	char *argv[RTE_DIM(args) + 1]; // EAL orders them anew

	memcpy(argv, args, sizeof(args));
	argv[RTE_DIM(args)] = NULL;
	FUZZ_CHECK(rte_eal_init(RTE_DIM(args), argv) >= 0);
	FUZZ_CHECK(fwd_init(&hub.fwd, &(struct fwd_sizes){.max_spokes = 16, .n_workers = 1}) == 0);
	port_make();
	tunnels_make();
	for (unsigned udp = 0; udp < 2; udp++)
		hub.peers[udp] = peer_make(udp, &from);
	hub.out = peer_make(false, &to);
	route_make();
	sas_make(&from);
	hub.fwd.ipsec = hub.ipsec[0];
	hub.dp = datapath_create(&conf);
	FUZZ_CHECK(hub.dp);
	hub.lc = datapath_lcore(hub.dp, 0);
	hub.pool = rte_pktmbuf_pool_create("rx", 7, 0, PKT_PRIV_SIZE, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
	FUZZ_CHECK(hub.pool);
	hub.is_made = true;
}

// As if nothing had ever been received.
static void hub_reset(enum backend b, uint8_t suite_hint) {
	struct ipsec *ip = hub.ipsec[b];

	hub.fwd.ipsec = ip;
	hub.lc->crypto = hub.crypto[b];
	hub.lc->suite_hint = suite_hint;
	sa_out_at(ip, hub.out)->seq = 0;
	hub.lc->n_events = 0;
	hub.lc->now_tsc += rte_get_tsc_hz(); // the policers' buckets are full
	memset(hub.lc->counters, 0, sizeof(*hub.lc->counters));
	for (uint32_t i = 0; i < ip->n_in; i++)
		memset(ip->cold[i].drops, 0, sizeof(ip->cold[i].drops));
	for (unsigned k = 0; k < 2 * SAS; k++) {
		struct sa_in *sa = sa_in_at(ip, hub.slots[b][k]);

		if (!hub.slots[b][k])
			continue;
		replay_init(&sa->replay, WINDOW);
		sa->owner = 0;
		sa->packets = sa->bytes = 0;
	}
}

static uint64_t drops_of(enum drop_reason why) {
	return hub.lc->counters->drops[why];
}

static uint64_t drops_all(void) {
	uint64_t n = 0;

	for (unsigned why = 0; why < DROP_REASON_COUNT; why++)
		n += drops_of(why);
	return n;
}

static unsigned punts_take(void) {
	struct rte_mbuf *m;
	unsigned n = 0;

	for (unsigned c = 0; c < PUNT_CLASSES; c++)
		while (datapath_punted(hub.dp, c, &m, 1)) {
			rte_pktmbuf_free(m);
			n++;
		}
	return n;
}

static void inside_check(const struct rte_mbuf *m, bool is_esp) {
	const struct pkt_meta *meta = pkt_meta((struct rte_mbuf *)m);

	FUZZ_CHECK(m->nb_segs == 1 && m->pkt_len == m->data_len);
	FUZZ_CHECK(m->data_off + m->data_len <= m->buf_len);
	FUZZ_CHECK(meta->is_esp == is_esp);
	FUZZ_CHECK(meta->tunnel == is_esp); // 1 is protected, 0 is not
	if (is_esp) {
		uint32_t slot = sad_lookup(hub.fwd.ipsec, meta->spi_in);

		FUZZ_CHECK(slot && sa_in_at(hub.fwd.ipsec, slot)->peer == meta->peer_in);
	}
}

static unsigned decap(struct rte_mbuf **pkts, uint16_t n, bool is_esp) {
	struct rte_mbuf *nhrp[BURST_MAX];
	uint16_t n_nhrp = 0;

	n = (is_esp ? gre_decap_esp_burst : gre_decap_burst)(hub.lc, pkts, n, nhrp, &n_nhrp);
	for (uint16_t i = 0; i < n; i++)
		inside_check(pkts[i], is_esp);
	for (uint16_t i = 0; i < n_nhrp; i++)
		inside_check(nhrp[i], is_esp);
	rte_pktmbuf_free_bulk(pkts, n);
	rte_pktmbuf_free_bulk(nhrp, n_nhrp);
	return n + n_nhrp;
}

// A whole frame for the one peer, which it can open.
static void sent_check(struct rte_mbuf *m) {
	const struct esp_suite_info *info = &esp_suites[OUT_SUITE];
	uint8_t *frame = rte_pktmbuf_mtod(m, uint8_t *), *esp = frame + 34;
	const struct sa_out *sa = sa_out_at(hub.fwd.ipsec, hub.out);
	struct esp_job job = {.key = sa_out_key((struct sa_out *)sa), .aad_bytes = 8, .iv = esp + 8, .text = esp + 16};

	FUZZ_CHECK(m->data_len == m->pkt_len && m->data_len > 50 + info->icv_bytes);
	FUZZ_CHECK((frame[16] << 8 | frame[17]) == m->data_len - 14 && frame[23] == IPPROTO_ESP && frame[33] == 11);
	FUZZ_CHECK(sa->seq == 1);
	job.text_bytes = m->data_len - 50u - info->icv_bytes;
	job.icv = job.text + job.text_bytes;
	memcpy(job.nonce + 4, job.iv, 8);
	memcpy(job.aad, esp, 8);
	hub.fwd.ipsec->ops->open(hub.lc->crypto, OUT_SUITE, &job, 1);
	FUZZ_CHECK(job.ok);
	rte_pktmbuf_free(m);
}

static struct rte_mbuf *received(const uint8_t *frame, size_t len) {
	struct rte_mbuf *m = rte_pktmbuf_alloc(hub.pool);

	FUZZ_CHECK(m);
	mbuf_guard_open_for_esp = true; // it may be sealed again
	mbuf_guard_open(m);
	memcpy(rte_pktmbuf_append(m, (uint16_t)len), frame, len);
	memset(pkt_meta(m), 0xa5, sizeof(struct pkt_meta));
	mbuf_guard_close(m);
	return m;
}

// The packets that do not go the short way. Returns those that were opened.
static unsigned walk_long(struct hairpin_rest *rest, unsigned *fates) {
	struct classified c = {.n_gre = 0};
	unsigned opened = rest->n_opened, n;

	*fates += decap(rest->opened, rest->n_opened, true);
	classify_burst(hub.lc, 0, rest->frames, rest->n_frames, &c);
	FUZZ_CHECK(c.n_clear == 0); // the port is no LAN
	if (c.n_esp) {
		n = esp_in_burst(hub.lc, c.esp, c.n_esp);
		opened += n;
		*fates += decap(c.esp, (uint16_t)n, true);
	}
	if (c.n_gre)
		*fates += decap(c.gre, c.n_gre, false);
	return opened;
}

// true: it was opened, and is a packet of a spoke's, or a dummy.
static bool walk(const uint8_t *frame, size_t len) {
	struct rte_mbuf *m = received(frame, len);
	uint64_t dropped = drops_all(), dummies = drops_of(DROP_ESP_DUMMY);
	struct hairpin_rest rest = {.n_frames = 0};
	unsigned fates, opened;

	fates = opened = hairpin_burst(hub.lc, 0, &m, 1, &rest);
	if (opened)
		sent_check(m);
	opened += walk_long(&rest, &fates);
	fates += punts_take();
	FUZZ_CHECK(fates + drops_all() - dropped == 1);
	FUZZ_CHECK(rte_mempool_avail_count(hub.pool) == hub.pool->size);
	FUZZ_CHECK(hub.lc->n_events <= 1);
	return opened || drops_of(DROP_ESP_DUMMY) > dummies;
}

static void walk_twice(enum backend b, uint8_t suite_hint, const uint8_t *frame, size_t len) {
	uint64_t replayed;

	hub_reset(b, suite_hint);
	if (!walk(frame, len))
		return;
	replayed = drops_of(DROP_ESP_REPLAY);
	hub.lc->n_events = 0;
	FUZZ_CHECK(!walk(frame, len));
	FUZZ_CHECK(drops_of(DROP_ESP_REPLAY) == replayed + 1);
}

// Ethernet, IPv4 and UDP as the peer sends them. Returns their length.
static size_t outer_write(uint8_t *at, bool udp, size_t esp_bytes) {
	struct rte_ether_hdr eth = {.ether_type = rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4)};
	struct rte_udp_hdr u = {.src_port = rte_cpu_to_be_16(PEER_PORT), .dst_port = rte_cpu_to_be_16(4500)};
	struct rte_ipv4_hdr ip = {.version_ihl = RTE_IPV4_VHL_DEF,
		.time_to_live = 64,
		.next_proto_id = udp ? IPPROTO_UDP : IPPROTO_ESP,
		.src_addr = rte_cpu_to_be_32(0xc000020a),
		.dst_addr = rte_cpu_to_be_32(0xc0000201)};
	size_t len = udp ? sizeof(u) : 0;

	memcpy(&eth.dst_addr, mac, sizeof(mac));
	u.dgram_len = rte_cpu_to_be_16(sizeof(u) + esp_bytes);
	ip.total_length = rte_cpu_to_be_16(sizeof(ip) + len + esp_bytes);
	ip.hdr_checksum = rte_ipv4_cksum(&ip);
	memcpy(at, &eth, sizeof(eth));
	memcpy(at + sizeof(eth), &ip, sizeof(ip));
	memcpy(at + sizeof(eth) + sizeof(ip), &u, len);
	return sizeof(eth) + sizeof(ip) + len;
}

// The text as the peer would have sealed it; its last odd octets are left out.
static void sealed(unsigned k, uint16_t seq, const uint8_t *text, size_t len) {
	const unsigned suite = k % SAS / 8;
	const struct esp_suite_info *info = &esp_suites[suite];
	struct ipsec *ip = hub.ipsec[IMB_BACKEND];
	uint32_t head[2] = {rte_cpu_to_be_32(hub.spis[IMB_BACKEND][k]), rte_cpu_to_be_32(seq)};
	struct sa_in *sa = sa_in_at(ip, hub.slots[IMB_BACKEND][k]);
	static uint8_t frame[OUTER_MAX + ESP_HEADER_BYTES + ESP_IV_MAX + FRAME_MAX + ESP_ICV_MAX];
	struct esp_job job = {.key = sa_in_key(ip, sa), .aad_bytes = k & 4 ? 12 : 8};
	size_t text_bytes = len - len % info->block_bytes, esp_bytes;
	uint8_t *esp;

	if (!hub.slots[IMB_BACKEND][k] || !text_bytes)
		return;
	esp_bytes = ESP_HEADER_BYTES + info->iv_bytes + text_bytes + info->icv_bytes;
	esp = frame + outer_write(frame, k & 1, esp_bytes);
	memcpy(esp, head, 8);
	memset(esp + 8, 0x5a, info->iv_bytes);
	job.iv = esp + 8;
	memcpy(job.nonce, &sa->salt, 4);
	memcpy(job.nonce + 4, job.iv, 8);
	job.text = job.iv + info->iv_bytes;
	job.text_bytes = (uint32_t)text_bytes;
	job.icv = job.text + text_bytes;
	memcpy(job.text, text, text_bytes);
	memcpy(job.aad, esp, 4);
	memset(job.aad + 4, 0, 4);
	memcpy(job.aad + (k & 4 ? 8 : 4), esp + 4, 4);
	ip->ops->seal(hub.crypto[IMB_BACKEND], suite, &job, 1);
	walk_twice(IMB_BACKEND, (uint8_t)suite, frame, (size_t)(esp - frame) + esp_bytes);
	if (seq) // authentic: only what is inside may be wrong
		FUZZ_CHECK(drops_of(DROP_ESP_ICV) == 0 && drops_of(DROP_NOT_PEER) == 0 && sa->replay.top == seq);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len) {
	if (!hub.is_made)
		hub_make();
	if (len < 2 || len > FRAME_MAX)
		return 0;
	if (bytes[0] < BACKENDS)
		walk_twice(bytes[0], 0, bytes + 1, len - 1);
	else if (bytes[0] == 2 && len > 4)
		sealed(bytes[1] % SAS + (bytes[2] & 0x80 ? OURS : 0), (uint16_t)((bytes[2] & 0x7f) << 8 | bytes[3]),
			bytes + 4, len - 4);
	return 0;
}
