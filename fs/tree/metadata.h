/* SPDX-License-Identifier: MIT */
/* EC2's record of a snapshot as JSON: metadata.json, and a line of list.json. */
#ifndef EBSFS_METADATA_H
#define EBSFS_METADATA_H

#include "buf.h"
#include "catalogue.h"

enum metadata_form {
	METADATA_LINES, /* each member on its own line */
	METADATA_LINE,  /* all members on one line */
};

/* Appends the record with a newline at its end. Results as buf_add; -ENOENT: no such slot. */
int metadata_json(
	struct buf *out, const struct catalogue *c, catalogue_slot slot, enum metadata_form form);

#endif
