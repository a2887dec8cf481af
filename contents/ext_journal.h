/* SPDX-License-Identifier: MIT */
/* Replays the journal of ext3 and ext4 (jbd2) as a map: for each changed block, the block of the
 * journal that has its contents. */
#ifndef EBSFS_EXT_JOURNAL_H
#define EBSFS_EXT_JOURNAL_H

#define EXT_JOURNAL_MAGIC 0xc03b3998u

struct ext;

/* Fills ext->io.journaled from the journal of the opened file system, and writes base.note. Returns
 * 0, or -errno with the reason in base.reason. */
int ext_journal_replay(struct ext *ext);

#endif
