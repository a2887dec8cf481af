/* SPDX-License-Identifier: MIT */
/* A request until it has a row: it joins the living copy of its key, or its source is looked up,
 * preflight judges, and a dry run shows whether a request that must wait is permitted. In the
 * queue: whether the source can be copied by now. */
#ifndef EBSFS_ADMISSION_H
#define EBSFS_ADMISSION_H

#include "engine.h"

/* copies_request(). */
int admission_start(struct copies *c, const char *region, const struct copy_request *request,
	bool move, const struct journal_receipt *receipt, copies_done *done, void *arg);
/* The region's settings have arrived, or are given up (kind->awaits()): requests that waited for
 * them go on. */
void admission_resume(struct region_queue *queue);
/* EC2 has accepted such a request, or has answered a dry run of it as it should: it is permitted.
 */
void admission_permitted(struct region_queue *queue, const struct journal_copy *row);
/* An endpoint did not heed DryRun, and gets no more of them: *err says what it has done. */
void admission_dry_run_copied(struct region_queue *queue, const char *id, struct err *err);
/* Whether a request without a row, an active job or another's copy still needs this snapshot as its
 * source. */
bool admission_needs(const struct copies *c, const char *region, const char *id);

/* Calls fn with each request that has no row in the journal yet. */
void admission_each_row(
	const struct copies *c, void (*fn)(void *arg, const struct journal_copy *row), void *arg);

/* The region goes: frees its dry runs. */
void admission_forget(struct region_queue *queue);
void admission_finish(struct copies *c);

/* --- the source snapshot of a job --- */

enum source_state {
	SOURCE_READY,
	SOURCE_PENDING,
	SOURCE_UNFIT,   /* EC2 will never copy it: *err says why */
	SOURCE_UNKNOWN, /* the catalogue does not have it */
};
/* By the catalogue. *slot (NULL is permitted): where it is. */
enum source_state admission_source_state(
	struct region *region, const char *id, catalogue_slot *slot, struct err *err);
/* Sets *err to ENOENT for a source that EC2 does not know. Returns -ENOENT. */
int admission_source_unknown(const char *region, const char *id, struct err *err);

/* job_kind.check: whether the queued job's source can be copied now. */
bool admission_check_source(struct job *job);
/* A snapshot that is held has changed: jobs that wait for it go on. */
void admission_source_changed(struct region_queue *queue, const char *id);

#endif
