// SPDX-License-Identifier: BSD-3-Clause
#include "hugepages.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SYSFS "/sys/kernel/mm/hugepages"
#define NR_HUGEPAGES "/proc/sys/vm/nr_hugepages"
#define PAGE_MIB 2

static bool is_reserved; // by us: there were none before

static uint64_t number_read(const char *path) {
	FILE *f = fopen(path, "re");
	uint64_t n = 0;

	if (!f)
		return 0;
	if (fscanf(f, "%lu", &n) != 1)
		n = 0;
	fclose(f);
	return n;
}

static bool number_write(const char *path, uint64_t n) {
	FILE *f = fopen(path, "we");
	bool ok;

	if (!f)
		return false;
	ok = fprintf(f, "%lu\n", n) > 0;
	return fclose(f) == 0 && ok;
}

static uint32_t sum_mib(const char *counter) {
	DIR *d = opendir(SYSFS);
	const struct dirent *e;
	uint64_t kib = 0;

	if (!d)
		return 0;
	while ((e = readdir(d))) {
		char path[sizeof(SYSFS) + 300];
		uint64_t page_kib;

		if (sscanf(e->d_name, "hugepages-%lukB", &page_kib) != 1)
			continue;
		snprintf(path, sizeof(path), SYSFS "/%s/%s", e->d_name, counter);
		kib += number_read(path) * page_kib;
	}
	closedir(d);
	return (uint32_t)(kib / 1024);
}

uint32_t hugepages_free_mib(void) {
	return sum_mib("free_hugepages");
}

uint32_t hugepages_total_mib(void) {
	return sum_mib("nr_hugepages");
}

// The value of "key: N kB" in a file of /proc.
static uint64_t proc_mib(const char *path, const char *key) {
	FILE *f = fopen(path, "re");
	char line[256];
	uint64_t kib = 0;

	while (f && fgets(line, sizeof(line), f))
		if (strncmp(line, key, strlen(key)) == 0)
			kib += strtoull(line + strlen(key), NULL, 10);
	if (f)
		fclose(f);
	return kib / 1024;
}

uint32_t hugepages_reserve(uint32_t need_mib) {
	uint32_t got_mib;

	if (hugepages_total_mib() || proc_mib("/proc/meminfo", "MemAvailable:") / 3 < need_mib ||
		!number_write(NR_HUGEPAGES, (need_mib + PAGE_MIB - 1) / PAGE_MIB))
		return 0;
	is_reserved = true;
	got_mib = hugepages_free_mib();
	if (got_mib >= need_mib)
		return got_mib;
	hugepages_give_back(); // memory is in pieces
	return 0;
}

void hugepages_give_back(void) {
	uint64_t ours_mib = proc_mib("/proc/self/smaps_rollup", "Shared_Hugetlb:") +
			    proc_mib("/proc/self/smaps_rollup", "Private_Hugetlb:");

	if (is_reserved && hugepages_total_mib() - hugepages_free_mib() == ours_mib)
		number_write(NR_HUGEPAGES, 0);
	is_reserved = false;
}
