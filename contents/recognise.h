/* SPDX-License-Identifier: MIT */
/* Recognises the contents of a partition by the magic numbers in its first bytes. */
#ifndef EBSFS_RECOGNISE_H
#define EBSFS_RECOGNISE_H

#include <stdbool.h>

#include "reader_protocol.h"
#include "sectors.h"

enum recognised {
	RECOGNISED_NOTHING,
	RECOGNISED_OTHER, /* known, but ebsfs-reader cannot read it */
	RECOGNISED_EXT,
	RECOGNISED_XFS,
	RECOGNISED_FAT,
};

#define RECOGNISE_LENGTH (68u << 10) /* first bytes of a partition that are examined */

/* Fills in content, label, readable and note for the partition at `start`. NULL for `out` is
 * permitted. Returns an enum recognised, or -errno if the bytes cannot be read. */
int recognise(struct sectors *disk, uint64_t start, uint64_t size, struct reader_partition *out);

/* Returns "ext2", "ext3" or "ext4", by the superblock's features. */
const char *recognise_ext(uint32_t compatible, uint32_t incompatible, uint32_t read_only);

#endif
