/* SPDX-License-Identifier: MIT */
/* journal.commits: the number of transactions that the journal has on disk, kept beside it. */
#ifndef EBSFS_JOURNAL_COMMITS_H
#define EBSFS_JOURNAL_COMMITS_H

#include <stdbool.h>
#include <stdint.h>

#include "err.h"

/*
 * The journal counts its transactions. After each one is synced, and before its callbacks, the same
 * number is written here; it is synced in the background. A journal with a lower count has lost
 * acknowledged rows. A journal with a higher count was stopped, or lost power, between the two.
 */
struct journal_commits {
	int fd;     /* -1: no file */
	bool known; /* the file exists and is valid */
	uint64_t count;
};

/* Opens the file if there is one. folder: statedir_open(). Returns 0 or -errno with *err. */
int journal_commits_open(
	int folder, const char *path, struct journal_commits *out, struct err *err);
/* Creates the file, or overwrites a damaged one, with a count of 0. Returns 0 or -errno with *err.
 */
int journal_commits_make(int folder, const char *path, struct journal_commits *c, struct err *err);
/* Returns 0 or -errno; -ENOENT: no file. A written count survives the end of the process;
 * journal_commits_sync() makes it survive a power failure. */
int journal_commits_write(struct journal_commits *c, uint64_t count);
void journal_commits_sync(const struct journal_commits *c);
void journal_commits_close(struct journal_commits *c);

#endif
