/* SPDX-License-Identifier: MIT */
/* Whether a journal is all that it was when it was last written. */
#ifndef EBSFS_JOURNAL_VERIFY_H
#define EBSFS_JOURNAL_VERIFY_H

#include "journal_commits.h"
#include "journal_db.h"

/* Both only read. They return 0 or -errno with *err: -EINVAL is damage, and the message says what,
 * but not what to do. */

/* Before SQLite opens the file at `path`, for it would delete the log of a database that is empty.
 */
int journal_verify_files(
	int folder, const char *path, const struct journal_commits *commits, struct err *err);
/* Every row by its checksum, all of them by their sum, and the number of transactions. has_sums:
 * the version of the tables has them. */
int journal_verify_rows(struct journal_db *db, bool has_sums, const struct journal_commits *commits,
	struct err *err);

#endif
