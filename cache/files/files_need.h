/* SPDX-License-Identifier: MIT */
/* Reads the bytes of the disk that a reader's request needs, and sends them to the reader. */
#ifndef EBSFS_FILES_NEED_H
#define EBSFS_FILES_NEED_H

#include "disk.h"
#include "files_process.h"

struct files_need;

struct files_need_read {
	struct files_need *need;
	struct disk_read *read; /* NULL: the read has ended */
	struct reader_range range;
};

struct files_need {
	struct files_process *process;
	uint64_t id; /* number of the request */
	struct files_need_read reads[READER_RANGES_MAX];
	unsigned n, left;
	struct err err; /* error of the first read that failed */
	void (*done)(void *arg);
	void *arg;
};

/* Reads n ranges at the same time, and sends each one when its read ends. Calls done() after the
 * last one, perhaps before this returns. `need` must not be in use. */
void files_need_start(struct files_need *need, struct disk_reader *disk,
	const struct reader_range *ranges, unsigned n);
/* Replies to all ranges with ECANCELED instead of reading them. */
void files_need_refuse(struct files_need *need, const struct reader_range *ranges, unsigned n);
void files_need_cancel(struct files_need *need); /* cancels the reads that have not ended */

#endif
