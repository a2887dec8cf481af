/* SPDX-License-Identifier: MIT */
/* The log. */
#include "log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "isotime.h"
#include "utf8.h"

static struct {
	int level;
	bool to_syslog;
} log_state = {LOG_INFO, false};

void log_setup(int level, bool to_syslog)
{
	log_state.level = level;
	log_state.to_syslog = to_syslog;
	if (to_syslog)
		openlog("ebsfs", LOG_PID, LOG_DAEMON);
}

bool log_enabled(int level)
{
	return level <= log_state.level;
}

void log_line(int level, const char *fmt, ...)
{
	static const char *const names[] = {
		"emergency", "alert", "critical", "error", "warning", "notice", "info", "debug"};
	char line[2048], stamp[ISOTIME_SIZE];
	va_list ap;

	if (!log_enabled(level))
		return;
	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	utf8_make_line(line);
	if (log_state.to_syslog)
		syslog(level, "%s", line);
	else
		fprintf(stderr, "%s ebsfs %s: %s\n", isotime_format_ms(clock_wall_ms(), stamp),
			names[level & 7], line);
}
