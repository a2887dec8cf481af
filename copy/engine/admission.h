/* SPDX-License-Identifier: MIT */
/* Requests on their way to a row: the source is looked up first. */
#ifndef EBSFS_ADMISSION_H
#define EBSFS_ADMISSION_H

#include "engine.h"

/* copies_request(). */
int asking_start(struct copies *c, const char *region, const struct copy_request *request,
	bool move, const struct journal_receipt *receipt, copies_done *done, void *arg);
/* Whether one of them needs this source. */
bool asking_needs(const struct copies *c, const char *region, const char *id);
/* What was awaited of the lane has come, or is not awaited any more: who waited for it goes on. */
void asking_resume(struct lane *lane);
/* A dry run ended; refusal NULL: the copies that waited for it are not refused for it. */
void asking_tried(struct copies *c, const struct trial *trial, const struct err *refusal);
void asking_finish(struct copies *c);

#endif
