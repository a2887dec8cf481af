/* SPDX-License-Identifier: MIT */
/* The queue of a destination region: which job may be sent next, and how many copies EC2 carries
 * out at once into the region. */
#ifndef EBSFS_REGION_QUEUE_H
#define EBSFS_REGION_QUEUE_H

#include "engine.h"

/* The kind's queue for a region, created if necessary. NULL on ENOMEM, or if `region` does not have
 * the form of a region's name. */
struct region_queue *region_queue_of(
	struct copies *c, const struct job_kind *kind, const char *region);
/* The queue of the kind that makes snapshots, whose poller watches the region's pending ones. */
struct region_queue *region_queue_get(struct copies *c, const char *region);
struct region_queue *region_queue_find(const struct copies *c, const char *region); /* NULL: none */
struct region_queue *region_queue_make(
	struct copies *c, const struct job_kind *kind, struct region *region); /* NULL on ENOMEM */
void region_queue_destroy(struct region_queue *queue); /* its jobs are gone already */

/* For job.c: enters a job into the lists and counts of its state, or removes it from them. */
void region_queue_enter(struct job *job);
void region_queue_leave(struct job *job);

/* Call it when anything changed: the next loop iteration sends the jobs that may be sent and sets
 * the time of the next poll. */
void region_queue_wake(struct region_queue *queue);
/* The number of known copies in progress into the region: this mount's, with those that have no
 * response yet, and those of others. */
unsigned region_queue_used(const struct region_queue *queue);
/* The copy `id` turned out to be a job's: removes it from the copies of others. */
void region_queue_adopted(struct region_queue *queue, const char *id);
/* EC2 has accepted a job under this id: notes that the region took one more copy, and removes `id`
 * from the copies of others. */
void region_queue_accepted(struct region_queue *queue, const char *id);
/* EC2 refused a job because of the limit (the job is in the queue again): learns from the refusal.
 */
void region_queue_refused(struct region_queue *queue, const struct err *err);
/* A request did not get through (network, rate, credentials, disk): after three of these in a row
 * the whole queue pauses, and then sends one job at a time until region_queue_answered() is called.
 */
void region_queue_trouble(struct region_queue *queue);
void region_queue_answered(struct region_queue *queue);
/* Holds a queued job for `ms`; then cancels the job, or lets it be sent. A later call replaces the
 * hold; ms 0 ends it, but a job that waits for its description then gets the hold for that again.
 */
void region_queue_hold(struct job *job, int64_t ms, bool cancels);
/* Renews the hold of a queued job that waits for its description. */
void region_queue_hold_for_description(struct job *job);
/* Whether a queued job waits only for its turn: not for its source, a retry's pause or a hold. now:
 * monotonic. */
bool region_queue_is_ready(const struct job *job, int64_t now);
/* Whether a new request may be sent now without overtaking a queued job that could be sent. */
bool region_queue_is_free(const struct region_queue *queue);
/* The job's place in the queue, from 1; 0: not queued. */
unsigned region_queue_position(const struct job *job);

/* Adds a copy in progress that was not requested through this mount; it takes a slot until its end.
 * s: EC2's record. NULL on ENOMEM, or if the region has too many. */
struct foreign *region_queue_foreign(
	struct region_queue *queue, const struct catalogue_snapshot *s);
void region_queue_foreign_end(
	struct foreign *f, enum copy_state state, int64_t ended_ms, const char *message);
void region_queue_foreign_drop(struct foreign *f);

/* --- how many copies a region takes at once, also after a refusal; functions without side effects
 * --- */

/* Concurrent snapshot copies per destination region, until EC2 names another figure (EBS quotas).
 */
#define CONCURRENCY_LIMIT_DEFAULT    20
/* How long a limit that EC2 named is trusted. After this time one copy more is sent again, because
 * AWS may have raised the limit. */
#define CONCURRENCY_LIMIT_LEARNED_MS (6 * 3600 * 1000LL)

void concurrency_limit_init(struct concurrency_limit *g, unsigned limit, int64_t first_ms);
/* Whether one more copy may be sent. used: copies in progress by our count; sending: how many of
 * these have no response yet. now_ms: monotonic. */
bool concurrency_limit_admits(
	const struct concurrency_limit *g, unsigned used, unsigned sending, int64_t now_ms);
/* Whether a queue may send one more copy while `sending` requests have no response yet. As long as
 * EC2 has not named the limit, `sending` stays below the number of copies that EC2 has accepted so
 * far (at least 1). So if the true limit is far below the assumed one, EC2 refuses at most one
 * request for each copy that it accepts. */
bool concurrency_limit_paces(const struct concurrency_limit *g, unsigned sending, int64_t now_ms);
void concurrency_limit_sent(struct concurrency_limit *g, int64_t now_ms); /* one copy was sent */
void concurrency_limit_accepted(
	struct concurrency_limit *g, unsigned used, int64_t now_ms); /* used: includes that copy */
/* EC2 refused a copy because of the limit. message: EC2's; used: without that copy; unit: random,
 * in [0, 1). */
void concurrency_limit_refused(struct concurrency_limit *g, const char *message, unsigned used,
	int64_t now_ms, double unit);
void concurrency_limit_freed(struct concurrency_limit *g); /* a copy in progress has ended */
void concurrency_limit_seen(
	struct concurrency_limit *g, unsigned used); /* EC2 itself shows so many in progress */
/* The time (monotonic) when concurrency_limit_admits() may become true without another event;
 * INT64_MAX: never. */
int64_t concurrency_limit_next(const struct concurrency_limit *g);

/* Returns N from "The limit is N for this destination region"; 0 if the message names no limit. */
unsigned concurrency_limit_limit_of(const char *message);

#endif
