// SPDX-License-Identifier: BSD-3-Clause
// What becomes of SAs after they were added: counts, limits, events of the workers, deletions, and what is left of a
// peer without any.
#include "ike_fixture.h"

static struct plugin plug;

static int up(void **state) {
	int rc = ike_hub_up(state);

	if (rc == 0)
		plug = plugin_hello(1);
	return rc;
}

static int down(void **state) {
	if (plug.fd >= 0)
		close(plug.fd);
	return ike_hub_down(state);
}

// --- counts and limits ---
static void query_counts_packets_and_idle_time(void **state) {
	struct pair sa = child_up(&plug, SPOKE, 0, "a.example");
	struct nave_ike_result r = query(&plug, NAVE_IKE_INBOUND, sa.in, SPOKE, 0);

	(void)state;
	assert_int_equal(r.status, NAVE_IKE_OK);
	assert_int_equal(r.packets, 0);
	assert_int_equal(r.idle_s, UINT32_MAX);
	in_of(sa.in)->packets = 5;
	in_of(sa.in)->bytes = 500;
	r = query(&plug, NAVE_IKE_INBOUND, sa.in, SPOKE, 0);
	assert_int_equal(r.packets, 5);
	assert_int_equal(r.bytes, 500);
	assert_int_equal(r.idle_s, 0);
	hub.ike->sas[1].packet_ns -= 30 * NS_PER_S;
	assert_int_equal(query(&plug, NAVE_IKE_INBOUND, sa.in, SPOKE, 0).idle_s, 30);
	in_of(sa.in)->packets++;
	later_s(0);
	assert_int_equal(query(&plug, NAVE_IKE_INBOUND, sa.in, SPOKE, 0).idle_s, 0);
	assert_int_equal(query(&plug, NAVE_IKE_INBOUND, sa.in + 1, SPOKE, 0).status, NAVE_IKE_NOT_FOUND);
}

static void limits_are_said_once_and_the_hard_one_ends_the_sa(void **state) {
	struct nave_ike_add_sa m = add_of(NAVE_IKE_INBOUND, get_spi(&plug, SPOKE), SPOKE, 0, "a.example");

	(void)state;
	m.limits = (struct nave_ike_limits){
		.soft_bytes = 1000, .hard_bytes = 2000, .soft_packets = 1u << 30, .hard_packets = 1u << 31};
	assert_int_equal(ask(&plug, &m, NAVE_IKE_ADD_SA).status, NAVE_IKE_OK);
	in_of(m.sa.spi)->bytes = 999;
	later_s(1);
	expect_silence(&plug);
	in_of(m.sa.spi)->bytes = 1000;
	later_s(2);
	expect_expire(&plug, m.sa.spi, false);
	later_s(3);
	expect_silence(&plug);
	in_of(m.sa.spi)->bytes = 2000;
	later_s(4);
	expect_expire(&plug, m.sa.spi, true);
	expect_silence(&plug);
	assert_int_equal(sad_lookup(hub.fwd.ipsec, m.sa.spi), 0);
	assert_int_equal(del(&plug, NAVE_IKE_INBOUND, m.sa.spi, SPOKE, 0), NAVE_IKE_NOT_FOUND);
	assert_int_equal(ike_count(IKE_CTL_SOFT), 1);
	assert_int_equal(ike_count(IKE_CTL_HARD), 1);
}

static void packet_limits_of_an_outbound_sa(void **state) {
	struct nave_ike_add_sa m = add_of(NAVE_IKE_OUTBOUND, 0x1000, SPOKE, 0, "a.example");
	struct sa_out *out;

	(void)state;
	m.limits.soft_packets = 10;
	assert_int_equal(ask(&plug, &m, NAVE_IKE_ADD_SA).status, NAVE_IKE_OK);
	out = sa_out_at(hub.fwd.ipsec, peer_of(SPOKE, 0));
	out->packets += 10;
	later_s(1);
	expect_expire(&plug, 0x1000, false);
}

// --- events of the workers ---
static void worker_says(const struct sa_event *ev) {
	struct lcore_ctx *lc = datapath_lcore(hub.datapath, 0);
	struct rte_mbuf *m = rte_pktmbuf_alloc(lc->punt_pool);

	assert_non_null(m);
	memcpy(rte_pktmbuf_append(m, sizeof(*ev)), ev, sizeof(*ev));
	assert_int_equal(rte_ring_sp_enqueue(lc->punt[PUNT_SA], m), 0);
	turns();
}

static struct sa_event event_of(uint8_t kind, uint32_t spi, const char *nbma, uint16_t port) {
	uint32_t peer = peer_of(SPOKE, 4500);

	return (struct sa_event){
		.kind = kind,
		.spi = spi,
		.peer = peer,
		.peer_gen = peer_at(&hub.fwd.peers, peer)->gen,
		.nbma = ip(nbma),
		.port = port,
	};
}

static void a_nat_mapping_is_told_and_the_names_stay(void **state) {
	struct pair sa = child_up(&plug, SPOKE, 4500, "a.example");
	struct sa_event ev = event_of(SA_EVENT_MAPPING, sa.in, OTHER, 1027);
	struct nave_ike_host to = host_of(OTHER, 1027), was = host_of(SPOKE, 4500);
	union nave_ike_message m;

	(void)state;
	worker_says(&ev);
	assert_int_equal(hear(&plug, &m), NAVE_IKE_MAPPING);
	assert_int_equal(m.mapping.sa.spi, sa.in);
	assert_memory_equal(&m.mapping.sa.src, &was, sizeof(was));
	assert_memory_equal(&m.mapping.new_src, &to, sizeof(to));
	expect_silence(&plug);
	assert_int_equal(del(&plug, NAVE_IKE_OUTBOUND, sa.out, SPOKE, 4500), NAVE_IKE_OK);
}

static void sequence_numbers_that_end(void **state) {
	struct pair sa = child_up(&plug, SPOKE, 4500, "a.example");
	struct sa_event soft = event_of(SA_EVENT_SOFT, sa.out, SPOKE, 0),
			hard = event_of(SA_EVENT_HARD, sa.out, SPOKE, 0);

	(void)state;
	worker_says(&soft);
	expect_expire(&plug, sa.out, false);
	worker_says(&soft);
	expect_silence(&plug);
	worker_says(&hard);
	expect_expire(&plug, sa.out, true);
	later_s(2);
	expect_silence(&plug);
}

static void an_sa_that_the_console_deletes_is_told(void **state) {
	struct pair sa = child_up(&plug, SPOKE, 0, "a.example");
	uint32_t n = sa_ctl_peer_next(hub.sas, peer_of(SPOKE, 0), 0);
	struct sa_info info;

	(void)state;
	assert_true(sa_ctl_get(hub.sas, n, &info));
	assert_int_equal(sa_ctl_delete(hub.sas, n), 0);
	expect_expire(&plug, info.spi, true);
	assert_true(info.spi == sa.in || info.spi == sa.out);
	assert_int_equal(ike_now().sas, 1);
}

static void flush_deletes_what_is_of_ike(void **state) {
	struct sa_keys keys = {.enc_bytes = 16};
	struct sa_spec spec = {.tunnel = 1,
		.nbma = ip(OTHER),
		.origin = SA_FROM_CONSOLE,
		.params = {.suite = ESP_AES_GCM_128_16},
		.keys = &keys};
	struct nave_ike_header h;
	struct pair sa = child_up(&plug, SPOKE, 0, "a.example");
	uint32_t spi;

	(void)state;
	assert_true(sa_ctl_add(hub.sas, &spec, &spi) > 0);
	get_spi(&plug, SPOKE);
	assert_int_equal(ask(&plug, &h, NAVE_IKE_FLUSH).status, NAVE_IKE_OK);
	assert_int_equal(del(&plug, NAVE_IKE_INBOUND, sa.in, SPOKE, 0), NAVE_IKE_NOT_FOUND);
	later_s(0);
	assert_int_equal(sa_ctl_count(hub.sas), 1);
	assert_int_equal(ike_now().sas, 0);
	assert_int_equal(ike_now().reserved_spis, 0);
	expect_silence(&plug);
}

// --- without an SA ---
static void registrations_outlive_the_last_sa_for_a_while(void **state) {
	struct pair sa = child_up(&plug, SPOKE, 0, "a.example");

	(void)state;
	bind_spoke("172.16.0.11", SPOKE, 0);
	del(&plug, NAVE_IKE_OUTBOUND, sa.out, SPOKE, 0);
	del(&plug, NAVE_IKE_INBOUND, sa.in, SPOKE, 0);
	later_s(9);
	assert_true(is_bound("172.16.0.11"));
	sa = child_up(&plug, SPOKE, 0, "a.example"); // re-authenticated
	later_s(11);
	assert_true(is_bound("172.16.0.11"));
	del(&plug, NAVE_IKE_OUTBOUND, sa.out, SPOKE, 0);
	del(&plug, NAVE_IKE_INBOUND, sa.in, SPOKE, 0);
	later_s(11);
	assert_false(is_bound("172.16.0.11"));
	assert_int_equal(peer_of(SPOKE, 0), 0);
	assert_int_equal(ike_count(IKE_CTL_PEER_GONE), 1);
}

// The binding holds the peer; who comes to its place is somebody else.
static void another_identity_while_registrations_are_left(void **state) {
	struct pair sa = child_up(&plug, SPOKE, 0, "a.example");

	(void)state;
	bind_spoke("172.16.0.11", SPOKE, 0);
	del(&plug, NAVE_IKE_OUTBOUND, sa.out, SPOKE, 0);
	del(&plug, NAVE_IKE_INBOUND, sa.in, SPOKE, 0);
	assert_true(is_bound("172.16.0.11"));
	child_up(&plug, SPOKE, 0, "b.example");
	assert_false(is_bound("172.16.0.11"));
	assert_string_equal(
		identities_text(hub.identities, sa_ctl_peer_identity(hub.sas, peer_of(SPOKE, 0))), "b.example");
}

static void the_ike_sa_of_a_peer_is_followed(void **state) {
	(void)state;
	child_up(&plug, SPOKE, 0, "a.example");
	child_up(&plug, OTHER, 0, "a.example");
	ike_ctl_ike_rekeyed(hub.ike, 6, 9);
	assert_int_equal(ike_ctl_peer_ike_id(hub.ike, peer_of(SPOKE, 0)), 7);
	ike_ctl_ike_rekeyed(hub.ike, 7, 9);
	assert_int_equal(ike_ctl_peer_ike_id(hub.ike, peer_of(SPOKE, 0)), 9);
	assert_int_equal(ike_ctl_peer_ike_id(hub.ike, peer_of(OTHER, 0)), 9);
	assert_int_equal(ike_ctl_peer_ike_id(hub.ike, UINT32_MAX), 0);
}

// No key of any message is left in what the hub has received into.
static void keys_are_wiped(void **state) {
	struct nave_ike_add_sa m = add_of(NAVE_IKE_OUTBOUND, 0x1000, SPOKE, 0, "a.example");
	static const char secret[] = "the key of this SA, 20 octets";

	(void)state;
	memcpy(m.enc_key, secret, 20);
	assert_int_equal(ask(&plug, &m, NAVE_IKE_ADD_SA).status, NAVE_IKE_OK);
	assert_null(memmem(hub.ike->server, 2048, secret, 16));
	m.enc_alg = 3;
	assert_int_equal(ask(&plug, &m, NAVE_IKE_ADD_SA).status, NAVE_IKE_NOT_SUPPORTED);
	assert_null(memmem(hub.ike->server, 2048, secret, 16));
}

static void lose(const char *spoke, const struct pair *sa) {
	assert_int_equal(del(&plug, NAVE_IKE_OUTBOUND, sa->out, spoke, 0), NAVE_IKE_OK);
	assert_int_equal(del(&plug, NAVE_IKE_INBOUND, sa->in, spoke, 0), NAVE_IKE_OK);
}

// Its hold begins anew each time, before those that lost theirs after it.
static void a_spoke_that_comes_and_goes_keeps_nobody_else_waiting(void **state) {
	struct pair sa = child_up(&plug, SPOKE, 0, "a.example"), other = child_up(&plug, OTHER, 0, "b.example");

	(void)state;
	bind_spoke("172.16.0.11", SPOKE, 0);
	bind_spoke("172.16.0.12", OTHER, 0);
	lose(SPOKE, &sa);
	lose(OTHER, &other);
	later_s(IKE_HOLD_S - 1);
	sa = child_up(&plug, SPOKE, 0, "a.example");
	hub.ike->now_ns = clock_now_ns() + (IKE_HOLD_S - 1) * NS_PER_S;
	ike_peer_without_sa(hub.ike, peer_of(SPOKE, 0), sa_ctl_peer_identity(hub.sas, peer_of(SPOKE, 0)));
	later_s(IKE_HOLD_S + 1);
	assert_false(is_bound("172.16.0.12"));
	assert_true(is_bound("172.16.0.11"));
}

#define T(name) cmocka_unit_test_setup_teardown(name, up, down)

int main(void) {
	const struct CMUnitTest tests[] = {
		T(query_counts_packets_and_idle_time),
		T(limits_are_said_once_and_the_hard_one_ends_the_sa),
		T(packet_limits_of_an_outbound_sa),
		T(a_nat_mapping_is_told_and_the_names_stay),
		T(sequence_numbers_that_end),
		T(an_sa_that_the_console_deletes_is_told),
		T(flush_deletes_what_is_of_ike),
		T(registrations_outlive_the_last_sa_for_a_while),
		T(another_identity_while_registrations_are_left),
		T(the_ike_sa_of_a_peer_is_followed),
		T(keys_are_wiped),
		T(a_spoke_that_comes_and_goes_keeps_nobody_else_waiting),
	};
	int rc = 1;

	if (hub_eal("t-ikel") == 0)
		rc = cmocka_run_group_tests(tests, NULL, NULL);
	nave_eal_cleanup();
	return rc;
}
