// SPDX-License-Identifier: BSD-3-Clause
// NHRP from the punt ring to the ring back: decoded, published, answered, in that order; what waits, what is lost and
// why.
#include "hub_fixture.h"

#include <unistd.h>

static int up(void **state) {
	(void)state;
	return hub_up("t-nhrp", GATEWAY_KNOWN, "");
}

static int up_unresolved(void **state) {
	(void)state;
	return hub_up("t-nhrp", "", "");
}

static int up_with_static(void **state) {
	(void)state;
	return hub_up("t-nhrp", GATEWAY_KNOWN, ", nhrp: {static: [{protocol: 172.16.0.9, nbma: 198.51.100.9}]}");
}

static int up_with_secret(void **state) {
	(void)state;
	return hub_up("t-nhrp", GATEWAY_KNOWN, ", nhrp: {authentication: s3cret}");
}

static int down(void **state) {
	(void)state;
	nave_down(&hub);
	return 0;
}

static void punt_msg(const struct nhrp_msg *msg, const char *seen_from) {
	uint8_t bytes[NHRP_PACKET_MAX];
	int len = nhrp_msg_encode(msg, bytes, sizeof(bytes));

	assert_true(len > 0);
	assert_true(hub_punt(bytes, len, ip(seen_from)));
}

static void punt_registration(const char *protocol, const char *nbma, uint16_t flags) {
	struct nhrp_msg msg = nhrp_request(NHRP_REGISTRATION_REQUEST, ip(protocol), ip(nbma));

	msg.flags = flags;
	punt_msg(&msg, nbma);
}

// The one answer there is, decoded; its meta copied.
static struct nhrp_msg answer(struct pkt_meta *meta) {
	static struct nhrp_msg msg;
	struct rte_mbuf *m;

	control_turn(hub.control, 0);
	assert_int_equal(hub_answers(&m, 1), 1);
	*meta = *pkt_meta(m);
	assert_int_equal(nhrp_msg_decode(rte_pktmbuf_mtod(m, uint8_t *), m->data_len, &msg), NHRP_ERR_NONE);
	rte_pktmbuf_free(m);
	assert_int_equal(hub_answers(&m, 1), 0);
	return msg;
}

static void no_answer(void) {
	struct rte_mbuf *m;

	control_turn(hub.control, 0);
	assert_int_equal(hub_answers(&m, 1), 0);
}

static uint64_t counted(enum nhrp_ctl_counter c) {
	return nhrp_ctl_stats(hub.nhrp)->counters[c];
}

static uint32_t adj_of(const char *protocol) {
	struct addr a = ip(protocol);

	return neigh_lookup(&hub.fwd.neigh, 0, &a);
}

static void a_registration_is_published_and_answered_over_its_peer(void **state) {
	struct pkt_meta meta;
	struct nhrp_msg reply;
	struct adj_state s;

	(void)state;
	punt_registration("172.16.0.11", "198.51.100.11", NHRP_REGISTRATION_U);
	reply = answer(&meta);
	assert_int_equal(reply.type, NHRP_REGISTRATION_REPLY);
	assert_int_equal(reply.cies[0].code, NHRP_CODE_OK);
	s = adj_state_load(&hub.fwd.adjs.adjs[adj_of("172.16.0.11")]);
	assert_int_equal(s.kind, ADJ_TUNNEL);
	assert_int_equal(meta.way, WAY_PEER);
	assert_int_equal(meta.peer_out, s.target);
	assert_int_equal(meta.peer_out_gen, peer_at(&hub.fwd.peers, s.target)->gen);
	assert_int_equal(meta.gre_protocol, GRE_PROTO_NHRP);
	assert_int_equal(meta.priority, 1);
	assert_int_equal(nhrp_cache_count(nhrp_ctl_cache(hub.nhrp)), 1);
}

static void a_refused_stranger_is_answered_by_its_nbma_address(void **state) {
	struct pkt_meta meta;
	struct nhrp_msg reply;
	struct addr stranger = ip("198.51.100.66");
	uint32_t adj;

	(void)state;
	punt_registration("172.16.0.11", "198.51.100.11", NHRP_REGISTRATION_U);
	answer(&meta);
	adj = adj_of("172.16.0.11");
	punt_registration("172.16.0.11", "198.51.100.66", NHRP_REGISTRATION_U);
	reply = answer(&meta);
	assert_int_equal(reply.cies[0].code, NHRP_CODE_UNIQUE_REGISTERED);
	assert_int_equal(meta.way, WAY_NBMA);
	assert_true(addr_eq(&meta.nbma, &stranger));
	assert_true(nh_load(&hub.fwd.nhs, meta.peer_out).resolved);
	assert_int_equal(adj_of("172.16.0.11"), adj);
	assert_int_equal(peer_lookup(&hub.fwd.peers, 0, &stranger), 0); // a refused one gets nothing
}

static void a_purge_withdraws_before_it_is_answered(void **state) {
	struct nhrp_msg purge = nhrp_request(NHRP_PURGE_REQUEST, ip("172.16.0.11"), ip("198.51.100.11"));
	struct addr nbma = ip("198.51.100.11");
	struct pkt_meta meta;

	(void)state;
	punt_registration("172.16.0.11", "198.51.100.11", 0);
	answer(&meta);
	purge.cies[0].protocol = ip("172.16.0.11");
	punt_msg(&purge, "198.51.100.11");
	assert_int_equal(answer(&meta).type, NHRP_PURGE_REPLY);
	assert_int_equal(meta.way, WAY_NBMA); // its peer is gone
	assert_int_equal(adj_of("172.16.0.11"), 0);
	assert_int_equal(peer_lookup(&hub.fwd.peers, 0, &nbma), 0);
	assert_int_equal(nhrp_cache_count(nhrp_ctl_cache(hub.nhrp)), 0);
}

static void a_move_takes_the_adjacency_along(void **state) {
	struct pkt_meta meta;
	uint32_t adj, peer;

	(void)state;
	punt_registration("172.16.0.11", "198.51.100.11", 0);
	answer(&meta);
	adj = adj_of("172.16.0.11");
	peer = meta.peer_out;
	punt_registration("172.16.0.11", "198.51.100.12", 0);
	assert_int_equal(answer(&meta).cies[0].code, NHRP_CODE_OK);
	assert_int_equal(adj_of("172.16.0.11"), adj);
	assert_int_not_equal(meta.peer_out, peer);
	assert_int_equal(adj_state_load(&hub.fwd.adjs.adjs[adj]).target, meta.peer_out);
}

static void a_binding_expires_and_is_withdrawn(void **state) {
	struct nhrp_msg msg = nhrp_request(NHRP_REGISTRATION_REQUEST, ip("172.16.0.11"), ip("198.51.100.11"));
	struct pkt_meta meta;

	(void)state;
	msg.cies[0].holding_time_s = 1;
	punt_msg(&msg, "198.51.100.11");
	answer(&meta);
	assert_int_not_equal(adj_of("172.16.0.11"), 0);
	usleep(500000);
	control_turn(hub.control, 0);
	assert_int_not_equal(adj_of("172.16.0.11"), 0);
	usleep(1000000);
	control_turn(hub.control, 0);
	assert_int_equal(adj_of("172.16.0.11"), 0);
	assert_int_equal(nhrp_ctl_nhs(hub.nhrp)->counters[NHS_COUNT_EXPIRED], 1);
}

static void an_answer_waits_for_its_neighbour_and_only_the_newest_goes(void **state) {
	struct addr gateway = ip("10.0.0.254");
	const uint8_t mac[6] = {2, 0, 0, 0, 0, 0xfe};
	struct pkt_meta meta;

	(void)state;
	punt_registration("172.16.0.11", "198.51.100.11", 0);
	punt_registration("172.16.0.11", "198.51.100.11", 0);
	no_answer();
	assert_int_equal(nhrp_ctl_stats(hub.nhrp)->waiting, 1);
	assert_int_not_equal(adj_of("172.16.0.11"), 0); // published all the same
	publish_neighbour(hub.publish, 0, &gateway, mac, true);
	usleep(2000);
	assert_int_equal(answer(&meta).type, NHRP_REGISTRATION_REPLY);
	assert_int_equal(nhrp_ctl_stats(hub.nhrp)->waiting, 0);
	assert_int_equal(counted(NHRP_CTL_WAITED), 2);
	assert_int_equal(counted(NHRP_CTL_WAIT_REPLACED), 1);
}

// A spoke of both families registers both at once, from one NBMA address.
static void answers_to_two_registrations_of_one_spoke_both_wait(void **state) {
	struct nhrp_msg v6 = nhrp_request(NHRP_REGISTRATION_REQUEST, ip("2001:db8::11"), ip("198.51.100.11"));
	struct addr gateway = ip("10.0.0.254");
	const uint8_t mac[6] = {2, 0, 0, 0, 0, 0xfe};
	struct rte_mbuf *m[3];

	(void)state;
	v6.protocol_family = ADDR_IPV6;
	v6.dst_protocol = ip("2001:db8::1");
	punt_registration("172.16.0.11", "198.51.100.11", 0);
	punt_msg(&v6, "198.51.100.11");
	no_answer();
	assert_int_equal(nhrp_ctl_stats(hub.nhrp)->waiting, 2);
	publish_neighbour(hub.publish, 0, &gateway, mac, true);
	usleep(2000);
	control_turn(hub.control, 0);
	assert_int_equal(hub_answers(m, 3), 2);
	rte_pktmbuf_free_bulk(m, 2);
}

static void an_answer_whose_neighbour_is_silent_is_given_up_after_a_second(void **state) {
	(void)state;
	punt_registration("172.16.0.11", "198.51.100.11", 0);
	no_answer();
	usleep(1100000);
	no_answer();
	assert_int_equal(nhrp_ctl_stats(hub.nhrp)->waiting, 0);
	assert_int_equal(counted(NHRP_CTL_WAIT_TIMEOUT), 1);
}

static void the_queue_of_those_that_wait_is_bounded(void **state) {
	char protocol[32], nbma[32];

	(void)state;
	for (unsigned i = 0; i < 300; i++) {
		snprintf(protocol, sizeof(protocol), "172.16.%u.%u", 1 + i / 200, 1 + i % 200);
		snprintf(nbma, sizeof(nbma), "198.51.%u.%u", i / 200, 1 + i % 200);
		punt_registration(protocol, nbma, 0);
		no_answer();
	}
	assert_int_equal(nhrp_ctl_stats(hub.nhrp)->waiting, 256);
	assert_int_equal(counted(NHRP_CTL_WAIT_FULL), 300 - 256);
}

static void static_maps_are_there_from_the_start_and_cannot_be_evicted(void **state) {
	struct addr protocol = ip("172.16.0.9");
	uint32_t adj = adj_of("172.16.0.9");

	(void)state;
	assert_int_not_equal(adj, 0);
	assert_int_equal(adj_state_load(&hub.fwd.adjs.adjs[adj]).kind, ADJ_TUNNEL);
	assert_int_equal(nhrp_ctl_evict(hub.nhrp, CONF_NONE, &protocol), 0);
	assert_int_equal(adj_of("172.16.0.9"), adj);
}

static void an_evicted_spoke_is_gone_until_it_registers_again(void **state) {
	struct addr protocol = ip("172.16.0.11");
	struct pkt_meta meta;

	(void)state;
	punt_registration("172.16.0.11", "198.51.100.11", NHRP_REGISTRATION_U);
	answer(&meta);
	assert_int_equal(nhrp_ctl_evict(hub.nhrp, 3, &protocol), 0);
	assert_int_equal(nhrp_ctl_evict(hub.nhrp, 0, &protocol), 1);
	assert_int_equal(adj_of("172.16.0.11"), 0);
	punt_registration("172.16.0.11", "198.51.100.12", NHRP_REGISTRATION_U);
	assert_int_equal(answer(&meta).cies[0].code, NHRP_CODE_OK);
}

// The next user of a peer's slot does not inherit what the workers had counted there.
static void the_counters_of_a_reused_slot_start_from_zero(void **state) {
	struct spoke_counters *of_worker, c;
	struct addr protocol = ip("172.16.0.11");
	struct pkt_meta meta;
	uint32_t peer;

	(void)state;
	punt_registration("172.16.0.11", "198.51.100.11", NHRP_REGISTRATION_U);
	answer(&meta);
	peer = meta.peer_out;
	of_worker = &datapath_lcore(hub.datapath, 0)->spokes[peer];
	*of_worker = (struct spoke_counters){7, 700, 9, 900};
	datapath_spoke_counters(hub.datapath, peer, &c);
	assert_int_equal(c.rx_packets, 7);
	assert_int_equal(nhrp_ctl_evict(hub.nhrp, 0, &protocol), 1);
	for (unsigned i = 0; i < 3; i++) // its grace period
		no_answer();
	punt_registration("172.16.0.12", "198.51.100.12", NHRP_REGISTRATION_U);
	answer(&meta);
	assert_int_equal(meta.peer_out, peer);
	datapath_spoke_counters(hub.datapath, peer, &c);
	assert_memory_equal(&c, (&(struct spoke_counters){0}), sizeof(c));
	of_worker->tx_packets++;
	datapath_spoke_counters(hub.datapath, peer, &c);
	assert_int_equal(c.tx_packets, 1);
}

static void what_cannot_be_decoded_is_counted_by_name_and_not_answered(void **state) {
	struct nhrp_msg msg = nhrp_request(NHRP_REGISTRATION_REQUEST, ip("172.16.0.11"), ip("198.51.100.11"));
	uint8_t bytes[NHRP_PACKET_MAX];
	int len = nhrp_msg_encode(&msg, bytes, sizeof(bytes));
	const struct nhrp_ctl_stats *stats = nhrp_ctl_stats(hub.nhrp);

	(void)state;
	assert_true(len > 0);
	hub_punt(bytes, 10, ip("198.51.100.11"));
	bytes[len - 1] ^= 1;
	hub_punt(bytes, len, ip("198.51.100.11"));
	no_answer();
	assert_int_equal(stats->decode_errors[NHRP_ERR_TRUNCATED], 1);
	assert_int_equal(stats->decode_errors[NHRP_ERR_CHECKSUM], 1);
	assert_int_equal(counted(NHRP_CTL_RECEIVED), 2);
	nhrp_ctl_clear(hub.nhrp);
	assert_int_equal(stats->decode_errors[NHRP_ERR_CHECKSUM], 0);
}

static void a_wrong_secret_gets_one_error_and_no_binding(void **state) {
	struct pkt_meta meta;
	struct nhrp_msg error;

	(void)state;
	punt_registration("172.16.0.11", "198.51.100.11", 0);
	error = answer(&meta);
	assert_int_equal(error.type, NHRP_ERROR_INDICATION);
	assert_int_equal(error.error_code, NHRP_ERROR_AUTHENTICATION);
	assert_int_equal(meta.way, WAY_NBMA);
	assert_int_equal(adj_of("172.16.0.11"), 0);
	assert_int_equal(nhrp_ctl_nhs(hub.nhrp)->counters[NHS_COUNT_DROP_AUTHENTICATION], 1);
}

// The same client address twice in a message, with what changes in between, while no adjacency is left.
static void a_full_table_refuses_an_address_that_is_said_twice(void **state) {
	struct nhrp_msg msg = nhrp_request(NHRP_REGISTRATION_REQUEST, ip("172.16.0.11"), ip("198.51.100.11"));
	struct nhrp_msg reply;
	struct pkt_meta meta;

	(void)state;
	while (adj_alloc(&hub.fwd.adjs))
		;
	msg.n_cies = 2;
	msg.cies[1] = msg.cies[0];
	msg.cies[1].mtu = 1300;
	punt_msg(&msg, "198.51.100.11");
	reply = answer(&meta);
	assert_int_equal(reply.n_cies, 2);
	assert_int_equal(reply.cies[0].code, NHRP_CODE_NO_RESOURCES);
	assert_int_equal(reply.cies[1].code, NHRP_CODE_NO_RESOURCES);
	assert_int_equal(nhrp_cache_count(nhrp_ctl_cache(hub.nhrp)), 0);
	assert_int_equal(counted(NHRP_CTL_PUBLISH_FAILED), 1);
}

// The n-th spoke: its addresses of one kind.
static void punt_nth(const char *base, const char *nhs, unsigned n) {
	struct addr protocol = ip(base), nbma = ip("198.51.0.0");
	unsigned last = addr_len_bytes(protocol.family) - 1;
	struct nhrp_msg msg;
	uint8_t bytes[NHRP_PACKET_MAX];
	int len;

	protocol.bytes[last - 1] += n >> 8;
	protocol.bytes[last] = n;
	nbma.bytes[2] = n >> 8;
	nbma.bytes[3] = n;
	msg = nhrp_request(NHRP_REGISTRATION_REQUEST, protocol, nbma);
	msg.protocol_family = protocol.family;
	msg.dst_protocol = ip(nhs);
	len = nhrp_msg_encode(&msg, bytes, sizeof(bytes));
	assert_true(len > 0 && hub_punt(bytes, len, nbma));
}

static unsigned accepted(void) {
	struct rte_mbuf *m[64];
	static struct nhrp_msg msg;
	unsigned n, good = 0;

	control_turn(hub.control, 0);
	while ((n = hub_answers(m, 64)))
		for (unsigned i = 0; i < n; i++) {
			assert_int_equal(nhrp_msg_decode(rte_pktmbuf_mtod(m[i], uint8_t *), m[i]->data_len, &msg),
				NHRP_ERR_NONE);
			good += msg.cies[0].code == NHRP_CODE_OK;
			rte_pktmbuf_free(m[i]);
		}
	return good;
}

// A spoke of both families has up to three: IPv4, IPv6 and IPv6 link-local (Cisco).
static void max_spokes_counts_spokes_and_not_their_addresses(void **state) {
	static const char *const base[][2] = {
		{"172.17.0.0", "172.16.0.1"}, {"2001:db8::1:0:0", "2001:db8::1"}, {"fe80::1:0:0", "2001:db8::1"}};
	unsigned spokes = hub.conf->hub.max_spokes, good = 0;

	(void)state;
	for (unsigned k = 0; k < 3; k++)
		for (unsigned i = 0; i < spokes; i++) {
			punt_nth(base[k][0], base[k][1], i);
			if (i % 32 == 31 || i + 1 == spokes)
				good += accepted();
		}
	assert_int_equal(good, 3 * spokes);
	punt_nth(base[0][0], base[0][1], spokes); // one more than there is room for
	assert_int_equal(accepted(), 0);
	assert_int_equal(nhrp_ctl_nhs(hub.nhrp)->counters[NHS_COUNT_REFUSED_RESOURCES], 1);
	punt_nth(base[0][0], base[0][1], 0); // the others are served as before
	assert_int_equal(accepted(), 1);
	assert_int_equal(counted(NHRP_CTL_PUBLISH_FAILED), 0);
}

#define NHRP_TEST(f, how) cmocka_unit_test_setup_teardown(f, how, down)

int main(void) {
	const struct CMUnitTest tests[] = {
		NHRP_TEST(a_registration_is_published_and_answered_over_its_peer, up),
		NHRP_TEST(a_refused_stranger_is_answered_by_its_nbma_address, up),
		NHRP_TEST(a_purge_withdraws_before_it_is_answered, up),
		NHRP_TEST(a_move_takes_the_adjacency_along, up),
		NHRP_TEST(a_binding_expires_and_is_withdrawn, up),
		NHRP_TEST(an_answer_waits_for_its_neighbour_and_only_the_newest_goes, up_unresolved),
		NHRP_TEST(answers_to_two_registrations_of_one_spoke_both_wait, up_unresolved),
		NHRP_TEST(an_answer_whose_neighbour_is_silent_is_given_up_after_a_second, up_unresolved),
		NHRP_TEST(the_queue_of_those_that_wait_is_bounded, up_unresolved),
		NHRP_TEST(static_maps_are_there_from_the_start_and_cannot_be_evicted, up_with_static),
		NHRP_TEST(an_evicted_spoke_is_gone_until_it_registers_again, up),
		NHRP_TEST(the_counters_of_a_reused_slot_start_from_zero, up),
		NHRP_TEST(what_cannot_be_decoded_is_counted_by_name_and_not_answered, up),
		NHRP_TEST(a_full_table_refuses_an_address_that_is_said_twice, up),
		NHRP_TEST(max_spokes_counts_spokes_and_not_their_addresses, up),
		NHRP_TEST(a_wrong_secret_gets_one_error_and_no_binding, up_with_secret),
	};
	int failed;

	if (hub_eal("t-nhrp") < 0)
		return 1;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	nave_eal_cleanup();
	return failed;
}
