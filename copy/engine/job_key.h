/* SPDX-License-Identifier: MIT */
/* One source, one destination, one label: one living copy. The key of a request, and the index of
 * living jobs by it. */
#ifndef EBSFS_JOB_KEY_H
#define EBSFS_JOB_KEY_H

#include "engine.h"

/* The key of a row (request_key.h). The caller's to free; NULL on ENOMEM. */
char *job_key_of(const struct journal_copy *row);
/* The generation of a new request with the key of this row, which no living job has: one more than
 * that of the last one that ended. A living job's own does not count. */
int job_key_generation(const struct copies *c, const struct journal_copy *row);
/* Whether a copy in this state satisfies an equal request: queued, submitting, pending, completed;
 * failed, if nobody knows whether EC2 made it. A dry run never does. */
bool job_key_is_alive(enum copy_state state, const struct journal_copy *row);

/* The living job of a key; NULL. */
struct job *job_key_find(const struct copies *c, const char *key);
/* Enters a living job, and takes out one that is not alive. A second living job of a key (a copy
 * that turned up after it was given up, and was asked for again) gets the label "#ID" instead,
 * which no request has. 0 or -ENOMEM. */
int job_key_update(struct job *job);
void job_key_leave(struct job *job);
/* Makes the token of the row anew, of its key and generation as they are now. The row is to be
 * saved. 0, or -ENOMEM: it has the old one. */
int job_key_renew_token(struct job *job);
/* Whether it is a living copy with such a label: it satisfies a request whose key is free again. */
bool job_key_is_spare(const struct copy *copy);
/* The spare copy takes the key with this label (NULL: none), which no other job has. Its row is to
 * be saved. 0, or -ENOMEM: it is as before. */
int job_key_take(struct job *job, const char *label);

#endif
