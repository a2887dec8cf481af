/* SPDX-License-Identifier: MIT */
/* Recognises commands that remove a receipt and write it anew. */
#include "overwrite.h"

#include <string.h>

#include "guard.h"
#include "names.h"

void overwrite_begun(struct overwrite *o, enum overwrite_step step, pid_t thread, uint64_t folder,
	const char *name, int64_t now_ms)
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

bool overwrite_goes_on(const struct overwrite *o, enum overwrite_step step, pid_t thread,
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
