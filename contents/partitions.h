/* SPDX-License-Identifier: MIT */
/* Partition tables: MBR with logical partitions, GPT, and disks without a table. */
#ifndef EBSFS_PARTITIONS_H
#define EBSFS_PARTITIONS_H

#include "err.h"
#include "reader_protocol.h"
#include "sectors.h"

/* Fills the table and list[0..table->count), which has room for READER_PARTITIONS_MAX, all zero,
 * with what the whole disk `disk` holds. Numbers as the kernel gives them; a disk without a table
 * is one entry with the number 0. Returns 0 or -errno with the reason in *e. */
int partitions_read(struct sectors *disk, struct reader_table *table, struct reader_partition *list,
	struct err *e);

#endif
