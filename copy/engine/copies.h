/* SPDX-License-Identifier: MIT */
/* The copies: every request of this mount, and the copies of others in progress that EC2 lists. */
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
/* The code of a failed copy that EC2 may or may not have made. */
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
	COPY_OURS,    /* requested through this mount; its row is in the journal */
	COPY_MACHINE, /* made by ebsfs on another machine: the copy has ebsfs's tags */
	COPY_TOOL,    /* made by another tool; seen as a pending copy in a region's listing */
};

/* Read-only outside copy/. Strings are owned by the copy; NULL when unknown. The row's code,
 * message and request_id say why the copy failed or waits. A pointer to a copy with origin
 * COPY_OURS is valid until COPIES_LATELY_MS after the copy's end; a pointer to any other copy
 * (row.id 0, or looked up after that time) only until the next loop iteration. */
struct job_kind;
struct copy {
	const struct job_kind *kind;
	enum copy_state state;
	enum copy_origin origin;
	struct journal_copy row;
	const char *reason; /* queued: why it waits ("20 copies are in progress into eu-west-1, its
			       limit"); otherwise "", or why EC2 cannot be asked about it */
	int progress;       /* EC2's percent; EC2_PROGRESS_UNKNOWN */
	int64_t eta_ms;     /* estimated wall-clock end; 0: unknown */
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
	int64_t poll_ms;    /* shortest interval between two polls of one region; 0: 2 s */
	int64_t window_ms;  /* how long EC2 may take to show what it has done; 0: 150 s */
	int64_t answer_ms; /* how long a caller waits while a request without a response is searched
			      for; 0: 45 s */
	int64_t retry_ms; /* the pause before the first retry; 0: 1 s. Later pauses grow to 60 times
			     that */
};

/* Reads the journal and resumes its copies; calls `receipt` for each receipt. Returns 0 or -errno
 * with *err. */
int copies_create(const struct copies_options *options, journal_receipt_fn *receipt, void *arg,
	struct copies **out, struct err *err);
/* Frees the copies; the journal keeps their rows. Drops waiting callers without calling their done.
 * Close the journal and destroy the regions before the next loop iteration, because both hold
 * callbacks into the freed copies. NULL is permitted. */
void copies_destroy(struct copies *c);

/* Requests a copy into `region`, or joins the living copy of the same source, region and label.
 * Calls done once, never before copies_request() has returned: with err NULL once EC2 has accepted
 * the request or the queue has it on disk; otherwise with EC2's refusal or ebsfs's own in *err, and
 * `copy` in state failed, or NULL if the journal could not record it. EEXIST with copy NULL: the
 * living copy differs from the request. The receipt (its id from journal_next_receipt_id()) is
 * journalled together with a new copy, in one transaction, or alone if the copy existed. `request`
 * and `receipt` are copied. A request cannot be cancelled once copies_request() has returned 0.
 * Returns 0 or -ENOMEM. */
typedef void copies_done(void *arg, struct copy *copy, const struct err *err);
int copies_request(struct copies *c, const char *region, const struct copy_request *request,
	bool move, const struct journal_receipt *receipt, copies_done *done, void *arg);

/* Whether the copy has the request's source, region and label: the request then joins the copy
 * while it is alive, unless their options differ. False for a dry run. */
bool copies_is_asked_for(struct copies *c, const char *region, const struct copy_request *request,
	const struct copy *copy);

/* The last receipt of a queued copy was removed: holds the copy, and cancels it after
 * COPIES_ABANDON_MS unless a request joins it. No effect on a copy in another state. */
#define COPIES_ABANDON_MS 5000
void copies_abandon(struct copies *c, struct copy *copy);
/* Adds tags to the copy: with CreateTags once the copy has an id (only tags that EC2 does not have
 * yet), in its row while no request was sent. done as for copies_request(). Returns 0 or -ENOMEM.
 */
int copies_add_tags(struct copies *c, struct copy *copy, const struct request_tag *tags,
	size_t n_tags, copies_done *done, void *arg);
/* Sets the description of a copy whose request waits for one (copy_request.awaits_description).
 * done: EEXIST if the request was already sent without the description. Returns 0 or -ENOMEM. */
int copies_describe(
	struct copies *c, struct copy *copy, const char *description, copies_done *done, void *arg);
/* The user wrote into the folder of a copy that waits for its description: the copy waits
 * COPIES_DESCRIPTION_MS more, but at most COPIES_DESCRIPTION_MAX_MS in all. */
#define COPIES_DESCRIPTION_MS     3000
#define COPIES_DESCRIPTION_MAX_MS 60000
void copies_expect_description(struct copies *c, struct copy *copy);
/* Checks that a completed copy's snapshot still exists, by a listing that began within the ttl or
 * by a request to EC2. If the snapshot is gone, the copy becomes COPY_DELETED. done: *err if EC2
 * could not be asked. Returns 0 or -ENOMEM. */
int copies_confirm(struct copies *c, struct copy *copy, copies_done *done, void *arg);
/* mv failed or was interrupted, so its caller believes the source untouched: turns the move into a
 * plain copy. */
void copies_keep_source(struct copies *c, struct copy *copy);
/* A snapshot was deleted through the mount: cancels the pending copy that was making it. */
void copies_snapshot_deleted(struct copies *c, const char *region, const char *id);
/* Whether a queued, submitting or pending copy still needs this snapshot as its source. The
 * snapshot must not be deleted then. */
bool copies_needs(const struct copies *c, const char *region, const char *id);

struct copy *copies_by_row(struct copies *c, int64_t id); /* journal_copy.id; NULL */
/* The copy that made or makes snapshot `id`; NULL. */
struct copy *copies_by_snapshot(struct copies *c, const char *region, const char *id);
/* Calls fn for each active copy and each copy that ended less than COPIES_LATELY_MS ago, oldest
 * request first. Returns 0, or -ENOMEM before the first call of fn. */
#define COPIES_LATELY_MS (86400LL * 1000)
typedef void copies_each_fn(void *arg, const struct copy *copy);
int copies_each(const struct copies *c, copies_each_fn *fn, void *arg);
/* Returns the copy's place in the destination's queue, from 1, and sets *length to the queue's
 * length. Returns 0 if the copy is not queued. */
unsigned copies_position(const struct copies *c, const struct copy *copy, unsigned *length);

/* Adds a watcher: fn is called whenever a copy's state, progress or reason changes (not its place
 * in the queue). fn may call the functions here that read, but must request nothing. 0 or -ENOMEM.
 */
typedef void copies_watch_fn(void *arg, const struct copy *copy);
int copies_watch(struct copies *c, copies_watch_fn *fn, void *arg);

/* Holds a pending snapshot while its status is read or waited for: as long as it is held, the
 * region's poller asks EC2 for it and enters the response in the region's catalogue. Returns 0 or
 * -ENOMEM; call copies_release() once for each hold. copies_glance() serves a single read: the next
 * poll comes soon and asks for the snapshot once. */
int copies_hold(struct copies *c, const char *region, const char *id);
void copies_release(struct copies *c, const char *region, const char *id);
void copies_glance(struct copies *c, const char *region, const char *id);
void copies_glance_at(struct copies *c, const struct copy *copy); /* the same for a pending copy */

/* Texts for people and programs (contract: status, copies, copies.json, metrics). Results as
 * buf_add. */
int copies_status(const struct copies *c, const struct copy *copy, int64_t now_ms, struct buf *out);
/* Appends the status of a snapshot that no known copy makes. If the snapshot has ebsfs's tags, they
 * name its source. */
int copies_snapshot_status(
	struct region *region, catalogue_slot slot, int64_t now_ms, struct buf *out);
/* receipts: the copy of each receipt (journal_copy.id), sorted, n of them. */
int copies_table(
	const struct copies *c, const int64_t *receipts, size_t n, int64_t now_ms, struct buf *out);
int copies_json(
	const struct copies *c, const int64_t *receipts, size_t n, int64_t now_ms, struct buf *out);
int copies_metrics(const struct copies *c, struct buf *out);

#endif
