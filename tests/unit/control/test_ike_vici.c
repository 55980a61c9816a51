// SPDX-License-Identifier: BSD-3-Clause
// charon's control socket on the control core: watched, given turns, heard, and asked to end an IKE_SA.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "conf.h"
#include "control.h"
#include "ike_vici.h"
#include "log.h"
#include "nave.h"

#define SAY(fd, bytes) assert_int_equal(send(fd, bytes, sizeof(bytes) - 1, MSG_NOSIGNAL), sizeof(bytes) - 1)
#define VERSION \
	"\0\0\0\x11\1\3\7version\0\5" \
	"5.9.8"
#define CONFIRM "\0\0\0\1\5"
#define DONE "\0\0\0\1\1"
#define SUCCESS "\0\0\0\x0f\1\3\7success\0\3yes"
#define SA(id) \
	"\1\1c\3\x08uniqueid\0\1" id "\3\5state\0\x0b" \
	"ESTABLISHED\2"
#define LIST_SA "\0\0\0\x2e\7\7list-sa" SA("7")
#define UP "\0\0\0\x3a\7\x0aike-updown\3\2up\0\3yes" SA("9")
#define DOWN "\0\0\0\x31\7\x0aike-updown" SA("9")
#define REKEY \
	"\0\0\0\x35\7\x09ike-rekey\1\1c\1\3old\3\x08uniqueid\0\1" \
	"7\2\1\3new\3\x08uniqueid\0\1" \
	"8\2\2"

static struct conf_tunnel tunnels[2];
static struct conf conf = {.n_tunnels = 2, .tunnels = tunnels};
static struct nave hub = {.conf = &conf};
static struct ike_vici *v;
static int listen_fd, charon;
static char dir[] = "/tmp/navetest-XXXXXX", told[256], who[] = "he";

static void rekeyed(void *arg, uint32_t old_id, uint32_t new_id) {
	snprintf(told + strlen(told), sizeof(told) - strlen(told), "%s rekeyed %u %u|", (char *)arg, old_id, new_id);
}

static void tell(const char *what, const struct vici_ike_sa *sa) {
	snprintf(told + strlen(told), sizeof(told) - strlen(told), "%s %u|", what, sa->id);
}

static void is_up(void *arg, const struct vici_ike_sa *sa) {
	(void)arg;
	tell("up", sa);
}

static void is_down(void *arg, const struct vici_ike_sa *sa) {
	(void)arg;
	tell("down", sa);
}

static void listed(void *arg, const struct vici_ike_sa *sa) {
	(void)arg;
	tell("listed", sa);
}

static const struct ike_vici_listener listener = {rekeyed, is_up, is_down, listed};

static void turns(void) {
	for (int i = 0; i < 20; i++)
		control_turn(hub.control, 0);
}

static int up(void **state) {
	struct sockaddr_un a = {.sun_family = AF_UNIX};

	(void)state;
	memcpy(dir + sizeof(dir) - 7, "XXXXXX", 6);
	assert_non_null(mkdtemp(dir));
	snprintf(conf.ike.vici, sizeof(conf.ike.vici), "%s/vici", dir);
	memcpy(a.sun_path, conf.ike.vici, sizeof(a.sun_path));
	listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	assert_int_equal(bind(listen_fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(listen_fd, 4), 0);
	hub.control = control_create(&hub);
	v = ike_vici_create(&hub);
	assert_non_null(v);
	ike_vici_listen(v, &listener, who);
	told[0] = '\0';
	turns();
	charon = accept(listen_fd, NULL, NULL);
	assert_true(charon >= 0);
	return 0;
}

static int down(void **state) {
	(void)state;
	ike_vici_free(v);
	control_turn(hub.control, 0); // the turn function went with it
	control_free(hub.control);
	close(charon);
	close(listen_fd);
	unlink(conf.ike.vici);
	return rmdir(dir);
}

static void greet(void) {
	SAY(charon, VERSION);
	turns();
	for (int i = 0; i < 4; i++) {
		SAY(charon, CONFIRM);
		turns();
	}
	SAY(charon, LIST_SA DONE);
	turns();
}

static void what_charon_says_reaches_the_listener(void **state) {
	struct ike_vici_info info;

	(void)state;
	ike_vici_info(v, &info);
	assert_false(info.is_connected);
	assert_string_equal(info.path, conf.ike.vici);
	assert_int_equal(info.since_ns, 0);
	greet();
	ike_vici_info(v, &info);
	assert_true(info.is_connected);
	assert_string_equal(info.version, "5.9.8");
	assert_true(info.since_ns > 0);
	SAY(charon, UP REKEY DOWN);
	turns();
	assert_string_equal(told, "listed 7|up 9|he rekeyed 7 8|down 9|");
	assert_int_equal(ike_vici_counters(v)[VICI_BAD_EVENT_COUNTER], 0);
}

static void nobody_needs_to_listen(void **state) {
	static const struct ike_vici_listener deaf = {0};

	(void)state;
	ike_vici_listen(v, &deaf, NULL);
	greet();
	ike_vici_listen(v, NULL, NULL);
	SAY(charon, UP REKEY DOWN);
	turns();
	assert_string_equal(told, "");
	assert_int_equal(ike_vici_counters(v)[VICI_IKE_DOWN_COUNTER], 1);
	ike_vici_clear(v);
	assert_int_equal(ike_vici_counters(v)[VICI_IKE_DOWN_COUNTER], 0);
}

static void an_ike_sa_is_ended(void **state) {
	static const char want[] = "\0\0\0\x2f\0\x09terminate\3\6ike-id\0\1"
				   "7\3\5force\0\3yes\3\7timeout\0\2-1";
	char got[512];
	ssize_t len;

	(void)state;
	assert_int_equal(ike_vici_terminate(NULL, 7), -ENOTCONN);
	assert_int_equal(ike_vici_terminate(v, 7), -ENOTCONN);
	greet();
	assert_int_equal(ike_vici_terminate(v, 0), -EINVAL);
	assert_int_equal(ike_vici_terminate(v, 7), 0);
	len = recv(charon, got, sizeof(got), 0);
	assert_true(len > (ssize_t)sizeof(want));
	assert_memory_equal(got + len - (sizeof(want) - 1), want, sizeof(want) - 1);
	SAY(charon, SUCCESS);
	turns();
	assert_int_equal(ike_vici_counters(v)[VICI_TERMINATED_COUNTER], 1);
}

static void charon_goes(void **state) {
	struct ike_vici_info info;

	(void)state;
	greet();
	shutdown(charon, SHUT_RDWR);
	turns();
	ike_vici_info(v, &info);
	assert_false(info.is_connected);
	assert_string_equal(info.version, "5.9.8");
	assert_int_equal(ike_vici_terminate(v, 7), -ENOTCONN);
}

static void it_is_wanted_where_a_tunnel_has_mode_ike(void **state) {
	struct conf c = {.n_tunnels = 2, .tunnels = tunnels};

	(void)state;
	snprintf(c.ike.vici, sizeof(c.ike.vici), "/run/nave/charon.vici");
	tunnels[0].protection = CONF_PROTECTION_MANUAL;
	assert_false(ike_vici_is_wanted(&c));
	tunnels[1].protection = CONF_PROTECTION_IKE;
	assert_true(ike_vici_is_wanted(&c));
	c.ike.vici[0] = '\0';
	assert_false(ike_vici_is_wanted(&c));
}

int main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, up, down)
	const struct CMUnitTest tests[] = {
		T(what_charon_says_reaches_the_listener),
		T(nobody_needs_to_listen),
		T(an_ike_sa_is_ended),
		T(charon_goes),
		cmocka_unit_test(it_is_wanted_where_a_tunnel_has_mode_ike),
	};

	log_level = LOG_LEVEL_ERROR;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
