/* SPDX-License-Identifier: MIT */
/* What EC2's listings show of copies: our own, and those of others. */
#ifndef EBSFS_RECONCILE_H
#define EBSFS_RECONCILE_H

#include "engine.h"

/* Watches the queue's catalogue from now on, and takes up what it has. 0 or -ENOMEM. */
int reconcile_lane(struct region_queue *queue);
/* Frees what is known of others' copies. */
void reconcile_forget(struct region_queue *queue);

/* A pending copy of ours: takes over what the catalogue says of it now. */
void reconcile_entry(struct job *job);
/* EC2 has just been found to have job: if it was shown before its tags were, it was taken for the
 * copy of another. */
void reconcile_adopted(struct job *job);
/* A copy of others is over, in this state. */
void reconcile_foreign_end(
	struct foreign *f, enum copy_state state, int64_t ended_ms, const char *message);
void reconcile_foreign_drop(struct foreign *f);

/* Splits a value of the tag ebsfs:source, "region/id". False, and both NULL, if it is none; ENOMEM
 * counts as that. The caller's to free. */
bool reconcile_source_tag(const char *value, char **region, char **id);

#endif
