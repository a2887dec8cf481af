/* SPDX-License-Identifier: MIT */
/* A job: one request for a copy, from its first row to its end. job.c is the only writer of a job's
 * state and phase; the table there has every transition. */
#ifndef EBSFS_JOB_H
#define EBSFS_JOB_H

#include "engine.h"

enum job_event {
	JOB_NOTHING,

	/* from a start */
	JOB_RESUMED, /* all rows were read: go on */

	/* from the journal, about the row that is awaited */
	JOB_ROW_WRITTEN, /* it is durable */
	JOB_ROW_FAILED,  /* err */

	/* from the queue and the source */
	JOB_TURN,     /* a slot is free, and the source can be copied */
	JOB_CHECKING, /* EC2 is asked about the source */
	JOB_CHECKED,  /* it has answered; or err: it could not be asked */

	/* from the request */
	JOB_ACCEPTED,       /* id; request_id, or NULL: found after its response was lost */
	JOB_DRY_RUN_PASSED, /* message */
	JOB_OVER_LIMIT,     /* err: too many are in progress */
	JOB_NOT_READY,      /* err: the source is still pending */
	JOB_DEFERRED,       /* err: about the network, the rate, the credentials, memory */
	JOB_REFUSED,        /* err: about this request; also from the source and the search */
	JOB_LOST,           /* err: sent, and no response came */
	JOB_NOT_MADE,       /* EC2 surely did not carry it out, and it is to be sent again; of a
			       request that was lost with err */

	/* from the poller and the listings */
	JOB_COMPLETED, /* ended_ms; of a deleted copy nothing: it is there again */
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

/* The one way to change a job's state. news: NULL if the event brings nothing. The job may be gone
 * after JOB_ROW_FAILED, and after no other event. Not to be called from within itself: all that an
 * event causes in other files comes back later, from the loop. The callers that wait for the
 * outcome are called last. */
void job_event(struct job *job, enum job_event event, const struct job_news *news);

/* How a new job begins. */
struct job_start {
	enum copy_state state; /* queued; submitting: it is sent at once; failed: refused; pending,
				  completed: nothing is to be sent */
	const struct journal_receipt *receipt; /* journalled with it; NULL: none */
	copies_done *done;
	void *done_arg;
	const struct err *refusal; /* failed: why */
};
/* Makes a job of the row and begins to write it; takes the row's strings in every case. NULL on
 * ENOMEM: nothing has happened, and done is not called. */
struct job *job_admit(struct copies *c, const struct job_kind *kind, struct journal_copy *row,
	const struct job_start *start);
/* A job for a row of the journal: its state is the row's, its phase PHASE_LOADED. Results as
 * job_admit(). */
struct job *job_load(struct copies *c, const struct job_kind *kind, struct journal_copy *row,
	enum copy_state state);
/* The same for an ended one that is only looked at: PHASE_REST. */
struct job *job_recall(struct copies *c, const struct job_kind *kind, struct journal_copy *row,
	enum copy_state state);
/* Forgets and frees it; writes under way go on. NULL is permitted. */
void job_destroy(struct job *job);
/* Whether id names the job's source. No response makes that a copy: with mv it would be deleted. */
bool job_is_source(const struct job *job, const char *id);
/* Whether EC2's records of a pending job are events. */
bool job_is_watched(const struct job *job);
/* Whether nothing is under way for an ended job, and nothing owed. */
bool job_is_idle(const struct job *job);

/* Something has ended: it goes into the history by and by. */
void job_expire_soon(struct copies *c);

/* Whether a caller that asked for it waits for its outcome, or ought to: it is not accepted yet. */
bool job_is_undecided(const struct job *job);
/* Another caller waits for the outcome of a job that is not decided yet, or is being submitted.
 * asks: it asked for the copy. 0 or -ENOMEM. */
int job_wait(struct job *job, bool asks, copies_done *done, void *arg);

/* Writes the row as it is now, again until it is durable. */
void job_save(struct job *job);
/* The same, and done hears of this write: err if it failed. Not called after -ENOMEM. */
int job_save_then(struct job *job, copies_done *done, void *arg);
int job_init(struct copies *c); /* 0 or -ENOMEM */
/* The journal is closed before the loop turns: it calls none of its writers back. */
void job_finish(struct copies *c);

/* --- region_queue.c: what a job shows --- */

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
