/* SPDX-License-Identifier: MIT */
/* A region as destination: its queue, its slots, which job may be sent next, and how many copies
 * the region takes at once. */
#ifndef EBSFS_REGION_QUEUE_H
#define EBSFS_REGION_QUEUE_H

#include "engine.h"

/* A kind's queue of a region, made at need. NULL on ENOMEM, or if the name has not a region's form.
 */
struct region_queue *region_queue_of(
	struct copies *c, const struct job_kind *kind, const char *region);
/* The queue of the kind that makes snapshots, whose poller watches the region's pending ones. */
struct region_queue *region_queue_get(struct copies *c, const char *region);
struct region_queue *region_queue_find(const struct copies *c, const char *region); /* NULL: none */
struct region_queue *region_queue_make(
	struct copies *c, const struct job_kind *kind, struct region *region); /* NULL on ENOMEM */
void region_queue_destroy(struct region_queue *queue); /* its jobs are gone already */

/* For job.c: a job comes into its state, or leaves it. */
void region_queue_enter(struct job *job);
void region_queue_leave(struct job *job);

/* Something changed: sees soon which jobs may be sent, and when to poll. */
void region_queue_wake(struct region_queue *queue);
/* Copies in progress into the region, as far as is known: our own, also those without a response
 * yet, and those of others. */
unsigned region_queue_used(const struct region_queue *queue);
/* A job is the copy of this id: it was taken for the copy of another. */
void region_queue_adopted(struct region_queue *queue, const char *id);
/* EC2 has accepted a job under this id, which is no other's copy then. */
void region_queue_accepted(struct region_queue *queue, const char *id);
/* EC2 refused one for the limit; it is back in the queue. */
void region_queue_refused(struct region_queue *queue, const struct err *err);
/* A request did not get through (network, rate, credentials, disk): after some of these in a row
 * the whole queue pauses, and then sends one at a time until EC2 answers. */
void region_queue_trouble(struct region_queue *queue);
void region_queue_answered(struct region_queue *queue);
/* Holds a queued job for so long: it is not sent before. Then it is cancelled, or has its turn. A
 * later hold replaces the present one, and ms 0 ends it; after that of a job that waits for its
 * description, the job waits for that again. */
void region_queue_hold(struct job *job, int64_t ms, bool cancels);
/* A queued job waits for its description: sets its hold anew. */
void region_queue_hold_for_description(struct job *job);
/* Whether a queued job waits for nothing of its own, only for its turn. now: monotonic. */
bool region_queue_is_ready(const struct job *job, int64_t now);
/* Whether a new request may be sent now, past no other. */
bool region_queue_is_free(const struct region_queue *queue);
/* Place in the queue from 1; 0: not queued. */
unsigned region_queue_position(const struct job *job);

/* A copy of others is in progress: takes a slot until its end. s: EC2's record. NULL on ENOMEM, or
 * if there are too many. */
struct foreign *region_queue_foreign(
	struct region_queue *queue, const struct catalogue_snapshot *s);
void region_queue_foreign_end(
	struct foreign *f, enum copy_state state, int64_t ended_ms, const char *message);
void region_queue_foreign_drop(struct foreign *f);

/* --- how many copies a region takes at once, and how to go on after a refusal; pure --- */

/* Concurrent snapshot copies per destination region, until EC2 names another figure (EBS quotas).
 */
#define CONCURRENCY_LIMIT_DEFAULT    20
/* A limit that EC2 named is believed for so long; then one copy more is tried again, for it may
 * have been raised. */
#define CONCURRENCY_LIMIT_LEARNED_MS (6 * 3600 * 1000LL)

void concurrency_limit_init(struct concurrency_limit *g, unsigned limit, int64_t first_ms);
/* Whether one more may be sent. used: copies in progress by our count; sending: how many of these
 * have no response yet. now_ms: monotonic. */
bool concurrency_limit_admits(
	const struct concurrency_limit *g, unsigned used, unsigned sending, int64_t now_ms);
/* Whether a queue may send one more while `sending` are unanswered. As long as EC2 has not named
 * the limit, no more than it has accepted so far, but one at least: where it is far below the
 * assumed one, not all that could be sent are refused, but at most one for each copy that it takes.
 */
bool concurrency_limit_paces(const struct concurrency_limit *g, unsigned sending, int64_t now_ms);
void concurrency_limit_sent(struct concurrency_limit *g, int64_t now_ms); /* one was */
void concurrency_limit_accepted(
	struct concurrency_limit *g, unsigned used, int64_t now_ms); /* used: that one included */
/* EC2 refused one for the limit; used: without that one. message: EC2's. unit: randomness in [0,
 * 1). */
void concurrency_limit_refused(struct concurrency_limit *g, const char *message, unsigned used,
	int64_t now_ms, double unit);
void concurrency_limit_freed(struct concurrency_limit *g); /* a copy in progress has ended */
void concurrency_limit_seen(
	struct concurrency_limit *g, unsigned used); /* EC2 itself shows so many in progress */
/* When concurrency_limit_admits() may turn true by time alone; INT64_MAX if it cannot. */
int64_t concurrency_limit_next(const struct concurrency_limit *g);

/* N from "The limit is N for this destination region"; 0 if the message names none. */
unsigned concurrency_limit_limit_of(const char *message);

#endif
