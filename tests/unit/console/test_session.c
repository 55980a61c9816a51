// SPDX-License-Identifier: BSD-3-Clause
// Sessions over socket pairs and pipes, turned by the real control core: people, programs, those who never read and
// those who send garbage.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pty.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <signal.h>
#include <termios.h>
#include <unistd.h>

#include "console.h"
#include "console_priv.h"
#include "control.h"
#include "nave.h"
#include "out.h"
#include "session_fixture.h"
#include "terminal.h"
#include "clock.h"

static unsigned evictions, cursors;

static int run_version(struct nave *n, const struct console_args *args, struct out *out) {
	(void)n;
	(void)args;
	out_record(out, "version");
	out_str(out, "version", "1.2");
	return 0;
}

static int run_spoke(struct nave *n, const struct console_args *args, struct out *out) {
	(void)n;
	return out_error(out, -ENOENT, "no spoke %s", args->word[2]);
}

static int run_evict(struct nave *n, const struct console_args *args, struct out *out) {
	(void)n;
	(void)args;
	evictions++;
	out_text(out, "done");
	return 0;
}

static void cursor_free(void *cursor, void *arg) {
	(void)arg;
	cursors--;
	free(cursor);
}

static int run_list(struct nave *n, const struct console_args *args, struct out *out) {
	unsigned *cur = out_cursor(out);
	unsigned upto = strtoul(args->word[2], NULL, 10);

	(void)n;
	if (!cur) {
		cur = calloc(1, sizeof(*cur));
		assert_non_null(cur);
		cursors++;
		out_list(out, "numbers");
		out_set_cursor(out, cur, NULL, cursor_free);
	}
	while (!out_full(out)) {
		if (*cur == upto) {
			out_end(out);
			break;
		}
		out_row(out);
		out_u64(out, "n", (*cur)++);
		out_str(out, "text", "a row of an ordinary length, as a spoke would be, more or less as long as this");
	}
	return 0;
}

static int run_flood(struct nave *n, const struct console_args *args, struct out *out) {
	static char line[1000];

	(void)n;
	(void)args;
	memset(line, 'x', sizeof(line) - 1);
	out_list(out, "lines");
	for (unsigned i = 0; i < 1200; i++) {
		out_row(out);
		out_str(out, "line", line);
	}
	return 0;
}

static const struct console_cmd cmds[] = {
	{"show version", "what runs here", run_version, false},
	{"show spoke ADDRESS", "one spoke", run_spoke, false},
	{"show list NUMBER", "a long list", run_list, false},
	{"show flood", "too much at once", run_flood, false},
	{"evict spoke ADDRESS", "forget it", run_evict, true},
	{0},
};

static int setup(void **state) {
	(void)state;
	memset(&nave, 0, sizeof(nave));
	evictions = cursors = 0;
	nave.control = control_create(&nave);
	nave.console = nave.control ? console_create(&nave) : NULL;
	return nave.console && console_add(nave.console, cmds) == 0 ? 0 : -1;
}

static int teardown(void **state) {
	(void)state;
	console_free(nave.console);
	control_free(nave.control);
	assert_int_equal(cursors, 0); // none is left behind, however a session ended
	return 0;
}

// --- programs ---
static void test_batch_json(void **state) {
	struct client *p = attach();

	(void)state;
	say(p, "nave-console 1 json\nshow version\n");
	expect(p, "end 0\n");
	assert_string_equal(p->got, "data 19\n{\"version\": \"1.2\"}\nend 0\n");
	forget(p);
	say(p, "show spoke 10.0.0.1\n");
	expect(p, "end 2\n");
	assert_string_equal(p->got, "data 31\n{\"error\": \"no spoke 10.0.0.1\"}\nend 2\n");
	detach(p);
}

static void test_batch_text(void **state) {
	struct client *p = attach();

	(void)state;
	say(p, "nave-console 1 text\n\n# nothing\nshow version\nshow sopke 1.1.1.1\nevict spoke 1.1.1.1\n");
	expect(p, "data 5\ndone\nend 0\n");
	assert_string_equal(p->got, "end 0\nend 0\ndata 13\nversion  1.2\nend 0\n"
				    "error 64\nshow sopke 1.1.1.1: no such command; did you mean \"show spoke\"?\n"
				    "end 22\ndata 5\ndone\nend 0\n");

	assert_int_equal(evictions, 1);
	detach(p);
}

static void test_batch_ends_with_its_client(void **state) {
	struct client *p = attach();

	(void)state;
	say(p, "nave-console 1 text\nevict spoke 1.1.1.1\nevict spoke 2.2.2.2"); // no newline at the end
	shutdown(p->fd, SHUT_WR);
	expect_end(p);
	assert_int_equal(evictions, 2);
	detach(p);
}

static void test_unknown_protocol_is_refused(void **state) {
	struct client *p = attach();

	(void)state;
	say(p, "nave-console 7 quantum\nevict spoke 1.1.1.1\n");
	expect_end(p);
	assert_non_null(strstr(p->got, "version 1"));
	assert_non_null(strstr(p->got, "end 71\n"));
	assert_int_equal(evictions, 0);
	detach(p);
}

static void test_line_too_long(void **state) {
	struct client *p = attach();
	char line[2000];

	(void)state;
	memset(line, 'a', sizeof(line));
	line[sizeof(line) - 1] = '\0';
	say(p, "nave-console 1 text\n");
	say(p, line);
	say(p, "\nevict spoke 1.1.1.1\n");
	expect(p, "done\nend 0\n");
	assert_non_null(strstr(p->got, "a line has at most 511 characters\nend 7\n"));
	detach(p);
}

// --- long lists ---
static int by_size(const void *a, const void *b) {
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static void test_long_list_in_slices(void **state) {
	struct client *p = attach();
	static uint64_t took_ns[TURNS_MAX];
	unsigned turns = 0;

	(void)state;
	say(p, "nave-console 1 json\nshow list 20000\n");
	do {
		uint64_t then = clock_now_ns();

		control_turn(nave.control, 0);
		took_ns[turns++] = clock_now_ns() - then;
		hear(p);
	} while (!strstr(p->got + (p->len > 100 ? p->len - 100 : 0), "end 0\n") && turns < TURNS_MAX);
	qsort(took_ns, turns, sizeof(took_ns[0]), by_size);
	print_message("20,000 rows: %u turns, median %.3f ms, 99 %% below %.3f ms\n", turns, took_ns[turns / 2] / 1e6,
		took_ns[turns * 99 / 100] / 1e6);
	assert_true(took_ns[turns / 2] < NS_PER_MS); // a loaded machine stretches some turns, not half of them
	assert_true(turns > 20000 / 64);
	assert_non_null(strstr(p->got, "{\"n\": 19999, "));
	detach(p);
}

// Somebody who lists a lot and never reads keeps his 64 KiB, and the others their prompt.
static void test_list_waits_for_its_reader(void **state) {
	struct client *slow = attach(), *other = attach();

	(void)state;
	say(slow, "nave-console 1 json\nshow list 1000000\n");
	for (unsigned i = 0; i < 3000; i++)
		control_turn(nave.control, 0);
	say(other, "nave-console 1 text\nshow version\n");
	expect(other, "end 0\n");
	assert_int_equal(nave.console->counters.overflows, 0);
	assert_int_equal(cursors, 1);
	detach(slow); // hangs up in the middle of his list
	for (unsigned i = 0; i < 10; i++)
		control_turn(nave.control, 0);
	assert_int_equal(cursors, 0);
	detach(other);
}

static void test_who_never_reads_is_disconnected(void **state) {
	struct client *p = attach(), *other = attach();

	(void)state;
	say(p, "nave-console 1 text\nshow flood\n"); // 1.2 MB in one answer
	for (unsigned i = 0; i < 100; i++)
		control_turn(nave.control, 0);
	assert_int_equal(nave.console->counters.overflows, 1);
	say(other, "nave-console 1 text\nshow version\n");
	expect(other, "end 0\n");
	detach(p);
	detach(other);
}

// --- people ---
static void test_prompt(void **state) {
	struct client *p = attach();

	(void)state;
	say(p, "nave-console 1 interactive\n");
	expect(p, "nave> ");
	forget(p);
	say(p, "show version\r");
	expect(p, "version  1.2\r\nnave> ");
	forget(p);
	say(p, "\x1b[A\r"); // the newest line of the history again
	expect(p, "version  1.2\r\nnave> ");
	forget(p);
	say(p, "show spoke 1.2.3\r");
	expect(p, "\"1.2.3\" is not an ADDRESS\r\nnave> ");
	say(p, "\r");
	expect(p, "nave> \r\nnave> ");
	say(p, "quit\r");
	expect_end(p);
	assert_false(control_stopping(nave.control)); // the session's end is not the hub's
	detach(p);
}

static void test_somebody_without_header(void **state) {
	struct client *p = attach();

	(void)state;
	say(p, "n");
	for (unsigned i = 0; i < 5; i++)
		control_turn(nave.control, 0);
	say(p, "ot a header\r");
	expect(p, "no such command; try \"help\"\r\nnave> ");
	detach(p);
}

static void test_completion(void **state) {
	struct client *p = attach();

	(void)state;
	say(p, "nave-console 1 interactive\n");
	expect(p, "nave> ");
	say(p, "sh\t");
	expect(p, "show ");
	say(p, "ve\t");
	expect(p, "version ");
	say(p, "\r");
	expect(p, "version  1.2\r\nnave> ");
	forget(p);
	say(p, "show \t"); // several: listed, and the line again
	expect(p, "nave> show ");
	assert_non_null(strstr(p->got, "version          what runs here"));
	assert_non_null(strstr(p->got, "spoke            one spoke"));
	forget(p);
	say(p, "spoke ?");
	expect(p, "nave> show spoke ");
	assert_non_null(strstr(p->got, "ADDRESS          one spoke"));
	forget(p);
	say(p, "1.1.1.1 ?");
	expect(p, "nave> show spoke 1.1.1.1 ");
	assert_non_null(strstr(p->got, "<Enter>"));
	detach(p);
}

static void test_control_keys(void **state) {
	struct client *p = attach();

	(void)state;
	say(p, "nave-console 1 interactive\n");
	expect(p, "nave> ");
	say(p, "evict spoke 1.1.1.1\x03"); // Ctrl-C: the line is given up
	expect(p, "nave> ");
	assert_int_equal(evictions, 0);
	say(p, "\x04"); // Ctrl-D
	expect_end(p);
	detach(p);
}

// Whatever bytes come, in whichever mode: the hub lives, turns stay bounded, the next client is served.
static void test_garbage(void **state) {
	static const char *const headers[] = {
		"", "nave-console 1 interactive\n", "nave-console 1 json\n", "nave-console ", "nave-console 1 text\n"};
	unsigned seed = 1;
	struct client *other;

	(void)state;
	for (unsigned round = 0; round < 200; round++) {
		struct client *p = attach();
		char bytes[4096];

		for (unsigned i = 0; i < sizeof(bytes); i++) {
			bytes[i] = rand_r(&seed) >> 7;
			if (round % 3 == 0)
				bytes[i] = "\t?\r\n\x1b[A show"[(uint8_t)bytes[i] % 13];
		}
		say(p, headers[round % 5]);
		assert_int_equal(write(p->fd, bytes, sizeof(bytes)), sizeof(bytes));
		for (unsigned i = 0; i < 50; i++) {
			control_turn(nave.control, 0);
			if (round % 2)
				hear(p);
		}
		detach(p);
		control_turn(nave.control, 0);
	}
	for (unsigned i = 0; i < TURNS_MAX; i++)
		control_turn(nave.control, 0);
	other = attach();
	say(other, "nave-console 1 text\nshow version\n");
	expect(other, "end 0\n");
	detach(other);
}

// --- the socket ---
static int dial(const char *path) {
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", path);
	assert_int_equal(connect(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	return fd;
}

static void test_socket(void **state) {
	char dir[] = "/tmp/test_session_XXXXXX", path[64];
	struct client p = {0}, *many[CONSOLE_SESSIONS_MAX + 1];
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	struct stat st;
	int stale;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/new/console.sock", dir);
	assert_int_equal(console_open_socket(nave.console, path, "no-such-group"), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0660);
	for (unsigned i = 0; i <= CONSOLE_SESSIONS_MAX; i++) {
		many[i] = calloc(1, sizeof(p));
		many[i]->fd = dial(path);
		control_turn(nave.control, 0);
	}
	expect_end(many[CONSOLE_SESSIONS_MAX]);
	assert_string_equal(many[CONSOLE_SESSIONS_MAX]->got, "error 26\ntoo many console sessions\nend 24\n");
	say(many[0], "nave-console 1 text\nshow version\n");
	expect(many[0], "end 0\n");
	for (unsigned i = 0; i <= CONSOLE_SESSIONS_MAX; i++)
		detach(many[i]);
	// A live socket is not taken from its owner; a stale one is replaced; what is no socket stays.
	nave.console->listen_fd = dup(nave.console->listen_fd);
	stale = nave.console->listen_fd;
	nave.console->listen_fd = -1;
	assert_int_equal(console_open_socket(nave.console, path, NULL), -EADDRINUSE);
	nave.console->listen_fd = stale;
	console_close_socket(nave.console);
	assert_int_equal(access(path, F_OK), -1);
	stale = socket(AF_UNIX, SOCK_STREAM, 0);
	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", path);
	assert_int_equal(bind(stale, (struct sockaddr *)&addr, sizeof(addr)), 0);
	close(stale);
	assert_int_equal(console_open_socket(nave.console, path, NULL), 0);
	console_close_socket(nave.console);
	close(open(path, O_CREAT | O_WRONLY, 0600));
	assert_int_equal(console_open_socket(nave.console, path, NULL), -EEXIST);
	unlink(path);
	snprintf(path, sizeof(path), "%s/new", dir);
	rmdir(path);
	rmdir(dir);
}

// --- nave-console ---
struct run {
	int status;
	char out[4096], err[4096];
};

static void read_whole(int fd, char *text, size_t size) {
	ssize_t n = pread(fd, text, size - 1, 0);

	text[n > 0 ? n : 0] = '\0';
	close(fd);
}

// The program itself, against the socket of this process's console.
static struct run run_client(const char *const *args, const char *input) {
	int in = memfd_create("in", 0), out = memfd_create("out", 0), err = memfd_create("err", 0);
	const char *program = getenv("NAVE_CONSOLE");
	struct run r = {0};
	pid_t pid;

	assert_non_null(program);
	assert_int_equal(write(in, input, strlen(input)), strlen(input));
	lseek(in, 0, SEEK_SET);
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		dup2(in, STDIN_FILENO);
		dup2(out, STDOUT_FILENO);
		dup2(err, STDERR_FILENO);
		execv(program, (char *const *)args);
		_exit(127);
	}
	close(in);
	while (waitpid(pid, &r.status, WNOHANG) == 0)
		control_turn(nave.control, 1);
	r.status = WIFEXITED(r.status) ? WEXITSTATUS(r.status) : -1;
	read_whole(out, r.out, sizeof(r.out));
	read_whole(err, r.err, sizeof(r.err));
	return r;
}

static void test_client_program(void **state) {
	char dir[] = "/tmp/test_client_XXXXXX", path[64];
	struct run r;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/c.sock", dir);
	assert_int_equal(console_open_socket(nave.console, path, NULL), 0);
#define CLIENT(input, ...) run_client((const char *const[]){"nave-console", "-s", path, ##__VA_ARGS__, NULL}, input)
	r = CLIENT("", "-c", "show version", "--json");
	assert_string_equal(r.out, "{\"version\": \"1.2\"}\n");
	assert_string_equal(r.err, "");
	assert_int_equal(r.status, 0);
	r = CLIENT("", "-c", "show spoke 1.1.1.1", "--json");
	assert_string_equal(r.out, "{\"error\": \"no spoke 1.1.1.1\"}\n");
	assert_int_equal(r.status, 1);
	r = CLIENT("", "-c", "show spoke 1.1.1.1");
	assert_string_equal(r.out, "");
	assert_string_equal(r.err, "no spoke 1.1.1.1\n");
	assert_int_equal(r.status, 1);
	r = CLIENT("show version\nshow spoke 1.1.1.1\n# no more\nevict spoke 1.1.1.1\nquit\nevict spoke 1.1.1.1\n");
	assert_string_equal(r.out, "version  1.2\ndone\n");
	assert_int_equal(r.status, 1);
	assert_int_equal(evictions, 1);
	r = CLIENT("", "-x");
	assert_int_equal(r.status, 2);
	console_close_socket(nave.console);
	r = CLIENT("", "-c", "show version");
	assert_int_equal(r.status, 2);
	assert_non_null(strstr(r.err, "is the hub running"));
	rmdir(dir);
}

// --- stdin ---
static void with_stdio(int in, int out, int saved[2]) {
	saved[0] = dup(STDIN_FILENO);
	saved[1] = dup(STDOUT_FILENO);
	dup2(in, STDIN_FILENO);
	dup2(out, STDOUT_FILENO);
}

static void without_stdio(const int saved[2]) {
	dup2(saved[0], STDIN_FILENO);
	dup2(saved[1], STDOUT_FILENO);
	close(saved[0]);
	close(saved[1]);
}

static size_t batch(int in, char *text, size_t size) {
	char path[] = "/tmp/test_batch_XXXXXX";
	int out = mkstemp(path), saved[2];
	ssize_t n;

	fflush(stdout);
	with_stdio(in, out, saved);
	assert_int_equal(console_open_terminal(nave.console), 0);
	for (unsigned i = 0; i < TURNS_MAX && !control_stopping(nave.control); i++)
		control_turn(nave.control, 0);
	without_stdio(saved);
	assert_true(control_stopping(nave.control)); // the end of the input is the hub's end
	assert_int_equal(write(out, "after\n", 6), 6); // who writes there next does not write over it
	n = pread(out, text, size - 1, 0);
	assert_true(n >= 6);
	assert_memory_equal(text + n - 6, "after\n", 6);
	text[n - 6] = '\0';
	close(out);
	unlink(path);
	return n;
}

static void test_batch_from_a_pipe(void **state) {
	char text[1024];
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(write(fds[1], "show version\nsho version\nevict spoke 1.1.1.1", 44), 44);
	close(fds[1]);
	batch(fds[0], text, sizeof(text));
	close(fds[0]);
	assert_string_equal(text, "version  1.2\nsho version: no such command; did you mean \"show\"?\ndone\n");
}

static void test_batch_from_a_file(void **state) {
	char path[] = "/tmp/test_lines_XXXXXX", text[1024];
	int fd = mkstemp(path);

	(void)state;
	assert_int_equal(write(fd, "show version\nquit\nevict spoke 1.1.1.1\n", 38), 38);
	lseek(fd, 0, SEEK_SET);
	batch(fd, text, sizeof(text));
	assert_string_equal(text, "version  1.2\n");
	assert_int_equal(evictions, 0); // behind quit
	close(fd);
	unlink(path);
}

static void test_terminal(void **state) {
	struct termios before, during, after;
	int master, slave, saved[2];
	char got[512] = "";
	size_t len = 0;

	(void)state;
	assert_int_equal(openpty(&master, &slave, NULL, NULL, NULL), 0);
	fcntl(master, F_SETFL, O_NONBLOCK);
	assert_int_equal(tcgetattr(slave, &before), 0);
	fflush(stdout);
	with_stdio(slave, slave, saved);
	assert_int_equal(console_open_terminal(nave.console), 0);
	tcgetattr(slave, &during);
	assert_int_equal(write(master, "show ver\t\rquit\r", 15), 15);
	for (unsigned i = 0; i < TURNS_MAX && !control_stopping(nave.control); i++) {
		ssize_t n = read(master, got + len, sizeof(got) - len - 1);

		len += n > 0 ? n : 0;
		control_turn(nave.control, 0);
	}
	without_stdio(saved);
	len += read(master, got + len, sizeof(got) - len - 1) > 0 ? 1 : 0;
	assert_true(control_stopping(nave.control)); // quit here ends the hub
	assert_int_equal(during.c_lflag & (ICANON | ECHO), 0);
	assert_non_null(strstr(got, "version  1.2"));
	console_free(nave.console);
	nave.console = NULL;
	tcgetattr(slave, &after);
	assert_int_equal(after.c_lflag, before.c_lflag);
	close(master);
	close(slave);
}

// A deadly signal puts the terminal back before it kills.
static void test_terminal_restored_by_signal(void **state) {
	static const int signals[] = {SIGTERM, SIGHUP, SIGSEGV, SIGABRT};

	(void)state;
	for (unsigned i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		struct termios before, after;
		int master, slave, status;
		pid_t pid;

		assert_int_equal(openpty(&master, &slave, NULL, NULL, NULL), 0);
		assert_int_equal(tcgetattr(slave, &before), 0);
		fflush(stdout);
		pid = fork();
		if (pid == 0) {
			for (unsigned s = 0; s < sizeof(signals) / sizeof(signals[0]); s++)
				signal(signals[s], SIG_DFL); // cmocka and the sanitizers have their own
			terminal_raw(slave);
			raise(signals[i]);
			_exit(0);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status));
		assert_int_equal(WTERMSIG(status), signals[i]);
		tcgetattr(slave, &after);
		assert_int_equal(after.c_lflag, before.c_lflag);
		close(master);
		close(slave);
	}
}

#define session_test(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_terminal_restored_by_signal), // first: it wants a process without handlers
		session_test(test_batch_json),
		session_test(test_batch_text),
		session_test(test_batch_ends_with_its_client),
		session_test(test_unknown_protocol_is_refused),
		session_test(test_line_too_long),
		session_test(test_long_list_in_slices),
		session_test(test_list_waits_for_its_reader),
		session_test(test_who_never_reads_is_disconnected),
		session_test(test_prompt),
		session_test(test_somebody_without_header),
		session_test(test_completion),
		session_test(test_control_keys),
		session_test(test_garbage),
		session_test(test_socket),
		session_test(test_client_program),
		session_test(test_batch_from_a_pipe),
		session_test(test_batch_from_a_file),
		session_test(test_terminal),
	};

	return cmocka_run_group_tests_name("session", tests, NULL, NULL);
}
