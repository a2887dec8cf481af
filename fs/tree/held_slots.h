/* SPDX-License-Identifier: MIT */
/* The slots of the catalogues that nodes of the mount refer to: such a slot must not get another
 * snapshot. */
#ifndef EBSFS_HELD_SLOTS_H
#define EBSFS_HELD_SLOTS_H

#include <stdint.h>

struct fs;

/* One element of fs->held_slots, for one shown region. */
struct held_slots {
	struct fs *fs;
	uint32_t region;
};

/* From now on each region's catalogue keeps the slots of nodes that the kernel has references to,
 * and of nodes with a draft, a deletion or a change of a tag in progress. Call once, after
 * fs->regions and fs->drafts are set. */
void held_slots_watch(struct fs *fs);

#endif
