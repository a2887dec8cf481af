/* SPDX-License-Identifier: MIT */
/* A job: one request for a copy, from its first row to its end. job.c is the only writer of a job's
 * state and phase; the table there has every transition. */
#ifndef EBSFS_JOB_H
#define EBSFS_JOB_H

#include "engine.h"

enum job_event {
	JOB_NOTHING,

	/* from a start */
	JOB_RESUMED, /* all rows of the journal were read: continue the job */

	/* from the journal, about the row that is awaited */
	JOB_ROW_WRITTEN, /* it is durable */
	JOB_ROW_FAILED,  /* err */

	/* from the queue and the source */
	JOB_TURN,     /* a slot is free, and the source can be copied */
	JOB_CHECKING, /* a request about the source was sent to EC2 */
	JOB_CHECKED,  /* EC2 answered the request about the source; err: it failed */

	/* from the request */
	JOB_ACCEPTED,       /* id; request_id, or NULL: found after its response was lost */
	JOB_DRY_RUN_PASSED, /* message */
	JOB_OVER_LIMIT,     /* err: EC2 refused, too many copies are in progress */
	JOB_NOT_READY,      /* err: the source is still pending */
	JOB_DEFERRED,       /* err: network, rate, credentials or memory; to be retried */
	JOB_REFUSED,        /* err: about this request, its source, or the search for its copy */
	JOB_LOST,           /* err: sent, and no response came */
	JOB_NOT_MADE, /* EC2 did not carry out the lost request: send it again. err: why it was lost
		       */

	/* from the poller and the listings */
	JOB_COMPLETED, /* ended_ms; without news: a deleted copy's snapshot exists again */
	JOB_ERROR,     /* ended_ms, message */
	JOB_GONE,      /* ended_ms, message */

	/* from the user */
	JOB_CANCELLED,
};

/* The details of an event; borrowed for the call. */
struct job_news {
	const struct err *err;
	const char *id, *request_id, *message;
	int64_t ended_ms; /* wall clock */
};

/* Changes the job's state and phase by the table in job.c; nothing else changes them. news: NULL if
 * the event has no details. Frees the job on some JOB_ROW_FAILED events, and on no other event.
 * Must not be called recursively: files that handle an event's effects report back later, from the
 * loop. Calls the callers that wait for the outcome last. */
void job_event(struct job *job, enum job_event event, const struct job_news *news);

/* How a new job begins. */
struct job_start {
	enum copy_state state; /* queued; submitting: send it at once; failed: refused; pending,
				  completed: another ebsfs made the copy, so nothing is sent */
	const struct journal_receipt *receipt; /* journalled with it; NULL: none */
	copies_done *done;
	void *done_arg;
	const struct err *refusal; /* failed: why */
};
/* Creates a job from the row and starts to write the row to the journal. Takes ownership of the
 * row's strings, also on failure. NULL on ENOMEM: nothing is written, and done is not called. */
struct job *job_admit(struct copies *c, const struct job_kind *kind, struct journal_copy *row,
	const struct job_start *start);
/* Creates a job from a row that was read from the journal, in this state and PHASE_LOADED.
 * Ownership and result as for job_admit(). */
struct job *job_load(struct copies *c, const struct job_kind *kind, struct journal_copy *row,
	enum copy_state state);
/* The same for an ended copy that is only looked up, in PHASE_REST. */
struct job *job_recall(struct copies *c, const struct job_kind *kind, struct journal_copy *row,
	enum copy_state state);
/* Removes the job from all lists and frees it; writes in flight continue. NULL is permitted. */
void job_destroy(struct job *job);
/* Whether `id` is the job's source. A response that names the source as the new copy must be
 * ignored; otherwise mv would delete the source. */
bool job_is_source(const struct job *job, const char *id);
/* Whether EC2's records of the job's copy are to be reported as events: the job is pending and its
 * first row is written. */
bool job_is_watched(const struct job *job);
/* Whether an ended job has nothing in flight and nothing left to do (such as running the user's
 * command). */
bool job_is_idle(const struct job *job);

/* A job has ended: schedules the move of old ended jobs into the history. */
void job_expire_soon(struct copies *c);

/* Whether the job's request is not accepted or refused yet, or a caller that requested it is still
 * waiting. */
bool job_is_undecided(const struct job *job);
/* Adds a caller that waits for the outcome of a job that is undecided (job_is_undecided()) or
 * submitting. asks: the caller requested the copy. 0 or -ENOMEM. */
int job_wait(struct job *job, bool asks, copies_done *done, void *arg);

/* Writes the row as it is now, and retries until the row is durable. */
void job_save(struct job *job);
/* The same; calls done when this write ends, with err if it failed. 0 or -ENOMEM: done is not
 * called. */
int job_save_then(struct job *job, copies_done *done, void *arg);
int job_init(struct copies *c); /* 0 or -ENOMEM */
/* Frees the pending writes. The caller closes the journal before the next loop iteration, so that
 * the journal calls none of their callbacks. */
void job_finish(struct copies *c);

/* --- region_queue.c: what a job shows --- */

/* Calls the watchers (copies_watch()) after a change other than of the state. */
void job_changed(struct job *job);
void job_tell(struct copies *c, const struct copy *copy); /* the same for any copy */

/* Set the row's code, message and request_id, and the job's reason. Without memory a text is left
 * out, because programs do not depend on it. */
void job_note(struct job *job, const char *code, const char *message,
	const char *request_id);                            /* NULL: none */
void job_set_message(struct job *job, const char *message); /* only the message */
void job_reason(struct job *job, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void job_no_reason(struct job *job); /* back to the queue's reason, if the job is queued */
/* Logs the end of a job, in one line. */
void job_log_end(const struct job *job);

#endif
