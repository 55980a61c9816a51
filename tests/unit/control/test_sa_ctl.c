// SPDX-License-Identifier: BSD-3-Clause
// SAs by number, in a whole hub whose one worker stands still, with either crypto backend: rekey, delete, move, events,
// counters, and NHRP through them.
#include "hub_fixture.h"

#include <errno.h>

#include "crypto_ipsec_mb.h"
#include "crypto_null.h"
#include "ipsec.h"
#include "sa_ctl.h"
#include "sa_fixture.h"

#define SUITE ESP_AES_GCM_256_16
#define PORT 4500
#define L36 "202122232425262728292a2b2c2d2e2f202122232425262728292a2b2c2d2e2f30313233"
#define K36 "000102030405060708090a0b0c0d0e0f000102030405060708090a0b0c0d0e0f10111213"

static const struct esp_crypto_ops *crypto;
static const char spoke[] = "198.51.100.11", moved[] = "203.0.113.7";

static int up_with(const char *protection, const char *more) {
	struct ladder_options opt = {.rx_mbufs = 4095, .crypto = crypto};
	struct conf *conf;
	char text[2048];

	snprintf(text, sizeof(text),
		"version: 1\n"
		"hub: {name: t-sa, control-cpu: 0, worker-cpus: [0], hugepages: off, max-spokes: 16}\n"
		"ports:\n"
		"  wan0: {device: \"net_null_sa,no-rx=1\", host: false, address: 10.0.0.1/24, gateway: 10.0.0.254%s}\n"
		"tunnels:\n"
		"  dmvpn0: {source: {port: wan0, address: 10.0.0.1}, key: 1, address: 172.16.0.1/12, phase: 1, host: "
		"false,\n"
		"    protection: {mode: manual%s}%s}\n"
		"  clear0: {source: {port: wan0, address: 10.0.0.1}, key: 2, address: 172.32.0.1/16, phase: 1, host: "
		"false,\n"
		"    protection: none}\n",
		GATEWAY_KNOWN, protection, more);
	conf = conf_load_text("t-sa", text, stderr);
	return conf ? nave_up(&hub, conf, &opt, stderr) : -1;
}

static int up(void **state) {
	(void)state;
	return up_with("", "");
}

static int down(void **state) {
	(void)state;
	nave_down(&hub);
	return 0;
}

// An outbound SPI is another each time, as a peer chooses them.
static struct sa_spec spec_of(enum sa_direction direction, const char *nbma, uint16_t port) {
	static uint32_t spi = 0x2000;

	return (struct sa_spec){
		.direction = direction,
		.origin = SA_FROM_LAB,
		.nbma = ip(nbma),
		.nbma_port = port,
		.spi = direction == SA_OUTBOUND ? spi++ : 0,
		.params = {.suite = SUITE},
	};
}

static int64_t add_spec(struct sa_spec *spec, uint32_t *spi) {
	static uint8_t seed;
	struct sa_keys keys = keys_of(spec->params.suite, seed++);

	spec->keys = &keys;
	return sa_ctl_add(hub.sas, spec, spi);
}

static uint32_t add(enum sa_direction direction, const char *nbma, uint16_t port) {
	struct sa_spec spec = spec_of(direction, nbma, port);
	uint32_t spi;
	int64_t n = add_spec(&spec, &spi);

	assert_true(n > 0);
	return (uint32_t)n;
}

static struct sa_info info_of(uint32_t number) {
	struct sa_info info;

	assert_true(sa_ctl_get(hub.sas, number, &info));
	return info;
}

static struct sa_in *in_of(uint32_t number) {
	return sa_in_at(hub.fwd.ipsec, sad_lookup(hub.fwd.ipsec, info_of(number).spi));
}

static struct sa_out *out_of(uint32_t number) {
	return sa_out_at(hub.fwd.ipsec, info_of(number).peer);
}

static uint32_t found(const char *nbma, uint16_t port) {
	return publish_peer_find(hub.publish, &(struct publish_peer){.nbma = ip(nbma), .nbma_port = port});
}

static uint64_t counted(enum sa_ctl_counter c) {
	return sa_ctl_counters(hub.sas)[c];
}

static void turn(void) {
	control_turn(hub.control, 0);
}

// --- configuration ---
static int up_configured(void **state) {
	(void)state;
	return up_with(", replay-window: 128, sas: ["
		       "{nbma: 198.51.100.11, suite: aes256gcm16, spi-in: 0x1001, spi-out: 0x2001, key-in: " K36
		       ", key-out: " L36 "},"
		       "{nbma: 198.51.100.12, nbma-port: 4500, mode: tunnel, esn: true, suite: aes256gcm16, "
		       "replay-window: 256,"
		       " spi-in: 0x1002, spi-out: 0x2002, inner-nbma: 10.9.9.9, key-in: " K36 ", key-out: " L36 "}]",
		", nhrp: {static: [{protocol: 172.16.0.12, nbma: 198.51.100.12}]}");
}

static void the_configurations_sas_are_there_before_nhrp(void **state) {
	struct addr protocol = ip("172.16.0.12");
	struct prefix host = prefix_host(&protocol);
	const struct binding *b = nhrp_cache_find(nhrp_ctl_cache(hub.nhrp), 0, &host);
	const struct conf_sa *sa = hub.conf->tunnels[0].sas;
	static const struct sa_keys wiped;
	struct sa_info info;
	uint32_t n = 0, count = 0;

	(void)state;
	while (sa_ctl_next(hub.sas, &n, &info))
		count++;
	assert_int_equal(count, 4);
	assert_int_equal(sa_ctl_count(hub.sas), 4);
	info = info_of(1);
	assert_int_equal(info.spi, 0x1001);
	assert_int_equal(info.window, 128);
	assert_int_equal(info.origin, SA_FROM_CONFIGURATION);
	info = info_of(3);
	assert_int_equal(info.window, 256);
	assert_int_equal(in_of(3)->flags, SA_ESN | SA_TUNNEL_MODE | SA_UDP);
	assert_memory_equal(&sa_in_cold(hub.fwd.ipsec, in_of(3))->inner_nbma, "\x0a\x09\x09\x09", 4);
	assert_int_equal(info_of(4).seq_end, UINT64_MAX);
	assert_non_null(b);
	assert_int_equal(b->nbma_port, 4500); // of the SA's line
	assert_int_equal(b->peer, info.peer);
	for (unsigned i = 0; i < 2; i++) {
		assert_memory_equal(&sa[i].in, &wiped, sizeof(wiped));
		assert_memory_equal(&sa[i].out, &wiped, sizeof(wiped));
	}
}

static int up_two_tunnels(void **state) {
	(void)state;
	return up_with(", sas: [{nbma: 198.51.100.12, nbma-port: 4500, suite: aes256gcm16, spi-in: 0x1002, "
		       "spi-out: 0x2002, key-in: " K36 ", key-out: " L36 "}]",
		"}\n"
		"  second0: {source: {port: wan0, address: 10.0.0.1}, key: 3, address: 172.33.0.1/16, phase: 1, host: "
		"false,\n"
		"    protection: {mode: manual}, nhrp: {static: [{protocol: 172.33.0.12, nbma: 198.51.100.12}]}");
}

// The SAs' line stands in the first tunnel, the static map in the second.
static void a_static_map_has_the_peer_of_all_tunnels_of_its_source(void **state) {
	struct addr protocol = ip("172.33.0.12");
	struct prefix host = prefix_host(&protocol);
	const struct binding *b = nhrp_cache_find(nhrp_ctl_cache(hub.nhrp), 1, &host);

	(void)state;
	assert_non_null(b);
	assert_int_equal(b->nbma_port, 4500);
	assert_int_equal(b->peer, info_of(1).peer);
}

// --- rekey ---
static void a_rekey_breaks_nothing_and_counters_go_on(void **state) {
	uint32_t in1 = add(SA_INBOUND, spoke, 0), out1 = add(SA_OUTBOUND, spoke, 0), in2, out2;
	uint32_t peer = info_of(in1).peer, n_in, n_out;
	struct spoke_counters c;

	(void)state;
	assert_true(info_of(out1).is_active);
	in_of(in1)->packets = 10;
	in_of(in1)->bytes = 1000;
	out_of(out1)->packets = 20;
	out_of(out1)->bytes = 2000;
	out_of(out1)->seq = 20;
	in2 = add(SA_INBOUND, spoke, 0);
	out2 = add(SA_OUTBOUND, spoke, 0);
	sa_ctl_peer_count(hub.sas, peer, &n_in, &n_out);
	assert_int_equal(n_in, 2);
	assert_int_equal(n_out, 2);
	assert_int_equal(info_of(in2).peer, peer);
	assert_false(info_of(out1).is_active);
	assert_true(info_of(out2).is_active);
	assert_int_equal(info_of(out1).packets, 20);
	assert_int_equal(info_of(out1).seq, 20);
	assert_int_equal(info_of(out2).packets, 0);
	assert_int_equal(info_of(out2).seq, 0);
	in_of(in2)->packets = 1;
	in_of(in1)->packets++; // both are good
	out_of(out2)->packets += 2;
	assert_int_equal(sa_ctl_delete(hub.sas, out1), 0);
	assert_true(out_of(out2)->is_valid);
	assert_int_equal(sa_ctl_delete(hub.sas, in1), 0);
	assert_int_equal(sa_ctl_delete(hub.sas, in1), -ENOENT);
	sa_ctl_peer_counters(hub.sas, peer, &c);
	assert_int_equal(c.rx_packets, 12);
	assert_int_equal(c.rx_bytes, 1000);
	assert_int_equal(c.tx_packets, 22);
	assert_int_equal(c.tx_bytes, 2000);
	assert_int_equal(info_of(out2).packets, 2);
	sa_ctl_peer_clear(hub.sas, peer);
	in_of(in2)->packets += 3;
	sa_ctl_peer_counters(hub.sas, peer, &c);
	assert_int_equal(c.rx_packets, 3);
	assert_int_equal(c.tx_packets, 0);
	assert_int_equal(counted(SA_CTL_ADDED), 4);
	assert_int_equal(counted(SA_CTL_DELETED), 2);
}

static void the_peer_lives_as_long_as_any_of_its_sas(void **state) {
	uint32_t in = add(SA_INBOUND, spoke, PORT), out1 = add(SA_OUTBOUND, spoke, PORT),
		 out2 = add(SA_OUTBOUND, spoke, PORT), peer = info_of(in).peer;
	struct spoke_counters c;

	(void)state;
	assert_int_equal(sa_ctl_delete(hub.sas, in), 0);
	assert_int_equal(sa_ctl_delete(hub.sas, out2), 0); // the one in use: none takes its place
	assert_false(sa_out_at(hub.fwd.ipsec, peer)->is_valid);
	assert_int_equal(found(spoke, PORT), peer);
	assert_int_equal(sa_ctl_delete(hub.sas, out1), 0);
	assert_int_equal(found(spoke, PORT), 0);
	assert_int_equal(sa_ctl_count(hub.sas), 0);
	turn();
	in = add(SA_INBOUND, spoke, PORT); // a slot that was used before, a peer that was not
	sa_ctl_peer_counters(hub.sas, info_of(in).peer, &c);
	assert_int_equal(c.rx_packets + c.tx_packets, 0);
}

static bool is_zero(const uint8_t *bytes, size_t n) {
	for (size_t i = 0; i < n; i++)
		if (bytes[i])
			return false;
	return true;
}

static void keys_are_wiped_after_the_grace_period(void **state) {
	struct ipsec *ipsec = hub.fwd.ipsec;
	uint32_t in = add(SA_INBOUND, spoke, 0), out = add(SA_OUTBOUND, spoke, 0);
	uint32_t slot = sa_in_slot(ipsec, in_of(in)), peer = info_of(in).peer;

	(void)state;
	memset(sa_in_key(ipsec, in_of(in)), 0x5a, SA_KEY_BYTES);
	rcu_reader_online(hub.fwd.rcu, 0);
	assert_int_equal(sa_ctl_delete(hub.sas, in), 0);
	assert_int_equal(sa_ctl_delete(hub.sas, out), 0);
	memset(sa_out_key(sa_out_at(ipsec, peer)), 0x5a, SA_KEY_BYTES); // a worker that is slow
	turn();
	assert_false(is_zero((uint8_t *)sa_in_at(ipsec, slot), ipsec->in_stride));
	assert_false(is_zero((uint8_t *)sa_out_at(ipsec, peer), SA_OUT_BYTES));
	rcu_reader_offline(hub.fwd.rcu, 0);
	turn();
	assert_true(is_zero((uint8_t *)sa_in_at(ipsec, slot), ipsec->in_stride));
	assert_true(is_zero((uint8_t *)sa_out_at(ipsec, peer), SA_OUT_BYTES));
}

// --- refusals ---
static void what_is_refused_takes_no_number(void **state) {
	struct sa_spec spec = spec_of(SA_INBOUND, spoke, 0);
	struct sa_keys keys = keys_of(SUITE, 1);
	uint32_t spi, first;

	(void)state;
	first = add(SA_INBOUND, spoke, 0);
	spec.tunnel = 1; // in clear
	assert_int_equal(add_spec(&spec, &spi), -EINVAL);
	spec.tunnel = 9;
	assert_int_equal(add_spec(&spec, &spi), -EINVAL);
	spec.tunnel = 0;
	spec.spi = info_of(first).spi;
	assert_int_equal(add_spec(&spec, &spi), -EEXIST);
	spec.spi = 0;
	spec.nbma = ip("2001:db8::1");
	assert_int_equal(add_spec(&spec, &spi), -EAFNOSUPPORT);
	spec.nbma = ip(spoke);
	keys.enc_bytes--;
	spec.keys = &keys;
	assert_int_equal(sa_ctl_add(hub.sas, &spec, &spi), -EINVAL);
	spec = spec_of(SA_OUTBOUND, spoke, 0);
	spec.spi = 255;
	assert_int_equal(add_spec(&spec, &spi), -EINVAL);
	assert_int_equal(sa_ctl_count(hub.sas), 1);
	assert_int_equal(sa_ctl_delete(hub.sas, 0), -ENOENT);
	assert_int_equal(sa_ctl_delete(hub.sas, first + 1), -ENOENT);
	assert_int_equal(sa_ctl_delete(hub.sas, UINT32_MAX), -ENOENT);
	assert_int_equal(sa_ctl_delete(hub.sas, first), 0);
}

static void an_outbound_spi_of_the_peer_is_not_taken_again(void **state) {
	struct sa_spec spec = spec_of(SA_OUTBOUND, spoke, 0), other = spec;
	uint32_t spi, first, newer;

	(void)state;
	first = (uint32_t)add_spec(&spec, &spi);
	assert_int_equal(add_spec(&spec, &spi), -EEXIST);
	assert_int_equal(sa_ctl_out_with_spi(hub.sas, &spec), first);
	newer = add(SA_OUTBOUND, spoke, 0);
	assert_int_equal(add_spec(&spec, &spi), -EEXIST); // no longer in use, and still there
	assert_true(info_of(newer).is_active);
	other.nbma = ip(moved); // the SPI of another peer is another
	assert_int_equal(sa_ctl_out_with_spi(hub.sas, &other), 0);
	assert_true(add_spec(&other, &spi) > 0);
	assert_int_equal(sa_ctl_delete(hub.sas, first), 0);
	assert_true(add_spec(&spec, &spi) > 0);
}

static void a_full_table_refuses_and_recovers(void **state) {
	struct sa_spec spec = spec_of(SA_INBOUND, spoke, 0);
	uint32_t spi, n = 0, number = 0;
	struct sa_info info;
	int64_t rc;

	(void)state;
	while ((rc = add_spec(&spec, &spi)) > 0)
		n++;
	assert_int_equal(rc, -ENOSPC);
	assert_int_equal(n, hub.fwd.ipsec->n_in - 1);
	assert_int_equal(sa_ctl_count(hub.sas), n);
	while (sa_ctl_next(hub.sas, &number, &info)) {
		assert_int_equal(sa_ctl_delete(hub.sas, number), 0);
		if (number % 64 == 0)
			turn();
	}
	turn();
	assert_int_equal(sa_ctl_count(hub.sas), 0);
	assert_int_equal(found(spoke, 0), 0);
	assert_int_equal(sad_used(hub.fwd.ipsec), 0);
}

// --- events ---
static unsigned heard;
static struct sa_event heard_last;

static void on_event(void *arg, const struct sa_event *ev) {
	(void)arg;
	heard++;
	heard_last = *ev;
}

static void tell(const struct sa_event *ev) {
	struct lcore_ctx *lc = datapath_lcore(hub.datapath, 0);
	struct rte_mbuf *m = rte_pktmbuf_alloc(lc->punt_pool);

	assert_non_null(m);
	memcpy(rte_pktmbuf_append(m, sizeof(*ev)), ev, sizeof(*ev));
	assert_int_equal(rte_ring_sp_enqueue(lc->punt[PUNT_SA], m), 0);
	turn();
}

static struct sa_event mapping_of(uint32_t number, const char *nbma, uint16_t port) {
	struct sa_info info = info_of(number);

	return (struct sa_event){
		.kind = SA_EVENT_MAPPING,
		.port = port,
		.spi = info.spi,
		.peer = info.peer,
		.peer_gen = peer_at(&hub.fwd.peers, info.peer)->gen,
		.nbma = ip(nbma),
	};
}

static struct binding *bind(const char *protocol, const char *nbma, uint16_t port) {
	struct addr a = ip(protocol);
	struct prefix host = prefix_host(&a);
	struct binding *b = nhrp_cache_add(nhrp_ctl_cache(hub.nhrp), 0, &host);

	assert_non_null(b);
	b->kind = BINDING_REGISTERED;
	b->nbma = b->claimed_nbma = ip(nbma);
	b->nbma_port = port;
	assert_int_equal(publish_binding(hub.publish, b), 0);
	return b;
}

static void a_mapping_moves_peer_sas_and_bindings(void **state) {
	uint32_t in = add(SA_INBOUND, spoke, PORT), out = add(SA_OUTBOUND, spoke, PORT), peer = info_of(in).peer;
	struct binding *b = bind("172.16.0.11", spoke, PORT), *b2 = bind("172.16.0.12", spoke, PORT);
	struct sa_event ev = mapping_of(in, moved, 30000);
	struct addr to = ip(moved);
	struct sa_info info;

	(void)state;
	heard = 0;
	sa_ctl_on_event(hub.sas, on_event, NULL);
	tell(&ev);
	assert_int_equal(counted(SA_CTL_MAPPING), 1);
	assert_int_equal(heard, 1);
	assert_int_equal(heard_last.port, 30000);
	assert_int_equal(found(moved, 30000), peer);
	info = info_of(out);
	assert_true(addr_eq(&info.nbma, &to) && info.nbma_port == 30000);
	assert_true(addr_eq(&b->nbma, &to) && b->nbma_port == 30000 && b->behind_nat);
	assert_true(addr_eq(&b2->nbma, &to) && b2->nbma_port == 30000);
	assert_int_equal(b->peer, peer);
	assert_true(is_zero((uint8_t *)&in_of(in)->replay.top, 8));
	tell(&ev); // said twice before control looked
	assert_int_equal(counted(SA_CTL_MAPPING), 1);
	assert_int_equal(heard, 1);
	sa_ctl_on_event(hub.sas, NULL, NULL);
}

static void mappings_that_are_refused(void **state) {
	uint32_t in = add(SA_INBOUND, spoke, PORT), other = add(SA_INBOUND, moved, PORT);
	struct sa_event taken = mapping_of(in, moved, PORT), stale = mapping_of(in, "203.0.113.9", PORT),
			beyond = stale;

	(void)state;
	tell(&taken);
	assert_int_equal(counted(SA_CTL_MAPPING_REFUSED), 1);
	assert_int_equal(found(moved, PORT), info_of(other).peer);
	beyond.peer = UINT32_MAX;
	tell(&beyond);
	assert_int_equal(counted(SA_CTL_MAPPING_REFUSED), 2);
	assert_int_equal(sa_ctl_delete(hub.sas, in), 0);
	tell(&stale);
	assert_int_equal(counted(SA_CTL_MAPPING_REFUSED), 3);
	assert_int_equal(counted(SA_CTL_MAPPING), 0);
	assert_int_equal(found("203.0.113.9", PORT), 0);
}

static void the_end_of_sequence_numbers_is_told(void **state) {
	uint32_t out = add(SA_OUTBOUND, spoke, 0);
	struct sa_event ev = mapping_of(out, spoke, 0);

	(void)state;
	heard = 0;
	sa_ctl_on_event(hub.sas, on_event, NULL);
	ev.kind = SA_EVENT_SOFT;
	tell(&ev);
	ev.kind = SA_EVENT_HARD;
	tell(&ev);
	assert_int_equal(counted(SA_CTL_SOFT), 1);
	assert_int_equal(counted(SA_CTL_HARD), 1);
	assert_int_equal(heard, 2);
	assert_int_equal(counted(SA_CTL_MAPPING) + counted(SA_CTL_MAPPING_REFUSED), 0);
	assert_int_equal(sa_ctl_delete(hub.sas, out), 0);
	tell(&ev); // of a peer that is gone
	assert_int_equal(heard, 2);
	sa_ctl_clear(hub.sas);
	assert_int_equal(counted(SA_CTL_HARD), 0);
	sa_ctl_on_event(hub.sas, NULL, NULL);
}

// --- what is seen of a window ---
static void missing_numbers_are_those_of_the_window(void **state) {
	uint32_t in = add(SA_INBOUND, spoke, 0);
	struct replay *r = &in_of(in)->replay;

	(void)state;
	assert_int_equal(info_of(in).window_missing, 0);
	for (uint64_t seq = 1; seq <= 100; seq++)
		if (seq % 10)
			replay_update(r, seq);
	assert_int_equal(info_of(in).seq, 99);
	assert_int_equal(info_of(in).window_missing, 9);
	for (uint64_t seq = 100; seq <= 5000; seq++)
		if (seq != 3000 && seq != 4000 && seq != 4999)
			replay_update(r, seq);
	assert_int_equal(info_of(in).window, 1024);
	assert_int_equal(info_of(in).window_missing, 2);
}

// --- NHRP ---
static void punt_registration(uint32_t number, const char *seen_from, uint16_t port) {
	struct nhrp_msg msg = nhrp_request(NHRP_REGISTRATION_REQUEST, ip("172.16.0.11"), ip(spoke));
	struct lcore_ctx *lc = datapath_lcore(hub.datapath, 0);
	struct rte_mbuf *m = rte_pktmbuf_alloc(lc->punt_pool);
	struct sa_info info = info_of(number);
	int len;

	assert_non_null(m);
	msg.flags = NHRP_REGISTRATION_U;
	len = nhrp_msg_encode(&msg, rte_pktmbuf_mtod(m, uint8_t *), rte_pktmbuf_tailroom(m));
	assert_true(len > 0);
	rte_pktmbuf_append(m, (uint16_t)len);
	*pkt_meta(m) = (struct pkt_meta){
		.gre_protocol = GRE_PROTO_NHRP,
		.nbma = ip(seen_from),
		.nbma_port = port,
		.is_esp = true,
		.spi_in = info.spi,
		.peer_in = info.peer,
		.peer_in_gen = peer_at(&hub.fwd.peers, info.peer)->gen,
	};
	assert_int_equal(rte_ring_sp_enqueue(lc->punt[PUNT_NHRP], m), 0);
}

static struct pkt_meta answered(uint8_t code) {
	static struct nhrp_msg msg;
	struct pkt_meta meta;
	struct rte_mbuf *m;

	turn();
	assert_int_equal(hub_answers(&m, 1), 1);
	meta = *pkt_meta(m);
	assert_int_equal(nhrp_msg_decode(rte_pktmbuf_mtod(m, uint8_t *), m->data_len, &msg), NHRP_ERR_NONE);
	assert_int_equal(msg.type, NHRP_REGISTRATION_REPLY);
	assert_int_equal(msg.cies[0].code, code);
	rte_pktmbuf_free(m);
	return meta;
}

static uint64_t nhs_counted(enum nhs_counter c) {
	return nhrp_ctl_nhs(hub.nhrp)->counters[c];
}

// The registration and the mapping are told by two rings: whichever comes first, the spoke is the peer of its SA.
static void a_registration_is_its_sas_peer_before_and_after_a_move(void **state) {
	uint32_t in = add(SA_INBOUND, spoke, PORT), peer = info_of(in).peer;
	struct sa_event ev = mapping_of(in, moved, 30000);
	struct pkt_meta meta;

	(void)state;
	add(SA_OUTBOUND, spoke, PORT);
	punt_registration(in, moved, 30000); // control has not heard of the move yet
	meta = answered(NHRP_CODE_OK);
	assert_int_equal(meta.way, WAY_PEER);
	assert_int_equal(meta.peer_out, peer);
	assert_int_equal(nhs_counted(NHS_COUNT_REGISTERED), 1);
	tell(&ev);
	punt_registration(in, moved, 30000);
	meta = answered(NHRP_CODE_OK);
	assert_int_equal(meta.peer_out, peer);
	assert_int_equal(nhs_counted(NHS_COUNT_REFRESHED), 1);
	assert_int_equal(nhs_counted(NHS_COUNT_MOVED), 0);
	assert_int_equal(nhrp_cache_count(nhrp_ctl_cache(hub.nhrp)), 1);
}

static void without_an_sa_nothing_is_answered(void **state) {
	struct nhrp_msg msg = nhrp_request(NHRP_REGISTRATION_REQUEST, ip("172.16.0.11"), ip(spoke));
	uint8_t bytes[NHRP_PACKET_MAX];
	int len = nhrp_msg_encode(&msg, bytes, sizeof(bytes));
	struct rte_mbuf *m;

	(void)state;
	assert_true(hub_punt(bytes, len, ip(spoke))); // workers drop it long before
	turn();
	assert_int_equal(hub_answers(&m, 1), 0);
	assert_int_equal(nhrp_ctl_stats(hub.nhrp)->counters[NHRP_CTL_NO_WAY], 1);
	assert_int_equal(nhrp_cache_count(nhrp_ctl_cache(hub.nhrp)), 0);
}

#define sa_test(fn) cmocka_unit_test_setup_teardown(fn, up, down)

static int run(const char *name, const struct esp_crypto_ops *ops) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_configurations_sas_are_there_before_nhrp, up_configured, down),
		cmocka_unit_test_setup_teardown(
			a_static_map_has_the_peer_of_all_tunnels_of_its_source, up_two_tunnels, down),
		sa_test(a_rekey_breaks_nothing_and_counters_go_on),
		sa_test(the_peer_lives_as_long_as_any_of_its_sas),
		sa_test(keys_are_wiped_after_the_grace_period),
		sa_test(what_is_refused_takes_no_number),
		sa_test(an_outbound_spi_of_the_peer_is_not_taken_again),
		sa_test(an_outbound_spi_of_the_peer_is_not_taken_again),
		sa_test(a_full_table_refuses_and_recovers),
		sa_test(a_mapping_moves_peer_sas_and_bindings),
		sa_test(mappings_that_are_refused),
		sa_test(the_end_of_sequence_numbers_is_told),
		sa_test(missing_numbers_are_those_of_the_window),
		sa_test(a_registration_is_its_sas_peer_before_and_after_a_move),
		sa_test(without_an_sa_nothing_is_answered),
	};

	crypto = ops;
	return cmocka_run_group_tests_name(name, tests, NULL, NULL);
}

int main(void) {
	int failed;

	if (hub_eal("t-sa") < 0)
		return 1;
	failed = run("null", &crypto_null_ops) + run("ipsec-mb", &crypto_ipsec_mb_ops);
	nave_eal_cleanup();
	return failed;
}
