// SPDX-License-Identifier: BSD-3-Clause
// nave-lab: runs scenarios and says whether what they claim holds.
#include <dirent.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "report.h"
#include "run.h"

#define EXIT_CLAIM_FALSE 1
#define EXIT_USAGE 2
#define LAB_FOLDER "config/lab"
#define SETS_MAX 32

static void usage(FILE *out) {
	fputs("usage: nave-lab run FILE... [--json OUT] [--set KEY=VALUE ...] [--capture FILE [--frames N]]\n"
	      "                [--keys FILE]\n"
	      "       nave-lab list [FOLDER]\n"
	      "\n"
	      "run        runs each scenario: a hub, its spokes and their traffic in one process; a table on standard "
	      "output\n"
	      "list       the scenarios of a folder, default " LAB_FOLDER "\n"
	      "--json     all figures; one object, or an array for several scenarios; - is standard output\n"
	      "--set      overrides a key of the scenario: --set spokes.count=5000 --set traffic.0.inner=64\n"
	      "--capture  the first frames between spokes and hub (default 1000) as pcapng\n"
	      "--keys     keys of all SAs, in the form of Wireshark's esp_sa\n"
	      "\n"
	      "exit: 0 every expectation held, 1 one did not or the run failed, 2 usage or a scenario that is wrong\n",
		out);
}

struct options {
	const char *json_file;
	struct run_options run;
	char *sets[SETS_MAX];
	unsigned n_sets;
};

// In a child of its own, since EAL starts once per process. The report comes back through a file without a name.
static int scenario_child(const char *file, const struct options *opt, FILE *back) {
	struct scenario *s = scenario_load(file, opt->sets, opt->n_sets);
	json_t *report;
	bool passed;

	if (!s)
		return EXIT_USAGE;
	report = run_scenario(s, &opt->run);
	if (!report)
		return EXIT_CLAIM_FALSE;
	report_table(s, report, opt->json_file && !strcmp(opt->json_file, "-") ? stderr : stdout);
	fflush(stdout);
	json_dumpf(report, back, JSON_COMPACT);
	fflush(back);
	passed = json_is_true(json_object_get(report, "passed"));
	json_decref(report);
	scenario_free(s);
	return passed ? 0 : EXIT_CLAIM_FALSE;
}

static int scenario_run(const char *file, const struct options *opt, json_t *reports) {
	FILE *back = tmpfile();
	json_t *report;
	pid_t pid;
	int status;

	if (!back) {
		perror("nave-lab: temporary file");
		return EXIT_CLAIM_FALSE;
	}
	fflush(NULL);
	pid = fork();
	if (pid == 0)
		_exit(scenario_child(file, opt, back));
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	rewind(back);
	report = json_loadf(back, 0, NULL);
	fclose(back);
	if (report)
		json_array_append_new(reports, report);
	if (pid < 0 || !WIFEXITED(status)) {
		fprintf(stderr, "nave-lab: %s: the run died%s%s\n", file, pid < 0 ? "" : " of signal ",
			pid < 0 ? "" : strsignal(WTERMSIG(status)));
		return EXIT_CLAIM_FALSE;
	}
	return WEXITSTATUS(status);
}

static int json_write(const char *file, json_t *reports) {
	json_t *top = json_array_size(reports) == 1 ? json_array_get(reports, 0) : reports;
	int rc;

	if (!strcmp(file, "-")) {
		rc = json_dumpf(top, stdout, JSON_INDENT(2));
		putchar('\n');
	} else {
		rc = json_dump_file(top, file, JSON_INDENT(2));
	}
	if (rc < 0)
		fprintf(stderr, "nave-lab: %s: cannot write: %s\n", file, strerror(errno));
	return rc < 0 ? EXIT_CLAIM_FALSE : 0;
}

// Asked before the run, which may take minutes.
static bool is_writable(const char *file) {
	FILE *f = fopen(file, "ae");

	if (f)
		return fclose(f) == 0;
	fprintf(stderr, "nave-lab: %s: cannot write: %s\n", file, strerror(errno));
	return false;
}

static int run(int argc, char **argv) {
	static const struct option longs[] = {{"json", required_argument, NULL, 'j'},
		{"set", required_argument, NULL, 's'}, {"capture", required_argument, NULL, 'c'},
		{"frames", required_argument, NULL, 'f'}, {"keys", required_argument, NULL, 'k'}, {0}};
	struct options opt = {.run.capture_frames = 1000};
	json_t *reports;
	int c, rc, worst = 0;

	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (c == 'j')
			opt.json_file = optarg;
		else if (c == 's' && opt.n_sets < SETS_MAX)
			opt.sets[opt.n_sets++] = optarg;
		else if (c == 'c')
			opt.run.capture_file = optarg;
		else if (c == 'f')
			opt.run.capture_frames = strtoul(optarg, NULL, 10);
		else if (c == 'k')
			opt.run.keys_file = optarg;
		else
			return usage(stderr), EXIT_USAGE;
	}
	if (optind == argc)
		return usage(stderr), EXIT_USAGE;
	if (opt.json_file && strcmp(opt.json_file, "-") != 0 && !is_writable(opt.json_file))
		return EXIT_USAGE;
	reports = json_array();
	for (int i = optind; i < argc; i++) {
		rc = scenario_run(argv[i], &opt, reports);
		worst = rc > worst ? rc : worst;
	}
	if (opt.json_file && json_array_size(reports)) {
		rc = json_write(opt.json_file, reports);
		worst = rc > worst ? rc : worst;
	}
	json_decref(reports);
	return worst;
}

static int is_yaml(const struct dirent *d) {
	size_t n = strlen(d->d_name);

	return n > 5 && !strcmp(d->d_name + n - 5, ".yaml");
}

static int list(const char *folder) {
	struct dirent **names;
	int n = scandir(folder, &names, is_yaml, alphasort);

	if (n < 0) {
		fprintf(stderr, "nave-lab: %s: %s; name the folder: nave-lab list FOLDER\n", folder, strerror(errno));
		return EXIT_USAGE;
	}
	for (int i = 0; i < n; i++) {
		char path[512];
		struct scenario *s;

		snprintf(path, sizeof(path), "%s/%s", folder, names[i]->d_name);
		s = scenario_load(path, NULL, 0);
		if (s)
			printf("%-36s %s\n", path, s->description);
		scenario_free(s);
		free(names[i]);
	}
	free(names);
	return 0;
}

int main(int argc, char **argv) {
	if (argc >= 2 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")))
		return usage(stdout), 0;
	if (argc >= 2 && !strcmp(argv[1], "--version"))
		return puts("nave-lab " NAVE_VERSION), 0;
	if (argc >= 3 && !strcmp(argv[1], "run"))
		return run(argc - 1, argv + 1);
	if (argc >= 2 && argc <= 3 && !strcmp(argv[1], "list"))
		return list(argc == 3 ? argv[2] : LAB_FOLDER);
	usage(stderr);
	return EXIT_USAGE;
}
