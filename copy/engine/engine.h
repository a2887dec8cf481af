/* SPDX-License-Identifier: MIT */
/* The structures that the engine's files share: a job for each request, a queue for each region.
 * Nothing outside copy/ includes this header. */
#ifndef EBSFS_ENGINE_H
#define EBSFS_ENGINE_H

#include <utlist.h>

#include "copies.h"
#include "hash.h"
#include "history.h"
#include "job_kind.h"
#include "loop.h"
#include "timing.h"
#include "waiters.h"
#include "watchers.h"

/* EC2 was seen to hide a new snapshot for up to 132 s (coldsnap, upload.rs). */
#define WINDOW_MS 150000
#define ANSWER_MS 45000
#define RETRY_MS  1000

/* The operation under way for a job, beside its state. job.c has the table of both. */
enum phase {
	PHASE_REST,      /* nothing: it waits in the queue, EC2 works on it, or it has ended */
	PHASE_LOADED,    /* its row was read from the journal; JOB_RESUMED follows */
	PHASE_ADMITTING, /* its first row is being written, with its receipt */
	PHASE_CHECKING,  /* queued: a request to EC2 about its source is in flight */
	PHASE_RECORDING, /* its row is being written; the next step waits for the write */
	PHASE_SENDING,   /* submitting: the request is in flight */
	PHASE_SEARCHING, /* submitting: no response came; ebsfs searches EC2 for the copy */
};

struct job;
struct region_queue;
struct save; /* one write of a row (job.c) */

/* A caller that waits for a job's outcome. */
struct caller {
	struct waiter base;
	copies_done *done;
	void *arg;
	bool asks; /* the caller requested the copy; false: it only changes the copy (tags) */
};

/* Needed only while a job is active. */
struct work {
	struct job *job;
	char *reason;      /* why this job waits; NULL: the queue's reason holds */
	int64_t retry_at;  /* monotonic: not sent before this time; 0: no limit */
	unsigned failures; /* in a row */

	struct waiters callers;      /* struct caller: waiting for the outcome */
	struct loop_timer *patience; /* ends the callers' wait for a lost response */
	struct err *refusal; /* the callers' error, reported once the failed row is durable */

	/* queued: monotonic, end of the hold (region_queue_hold()), when the job is cancelled
	 * (`cancels`) or may be sent; 0: not held */
	int64_t held_until;
	bool cancels;
	int64_t describe_until; /* monotonic: latest end of its wait for a description; 0: none */

	int64_t none_at; /* queued: monotonic, when EC2 last showed no copy of others; 0 */
	struct region_queue *source;  /* the queue whose poller watches the pending source; NULL */
	struct region_waiter *waiter; /* PHASE_CHECKING */
	struct aws_call *call;        /* PHASE_SENDING */

	int64_t lost_at; /* monotonic: when EC2's response failed to come; 0 */
	unsigned searches;

	int64_t accepted_at; /* pending: monotonic, since when its id is known here */
	int64_t answered_at; /* monotonic: the last poll that asked for it and succeeded */
	unsigned absences;   /* successful polls in a row whose response lacked it */

	UT_hash_handle hh; /* copies.tokens, by the row's token */
};

struct job {
	struct copy pub; /* the first member: a job is its copy */
	struct copies *all;
	const struct job_kind *kind;
	enum phase phase;
	struct region_queue *queue; /* the destination's */
	struct work *work;          /* NULL once ended, unless its token may still appear in EC2 */
	struct job *prev, *next;    /* queue.waiting or queue.running; copies.recalled */
	unsigned place;             /* in queue.waiting, while queue.numbered */
	bool moving;                /* the deletion of its source is in flight */
	bool recalled;              /* made from the history; freed in the next loop iteration */
	bool in_event;              /* job_event() is running for this job (no recursion) */
	char *key; /* its request's key while the copy is alive (job_key.c); NULL */

	/* The journal's row. */
	unsigned saves;       /* writes under way */
	struct save *awaited; /* the write whose outcome becomes an event; NULL: none */
	bool unput;           /* the awaited write could not be started (no memory) */
	bool dirty;           /* the row on disk is outdated and must be written again */

	UT_hash_handle hh;     /* copies.rows, by row id */
	UT_hash_handle hh_id;  /* queue.ids, by row.copy_id */
	UT_hash_handle hh_key; /* copies.keys, by key */
};

/* A copy in progress that was not asked for through this mount. */
struct foreign {
	struct copy pub; /* the first member */
	struct region_queue *queue;
	int64_t answered_at;
	unsigned absences;
	UT_hash_handle hh; /* queue.foreign, by row.copy_id */
};

/* A pending snapshot that a reader of its status or .wait, or a queued job, waits for. */
struct held {
	char *id;
	unsigned holds; /* 0: only a glance */
	bool glance;    /* a single reader: one response is enough */
	int64_t since, answered_at;
	unsigned absences;
	UT_hash_handle hh; /* queue.held */
};

/* The state of a region's poller (poller.c). */
struct poller {
	struct loop_timer *timer;
	bool busy;              /* a poll is under way */
	int64_t began_at;       /* monotonic: the latest poll; 0: none yet */
	int64_t listed_at;      /* the latest poll that listed all pending snapshots; 0 */
	bool listing;           /* the poll under way lists all pending snapshots */
	bool urgent;            /* a user is reading a status: poll soon */
	unsigned since_listing; /* polls since the last listing */
	int64_t due_at;         /* while the timer is armed */
	unsigned failures;      /* in a row */
	int64_t backoff_ms;
	const char **ids; /* that the poll under way asks for; array and strings are owned */
	bool *answered;   /* for each of `ids`: whether the response had it; owned */
	size_t n_ids;
};

/*
 * How many copies a region takes at once: learned from EC2's refusals (region_queue.c).
 * Open: copies are sent while our count of copies in progress is below the limit. As long as EC2
 * has not named the limit, one more copy is sent when the count has reached it, because EC2's
 * refusal names the limit. Held: EC2 refused although our count is below the limit, so EC2 counts
 * copies that we do not see. Then each copy that ends admits one, and so does the end of each
 * pause; the pauses grow. The limit opens again when our count has reached it.
 */
struct concurrency_limit {
	unsigned limit;
	bool learned; /* EC2 named the limit, at learned_at */
	int64_t learned_at;
	bool held;
	unsigned grants;  /* held: copies that ended since the refusal, minus copies sent since */
	int64_t grant_at; /* held: when the pause ends and admits one copy */
	int64_t pause_ms;
	unsigned refusals; /* while held; 1 after an acceptance */
	int64_t first_ms;  /* the shortest pause; the longest is 15 times that */
	unsigned accepted; /* copies that EC2 accepted while it had not named the limit */
};

struct region_queue {
	struct copies *all;
	const struct job_kind *kind;
	struct region *region;
	const char *name;    /* the region's */
	char *key;           /* the kind's name and the region's */
	struct job *waiting; /* queued, by row id */
	struct job *running; /* submitting and pending, in no order */
	unsigned n_waiting;
	unsigned submitting, pending, foreigners; /* jobs that take a slot; dry runs take none */
	struct concurrency_limit limit;
	bool numbered; /* each job in `waiting` knows its place */
	bool unlisted; /* after a start: nothing is sent until EC2 has listed the copies in
			  progress, or the listing has failed */
	bool blocked;  /* the first of `waiting` waits for a slot */
	struct loop_timer *pump;
	unsigned failures;   /* requests in a row that failed for a reason other than the request
				itself (network, rate, credentials) */
	int64_t pause_until; /* monotonic: nothing is sent before this time; 0: no pause */
	char reason[200];
	struct job *ids;
	struct foreign *foreign;
	struct held *held;
	struct poller poller;
	void *kind_region; /* the kind's own data for this region */
	struct dry_run *dry_runs;
	bool heeds_dry_run; /* the endpoint obeyed a dry run that the user asked for */
	bool copies_dry;    /* the endpoint ignored DryRun: no more automatic dry runs */
	uint64_t polls, poll_failures, refusals, lost_answers;
	UT_hash_handle hh; /* copies.queues, by key */
};

struct copies {
	struct copies_options options;       /* its strings are owned */
	const struct job_kind *const *kinds; /* by enum request_kind; NULL-terminated */
	struct job *rows;                    /* active, lately ended, and made from the history */
	struct work *tokens;
	struct job *keys; /* one for each request that has a living copy */
	struct region_queue *queues;
	struct history *history; /* copies that ended long ago, compact */
	struct job *recalled; /* jobs made from the history for a lookup; freed by recall_timer */
	struct timing *timing;
	struct watchers watchers;     /* copies_watch_fn */
	struct admission *admissions; /* requests that have no row yet */
	struct deletion *deletions;   /* being journalled */
	struct confirm *confirms;
	struct amend *amends;
	struct move_cleanup *cleanups;
	struct waiters replies; /* struct reply: calls of done that the loop makes (recover.h) */
	struct loop_timer *reply_timer, *save_timer, *expire_timer, *recall_timer;
	struct save *saves; /* writes under way */
	unsigned save_failures;
	struct on_end *on_end;
};

static inline struct job *job_of(struct copy *copy)
{
	return (struct job *)copy;
}

#endif
