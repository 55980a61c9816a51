// SPDX-License-Identifier: BSD-3-Clause
// SAs that the IKE daemon's plugin asks for, through the socket, in a whole hub whose one worker stands still.
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

// --- the way of a CHILD_SA ---
static void a_child_sa_comes_and_goes(void **state) {
	struct pair sa = child_up(&plug, SPOKE, 0, "a.example");
	uint32_t peer = peer_of(SPOKE, 0);
	struct sa_info info;
	uint32_t n = 0;

	(void)state;
	assert_int_not_equal(peer, 0);
	assert_int_equal(ike_now().sas, 2);
	assert_int_equal(ike_now().reserved_spis, 0);
	assert_string_equal(identities_text(hub.identities, sa_ctl_peer_identity(hub.sas, peer)), "a.example");
	assert_int_equal(ike_ctl_peer_ike_id(hub.ike, peer), 7);
	while (sa_ctl_next(hub.sas, &n, &info)) {
		assert_int_equal(info.origin, SA_FROM_IKE);
		assert_int_equal(info.tunnel, 1);
		assert_int_equal(info.spi, info.direction == SA_INBOUND ? sa.in : sa.out);
		assert_int_equal(info.params.suite, ESP_AES_GCM_128_16);
	}
	assert_int_equal(del(&plug, NAVE_IKE_OUTBOUND, sa.out, SPOKE, 0), NAVE_IKE_OK);
	assert_int_equal(del(&plug, NAVE_IKE_INBOUND, sa.in, SPOKE, 0), NAVE_IKE_OK);
	assert_int_equal(del(&plug, NAVE_IKE_INBOUND, sa.in, SPOKE, 0), NAVE_IKE_NOT_FOUND);
	assert_int_equal(del(&plug, NAVE_IKE_OUTBOUND, sa.out, SPOKE, 0), NAVE_IKE_NOT_FOUND);
	assert_int_equal(ike_count(IKE_CTL_NOT_FOUND), 2);
	assert_int_equal(sa_ctl_count(hub.sas), 0);
	assert_int_equal(peer_of(SPOKE, 0), 0);
	expect_silence(&plug); // no EXPIRE of what it deleted itself
}

// Inbound at once, outbound when the DELETE of the old one has come; the old inbound some seconds later.
static void a_rekey(void **state) {
	struct pair old = child_up(&plug, SPOKE, 4500, "a.example"), new;
	uint32_t peer = peer_of(SPOKE, 4500), n_in, n_out;

	(void)state;
	new = child_up(&plug, SPOKE, 4500, "a.example");
	assert_int_equal(peer_of(SPOKE, 4500), peer);
	sa_ctl_peer_count(hub.sas, peer, &n_in, &n_out);
	assert_int_equal(n_in, 2);
	assert_int_equal(del(&plug, NAVE_IKE_OUTBOUND, old.out, SPOKE, 4500), NAVE_IKE_OK);
	assert_int_equal(del(&plug, NAVE_IKE_INBOUND, old.in, SPOKE, 4500), NAVE_IKE_OK);
	sa_ctl_peer_count(hub.sas, peer, &n_in, &n_out);
	assert_int_equal(n_in, 1);
	assert_int_equal(n_out, 1);
	assert_true(sa_out_at(hub.fwd.ipsec, peer)->is_valid);
	assert_non_null(in_of(new.in));
}

static void two_spokes_behind_one_nat_are_two_peers(void **state) {
	(void)state;
	child_up(&plug, SPOKE, 4500, "a.example");
	child_up(&plug, SPOKE, 1027, "b.example");
	assert_int_not_equal(peer_of(SPOKE, 4500), peer_of(SPOKE, 1027));
	assert_int_equal(ike_count(IKE_CTL_DISPLACED), 0);
}

// The same SPI of two peers: it is theirs to choose.
static void outbound_spis_are_the_peers(void **state) {
	(void)state;
	assert_int_equal(add(&plug, NAVE_IKE_OUTBOUND, 0x1000, SPOKE, 0, "a.example"), NAVE_IKE_OK);
	assert_int_equal(add(&plug, NAVE_IKE_OUTBOUND, 0x1000, OTHER, 0, "b.example"), NAVE_IKE_OK);
	assert_int_equal(add(&plug, NAVE_IKE_OUTBOUND, 0x1000, OTHER, 0, "b.example"), NAVE_IKE_FAILED);
	assert_int_equal(del(&plug, NAVE_IKE_OUTBOUND, 0x1000, OTHER, 0), NAVE_IKE_OK);
	assert_int_not_equal(peer_of(SPOKE, 0), 0);
	assert_int_equal(peer_of(OTHER, 0), 0);
}

static void inside_tunnel_mode_the_spoke_has_its_own_address(void **state) {
	struct nave_ike_add_sa m = add_of(NAVE_IKE_INBOUND, get_spi(&plug, SPOKE), SPOKE, 4500, "a.example");

	(void)state;
	m.is_tunnel_mode = m.is_esn = 1;
	m.remote_ts = host_of("192.168.7.7", 0);
	assert_int_equal(ask(&plug, &m, NAVE_IKE_ADD_SA).status, NAVE_IKE_OK);
	assert_int_equal(in_of(m.sa.spi)->flags, SA_ESN | SA_TUNNEL_MODE | SA_UDP);
	assert_memory_equal(&sa_in_cold(hub.fwd.ipsec, in_of(m.sa.spi))->inner_nbma, "\xc0\xa8\x07\x07", 4);
}

// --- SPIs before their SA ---
static void an_spi_is_given_back(void **state) {
	uint32_t used = sad_used(hub.fwd.ipsec), a = get_spi(&plug, SPOKE), b = get_spi(&plug, SPOKE),
		 c = get_spi(&plug, SPOKE);

	(void)state;
	assert_int_equal(sad_used(hub.fwd.ipsec), used + 3);
	assert_int_equal(del(&plug, NAVE_IKE_INBOUND, b, SPOKE, 0), NAVE_IKE_OK);
	assert_int_equal(del(&plug, NAVE_IKE_INBOUND, b, SPOKE, 0), NAVE_IKE_NOT_FOUND);
	assert_int_equal(ike_now().reserved_spis, 2);
	later_s(59);
	assert_int_equal(ike_now().reserved_spis, 2);
	later_s(61);
	assert_int_equal(ike_now().reserved_spis, 0);
	assert_int_equal(ike_count(IKE_CTL_SPI_TIMEOUT), 2);
	assert_int_equal(sad_used(hub.fwd.ipsec), used);
	assert_int_equal(add(&plug, NAVE_IKE_INBOUND, a, SPOKE, 0, "a.example"), NAVE_IKE_FAILED);
	assert_int_equal(add(&plug, NAVE_IKE_INBOUND, c, SPOKE, 0, "a.example"), NAVE_IKE_FAILED);
	assert_int_equal(sa_ctl_count(hub.sas), 0);
	a = get_spi(&plug, SPOKE);
	plugin_cut(&plug);
	plug = plugin_hello(1);
	assert_int_equal(add(&plug, NAVE_IKE_INBOUND, a, SPOKE, 0, "a.example"), NAVE_IKE_OK); // its exchange went on
}

static void a_refused_sa_keeps_no_spi(void **state) {
	uint32_t used = sad_used(hub.fwd.ipsec);
	struct nave_ike_add_sa m = add_of(NAVE_IKE_INBOUND, get_spi(&plug, SPOKE), SPOKE, 0, "a.example");

	(void)state;
	m.enc_alg = 3;
	assert_int_equal(ask(&plug, &m, NAVE_IKE_ADD_SA).status, NAVE_IKE_NOT_SUPPORTED);
	assert_int_equal(sad_used(hub.fwd.ipsec), used);
	assert_int_equal(ike_now().reserved_spis, 0);
	assert_int_equal(add(&plug, NAVE_IKE_INBOUND, get_spi(&plug, SPOKE), SPOKE, 0, "a.invalid"), NAVE_IKE_REFUSED);
	assert_int_equal(sad_used(hub.fwd.ipsec), used);
}

static void nobody_else_takes_a_kept_spi(void **state) {
	uint32_t spi = get_spi(&plug, SPOKE), other = spi;
	struct sa_keys keys = {.enc_bytes = 16};
	struct sa_spec spec = {
		.tunnel = 1, .nbma = ip(OTHER), .spi = spi, .params = {.suite = ESP_AES_GCM_128_16}, .keys = &keys};

	(void)state;
	assert_int_equal(sa_ctl_add(hub.sas, &spec, &other), -EEXIST);
	assert_int_equal(add(&plug, NAVE_IKE_INBOUND, spi, SPOKE, 0, "a.example"), NAVE_IKE_OK);
}

static void a_full_table_says_so_and_recovers(void **state) {
	struct nave_ike_get_spi m = {.src = host_of(SPOKE, 0), .dst = host_of(HUB, 0)};
	struct nave_ike_result r;
	unsigned n = 0;

	(void)state;
	while ((r = ask(&plug, &m, NAVE_IKE_GET_SPI)).status == NAVE_IKE_OK)
		n++;
	assert_int_equal(r.status, NAVE_IKE_FAILED);
	assert_non_null(strstr(r.reason, "hub.max-spokes"));
	assert_int_equal(n, hub.fwd.ipsec->n_in - 1);
	for (unsigned i = 0; i <= n / 64; i++)
		later_s(61);
	get_spi(&plug, SPOKE);
}

// --- refusals ---
static void an_identity_that_is_in_no_list(void **state) {
	struct nave_ike_add_sa m = add_of(NAVE_IKE_OUTBOUND, 0x1000, SPOKE, 0, "nobody.invalid");
	struct nave_ike_result r = ask(&plug, &m, NAVE_IKE_ADD_SA);

	(void)state;
	assert_int_equal(r.status, NAVE_IKE_REFUSED);
	assert_non_null(strstr(r.reason, "nobody.invalid"));
	assert_non_null(strstr(r.reason, HUB));
	m.identity[0] = '\0';
	assert_int_equal(ask(&plug, &m, NAVE_IKE_ADD_SA).status, NAVE_IKE_REFUSED);
	snprintf(m.identity, sizeof(m.identity), "a\n.example");
	assert_int_equal(ask(&plug, &m, NAVE_IKE_ADD_SA).status, NAVE_IKE_REFUSED);
	assert_int_equal(ike_count(IKE_CTL_REFUSED), 3);
	assert_int_equal(sa_ctl_count(hub.sas), 0);
}

static void an_address_that_no_tunnel_has(void **state) {
	struct nave_ike_add_sa m = add_of(NAVE_IKE_OUTBOUND, 0x1000, SPOKE, 0, "a.example");
	struct nave_ike_get_spi spi = {.src = host_of(SPOKE, 0), .dst = host_of("10.0.0.9", 0)};
	struct nave_ike_result r;

	(void)state;
	m.sa.src = host_of("10.0.0.9", 0);
	r = ask(&plug, &m, NAVE_IKE_ADD_SA);
	assert_int_equal(r.status, NAVE_IKE_FAILED);
	assert_non_null(strstr(r.reason, "10.0.0.9"));
	r = ask(&plug, &spi, NAVE_IKE_GET_SPI);
	assert_int_equal(r.status, NAVE_IKE_FAILED);
	assert_non_null(strstr(r.reason, "10.0.0.9"));
	assert_int_equal(r.spi, 0);
}

static void keys_of_a_wrong_length(void **state) {
	struct nave_ike_add_sa m = add_of(NAVE_IKE_OUTBOUND, 0x1000, SPOKE, 0, "a.example");

	(void)state;
	m.enc_key_bytes = 16; // without salt
	assert_int_equal(ask(&plug, &m, NAVE_IKE_ADD_SA).status, NAVE_IKE_NOT_SUPPORTED);
	m.enc_key_bytes = 20;
	m.auth_key_bytes = 20;
	assert_int_equal(ask(&plug, &m, NAVE_IKE_ADD_SA).status, NAVE_IKE_FAILED);
	m.auth_key_bytes = 0;
	m.sa.spi = 255;
	assert_int_equal(ask(&plug, &m, NAVE_IKE_ADD_SA).status, NAVE_IKE_FAILED);
	m.sa = name_of(NAVE_IKE_OUTBOUND, 0x1000, "224.0.0.5", 0);
	assert_int_equal(ask(&plug, &m, NAVE_IKE_ADD_SA).status, NAVE_IKE_FAILED);
	assert_int_equal(sa_ctl_count(hub.sas), 0);
}

// --- moves ---
static struct nave_ike_update_sa move_of(
	uint8_t direction, uint32_t spi, uint16_t from_port, const char *to, uint16_t to_port) {
	struct nave_ike_update_sa m = {.sa = name_of(direction, spi, SPOKE, from_port), .is_udp = to_port != 0};
	struct nave_ike_sa_name new = name_of(direction, spi, to, to_port);

	m.new_src = new.src;
	m.new_dst = new.dst;
	return m;
}

static void update_moves_the_peer_once_and_names_each_sa(void **state) {
	struct pair sa = child_up(&plug, SPOKE, 4500, "a.example");
	uint32_t peer = peer_of(SPOKE, 4500);
	struct nave_ike_update_sa in = move_of(NAVE_IKE_INBOUND, sa.in, 4500, OTHER, 1027),
				  out = move_of(NAVE_IKE_OUTBOUND, sa.out, 4500, OTHER, 1027);

	(void)state;
	assert_int_equal(ask(&plug, &in, NAVE_IKE_UPDATE_SA).status, NAVE_IKE_OK);
	assert_int_equal(peer_of(OTHER, 1027), peer);
	assert_int_equal(peer_of(SPOKE, 4500), 0);
	assert_int_equal(ask(&plug, &out, NAVE_IKE_UPDATE_SA).status, NAVE_IKE_OK);
	assert_int_equal(del(&plug, NAVE_IKE_OUTBOUND, sa.out, SPOKE, 4500), NAVE_IKE_NOT_FOUND);
	assert_int_equal(del(&plug, NAVE_IKE_OUTBOUND, sa.out, OTHER, 1027), NAVE_IKE_OK);
	assert_int_equal(del(&plug, NAVE_IKE_INBOUND, sa.in, OTHER, 1027), NAVE_IKE_OK);
}

static void moves_that_want_a_new_sa(void **state) {
	struct pair sa = child_up(&plug, SPOKE, 4500, "a.example");
	struct nave_ike_update_sa m = move_of(NAVE_IKE_INBOUND, sa.in, 4500, SPOKE, 0);

	(void)state;
	assert_int_equal(ask(&plug, &m, NAVE_IKE_UPDATE_SA).status, NAVE_IKE_NOT_SUPPORTED);
	child_up(&plug, OTHER, 4500, "b.example");
	m = move_of(NAVE_IKE_INBOUND, sa.in, 4500, OTHER, 4500);
	assert_int_equal(ask(&plug, &m, NAVE_IKE_UPDATE_SA).status, NAVE_IKE_NOT_SUPPORTED);
	m = move_of(NAVE_IKE_INBOUND, sa.in, 4500, SPOKE, 4501);
	m.new_dst = host_of("10.0.0.9", 4500);
	assert_int_equal(ask(&plug, &m, NAVE_IKE_UPDATE_SA).status, NAVE_IKE_NOT_SUPPORTED);
	m = move_of(NAVE_IKE_INBOUND, sa.in + 1, 4500, SPOKE, 4501);
	assert_int_equal(ask(&plug, &m, NAVE_IKE_UPDATE_SA).status, NAVE_IKE_NOT_FOUND);
	assert_int_not_equal(peer_of(SPOKE, 4500), 0);
}

// --- somebody else's place ---
static void another_identity_at_the_place_of_a_peer(void **state) {
	struct pair old = child_up(&plug, SPOKE, 4500, "a.example");
	uint32_t in, peer = peer_of(SPOKE, 4500);
	union nave_ike_message m;
	uint32_t spis[2];

	(void)state;
	bind_spoke("172.16.0.11", SPOKE, 4500);
	in = get_spi(&plug, SPOKE);
	m.add_sa = add_of(NAVE_IKE_INBOUND, in, SPOKE, 4500, "b.example");
	header(&m, NAVE_IKE_ADD_SA, 99);
	say(&plug, &m);
	for (unsigned i = 0; i < 2; i++) { // both before the answer
		assert_int_equal(hear(&plug, &m), NAVE_IKE_EXPIRE);
		assert_true(m.expire.is_hard);
		spis[i] = m.expire.sa.spi;
	}
	assert_true((spis[0] == old.in && spis[1] == old.out) || (spis[0] == old.out && spis[1] == old.in));
	assert_int_equal(hear(&plug, &m), NAVE_IKE_RESULT);
	assert_int_equal(m.result.status, NAVE_IKE_OK);
	assert_false(is_bound("172.16.0.11"));
	assert_int_equal(sad_lookup(hub.fwd.ipsec, old.in), 0);
	assert_int_not_equal(peer_of(SPOKE, 4500), peer); // whose keys wait for their grace period
	assert_string_equal(
		identities_text(hub.identities, sa_ctl_peer_identity(hub.sas, peer_of(SPOKE, 4500))), "b.example");
	assert_int_equal(ike_count(IKE_CTL_DISPLACED), 1);
	assert_int_equal(ike_now().sas, 1);
}

static void the_same_identity_elsewhere_is_a_second_peer(void **state) {
	struct pair old = child_up(&plug, SPOKE, 4500, "a.example");

	(void)state;
	child_up(&plug, OTHER, 4500, "a.example");
	assert_int_equal(sa_ctl_peer_identity(hub.sas, peer_of(SPOKE, 4500)),
		sa_ctl_peer_identity(hub.sas, peer_of(OTHER, 4500)));
	assert_non_null(in_of(old.in));
	expect_silence(&plug);
}

// --- static maps ---
static const struct binding *static_map(void) {
	struct addr a = ip("172.16.0.99");
	struct prefix host = prefix_host(&a);

	return nhrp_cache_find(nhrp_ctl_cache(hub.nhrp), 1, &host);
}

static void a_static_map_waits_for_its_spoke(void **state) {
	struct pair sa;

	(void)state;
	assert_int_equal(static_map()->adj, 0);
	child_up(&plug, SPOKE, 0, "a.example");
	assert_int_equal(static_map()->adj, 0);
	sa = child_up(&plug, FIXED, 4501, "fixed.example");
	assert_int_not_equal(static_map()->adj, 0);
	assert_int_equal(static_map()->peer, peer_of(FIXED, 4501));
	del(&plug, NAVE_IKE_OUTBOUND, sa.out, FIXED, 4501);
	del(&plug, NAVE_IKE_INBOUND, sa.in, FIXED, 4501);
	later_s(IKE_HOLD_S + 1);
	assert_true(is_bound("172.16.0.99"));
}

// The NAT has another port for it, and nothing else is at the former one any more.
static void a_static_map_follows_its_spoke(void **state) {
	struct pair sa = child_up(&plug, FIXED, 4501, "fixed.example");

	(void)state;
	child_up(&plug, FIXED, 4502, "beside.example");
	assert_int_equal(static_map()->peer, peer_of(FIXED, 4501));
	del(&plug, NAVE_IKE_OUTBOUND, sa.out, FIXED, 4501);
	del(&plug, NAVE_IKE_INBOUND, sa.in, FIXED, 4501);
	child_up(&plug, FIXED, 4503, "fixed.example");
	assert_int_equal(static_map()->peer, peer_of(FIXED, 4503));
	assert_int_equal(static_map()->nbma_port, 4503);
	assert_int_equal(peer_of(FIXED, 4501), 0);
}

static void a_static_map_is_not_for_every_identity(void **state) {
	(void)state;
	child_up(&plug, FIXED, 4501, "limited.example");
	assert_int_equal(static_map()->adj, 0);
	child_up(&plug, FIXED, 4502, "fixed.example");
	assert_int_equal(static_map()->peer, peer_of(FIXED, 4502));
}

// --- keys by hand ---
static int64_t add_by_hand(uint32_t spi, const char *nbma) {
	struct sa_keys keys = {.enc = {1}, .enc_bytes = 16, .salt = 1};
	struct sa_spec spec = {
		.direction = SA_OUTBOUND,
		.origin = SA_FROM_CONSOLE,
		.tunnel = 1,
		.nbma = ip(nbma),
		.spi = spi,
		.params = {.suite = ESP_AES_GCM_128_16},
		.keys = &keys,
	};

	return sa_ctl_add(hub.sas, &spec, &spi);
}

static void a_peer_has_sas_of_ike_or_by_hand(void **state) {
	(void)state;
	child_up(&plug, SPOKE, 0, "a.example");
	assert_int_equal(add_by_hand(0x1234, SPOKE), -EADDRINUSE);
	assert_true(add_by_hand(0x1234, OTHER) > 0);
	assert_int_equal(add(&plug, NAVE_IKE_OUTBOUND, 0xe0000000, OTHER, 0, "b.example"), NAVE_IKE_FAILED);
	assert_int_equal(sa_ctl_peer_identity(hub.sas, peer_of(OTHER, 0)), 0);
}

// A router replaced by another one.
static void another_identity_at_the_place_of_a_static_map(void **state) {
	(void)state;
	child_up(&plug, FIXED, 0, "old.example");
	get_spi(&plug, FIXED);
	for (unsigned gone = 0; gone < 2; gone++) {
		struct nave_ike_add_sa m = add_of(NAVE_IKE_OUTBOUND, 0xd0000000 + gone, FIXED, 0, "new.example");
		union nave_ike_message heard;

		header(&m, NAVE_IKE_ADD_SA, 100 + gone);
		say(&plug, &m);
		do
			assert_true(hear(&plug, &heard) > 0);
		while (heard.h.type == NAVE_IKE_EXPIRE);
		assert_int_equal(heard.result.status, NAVE_IKE_OK);
	}
	assert_string_equal(
		identities_text(hub.identities, sa_ctl_peer_identity(hub.sas, peer_of(FIXED, 0))), "new.example");
	assert_int_equal(static_map()->peer, peer_of(FIXED, 0));
	assert_int_equal(ike_count(IKE_CTL_DISPLACED), 1);
}

#define T(name) cmocka_unit_test_setup_teardown(name, up, down)

int main(void) {
	const struct CMUnitTest tests[] = {
		T(a_child_sa_comes_and_goes),
		T(a_rekey),
		T(two_spokes_behind_one_nat_are_two_peers),
		T(outbound_spis_are_the_peers),
		T(inside_tunnel_mode_the_spoke_has_its_own_address),
		T(an_spi_is_given_back),
		T(a_refused_sa_keeps_no_spi),
		T(nobody_else_takes_a_kept_spi),
		T(a_full_table_says_so_and_recovers),
		T(an_identity_that_is_in_no_list),
		T(an_address_that_no_tunnel_has),
		T(keys_of_a_wrong_length),
		T(update_moves_the_peer_once_and_names_each_sa),
		T(moves_that_want_a_new_sa),
		T(another_identity_at_the_place_of_a_peer),
		T(the_same_identity_elsewhere_is_a_second_peer),
		T(a_static_map_waits_for_its_spoke),
		T(another_identity_at_the_place_of_a_static_map),
		T(a_static_map_follows_its_spoke),
		T(a_static_map_is_not_for_every_identity),
		T(a_peer_has_sas_of_ike_or_by_hand),
	};
	int rc = 1;

	if (hub_eal("t-ike") == 0)
		rc = cmocka_run_group_tests(tests, NULL, NULL);
	nave_eal_cleanup();
	return rc;
}
