/* SPDX-License-Identifier: MIT */
/* Records as bytes for a file, in blocks that stand alone, and back. */
#ifndef EBSFS_CATALOGUE_BLOCK_H
#define EBSFS_CATALOGUE_BLOCK_H

#include "buf.h"
#include "records.h"

/* A block holds at most so many records. */
#define IMAGE_RECORDS   2048
/* No block is longer. */
#define IMAGE_BLOCK_MAX ((size_t)4 << 20)

struct image_writer;

struct image_writer *image_writer_create(void); /* NULL on ENOMEM */
void image_writer_destroy(struct image_writer *w);
/* Fills *block (emptied before) with the next records that are shown from *slot on, and moves *slot
 * behind them. Those that another image told of and EC2 did not list since are left out. Returns
 * how many there are in the block, 0 at the end; -ENOMEM. */
int image_write(struct image_writer *w, const struct records *r, uint32_t *slot, struct buf *block);

/* What a record that was read is told of. */
typedef void image_added(void *arg, uint32_t slot);
/* Adds a block's snapshots, marked from_disk, to r. One whose id has a slot already is left out:
 * that was said later. Every length and number is checked; a block that is no block is -EINVAL,
 * which may come after some of it was added. 0, -EINVAL, -ENOMEM. */
int image_read(struct records *r, const void *block, size_t len, image_added *added, void *arg);

#endif
