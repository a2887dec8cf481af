/* SPDX-License-Identifier: MIT */
/* The texts of a job: in its row, in its status, for its watchers, in the log. */
#ifndef EBSFS_JOB_TEXT_H
#define EBSFS_JOB_TEXT_H

#include "engine.h"

/* Tells the watchers that something else than the state changed. */
void job_changed(struct job *job);
void job_tell(struct copies *c, const struct copy *copy); /* the same for any copy */

/* The row's texts and the reason. A text without memory for it is left out: it is for people. */
void job_note(struct job *job, const char *code, const char *message,
	const char *request_id);                            /* NULL: none */
void job_set_message(struct job *job, const char *message); /* of these only that */
void job_reason(struct job *job, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void job_no_reason(struct job *job); /* the queue's, if it is queued */
/* Every end of a job is one line in the log. */
void job_log_end(const struct job *job);

#endif
