/* SPDX-License-Identifier: MIT */
/* Detects two kinds of command by their process: one that removes recursively, and one that removes
 * a receipt and writes it anew, which would copy a second time. */
#ifndef EBSFS_GUARD_H
#define EBSFS_GUARD_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* A process that was refused one removal is refused all others for GUARD_MS. */
#define GUARD_MS  60000
#define GUARD_MAX 64

struct guard {
	struct {
		pid_t pid;
		int64_t until;
	} barred[GUARD_MAX];
	int64_t all_until; /* the table was full: every process is barred until then */
};

/* Returns the process of a thread: FUSE passes the thread, and a removing command may have many.
 * Returns the thread itself if /proc does not show it. Thread 0, any process in another pid name
 * space, counts as one process. */
pid_t guard_process(pid_t thread);

/* Bars the process for GUARD_MS; now_ms is monotonic. If GUARD_MAX processes are barred already,
 * bars all processes instead of forgetting one. */
void guard_bar(struct guard *g, pid_t pid, int64_t now_ms);

enum guard_verdict {
	GUARD_FREE,
	GUARD_BARRED, /* and its time starts again, so that a walk of an hour stays barred */
	GUARD_FULL,   /* the table was full, so this process may be one of the barred */
};
enum guard_verdict guard_check(struct guard *g, pid_t pid, int64_t now_ms);

/* --- removing and writing anew --- */

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
void guard_overwrite_begun(struct overwrite *o, enum overwrite_step step, pid_t thread,
	uint64_t folder, const char *name, int64_t now_ms);
/* Whether the same process has made this first step with that name less than OVERWRITE_MS ago. */
bool guard_overwrite_goes_on(const struct overwrite *o, enum overwrite_step step, pid_t thread,
	uint64_t folder, const char *name, int64_t now_ms);

#endif
