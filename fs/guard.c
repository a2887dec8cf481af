/* SPDX-License-Identifier: MIT */
/* Knows the processes that walk and remove recursively. */
#include "guard.h"

#include <stddef.h>

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
