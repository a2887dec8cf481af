/* SPDX-License-Identifier: MIT */
/* The journal's schema: checks that a database is a complete journal that this ebsfs may use, and
 * migrates it to the present version. */
#ifndef EBSFS_JOURNAL_SCHEMA_H
#define EBSFS_JOURNAL_SCHEMA_H

#include "journal_db.h"

/* Reads only. EINVAL with *err if the database is damaged, lacks transactions that *commits counts,
 * is no journal, or is of a newer version or another account. account "": unknown. An empty
 * database passes. */
int journal_schema_check(struct journal_db *db, const struct journal_commits *commits,
	const char *account, struct err *err);
/* Adds what to do to a message about damage. Returns -err->errnum. */
int journal_schema_damaged(struct err *err);
/* Creates or migrates the tables, and stores the account if it is known. Returns 0 or -errno with
 * *err. */
int journal_schema_migrate(struct journal_db *db, const char *account, struct err *err);

#endif
