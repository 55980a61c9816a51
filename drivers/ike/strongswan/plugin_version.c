// SPDX-License-Identifier: GPL-2.0-or-later
// No interface of libstrongswan or libcharon tells its version. The daemon's program has it as a string of its own, for
// its log and --version ("5.9.8" in charon-systemd, within "strongSwan 5.9.8, ..." in charon), and Debian's packages
// tie the libraries to the very same build. So the read-only segments of the running program are searched for it.
#include "plugin_version.h"

#include <link.h>
#include <stdio.h>
#include <string.h>

#include <library.h>

#define VERSION_MAX 16
static const char product[] = "strongSwan ";

struct search {
	bool matches;
	char other[VERSION_MAX]; // a version that is not ours
};

// The length of "5.9.8", "6.0.0rc1" at text; 0: no version, whose end must be one of ends.
static size_t version_len(const char *text, const char *end, const char *ends) {
	size_t max = min((size_t)(end - text), (size_t)VERSION_MAX), len = 0, n_dots = 0;

	for (; len < max && text[len] && !strchr(ends, text[len]); len++) {
		bool digit = text[len] >= '0' && text[len] <= '9';

		if (text[len] == '.')
			n_dots++;
		else if (!digit && (len == 0 || n_dots < 2 || !strchr("drc", text[len])))
			return 0;
	}
	return len < max && n_dots == 2 && (text[len] == '\0' || strchr(ends, text[len])) ? len : 0;
}

static void consider(struct search *s, const char *text, size_t len) {
	if (len == strlen(PLUGIN_CHARON_VERSION) && !memcmp(text, PLUGIN_CHARON_VERSION, len))
		s->matches = true;
	else if (len)
		snprintf(s->other, sizeof(s->other), "%.*s", (int)len, text);
}

static void search_segment(struct search *s, const char *start, const char *end) {
	const size_t len = strlen(product);
	const char *at, *next;

	for (at = start; at < end && !s->matches; at = next ? next + 1 : end) {
		consider(s, at, version_len(at, end, ""));
		next = memchr(at, '\0', end - at);
	}
	for (at = start; at < end && !s->matches; at = next ? next + len : end) {
		next = memmem(at, end - at, product, len);
		if (next)
			consider(s, next + len, version_len(next + len, end, ", "));
	}
}

static int search_program(struct dl_phdr_info *info, size_t size, void *ctx) {
	struct search *s = ctx;

	for (int i = 0; i < info->dlpi_phnum && !s->matches; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];
		const char *start = (const char *)(info->dlpi_addr + p->p_vaddr);

		if (p->p_type == PT_LOAD && (p->p_flags & (PF_R | PF_W | PF_X)) == PF_R)
			search_segment(s, start, start + p->p_filesz);
	}
	return 1; // the program is the first object; no need for the libraries
}

bool plugin_version_matches(void) {
	struct search s = {0};

	dl_iterate_phdr(search_program, &s);
	if (s.matches)
		return true;
	DBG1(DBG_LIB,
		"kernel-nave: built for strongSwan %s, and this is %s%s: not loaded. Build it against the headers of "
		"the installed version: tools/setup, then meson setup --reconfigure",
		PLUGIN_CHARON_VERSION, s.other[0] ? "strongSwan " : "a program that does not say its version", s.other);
	return false;
}
