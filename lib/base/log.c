// SPDX-License-Identifier: BSD-3-Clause
#include "log.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

enum log_level log_level = LOG_LEVEL_INFO;

static const char *const level_names[] = {"error", "warning", "info", "debug"};

const char *log_level_name(enum log_level level) {
	return level_names[level];
}

int log_level_parse(const char *name) {
	for (int i = 0; i <= LOG_LEVEL_DEBUG; i++)
		if (strcmp(name, level_names[i]) == 0)
			return i;
	return -EINVAL;
}

void log_line(enum log_level level, const char *fmt, ...) {
	char line[1024]; // one write per line, so that lines of two threads do not mix
	va_list ap;
	int n = snprintf(line, sizeof(line), "nave: %s: ", level_names[level]);
	int m;

	va_start(ap, fmt);
	m = vsnprintf(line + n, sizeof(line) - n - 1, fmt, ap);
	va_end(ap);
	n += m < (int)sizeof(line) - n - 1 ? m : (int)sizeof(line) - n - 2;
	line[n++] = '\n';
	fwrite(line, 1, n, stderr);
}
