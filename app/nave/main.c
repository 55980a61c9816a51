// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf.h"
#include "control.h"
#include "eal.h"
#include "ladder.h"
#include "log.h"
#include "pidfile.h"

enum { EXIT_CONFIGURATION = 2 };

#define CAP_NET_ADMIN_BIT 12

struct options {
	const char *file;
	bool interactive, check;
};

static struct control *volatile running; // for the signal handler
static volatile sig_atomic_t stop_wanted;

static const char help_text[] =
	"usage: nave -c FILE [-i] [--check]\n"
	"  -c FILE    the configuration (YAML); all keys: docs/config.md\n"
	"  -i         prompt on the terminal\n"
	"  --check    validate FILE, start nothing\n"
	"  --help     this text\n"
	"  --version  the version\n"
	"exit status: 0 done, 1 could not run, 2 the configuration or the command line is wrong\n";

static void on_signal(int sig) {
	(void)sig;
	stop_wanted = 1;
	if (running)
		control_stop(running);
}

// Calls to the kernel during the start go on: the start is finished, then undone.
static void catch_signals(void) {
	struct sigaction stop = {.sa_handler = on_signal, .sa_flags = SA_RESTART}, ignore = {.sa_handler = SIG_IGN};

	sigaction(SIGTERM, &stop, NULL);
	sigaction(SIGINT, &stop, NULL);
	sigaction(SIGHUP, &stop, NULL);
	sigaction(SIGPIPE, &ignore, NULL);
}

// The handler's variables are the main thread's: threads inherit the mask that they were made under.
static void signals_mask(int how) {
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	pthread_sigmask(how, &set, NULL);
}

// Returns -1 to go on, else the exit status.
static int parse(int argc, char **argv, struct options *o) {
	static const struct option longs[] = {
		{"check", no_argument, NULL, 'k'},
		{"help", no_argument, NULL, 'h'},
		{"version", no_argument, NULL, 'V'},
		{NULL, 0, NULL, 0},
	};
	int c;

	while ((c = getopt_long(argc, argv, "c:ih", longs, NULL)) != -1) {
		switch (c) {
		case 'c':
			o->file = optarg;
			break;
		case 'i':
			o->interactive = true;
			break;
		case 'k':
			o->check = true;
			break;
		case 'h':
			fputs(help_text, stdout);
			return 0;
		case 'V':
			puts("nave " NAVE_VERSION);
			return 0;
		default:
			fputs(help_text, stderr);
			return EXIT_CONFIGURATION;
		}
	}
	if (o->file && optind == argc)
		return -1;
	fprintf(stderr, optind < argc ? "nave: what is %s?\n" : "nave: which configuration? -c FILE\n", argv[optind]);
	fputs(help_text, stderr);
	return EXIT_CONFIGURATION;
}

static bool has_net_admin(void) {
	FILE *f = fopen("/proc/self/status", "re");
	unsigned long caps = ~0ul;
	char line[256];

	while (f && fgets(line, sizeof(line), f) && sscanf(line, "CapEff: %lx", &caps) != 1)
		;
	if (f)
		fclose(f);
	return caps >> CAP_NET_ADMIN_BIT & 1;
}

static bool needs_net_admin(const struct conf *c) {
	for (unsigned i = 0; i < c->n_ports; i++)
		if (c->ports[i].host || c->ports[i].device_netns[0] || strstr(c->ports[i].device, "net_af_"))
			return true;
	for (unsigned i = 0; i < c->n_tunnels; i++)
		if (c->tunnels[i].host)
			return true;
	return false;
}

static int take_name(const struct conf *conf) {
	pid_t other = 0;
	int fd = pidfile_take(NAVE_RUN_DIR, conf->hub.name, &other);

	if (fd == -EEXIST && !other)
		fprintf(stderr, "nave: hub %s is being started by another process\n", conf->hub.name);
	else if (fd == -EEXIST)
		fprintf(stderr,
			"nave: hub %s runs already, pid %d: 'kill %d' ends it, another hub.name goes beside it\n",
			conf->hub.name, (int)other, (int)other);
	else if (fd < 0)
		fprintf(stderr, "nave: %s/%s.pid: %s: run as root, or 'sudo install -d -o %s %s'\n", NAVE_RUN_DIR,
			conf->hub.name, strerror(-fd), getenv("USER") ? getenv("USER") : "$USER", NAVE_RUN_DIR);
	return fd;
}

// A hub from start to stop, on an EAL that is up. Takes conf.
static int serve(struct conf *conf, const struct options *o) {
	struct ladder_options lo = {.interactive = o->interactive, .console_socket = true, .telemetry = true};
	struct nave *nave = calloc(1, sizeof(*nave));
	int rc = nave ? nave_up(nave, conf, &lo, stderr) : -ENOMEM;

	if (rc < 0) {
		conf_free(conf);
		free(nave);
		return EXIT_FAILURE;
	}
	running = nave->control;
	rc = nave_start(nave);
	if (rc < 0)
		fprintf(stderr, "nave: workers: %s\n", strerror(-rc));
	else if (!stop_wanted)
		control_run(nave->control);
	running = NULL;
	nave_down(nave);
	free(nave);
	return rc < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int run(struct conf *conf, const struct options *o) {
	struct eal_options eo = {0};
	char name[CONF_NAME_LEN];
	int fd, rc, status = EXIT_FAILURE;

	if (needs_net_admin(conf) && !has_net_admin()) {
		fprintf(stderr, "nave: no permission for network devices (CAP_NET_ADMIN): 'sudo nave -c %s'\n",
			o->file);
		goto err;
	}
	fd = take_name(conf);
	if (fd < 0)
		goto err;
	memcpy(name, conf->hub.name, sizeof(name));
	signals_mask(SIG_BLOCK);
	rc = nave_eal_init(conf, &eo, stderr);
	signals_mask(SIG_UNBLOCK);
	if (rc == 0) {
		status = serve(conf, o);
		conf = NULL;
		nave_eal_cleanup();
	}
	pidfile_drop(fd, NAVE_RUN_DIR, name);
err:
	conf_free(conf);
	return status;
}

int main(int argc, char **argv) {
	struct options o = {0};
	int status = parse(argc, argv, &o);
	struct conf *conf;

	if (status >= 0)
		return status;
	conf = conf_load(o.file, stderr);
	if (!conf)
		return EXIT_CONFIGURATION;
	if (nave_check_features(conf, o.check ? stdout : stderr) && !o.check) {
		conf_free(conf);
		return EXIT_CONFIGURATION;
	}
	if (o.check) {
		printf("%s: valid\n", o.file);
		conf_free(conf);
		return 0;
	}
	catch_signals();
	return run(conf, &o);
}
