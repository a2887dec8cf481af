/* SPDX-License-Identifier: MIT */
/* What the files of the copy queue share: an entry for each copy, a queue for each region. Nobody
 * outside copy/ includes this. */
#ifndef EBSFS_ENGINE_H
#define EBSFS_ENGINE_H

/* Out of memory, a hash takes nothing more instead of ending the process: whoever adds looks at
 * hh.tbl. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>
#include <utlist.h>

#include "concurrency_limit.h"
#include "copies.h"
#include "encryption.h"
#include "estimate.h"
#include "history.h"
#include "loop.h"

#define TAG_REQUEST "ebsfs:request" /* = the copy's token */
#define TAG_SOURCE  "ebsfs:source"  /* = region/id */

/* EC2 was seen to hide a new snapshot for up to 132 s (coldsnap, upload.rs). */
#define WINDOW_MS 150000
#define ANSWER_MS 45000
#define RETRY_MS  1000

/* What is under way for an active copy, beside its state. */
enum phase {
	PHASE_REST,      /* nothing: it waits in the queue, or EC2 works on it */
	PHASE_CHECKING,  /* queued: EC2 is asked whether its source can be copied */
	PHASE_RECORDING, /* a row is being written that must be on disk before anything else happens
			    to the copy */
	PHASE_SENDING,   /* submitting: CopySnapshot is in flight */
	PHASE_SEARCHING, /* submitting: there was no answer; what EC2 made of it is being looked for
			  */
};

struct job;
struct region_queue;

/* What only an active copy needs. */
struct work {
	struct job *job;
	enum phase phase;
	char *reason;      /* this copy's own; NULL: the queue's */
	int64_t retry_at;  /* monotonic: not to be submitted before; 0 */
	unsigned failures; /* in a row */

	copies_done *done; /* who waits for the word; NULL: nobody (any more) */
	void *done_arg;
	struct loop_timer *patience; /* how long they wait for a lost answer */
	struct err *refusal;         /* what they are told when the row that says so is on disk */

	struct region_queue *source; /* whose poller watches the source for it: it is pending; NULL:
				it is not known to be */
	struct region_waiter *waiter; /* PHASE_CHECKING */
	struct aws_call *call;        /* PHASE_SENDING */

	int64_t lost_at; /* monotonic: when EC2's answer failed to come; 0 */
	unsigned searches;

	int64_t accepted_at; /* pending: monotonic, since when its id is known here */
	int64_t answered_at; /* monotonic: EC2 last told about it, or was asked in vain */
	unsigned absences;   /* answers in a row that lacked it */

	UT_hash_handle hh; /* copies.tokens, by the row's token */
};

struct job {
	struct copy pub; /* the first member: an entry is its copy */
	struct copies *all;
	struct region_queue *queue; /* the destination's */
	struct work *work;       /* NULL once ended, unless its token is still to be recognised */
	struct job *prev, *next; /* queue.queue or queue.flights; copies.recalled */
	unsigned place;          /* in queue.queue, while queue.numbered */
	unsigned saves;          /* writes of its row under way */
	bool dirty;    /* the row on disk is older, and nobody waits for it: it is written again */
	bool tell_end; /* its end is to be told (on_end, move) once it is on disk */
	bool moving;   /* a mover works for it */
	bool recalled; /* from the history, until the loop turns */
	void (*unsaved)(struct job *job,
		const struct err *err); /* whom to tell that its row could not even be put; NULL */
	UT_hash_handle hh;              /* copies.rows, by row id */
	UT_hash_handle hh_id;           /* queue.ids, by row.copy_id */
};

/* A copy that others have in progress. */
struct foreign {
	struct copy pub; /* the first member */
	struct region_queue *queue;
	int64_t answered_at;
	unsigned absences;
	UT_hash_handle hh; /* queue.foreign, by row.copy_id */
};

/* A snapshot that somebody waits for. */
struct held {
	char *id;
	unsigned holds; /* 0: only a glance */
	bool glance;    /* one answer is enough */
	int64_t since, answered_at;
	unsigned absences;
	UT_hash_handle hh; /* queue.held */
};

/* The one who asks EC2 about a region's pending snapshots. */
struct poller {
	struct loop_timer *timer;
	struct aws_call *call;
	int64_t began_at;       /* monotonic: the latest poll; 0: none yet */
	int64_t listed_at;      /* the latest one that listed all pending ones; 0 */
	bool listing;           /* that is what the present one does */
	bool urgent;            /* somebody reads */
	unsigned since_listing; /* polls */
	int64_t due_at;         /* while the timer is armed */
	unsigned failures;      /* in a row */
	int64_t backoff_ms;
	struct {
		char *id;
		bool answered;
	} * asked; /* the ids of the present poll, and whether the answer had them */
	size_t n_asked;
	char *next_token;
	unsigned pages;
};

/* The one who looks for what became of unanswered requests. */
struct search {
	struct loop_timer *timer;
	struct aws_call *call;
	int64_t began_at;
	enum search_kind { SEARCH_BY_TAG, SEARCH_BY_DESCRIPTION, SEARCH_ALL } kind;
	bool unfiltered; /* the endpoint refused a filter: all own snapshots are read from now on */
	bool left_out;   /* a page had snapshots that are not shown, for their ids */
	unsigned failures;
	char **values; /* tokens, or descriptions with -o notags */
	size_t n_values;
	char *next_token;
	unsigned pages;
	struct found *found; /* candidates so far */
	size_t n_found;
};

/* What the region encrypts with by default. */
struct defaults {
	struct encryption_defaults known;
	struct aws_call *on_call, *key_call;
	int64_t on_again_at, key_again_at; /* monotonic: not asked before; 0: never asked yet */
	struct loop_timer *patience;
	bool awaited; /* the answers may come soon */
};

struct region_queue {
	struct copies *all;
	struct region *region;
	const char *name;    /* the region's */
	struct job *waiting; /* queued, by row id */
	struct job *running; /* submitting and pending, in no order */
	unsigned n_waiting,
		recording; /* recording: of the queued ones, those whose row is not on disk yet */
	unsigned submitting, pending, foreigners; /* what takes a slot; dry runs do not */
	struct concurrency_limit limit;
	bool numbered; /* each entry of the queue knows its place */
	bool unlisted; /* after a start: nothing is sent before EC2's own count is known, or was
			  asked for in vain */
	bool blocked;  /* the head of the queue waits for a slot */
	struct loop_timer *pump;
	unsigned failures;   /* submissions in a row that got no answer, or none that was meant for
				them */
	int64_t pause_until; /* monotonic: nothing is sent before, whoever's turn it is; 0 */
	char reason[200];
	struct job *ids;
	struct foreign *foreign;
	struct held *held;
	struct poller poller;
	struct search search;
	struct defaults defaults;
	struct dry_run *trials;
	bool heeds_dry_run; /* a dry run that the user asked for copied nothing */
	bool copies_dry;    /* one that nobody asked for did copy: never again */
	uint64_t polls, poll_failures, refusals, lost_answers;
	UT_hash_handle hh; /* copies.queues, by name */
};

struct watcher {
	struct watcher *next;
	copies_watch_fn *fn;
	void *arg;
};

struct copies {
	struct copies_options options; /* its strings are owned */
	struct job *rows;              /* active, lately ended, and lately asked for */
	struct work *tokens;
	struct region_queue *queues;
	struct history *history; /* ended ones, compact */
	struct job *recalled;    /* of those, the ones that somebody asks about at this moment */
	struct estimate *estimate;
	struct watcher *watchers;
	struct admission *admissions; /* requests whose source is being looked up */
	struct move_cleanup *movers;
	struct deferred_reply
		*soon; /* answers that must not come before their question has returned */
	struct loop_timer *soon_timer, *save_timer, *sweep_timer, *recall_timer;
	struct save *saves; /* writes under way */
	unsigned save_failures;
	struct on_end *on_end;
};

static inline struct job *job_of(struct copy *copy)
{
	return (struct job *)copy;
}

#endif
