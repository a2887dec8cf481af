/* SPDX-License-Identifier: MIT */
/* The journal's schema: checks that a database is a complete journal that this ebsfs may use, and
 * migrates it to the present version. */
#ifndef EBSFS_JOURNAL_SCHEMA_H
#define EBSFS_JOURNAL_SCHEMA_H

#include "journal_db.h"

/* Checks the database without writing to it. account "": unknown. Returns 0, also for an empty
 * database; or -errno with *err: EINVAL if the database is damaged, lacks transactions that
 * *commits counts, is not a journal, or is of a newer version or another account. */
int journal_schema_check(struct journal_db *db, const struct journal_commits *commits,
	const char *account, struct err *err);
/* Extends a message about damage by what the user can do. Returns -err->errnum. */
int journal_schema_damaged(struct err *err);
/* Creates or migrates the tables, and stores the account if it is known. Returns 0 or -errno with
 * *err. */
int journal_schema_migrate(struct journal_db *db, const char *account, struct err *err);

#endif
