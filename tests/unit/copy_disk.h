/* SPDX-License-Identifier: MIT */
/* The disk of the copy queue's tests: a journal in memory whose writes take time, fail, or are
 * lost. */
#ifndef EBSFS_COPY_DISK_H
#define EBSFS_COPY_DISK_H

#include "journal.h"

void disk_start(void);
void disk_end(void);
struct journal *disk_journal(void);
/* Ends what is under way, after the copies are gone: it is committed, or lost,
 * and nobody is told. */
void disk_end_writes(bool committed);

#endif
