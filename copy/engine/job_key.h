/* SPDX-License-Identifier: MIT */
/* The key of a request (source, destination, label), and the index of living jobs by key. At most
 * one job of a key is alive. */
#ifndef EBSFS_JOB_KEY_H
#define EBSFS_JOB_KEY_H

#include "engine.h"

/* The key of a row (request_key.h). The caller frees it; NULL on ENOMEM. */
char *job_key_of(const struct journal_copy *row);
/* Returns the generation for a new request with this row's key: one more than the highest
 * generation that an ended request has spent (request_key_is_spent()). Jobs that have not ended do
 * not count. */
int job_key_generation(const struct copies *c, const struct journal_copy *row);
/* Whether a copy in this state satisfies an equal request: queued, submitting, pending, completed;
 * failed, if nobody knows whether EC2 made it. A dry run never does. */
bool job_key_is_alive(enum copy_state state, const struct journal_copy *row);

/* The living job of a key; NULL. */
struct job *job_key_find(const struct copies *c, const char *key);
/* Adds a living job to the index, and removes a job that is not alive. If another job of the same
 * key is alive (a copy that was given up and requested again appeared after all), this job gets the
 * label "#ID", which no request can have. 0 or -ENOMEM. */
int job_key_update(struct job *job);
void job_key_leave(struct job *job);
/* Replaces the row's token by the token of its present key and generation. The caller saves the
 * row. 0, or -ENOMEM: the token is unchanged. */
int job_key_renew_token(struct job *job);
/* Whether the copy is alive and has a label "#ID": it can satisfy a request of its key once no
 * other living job has that key. */
bool job_key_is_spare(const struct copy *copy);
/* Gives a spare copy's job this label (NULL: none). No other job may have the resulting key. The
 * caller saves the row. 0 or -ENOMEM. */
int job_key_take(struct job *job, const char *label);

#endif
