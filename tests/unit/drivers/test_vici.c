// SPDX-License-Identifier: BSD-3-Clause
// The vici client against a charon that says what each test wants, over a real socket; time is an argument.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "clock.h"
#include "log.h"
#include "vici.h"

#define STR(s) s, sizeof(s) - 1
#define OK STR("\1\3\7success\0\3yes")
#define NO STR("\1\3\7success\0\2no\3\6errmsg\0\4none")

static struct {
	char dir[32], path[64];
	int listen_fd, fd; // charon's ends
	struct vici *v;
	struct pollfd watched;
	uint64_t now_ns;
	char told[65536]; // what the callbacks said
} f;

static void tell(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static void tell(const char *fmt, ...) {
	size_t len = strlen(f.told);
	va_list args;

	va_start(args, fmt);
	vsnprintf(f.told + len, sizeof(f.told) - len, fmt, args);
	va_end(args);
}

static void assert_told(const char *want) {
	assert_string_equal(f.told, want);
	f.told[0] = '\0';
}

static int watch(void *arg, int fd, uint32_t events) {
	assert_ptr_equal(arg, &f);
	assert_true(f.watched.fd == -1 || f.watched.fd == fd);
	f.watched = (struct pollfd){.fd = fd, .events = (short)events};
	return 0;
}

static void unwatch(void *arg, int fd) {
	assert_ptr_equal(arg, &f);
	assert_int_equal(f.watched.fd, fd);
	f.watched.fd = -1;
}

static void connected(void *arg, const char *version) {
	(void)arg;
	tell("connected %s|", version);
}

static void gone(void *arg, const char *reason) {
	(void)arg;
	assert_true(strlen(reason) > 0);
	assert_int_equal(vici_terminate(f.v, 1), -ENOTCONN);
	tell("gone|");
}

static void ike_updown(void *arg, bool up, const struct vici_ike_sa *sa) {
	(void)arg;
	tell("%s %u %s|", up ? "up" : "down", sa->id, sa->identity);
}

static void ike_rekey(void *arg, uint32_t old_id, uint32_t new_id) {
	(void)arg;
	tell("rekey %u %u|", old_id, new_id);
}

static void child_updown(void *arg, bool up, const struct vici_ike_sa *sa) {
	(void)arg;
	tell("child %s %u %s %08x %08x|", up ? "up" : "down", sa->id, sa->children[0].name, sa->children[0].spi_in,
		sa->children[0].spi_out);
}

static void list_sa(void *arg, const struct vici_ike_sa *sa) {
	(void)arg;
	tell("listed %u|", sa->id);
}

static void list_done(void *arg, bool is_whole) {
	(void)arg;
	tell("list %s|", is_whole ? "done" : "has holes");
}

static void terminated(void *arg, uint32_t ike_id, const char *failure) {
	(void)arg;
	tell("ended %u%s|", ike_id, failure ? " not" : "");
}

static const struct vici_ops ops = {
	watch, unwatch, connected, gone, ike_updown, ike_rekey, child_updown, list_sa, list_done, terminated};

// --- charon ---
static void charon_up(void) {
	struct sockaddr_un a = {.sun_family = AF_UNIX};

	memcpy(a.sun_path, f.path, sizeof(f.path));
	f.listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	assert_int_equal(bind(f.listen_fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(f.listen_fd, 4), 0);
}

static void charon_down(void) {
	close(f.listen_fd);
	unlink(f.path);
	f.listen_fd = -1;
}

static void turns(void) {
	vici_turn(f.v, f.now_ns);
	for (int i = 0; i < 200 && f.watched.fd >= 0 && poll(&f.watched, 1, 0) > 0; i++)
		vici_ready(f.v, (uint32_t)f.watched.revents);
}

static void say_raw(const void *bytes, size_t len) {
	assert_int_equal(send(f.fd, bytes, len, MSG_NOSIGNAL), len);
	turns();
}

static void say(const void *bytes, size_t len) {
	uint8_t packet[4096];
	struct cursor_out c = cursor_out_of(packet, sizeof(packet));

	cursor_push_u32(&c, (uint32_t)len);
	cursor_push(&c, bytes, len);
	assert_false(c.failed);
	say_raw(packet, len + 4);
}

static size_t load(const char *name, uint8_t *bytes, size_t cap) {
	char path[4096];
	size_t len;
	FILE *in;

	snprintf(path, sizeof(path), "%s/%s", CORPUS_DIR, name);
	in = fopen(path, "rb");
	if (!in)
		fail_msg("%s: cannot be read", path);
	len = fread(bytes, 1, cap, in);
	fclose(in);
	return len;
}

static void say_file(const char *name) { // of the corpus: as charon said it
	uint8_t bytes[2048];

	say(bytes, load(name, bytes, sizeof(bytes)));
}

// The client's next request as text; "": there is none.
static void assert_asked(const char *want) {
	char text[512] = "";
	struct vici_packet p;
	struct vici_element e;
	uint8_t bytes[512];
	struct cursor c;
	size_t len;

	if (recv(f.fd, bytes, 4, MSG_DONTWAIT) == 4) {
		c = cursor_of(bytes, 4);
		len = cursor_pull_u32(&c);
		assert_true(len <= sizeof(bytes));
		assert_int_equal(recv(f.fd, bytes, len, MSG_DONTWAIT), len);
		assert_int_equal(vici_packet_read(bytes, len, &p), 0);
		snprintf(text, sizeof(text), "%d %.*s", p.type, p.name.len_bytes, p.name.at);
		while (vici_next(&p.message, &e))
			snprintf(text + strlen(text), sizeof(text) - strlen(text), " %.*s=%.*s", e.name.len_bytes,
				e.name.at, e.value.len_bytes, e.value.at);
		assert_false(p.message.c.failed);
	}
	assert_string_equal(text, want);
}

static void accept_client(void) {
	turns();
	f.fd = accept(f.listen_fd, NULL, NULL);
	assert_true(f.fd >= 0);
}

static void greet(void) { // up to an empty list
	accept_client();
	say_file("version");
	for (int i = 0; i < 4; i++)
		say_file("event-confirm");
	say(STR("\1"));
	while (recv(f.fd, (uint8_t[512]){0}, 512, MSG_DONTWAIT) > 0)
		;
	assert_told("connected 5.9.8|list done|");
}

static void hang_up(void) {
	close(f.fd);
	f.fd = -1;
	turns();
}

static void assert_counted(enum vici_counter c, uint64_t want) {
	if (vici_counters(f.v)[c] != want)
		fail_msg("%s: %lu", vici_counter_name(c), vici_counters(f.v)[c]);
}

static int up(void **state) {
	(void)state;
	memset(&f, 0, sizeof(f));
	snprintf(f.dir, sizeof(f.dir), "/tmp/navetest-XXXXXX");
	assert_non_null(mkdtemp(f.dir));
	snprintf(f.path, sizeof(f.path), "%s/vici", f.dir);
	f.fd = f.watched.fd = -1;
	f.now_ns = 1000 * NS_PER_S;
	f.v = vici_create(f.path, &ops, &f);
	assert_non_null(f.v);
	charon_up();
	return 0;
}

static int down(void **state) {
	(void)state;
	vici_free(f.v);
	assert_int_equal(f.watched.fd, -1);
	if (f.fd >= 0)
		close(f.fd);
	charon_down();
	return rmdir(f.dir);
}

// --- tests ---
static void questions_come_one_at_a_time_events_before_the_list(void **state) {
	static const char *const names[] = {"3 ike-updown", "3 ike-rekey", "3 child-updown", "3 list-sa"};

	(void)state;
	accept_client();
	assert_asked("0 version");
	turns();
	assert_asked("");
	assert_false(vici_is_connected(f.v));
	assert_int_equal(vici_terminate(f.v, 1), -ENOTCONN);
	assert_int_equal(vici_list(f.v), -ENOTCONN);
	say_file("version");
	assert_told("connected 5.9.8|");
	assert_string_equal(vici_version(f.v), "5.9.8");
	for (int i = 0; i < 4; i++) {
		assert_asked(names[i]);
		assert_asked("");
		say_file("event-confirm");
	}
	assert_asked("0 list-sas");
	say_file("list-sa");
	say(STR("\1"));
	assert_told("listed 1|list done|");
	assert_asked("");
	assert_int_equal(vici_list(f.v), 0);
	assert_asked("0 list-sas");
}

static void events_are_told(void **state) {
	(void)state;
	greet();
	say_file("ike-up");
	say_file("child-up");
	say_file("ike-rekey");
	say_file("ike-down");
	say_file("child-down");
	assert_told("up 1 spoke1.example|child up 1 gre 5d063fd8 2de84448|rekey 1 2|down 2 spoke1.example|"
		    "child down 2 gre 54925d43 00ed5c2c|");
	assert_counted(VICI_IKE_UP_COUNTER, 1);
	assert_counted(VICI_CHILD_DOWN_COUNTER, 1);
}

static void a_session_in_pieces_of_any_size(void **state) {
	static uint8_t session[8192];
	char path[] = CORPUS_DIR "_stream/session";
	FILE *in = fopen(path, "rb");
	size_t len;

	(void)state;
	assert_non_null(in);
	len = fread(session, 1, sizeof(session), in);
	fclose(in);
	for (size_t piece = 1; piece < len; piece = piece * 2 + 1) {
		f.now_ns += 2 * NS_PER_S;
		accept_client();
		for (size_t at = 1; at < len; at += piece) // the first byte is the fuzzer's
			say_raw(session + at, len - at < piece ? len - at : piece);
		assert_told("connected 5.9.8|listed 1|list done|up 1 spoke1.example|child up 1 gre 5d063fd8 2de84448|"
			    "rekey 1 2|down 2 spoke1.example|child down 2 gre 54925d43 00ed5c2c|");
		hang_up();
		assert_told("gone|");
	}
	assert_counted(VICI_BAD_PACKET_COUNTER, 0);
}

static void an_event_that_charon_does_not_have_is_done_without(void **state) {
	(void)state;
	accept_client();
	say_file("version");
	say_file("event-unknown");
	for (int i = 0; i < 2; i++)
		say_file("event-confirm");
	say_file("event-unknown"); // list-sa: then there is no list
	say(STR("\1"));
	assert_told("connected 5.9.8|list has holes|");
	assert_counted(VICI_NO_EVENT_COUNTER, 2);
}

static void an_ike_sa_is_ended(void **state) {
	(void)state;
	greet();
	assert_int_equal(vici_terminate(f.v, 0), -EINVAL);
	assert_int_equal(vici_terminate(f.v, 7), 0);
	assert_int_equal(vici_terminate(f.v, 8), 0);
	assert_asked("0 terminate ike-id=7 force=yes timeout=-1");
	assert_asked("");
	say_file("ike-down"); // events come between
	say(OK);
	assert_asked("0 terminate ike-id=8 force=yes timeout=-1");
	say(NO);
	assert_told("down 2 spoke1.example|ended 7|ended 8 not|");
	assert_counted(VICI_TERMINATED_COUNTER, 1);
	assert_counted(VICI_TERMINATE_FAILED_COUNTER, 1);
	assert_int_equal(vici_terminate(f.v, 9), 0);
	say(STR("\2")); // charon does not have the command
	assert_told("ended 9 not|");
}

static void what_waits_to_be_ended_is_bounded_and_goes_with_the_connection(void **state) {
	(void)state;
	greet();
	for (uint32_t i = 1; i <= VICI_TERMINATE_MAX; i++)
		assert_int_equal(vici_terminate(f.v, i), 0);
	assert_int_equal(vici_terminate(f.v, 9999), -ENOBUFS);
	say(OK);
	assert_int_equal(vici_terminate(f.v, 9999), 0);
	f.told[0] = '\0';
	hang_up();
	assert_non_null(strstr(f.told, "ended 9999 not|gone|"));
	assert_counted(VICI_TERMINATE_FAILED_COUNTER, VICI_TERMINATE_MAX);
	f.told[0] = '\0';
	f.now_ns += NS_PER_S;
	greet();
	assert_asked("");
}

static void requests_wait_for_room_in_the_socket(void **state) {
	int bytes = 1;
	unsigned n = 200, i;
	char want[64];

	(void)state;
	greet();
	assert_int_equal(setsockopt(f.watched.fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes)), 0);
	for (i = 1; i <= n; i++)
		assert_int_equal(vici_terminate(f.v, i), 0);
	for (i = 1; i < n && !(f.watched.events & EPOLLOUT); i++)
		say(OK);
	assert_true(f.watched.events & EPOLLOUT); // what waits is request i
	for (unsigned k = 1; k <= i; k++) {
		snprintf(want, sizeof(want), "0 terminate ike-id=%u force=yes timeout=-1", k);
		assert_asked(want);
		turns();
	}
	assert_false(f.watched.events & EPOLLOUT);
	assert_counted(VICI_GONE_COUNTER, 0);
}

// Connects at now, and not 1 ms before.
static void assert_tries_after(uint64_t ns) {
	uint64_t failed = vici_counters(f.v)[VICI_CONNECT_FAILED_COUNTER];

	f.now_ns += ns - NS_PER_MS;
	turns();
	assert_counted(VICI_CONNECT_FAILED_COUNTER, failed);
	f.now_ns += NS_PER_MS;
	turns();
	assert_counted(VICI_CONNECT_FAILED_COUNTER, failed + 1);
}

static void it_tries_again_after_1_s_to_30_s(void **state) {
	static const unsigned waits_s[] = {1, 2, 4, 8, 16, 30, 30, 30};

	(void)state;
	charon_down();
	turns();
	assert_counted(VICI_CONNECT_FAILED_COUNTER, 1);
	for (unsigned i = 0; i < 8; i++)
		assert_tries_after(waits_s[i] * NS_PER_S);
	charon_up();
	f.now_ns += 30 * NS_PER_S;
	greet();
	charon_down();
	hang_up();
	assert_told("gone|");
	assert_tries_after(NS_PER_S); // from the start again
	assert_tries_after(2 * NS_PER_S);
	charon_up();
}

static void a_listener_that_is_no_charon_is_tried_ever_more_seldom(void **state) {
	(void)state;
	for (unsigned s = 1; s <= 4; s *= 2) {
		accept_client();
		say(STR("\1"));
		assert_int_equal(f.watched.fd, -1);
		hang_up();
		f.now_ns += s * NS_PER_S - 1;
		turns();
		assert_int_equal(f.watched.fd, -1);
		f.now_ns++;
	}
	assert_told("");
	assert_counted(VICI_CONNECT_FAILED_COUNTER, 3);
	assert_counted(VICI_GONE_COUNTER, 0);
}

static void garbage_ends_the_connection(void **state) {
	static const struct {
		const char *what, *bytes;
		size_t len;
	} cases[] = {
		{"no packet", STR("\0\0\0\0\0")},
		{"unknown type", STR("\0\0\0\1\x08")},
		{"an event whose name is cut", STR("\0\0\0\2\7\1")},
		{"an answer without a question", STR("\0\0\0\1\1")},
		{"a confirmation without a question", STR("\0\0\0\1\5")},
		{"a request", STR("\0\0\0\2\0\0")},
		{"longer than vici has it", STR("\0\x08\0\1\7")},
		{"text", STR("HTTP/1.1 400 Bad Request\r\n")},
		{"an answer above 64 KiB", STR("\0\1\0\1\1")},
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		greet();
		say_raw(cases[i].bytes, cases[i].len);
		if (f.watched.fd >= 0 || vici_counters(f.v)[VICI_BAD_PACKET_COUNTER] != i + 1)
			fail_msg("%s", cases[i].what);
		assert_told("gone|");
		close(f.fd);
		f.now_ns += NS_PER_S;
	}
}

static void an_answer_of_the_wrong_kind_ends_the_connection(void **state) {
	(void)state;
	accept_client();
	say_file("version");
	say(STR("\1")); // where an event was asked for
	assert_told("connected 5.9.8|gone|");
	assert_counted(VICI_BAD_PACKET_COUNTER, 1);
}

static void events_that_cannot_be_read_are_counted_and_left_out(void **state) {
	(void)state;
	greet();
	say(STR("\7\x0aike-updown\3\2up\0\3yes")); // no IKE_SA
	say(STR("\7\x09ike-rekey\1"));
	say(STR("\7\x0c"
		"child-updown\1\1c\3\x08uniqueid\0\1"
		"1\2")); // no CHILD_SA
	say(STR("\7\3log\3\3msg\0\1x"));
	assert_told("");
	assert_counted(VICI_BAD_EVENT_COUNTER, 3);
	assert_counted(VICI_OTHER_EVENT_COUNTER, 1);
	assert_int_equal(vici_list(f.v), 0);
	say(STR("\7\7list-sa\1"));
	say_file("list-sa");
	say(STR("\1"));
	assert_told("listed 1|list has holes|");
}

static void an_event_that_is_too_large_is_skipped(void **state) {
	static const uint8_t zeros[4000];

	(void)state;
	greet();
	assert_int_equal(vici_list(f.v), 0);
	say_raw(STR("\0\3\x0d\x49\7\7list-sa")); // 200,009: 9 octets of it are here
	for (uint32_t left = 200000; left > 0; left -= left < sizeof(zeros) ? left : sizeof(zeros))
		say_raw(zeros, left < sizeof(zeros) ? left : sizeof(zeros));
	say_file("list-sa");
	say(STR("\1"));
	assert_told("listed 1|list has holes|");
	assert_counted(VICI_LARGE_EVENT_COUNTER, 1);
	assert_int_equal(vici_list(f.v), 0);
	say(STR("\1"));
	assert_told("list done|");
}

static void a_charon_that_is_silent_is_given_up(void **state) {
	(void)state;
	greet();
	f.now_ns += 3600 * NS_PER_S; // nothing was asked
	turns();
	assert_int_equal(vici_list(f.v), 0);
	f.now_ns += 29 * NS_PER_S;
	say_file("list-sa");
	f.now_ns += 29 * NS_PER_S;
	turns();
	assert_told("listed 1|");
	f.now_ns += NS_PER_S;
	turns();
	assert_told("gone|");
	assert_counted(VICI_SILENT_COUNTER, 1);
}

static void a_path_that_does_not_fit(void **state) {
	char path[VICI_PATH_MAX + 1];

	(void)state;
	memset(path, 'x', sizeof(path));
	path[VICI_PATH_MAX] = '\0';
	assert_null(vici_create(path, &ops, &f));
	assert_int_equal(errno, ENAMETOOLONG);
}

int main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, up, down)
	const struct CMUnitTest tests[] = {
		T(questions_come_one_at_a_time_events_before_the_list),
		T(events_are_told),
		T(a_session_in_pieces_of_any_size),
		T(an_event_that_charon_does_not_have_is_done_without),
		T(an_ike_sa_is_ended),
		T(what_waits_to_be_ended_is_bounded_and_goes_with_the_connection),
		T(requests_wait_for_room_in_the_socket),
		T(it_tries_again_after_1_s_to_30_s),
		T(a_listener_that_is_no_charon_is_tried_ever_more_seldom),
		T(garbage_ends_the_connection),
		T(an_answer_of_the_wrong_kind_ends_the_connection),
		T(events_that_cannot_be_read_are_counted_and_left_out),
		T(an_event_that_is_too_large_is_skipped),
		T(a_charon_that_is_silent_is_given_up),
		T(a_path_that_does_not_fit),
	};

	log_level = LOG_LEVEL_ERROR;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
