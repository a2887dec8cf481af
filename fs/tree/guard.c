/* SPDX-License-Identifier: MIT */
/* Detects a recursive removal by its process. */
#include "guard.h"

void guard_bar(struct guard *g, pid_t pid, int64_t now_ms)
{
	size_t at = GUARD_MAX;

	for (size_t i = 0; i < GUARD_MAX; i++) {
		if (g->barred[i].pid == pid) {
			at = i;
			break;
		}
		if (g->barred[i].until <= now_ms)
			at = i;
	}
	if (at == GUARD_MAX) {
		g->all_until = now_ms + GUARD_MS;
		return;
	}
	g->barred[at].pid = pid;
	g->barred[at].until = now_ms + GUARD_MS;
}

enum guard_verdict guard_check(struct guard *g, pid_t pid, int64_t now_ms)
{
	for (size_t i = 0; i < GUARD_MAX; i++) {
		if (g->barred[i].pid == pid && now_ms < g->barred[i].until) {
			g->barred[i].until = now_ms + GUARD_MS;
			return GUARD_BARRED;
		}
	}
	return now_ms < g->all_until ? GUARD_FULL : GUARD_FREE;
}
