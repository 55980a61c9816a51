// SPDX-License-Identifier: BSD-3-Clause
// The event loop and the mailbox for other threads.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "clock.h"
#include "control.h"

static int up(void **state) {
	*state = control_create(NULL);
	return *state ? 0 : -1;
}

static int down(void **state) {
	control_free(*state);
	return 0;
}

struct seen {
	struct control *control;
	unsigned calls;
	int unwatch; // -1: nothing
	pthread_t thread;
	bool slow;
};

static void on_event(void *arg, uint32_t events) {
	struct seen *s = arg;

	(void)events;
	s->calls++;
	if (s->unwatch >= 0)
		control_unwatch(s->control, s->unwatch);
}

static void descriptors_are_level_triggered_until_unwatched(void **state) {
	struct control *c = *state;
	int fd = eventfd(1, EFD_NONBLOCK);
	struct seen s = {.control = c, .unwatch = -1};

	assert_int_equal(control_watch(c, fd, EPOLLIN, on_event, &s), 0);
	assert_int_equal(control_watch(c, fd, EPOLLIN, on_event, &s), -EEXIST);
	control_turn(c, 0);
	control_turn(c, 0);
	assert_int_equal(s.calls, 2);
	assert_int_equal(control_watch_change(c, fd, 0), 0);
	control_turn(c, 0);
	assert_int_equal(s.calls, 2);
	control_unwatch(c, fd);
	assert_int_equal(control_watch_change(c, fd, EPOLLIN), -ENOENT);
	control_turn(c, 0);
	assert_int_equal(s.calls, 2);
	close(fd);
}

static void an_event_fetched_already_does_not_reach_what_was_unwatched(void **state) {
	struct control *c = *state;
	int a = eventfd(1, EFD_NONBLOCK), b = eventfd(1, EFD_NONBLOCK);
	struct seen sa = {.control = c, .unwatch = b}, sb = {.control = c, .unwatch = a};

	assert_int_equal(control_watch(c, a, EPOLLIN, on_event, &sa), 0);
	assert_int_equal(control_watch(c, b, EPOLLIN, on_event, &sb), 0);
	control_turn(c, 0); // both are ready: the first one silences the other
	assert_int_equal(sa.calls + sb.calls, 1);
	close(a);
	close(b);
}

static void a_file_that_epoll_refuses_is_an_error(void **state) {
	FILE *f = tmpfile();

	assert_int_equal(control_watch(*state, fileno(f), EPOLLIN, on_event, NULL), -EPERM);
	fclose(f);
}

static bool turn_count(void *arg, uint64_t now_ns) {
	struct seen *s = arg;

	(void)now_ns;
	s->calls++;
	return s->slow; // more to do
}

static void a_part_with_more_to_do_makes_the_next_wait_zero(void **state) {
	struct control *c = *state;
	struct seen s = {.slow = true};
	uint64_t start_ns;

	assert_int_equal(control_on_turn(c, turn_count, &s), 0);
	control_turn(c, 0);
	start_ns = clock_now_ns();
	control_turn(c, 2000);
	assert_true(clock_now_ns() - start_ns < NS_PER_S);
	assert_int_equal(s.calls, 2);
	control_off_turn(c, turn_count, &s);
	control_turn(c, 0);
	assert_int_equal(s.calls, 2);
}

static void work(void *arg) {
	struct seen *s = arg;

	if (s->slow)
		usleep(300000);
	s->thread = pthread_self();
	s->calls++;
}

struct caller {
	struct control *control;
	struct seen *seen;
	unsigned timeout_ms, times;
	int rc;
	bool done; // atomic
};

static void *call(void *arg) {
	struct caller *k = arg;

	for (unsigned i = 0; i < k->times; i++)
		k->rc = control_call(k->control, work, k->seen, k->timeout_ms);
	__atomic_store_n(&k->done, true, __ATOMIC_RELEASE);
	return NULL;
}

static void turns_until_done(struct control *c, struct caller *k) {
	while (!__atomic_load_n(&k->done, __ATOMIC_ACQUIRE))
		control_turn(c, 1);
}

static void a_call_runs_on_the_control_core(void **state) {
	struct control *c = *state;
	struct seen s = {0};
	struct caller k = {.control = c, .seen = &s, .timeout_ms = 5000, .times = 100, .rc = -1};
	pthread_t t;

	pthread_create(&t, NULL, call, &k);
	turns_until_done(c, &k);
	pthread_join(t, NULL);
	assert_int_equal(k.rc, 0);
	assert_int_equal(s.calls, 100);
	assert_true(pthread_equal(s.thread, pthread_self()));
}

static void a_call_on_the_control_core_runs_at_once(void **state) {
	struct seen s = {0};

	assert_int_equal(control_call(*state, work, &s, 0), 0);
	assert_int_equal(s.calls, 1);
}

static void a_call_that_timed_out_never_runs(void **state) {
	struct control *c = *state;
	struct seen s = {0};
	struct caller k = {.control = c, .seen = &s, .timeout_ms = 20, .times = 1};
	pthread_t t;

	pthread_create(&t, NULL, call, &k);
	pthread_join(t, NULL); // no turn meanwhile
	assert_int_equal(k.rc, -ETIMEDOUT);
	for (unsigned i = 0; i < 5; i++)
		control_turn(c, 0);
	assert_int_equal(s.calls, 0);
}

static void a_call_that_runs_already_is_waited_for(void **state) {
	struct control *c = *state;
	struct seen s = {.slow = true};
	struct caller k = {.control = c, .seen = &s, .timeout_ms = 100, .times = 1, .rc = -1};
	pthread_t t;

	pthread_create(&t, NULL, call, &k);
	turns_until_done(c, &k);
	pthread_join(t, NULL);
	assert_int_equal(k.rc, 0);
	assert_int_equal(s.calls, 1);
}

static void *stop_soon(void *control) {
	usleep(20000);
	control_stop(control);
	return NULL;
}

static void stop_ends_the_run(void **state) {
	pthread_t t;

	pthread_create(&t, NULL, stop_soon, *state);
	control_run(*state);
	pthread_join(t, NULL);
	assert_true(control_stopping(*state));
}

#define CONTROL_TEST(f) cmocka_unit_test_setup_teardown(f, up, down)

int main(void) {
	const struct CMUnitTest tests[] = {
		CONTROL_TEST(descriptors_are_level_triggered_until_unwatched),
		CONTROL_TEST(an_event_fetched_already_does_not_reach_what_was_unwatched),
		CONTROL_TEST(a_file_that_epoll_refuses_is_an_error),
		CONTROL_TEST(a_part_with_more_to_do_makes_the_next_wait_zero),
		CONTROL_TEST(a_call_runs_on_the_control_core),
		CONTROL_TEST(a_call_on_the_control_core_runs_at_once),
		CONTROL_TEST(a_call_that_timed_out_never_runs),
		CONTROL_TEST(a_call_that_runs_already_is_waited_for),
		CONTROL_TEST(stop_ends_the_run),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
