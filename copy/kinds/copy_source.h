/* SPDX-License-Identifier: MIT */
/* The source of a copy: whether it can be copied now, and waiting until it can. */
#ifndef EBSFS_COPY_SOURCE_H
#define EBSFS_COPY_SOURCE_H

#include "engine.h"

enum copy_source_word {
	SOURCE_READY,
	SOURCE_PENDING,
	SOURCE_UNFIT,   /* EC2 will never copy it: *err says why */
	SOURCE_UNKNOWN, /* the catalogue does not have it */
};
/* What the catalogue says. *slot (NULL is permitted) where it is. */
enum copy_source_word copy_source_word(
	struct region *region, const char *id, catalogue_slot *slot, struct err *err);
/* ENOENT, in words. */
int copy_source_unknown(const char *region, const char *id, struct err *err);

/* Whether the queued copy's source can be copied now. If not, what is needed has been begun (the
 * copy waits for it) or the copy has failed. */
bool copy_source_check(struct job *job);
/* The source is pending: the copy waits in the queue, and the source's region is polled. 0 or
 * -ENOMEM. */
int copy_source_wait(struct job *job);
/* A snapshot that is held was seen, or is gone: copies that wait for it go on. */
void copy_source_seen(struct region_queue *queue, const char *id);

#endif
