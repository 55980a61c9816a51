// SPDX-License-Identifier: BSD-3-Clause
// Log of the control core and of start-up. Workers never log: they count (drop.h).
#pragma once

#include <stdio.h>

enum log_level {
	LOG_LEVEL_ERROR,
	LOG_LEVEL_WARNING,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG,
};

extern enum log_level log_level; // written by the control core alone

// One line to stderr, with the level in front. Never a secret or a key.
void log_line(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
const char *log_level_name(enum log_level level);
int log_level_parse(const char *name); // -EINVAL when it is none of error, warning, info, debug

#define log_at(level, ...) \
	do { \
		if ((level) <= log_level) \
			log_line(level, __VA_ARGS__); \
	} while (0)
#define log_error(...) log_at(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_at(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_info(...) log_at(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_at(LOG_LEVEL_DEBUG, __VA_ARGS__)
