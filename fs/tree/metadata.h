/* SPDX-License-Identifier: MIT */
/* metadata.json: a snapshot as `aws ec2 describe-snapshots` shows it. */
#ifndef EBSFS_METADATA_H
#define EBSFS_METADATA_H

#include "buf.h"
#include "catalogue.h"

/* Appends one JSON object with every field that EC2 gave, under EC2's names. Results as buf_add. */
int metadata_format(struct buf *out, const struct catalogue *c, catalogue_slot slot);

#endif
