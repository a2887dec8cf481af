/* SPDX-License-Identifier: MIT */
/* The description that a copy gets if its request names none. Pure. */
#ifndef EBSFS_COPY_DESCRIPTION_H
#define EBSFS_COPY_DESCRIPTION_H

#include "catalogue.h"
#include "journal.h"

#define COPY_DESCRIPTION_MAX 255 /* characters; CopySnapshot, Description */

/* source: EC2's record of the row's source. account: NULL or "" if unknown. The caller's to free;
 * NULL on ENOMEM. */
char *copy_description_default(const char *account, const struct journal_copy *row,
	const struct catalogue_snapshot *source);

#endif
