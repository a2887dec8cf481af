/* SPDX-License-Identifier: MIT */
/* The slots of the catalogues that the mount names: they must keep their meaning. */
#ifndef EBSFS_HELD_SLOTS_H
#define EBSFS_HELD_SLOTS_H

#include <stdint.h>

struct fs;

/* fs->held_slots: one for each shown region. */
struct held_slots {
	struct fs *fs;
	uint32_t region;
};

/* From now on each region's catalogue keeps the slots of the nodes that the kernel has references
 * to, and of those with a draft, a deletion or a change of a tag under way. Call once, with
 * fs->regions and fs->drafts there. */
void held_slots_watch(struct fs *fs);

#endif
