// SPDX-License-Identifier: BSD-3-Clause
#include "eal.h"

#include <dirent.h>
#include <errno.h>
#include <sched.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_log.h>

#include "hugepages.h"
#include "log.h"

#define ARGS_MAX 64
#define TEXT_MAX 2048

struct eal_args {
	int n;
	char *v[ARGS_MAX];
	size_t used;
	char text[TEXT_MAX];
};

static uint32_t huge_mib;

static void arg_add(struct eal_args *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void arg_add(struct eal_args *a, const char *fmt, ...) {
	char *at = a->text + a->used;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(at, TEXT_MAX - a->used, fmt, ap);
	va_end(ap);
	if (n < 0 || a->used + n + 1 > TEXT_MAX || a->n == ARGS_MAX - 1)
		return; // bounded by the configuration: 32 workers, 16 ports
	a->v[a->n++] = at;
	a->used += n + 1;
}

static int check_cpu(const struct conf *conf, const cpu_set_t *cpus, unsigned cpu, const char *key, FILE *errors) {
	if (cpu < CPU_SETSIZE && CPU_ISSET(cpu, cpus))
		return 0;
	conf_complain(conf, conf->hub.mark, errors,
		"%s: CPU %u is not there: write one of those that 'taskset -cp $$' shows", key, cpu);
	return -EINVAL;
}

static int check_cpus(const struct conf *conf, const struct eal_options *opt, FILE *errors) {
	cpu_set_t cpus;
	int rc;

	if (sched_getaffinity(0, sizeof(cpus), &cpus) < 0)
		return -errno;
	rc = check_cpu(conf, &cpus, conf->hub.control_cpu, "hub.control-cpu", errors);
	for (unsigned i = 0; rc == 0 && i < conf->hub.n_workers; i++)
		rc = check_cpu(conf, &cpus, conf->hub.worker_cpus[i], "hub.worker-cpus", errors);
	for (unsigned i = 0; rc == 0 && i < opt->n_extra; i++)
		rc = check_cpu(conf, &cpus, opt->extra_cpus[i], "generator's CPU", errors);
	return rc;
}

// Pools and tables, a third above what was measured (1,024 spokes: 88 MiB; 65,536: less than 200). Routes are not here:
// the FIB has its own memory.
static uint32_t memory_needed_mib(const struct conf *conf, const struct eal_options *opt) {
	uint32_t mib = 80 + conf->hub.n_workers * (conf->n_ports + 2) * 12 + conf->hub.max_spokes / 512;

	if (opt->memory_mib)
		return opt->memory_mib;
	for (unsigned i = 0; i < conf->n_ports; i++)
		if (conf->ports[i].mtu > 2000)
			mib += conf->hub.n_workers * 128; // larger buffers
	return mib;
}

// How many MiB of hugepages to run on; 0: none.
static int choose_hugepages(const struct conf *conf, uint32_t need_mib, uint32_t *mib, FILE *errors) {
	uint32_t free_mib = hugepages_free_mib();
	int32_t want = conf->hub.hugepages_mib;

	*mib = 0;
	if (want == HUGEPAGES_OFF)
		return 0;
	if (want == HUGEPAGES_AUTO) {
		*mib = free_mib >= need_mib ? need_mib : hugepages_reserve(need_mib) ? need_mib : 0;
		if (*mib == 0)
			log_info("no %u MiB of hugepages free: running without (hub.hugepages: auto)", need_mib);
		return 0;
	}
	if (free_mib < (uint32_t)want) {
		conf_complain(conf, conf->hub.mark, errors,
			"hub.hugepages: %d MiB wanted, %u MiB free: 'echo %d > /proc/sys/vm/nr_hugepages', or write "
			"auto",
			want, free_mib, (int)(hugepages_total_mib() - free_mib + want + 1) / 2);
		return -ENOMEM;
	}
	*mib = want;
	return 0;
}

static void add_lcores(struct eal_args *a, const struct conf *conf, const struct eal_options *opt) {
	char map[512];
	int n = snprintf(map, sizeof(map), "%u@%u", EAL_LCORE_CONTROL, conf->hub.control_cpu);

	for (unsigned i = 0; i < conf->hub.n_workers; i++)
		n += snprintf(map + n, sizeof(map) - n, ",%u@%u", EAL_LCORE_WORKER(i), conf->hub.worker_cpus[i]);
	for (unsigned i = 0; i < opt->n_extra; i++)
		n += snprintf(map + n, sizeof(map) - n, ",%u@%u", EAL_LCORE_WORKER(conf->hub.n_workers) + i,
			opt->extra_cpus[i]);
	arg_add(a, "--lcores=%s", map);
	arg_add(a, "--main-lcore=%u", EAL_LCORE_CONTROL);
}

static bool is_pci(const char *device) {
	unsigned a, b, c, d;

	return sscanf(device, "%x:%x:%x.%x", &a, &b, &c, &d) == 4 || sscanf(device, "%x:%x.%x", &a, &b, &c) == 3;
}

// Only the NICs of the configuration: EAL would take every one that is bound to a driver of its own.
static void add_devices(struct eal_args *a, const struct conf *conf) {
	bool any = false;

	for (unsigned i = 0; i < conf->n_ports; i++) {
		if (!is_pci(conf->ports[i].device))
			continue;
		arg_add(a, "-a");
		arg_add(a, "%s", conf->ports[i].device);
		any = true;
	}
	if (!any)
		arg_add(a, "--no-pci");
}

static void compose(struct eal_args *a, const struct conf *conf, const struct eal_options *opt, uint32_t need_mib) {
	arg_add(a, "nave");
	add_lcores(a, conf, opt);
	arg_add(a, "--file-prefix=nave-%s", conf->hub.name);
	arg_add(a, "--log-level=error"); // until it is up: it warns of every page size that has no pages
	arg_add(a, "--log-level=lib.telemetry:error");
	add_devices(a, conf);
	if (opt->no_telemetry)
		arg_add(a, "--no-telemetry");
	if (huge_mib) {
		arg_add(a, "--in-memory");
		if (conf->hub.hugepages_mib > 0)
			arg_add(a, "-m%u", huge_mib);
	} else {
		arg_add(a, "--no-huge");
		arg_add(a, "--no-shconf");
		arg_add(a, "-m%u", 2 * need_mib); // a bound: what is not touched costs nothing
	}
}

int nave_eal_init(const struct conf *conf, const struct eal_options *opt, FILE *errors) {
	static struct eal_args args; // EAL keeps pointers into it
	uint32_t need_mib = memory_needed_mib(conf, opt);
	int rc = check_cpus(conf, opt, errors);

	if (rc == 0)
		rc = choose_hugepages(conf, need_mib, &huge_mib, errors);
	if (rc < 0)
		return rc;
	args.n = 0;
	args.used = 0;
	compose(&args, conf, opt, need_mib);
	if (rte_eal_init(args.n, args.v) >= 0) {
		rte_log_set_global_level(RTE_LOG_WARNING);
		return 0;
	}
	rc = rte_errno ? -rte_errno : -EIO;
	fprintf(errors, "DPDK does not start (%s): see its lines above%s\n", strerror(-rc),
		geteuid() ? "; run as root, or write hub.hugepages: off" : "");
	hugepages_give_back();
	return rc;
}

// EAL leaves its folder behind. The name is ours alone (pidfile.h).
static void runtime_dir_remove(const char *dir) {
	DIR *d = opendir(dir);
	const struct dirent *e;

	if (!d)
		return;
	while ((e = readdir(d)))
		if (e->d_name[0] != '.')
			unlinkat(dirfd(d), e->d_name, 0);
	closedir(d);
	rmdir(dir);
}

void nave_eal_cleanup(void) {
	char dir[256];

	snprintf(dir, sizeof(dir), "%s", rte_eal_get_runtime_dir());
	hugepages_give_back();
	rte_eal_cleanup();
	runtime_dir_remove(dir);
}

uint32_t nave_eal_hugepages_mib(void) {
	return huge_mib;
}
