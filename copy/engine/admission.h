/* SPDX-License-Identifier: MIT */
/* A request before its job has a row in the journal. The request joins the living copy of the same
 * key; otherwise ebsfs looks up its source, judges it (preflight), and, if it must wait in the
 * queue, asks EC2 with a dry run whether it is permitted. For queued jobs: whether the source
 * snapshot can be copied now. */
#ifndef EBSFS_ADMISSION_H
#define EBSFS_ADMISSION_H

#include "engine.h"

/* Implements copies_request(). */
int admission_start(struct copies *c, const char *region, const struct copy_request *request,
	bool move, const struct journal_receipt *receipt, copies_done *done, void *arg);
/* The region's settings (kind->awaits()) have arrived, or asking for them failed: resumes the
 * requests that waited for the settings. */
void admission_resume(struct region_queue *queue);
/* EC2 accepted the row's request, or its dry run: notes that requests with the same encryption, KMS
 * key and use of tags and deadline are permitted, so that they need no dry run for a while. */
void admission_permitted(struct region_queue *queue, const struct journal_copy *row);
/* The endpoint ignored DryRun and started the job `id`: sends no more automatic dry runs to this
 * queue's region. Sets *err to a message that names `id`. */
void admission_dry_run_copied(struct region_queue *queue, const char *id, struct err *err);
/* Implements copies_needs(). Requests that have no row yet need their source, too. */
bool admission_needs(const struct copies *c, const char *region, const char *id);

/* Calls fn with each request that has no row in the journal yet. */
void admission_each_row(
	const struct copies *c, void (*fn)(void *arg, const struct journal_copy *row), void *arg);

/* The region's queue is being destroyed: frees its dry runs. */
void admission_forget(struct region_queue *queue);
void admission_finish(struct copies *c);

/* --- the source snapshot of a job --- */

enum source_state {
	SOURCE_READY,
	SOURCE_PENDING,
	SOURCE_UNFIT,   /* EC2 will never copy the snapshot: *err says why */
	SOURCE_UNKNOWN, /* the catalogue does not have the snapshot */
};
/* Returns the state of snapshot `id` by the catalogue, and sets *slot (may be NULL) to its slot. */
enum source_state admission_source_state(
	struct region *region, const char *id, catalogue_slot *slot, struct err *err);
/* Sets *err to ENOENT for a source snapshot that EC2 does not know. Returns -ENOENT. */
int admission_source_unknown(const char *region, const char *id, struct err *err);

/* job_kind.check: whether the queued job's source can be copied now. */
bool admission_check_source(struct job *job);
/* The catalogue's record of snapshot `id` has changed: resumes the jobs that wait for this source.
 */
void admission_source_changed(struct region_queue *queue, const char *id);

#endif
