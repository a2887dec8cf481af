/* SPDX-License-Identifier: MIT */
/* A kind of request, as the engine knows it: how it is sent, found again, watched and described.
 * CopySnapshot, CreateVolume and RegisterImage are kinds (kinds/). The queue, the journal, the
 * poller and the texts call a kind only through this table. Each kind has a queue for each region.
 */
#ifndef EBSFS_JOB_KIND_H
#define EBSFS_JOB_KIND_H

#include <stdbool.h>
#include <stddef.h>

#include "aws.h"
#include "buf.h"
#include "catalogue.h"
#include "ec2.h"
#include "err.h"
#include "journal.h"
#include "preflight.h"
#include "region.h"
#include "snapshot_file.h"

struct copies;
struct copy;
struct job;
struct made_question;
struct presence_question;
struct region_queue;

/* id: the copy that EC2 made in spite of DryRun; NULL: none, as it should be. */
typedef void job_dry_run_done(
	void *arg, const char *id, const char *request_id, const struct err *err);

/* A copy that another ebsfs made for an equal request. Strings are borrowed for the call. */
struct job_made {
	const char *copy_id;
	bool completed;
	int64_t started_ms, ended_ms; /* wall clock; 0: unknown */
};
/* made NULL: no such copy exists, or, with err, EC2 could not be asked. */
typedef void job_made_done(void *arg, const struct job_made *made, const struct err *err);

/* EC2's record of a job's result, as far as it is known here. */
enum job_presence {
	JOB_PRESENCE_UNKNOWN, /* EC2 has not described the result since the mount began */
	JOB_PRESENCE_ALIVE,
	JOB_PRESENCE_GONE,
	JOB_PRESENCE_BIN, /* in the recycle bin */
};

struct job_kind {
	const char *name;          /* in the log: "copy" */
	const char *plural;        /* "copies" */
	const char *row_name;      /* journal_copy.kind; NULL: copies */
	const char *action;        /* EC2's: "CopySnapshot" */
	const char *verb;          /* "copy", "create": for a dry run's "would VERB nothing" */
	const char *result;        /* the thing made, and the status line of its id: "snapshot" */
	const char *again;         /* the option that requests one more: "copy.again"; NULL: none */
	const char *const *states; /* the words shown for enum copy_state */
	unsigned limit;            /* jobs in progress per region, until EC2 names another limit */
	int description_max;       /* characters; 0: the kind has no description */
	bool makes_snapshots;      /* its results are snapshots, in the region's catalogue */
	/* Others' requests count towards the limit, so a poll lists everything in progress. */
	bool counts_others;
	bool (*is_result_id)(const char *id);

	/* --- the kind's state of each region (queue->kind_region) --- */
	int (*attach)(struct region_queue *queue); /* 0 or -ENOMEM */
	void (*detach)(struct region_queue *queue);

	/* --- before the row is written --- */
	/* Replaces the source that the request's text names by the snapshot that EC2 is to use.
	 * Returns 0; 1 if that snapshot has no id yet, so that the job waits in the queue until
	 * check() finds it; or -errno with *err. NULL: EC2 uses the source that the text names. */
	int (*resolve)(struct copies *c, struct journal_copy *row, struct err *err);
	/* Sets the row's idempotency token from its key and generation. 0 or -ENOMEM. NULL: the
	 * token stays random. */
	int (*token)(struct journal_copy *row);
	/* Completes the row (description, tags, …) from the request and the source at `slot`, and
	 * fills `known` for judge(). 0, or -errno with *err. */
	int (*compose)(struct copies *c, struct journal_copy *row,
		const struct copy_request *request, const struct catalogue *catalogue,
		catalogue_slot slot, struct preflight *known, struct err *err);
	/* Whether this request must wait for the region's settings (its encryption defaults), which
	 * EC2 was asked for. If so, admission_resume() is called later. NULL: never. */
	bool (*awaits)(struct region_queue *queue, struct preflight *known);
	/* Checks whether EC2 would accept the request, without asking EC2. 0, or -errno with *err.
	 */
	int (*judge)(const struct preflight *known, struct err *err);
	/* Compares the options of a request with those of the living copy of the same key; an
	 * option that the request leaves out never differs. request: before compose(). Returns 0,
	 * or -EEXIST with *err that names the copy, the difference, and what to do. */
	int (*difference)(struct copies *c, const struct copy *copy,
		const struct preflight *request, struct err *err);
	/* Asks the destination whether another ebsfs has already made the copy of this composed
	 * row's key. waits: the request will wait in the queue, and check() asks again on its turn;
	 * so find_made() may use only what is known already, or a question that serves all
	 * requests. Calls done once, never before find_made() has returned. NULL with *err: out of
	 * memory (ENOMEM), or there is no need to ask (errnum 0) and the request goes on as if no
	 * copy was found. NULL member: the kind never asks. */
	struct made_question *(*find_made)(struct region_queue *queue,
		const struct journal_copy *row, bool waits, job_made_done *done, void *arg,
		struct err *err);
	void (*find_made_cancel)(struct made_question *question);

	/* --- the request --- */
	/* Whether the job can be sent now. False: the job must wait (for its source, for example),
	 * or check() has sent it an event. */
	bool (*check)(struct job *job);
	/* Sends the job's request and sets work->call; the response becomes an event. 0, or -errno
	 * with *err: nothing was sent. */
	int (*send)(struct job *job, struct err *err);
	/* Sends the row's request as a dry run. NULL with *err: nothing was sent. NULL member:
	 * requests of the kind are queued without a dry run. */
	struct aws_call *(*dry_run)(struct copies *c, const struct journal_copy *row,
		job_dry_run_done *done, void *arg, struct err *err);
	/* Starts to find out whether EC2 carried out a request whose response was lost; the result
	 * is JOB_ACCEPTED, JOB_NOT_MADE or JOB_REFUSED. why: the error that lost the response,
	 * shown in the job's reason; NULL: the job keeps its reason. 0, or -errno with *err: it is
	 * impossible to find out. */
	int (*find_lost)(struct job *job, const struct err *why, struct err *err);

	/* --- after EC2 has accepted it --- */
	/* Shows the accepted job's result before EC2's own listings do. NULL: not needed. */
	void (*show)(struct job *job);
	/* A pending job's result was absent from so many polls that it counts as gone: sends the
	 * job the event for this. */
	void (*vanished)(struct job *job);
	/* Asks EC2 about poller.ids or, if poller.listing, about everything in progress. Calls
	 * poller_answered() for each id in the response, and poller_done() at the end. 0 or
	 * -ENOMEM. */
	int (*poll)(struct region_queue *queue);
	void (*poll_cancel)(struct region_queue *queue);
	/* The row of the job's end is durable: starts the rest of the request (for mv, the deletion
	 * of the source). NULL: nothing is left to do. */
	void (*ended)(struct job *job);
	/* The mount ends: drops the work that ended() started; the rows keep it as still to do. */
	void (*finish)(struct copies *c);

	/* --- whether its result still exists --- */
	/* presence: from EC2's responses so far; is_fresh: whether these are no older than the
	 * region's ttl. */
	enum job_presence (*presence)(const struct region_queue *queue, const char *id);
	bool (*is_fresh)(const struct region_queue *queue, const struct copy *copy);
	/* Asks EC2 about the result; presence() has the response when done is called. Calls done
	 * once, never before ask() has returned. NULL on ENOMEM. */
	struct presence_question *(*ask)(
		struct region_queue *queue, const char *id, region_done *done, void *arg);
	void (*ask_cancel)(struct presence_question *question);

	/* --- texts; a member may be NULL --- */
	/* The state in words; NULL member: states[] is used. */
	const char *(*state)(const struct copies *c, const struct copy *copy);
	/* Append further lines of the status: facts() after the region, next_steps() at the end. */
	void (*facts)(const struct copies *c, const struct copy *copy, struct buf *out);
	void (*next_steps)(const struct copies *c, const struct copy *copy, struct buf *out);
	/* Advice for a result that ended in state error; NULL: none. */
	const char *(*advice)(const struct copy *copy);
	/* Appends how the result is or will be encrypted, as far as is known. Results as buf_add.
	 */
	int (*encryption)(const struct copies *c, const struct copy *copy, struct buf *out);
	/* Appends the status line `move` of a moving copy: what happens to its source. */
	void (*follow_up)(const struct copy *copy, struct buf *out);
	/* Appends a remark if another ebsfs carried out the same request too. */
	void (*doubles)(const struct copies *c, const struct copy *copy, struct buf *out);
};

#endif
