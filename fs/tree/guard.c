/* SPDX-License-Identifier: MIT */
/* Detects two kinds of command by their process: a recursive removal, and a receipt written anew.
 */
#include "guard.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "cleanup.h"
#include "names.h"

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

/* --- removing and writing anew --- */

void guard_overwrite_begun(struct overwrite *o, enum overwrite_step step, pid_t thread,
	uint64_t folder, const char *name, int64_t now_ms)
{
	unsigned n = o->next;

	if (!thread)
		return;
	o->next = (n + 1) % OVERWRITE_MAX;
	o->steps[n].step = step;
	o->steps[n].process = guard_process(thread);
	o->steps[n].folder = folder;
	o->steps[n].until_ms = now_ms + OVERWRITE_MS;
	names_stem(name, o->steps[n].stem);
}

bool guard_overwrite_goes_on(const struct overwrite *o, enum overwrite_step step, pid_t thread,
	uint64_t folder, const char *name, int64_t now_ms)
{
	char stem[NAME_MAX + 1];

	names_stem(name, stem);
	for (unsigned i = 0; i < OVERWRITE_MAX; i++)
		if (now_ms < o->steps[i].until_ms && step == o->steps[i].step &&
			folder == o->steps[i].folder && !strcmp(stem, o->steps[i].stem) &&
			guard_process(thread) == o->steps[i].process)
			return true;
	return false;
}
