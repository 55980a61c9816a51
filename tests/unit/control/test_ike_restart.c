// SPDX-License-Identifier: BSD-3-Clause
// The socket and who is at its other end: order of messages, what is cut or of another version, daemons that go, come
// back, or are another one.
#include "ike_fixture.h"

#include <sys/stat.h>

static struct plugin plug;

static int up(void **state) {
	plug.fd = -1;
	return ike_hub_up(state);
}

static int down(void **state) {
	if (plug.fd >= 0)
		close(plug.fd);
	return ike_hub_down(state);
}

static void expect_hung_up(const struct plugin *p) {
	union nave_ike_message m;

	assert_int_equal(hear(p, &m), -1);
}

// --- the socket ---
static void the_socket_is_for_its_owner_alone(void **state) {
	struct stat st;

	(void)state;
	assert_int_equal(stat(ike_socket, &st), 0);
	assert_true(S_ISSOCK(st.st_mode));
	assert_int_equal(st.st_mode & 0777, 0600);
}

static const char *why_not(const char *path) {
	static const struct ike_server_ops ops;
	const char *why = NULL;

	assert_null(ike_server_open(path, &ops, NULL, &why));
	assert_non_null(why);
	return why;
}

static void where_nobody_can_listen(void **state) {
	char path[80], long_path[200];
	struct ike_server *s;
	const char *why;

	(void)state;
	assert_non_null(strstr(why_not("/tmp/no-such-folder/x.sock"), "folder"));
	assert_non_null(strstr(why_not(ike_socket), "another process"));
	assert_non_null(strstr(why_not("/dev/null"), "no socket"));
	memset(long_path, 'x', sizeof(long_path) - 1);
	long_path[0] = '/';
	long_path[sizeof(long_path) - 1] = '\0';
	assert_non_null(strstr(why_not(long_path), "107"));
	snprintf(path, sizeof(path), "%s.stale", ike_socket);
	for (unsigned i = 0; i < 2; i++) { // the second finds what the first left
		struct sockaddr_un at = {.sun_family = AF_UNIX};
		int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);

		snprintf(at.sun_path, sizeof(at.sun_path), "%s", path);
		if (i == 0)
			assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
		close(fd);
	}
	s = ike_server_open(path, &(struct ike_server_ops){0}, NULL, &why);
	assert_non_null(s);
	ike_server_close(s);
	assert_int_equal(access(path, F_OK), -1);
}

// --- what ends a connection ---
static void nothing_before_hello(void **state) {
	struct nave_ike_get_spi m = {.src = host_of(SPOKE, 0), .dst = host_of(HUB, 0)};
	struct plugin p = {.fd = dial()};

	(void)state;
	header(&m, NAVE_IKE_GET_SPI, 1);
	say(&p, &m);
	expect_hung_up(&p);
	assert_int_equal(server_count(IKE_SERVER_OUT_OF_ORDER), 1);
	assert_int_equal(ike_now().reserved_spis, 0);
	close(p.fd);
}

static void no_second_hello(void **state) {
	struct nave_ike_hello m = {.boot_id = 1};

	(void)state;
	plug = plugin_hello(1);
	header(&m, NAVE_IKE_HELLO, 0);
	say(&plug, &m);
	expect_hung_up(&plug);
	assert_int_equal(server_count(IKE_SERVER_OUT_OF_ORDER), 1);
}

static void a_message_of_another_version(void **state) {
	struct nave_ike_hello m = {.boot_id = 1};
	struct plugin p = {.fd = dial()};

	(void)state;
	header(&m, NAVE_IKE_HELLO, 0);
	m.h.version++;
	say(&p, &m);
	expect_hung_up(&p);
	assert_int_equal(server_count(IKE_SERVER_MALFORMED), 1);
	assert_false(ike_now().is_connected);
	close(p.fd);
}

static void a_message_that_is_cut(void **state) {
	struct nave_ike_add_sa m;

	(void)state;
	for (size_t cut = 1; cut < sizeof(m); cut += 37) {
		plug = plugin_hello(1);
		m = add_of(NAVE_IKE_OUTBOUND, 0x1000, SPOKE, 0, "a.example");
		header(&m, NAVE_IKE_ADD_SA, 1);
		assert_int_equal(send(plug.fd, &m, sizeof(m) - cut, 0), sizeof(m) - cut);
		turns();
		expect_hung_up(&plug);
		plugin_cut(&plug);
	}
	assert_int_equal(sa_ctl_count(hub.sas), 0);
	plug = plugin_hello(1); // and nothing else is disturbed
	child_up(&plug, SPOKE, 0, "a.example");
}

static void a_message_larger_than_any(void **state) {
	uint8_t bytes[4096] = {NAVE_IKE_VERSION, NAVE_IKE_ADD_SA, 0x00, 0x10};

	(void)state;
	plug = plugin_hello(1);
	assert_int_equal(send(plug.fd, bytes, sizeof(bytes), 0), sizeof(bytes));
	turns();
	expect_hung_up(&plug);
	assert_int_equal(server_count(IKE_SERVER_MALFORMED), 1);
}

// Its answers wait in the socket, then with the hub, which then reads no more of it; events have a limit.
static void a_plugin_that_does_not_read(void **state) {
	struct nave_ike_name_sa m = {.sa = name_of(NAVE_IKE_INBOUND, 0x1000, SPOKE, 0)};
	union nave_ike_message in;
	unsigned sent = 0, answers = 0, idle = 0;

	(void)state;
	plug = plugin_hello(1);
	header(&m, NAVE_IKE_DEL_SA, 1);
	while (idle < 8) {
		bool was = send(plug.fd, &m, sizeof(m), MSG_DONTWAIT) == sizeof(m);

		sent += was;
		idle = was ? 0 : idle + 1;
		turns();
	}
	assert_true(ike_now().is_connected);
	for (idle = 0; idle < 8; idle++) {
		while (hear(&plug, &in) == NAVE_IKE_RESULT) {
			answers++;
			idle = 0;
		}
		turns();
	}
	assert_int_equal(answers, sent);
	for (unsigned i = 0; i < 100000 && ike_now().is_connected; i++)
		ike_tell_ended(hub.ike, &m.sa);
	assert_false(ike_now().is_connected);
	assert_int_equal(server_count(IKE_SERVER_NOT_READ), 1);
	turns();
	assert_int_equal(ike_now().orphans, 0);
	plugin_cut(&plug);
	plug = plugin_hello(1);
	expect_silence(&plug); // nothing of what was for the one before
}

// --- a newcomer ---
static void a_newcomer_takes_the_place_with_its_hello(void **state) {
	struct plugin silent, p;

	(void)state;
	plug = plugin_hello(1);
	child_up(&plug, SPOKE, 0, "a.example");
	silent.fd = dial(); // says nothing
	get_spi(&plug, SPOKE);
	p = plugin_hello(2); // the first still has its end open
	expect_hung_up(&plug);
	expect_hung_up(&silent);
	assert_int_equal(server_count(IKE_SERVER_TAKEN_OVER), 1);
	assert_int_equal(ike_now().orphans, 2);
	child_up(&p, OTHER, 0, "b.example");
	close(silent.fd);
	close(p.fd);
}

// --- the daemon goes ---
static void what_a_daemon_leaves_forwards_on(void **state) {
	struct pair sa;

	(void)state;
	plug = plugin_hello(1);
	sa = child_up(&plug, SPOKE, 0, "a.example");
	bind_spoke("172.16.0.11", SPOKE, 0);
	plugin_cut(&plug);
	assert_false(ike_now().is_connected);
	assert_int_equal(ike_now().orphans, 2);
	later_s(99);
	assert_non_null(in_of(sa.in));
	assert_true(sa_out_at(hub.fwd.ipsec, peer_of(SPOKE, 0))->is_valid);
	later_s(101);
	assert_int_equal(sa_ctl_count(hub.sas), 0);
	assert_int_equal(ike_count(IKE_CTL_ORPHAN_TIMEOUT), 2);
	later_s(112);
	assert_false(is_bound("172.16.0.11"));
}

static void say_sync(uint8_t is_last, const struct nave_ike_sa_name *sas, uint8_t n_sas) {
	struct nave_ike_sync m = {.is_last = is_last, .n_sas = n_sas};

	memcpy(m.sas, sas, n_sas * sizeof(*sas));
	header(&m, NAVE_IKE_SYNC, 0);
	say(&plug, &m);
}

static void the_same_one_comes_back(void **state) {
	struct nave_ike_sa_name names[2], unknown = name_of(NAVE_IKE_INBOUND, 0x77777777, SPOKE, 0);
	struct pair kept, gone;
	uint64_t boot_id;

	(void)state;
	plug = plugin_hello(5);
	boot_id = plug.hub_boot_id;
	kept = child_up(&plug, SPOKE, 0, "a.example");
	gone = child_up(&plug, OTHER, 0, "b.example");
	names[0] = name_of(NAVE_IKE_INBOUND, kept.in, SPOKE, 0);
	names[1] = name_of(NAVE_IKE_OUTBOUND, kept.out, SPOKE, 0);
	plugin_cut(&plug);
	plug = plugin_hello(5);
	assert_true(plug.hub_boot_id == boot_id);
	say_sync(0, names, 2);
	assert_int_equal(ike_now().orphans, 2);
	say_sync(1, &unknown, 1);
	expect_expire(&plug, 0x77777777, true); // the hub ended it meanwhile
	later_s(0);
	expect_silence(&plug);
	assert_int_equal(ike_now().orphans, 0);
	assert_int_equal(ike_now().sas, 2);
	assert_non_null(in_of(kept.in));
	assert_int_equal(sad_lookup(hub.fwd.ipsec, gone.in), 0);
	assert_int_equal(ike_count(IKE_CTL_SYNCED), 2);
	assert_int_equal(ike_count(IKE_CTL_UNLISTED), 2);
	later_s(500);
	assert_non_null(in_of(kept.in));
}

// Both know the move only after the connection is back.
static void a_move_that_nobody_heard_of_is_told_later(void **state) {
	struct nave_ike_sa_name name;
	union nave_ike_message m;
	struct addr to = ip(OTHER);
	struct pair sa;

	(void)state;
	plug = plugin_hello(5);
	sa = child_up(&plug, SPOKE, 4500, "a.example");
	name = name_of(NAVE_IKE_INBOUND, sa.in, SPOKE, 4500);
	plugin_cut(&plug);
	assert_int_equal(sa_ctl_move(hub.sas, peer_of(SPOKE, 4500), &to, 1027), 0);
	plug = plugin_hello(5);
	say_sync(1, &name, 1);
	assert_int_equal(hear(&plug, &m), NAVE_IKE_MAPPING);
	assert_int_equal(m.mapping.new_src.port, 1027);
	assert_int_equal(m.mapping.sa.src.port, 4500);
}

static void another_daemon_replaces_spoke_by_spoke(void **state) {
	struct pair old, other, new;
	struct nave_ike_sa_name none;

	(void)state;
	plug = plugin_hello(5);
	old = child_up(&plug, SPOKE, 0, "a.example");
	other = child_up(&plug, OTHER, 0, "b.example");
	bind_spoke("172.16.0.11", SPOKE, 0);
	plugin_cut(&plug);
	plug = plugin_hello(6);
	say_sync(1, &none, 0); // it has none: that says nothing of the orphans
	later_s(1);
	assert_int_equal(ike_now().orphans, 4);
	new = child_up(&plug, SPOKE, 0, "a.example");
	later_s(4);
	assert_non_null(in_of(old.in)); // what is under way
	later_s(6);
	assert_int_equal(sad_lookup(hub.fwd.ipsec, old.in), 0);
	assert_non_null(in_of(new.in));
	assert_true(sa_out_at(hub.fwd.ipsec, peer_of(SPOKE, 0))->is_valid);
	assert_non_null(in_of(other.in));
	assert_int_equal(ike_now().orphans, 2);
	assert_int_equal(ike_count(IKE_CTL_REPLACED), 2);
	later_s(90);
	assert_true(is_bound("172.16.0.11"));
	expect_silence(&plug); // it has never heard of the orphans
	plugin_cut(&plug);
	plug = plugin_hello(6);
	say_sync(1,
		(struct nave_ike_sa_name[]){
			name_of(NAVE_IKE_INBOUND, new.in, SPOKE, 0), name_of(NAVE_IKE_OUTBOUND, new.out, SPOKE, 0)},
		2);
	later_s(2);
	assert_non_null(in_of(other.in)); // still of the first daemon, in its own time
	later_s(101);
	assert_int_equal(sad_lookup(hub.fwd.ipsec, other.in), 0);
	assert_non_null(in_of(new.in));
}

static void orphans_at_a_place_that_another_identity_has(void **state) {
	struct pair old;

	(void)state;
	plug = plugin_hello(5);
	old = child_up(&plug, SPOKE, 0, "a.example");
	plugin_cut(&plug);
	plug = plugin_hello(6);
	child_up(&plug, SPOKE, 0, "b.example");
	assert_int_equal(sad_lookup(hub.fwd.ipsec, old.in), 0);
	assert_int_equal(ike_now().orphans, 0);
	assert_int_equal(ike_count(IKE_CTL_DISPLACED), 1);
	expect_silence(&plug);
}

// --- eviction ---
static void evicted_without_anybody_to_ask(void **state) {
	struct pair sa;

	(void)state;
	plug = plugin_hello(1);
	sa = child_up(&plug, SPOKE, 0, "a.example");
	assert_int_equal(ike_ctl_evict(hub.ike, peer_of(SPOKE, 0)), -ENOTCONN);
	assert_int_equal(sad_lookup(hub.fwd.ipsec, sa.in), 0);
	assert_int_equal(peer_of(SPOKE, 0), 0);
	assert_int_equal(ike_ctl_evict(hub.ike, 0), -ENOENT);
}

// Its number may be another spoke's there.
static void an_orphans_ike_sa_is_not_looked_for_in_the_next_daemon(void **state) {
	uint32_t peer;

	(void)state;
	plug = plugin_hello(1);
	child_up(&plug, SPOKE, 0, "a.example");
	peer = peer_of(SPOKE, 0);
	assert_int_equal(ike_ctl_peer_ike_id(hub.ike, peer), 7);
	plugin_cut(&plug);
	assert_int_equal(ike_ctl_peer_ike_id(hub.ike, peer), 7);
	plug = plugin_hello(2);
	assert_int_equal(ike_ctl_peer_ike_id(hub.ike, peer), 0);
	child_up(&plug, OTHER, 0, "b.example");
	ike_ctl_ike_rekeyed(hub.ike, 7, 8);
	assert_int_equal(ike_ctl_peer_ike_id(hub.ike, peer), 0);
	assert_int_equal(ike_ctl_peer_ike_id(hub.ike, peer_of(OTHER, 0)), 8);
	assert_int_equal(ike_ctl_evict(hub.ike, peer), -ENOTCONN);
	assert_int_equal(peer_of(SPOKE, 0), 0);
	assert_int_not_equal(peer_of(OTHER, 0), 0);
}

#define T(name) cmocka_unit_test_setup_teardown(name, up, down)

int main(void) {
	const struct CMUnitTest tests[] = {
		T(the_socket_is_for_its_owner_alone),
		T(where_nobody_can_listen),
		T(nothing_before_hello),
		T(no_second_hello),
		T(a_message_of_another_version),
		T(a_message_that_is_cut),
		T(a_message_larger_than_any),
		T(a_plugin_that_does_not_read),
		T(a_newcomer_takes_the_place_with_its_hello),
		T(what_a_daemon_leaves_forwards_on),
		T(the_same_one_comes_back),
		T(a_move_that_nobody_heard_of_is_told_later),
		T(another_daemon_replaces_spoke_by_spoke),
		T(orphans_at_a_place_that_another_identity_has),
		T(evicted_without_anybody_to_ask),
		T(an_orphans_ike_sa_is_not_looked_for_in_the_next_daemon),
	};
	int rc = 1;

	if (hub_eal("t-iker") == 0)
		rc = cmocka_run_group_tests(tests, NULL, NULL);
	nave_eal_cleanup();
	return rc;
}
