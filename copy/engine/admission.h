/* SPDX-License-Identifier: MIT */
/* Requests on their way to a row: the source is looked up first. */
#ifndef EBSFS_ADMISSION_H
#define EBSFS_ADMISSION_H

#include "engine.h"

/* copies_request(). */
int admission_start(struct copies *c, const char *region, const struct copy_request *request,
	bool move, const struct journal_receipt *receipt, copies_done *done, void *arg);
/* Whether one of them needs this source. */
bool admission_needs(const struct copies *c, const char *region, const char *id);
/* What was awaited of the queue has come, or is not awaited any more: who waited for it goes on. */
void admission_resume(struct region_queue *queue);
/* A dry run ended; refusal NULL: the copies that waited for it are not refused for it. */
void admission_tried(struct copies *c, const struct dry_run *trial, const struct err *refusal);
void admission_finish(struct copies *c);

#endif
