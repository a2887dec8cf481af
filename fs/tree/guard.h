/* SPDX-License-Identifier: MIT */
/* Knows the processes that walk and remove recursively: a process that was refused one removal gets
 * no other for a while. */
#ifndef EBSFS_GUARD_H
#define EBSFS_GUARD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define GUARD_MS  60000
#define GUARD_MAX 64

struct guard {
	struct {
		pid_t pid;
		int64_t until;
	} barred[GUARD_MAX];
	int64_t all_until; /* a process that found no room may still be walking until then */
};

/* The process that a thread belongs to: FUSE names the thread, and a remover may have many. The
 * thread itself if /proc does not say; 0, which is everybody in another pid name space, is one
 * process. */
pid_t guard_process(pid_t thread);

/* Bars the process for GUARD_MS; now_ms: monotonic. With GUARD_MAX processes barred already, all
 * processes are barred instead: the guard never forgets one. */
void guard_bar(struct guard *g, pid_t pid, int64_t now_ms);

enum guard_verdict {
	GUARD_FREE,
	GUARD_BARRED, /* and barred anew: a walk of an hour stays barred */
	GUARD_FULL,   /* it may be one of those that found no room */
};
enum guard_verdict guard_check(struct guard *g, pid_t pid, int64_t now_ms);

#endif
