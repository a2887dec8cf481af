/* SPDX-License-Identifier: MIT */
/* The log: one line per message, to stderr in the foreground, to syslog in the background. */
#ifndef EBSFS_LOG_H
#define EBSFS_LOG_H

#include <stdbool.h>
#include <syslog.h>

/* Sets the destination and the level, a syslog priority (LOG_ERR … LOG_DEBUG): less important lines
 * are dropped. Process-wide; call it before threads start. */
void log_setup(int level, bool to_syslog);
bool log_enabled(int level);

/* Never log secrets: no credentials, presigned URLs or Authorization headers. */
void log_line(int level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...)   log_line(LOG_ERR, __VA_ARGS__)
#define log_warning(...) log_line(LOG_WARNING, __VA_ARGS__)
#define log_info(...)    log_line(LOG_INFO, __VA_ARGS__)
#define log_debug(...)                                                                             \
	do {                                                                                       \
		if (log_enabled(LOG_DEBUG))                                                        \
			log_line(LOG_DEBUG, __VA_ARGS__);                                          \
	} while (0)

#endif
