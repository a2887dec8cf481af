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
	PHASE_CHECKING,  /* queued: EC2 is asked about its source */
	PHASE_RECORDING, /* its row is being written, and the next step waits for that */
	PHASE_SENDING,   /* submitting: the request is in flight */
	PHASE_SEARCHING, /* submitting: no response came; its copy is looked for in EC2 */
};

struct job;
struct region_queue;
struct save; /* one write of a row (job.c) */

/* A caller that waits for a job's outcome. */
struct caller {
	struct waiter base;
	copies_done *done;
	void *arg;
	bool asks; /* it asked for the copy, and is told an error if there is none */
};

/* Needed only while a job is active. */
struct work {
	struct job *job;
	char *reason;      /* this job's own; NULL: the queue's */
	int64_t retry_at;  /* monotonic: not to be sent before; 0 */
	unsigned failures; /* in a row */

	struct waiters callers;      /* those that wait for the outcome */
	struct loop_timer *patience; /* how long they wait for a lost response */
	struct err *refusal;         /* their error, once the row that says so is durable */

	/* queued: monotonic, not to be sent before; then it is cancelled, or has its turn. 0: not
	 * held (region_queue_hold()) */
	int64_t held_until;
	bool cancels;
	int64_t describe_until; /* monotonic: it waits for a description until then at most; 0 */

	int64_t none_at; /* queued: monotonic, when EC2 last showed no copy of others; 0 */
	struct region_queue *source;  /* its poller watches the pending source; NULL: none */
	struct region_waiter *waiter; /* PHASE_CHECKING */
	struct aws_call *call;        /* PHASE_SENDING */

	int64_t lost_at; /* monotonic: when EC2's response failed to come; 0 */
	unsigned searches;

	int64_t accepted_at; /* pending: monotonic, since when its id is known here */
	int64_t answered_at; /* monotonic: when a poll last had it, or lacked it */
	unsigned absences;   /* polls in a row that lacked it */

	UT_hash_handle hh; /* copies.tokens, by the row's token */
};

struct job {
	struct copy pub; /* the first member: a job is its copy */
	struct copies *all;
	const struct job_kind *kind;
	enum phase phase;
	struct region_queue *queue; /* the destination's */
	struct work *work;          /* NULL once ended, unless its token may still turn up */
	struct job *prev, *next;    /* queue.waiting or queue.running; copies.recalled */
	unsigned place;             /* in queue.waiting, while queue.numbered */
	bool moving;                /* its source's deletion is under way */
	bool recalled;              /* from the history, until the loop turns */
	bool in_event;              /* job_event() is at work: it must not be entered again */
	char *key;                  /* of its request, while the copy is alive (job_key.c); NULL */

	/* The journal's row. */
	unsigned saves;       /* writes under way */
	struct save *awaited; /* its outcome is an event; NULL: none */
	bool unput;           /* the awaited one could not even be begun */
	bool dirty;           /* the row on disk is older: it is written again */

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

/* A pending snapshot that somebody waits for. */
struct held {
	char *id;
	unsigned holds; /* 0: only a glance */
	bool glance;    /* one answer is enough */
	int64_t since, answered_at;
	unsigned absences;
	UT_hash_handle hh; /* queue.held */
};

/* When EC2 is asked about a region's pending snapshots. */
struct poller {
	struct loop_timer *timer;
	bool busy;              /* a poll is under way */
	int64_t began_at;       /* monotonic: the latest poll; 0: none yet */
	int64_t listed_at;      /* the latest one that listed all pending ones; 0 */
	bool listing;           /* the present one does */
	bool urgent;            /* somebody reads */
	unsigned since_listing; /* polls */
	int64_t due_at;         /* while the timer is armed */
	unsigned failures;      /* in a row */
	int64_t backoff_ms;
	const char **ids; /* asked for by the present poll; owned, and so are the strings */
	bool *answered;   /* likewise: whether the response had the id */
	size_t n_ids;
};

/*
 * How many copies a region takes at once: learned from EC2's refusals (region_queue.c).
 *
 * Open: as many as the limit allows by our count of copies in progress. As long as EC2 has not
 * named the limit, one more is tried when the count has reached it: its refusal names the true
 * figure. Held: EC2 refused although our count is below the limit, so it counts copies that we do
 * not see. Then each copy that is seen to end admits one, and so does time, by a growing pause. It
 * opens again when count and limit agree.
 */
struct concurrency_limit {
	unsigned limit;
	bool learned; /* EC2 named the limit, at learned_at */
	int64_t learned_at;
	bool held;
	unsigned grants;  /* held: copies that ended since the refusal and are not replaced yet */
	int64_t grant_at; /* held: when time alone admits one */
	int64_t pause_ms;
	unsigned refusals; /* while held; 1 after an acceptance */
	int64_t first_ms;  /* the shortest pause; the longest is 15 times that */
	unsigned accepted; /* while EC2 had not named the limit */
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
	unsigned submitting, pending, foreigners; /* all take a slot; dry runs do not */
	struct concurrency_limit limit;
	bool numbered; /* each job in `waiting` knows its place */
	bool unlisted; /* after a start: nothing is sent before EC2's own count is known, or was
			  asked for in vain */
	bool blocked;  /* the first of `waiting` waits for a slot */
	struct loop_timer *pump;
	unsigned failures;   /* requests in a row without a response, or with one about something
				else (rate, credentials) */
	int64_t pause_until; /* monotonic: nothing is sent before; 0 */
	char reason[200];
	struct job *ids;
	struct foreign *foreign;
	struct held *held;
	struct poller poller;
	void *kind_region; /* the kind's own data for this region */
	struct dry_run *dry_runs;
	bool heeds_dry_run; /* a dry run that the user asked for copied nothing */
	bool copies_dry;    /* an automatic one did copy: never again */
	uint64_t polls, poll_failures, refusals, lost_answers;
	UT_hash_handle hh; /* copies.queues, by key */
};

struct copies {
	struct copies_options options;       /* its strings are owned */
	const struct job_kind *const *kinds; /* by enum request_kind; NULL-terminated */
	struct job *rows;                    /* active, lately ended, and lately asked about */
	struct work *tokens;
	struct job *keys; /* one for each request that has a living copy */
	struct region_queue *queues;
	struct history *history; /* ended ones, compact */
	struct job *recalled;    /* of those, the ones that somebody asks about at this moment */
	struct timing *timing;
	struct watchers watchers;     /* copies_watch_fn */
	struct admission *admissions; /* requests that have no row yet */
	struct deletion *deletions;   /* being journalled */
	struct confirm *confirms;
	struct amend *amends;
	struct move_cleanup *cleanups;
	struct waiters replies; /* answers that must not come before their call has returned */
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
