/* SPDX-License-Identifier: MIT */
/* The journal's schema: whether a file is a journal that this ebsfs may use, and its way to the
 * present version. */
#ifndef EBSFS_JOURNAL_SCHEMA_H
#define EBSFS_JOURNAL_SCHEMA_H

#include "journal_db.h"

/* Reads only. EINVAL with *err for what is damaged or lacks what *commits counts, no journal, of a
 * newer version, or another account's; account "": unknown. An empty file is well. */
int journal_schema_check(struct journal_db *db, const struct journal_commits *commits,
	const char *account, struct err *err);
/* Adds to the message of damage what to do. Returns -err->errnum. */
int journal_schema_damaged(struct err *err);
/* Makes the tables or brings them up to date, and keeps the account if it is known. Return 0 or
 * -errno with *err. */
int journal_schema_migrate(struct journal_db *db, const char *account, struct err *err);

#endif
