/* SPDX-License-Identifier: MIT */
/* Recognises commands that remove a receipt and write it anew, which would copy a second time. */
#ifndef EBSFS_OVERWRITE_H
#define EBSFS_OVERWRITE_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Longer than between two system calls of one command; shorter than between two commands. */
#define OVERWRITE_MS  5000
#define OVERWRITE_MAX 32

/* The first of the two steps. */
enum overwrite_step {
	OVERWRITE_REFUSED, /* `cp -f` was refused to write the receipt: now it would remove it */
	OVERWRITE_REMOVED, /* `install` has removed it: now it would write it */
};

struct overwrite {
	struct {
		enum overwrite_step step;
		pid_t process;
		uint64_t folder;
		int64_t until_ms;
		char stem[NAME_MAX + 1];
	} steps[OVERWRITE_MAX];
	unsigned next;
};

/* Notes that a thread's process has made the first step, with the receipt `name` in the folder
 * (node number). now_ms: monotonic. Thread 0 is a process of another pid name space: ignored. */
void overwrite_begun(struct overwrite *o, enum overwrite_step step, pid_t thread, uint64_t folder,
	const char *name, int64_t now_ms);
/* Whether the same process has made this first step with that name less than OVERWRITE_MS ago. */
bool overwrite_goes_on(const struct overwrite *o, enum overwrite_step step, pid_t thread,
	uint64_t folder, const char *name, int64_t now_ms);

#endif
