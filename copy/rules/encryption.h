/* SPDX-License-Identifier: MIT */
/* What a copy will be encrypted with: the user guide's table of encryption outcomes. Pure. */
#ifndef EBSFS_ENCRYPTION_H
#define EBSFS_ENCRYPTION_H

#include <stdbool.h>

#include "buf.h"
#include "ec2.h"
#include "journal.h"

/* Encryption by default in a region, as far as EC2 told. */
struct encryption_defaults {
	bool known; /* `on` is */
	bool on;
	char key[EC2_KEY_SIZE]; /* "": not known */
};

/* Appends "no", or "yes" with the key as far as it is known, marked as expected where it depends on
 * the region's settings; nothing if not even that can be said. defaults: the destination's; NULL:
 * not known. Results as buf_add. */
int encryption_expected(const struct journal_copy *row, enum ec2_encryption source,
	const struct encryption_defaults *defaults, struct buf *out);

#endif
