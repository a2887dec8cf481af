/* SPDX-License-Identifier: MIT */
/* Recognises a command that removes recursively, by its process. */
#ifndef EBSFS_GUARD_H
#define EBSFS_GUARD_H

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
	int64_t all_until; /* the table was full: all processes are barred until this time */
};

/* Bars the process for GUARD_MS; now_ms is monotonic. If GUARD_MAX processes are barred already,
 * bars all processes, so that none of them is forgotten. */
void guard_bar(struct guard *g, pid_t pid, int64_t now_ms);

enum guard_verdict {
	GUARD_FREE,
	GUARD_BARRED, /* barred; the time begins again, so that a recursive command that takes an
		       * hour stays barred */
	GUARD_FULL,   /* the table was full, so this process may be one of the barred ones */
};
enum guard_verdict guard_check(struct guard *g, pid_t pid, int64_t now_ms);

#endif
