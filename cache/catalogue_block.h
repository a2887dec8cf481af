/* SPDX-License-Identifier: MIT */
/* The file format of a catalogue: blocks of records, each independent of the others. */
#ifndef EBSFS_CATALOGUE_BLOCK_H
#define EBSFS_CATALOGUE_BLOCK_H

#include "buf.h"
#include "records.h"
#include "slot_set.h"

/* Records per block, at most. */
#define CATALOGUE_BLOCK_RECORDS 1024
/* Bytes per block, at most. */
#define CATALOGUE_BLOCK_MAX     ((size_t)2 << 20)

struct catalogue_block_writer;

struct catalogue_block_writer *catalogue_block_writer_create(void); /* NULL on ENOMEM */
void catalogue_block_writer_destroy(struct catalogue_block_writer *w);
/* Replaces the content of *block with the next visible records from *slot on, and moves *slot past
 * them. Records that came from disk, are not listed, and that EC2 has not described since are left
 * out. Returns the number of records in the block, 0 at the end; -ENOMEM. */
int catalogue_block_write(struct catalogue_block_writer *w, const struct records *r,
	const struct slot_set *listed, uint32_t *slot, struct buf *block);

/* Called for each record that was added. */
typedef void catalogue_block_added(void *arg, uint32_t slot, bool listed);
/* Adds a block's snapshots, marked from_disk, to r. A snapshot that has a slot already is skipped:
 * the catalogue's description is newer. Every length and number is checked; a malformed block is
 * -EINVAL, possibly after some of its records were added. Returns 0, -EINVAL or -ENOMEM. */
int catalogue_block_read(
	struct records *r, const void *block, size_t len, catalogue_block_added *added, void *arg);

#endif
