/* SPDX-License-Identifier: MIT */
/* The copies: every CopySnapshot that this mount was asked for, is carrying out, or sees others
 * carry out. */
#ifndef EBSFS_COPIES_H
#define EBSFS_COPIES_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "aws.h"
#include "buf.h"
#include "err.h"
#include "journal.h"
#include "regions.h"
#include "snapshot_file.h"

/* clang-format off */
/*
 * The states of a copy, as the journal has them. job.c alone changes a state, by the table there;
 * every change is on disk before its consequence leaves this machine.
 *
 *   state       from         moved by                       what holds in it
 *
 *   queued      (new)        a request that must wait       nothing was sent, or EC2 surely did
 *               submitting   a refusal for the limit;       not carry it out
 *                            no way to EC2
 *               cancelled    a disk that did not take it
 *   submitting  (new)        a request and a free slot      a CopySnapshot may be on its way;
 *               queued       a free slot                    never sent again before its token was
 *                                                           looked for
 *   pending     submitting   EC2's answer; the token found  EC2 has the copy; copy_id is known
 *               failed       the token, found long after
 *               (new),       a copy that another ebsfs made
 *               queued
 *   completed   pending      EC2's listing                  ended
 *               deleted      EC2's listing, long after
 *               (new)        a copy that another ebsfs made
 *               submitting   EC2's answer to a dry run      ended; nothing was made
 *   error       pending      EC2's listing                  ended; message is EC2's StatusMessage
 *   failed      queued       the source's end               ended; nothing was made; code, message
 *               submitting   EC2's refusal; no answer and   and request_id say why; acknowledged:
 *                            no copy                        it had been accepted before
 *   deleted     completed    EC2's listing, a question      ended; its snapshot is gone from EC2;
 *                                                           deleted_ms: when that was seen
 *   cancelled   queued       its last receipt gone          ended
 *               pending      rmdir of the copy; its end
 *                            elsewhere
 *               queued,      a start, if it never was
 *               submitting   accepted
 *
 * In the other states the row's message is a note (tags that had no room, what a dry run said). Of
 * a completed copy that moves, code says what became of the source: COPY_SOURCE_DELETED or
 * COPY_SOURCE_KEPT (message says why); NULL: it is still to be deleted.
 */
/* clang-format on */
#define COPY_SOURCE_DELETED "SourceDeleted"
#define COPY_SOURCE_KEPT    "SourceKept"
/* The code of a failed copy of which nobody knows whether EC2 made it. */
#define COPY_CODE_UNKNOWN   "UnknownOutcome"

enum copy_state {
	COPY_QUEUED,
	COPY_SUBMITTING,
	COPY_PENDING,
	COPY_COMPLETED,
	COPY_ERROR,
	COPY_FAILED,
	COPY_CANCELLED,
	COPY_DELETED,
};
#define COPY_STATES (COPY_DELETED + 1)
/* A state in words, as the journal has it (region_queue.c). */
const char *copy_state_text(enum copy_state state);
bool copy_state_ended(enum copy_state state);

enum copy_origin {
	COPY_OURS,    /* asked for through this mount's journal */
	COPY_MACHINE, /* ebsfs elsewhere: it bears ebsfs's tags */
	COPY_TOOL,    /* another tool's, seen as a pending copy in a region's listing */
};

/* Read-only for all outside copy/. Strings are owned by the copy; NULL when unknown. Why it failed
 * or waits is in the row: code, message, request_id. A copy of ours stays at its address until
 * COPIES_LATELY_MS after its end; any other (row.id 0, or asked for later than that) only until the
 * loop turns. */
struct job_kind;
struct copy {
	const struct job_kind *kind;
	enum copy_state state;
	enum copy_origin origin;
	struct journal_copy row;
	const char *reason; /* queued: why, in words ("20 copies are in progress into eu-west-1, its
			       limit"); else "", or why nothing new is known */
	int progress;       /* EC2's percent; EC2_PROGRESS_UNKNOWN */
	int64_t eta_ms;     /* estimated wall-clock end; 0: no idea */
};

struct copies;

struct copies_options {
	uv_loop_t *loop; /* all borrowed */
	struct aws *aws;
	struct regions *regions;
	struct journal *journal;
	const char *account;
	const char *on_end; /* command to run when a copy ends; NULL: none */
	bool no_tags;       /* -o notags: never send tags; weaker promises */
	int64_t poll_ms;    /* shortest interval between two polls of a region; 0: 2 s */
	int64_t window_ms;  /* how long EC2 may take to show what it has done; 0: 150 s */
	int64_t answer_ms;  /* how long a caller waits for a lost answer to be found; 0: 45 s */
	int64_t retry_ms;   /* the first pause before something is tried again; 0: 1 s. They grow to
			       60 times that */
};

/* Reads the journal and takes up what it holds; receipts are handed to `receipt` one by one. */
int copies_create(const struct copies_options *options, journal_receipt_fn *receipt, void *arg,
	struct copies **out, struct err *err);
/* NULL is permitted. Nothing is lost: the journal has it. Callers that still wait are dropped
 * without a call. The journal is to be closed, and the regions to be destroyed, before the loop
 * turns: they would call back here. */
void copies_destroy(struct copies *c);

/* Asks for a copy into `region`, or joins the living copy of the same source, region and label.
 * done: err NULL once EC2 has accepted the request or the queue has it on disk; else *err, EC2's
 * refusal or ours, with `copy` in state failed, or NULL if not even that could be recorded. EEXIST
 * with copy NULL: the living copy is not what is asked for. The receipt (its id from
 * journal_next_receipt_id()) is journalled with the copy, in one transaction, or alone if the copy
 * was there. `request` and `receipt` are copied. Called once, never before this returned. Not to be
 * cancelled: a request that is under way is carried out. Returns 0 or -ENOMEM. */
typedef void copies_done(void *arg, struct copy *copy, const struct err *err);
int copies_request(struct copies *c, const char *region, const struct copy_request *request,
	bool move, const struct journal_receipt *receipt, copies_done *done, void *arg);

/* Whether the living copy is what this request asks for there: then it joins it, unless their
 * options differ. A dry run never is. */
bool copies_is_asked_for(struct copies *c, const char *region, const struct copy_request *request,
	const struct copy *copy);

/* A queued copy's last receipt is gone: it is held, and cancelled after COPIES_ABANDON_MS unless a
 * request joins it. No effect on a copy in another state. */
#define COPIES_ABANDON_MS 5000
void copies_abandon(struct copies *c, struct copy *copy);
/* Tags that the copy is to carry too: set with CreateTags once it has an id (those that EC2 has
 * already are left out), written into its row while nothing was sent. done as above. Returns 0 or
 * -ENOMEM. */
int copies_add_tags(struct copies *c, struct copy *copy, const struct request_tag *tags,
	size_t n_tags, copies_done *done, void *arg);
/* The description that a request with awaits_description waits for; done: EEXIST if the copy was
 * sent without it. Returns 0 or -ENOMEM. */
int copies_describe(
	struct copies *c, struct copy *copy, const char *description, copies_done *done, void *arg);
/* A write into the folder of a copy that waits for its description: it waits
 * COPIES_DESCRIPTION_MS from now on, but not longer than COPIES_DESCRIPTION_MAX_MS in all. */
#define COPIES_DESCRIPTION_MS     3000
#define COPIES_DESCRIPTION_MAX_MS 60000
void copies_expect_description(struct copies *c, struct copy *copy);
/* Makes sure that a completed copy's snapshot still exists, by a listing begun within the ttl or a
 * question to EC2; a copy whose snapshot is gone becomes COPY_DELETED. done: *err if EC2 could not
 * be asked. Returns 0 or -ENOMEM. */
int copies_confirm(struct copies *c, struct copy *copy, copies_done *done, void *arg);
/* mv failed or was interrupted, so its caller believes the source untouched: turns the move into a
 * plain copy. */
void copies_keep_source(struct copies *c, struct copy *copy);
/* A snapshot was deleted through the mount: a copy that was making it is cancelled. */
void copies_snapshot_deleted(struct copies *c, const char *region, const char *id);
/* Whether a queued, submitting or pending copy still needs this snapshot as its source; it must not
 * be deleted then. */
bool copies_needs(const struct copies *c, const char *region, const char *id);

struct copy *copies_by_row(struct copies *c, int64_t id); /* journal_copy.id; NULL */
struct copy *copies_by_snapshot(
	struct copies *c, const char *region, const char *id); /* that made or makes id; NULL */
/* All, oldest request first: active ones and those that ended lately (COPIES_LATELY_MS). Returns 0,
 * or -ENOMEM before the first call of fn. */
#define COPIES_LATELY_MS (86400LL * 1000)
typedef void copies_each_fn(void *arg, const struct copy *copy);
int copies_each(const struct copies *c, copies_each_fn *fn, void *arg);
/* Place in the destination's queue from 1, and its length; 0 if the copy is not queued. */
unsigned copies_position(const struct copies *c, const struct copy *copy, unsigned *length);

/* Told whenever a copy's state, progress or reason changed (not for a new place in the queue). Any
 * number of watchers. A watcher may read here but request nothing. 0 or -ENOMEM. */
typedef void copies_watch_fn(void *arg, const struct copy *copy);
int copies_watch(struct copies *c, copies_watch_fn *fn, void *arg);

/* Holds a pending snapshot while its status is read or waited for: the region's one poller asks for
 * it too, as long as it is held. The poller's answers go into the region's catalogue. Returns 0 or
 * -ENOMEM; release exactly as often as held. copies_glance(): one reader, once: no more than that
 * the next poll comes soon. */
int copies_hold(struct copies *c, const char *region, const char *id);
void copies_release(struct copies *c, const char *region, const char *id);
void copies_glance(struct copies *c, const char *region, const char *id);
void copies_glance_at(struct copies *c, const struct copy *copy); /* at a pending job's result */

/* Texts for people and programs (contract: status, copies, copies.json, metrics). Results as
 * buf_add. */
int copies_status(const struct copies *c, const struct copy *copy, int64_t now_ms, struct buf *out);
/* The status of a snapshot that no copy is known to make; its source, if ebsfs ever copied it, is
 * read from its tags. */
int copies_snapshot_status(
	struct region *region, catalogue_slot slot, int64_t now_ms, struct buf *out);
/* receipts: the copy of each receipt (journal_copy.id), sorted, n of them. */
int copies_table(
	const struct copies *c, const int64_t *receipts, size_t n, int64_t now_ms, struct buf *out);
int copies_json(
	const struct copies *c, const int64_t *receipts, size_t n, int64_t now_ms, struct buf *out);
int copies_metrics(const struct copies *c, struct buf *out);

#endif
