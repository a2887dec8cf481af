/* SPDX-License-Identifier: MIT */
/* Knows the processes that walk and remove recursively: who was refused one removal gets no other
 * for a while. */
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
};

/* The process that a thread belongs to: FUSE names the thread, and a remover may have many. The
 * thread itself if /proc does not say; 0, which is everybody in another pid name space, is one
 * process. */
pid_t guard_process(pid_t thread);

/* now_ms: monotonic. With GUARD_MAX processes barred at once, the one barred longest ago makes
 * room. */
void guard_bar(struct guard *g, pid_t pid, int64_t now_ms);
/* Being asked while barred bars anew: a walk of an hour stays barred. */
bool guard_barred(struct guard *g, pid_t pid, int64_t now_ms);

#endif
