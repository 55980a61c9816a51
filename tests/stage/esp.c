// SPDX-License-Identifier: BSD-3-Clause
#include "esp.h"

#include <arpa/inet.h>

#include "crypto_ipsec_mb.h"
#include "esp_packet.h"
#include "mbuf_guard.h"

uint64_t esp_now_ns = 1000000000;
const struct esp_crypto_ops *const hub_crypto = &crypto_ipsec_mb_ops;

void esp_hub_create(struct hub *h, uint16_t n_workers) {
	esp_hub_create_with(h, &(struct hub_conf){.n_workers = n_workers, .crypto = hub_crypto});
}

void esp_hub_create_with(struct hub *h, const struct hub_conf *conf) {
	hub_create(h, conf);
	mbuf_guard_open_for_esp = true;
	hub_tunnel(h, 0, 0, 1001, 0)->is_protected = true;
	hub_tunnel(h, 1, 1, 1001, 0)->is_protected = true;
	hub_tunnel(h, 2, 2, NO_KEY, 0);
}

struct peer *esp_peer(const struct hub *h, const struct esp_spoke *es) {
	return peer_at(&h->fwd.peers, es->s.peer);
}

struct sa_in *esp_sa_in(const struct hub *h, const struct esp_sa *up) {
	return sa_in_at(h->fwd.ipsec, up->slot);
}

uint32_t esp_dropped(const struct hub *h, const struct esp_sa *up, enum sa_drop why) {
	return h->fwd.ipsec->cold[up->slot].drops[why];
}

static const struct addr *hub_addr(const struct hub *h, const struct esp_spoke *es) {
	return &h->fwd.endpoints[h->tunnels[es->s.tunnel].endpoint].addr;
}

static struct esp_sa sa_make(const struct esp_how *how) {
	const struct esp_suite_info *info = &esp_suites[how->suite];
	struct esp_sa sa = {.how = *how};
	uint32_t salt;

	random_bytes(sa.keys.enc, sizeof(sa.keys.enc));
	random_bytes(sa.keys.auth, sizeof(sa.keys.auth));
	random_bytes((uint8_t *)&salt, sizeof(salt));
	sa.keys.enc_bytes = info->enc_key_bytes;
	sa.keys.auth_bytes = info->auth_key_bytes;
	sa.keys.salt = info->is_aead ? salt : 0;
	return sa;
}

static uint8_t flags_of(const struct esp_how *how) {
	return (how->esn ? SA_ESN : 0) | (how->tunnel_mode ? SA_TUNNEL_MODE : 0) | (how->port ? SA_UDP : 0);
}

static uint32_t ipv4_word(const struct addr *a) {
	uint32_t word;

	memcpy(&word, a->bytes, sizeof(word));
	return a->family == ADDR_IPV4 ? word : 0;
}

static void key_init(const struct hub *h, void *key, const struct esp_sa *sa) {
	const struct sa_keys *k = &sa->keys;

	assert_int_equal(
		h->fwd.ipsec->ops->key_init(key, sa->how.suite, k->enc, k->enc_bytes, k->auth, k->auth_bytes), 0);
}

static void up_fill(struct hub *h, struct esp_spoke *es) {
	struct ipsec *ip = h->fwd.ipsec;
	struct sa_in *in = esp_sa_in(h, &es->up);

	in->salt = es->up.keys.salt;
	in->from = sa_from_word(&es->s.nbma, es->how.port, esp_peer(h, es)->endpoint);
	in->peer = es->s.peer;
	sa_in_cold(ip, in)->peer_gen = esp_peer(h, es)->gen;
	in->owner = PEER_OWNER_NONE;
	in->suite = es->how.suite;
	in->flags = flags_of(&es->how);
	sa_in_cold(ip, in)->inner_nbma = es->how.tunnel_mode ? ipv4_word(&es->s.nbma) : 0;
	replay_init(&in->replay, es->how.window ? es->how.window : ESP_WINDOW);
	key_init(h, sa_in_key(ip, in), &es->up);
	assert_int_equal(sad_publish(ip, es->up.slot, es->up.spi), 0);
}

void esp_up_make(struct hub *h, struct esp_spoke *es) {
	es->up = sa_make(&es->how);
	es->up.slot = sad_alloc(h->fwd.ipsec, esp_now_ns, &es->up.spi);
	assert_int_not_equal(es->up.slot, 0);
	up_fill(h, es);
}

void esp_up_make_foreign(struct hub *h, struct esp_spoke *es, uint32_t spi) {
	int64_t slot = sad_alloc_foreign(h->fwd.ipsec, esp_now_ns, spi);

	assert_true(slot > 0);
	es->up = sa_make(&es->how);
	es->up.slot = (uint32_t)slot;
	es->up.spi = spi;
	up_fill(h, es);
}

void esp_up_withdraw(struct hub *h, const struct esp_sa *up) {
	assert_int_equal(sad_withdraw(h->fwd.ipsec, h->fwd.rcu, up->slot, esp_now_ns), 0);
}

void esp_down_message(struct hub *h, struct esp_spoke *es, struct sa_message *msg) {
	es->down = sa_make(&es->how);
	es->down.spi = 0x80000000u | (uint32_t)random_u64(); // the spoke's choice
	memset(msg, 0, sizeof(*msg));
	msg->has_sa = true;
	msg->sa = (struct sa_out){
		.seq_soft = UINT64_MAX,
		.seq_end = es->how.esn ? UINT64_MAX : UINT32_MAX,
		.spi_be = htonl(es->down.spi),
		.salt = es->down.keys.salt,
		.suite = es->how.suite,
		.flags = flags_of(&es->how),
		.is_valid = true,
		.iv_high = (uint32_t)random_u64(),
		.inner_nbma = es->how.tunnel_mode ? ipv4_word(&es->s.nbma) : 0,
	};
	key_init(h, msg->key, &es->down);
}

void esp_down_make(struct hub *h, struct esp_spoke *es) {
	static struct sa_message msg;

	esp_down_message(h, es, &msg);
	sa_message_apply(h->fwd.ipsec, esp_peer(h, es), es->s.peer, &msg);
}

void esp_move_message(
	const struct hub *h, struct esp_spoke *es, const char *nbma, uint16_t port, struct sa_message *msg) {
	struct peer p = *esp_peer(h, es);

	es->s.nbma = addr_of(nbma);
	es->how.port = es->up.how.port = es->down.how.port = port;
	peer_template_esp(&p, hub_addr(h, es), &es->s.nbma, port);
	memset(msg, 0, sizeof(*msg));
	msg->has_hdr = true;
	msg->family = p.family;
	msg->hdr_len_bytes = p.hdr_len_bytes;
	memcpy(msg->hdr, p.hdr, sizeof(msg->hdr));
}

int esp_message_send(struct hub *h, uint16_t worker, const struct esp_spoke *to, const struct sa_message *msg) {
	mbuf_guard_open_all(datapath_control_pool(h->dp)); // it takes one that had a packet before
	return datapath_send_sa(h->dp, worker, to->s.peer, msg);
}

struct esp_spoke esp_spoke_bare(
	struct hub *h, uint16_t tunnel, const char *nbma, unsigned n, const struct esp_how *how) {
	struct addr at = addr_of(nbma);
	uint32_t index = peer_alloc(&h->fwd.peers);
	struct peer *p = peer_at(&h->fwd.peers, index);
	uint16_t endpoint = h->tunnels[tunnel].endpoint;

	assert_int_not_equal(index, 0);
	p->endpoint = endpoint;
	p->nh = 1 + WAN;
	p->is_protected = true;
	p->owner = PEER_OWNER_NONE;
	peer_template_esp(p, &h->fwd.endpoints[endpoint].addr, &at, how->port);
	p->ready = true;
	datapath_spoke_taken(h->dp, index);
	return (struct esp_spoke){.s = hub_spoke_of_peer(h, tunnel, &at, n, index), .how = *how};
}

struct esp_spoke esp_spoke(struct hub *h, uint16_t tunnel, const char *nbma, unsigned n, const struct esp_how *how) {
	struct esp_spoke es = esp_spoke_bare(h, tunnel, nbma, n, how);

	esp_up_make(h, &es);
	esp_down_make(h, &es);
	return es;
}

// SPI and the low half of the sequence number stand in the packet, the high half is authenticated as if it were behind
// it (RFC 4303 section 2.2.1).
void esp_seal_text(struct frame *f, const struct esp_sa *sa, uint64_t seq, const uint8_t *iv) {
	const struct esp_suite_info *info = &esp_suites[sa->how.suite];
	static struct esp_packet p;

	p = (struct esp_packet){
		.suite = sa->how.suite, .esn = sa->how.esn, .seq_high = (uint32_t)(seq >> 32), .text_bytes = f->len};
	memcpy(p.enc, sa->keys.enc, sizeof(p.enc));
	memcpy(p.auth, sa->keys.auth, sizeof(p.auth));
	memcpy(p.salt, &sa->keys.salt, sizeof(p.salt));
	p.text = frame_bytes(f);
	p.iv = frame_front(f, info->iv_bytes);
	p.spi = frame_front(f, 8);
	p.icv = frame_back(f, info->icv_bytes);
	p.end = p.icv + info->icv_bytes;
	put_u32(p.spi, sa->spi);
	put_u32(p.spi + 4, (uint32_t)seq);
	if (iv)
		memcpy(p.iv, iv, info->iv_bytes);
	else
		random_bytes(p.iv, info->iv_bytes);
	packet_seal_reference(&p);
}

void esp_seal(struct frame *f, const struct esp_sa *sa, uint64_t seq, uint8_t pad_more, uint8_t next) {
	unsigned block = esp_suites[sa->how.suite].block_bytes, over = (f->len + 2u) % block;

	frame_esp_trailer(f, (uint8_t)((over ? block - over : 0) + pad_more), next);
	esp_seal_text(f, sa, seq, NULL);
}

uint8_t esp_next_header(const struct esp_spoke *es) {
	if (!es->how.tunnel_mode)
		return 47;
	return es->s.nbma.family == ADDR_IPV4 ? 4 : 41;
}

static void gre_put(struct frame *f, const struct hub *h, const struct esp_spoke *es, uint16_t gre_protocol) {
	const struct tunnel *t = &h->tunnels[es->s.tunnel];

	frame_gre(f, t->has_key ? (int64_t)t->key : NO_KEY, t->checksum, gre_protocol);
}

void esp_inside_from_spoke(struct frame *f, const struct hub *h, const struct esp_spoke *es, uint16_t gre_protocol) {
	gre_put(f, h, es, gre_protocol);
	if (es->how.tunnel_mode)
		frame_outer(f, &es->s.nbma, hub_addr(h, es), 0);
}

static void outer_put(struct frame *f, const struct addr *from, uint16_t from_port, const struct addr *to,
	uint16_t to_port, uint8_t tos) {
	if (from_port) {
		frame_udp(f, from_port, to_port);
		if (from->family == ADDR_IPV6)
			frame_udp_checksum(f, from, to);
	}
	frame_outer_of(f, from, to, from_port ? 17 : 50, tos);
}

void esp_outer_from_spoke(struct frame *f, const struct hub *h, const struct esp_spoke *es, uint8_t tos) {
	outer_put(f, &es->s.nbma, es->how.port, hub_addr(h, es), HUB_NATT_PORT, tos);
	frame_ether(f, hub_mac[WAN], gateway_mac, es->s.nbma.family == ADDR_IPV4 ? 0x0800 : 0x86dd);
}

void esp_from_spoke_seq(
	struct frame *f, const struct hub *h, const struct esp_spoke *es, uint16_t gre_protocol, uint64_t seq) {
	esp_inside_from_spoke(f, h, es, gre_protocol);
	esp_seal(f, &es->up, seq, 0, esp_next_header(es));
	esp_outer_from_spoke(f, h, es, 0);
}

void esp_from_spoke(struct frame *f, const struct hub *h, struct esp_spoke *es, uint16_t gre_protocol) {
	esp_from_spoke_seq(f, h, es, gre_protocol, ++es->up.seq);
}

void esp_inside_to_spoke(
	struct frame *f, const struct hub *h, const struct esp_spoke *es, uint16_t gre_protocol, uint8_t tos) {
	gre_put(f, h, es, gre_protocol);
	if (es->how.tunnel_mode)
		frame_outer(f, hub_addr(h, es), &es->s.nbma, tos);
}

void esp_to_spoke(struct frame *f, const struct hub *h, const struct esp_spoke *es, uint16_t gre_protocol, uint8_t tos,
	uint64_t seq, const uint8_t *iv) {
	unsigned block = esp_suites[es->how.suite].block_bytes, over;

	esp_inside_to_spoke(f, h, es, gre_protocol, tos);
	over = (f->len + 2u) % block;
	frame_esp_trailer(f, (uint8_t)(over ? block - over : 0), esp_next_header(es));
	esp_seal_text(f, &es->down, seq, iv);
	outer_put(f, hub_addr(h, es), es->how.port ? HUB_NATT_PORT : 0, &es->s.nbma, es->how.port, tos);
	frame_ether(f, gateway_mac, hub_mac[WAN], es->s.nbma.family == ADDR_IPV4 ? 0x0800 : 0x86dd);
}

struct esp_seen esp_look(const struct rte_mbuf *m) {
	const uint8_t *p = rte_pktmbuf_mtod(m, const uint8_t *), *end = p + m->data_len;
	bool is_ipv4 = p[12] == 0x08;
	uint8_t protocol = p[is_ipv4 ? 14 + 9 : 14 + 6];

	p += 14 + (is_ipv4 ? 20 : 40);
	if (protocol == 17)
		p += 8;
	else
		assert_int_equal(protocol, 50);
	assert_true(p + 24 <= end);
	return (struct esp_seen){
		.spi = (uint32_t)p[0] << 24 | p[1] << 16 | p[2] << 8 | p[3],
		.seq = (uint32_t)p[4] << 24 | p[5] << 16 | p[6] << 8 | p[7],
		.iv = p + 8,
		.end = end,
	};
}

void esp_expect(struct rte_mbuf *m, const struct hub *h, struct esp_spoke *es, const struct frame *inside,
	uint16_t gre_protocol, uint8_t tos) {
	struct frame f = *inside;

	assert_non_null(m);
	es->down.seq++;
	esp_to_spoke(&f, h, es, gre_protocol, tos, es->down.seq, esp_look(m).iv);
	assert_int_equal(esp_look(m).spi, es->down.spi);
	assert_int_equal(esp_look(m).seq, (uint32_t)es->down.seq);
	mbuf_expect(m, &f);
	rte_pktmbuf_free(m);
}

void esp_expect_sent(
	const struct hub *h, struct esp_spoke *es, const struct frame *inside, uint16_t gre_protocol, uint8_t tos) {
	esp_expect(hub_sent(WAN), h, es, inside, gre_protocol, tos);
}

// Frames that were taken and not yet asked for.
static struct rte_mbuf *kept[HUB_RING_SIZE];
static unsigned n_kept;

static struct rte_mbuf *kept_take(unsigned i) {
	struct rte_mbuf *m = kept[i];

	n_kept--;
	memmove(&kept[i], &kept[i + 1], (n_kept - i) * sizeof(kept[0]));
	return m;
}

static void keep_all(void) {
	struct rte_mbuf *m;

	while (n_kept < HUB_RING_SIZE && (m = hub_sent(WAN)) != NULL)
		kept[n_kept++] = m;
}

static bool is_esp_of(const struct rte_mbuf *m, uint32_t spi) {
	const uint8_t *p = rte_pktmbuf_mtod(m, const uint8_t *);
	uint8_t protocol = p[12] == 0x08 ? p[14 + 9] : p[14 + 6];

	return (protocol == 17 || protocol == 50) && esp_look(m).spi == spi;
}

struct rte_mbuf *esp_sent_to(const struct esp_spoke *es) {
	keep_all();
	for (unsigned i = 0; i < n_kept; i++)
		if (is_esp_of(kept[i], es->down.spi))
			return kept_take(i);
	return NULL;
}

void esp_expect_sent_to(
	const struct hub *h, struct esp_spoke *es, const struct frame *inside, uint16_t gre_protocol, uint8_t tos) {
	esp_expect(esp_sent_to(es), h, es, inside, gre_protocol, tos);
}

void esp_expect_sent_plain(struct frame *f) {
	keep_all();
	for (unsigned i = 0; i < n_kept; i++) {
		if (kept[i]->data_len == f->len &&
			memcmp(rte_pktmbuf_mtod(kept[i], void *), frame_bytes(f), f->len) == 0) {
			rte_pktmbuf_free(kept_take(i));
			return;
		}
	}
	fail_msg("a plain frame was not sent");
}

void esp_expect_nothing_left(void) {
	keep_all();
	assert_int_equal(n_kept, 0);
}

struct addr esp_host(const struct prefix *p, uint8_t last) {
	struct addr a = p->addr;

	a.bytes[a.family == ADDR_IPV4 ? 3 : 15] = last;
	return a;
}

uint16_t gre_protocol_of(const struct addr *a) {
	return a->family == ADDR_IPV4 ? 0x0800 : 0x86dd;
}

void esp_pass(struct hub *h, struct esp_spoke *from, struct esp_spoke *to, bool ipv6, uint16_t n) {
	struct addr src = esp_host(ipv6 ? &from->s.lan_ipv6 : &from->s.lan, 5),
		    dst = esp_host(ipv6 ? &to->s.lan_ipv6 : &to->s.lan, 7);
	struct frame f;

	inner_udp(&f, &src, &dst, n, 64, 0);
	esp_from_spoke(&f, h, from, gre_protocol_of(&src));
	hub_inject(h, WAN, 0, &f);
	hub_poll(h);
	hub_expect_no_drops(h);
	inner_udp(&f, &src, &dst, n, 63, 0);
	esp_expect_sent(h, to, &f, gre_protocol_of(&src), 0);
}

bool hub_event(struct hub *h, struct sa_event *e) {
	struct rte_mbuf *m = hub_punted(h, PUNT_SA);

	if (!m)
		return false;
	assert_int_equal(m->data_len, sizeof(*e));
	memcpy(e, rte_pktmbuf_mtod(m, void *), sizeof(*e));
	rte_pktmbuf_free(m);
	return true;
}

struct rte_mbuf *esp_answer(const struct hub *h, const struct esp_spoke *to, struct frame *f) {
	struct rte_mbuf *m = hub_mbuf(datapath_control_pool(h->dp), f);
	struct pkt_meta *meta = pkt_meta(m);

	meta->way = WAY_PEER;
	meta->gre_protocol = 0x2001;
	meta->tunnel = to->s.tunnel;
	meta->peer_out = to->s.peer;
	meta->peer_out_gen = esp_peer(h, to)->gen;
	return m;
}

void esp_answer_send(const struct hub *h, const struct esp_spoke *to, uint8_t seed) {
	struct frame f;

	frame_payload(&f, 92, seed);
	assert_int_equal(datapath_send(h->dp, esp_answer(h, to, &f), EGRESS_CONTROL), 0);
}

void esp_expect_answer(const struct hub *h, struct esp_spoke *to, uint8_t seed) {
	struct frame f;

	frame_payload(&f, 92, seed);
	esp_expect_sent(h, to, &f, 0x2001, 0xc0);
}
