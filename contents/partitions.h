/* SPDX-License-Identifier: MIT */
/* Partition tables: MBR with logical partitions, GPT, and disks without a table. */
#ifndef EBSFS_PARTITIONS_H
#define EBSFS_PARTITIONS_H

#include "err.h"
#include "reader_protocol.h"
#include "sectors.h"

/* Reads the partition table of the whole disk `disk` into the table and list[0..table->count),
 * which has room for READER_PARTITIONS_MAX and must be all zero. Partitions have the kernel's
 * numbers; a disk without a table is one entry with the number 0. Returns 0 or -errno with the
 * reason in *e. */
int partitions_read(struct sectors *disk, struct reader_table *table, struct reader_partition *list,
	struct err *e);

#endif
