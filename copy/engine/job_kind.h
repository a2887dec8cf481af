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
/* made NULL without err: none. err: EC2 could not be asked. */
typedef void job_made_done(void *arg, const struct job_made *made, const struct err *err);

/* EC2's record of a job's result, as far as it is known here. */
enum job_presence {
	JOB_PRESENCE_UNKNOWN, /* EC2 has not described it in this mount */
	JOB_PRESENCE_ALIVE,
	JOB_PRESENCE_GONE,
	JOB_PRESENCE_BIN, /* in the recycle bin */
};

struct job_kind {
	const char *name;          /* in the log: "copy" */
	const char *plural;        /* "copies" */
	const char *row_name;      /* journal_copy.kind; NULL: copies */
	const char *action;        /* EC2's: "CopySnapshot" */
	const char *verb;          /* "copy": of a dry run that would do nothing */
	const char *result;        /* the thing made, and the status line of its id: "snapshot" */
	const char *again;         /* the option for one more of the same: "copy.again"; NULL */
	const char *const *states; /* the words shown for enum copy_state */
	unsigned limit;            /* at once into a region, until EC2 names another figure */
	int description_max;       /* characters; 0: it has none */
	bool makes_snapshots;      /* the region's catalogue has its results */
	/* Requests of others count for the limit: a poll lists all that are in progress. */
	bool counts_others;
	bool (*is_result_id)(const char *id);

	/* --- the kind's state of each region (queue->kind_region) --- */
	int (*attach)(struct region_queue *queue); /* 0 or -ENOMEM */
	void (*detach)(struct region_queue *queue);

	/* --- before the row is written --- */
	/* Replaces the row's source, as the text names it, by the snapshot that the request is
	 * carried out with. 0; 1: that has no id yet, so the job waits in the queue until check()
	 * finds it; or -errno with *err. NULL: it is the one that the text names. */
	int (*resolve)(struct copies *c, struct journal_copy *row, struct err *err);
	/* Makes the row's idempotency token of its key and generation. 0 or -ENOMEM. NULL: the
	 * token is random. */
	int (*token)(struct journal_copy *row);
	/* Fills the row with what follows from the source at `slot`, and `known` for judge().
	 * 0, or -errno with *err. */
	int (*compose)(struct copies *c, struct journal_copy *row,
		const struct copy_request *request, const struct catalogue *catalogue,
		catalogue_slot slot, struct preflight *known, struct err *err);
	/* Whether the region's settings are being asked for and decide about this request:
	 * admission_resume() follows. NULL: never. */
	bool (*awaits)(struct region_queue *queue, struct preflight *known);
	/* Judges before EC2 is asked. 0, or -errno with *err. */
	int (*judge)(const struct preflight *known, struct err *err);
	/* Whether a living copy is what an equal request asks for; options that the request leaves
	 * out never differ. request: as it came, not composed. 0, or -EEXIST with *err: the copy,
	 * the difference, and what to do. */
	int (*difference)(struct copies *c, const struct copy *copy,
		const struct preflight *request, struct err *err);
	/* Asks the destination whether another ebsfs has made what a composed row asks for, under
	 * the same key. waits: it goes into the queue, and its turn asks, so only what is known
	 * already counts, and a question that serves all requests. done is called once, never
	 * before this returned. NULL with *err: no memory (ENOMEM), or nothing to ask (errnum 0),
	 * as if none was found. A kind without this member never asks. */
	struct made_question *(*find_made)(struct region_queue *queue,
		const struct journal_copy *row, bool waits, job_made_done *done, void *arg,
		struct err *err);
	void (*find_made_cancel)(struct made_question *question);

	/* --- the request --- */
	/* Whether the job can be sent now. False: it waits for something that it lacks, or got an
	 * event. */
	bool (*check)(struct job *job);
	/* Sends it and sets work->call; the response becomes an event. 0, or -errno with *err:
	 * nothing was sent. */
	int (*send)(struct job *job, struct err *err);
	/* Sends the row's request as a dry run. NULL with *err: nothing was sent. A kind without
	 * this member sends none before it queues a request. */
	struct aws_call *(*dry_run)(struct copies *c, const struct journal_copy *row,
		job_dry_run_done *done, void *arg, struct err *err);
	/* Looks for what EC2 made of a request without a response, until JOB_ACCEPTED,
	 * JOB_NOT_MADE or JOB_REFUSED. why: what went wrong; NULL: as before. 0, or -errno with
	 * *err: it cannot be looked for. */
	int (*find_lost)(struct job *job, const struct err *why, struct err *err);

	/* --- after EC2 has accepted it --- */
	/* EC2 has accepted it: shows the result before EC2's own listings do. NULL: nothing. */
	void (*show)(struct job *job);
	/* EC2 has lacked the result of a pending job for so long that it is gone: sends the event
	 * of that. */
	void (*vanished)(struct job *job);
	/* Asks EC2 about poller.ids, or, when poller.listing, about everything in progress. Calls
	 * poller_answered() for each that EC2 shows, and poller_done() at the end. 0 or -ENOMEM. */
	int (*poll)(struct region_queue *queue);
	void (*poll_cancel)(struct region_queue *queue);
	/* The row of its end is durable: starts the rest of the request (mv deletes its source).
	 * NULL: there is none. */
	void (*ended)(struct job *job);
	/* The mount ends: drops what ended() began; the rows say that it is still to be done. */
	void (*finish)(struct copies *c);

	/* --- whether its result still exists --- */
	/* By what is known; `is_fresh`: no older than the region's ttl. */
	enum job_presence (*presence)(const struct region_queue *queue, const char *id);
	bool (*is_fresh)(const struct region_queue *queue, const struct copy *copy);
	/* Asks EC2; presence() knows when done is called, which is once, and never before this
	 * returned. NULL on ENOMEM. */
	struct presence_question *(*ask)(
		struct region_queue *queue, const char *id, region_done *done, void *arg);
	void (*ask_cancel)(struct presence_question *question);

	/* --- texts; a member may be NULL --- */
	/* The state in words, where states[] is not enough. */
	const char *(*state)(const struct copies *c, const struct copy *copy);
	/* Further lines of the status: after the region, and at the end. */
	void (*facts)(const struct copies *c, const struct copy *copy, struct buf *out);
	void (*next_steps)(const struct copies *c, const struct copy *copy, struct buf *out);
	/* Advice for a result that ended in state error; NULL: none. */
	const char *(*advice)(const struct copy *copy);
	/* How the result is, or will be, encrypted, as far as is known. Results as buf_add. */
	int (*encryption)(const struct copies *c, const struct copy *copy, struct buf *out);
	/* The status line `move` of a row that moves: what becomes of the source. */
	void (*follow_up)(const struct copy *copy, struct buf *out);
	/* Appends a remark if the same request was carried out elsewhere too. */
	void (*doubles)(const struct copies *c, const struct copy *copy, struct buf *out);
};

#endif
