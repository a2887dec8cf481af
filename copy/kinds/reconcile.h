/* SPDX-License-Identifier: MIT */
/* What EC2's listings show of copies: our own, and those of others. */
#ifndef EBSFS_RECONCILE_H
#define EBSFS_RECONCILE_H

#include "engine.h"

/* Watches the lane's catalogue from now on, and takes up what it has. 0 or -ENOMEM. */
int observe_lane(struct lane *lane);
/* Frees what is known of others' copies. */
void observe_forget(struct lane *lane);

/* A pending copy of ours: takes over what the catalogue says of it now. */
void observe_entry(struct entry *e);
/* EC2 has just been found to have e: if it was shown before its tags were, it was taken for the
 * copy of another. */
void observe_adopted(struct entry *e);
/* A copy of others is over, in this state. */
void observe_foreign_end(
	struct foreign *f, enum copy_state state, int64_t ended_ms, const char *message);
void observe_foreign_drop(struct foreign *f);

/* Splits a value of the tag ebsfs:source, "region/id". False, and both NULL, if it is none; ENOMEM
 * counts as that. The caller's to free. */
bool observe_source_tag(const char *value, char **region, char **id);

#endif
