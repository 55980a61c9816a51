// SPDX-License-Identifier: BSD-3-Clause
// SAs and protected peers over the real tables, with either crypto backend.
#include "publish_fixture.h"

#include <arpa/inet.h>

#include "crypto_ipsec_mb.h"
#include "crypto_null.h"
#include "sa_fixture.h"

#define SUITE ESP_AES_GCM_128_16

static const struct esp_crypto_ops *crypto;
static const struct sa_params params = {.suite = SUITE};

static struct publish_peer at(const char *nbma, uint16_t port) {
	return (struct publish_peer){.endpoint = 0, .nbma = ip(nbma), .nbma_port = port};
}

static uint32_t in_add(struct hub *h, const struct publish_peer *where, uint8_t seed, uint32_t *peer) {
	struct sa_keys keys = keys_of(SUITE, seed);
	uint32_t spi = 0;

	assert_int_equal(publish_sa_in(h->publish, where, &params, &keys, &spi, peer), 0);
	return spi;
}

static int out_add(struct hub *h, const struct publish_peer *where, uint8_t seed, uint32_t number, uint32_t *peer) {
	struct sa_keys keys = keys_of(SUITE, seed);

	return publish_sa_out(h->publish, where, &params, &keys, 0x2000 + number, number, peer);
}

static struct binding protected_binding(const char *protocol, const char *nbma, uint16_t port) {
	struct binding b = binding_of(protocol, nbma);

	b.tunnel = 1;
	b.nbma_port = port;
	return b;
}

static bool is_zero(const void *p, size_t n) {
	const uint8_t *bytes = p;

	for (size_t i = 0; i < n; i++)
		if (bytes[i])
			return false;
	return true;
}

static void an_inbound_sa_is_found_by_its_spi_alone(void **state) {
	struct hub *h = *state;
	struct publish_peer where = at("198.51.100.11", 4500);
	uint32_t peer, spi = in_add(h, &where, 1, &peer), slot = sad_lookup(h->fwd.ipsec, spi);
	const struct sa_in *sa = sa_in_at(h->fwd.ipsec, slot);

	assert_int_not_equal(slot, 0);
	assert_int_equal(sa->peer, peer);
	assert_int_equal(sa_in_cold(h->fwd.ipsec, sa)->peer_gen, peer_line(h, peer)->gen);
	assert_int_equal(sa->owner, PEER_OWNER_NONE);
	assert_int_equal(sa->suite, SUITE);
	assert_int_equal(sa->flags, SA_UDP);
	assert_int_equal(sa->from, sa_from_word(&where.nbma, 4500, 0));
	assert_int_equal(sa->replay.window, REPLAY_WINDOW_DEFAULT);
	assert_int_equal(publish_peer_find(h->publish, &where), peer);
	assert_int_equal(peer_lookup(&h->fwd.peers, 0, &where.nbma), 0); // no plain packet finds it
	assert_true(peer_line(h, peer)->is_protected);
	assert_int_equal(peer_line(h, peer)->owner, PEER_OWNER_NONE);
	assert_int_equal(peer_line(h, peer)->hdr[9], IPPROTO_UDP);
	assert_int_equal(publish_sa_in_withdraw(h->publish, spi), 0);
	assert_int_equal(publish_sa_in_withdraw(h->publish, spi), -ENOENT);
	assert_int_equal(publish_peer_find(h->publish, &where), 0);
}

// Manual keys after a restart, or the same line twice: an AEAD must not see a nonce again (RFC 4106 section 3.1).
static void a_key_that_comes_again_has_other_ivs(void **state) {
	struct hub *h = *state;
	struct publish_peer where = at("198.51.100.11", 0);
	uint32_t peer, high;

	assert_int_equal(out_add(h, &where, 1, 1, &peer), 0);
	high = sa_out_at(h->fwd.ipsec, peer)->iv_high;
	assert_int_equal(out_add(h, &where, 1, 2, &peer), 0);
	assert_int_not_equal(sa_out_at(h->fwd.ipsec, peer)->iv_high, high); // one in 2^32 fails here
	assert_int_equal(publish_sa_out_withdraw(h->publish, peer), 0);
}

static void an_outbound_sa_takes_the_place_of_the_one_before(void **state) {
	struct hub *h = *state;
	struct publish_peer where = at("198.51.100.11", 0);
	uint8_t first[SA_KEY_BYTES];
	uint32_t peer, again, used = h->fwd.peers.used;
	struct sa_out *sa;

	assert_int_equal(out_add(h, &where, 1, 1, &peer), 0);
	sa = sa_out_at(h->fwd.ipsec, peer);
	assert_true(sa->is_valid);
	assert_int_equal(sa->seq, 0);
	assert_int_equal(sa->seq_end, UINT32_MAX);
	assert_true(sa->seq_soft > UINT32_MAX / 2 && sa->seq_soft < sa->seq_end);
	assert_int_equal(sa->spi_be, htonl(0x2001));
	assert_int_equal(sa->number, 1);
	memcpy(first, sa_out_key(sa), sizeof(first));
	sa->seq = 77;
	assert_int_equal(out_add(h, &where, 2, 2, &again), 0);
	assert_int_equal(again, peer);
	assert_int_equal(sa->seq, 0); // another key, another count
	assert_int_equal(sa->number, 2);
	assert_true(crypto->key_bytes(SUITE) <= 64 || memcmp(first, sa_out_key(sa), sizeof(first)) != 0);
	assert_int_equal(h->fwd.peers.used, used + 1);
	assert_int_equal(publish_sa_out_withdraw(h->publish, peer), 0); // held once, however many there were
	assert_false(sa->is_valid);
	assert_true(is_zero(sa_out_key(sa), SA_KEY_BYTES));
	assert_int_equal(publish_peer_find(h->publish, &where), 0);
	assert_int_equal(publish_sa_out_withdraw(h->publish, peer), -ENOENT);
	publish_turn(h->publish, 1);
	assert_int_equal(h->fwd.peers.used, used);
}

static void a_peer_lives_as_long_as_a_binding_or_an_sa_has_it(void **state) {
	struct hub *h = *state;
	struct publish_peer where = at("198.51.100.11", 0);
	struct binding b = protected_binding("10.254.0.11", "198.51.100.11", 0);
	uint32_t peer, other, spi;

	assert_int_equal(publish_binding(h->publish, &b), -EHOSTUNREACH); // fail closed: no SA, no peer
	assert_int_equal(b.adj, 0);
	spi = in_add(h, &where, 1, &peer);
	assert_int_equal(publish_binding(h->publish, &b), 0);
	assert_int_equal(b.peer, peer);
	assert_int_equal(out_add(h, &where, 2, 1, &other), 0);
	assert_int_equal(other, peer);
	assert_int_equal(publish_sa_in_withdraw(h->publish, spi), 0);
	assert_int_equal(publish_sa_out_withdraw(h->publish, peer), 0);
	assert_int_equal(publish_peer_find(h->publish, &where), peer); // the binding has it
	assert_int_equal(state_of(h, b.adj).target, peer);
	spi = in_add(h, &where, 3, &other);
	assert_int_equal(other, peer);
	assert_int_equal(publish_binding_withdraw(h->publish, &b), 0);
	assert_int_equal(publish_peer_find(h->publish, &where), peer); // the SA has it
	assert_int_equal(publish_sa_in_withdraw(h->publish, spi), 0);
	assert_int_equal(publish_peer_find(h->publish, &where), 0);
}

static void two_behind_one_nat_are_two(void **state) {
	struct hub *h = *state;
	struct publish_peer a = at("203.0.113.1", 4500), b = at("203.0.113.1", 30000);
	struct binding ba = protected_binding("10.254.0.11", "203.0.113.1", 4500),
		       bb = protected_binding("10.254.0.12", "203.0.113.1", 30000);
	uint32_t pa, pb;

	in_add(h, &a, 1, &pa);
	in_add(h, &b, 2, &pb);
	assert_int_not_equal(pa, pb);
	assert_int_equal(publish_binding(h->publish, &ba), 0);
	assert_int_equal(publish_binding(h->publish, &bb), 0);
	assert_int_equal(ba.peer, pa);
	assert_int_equal(bb.peer, pb);
}

static void keys_are_wiped_after_the_grace_period_and_not_before(void **state) {
	struct hub *h = *state;
	struct ipsec *ip_ = h->fwd.ipsec;
	struct publish_peer where = at("198.51.100.11", 0);
	uint32_t peer, spi = in_add(h, &where, 1, &peer), slot = sad_lookup(ip_, spi);

	assert_int_equal(out_add(h, &where, 2, 1, &peer), 0);
	rcu_reader_online(h->fwd.rcu, 0);
	assert_int_equal(publish_sa_in_withdraw(h->publish, spi), 0);
	sa_out_at(ip_, peer)->packets = 5; // by a worker that still has it
	memset(sa_out_key(sa_out_at(ip_, peer)), 0x5a, SA_KEY_BYTES);
	peer_at(&h->fwd.peers, peer)->owner = 0; // which is not told here: its ring is of another test
	publish_on_sa(h->publish, NULL, NULL);
	assert_int_equal(publish_sa_out_withdraw(h->publish, peer), -ENOBUFS);
	peer_at(&h->fwd.peers, peer)->owner = PEER_OWNER_NONE;
	assert_int_equal(publish_sa_out_withdraw(h->publish, peer), 0);
	memset(sa_out_key(sa_out_at(ip_, peer)), 0x5a, SA_KEY_BYTES);
	publish_turn(h->publish, 1);
	assert_false(is_zero(sa_in_at(ip_, slot), ip_->in_stride));
	assert_false(is_zero(sa_out_at(ip_, peer), SA_OUT_BYTES));
	assert_true(peer_line(h, peer)->is_protected);
	rcu_quiescent(h->fwd.rcu, 0);
	publish_turn(h->publish, 2);
	assert_true(is_zero(sa_in_at(ip_, slot), ip_->in_stride));
	assert_true(is_zero(sa_out_at(ip_, peer), SA_OUT_BYTES));
	assert_false(peer_line(h, peer)->is_protected);
	rcu_reader_offline(h->fwd.rcu, 0);
}

static void nothing(void *arg, uint64_t n) {
	(void)arg;
	(void)n;
}

// One place in the queue is not enough for a peer: it waits with its keys until there are two.
static void a_full_defer_queue_loses_no_key(void **state) {
	struct hub *h = *state;
	struct ipsec *ip_ = h->fwd.ipsec;
	struct publish_peer where = at("198.51.100.11", 0);
	uint32_t peer, spi = in_add(h, &where, 1, &peer), slot = sad_lookup(ip_, spi);

	assert_int_equal(out_add(h, &where, 2, 1, &peer), 0);
	rcu_reader_online(h->fwd.rcu, 0);
	while (rcu_defer(h->fwd.rcu, nothing, NULL, 0) == 0)
		;
	assert_int_equal(publish_sa_in_withdraw(h->publish, spi), -ENOSPC);
	assert_int_equal(sad_lookup(ip_, spi), slot); // nothing changed
	rcu_quiescent(h->fwd.rcu, 0);
	assert_int_equal(publish_sa_in_withdraw(h->publish, spi), 0);
	while (rcu_defer(h->fwd.rcu, nothing, NULL, 0) == 0)
		;
	assert_int_equal(publish_sa_out_withdraw(h->publish, peer), 0);
	assert_int_equal(publish_peer_find(h->publish, &where), 0);
	memset(sa_out_key(sa_out_at(ip_, peer)), 0x5a, SA_KEY_BYTES);
	publish_turn(h->publish, 1);
	assert_false(is_zero(sa_out_at(ip_, peer), SA_OUT_BYTES));
	assert_false(gen_is_current(&peer_line(h, peer)->gen, peer_line(h, peer)->gen)); // dead all the same
	rcu_reader_offline(h->fwd.rcu, 0);
	for (uint64_t now_ns = 2; now_ns < 1000; now_ns++)
		publish_turn(h->publish, now_ns);
	assert_true(is_zero(sa_in_at(ip_, slot), ip_->in_stride));
	assert_true(is_zero(sa_out_at(ip_, peer), SA_OUT_BYTES));
	assert_false(peer_line(h, peer)->is_protected);
}

// --- a worker owns it ---
static struct {
	unsigned n;
	uint16_t worker;
	uint32_t peer;
	int rc;
	struct sa_message msg;
} told;

static int on_sa(void *arg, uint16_t worker, uint32_t peer, const struct sa_message *msg) {
	(void)arg;
	told.n++;
	told.worker = worker;
	told.peer = peer;
	told.msg = *msg;
	return told.rc;
}

static void an_owner_is_told_and_nothing_is_written_past_it(void **state) {
	struct hub *h = *state;
	struct publish_peer where = at("198.51.100.11", 4500), away = at("203.0.113.9", 999);
	uint32_t peer, spi = in_add(h, &where, 1, &peer);
	struct sa_out *sa = sa_out_at(h->fwd.ipsec, peer);
	struct peer before;

	memset(&told, 0, sizeof(told));
	publish_on_sa(h->publish, on_sa, NULL);
	assert_true(peer_claim(peer_at(&h->fwd.peers, peer), 1));
	before = *peer_line(h, peer);
	assert_int_equal(out_add(h, &where, 2, 7, &peer), 0);
	assert_int_equal(told.n, 1);
	assert_int_equal(told.worker, 1);
	assert_int_equal(told.peer, peer);
	assert_true(told.msg.has_sa && !told.msg.has_hdr && told.msg.sa.is_valid);
	assert_int_equal(told.msg.sa.number, 7);
	assert_false(sa->is_valid);
	assert_int_equal(publish_peer_move(h->publish, peer, &away.nbma, 999), 0);
	assert_true(told.msg.has_hdr && !told.msg.has_sa);
	assert_int_equal(told.msg.hdr_len_bytes, 28);
	assert_memory_equal(peer_line(h, peer)->hdr, before.hdr, sizeof(before.hdr));
	assert_int_equal(publish_sa_out_withdraw(h->publish, peer), 0);
	assert_true(told.msg.has_sa && !told.msg.sa.is_valid);
	assert_true(is_zero(told.msg.key, sizeof(told.msg.key)));
	assert_int_equal(publish_sa_in_withdraw(h->publish, spi), 0);
}

static void a_full_ring_changes_nothing(void **state) {
	struct hub *h = *state;
	struct publish_peer where = at("198.51.100.11", 4500), away = at("203.0.113.9", 999), found;
	uint32_t peer, other, spi = in_add(h, &where, 1, &peer), nhs = publish_nh_count(h->publish);
	const struct sa_in *in = sa_in_at(h->fwd.ipsec, sad_lookup(h->fwd.ipsec, spi));

	told.rc = -ENOBUFS;
	publish_on_sa(h->publish, on_sa, NULL);
	assert_true(peer_claim(peer_at(&h->fwd.peers, peer), 0));
	assert_int_equal(out_add(h, &where, 2, 7, &other), -ENOBUFS);
	assert_int_equal(publish_peer_move(h->publish, peer, &away.nbma, 999), -ENOBUFS);
	assert_true(publish_peer_where(h->publish, peer, &found));
	assert_true(addr_eq(&found.nbma, &where.nbma) && found.nbma_port == 4500);
	assert_int_equal(publish_peer_find(h->publish, &away), 0);
	assert_int_equal(in->from, sa_from_word(&where.nbma, 4500, 0));
	assert_int_equal(publish_nh_count(h->publish), nhs);
	assert_int_equal(publish_sa_in_withdraw(h->publish, spi), 0); // its only reference
	assert_int_equal(publish_peer_find(h->publish, &where), 0);
	told.rc = 0;
}

// --- moves ---
static void a_move_takes_all_inbound_sas_along(void **state) {
	struct hub *h = *state;
	struct publish_peer from = at("203.0.113.1", 4500), to = at("203.0.113.2", 30000);
	uint32_t peer, spi[3], slots[3];

	for (unsigned i = 0; i < 3; i++)
		spi[i] = in_add(h, &from, i, &peer);
	assert_int_equal(out_add(h, &from, 9, 1, &peer), 0);
	sa_out_at(h->fwd.ipsec, peer)->seq = 41;
	assert_int_equal(publish_sa_in_withdraw(h->publish, spi[1]), 0);
	assert_int_equal(publish_peer_move(h->publish, peer, &to.nbma, to.nbma_port), 0);
	for (unsigned i = 0; i < 3; i += 2) {
		slots[i] = sad_lookup(h->fwd.ipsec, spi[i]);
		assert_int_equal(sa_in_at(h->fwd.ipsec, slots[i])->from, sa_from_word(&to.nbma, 30000, 0));
	}
	assert_int_equal(publish_peer_find(h->publish, &to), peer);
	assert_int_equal(publish_peer_find(h->publish, &from), 0);
	assert_int_equal(sa_out_at(h->fwd.ipsec, peer)->seq, 41); // sequence numbers go on
	assert_memory_equal(peer_line(h, peer)->hdr + 16, to.nbma.bytes, 4);
	assert_int_equal(publish_peer_move(h->publish, peer, &to.nbma, to.nbma_port), 0); // there already
}

static void moves_that_cannot_be(void **state) {
	struct hub *h = *state;
	struct publish_peer a = at("203.0.113.1", 4500), b = at("203.0.113.1", 30000), native = at("203.0.113.7", 0);
	struct addr v6 = ip("2001:db8::7");
	uint32_t pa, pb, pn;

	in_add(h, &a, 1, &pa);
	in_add(h, &b, 2, &pb);
	in_add(h, &native, 3, &pn);
	assert_int_equal(publish_peer_move(h->publish, pa, &b.nbma, b.nbma_port), -EADDRINUSE);
	assert_int_equal(publish_peer_move(h->publish, pa, &a.nbma, 0), -EINVAL);
	assert_int_equal(publish_peer_move(h->publish, pn, &native.nbma, 4500), -EINVAL);
	assert_int_equal(publish_peer_move(h->publish, pa, &v6, 4500), -EAFNOSUPPORT);
	assert_int_equal(publish_peer_move(h->publish, 0, &a.nbma, 4500), -ENOENT);
	assert_int_equal(publish_peer_move(h->publish, h->fwd.peers.max, &a.nbma, 4500), -ENOENT);
	assert_int_equal(publish_peer_find(h->publish, &a), pa);
}

// Its owner may be writing the header at that moment.
static void a_gateway_change_goes_by_controls_own_copy(void **state) {
	struct hub *h = *state;
	struct publish_peer where = at("198.51.100.11", 0);
	struct addr gateway = ip("192.0.2.253");
	uint32_t peer, nh;

	in_add(h, &where, 1, &peer);
	nh = peer_line(h, peer)->nh;
	memset(peer_at(&h->fwd.peers, peer)->hdr, 0xee, PEER_HDR_MAX);
	peer_at(&h->fwd.peers, peer)->family = 0;
	assert_int_equal(publish_gateway(h->publish, WAN, &gateway), 0);
	assert_int_not_equal(peer_line(h, peer)->nh, nh);
	assert_int_not_equal(peer_line(h, peer)->nh, 0);
}

// --- refusals ---
static void what_is_refused_leaves_no_peer(void **state) {
	struct hub *h = *state;
	struct publish_peer where = at("198.51.100.11", 0), v6 = at("2001:db8::1", 0), nowhere = where;
	struct sa_keys keys = keys_of(SUITE, 1), shorter = keys, none = keys_of(ESP_NULL, 1);
	struct sa_params wide = {.suite = SUITE, .replay_window = REPLAY_WINDOW_MAX}, null = {.suite = ESP_NULL},
			 far = {.suite = SUITE, .seq_end = 1ull << 32};
	uint32_t peer, spi = 0, low = 255, used = h->fwd.peers.used, sas = sad_used(h->fwd.ipsec);

	shorter.enc_bytes--;
	nowhere.endpoint = 9;
	assert_int_equal(publish_sa_in(h->publish, &where, &params, &shorter, &spi, &peer), -EINVAL);
	assert_int_equal(publish_sa_in(h->publish, &where, &params, &keys, &low, &peer), -EINVAL);
	assert_int_equal(publish_sa_in(h->publish, &where, &wide, &keys, &spi, &peer), -EINVAL);
	assert_int_equal(publish_sa_in(h->publish, &v6, &params, &keys, &spi, &peer), -EAFNOSUPPORT);
	assert_int_equal(publish_sa_in(h->publish, &nowhere, &params, &keys, &spi, &peer), -EINVAL);
	assert_int_equal(publish_sa_in(h->publish, &where, &null, &none, &spi, &peer),
		crypto == &crypto_null_ops ? 0 : -ENOTSUP);
	if (spi)
		assert_int_equal(publish_sa_in_withdraw(h->publish, spi), 0);
	assert_int_equal(publish_sa_out(h->publish, &where, &params, &keys, 255, 1, &peer), -EINVAL);
	assert_int_equal(publish_sa_out(h->publish, &where, &far, &keys, 256, 1, &peer), -EINVAL);
	publish_turn(h->publish, 1);
	assert_int_equal(h->fwd.peers.used, used);
	assert_int_equal(sad_used(h->fwd.ipsec), sas);
}

static void an_spi_that_was_chosen_elsewhere_is_one_sas(void **state) {
	struct hub *h = *state;
	struct publish_peer a = at("198.51.100.11", 0), b = at("198.51.100.12", 0);
	struct sa_keys keys = keys_of(SUITE, 1);
	uint32_t peer, spi = 0xc0ffee00;

	assert_int_equal(publish_sa_in(h->publish, &a, &params, &keys, &spi, &peer), 0);
	assert_int_equal(spi, 0xc0ffee00);
	assert_int_not_equal(sad_lookup(h->fwd.ipsec, spi), 0);
	assert_int_equal(publish_sa_in(h->publish, &b, &params, &keys, &spi, &peer), -EEXIST);
	assert_int_equal(publish_peer_find(h->publish, &b), 0);
	assert_int_equal(publish_sa_in_withdraw(h->publish, spi), 0);
	assert_int_equal(publish_sa_in(h->publish, &b, &params, &keys, &spi, &peer), 0);
}

static void full_tables_refuse_and_lose_nothing(void **state) {
	struct hub *h = *state;
	struct publish_peer where = at("198.51.100.11", 0);
	struct sa_keys keys = keys_of(SUITE, 1);
	uint32_t peer = 0, spi = 0, n = 0, used;

	while (publish_sa_in(h->publish, &where, &params, &keys, &spi, &peer) == 0) {
		spi = 0;
		n++;
	}
	assert_int_equal(n, h->fwd.ipsec->n_in - 1);
	assert_int_equal(publish_sa_in(h->publish, &where, &params, &keys, &spi, &peer), -ENOSPC);
	used = h->fwd.peers.used;
	where = at("198.51.100.12", 0);
	assert_int_equal(publish_sa_in(h->publish, &where, &params, &keys, &spi, &peer), -ENOSPC);
	publish_turn(h->publish, 1);
	assert_int_equal(h->fwd.peers.used, used);
	for (n = used; n < h->fwd.peers.max - 1; n++) {
		where.nbma = addr_ipv4(0xc6330000 + n);
		assert_int_equal(out_add(h, &where, 1, n + 1, &peer), 0);
	}
	where.nbma = addr_ipv4(0xc6340000);
	assert_int_equal(out_add(h, &where, 1, 1, &peer), -ENOSPC);
}

// A rekey with another suite: all adjacencies of the peer, and those of nobody else.
static void the_mtu_follows_the_outbound_sa(void **state) {
	struct hub *h = *state;
	struct publish_peer a = at("198.51.100.11", 4500), b = at("198.51.100.12", 4500);
	struct binding b1 = protected_binding("10.254.0.11", "198.51.100.11", 4500),
		       b2 = protected_binding("10.254.0.12", "198.51.100.11", 4500),
		       b3 = protected_binding("10.254.0.13", "198.51.100.12", 4500);
	struct sa_params cbc = {.suite = ESP_AES_CBC_256_SHA512_256, .tunnel_mode = true};
	struct sa_keys keys = keys_of(ESP_AES_CBC_256_SHA512_256, 1);
	uint32_t peer, other;

	in_add(h, &a, 1, &peer);
	in_add(h, &b, 1, &other);
	b2.mtu = 1300;
	assert_int_equal(publish_binding(h->publish, &b1), 0);
	assert_int_equal(publish_binding(h->publish, &b2), 0);
	assert_int_equal(publish_binding(h->publish, &b3), 0);
	assert_int_equal(state_of(h, b1.adj).mtu, 1400); // of the tunnel
	assert_int_equal(state_of(h, b2.adj).mtu, 1300); // of the binding
	assert_int_equal(publish_sa_out(h->publish, &a, &cbc, &keys, 0x3000, 1, &peer), 0);
	// 1500 - 20 - 8 = 1472; - 8 - 16 - 32 = 1416, whole blocks 1408; - 2 - 20 - 8
	assert_int_equal(state_of(h, b1.adj).mtu, 1378);
	assert_int_equal(state_of(h, b2.adj).mtu, 1300);
	assert_int_equal(state_of(h, b3.adj).mtu, 1400);
	assert_int_equal(publish_binding_withdraw(h->publish, &b2), 0);
	assert_int_equal(publish_sa_out_withdraw(h->publish, peer), 0);
	assert_int_equal(state_of(h, b1.adj).mtu, 1400);
}

static int up(void **state) {
	struct fwd_sizes sizes = {.max_spokes = 64, .n_workers = 2};

	return hub_up_with(state, &sizes, crypto);
}

static int run(const char *name, const struct esp_crypto_ops *ops) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(an_inbound_sa_is_found_by_its_spi_alone, up, hub_down),
		cmocka_unit_test_setup_teardown(an_outbound_sa_takes_the_place_of_the_one_before, up, hub_down),
		cmocka_unit_test_setup_teardown(a_key_that_comes_again_has_other_ivs, up, hub_down),
		cmocka_unit_test_setup_teardown(a_peer_lives_as_long_as_a_binding_or_an_sa_has_it, up, hub_down),
		cmocka_unit_test_setup_teardown(two_behind_one_nat_are_two, up, hub_down),
		cmocka_unit_test_setup_teardown(keys_are_wiped_after_the_grace_period_and_not_before, up, hub_down),
		cmocka_unit_test_setup_teardown(a_full_defer_queue_loses_no_key, up, hub_down),
		cmocka_unit_test_setup_teardown(an_owner_is_told_and_nothing_is_written_past_it, up, hub_down),
		cmocka_unit_test_setup_teardown(a_full_ring_changes_nothing, up, hub_down),
		cmocka_unit_test_setup_teardown(a_move_takes_all_inbound_sas_along, up, hub_down),
		cmocka_unit_test_setup_teardown(moves_that_cannot_be, up, hub_down),
		cmocka_unit_test_setup_teardown(a_gateway_change_goes_by_controls_own_copy, up, hub_down),
		cmocka_unit_test_setup_teardown(what_is_refused_leaves_no_peer, up, hub_down),
		cmocka_unit_test_setup_teardown(an_spi_that_was_chosen_elsewhere_is_one_sas, up, hub_down),
		cmocka_unit_test_setup_teardown(full_tables_refuse_and_lose_nothing, up, hub_down),
		cmocka_unit_test_setup_teardown(the_mtu_follows_the_outbound_sa, up, hub_down),
	};

	crypto = ops;
	return cmocka_run_group_tests_name(name, tests, NULL, NULL);
}

int main(void) {
	int failed;

	if (eal_start("test_publish_sa") < 0)
		return 1;
	failed = run("null", &crypto_null_ops) + run("ipsec-mb", &crypto_ipsec_mb_ops);
	rte_eal_cleanup();
	return failed;
}
