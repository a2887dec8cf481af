/* SPDX-License-Identifier: MIT */
/* Records as bytes for a file, in blocks that stand alone, and back. */
#ifndef EBSFS_CATALOGUE_BLOCK_H
#define EBSFS_CATALOGUE_BLOCK_H

#include "buf.h"
#include "records.h"

/* A block holds at most so many records. */
#define CATALOGUE_BLOCK_RECORDS 2048
/* No block is longer. */
#define CATALOGUE_BLOCK_MAX     ((size_t)4 << 20)

struct catalogue_block_writer;

struct catalogue_block_writer *catalogue_block_writer_create(void); /* NULL on ENOMEM */
void catalogue_block_writer_destroy(struct catalogue_block_writer *w);
/* Fills *block (emptied before) with the next records that are shown from *slot on, and moves *slot
 * behind them. Those that another image told of and EC2 did not list since are left out. Returns
 * how many there are in the block, 0 at the end; -ENOMEM. */
int catalogue_block_write(struct catalogue_block_writer *w, const struct records *r, uint32_t *slot,
	struct buf *block);

/* What a record that was read is told of. */
typedef void catalogue_block_added(void *arg, uint32_t slot);
/* Adds a block's snapshots, marked from_disk, to r. One whose id has a slot already is left out:
 * that was said later. Every length and number is checked; a block that is no block is -EINVAL,
 * which may come after some of it was added. 0, -EINVAL, -ENOMEM. */
int catalogue_block_read(
	struct records *r, const void *block, size_t len, catalogue_block_added *added, void *arg);

#endif
