/* SPDX-License-Identifier: MIT */
/* journal.commits: how many transactions the journal has on disk, kept beside it. */
#ifndef EBSFS_JOURNAL_COMMITS_H
#define EBSFS_JOURNAL_COMMITS_H

#include <stdbool.h>
#include <stdint.h>

#include "err.h"

/*
 * The journal counts its transactions in itself. After each one that is synced the same number is
 * written here, before anybody is told of it, and synced while others go on. So a journal that
 * counts fewer has lost what somebody was told is safe. One that counts more was stopped, or lost
 * power, between the two.
 */
struct journal_commits {
	int fd;     /* -1: there is no file */
	bool known; /* the file is there and whole */
	uint64_t count;
};

/* Opens the file if there is one. folder: statedir_open(). Returns 0 or -errno with *err. */
int journal_commits_open(
	int folder, const char *path, struct journal_commits *out, struct err *err);
/* Makes it, or makes a damaged one anew, with a count of 0. Returns 0 or -errno with *err. */
int journal_commits_make(int folder, const char *path, struct journal_commits *c, struct err *err);
/* Returns 0 or -errno; -ENOENT: there is no file. Only journal_commits_sync() brings it to the
 * disk; a process that is killed loses nothing that was written. */
int journal_commits_write(struct journal_commits *c, uint64_t count);
void journal_commits_sync(const struct journal_commits *c);
void journal_commits_close(struct journal_commits *c);

#endif
