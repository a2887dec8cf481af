/* SPDX-License-Identifier: MIT */
/* Knows the processes that walk and remove recursively. */
#include "guard.h"

#include <stddef.h>
#include <stdio.h>

#include "cleanup.h"

pid_t guard_process(pid_t thread)
{
	char path[40], line[128];
	_cleanup_fclose_ FILE *f = NULL;
	int process;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)thread);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "Tgid: %d", &process) == 1)
			return process;
	return thread;
}

void guard_bar(struct guard *g, pid_t pid, int64_t now_ms)
{
	size_t oldest = 0;

	for (size_t i = 0; i < GUARD_MAX; i++) {
		if (g->barred[i].pid == pid) {
			oldest = i;
			break;
		}
		if (g->barred[i].until < g->barred[oldest].until)
			oldest = i;
	}
	g->barred[oldest].pid = pid;
	g->barred[oldest].until = now_ms + GUARD_MS;
}

bool guard_barred(struct guard *g, pid_t pid, int64_t now_ms)
{
	for (size_t i = 0; i < GUARD_MAX; i++) {
		if (g->barred[i].pid == pid && now_ms < g->barred[i].until) {
			g->barred[i].until = now_ms + GUARD_MS;
			return true;
		}
	}
	return false;
}
